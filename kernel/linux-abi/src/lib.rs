//! Linux's system-call ABI for x86_64: numbers, layouts, and the checked decoding of arguments.
//!
//! - [`SystemCall`] and [`Errno`]: numbers with their names.
//! - [`Arguments`]: the six registers; [`memory`], [`file`], [`process`], [`futex`] and [`time`] make
//!   typed arguments of them, refusing what Linux refuses with the same error.
//! - [`Restart`]: how a call goes on that a signal has interrupted.
//! - [`layout`]: the structures in a program's memory, as arrays of bytes.
//! - [`InitialStack`]: what lies on the stack of a program that starts (feature `alloc`).
//! - [`native`]: MultiOS's own calls.
//!
//! Signals (numbers, names, default actions) are `process-core`'s. Nothing here looks at a
//! program's memory or knows a process.
//!
//! ```
//! use linux_abi::memory::{Mmap, MmapSource, Prot};
//! use linux_abi::{Arguments, Errno, SystemCall};
//!
//! // In the kernel's dispatch: the number is RAX, the arguments are the registers.
//! let (call, arguments) = (SystemCall::new(9), Arguments([0, 8192, 3, 0x22, u64::MAX, 0]));
//! match call {
//!     SystemCall::MMAP => {
//!         let mmap = Mmap::decode(&arguments)?;
//!         assert_eq!(mmap.source, MmapSource::Anonymous);
//!         assert_eq!(mmap.prot, Prot::READ | Prot::WRITE);
//!     }
//!     _ => return Err(Errno::ENOSYS),
//! }
//! # Ok::<(), Errno>(())
//! ```
#![no_std]
#![forbid(unsafe_code)]

#[cfg(feature = "alloc")]
extern crate alloc;

mod arguments;
pub mod auxiliary;
mod errno;
pub mod file;
mod flags;
pub mod futex;
pub mod layout;
pub mod memory;
pub mod native;
mod number;
pub mod process;
mod restart;
pub mod script;
pub mod socket;
#[cfg(feature = "alloc")]
mod stack;
pub mod time;

pub use arguments::{Arguments, MAX_TRANSFER_BYTES, UserPointer};
pub use errno::{Errno, decode_result, encode_result};
pub use number::SystemCall;
pub use restart::{HasAsked, Restart, Resumption};
#[cfg(feature = "alloc")]
pub use stack::{Auxiliary, InitialStack, MAX_STRING_BYTES, StackError, StackImage};
