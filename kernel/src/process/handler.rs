//! Into a handler and back: the frame on the program's stack that Linux's programs know, and what
//! `rt_sigreturn` takes from it. All that a program can put into a frame is a claim: what the CPU
//! would not take from ring 3 is put right by `hal`, so a forged frame harms its program alone.

use hal::trap::TrapFrame;
use hal::user::{BadAddress, UserContext, copy_from, copy_to};
use linux_abi::layout::{SigAltStack, SigContext, SigFrame, SigInfo, UContext};
use process_core::{
    AlternateStack, HandlerFlags, PendingSignal, SignalCause, SignalHandler, SignalSet,
    StackRefusal, Tid,
};

use super::Process;

/// Flags that a handler starts without: a step at a time, resume, strings downwards.
const CLEARED_FLAGS: u64 = 1 << 8 | 1 << 16 | 1 << 10;
/// The selectors that Linux shows in a frame.
const SHOWN_CODE: u16 = 0x33;
const SHOWN_DATA: u16 = 0x2b;

/// The last fault of a thread, as its frames show it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LastFault {
    /// The exception's vector.
    pub(super) vector: u8,
    /// The CPU's error code.
    pub(super) error_code: u64,
    /// The address of the last page fault.
    pub(super) address: u64,
}

/// The program's stack cannot take a frame, or has none.
pub(super) struct BadFrame;

impl From<BadAddress> for BadFrame {
    fn from(_: BadAddress) -> Self {
        Self
    }
}

/// Has the thread go on in a handler, which returns to where the thread is.
pub(super) fn enter(
    process: &Process,
    (tid, context): (Tid, &mut UserContext),
    fault: &LastFault,
    signal: &PendingSignal,
    (handler, return_mask): (&SignalHandler, SignalSet),
) -> Result<(), BadFrame> {
    // Without it there is no way back: Linux's x86_64 refuses such a handler, too.
    if !handler.flags.has(HandlerFlags::RESTORER) {
        return Err(BadFrame);
    }
    let stack = process.signals.lock().alternate_stack(tid);
    let registers = context.registers();
    let wants_alternate = handler.flags.has(HandlerFlags::ON_STACK);
    let place =
        stack.place(registers.rsp, wants_alternate, SigFrame::BYTES as u64).ok_or(BadFrame)?;
    let frame = SigFrame {
        return_address: handler.restorer,
        context: UContext {
            flags: UContext::SIGCONTEXT_SS | UContext::STRICT_RESTORE_SS,
            link: 0,
            stack: shown_stack(&stack, None),
            registers: save(registers, fault, place.vector, return_mask),
            mask: return_mask.bits(),
        },
        info: info(signal),
    };
    copy_to(place.vector, &hal::thread::vector_registers())?;
    copy_to(place.frame, &frame.to_bytes())?;
    if stack.is_disarmed_on_entry {
        process.signals.lock().set_alternate_stack(tid, AlternateStack::NONE);
    }
    hal::thread::reset_vector_registers();
    context.modify(|registers| {
        registers.rdi = u64::from(signal.signal.number());
        registers.rsi = place.frame + core::mem::offset_of!(SigFrame, info) as u64;
        registers.rdx = place.frame + core::mem::offset_of!(SigFrame, context) as u64;
        registers.rax = 0;
        registers.rsp = place.frame;
        registers.rip = handler.address;
        registers.rflags &= !CLEARED_FLAGS;
    });
    Ok(())
}

/// `rt_sigreturn`: has the thread go on where a handler's frame says. The frame lies where the
/// handler's return has left it.
pub(super) fn leave(
    process: &Process,
    tid: Tid,
    context: &mut UserContext,
) -> Result<(), BadFrame> {
    let at = context.registers().rsp.checked_sub(8).ok_or(BadFrame)?;
    let mut bytes = [0; SigFrame::BYTES];
    // What lies behind the registers and the mask is not read, and need not be there.
    let needed = core::mem::offset_of!(SigFrame, info);
    copy_from(at, bytes.get_mut(..needed).ok_or(BadFrame)?)?;
    let frame = SigFrame::from_bytes(&bytes);
    match frame.context.registers.fpu_state {
        0 => hal::thread::reset_vector_registers(),
        state => {
            let mut image = [0; 512];
            copy_from(state, &mut image)?;
            hal::thread::set_vector_registers(&image);
        }
    }
    context.modify(|registers| restore(registers, &frame.context.registers));
    let stack_pointer = context.registers().rsp;
    let mut signals = process.signals.lock();
    signals.set_mask(tid, SignalSet::from_bits(frame.context.mask));
    // A stack that is refused leaves the one that was, as on Linux.
    if let Ok(new) = wanted_stack(&frame.context.stack)
        && signals.alternate_stack(tid).check_replacement(&new, stack_pointer).is_ok()
    {
        signals.set_alternate_stack(tid, new);
    }
    Ok(())
}

/// The alternate stack that a program describes.
///
/// # Errors
/// See [`BadStack`].
pub fn wanted_stack(described: &SigAltStack) -> Result<AlternateStack, BadStack> {
    let is_disarmed_on_entry = described.flags & SigAltStack::AUTODISARM != 0;
    match described.flags & !SigAltStack::AUTODISARM {
        SigAltStack::DISABLE => Ok(AlternateStack { is_disarmed_on_entry, ..AlternateStack::NONE }),
        0 | SigAltStack::ON_STACK if described.length < SigAltStack::MIN_BYTES => {
            Err(BadStack::TooSmall)
        }
        0 | SigAltStack::ON_STACK => Ok(AlternateStack {
            base: described.base,
            bytes: described.length,
            is_disarmed_on_entry,
        }),
        _ => Err(BadStack::UnknownFlags),
    }
}

/// A `stack_t` describes no stack.
#[derive(Debug)]
pub enum BadStack {
    /// Its flags are none that there are.
    UnknownFlags,
    /// It is too small.
    TooSmall,
}

/// An alternate stack as a program reads it; with the thread's stack pointer it says whether the
/// thread is on it.
#[must_use]
pub fn shown_stack(stack: &AlternateStack, stack_pointer: Option<u64>) -> SigAltStack {
    let mut flags = match stack_pointer {
        _ if stack.bytes == 0 => SigAltStack::DISABLE,
        Some(at) if stack.holds(at) => SigAltStack::ON_STACK,
        _ => 0,
    };
    if stack.is_disarmed_on_entry {
        flags |= SigAltStack::AUTODISARM;
    }
    SigAltStack { base: stack.base, flags, padding: 0, length: stack.bytes }
}

/// Sets a thread's alternate stack, if it may be had.
///
/// # Errors
/// See [`StackRefusal`].
pub fn replace_stack(
    process: &Process,
    tid: Tid,
    new: &AlternateStack,
    stack_pointer: u64,
) -> Result<(), StackRefusal> {
    let mut signals = process.signals.lock();
    signals.alternate_stack(tid).check_replacement(new, stack_pointer)?;
    signals.set_alternate_stack(tid, *new);
    Ok(())
}

fn save(
    registers: &TrapFrame,
    fault: &LastFault,
    fpu_state: u64,
    return_mask: SignalSet,
) -> SigContext {
    SigContext {
        r8_to_r15: [
            registers.r8,
            registers.r9,
            registers.r10,
            registers.r11,
            registers.r12,
            registers.r13,
            registers.r14,
            registers.r15,
        ],
        rdi: registers.rdi,
        rsi: registers.rsi,
        rbp: registers.rbp,
        rbx: registers.rbx,
        rdx: registers.rdx,
        rax: registers.rax,
        rcx: registers.rcx,
        rsp: registers.rsp,
        rip: registers.rip,
        rflags: registers.rflags,
        cs: SHOWN_CODE,
        gs: 0,
        fs: 0,
        ss: SHOWN_DATA,
        error_code: fault.error_code,
        trap_number: u64::from(fault.vector),
        old_mask: return_mask.bits(),
        cr2: fault.address,
        fpu_state,
        reserved: [0; 8],
    }
}

fn restore(registers: &mut TrapFrame, saved: &SigContext) {
    let [r8, r9, r10, r11, r12, r13, r14, r15] = saved.r8_to_r15;
    (registers.r8, registers.r9, registers.r10, registers.r11) = (r8, r9, r10, r11);
    (registers.r12, registers.r13, registers.r14, registers.r15) = (r12, r13, r14, r15);
    (registers.rdi, registers.rsi, registers.rdx) = (saved.rdi, saved.rsi, saved.rdx);
    (registers.rax, registers.rbx, registers.rcx) = (saved.rax, saved.rbx, saved.rcx);
    (registers.rbp, registers.rsp) = (saved.rbp, saved.rsp);
    (registers.rip, registers.rflags) = (saved.rip, saved.rflags);
}

/// What a program is told of a signal.
#[must_use]
pub fn info(pending: &PendingSignal) -> SigInfo {
    let signal = i32::from(pending.signal.number());
    let number = |pid: process_core::Pid| pid.number().cast_signed();
    match pending.cause {
        SignalCause::User { pid, uid } => {
            SigInfo::from_process(signal, SigInfo::USER, number(pid), uid.0, 0)
        }
        SignalCause::Thread { pid, uid } => {
            SigInfo::from_process(signal, SigInfo::TKILL, number(pid), uid.0, 0)
        }
        SignalCause::Queue { pid, uid, code, value } => {
            SigInfo::from_process(signal, code, number(pid), uid.0, value)
        }
        SignalCause::Kernel => SigInfo::from_kernel(signal, SigInfo::KERNEL),
        SignalCause::Operator => SigInfo::from_kernel(signal, SigInfo::USER),
        SignalCause::Fault { code, address } => SigInfo::from_fault(signal, code, address),
        SignalCause::Child { pid, uid, code, status } => {
            SigInfo::from_child(signal, code, (number(pid), uid.0), status, (0, 0))
        }
        SignalCause::Timer { id, overruns, value } => {
            let overruns = overruns.cast_unsigned();
            SigInfo::from_process(signal, SigInfo::TIMER, id, overruns, value)
        }
    }
}
