//! The console's state, as reducers: what is known, and how news changes it. No browser, no HTTP,
//! no clock; times come in as arguments, in milliseconds of the browser's clock.

pub mod connection;
pub mod cpu_list;
pub mod disk;
pub mod emergency;
pub mod events;
pub mod failure;
pub mod findings;
pub mod limits;
pub mod list;
pub mod log;
pub mod output;
pub mod overview;
pub mod process;
pub mod service;
pub mod session;
pub mod settings;
pub mod start;
pub mod tree;
pub mod words;
