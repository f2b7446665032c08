//! The gate against hostile clients: what is refused, what gets through, and that neither depends
//! on how the bytes were cut into reads.
#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod play;
mod properties;
mod refusals;
mod requests;
mod timing;
