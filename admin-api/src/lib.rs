//! The admin API: types, routes, authorisation, OpenAPI.
//!
//! [`types`] is what crosses the wire, in both directions; the console uses it alone
//! (`default-features = false`). With the feature `server` comes the server, generic over
//! a [`Backend`](backend::Backend) that the kernel implements.
// What utoipa derives wants the prelude of std.
#![cfg_attr(not(feature = "openapi"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(all(feature = "fake", not(feature = "openapi")))]
extern crate std;

pub mod types;

#[cfg(feature = "server")]
pub mod backend;
#[cfg(feature = "server")]
pub mod server;

#[cfg(feature = "fake")]
pub mod fake;

#[cfg(feature = "openapi")]
pub mod openapi;
