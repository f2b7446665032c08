//! Locks and queues without hardware.
#![no_std]
