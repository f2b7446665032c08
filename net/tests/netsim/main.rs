//! The stack and its sockets in a simulated network.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod addresses;
mod churn;
mod front;
mod front_weather;
mod hostile;
mod machine;
mod names;
mod own;
mod raw;
mod server;
mod tcp;
mod world;
