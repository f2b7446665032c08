//! The stack and its sockets in a simulated network.
mod tcp;
mod world;
