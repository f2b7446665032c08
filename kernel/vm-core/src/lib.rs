//! Memory without hardware: frame allocation, address-space map, ELF load plan.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod frame;
