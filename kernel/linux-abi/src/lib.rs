//! Linux's system-call ABI: numbers, layouts, checked decoding of arguments.
#![no_std]
#![forbid(unsafe_code)]
