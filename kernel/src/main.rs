//! The MultiOS kernel.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod broadcast;
mod events;
mod fs;
mod interrupts;
mod levels;
mod log;
mod memory;
mod process;
mod random;
mod scheduler;
mod sync;
mod syscall;

hal::entry!(main);

fn main(boot: hal::boot::Boot) -> ! {
    let machine = match boot.start_machine() {
        Ok(machine) => machine,
        Err(error) => panic!("this machine cannot be driven: {error}"),
    };
    info!("{machine:?} {:?} {:?}", hal::frame::figures(), boot.command_line);
    scheduler::start(&machine.platform.processors);
    interrupts::start();
    hal::smp::start_all(&machine.platform.processors, scheduler::idle_forever, |error| {
        warning!("{error}")
    });
    scheduler::all_cpus_started();
    info!("{} CPUs", hal::cpu::online());
    start_tests(boot.initrd);
    info!("idle");
    scheduler::idle_forever()
}

fn start_tests(initrd: &'static [u8]) {
    use alloc::boxed::Box;
    use alloc::vec;
    random::start();
    info!("files: {:?}", fs::start(initrd));
    process::start().unwrap();
    process::start_manager().unwrap();
    process::spawn_kernel_thread(
        "test",
        process_core::Priority::Normal,
        65536,
        Box::new(|| {
            for args in [
                vec!["echo", "hello", "world"],
                vec!["cat", "/etc/passwd"],
                vec!["sleep", "1"],
                vec!["true"],
                vec!["false"],
                vec!["ls", "-l", "/"],
                vec!["yes"],
                vec!["uname", "-a"],
                vec!["date"],
            ] {
                let mut path = b"/bin/".to_vec();
                path.extend_from_slice(args[0].as_bytes());
                let new = process::NewProgram {
                    path,
                    arguments: args.iter().map(|a| a.as_bytes().to_vec()).collect(),
                    environment: vec![b"PATH=/bin".to_vec()],
                    name: None,
                    working_directory: b"/".to_vec(),
                    scheduling: Default::default(),
                    affinity: sched_core::CpuSet::ALL,
                    credentials: process_core::Credentials::root(),
                    limits: Default::default(),
                    actor: None,
                };
                let before = hal::time::now_ns();
                match process::create(&new) {
                    Err(e) => info!("{args:?}: {e}"),
                    Ok(pid) => {
                        let p = process::find(pid);
                        let mut killed = false;
                        if let Ok(p) = p {
                            while !p.has_ended() {
                                scheduler::park_until(
                                    process_core::BlockReason::Sleep,
                                    hal::time::now_ns() + 10_000_000,
                                );
                                if hal::time::now_ns() - before > 2_000_000_000 && !killed {
                                    killed = true;
                                    info!(
                                        "{:?}",
                                        process::snapshot(pid).map(|s| (s.state, s.usage))
                                    );
                                    info!("kill {:?}", process::terminate(pid, None));
                                }
                            }
                            let s = process::snapshot(pid);
                            info!(
                                "{args:?} {} us: {:?} {:?}",
                                (hal::time::now_ns() - before) / 1000,
                                s.as_ref().map(|s| s.state),
                                s.as_ref().map(|s| s.usage)
                            );
                            let out = p.output.read(0, 500);
                            info!("  {:?}", core::str::from_utf8(&out.bytes));
                        }
                    }
                }
            }
            info!("{:?} {:?}", hal::frame::figures(), hal::heap::statistics());
            for e in events::after(0, 100) {
                info!("{e:?}");
            }
            hal::debug_exit::exit(hal::debug_exit::Outcome::Success);
        }),
    )
    .unwrap();
}
