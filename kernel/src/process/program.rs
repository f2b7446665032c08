//! A program's thread: into ring 3, out again, and what to do then, until it ends.

use alloc::sync::Arc;

use hal::user::{Exit, UserContext};
use linux_abi::{Errno, HasAsked, Restart, Resumption, SystemCall, encode_result};
use process_core::{BlockReason, Delivery, HandlerFlags, Signal, SignalCause, SignalSet};

use super::handler::{self, LastFault};
use super::{KnownFiles, Process, control, end_thread, fault, now};
use crate::memory;
use crate::scheduler::{self, Thread, count};
use crate::syscall::{self, Remainder};

/// A call that a signal has interrupted: how it goes on is decided at the border, by what the
/// signals there do.
#[derive(Clone, Copy, Debug)]
pub struct Interrupted {
    /// Which call.
    pub number: u64,
    /// How it may go on.
    pub restart: Restart,
}

/// What a thread carries over the border between kernel and program.
struct Border {
    context: UserContext,
    interrupted: Option<Interrupted>,
    remainder: Option<Remainder>,
    last_fault: LastFault,
    known_files: KnownFiles,
}

/// The main function of a program's thread.
pub(super) fn run(context: UserContext) {
    let Some(thread) = scheduler::current() else { return };
    let process = Arc::clone(thread.process());
    let mut border = Border {
        context,
        interrupted: None,
        remainder: None,
        last_fault: LastFault::default(),
        known_files: KnownFiles::default(),
    };
    while border.is_to_go_on(&thread, &process) {
        hal::interrupts::disable();
        if thread.needs_attention() || thread.is_over_share() || scheduler::is_preemption_due() {
            hal::interrupts::enable();
            scheduler::preempt();
            continue;
        }
        let exit = border.context.enter(scheduler::user_clocks(&thread));
        hal::interrupts::enable();
        match exit {
            Exit::SystemCall => {
                let Border { context, remainder, known_files, .. } = &mut border;
                let carried = (remainder, known_files);
                border.interrupted = syscall::handle(&thread, &process, context, carried);
            }
            Exit::PageFault(fault) => {
                let Some(space) = process.space() else { break };
                match space.fault(fault.address, memory::access(fault), memory::presence(fault)) {
                    Ok(()) => count(&thread.figures.minor_faults, 1),
                    Err(error) => {
                        let error_code = border.context.registers().error_code;
                        border.last_fault =
                            LastFault { vector: 14, error_code, address: fault.address };
                        fault::memory(&thread, &process, error, fault.address);
                    }
                }
            }
            Exit::Exception { vector, error_code } => {
                border.last_fault = LastFault { vector, error_code, ..border.last_fault };
                fault::exception(&thread, &process, vector, &border.context);
            }
            Exit::Interrupt => {}
        }
    }
    let code = thread.program.code();
    // Before the process lets go of its descriptors.
    drop(border);
    drop(process);
    drop(thread);
    end_thread(code);
}

impl Border {
    /// Whether the thread may enter its program. Waits here while the process is suspended.
    fn is_to_go_on(&mut self, thread: &Arc<Thread>, process: &Process) -> bool {
        loop {
            let was_called = thread.take_attention();
            if process.is_to_leave(thread) {
                return false;
            }
            if process.is_held() {
                scheduler::park(BlockReason::Signal);
                continue;
            }
            if was_called {
                self.deliver_pending(thread, process);
                continue;
            }
            if thread.is_over_share() {
                process.await_cpu_share(thread);
                continue;
            }
            if let Some(interrupted) = self.interrupted.take() {
                // No handler has come of it.
                self.resume(interrupted.restart.without_handler(), interrupted);
                process.signals.lock().restore_mask_after_wait(thread.tid());
                // What was blocked only before the wait may be pending.
                if process.signals.lock().has_work(thread.tid()) {
                    thread.note_attention();
                    continue;
                }
            }
            return true;
        }
    }

    /// Deals with the signals that wait for this thread. Each handler's frame lies upon the one
    /// before.
    fn deliver_pending(&mut self, thread: &Thread, process: &Process) {
        let tid = thread.tid();
        if !process.signals.lock().has_work(tid) {
            return;
        }
        let may_stop = process.signals.lock().has_pending(tid, SignalSet::STOPS);
        let concerned = if may_stop { SignalSet::STOPS } else { SignalSet::EMPTY };
        let context = process.signal_context(concerned);
        loop {
            let delivery = process.signals.lock().next_delivery(tid, context, now());
            match delivery {
                None => return,
                Some(Delivery::Handler { signal, handler, return_mask }) => {
                    if let Some(interrupted) = self.interrupted.take() {
                        let has_asked = if handler.flags.has(HandlerFlags::RESTART) {
                            HasAsked::Yes
                        } else {
                            HasAsked::No
                        };
                        self.resume(interrupted.restart.with_handler(has_asked), interrupted);
                    }
                    let entered = handler::enter(
                        process,
                        (tid, &mut self.context),
                        &self.last_fault,
                        &signal,
                        (&handler, return_mask),
                    );
                    // What the handler blocks may be another thread's.
                    process.mask_changed(thread);
                    if entered.is_err() {
                        // The thread goes on without the handler, or rather does not.
                        process.signals.lock().set_mask(tid, return_mask);
                        refuse_frame(thread, process, signal.signal);
                    }
                }
                Some(Delivery::Terminate(status)) => {
                    control::end_own(process, status);
                    return;
                }
                Some(Delivery::Stop(signal)) => {
                    // It may have been stopped, or have ended, meanwhile.
                    let _ = process.stop(signal);
                    // Others may be waiting behind it.
                    thread.note_attention();
                    return;
                }
            }
        }
    }

    /// Sets what the program finds after an interrupted call.
    fn resume(&mut self, resumption: Resumption, interrupted: Interrupted) {
        /// Bytes of the `syscall` instruction.
        const INSTRUCTION_BYTES: u64 = 2;
        let number = match resumption {
            Resumption::Interrupted => {
                self.context.set_result(encode_result(Err(Errno::EINTR)));
                return;
            }
            Resumption::Again => interrupted.number,
            Resumption::Remainder => SystemCall::RESTART_SYSCALL.number(),
        };
        self.context.modify(|registers| {
            registers.rax = number;
            registers.rip = registers.rip.wrapping_sub(INSTRUCTION_BYTES);
        });
    }
}

/// There is no room for a handler's frame, or no frame where one should be: SIGSEGV, and the end if
/// it was its own handler that could not be entered.
fn refuse_frame(thread: &Thread, process: &Process, signal: Signal) {
    if signal == Signal::SIGSEGV {
        control::end_own(process, process_core::ExitStatus::by_signal(signal));
    } else {
        fault::raise(thread, process, Signal::SIGSEGV, SignalCause::Kernel);
    }
}

/// `rt_sigreturn`: has the thread go on where the frame of a handler says.
pub fn return_from_handler(thread: &Thread, process: &Process, context: &mut UserContext) {
    if handler::leave(process, thread.tid(), context).is_err() {
        fault::raise(thread, process, Signal::SIGSEGV, SignalCause::Kernel);
    }
    process.mask_changed(thread);
}
