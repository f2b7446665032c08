//! A crash-safe store of small records: each key has a value, and what was put is there after a power
//! cut, or was never there at all.
//!
//! The disk is a parameter ([`Sectors`]), so that tests cut the power after any sector.
//!
//! # On the disk
//! | sectors | what |
//! |---|---|
//! | 0, 16 | the header of the first half, twice |
//! | 8, 24 | the header of the second half, twice; each on a physical sector of its own where those have 4 KiB |
//! | 32 and up | the first half, then the second |
//!
//! One half is in use: a log of records, one after the other. A record takes whole sectors, and each of
//! those is a [frame](frame): it says to which half's filling and to which record it belongs, as which
//! part of how many, and has a checksum. So a sector that was torn, that is left over from before, or
//! that holds what a user wrote is never taken for the beginning of a record. Nothing that has been
//! answered for is ever written over: a commit appends and flushes. When a half is full, what still
//! counts is copied to the other one, whose header, written and flushed last, makes it the one in use;
//! the old header is then taken away, so that a header that goes bad later does not bring back the past.
//!
//! After a power cut the log ends where a record is not whole. What follows is searched for a later
//! record all the same: if there is one, the disk has lost something in the middle, and that is
//! [told](Recovery), never passed over.
//!
//! - `store`: [`Store`]. `recover`: reading the log. `compact`: changing halves. `format`: what a disk is.
//! - `frame`, `header`, `record`, `checksum`: the bytes.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod bytes;
mod checksum;
mod compact;
mod error;
mod format;
mod frame;
mod header;
mod random;
mod record;
mod recover;
mod sectors;
mod store;

pub use error::{OpenError, StoreError};
pub use record::{MOST_KEY_BYTES, MOST_VALUE_BYTES};
pub use recover::Recovery;
pub use sectors::{SECTOR_BYTES, Sectors};
pub use store::{Figures, Foreign, Store};
