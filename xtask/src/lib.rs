//! The project's commands, one file a command. A library as well, because the end-to-end tests boot
//! the same machines by the same means.
#![forbid(unsafe_code)]

pub mod accel;
pub mod bench;
pub mod build;
pub mod console;
pub mod cpio;
pub mod failure;
pub mod help;
pub mod http;
pub mod image_programs;
pub mod initrd;
pub mod mock;
pub mod options;
pub mod places;
pub mod programs;
pub mod qemu;
pub mod run;
pub mod secret;
pub mod setup;
pub mod shell;
pub mod symbols;
pub mod test;
pub mod tidy;
pub mod toolchain;
