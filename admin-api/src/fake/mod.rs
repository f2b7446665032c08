//! A system that does not exist, on the host: for the API's tests, for the console without a boot,
//! and for fuzzing.
//!
//! [`FakeBackend`] keeps processes that run, sleep, write, get signals and die; its CPUs are as busy as
//! those processes make them. Time comes from a [`Clock`] that a test moves by hand. [`serve_mock`]
//! serves the API and the console over it.

mod backend;
mod clock;
mod confined;
mod demo;
mod files;
mod life;
mod mock;
mod mock_assets;
mod parts;
mod program;
mod resources;
mod services;
mod state;

pub use clock::Clock;
pub use mock::{MockConfig, serve_mock};
pub use state::FakeBackend;
