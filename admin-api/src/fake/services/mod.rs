//! The service manager of the fake system: small, but with the real one's manners.
//!
//! What a service does depends on the last part of its program's name: `crash`, `hang`, `leak` and `slow` are
//! what they say, the others work.

mod backend;
mod checks;
mod describe;
mod follow;
mod graph;
mod life;
mod plan;
mod state;

pub(super) use state::FakeServices;
