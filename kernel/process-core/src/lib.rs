//! Processes without hardware: table, lifecycle, tree, groups, wait, signals, limits, accounting.
#![no_std]
#![forbid(unsafe_code)]
