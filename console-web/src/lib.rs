//! The web console.
//!
//! What can be decided without a browser is in [`model`] (reducers), [`format`], [`series`] and
//! [`plot`]; those are tested on the host. `api` is the only file that does HTTP; `pages` and
//! `components` draw. Types of what crosses the wire come from `admin-api`.
#![forbid(unsafe_code)]

pub mod api;
pub mod app;
pub mod browser;
pub mod components;
pub mod format;
pub mod hooks;
pub mod model;
pub mod pages;
pub mod plot;
pub mod read;
pub mod route;
pub mod series;
pub mod shell;
pub mod stores;
pub mod theme;
