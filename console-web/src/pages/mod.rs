//! The pages, one folder or file each.

pub mod emergency;
pub mod log;
pub mod overview;
pub mod process;
pub mod processes;
pub mod service;
pub mod services;
pub mod sign_in;
