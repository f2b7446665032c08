//! MultiOS's own system calls, for programs. `docs/native-calls.md` describes the calls themselves.
//!
//! - [`Command`] starts programs, in a sandbox if wanted; [`wait`], [`terminate`], [`suspend`],
//!   [`resume`], [`signal`] and the rest of [`process`] deal with those that run.
//! - [`Processes`] lists them page by page, [`info`] tells about one.
//! - [`service`] registers, starts, stops and finds services, and says how the caller's own one is.
//! - [`Error`] is what the kernel's process manager said, typed; elsewhere than on MultiOS it is
//!   [`Error::NotMultiOs`].
//! - With the feature `start`, [`entry!`] makes a program of a function, without a C library or a heap.
//!
//! ```
//! use multios::{Command, Error, Exit};
//!
//! fn run() -> Result<Exit, Error> {
//!     let child = Command::new(c"/bin/true")?.start()?;
//!     multios::wait(child, None)
//! }
//!
//! // On Linux there are no such calls.
//! assert_eq!(run(), Err(Error::NotMultiOs));
//! ```
#![no_std]

#[macro_use]
mod words;

mod command;
mod error;
pub mod input;
mod list;
#[cfg(all(feature = "start", not(test)))]
mod memory;
pub mod output;
pub mod process;
pub mod service;
#[cfg(all(feature = "start", not(test)))]
pub mod start;
mod strings;
mod system;

pub use command::{Command, Network, OnViolation, Sandbox, User};
pub use error::Error;
pub use linux_abi::SystemCall;
pub use linux_abi::native::{LimitValues, NativeCall, NativeError, ProcessInfo, limit_bits};
pub use list::{Processes, info};
pub use process::{
    Class, Exit, Isolation, Pid, Priority, SchedulingChange, State, Termination, resume,
    set_limits, set_scheduling, signal, suspend, terminate, version, wait,
};
pub use strings::{StringList, TooMany};
