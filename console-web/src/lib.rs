//! The web console.
//!
//! What can be decided without a browser is in [`model`] (reducers), [`format`], [`series`] and
//! [`plot`]; those are tested on the host. `api` is the only file that does HTTP; `pages` and
//! `components` draw. Types of what crosses the wire come from `admin-api`.
#![forbid(unsafe_code)]

pub mod format;
pub mod model;
pub mod plot;
pub mod series;
