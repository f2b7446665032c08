//! Signals: dispositions, masks, sending, waiting for them, and the way back from a handler.

use alloc::boxed::Box;

use linux_abi::layout::{SigAction, SigAltStack, SigInfo, Timespec};
use linux_abi::process::{MaskChange, WaitTarget, check_signal_set_size};
use linux_abi::{Arguments, Errno};
use process_core::{
    BlockReason, HandlerFlags, PendingSignal, Pid, ProcessError, Signal, SignalCause,
    SignalHandler, SignalSet, StackRefusal, Tid, Uid,
};

use super::events::{check_event_flags, open_events};
use super::process::errno;
use super::{Answer, Caller, file, user};
use crate::process::{BadStack, SignalFile};
use crate::{process, scheduler};

/// The flags that Linux knows on x86_64; others are dropped, by which programs tell.
const KNOWN_FLAGS: u64 = HandlerFlags::NO_CHILD_STOP
    | HandlerFlags::NO_CHILD_WAIT
    | HandlerFlags::SIGNAL_INFO
    | HandlerFlags::RESTORER
    | HandlerFlags::ON_STACK
    | HandlerFlags::RESTART
    | HandlerFlags::NO_DEFER
    | HandlerFlags::RESET_HANDLER;

fn number(value: i32) -> Result<Signal, Errno> {
    Signal::new(i64::from(value)).map_err(|_| Errno::EINVAL)
}

pub(super) fn sigaction(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_signal_set_size(arguments.word(3))?;
    let new = match arguments.pointer(1).non_null() {
        Some(at) => Some(SigAction::from_bytes(&user::read(at)?)),
        None => None,
    };
    let signal = number(arguments.int(0))?;
    let old = {
        let mut signals = caller.process.signals().lock();
        let old = signals.action(signal);
        if let Some(new) = new {
            let mask = SignalSet::from_bits(new.mask).difference(SignalSet::UNSTOPPABLE);
            let action = SignalHandler {
                address: new.handler,
                flags: HandlerFlags::from_bits(new.flags & KNOWN_FLAGS),
                mask,
                restorer: new.restorer,
            };
            signals.set_action(signal, action).map_err(|error| match error {
                ProcessError::SignalNotSupported { .. } => Errno::EINVAL,
                _ => Errno::ENOMEM,
            })?;
        }
        old
    };
    if new.is_some() && signal == Signal::SIGCHLD {
        process::note_child_disposition(caller.process);
    }
    if let Some(at) = arguments.pointer(2).non_null() {
        let old = SigAction {
            handler: old.address,
            flags: old.flags.bits(),
            restorer: old.restorer,
            mask: old.mask.bits(),
        };
        user::write(at, &old.to_bytes())?;
    }
    Ok(0)
}

/// A set that a program passes, with its size.
fn set(at: linux_abi::UserPointer, bytes: u64) -> Result<SignalSet, Errno> {
    check_signal_set_size(bytes)?;
    Ok(SignalSet::from_bits(u64::from_le_bytes(user::read(at)?)))
}

pub(super) fn sigprocmask(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_signal_set_size(arguments.word(3))?;
    let new = match arguments.pointer(1).non_null() {
        Some(at) => Some(set(at, arguments.word(3))?),
        None => None,
    };
    let change = new.map(|_| MaskChange::from_number(arguments.int(0))).transpose()?;
    let old = caller.process.signals().lock().mask(caller.thread.tid());
    if let (Some(new), Some(change)) = (new, change) {
        let mask = match change {
            MaskChange::Block => old.union(new),
            MaskChange::Unblock => old.difference(new),
            MaskChange::Set => new,
        };
        process::set_mask(caller.process, caller.thread, mask);
    }
    if let Some(at) = arguments.pointer(2).non_null() {
        user::write(at, &old.bits().to_le_bytes())?;
    }
    Ok(0)
}

pub(super) fn sigpending(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    // Smaller sets are answered by their part; sigpending(2), "C library/kernel differences".
    let count = usize::try_from(arguments.word(1)).unwrap_or(usize::MAX);
    let pending = caller.process.signals().lock().pending(caller.thread.tid());
    let bytes = pending.bits().to_le_bytes();
    user::write(arguments.pointer(0), bytes.get(..count).ok_or(Errno::EINVAL)?)?;
    Ok(0)
}

pub(super) fn sigsuspend(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let mask = set(arguments.pointer(0), arguments.word(1))?;
    process::set_mask_for_wait(caller.process, caller.thread, mask);
    wait_for_signal(caller)
}

pub(super) fn pause(caller: &mut Caller<'_>) -> Answer {
    wait_for_signal(caller)
}

fn wait_for_signal(caller: &Caller<'_>) -> Answer {
    while !caller.is_interrupted() {
        scheduler::park(BlockReason::Signal);
    }
    Err(Errno::ERESTARTNOHAND)
}

pub(super) fn sigreturn(caller: &mut Caller<'_>) -> Answer {
    process::return_from_handler(caller.thread, caller.process, caller.context);
    // The register has been restored with the others.
    Ok(caller.context.registers().rax)
}

pub(super) fn sigaltstack(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let tid = caller.thread.tid();
    let stack_pointer = caller.context.registers().rsp;
    let new = match arguments.pointer(0).non_null() {
        Some(at) => Some(SigAltStack::from_bytes(&user::read(at)?)),
        None => None,
    };
    let old = caller.process.signals().lock().alternate_stack(tid);
    if let Some(new) = new {
        // In use comes before wrong.
        let wanted = process::wanted_stack(&new);
        let probe = wanted.as_ref().copied().unwrap_or(old);
        let change = |stack| process::replace_stack(caller.process, tid, stack, stack_pointer);
        change(&probe).map_err(|refusal| match refusal {
            StackRefusal::InUse => Errno::EPERM,
            StackRefusal::TooSmall => Errno::ENOMEM,
        })?;
        wanted.map_err(|bad| match bad {
            BadStack::UnknownFlags => Errno::EINVAL,
            BadStack::TooSmall => Errno::ENOMEM,
        })?;
    }
    if let Some(at) = arguments.pointer(1).non_null() {
        user::write(at, &process::shown_stack(&old, Some(stack_pointer)).to_bytes())?;
    }
    Ok(0)
}

/// The sender of this process, with its real user.
fn sender(caller: &Caller<'_>) -> Result<(Pid, Uid), Errno> {
    let own = caller.process.pid();
    let credentials = process::credentials_of(own).map_err(|e| errno(&e))?;
    Ok((own, credentials.real_uid))
}

/// A signal as `kill` takes it: none for 0, which only asks.
fn asked(value: i32) -> Result<Option<Signal>, Errno> {
    if value == 0 { Ok(None) } else { number(value).map(Some) }
}

pub(super) fn kill(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let target = WaitTarget::from_pid(arguments.int(0))?;
    let pid = |value: u32| Pid::new(i64::from(value)).map_err(|_| Errno::ESRCH);
    if let WaitTarget::Process(value) = target {
        // Whether there is such a process comes before whether there is such a signal.
        process::find(pid(value)?).map_err(|e| errno(&e))?;
    }
    let (own, uid) = sender(caller)?;
    let cause = SignalCause::User { pid: own, uid };
    let signal = asked(arguments.int(1))?.map(|signal| PendingSignal { signal, cause });
    let sent = match target {
        WaitTarget::Process(value) => process::send_from(own, pid(value)?, signal),
        WaitTarget::Group(value) => process::send_to_group(own, pid(value)?, signal),
        WaitTarget::OwnGroup => {
            let group = process::group_of(own).map_err(|e| errno(&e))?;
            process::send_to_group(own, group, signal)
        }
        WaitTarget::All => process::send_to_all(own, signal),
    };
    sent.map_err(|e| errno(&e))?;
    Ok(0)
}

pub(super) fn tkill(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let tid = thread(arguments.int(0))?;
    send_to_thread(caller, (None, tid), arguments.int(1))
}

pub(super) fn tgkill(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let of = Pid::new(i64::from(arguments.int(0))).map_err(|_| Errno::EINVAL)?;
    let tid = thread(arguments.int(1))?;
    send_to_thread(caller, (Some(of), tid), arguments.int(2))
}

fn thread(value: i32) -> Result<Tid, Errno> {
    if value <= 0 {
        return Err(Errno::EINVAL);
    }
    Tid::new(i64::from(value)).map_err(|_| Errno::ESRCH)
}

fn send_to_thread(caller: &Caller<'_>, target: (Option<Pid>, Tid), value: i32) -> Answer {
    let (own, uid) = sender(caller)?;
    let cause = SignalCause::Thread { pid: own, uid };
    let signal = asked(value)?.map(|signal| PendingSignal { signal, cause });
    process::send_to_thread(own, target, signal).map_err(|e| errno(&e))?;
    Ok(0)
}

/// What a program says about a signal that it queues. Only to itself may it pretend what the kernel
/// says; `is_own` tells whether it sends to itself.
pub(super) fn queued(
    signal: i32,
    at: linux_abi::UserPointer,
    is_own: bool,
) -> Result<Option<PendingSignal>, Errno> {
    let info = SigInfo::from_bytes(&user::read(at)?);
    if (info.code >= 0 || info.code == SigInfo::TKILL) && !is_own {
        return Err(Errno::EPERM);
    }
    let [pid, uid] = [info.fields[0] & u64::from(u32::MAX), info.fields[0] >> 32];
    let pid = i64::try_from(pid).ok().and_then(|pid| Pid::new(pid).ok()).unwrap_or(Pid::SYSTEM);
    let uid = Uid(u32::try_from(uid).unwrap_or(u32::MAX));
    let cause = SignalCause::Queue { pid, uid, code: info.code, value: info.fields[1] };
    Ok(asked(signal)?.map(|signal| PendingSignal { signal, cause }))
}

pub(super) fn sigqueueinfo(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let own = caller.process.pid();
    let target = i64::from(arguments.int(0));
    let is_own = target == i64::from(own.number());
    let signal = queued(arguments.int(1), arguments.pointer(2), is_own)?;
    let target = Pid::new(target).map_err(|_| Errno::ESRCH)?;
    process::send_from(own, target, signal).map_err(|e| errno(&e))?;
    Ok(0)
}

pub(super) fn tgsigqueueinfo(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let own = caller.process.pid();
    let of = Pid::new(i64::from(arguments.int(0))).map_err(|_| Errno::EINVAL)?;
    let tid = thread(arguments.int(1))?;
    let signal = queued(arguments.int(2), arguments.pointer(3), of == own)?;
    process::send_to_thread(own, (Some(of), tid), signal).map_err(|e| errno(&e))?;
    Ok(0)
}

pub(super) fn sigtimedwait(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let wanted = set(arguments.pointer(0), arguments.word(3))?;
    let timeout = match arguments.pointer(2).non_null() {
        Some(at) => Some(Timespec::from_bytes(&user::read(at)?).to_nanoseconds()?),
        None => None,
    };
    let deadline = timeout.map(|timeout| hal::time::now_ns().saturating_add(timeout));
    let taken = process::await_signal(caller.process, caller.thread, wanted, deadline)?;
    if let Some(at) = arguments.pointer(1).non_null() {
        user::write(at, &process::info(&taken).to_bytes())?;
    }
    Ok(u64::from(taken.signal.number()))
}

pub(super) fn signalfd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    signal_file(caller, arguments, 0)
}

pub(super) fn signalfd4(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    signal_file(caller, arguments, arguments.unsigned(3))
}

fn signal_file(caller: &Caller<'_>, arguments: &Arguments, flags: u32) -> Answer {
    check_event_flags(flags)?;
    let wanted = set(arguments.pointer(1), arguments.word(2))?;
    let wanted = wanted.difference(SignalSet::UNSTOPPABLE);
    match arguments.int(0) {
        -1 => open_events(caller, Box::new(SignalFile::new(wanted)), flags),
        number => {
            let file = file::file(caller, number)?;
            file.downcast::<SignalFile>().ok_or(Errno::EINVAL)?.set_wanted(wanted);
            Ok(u64::from(number.cast_unsigned()))
        }
    }
}
