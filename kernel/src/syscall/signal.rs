//! Signals: dispositions, masks, sending, waiting for them, and the way back from a handler.

use linux_abi::layout::{SigAction, SigAltStack};
use linux_abi::process::{MaskChange, check_signal_set_size};
use linux_abi::{Arguments, Errno};
use process_core::{
    BlockReason, HandlerFlags, PendingSignal, Pid, ProcessError, Signal, SignalCause,
    SignalHandler, SignalSet, StackRefusal,
};

use super::process::errno;
use super::{Answer, Caller, user};
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
        // In use comes before wrong flags.
        let wanted = process::wanted_stack(&new);
        let probe = wanted.as_ref().copied().unwrap_or(old);
        let change = |stack| process::replace_stack(caller.process, tid, stack, stack_pointer);
        change(&probe).map_err(|refusal| match refusal {
            StackRefusal::InUse => Errno::EPERM,
            StackRefusal::TooSmall => Errno::ENOMEM,
        })?;
        wanted.map_err(|_| Errno::EINVAL)?;
    }
    if let Some(at) = arguments.pointer(1).non_null() {
        user::write(at, &process::shown_stack(&old, Some(stack_pointer)).to_bytes())?;
    }
    Ok(0)
}

pub(super) fn kill(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    send(caller, i64::from(arguments.int(0)), arguments.int(1))
}

pub(super) fn tgkill(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.int(0) != arguments.int(1) {
        return Err(Errno::ESRCH);
    }
    send(caller, i64::from(arguments.int(0)), arguments.int(2))
}

fn send(caller: &mut Caller<'_>, pid: i64, number: i32) -> Answer {
    let pid = Pid::new(pid).map_err(|e| errno(&e))?;
    let signal = match number {
        0 => None,
        number => Some(self::number(number)?),
    };
    let own = caller.process.pid();
    let cause = |uid| SignalCause::User { pid: own, uid };
    let credentials = process::credentials_of(own).map_err(|e| errno(&e))?;
    let sent = signal.map(|signal| PendingSignal { signal, cause: cause(credentials.real_uid) });
    process::send_from(own, pid, sent).map_err(|e| errno(&e))?;
    Ok(0)
}
