//! The MultiOS kernel.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

extern crate alloc;

mod broadcast;
mod interrupts;
mod levels;
mod log;
mod memory;
mod process;
mod scheduler;

hal::entry!(main);

fn main(boot: hal::boot::Boot) -> ! {
    let machine = match boot.start_machine() {
        Ok(machine) => machine,
        Err(error) => panic!("this machine cannot be driven: {error}"),
    };
    info!("{machine:?} {:?} {:?}", hal::frame::figures(), boot.command_line);
    scheduler::start(&machine.platform.processors);
    interrupts::start();
    hal::smp::start_all(&machine.platform.processors, scheduler::idle_forever, |error| warning!("{error}"));
    scheduler::all_cpus_started();
    info!("{} CPUs", hal::cpu::online());
    use alloc::sync::Arc;
    use alloc::boxed::Box;
    use core::sync::atomic::*;
    static DONE: AtomicU32 = AtomicU32::new(0);
    let process = Arc::new(process::Process { pid: process_core::Pid::INIT });
    for n in 0..8u32 {
        let t = scheduler::spawn(scheduler::Task { tid: process_core::Tid::new(10 + i64::from(n)).unwrap(), process: process.clone(), params: Default::default(), affinity: sched_core::CpuSet::ALL, stack_bytes: 16384, main: Box::new(move || {
            let start = hal::time::now_ns();
            while hal::time::now_ns() - start < 200_000_000 { core::hint::spin_loop(); }
            let t = scheduler::current().unwrap();
            scheduler::park_until(process_core::BlockReason::Sleep, hal::time::now_ns() + 50_000_000);
            info!("thread {n} done after {} us on {:?}: {:?}", (hal::time::now_ns() - start) / 1000, t.last_cpu(), t.figures.usage().cpu);
            if DONE.fetch_add(1, Ordering::Relaxed) == 7 {
                for c in 0..hal::cpu::online() { info!("cpu {c}: {:?}", scheduler::figures(c)); }
                hal::debug_exit::exit(hal::debug_exit::Outcome::Success) }
        }) }).unwrap();
        t.start();
    }
    info!("idle");
    scheduler::idle_forever()
}
