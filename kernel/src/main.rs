//! The MultiOS kernel.
#![no_std]
#![no_main]
