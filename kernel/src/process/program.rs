//! A program's thread: into ring 3, out again, and what to do then, until it ends.

use alloc::sync::Arc;

use hal::user::{Exit, UserContext};
use process_core::{
    BlockReason, Delivery, ExitStatus, PendingSignal, Signal, SignalCause, WhatFollows,
};

use super::{Process, control, end_thread, now};
use crate::events::{self, Kind};
use crate::memory::{self, FaultError};
use crate::scheduler::{self, Thread, count};
use crate::syscall;

/// The main function of a program's thread.
pub(super) fn run(mut context: UserContext) {
    let Some(thread) = scheduler::current() else { return };
    let process = Arc::clone(thread.process());
    while is_to_go_on(&thread, &process) {
        hal::interrupts::disable();
        if thread.needs_attention() || scheduler::must_preempt() {
            hal::interrupts::enable();
            scheduler::preempt();
            continue;
        }
        let exit = context.enter();
        let user_ns = context.take_user_time_ns();
        count(&thread.figures.user_ns, user_ns);
        scheduler::count_user_time(user_ns);
        match exit {
            Exit::SystemCall => syscall::handle(&thread, &process, &mut context),
            Exit::PageFault(fault) => {
                let Some(space) = process.space() else { break };
                match space.fault(fault.address, memory::access(fault), memory::presence(fault)) {
                    Ok(()) => count(&thread.figures.minor_faults, 1),
                    Err(error) => memory_error(&thread, &process, error, fault.address),
                }
            }
            Exit::Exception { vector, .. } => {
                let signal = exception_signal(vector);
                let address = context.registers().rip;
                raise(&thread, &process, signal, address, 0);
            }
            Exit::Interrupt => {}
        }
        scheduler::preempt();
    }
    drop(process);
    drop(thread);
    end_thread(0);
}

/// Whether the thread may enter its program. Waits here while the process is suspended.
fn is_to_go_on(thread: &Arc<Thread>, process: &Process) -> bool {
    loop {
        let was_called = thread.take_attention();
        if process.is_ending() {
            return false;
        }
        if process.is_held() {
            scheduler::park(BlockReason::Signal);
            continue;
        }
        if !was_called {
            return true;
        }
        deliver_pending(thread, process);
    }
}

/// Deals with the signals that wait for this thread.
fn deliver_pending(thread: &Thread, process: &Process) {
    let context = process.signal_context();
    let delivery = process.signals.lock().next_delivery(thread.tid(), context, now());
    match delivery {
        // `rt_sigaction` takes no handlers yet, so none can be chosen.
        None | Some(Delivery::Handler { .. }) => {}
        Some(Delivery::Terminate(status)) => control::end_own(process, status),
        Some(Delivery::Stop(signal)) => {
            // It may have been stopped, or have ended, meanwhile.
            let _ = process.stop(signal);
        }
    }
}

/// Memory could not be given: by the program's own fault, or because there is none.
fn memory_error(thread: &Thread, process: &Process, error: FaultError, address: u64) {
    use vm_core::address_space::Violation;
    /// siginfo's `si_code`: nothing is mapped there; it may not be used like that; sigaction(2).
    const SEGV_MAPERR: i32 = 1;
    const SEGV_ACCERR: i32 = 2;
    const BUS_ADRERR: i32 = 2;
    match error {
        FaultError::Violation(Violation::Unmapped) => {
            raise(thread, process, Signal::SIGSEGV, address, SEGV_MAPERR);
        }
        FaultError::Violation(Violation::Denied) => {
            raise(thread, process, Signal::SIGSEGV, address, SEGV_ACCERR);
        }
        FaultError::BeyondFile => raise(thread, process, Signal::SIGBUS, address, BUS_ADRERR),
        FaultError::LimitExceeded => {
            events::publish(
                Kind::LimitExceeded,
                Some(process.pid),
                None,
                format_args!("memory_bytes: the process has all that it may have"),
            );
            control::end_own(process, ExitStatus::by_signal(Signal::SIGKILL));
        }
        FaultError::OutOfMemory => {
            crate::warning!("no memory is left: process {} ends", process.pid);
            events::publish(
                Kind::LimitExceeded,
                Some(process.pid),
                None,
                format_args!("no memory is left"),
            );
            control::end_own(process, ExitStatus::by_signal(Signal::SIGKILL));
        }
    }
}

/// A fault of the thread itself, as a signal.
fn raise(thread: &Thread, process: &Process, signal: Signal, address: u64, code: i32) {
    let fault = PendingSignal { signal, cause: SignalCause::Fault { address, code } };
    let follows = process.signals.lock().raise_fault(thread.tid(), fault, now());
    match follows {
        WhatFollows::Terminate(status) => control::end_own(process, status),
        // A handler would be called at the border; without handlers nothing else can follow.
        WhatFollows::Wake(_) | WhatFollows::Stop(_) | WhatFollows::Nothing => {
            control::end_own(process, ExitStatus::by_signal(signal));
        }
    }
}

/// Linux's signal for an exception (arch/x86: traps).
fn exception_signal(vector: u8) -> Signal {
    match vector {
        0 | 16 | 19 => Signal::SIGFPE,
        1 | 3 => Signal::SIGTRAP,
        6 => Signal::SIGILL,
        17 => Signal::SIGBUS,
        _ => Signal::SIGSEGV,
    }
}
