//! The API over the fake system, through a socket in memory.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "in a test, what is not as expected is a failure"
)]

mod authorisation;
mod errors;
mod files;
mod fuzz;
mod gate;
mod harness;
mod lists;
mod openapi;
mod parts;
mod routes;
mod sandbox;
mod service_changes;
mod service_documents;
mod services;
mod streams;
mod types;
