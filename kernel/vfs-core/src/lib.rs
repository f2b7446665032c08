//! Files without hardware: path walk, descriptor rules, tmpfs, initramfs reader.
#![no_std]
#![forbid(unsafe_code)]
