//! Scheduling without hardware: run queue and policy, balance decisions, timer queue.
#![no_std]
#![forbid(unsafe_code)]
