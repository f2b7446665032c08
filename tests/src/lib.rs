//! Boots the real image in QEMU and talks to it the way users do.
//!
//! [`Guest`] is a booted machine, [`curl`] speaks HTTP with it, [`raw`] breaks HTTP's rules,
//! [`services`] deals with services, [`compare`] runs programs in it and on this host's Linux.
//! `cargo xtask test e2e` builds the image first; run alone, the tests take the last one built.
#![forbid(unsafe_code)]
#![expect(clippy::expect_used, reason = "this crate only serves tests, which fail by panicking")]

pub mod compare;
pub mod curl;
pub mod guest;
pub mod raw;
pub mod services;
pub mod wait;

pub use curl::Answer;
pub use guest::{Guest, Setup};
