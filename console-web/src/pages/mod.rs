//! The pages, one folder or file each.

pub mod emergency;
pub mod log;
pub mod overview;
pub mod process;
pub mod processes;
pub mod sign_in;
