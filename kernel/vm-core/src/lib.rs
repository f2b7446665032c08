//! Memory without hardware: frame allocation, address-space map, ELF load plan.
#![no_std]
#![forbid(unsafe_code)]
