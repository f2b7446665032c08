//! Faults of programs, as signals.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use hal::thread::VectorImage;
use hal::user::UserContext;
use linux_abi::layout::SigInfo;
use process_core::{
    BlockReason, ExitStatus, LimitKind, PendingSignal, Signal, SignalCause, WhatFollows,
};

use super::{Process, control, make_room, now};
use crate::memory::FaultError;
use crate::scheduler::{self, Thread};

/// Memory could not be given: by the program's own fault, or because there is none.
pub(super) fn memory(thread: &Arc<Thread>, process: &Process, error: FaultError, address: u64) {
    use vm_core::address_space::Violation;
    let fault = |signal, code| raise(thread, process, signal, SignalCause::Fault { address, code });
    match error {
        FaultError::Violation(Violation::Unmapped) => fault(Signal::SIGSEGV, SigInfo::SEGV_MAPERR),
        FaultError::Violation(Violation::StackLimit) => {
            process.met(LimitKind::Stack, format_args!("{}", Signal::SIGSEGV.name()));
            fault(Signal::SIGSEGV, SigInfo::SEGV_MAPERR);
        }
        FaultError::Violation(Violation::Denied) => fault(Signal::SIGSEGV, SigInfo::SEGV_ACCERR),
        FaultError::BeyondFile | FaultError::NoRoom => fault(Signal::SIGBUS, SigInfo::BUS_ADRERR),
        FaultError::LimitExceeded | FaultError::QuotaExceeded => end_for_limit(process, error),
        // Once there is memory again the program repeats the access.
        FaultError::OutOfMemory => {
            if !make_room(thread, process) {
                control::end_own(process, ExitStatus::by_signal(Signal::SIGKILL));
            }
        }
    }
}

/// A page is beyond what the running thread's process, or its set, may have: somebody ends.
pub fn end_for_limit(process: &Process, error: FaultError) {
    if error == FaultError::QuotaExceeded {
        return make_room_in_set(process);
    }
    process.met(LimitKind::Memory, format_args!("it has all that it may have, and ends"));
    control::end_own(process, ExitStatus::by_signal(Signal::SIGKILL));
}

/// The set of a process has all the memory that it may have: the member that holds most ends. If that
/// is another one, the running thread waits a little and its program repeats the access.
fn make_room_in_set(process: &Process) {
    const LOOK_AGAIN_NS: u64 = 5_000_000;
    let largest = process.set().and_then(|set| set.largest());
    match largest {
        Some(largest) if largest.pid != process.pid => {
            end_for_quota(&largest);
            let deadline = hal::time::now_ns().saturating_add(LOOK_AGAIN_NS);
            scheduler::park_until(BlockReason::Lock, deadline);
        }
        _ => end_for_quota(process),
    }
}

/// Ends a member of a set that has all the memory that it may have.
fn end_for_quota(victim: &Process) {
    // Relaxed: read when it has ended.
    victim.is_quota_victim.store(true, Ordering::Relaxed);
    let quota = victim.set().and_then(|set| Some((set.name(), set.quotas().memory_bytes?)));
    match quota {
        Some((name, bytes)) => victim.met(
            LimitKind::Memory,
            format_args!(
                "the quota of {name}, {} KiB, is used up; it has most, and ends",
                bytes / 1024
            ),
        ),
        None => victim.met(LimitKind::Memory, format_args!("its set has all that it may have")),
    }
    control::end_own(victim, ExitStatus::by_signal(Signal::SIGKILL));
}

/// The CPU refused an instruction: Linux's signal and code for it (`arch/x86/kernel/traps.c`).
pub(super) fn exception(thread: &Thread, process: &Process, vector: u8, context: &UserContext) {
    let address = context.registers().rip;
    let fault = |code| SignalCause::Fault { address, code };
    let (signal, cause) = match vector {
        0 => (Signal::SIGFPE, fault(SigInfo::FPE_INTDIV)),
        1 => (Signal::SIGTRAP, fault(SigInfo::TRAP_TRACE)),
        3 => (Signal::SIGTRAP, SignalCause::Kernel),
        6 => (Signal::SIGILL, fault(SigInfo::ILL_ILLOPN)),
        11 | 12 => (Signal::SIGBUS, SignalCause::Kernel),
        16 => (Signal::SIGFPE, fault(x87_code(&hal::thread::vector_registers()))),
        17 => {
            let code = SigInfo::BUS_ADRALN;
            (Signal::SIGBUS, SignalCause::Fault { address: 0, code })
        }
        19 => (Signal::SIGFPE, fault(sse_code(&hal::thread::vector_registers()))),
        _ => (Signal::SIGSEGV, SignalCause::Kernel),
    };
    raise(thread, process, signal, cause);
}

/// A signal that cannot be put off: the program takes it by a handler or ends.
pub(super) fn raise(thread: &Thread, process: &Process, signal: Signal, cause: SignalCause) {
    let fault = PendingSignal { signal, cause };
    let follows = process.signals.lock().raise_fault(thread.tid(), fault, now());
    match follows {
        WhatFollows::Terminate(status) => control::end_own(process, status),
        WhatFollows::Wake(_) => thread.note_attention(),
        WhatFollows::Stop(_) | WhatFollows::Nothing => {}
    }
}

/// Which unmasked exception the status word shows. SDM volume 1, 8.5; the order is Linux's.
fn x87_code(image: &VectorImage) -> i32 {
    let word = |at: usize| {
        let bytes = image.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
        u32::from(u16::from_le_bytes(bytes.unwrap_or_default()))
    };
    code(word(2) & !word(0))
}

/// As `x87_code`, for MXCSR. SDM volume 1, 10.2.3.
fn sse_code(image: &VectorImage) -> i32 {
    let bytes = image.get(24..28).and_then(|bytes| bytes.try_into().ok());
    let mxcsr = u32::from_le_bytes(bytes.unwrap_or_default());
    code(mxcsr & !(mxcsr >> 7))
}

fn code(exceptions: u32) -> i32 {
    const INVALID: u32 = 1;
    const ZERO_DIVIDE: u32 = 4;
    const OVERFLOW: u32 = 8;
    const UNDERFLOW_OR_DENORMAL: u32 = 0x12;
    const PRECISION: u32 = 0x20;
    if exceptions & INVALID != 0 {
        SigInfo::FPE_FLTINV
    } else if exceptions & ZERO_DIVIDE != 0 {
        SigInfo::FPE_FLTDIV
    } else if exceptions & OVERFLOW != 0 {
        SigInfo::FPE_FLTOVF
    } else if exceptions & UNDERFLOW_OR_DENORMAL != 0 {
        SigInfo::FPE_FLTUND
    } else if exceptions & PRECISION != 0 {
        SigInfo::FPE_FLTRES
    } else {
        0
    }
}
