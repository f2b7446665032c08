//! Packs the web console into files that the kernel embeds and serves as they are.
//!
//! [`pack`] runs wasm-bindgen over the built module, reduces PatternFly's style sheet to the rules
//! that the module can use, gives every file a name that contains its content's hash (so that a
//! browser may keep it for ever), compresses what is worth it and writes `manifest.json`, which
//! the kernel's build reads. [`fetch_packages`] brings the npm packages of the lock file.
//!
//! The output depends on the inputs alone: no time stamp, no path, no order of a directory.
#![forbid(unsafe_code)]

mod bindgen;
mod css;
mod error;
mod manifest;
mod packages;
mod site;

pub use error::PackError;
pub use manifest::{Asset, Manifest};
pub use packages::fetch_packages;
pub use site::pack;
