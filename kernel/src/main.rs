//! The MultiOS kernel: the boot order, one line a step. Every step is explained in its module.
#![no_std]
#![no_main]
#![deny(unsafe_code)]
#![expect(
    unreachable_pub,
    reason = "a binary has no outside; pub says which items other modules use"
)]

extern crate alloc;

mod admin;
mod broadcast;
mod disk;
mod events;
mod fs;
mod interrupts;
mod levels;
mod log;
mod memory;
mod network;
mod options;
mod process;
mod random;
mod scheduler;
mod selftest;
mod service;
mod socket;
mod sync;
mod syscall;
mod terminal;

use hal::boot::Boot;
use options::Options;

hal::entry!(main);

/// Runs on the boot CPU, as what later is its idle thread: steps here do not sleep.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the one `Boot` that there is, from the hal's entry"
)]
fn main(boot: Boot) -> ! {
    let options = Options::parse(boot.command_line);
    hal::panic::set_action(options.panic);
    log::set_console_level(options.console_level);
    let machine = match boot.start_machine() {
        Ok(machine) => machine,
        Err(error) => panic!("this machine cannot be driven: {error}"),
    };
    greet(&machine, &options);
    if !random::start() {
        warning!("the CPU gives no random numbers: the generator has the boot's timing only");
    }
    start_files(boot.initrd);
    scheduler::start(&machine.platform.processors);
    interrupts::start();
    hal::smp::start_all(&machine.platform.processors, scheduler::idle_forever, |error| {
        warning!("{error}");
    });
    scheduler::all_cpus_started();
    info!("{} CPUs run", hal::cpu::online());
    if let Err(error) = start_threads(&options, &machine, boot.initrd) {
        panic!("the kernel's threads cannot be started: {error}");
    }
    scheduler::idle_forever()
}

fn greet(machine: &hal::boot::Machine, options: &Options) {
    info!(
        "MultiOS {} on {}, {} MiB of memory",
        env!("CARGO_PKG_VERSION"),
        hal::cpu::features::model_name(),
        hal::frame::figures().total_bytes >> 20
    );
    info!(
        "the time stamp counter runs at {} MHz, measured against {:?}",
        machine.clock.tsc_hz / 1_000_000,
        machine.clock.reference
    );
    if hal::frame::node_count() > 1 {
        info!("memory is divided among {} NUMA nodes", hal::frame::node_count());
    }
    for complaint in &options.complaints {
        warning!("{complaint}");
    }
}

/// Fills the file system from the archive, and finds the kernel's own symbols in it.
fn start_files(archive: &'static [u8]) {
    match fs::start(archive) {
        Ok(count) => info!("the archive holds {count} files"),
        Err(error) => error!("the archive is damaged: {error}"),
    }
    if let Ok(memory::FileBytes::Archive(table)) = fs::read_whole(b"/boot/kernel.symbols")
        && hal::symbols::install(table).is_err()
    {
        warning!("/boot/kernel.symbols belongs to another kernel: backtraces have no names");
    }
}

fn start_threads(
    options: &Options,
    machine: &hal::boot::Machine,
    initrd: &[u8],
) -> Result<(), process::CreateError> {
    process::start()?;
    process::start_manager()?;
    admin::gather(&machine.platform, initrd);
    if let Some(filter) = &options.test {
        return selftest::start(filter.clone());
    }
    disk::start(options.foreign_disk)?;
    admin::start()?;
    network::start(options, secrets(options))?;
    service::start(options.services)
}

/// What lets the first user in. Without a token from the command line one is made, and shown on the
/// serial console, where only the machine's owner reads.
fn secrets(options: &Options) -> network::Secrets {
    let token = options.token.clone().unwrap_or_else(|| {
        let token = alloc::format!("{:016x}{:016x}", random::number(), random::number());
        use core::fmt::Write;
        // A serial port takes every byte: there is no error to handle.
        let _ = writeln!(hal::serial::lock(), "The first token for the API: {token}");
        token
    });
    network::Secrets { token, link_secret: options.link_secret.clone() }
}
