//! What the pages of services know and decide.

pub mod detail;
pub mod document;
pub mod graph;
pub mod lines;
pub mod list;
pub mod words;
