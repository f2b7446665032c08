//! The MultiOS kernel.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

hal::entry!(main);

fn main(boot: hal::boot::Boot) -> ! {
    use core::fmt::Write;
    let machine = boot.start_machine();
    let _ = writeln!(hal::serial::lock(), "{machine:?} {:?} {:?}", hal::frame::figures(), boot.command_line);
    hal::debug_exit::exit(hal::debug_exit::Outcome::Success)
}
