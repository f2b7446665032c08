//! The hardware layer.
#![no_std]
