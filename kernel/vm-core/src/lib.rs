//! Memory without hardware: frame allocation, address-space map, ELF load plan.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address_space;
pub mod elf;
pub mod frame;
pub mod sparse;
