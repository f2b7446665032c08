//! `futex`, and the calls by which a thread says what is to happen to its locks.

use linux_abi::futex::{Futex, FutexOperation, FutexTimeout};
use linux_abi::layout::Timespec;
use linux_abi::{Arguments, Errno, UserPointer};

use super::{Answer, Caller, user};
use crate::process::{self, FutexError, FutexName, IfTaken};

fn errno(error: FutexError) -> Errno {
    match error {
        FutexError::BadAddress => Errno::EFAULT,
        FutexError::OtherValue => Errno::EAGAIN,
        FutexError::TimedOut => Errno::ETIMEDOUT,
        FutexError::Interrupted => Errno::EINTR,
        FutexError::OutOfMemory => Errno::ENOMEM,
        FutexError::Deadlock => Errno::EDEADLK,
        FutexError::NotHolder | FutexError::KernelThread => Errno::EPERM,
        FutexError::OtherHolder => Errno::EINVAL,
        FutexError::NoHolder => Errno::ESRCH,
    }
}

pub(super) fn futex(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let Futex { address, is_private, operation } = Futex::decode(arguments)?;
    let name = |address| FutexName { address, is_private };
    let count = match operation {
        FutexOperation::Wait { expected, timeout, bitset } => {
            let deadline = match (caller.resumed_deadline_ns, timeout) {
                (Some(resumed), _) => Some(resumed),
                (None, timeout) => timeout.map(deadline).transpose()?,
            };
            let name = name(address);
            match process::futex_wait(caller.thread, name, expected, bitset, deadline) {
                Err(FutexError::Interrupted) => {
                    return Err(match deadline {
                        Some(deadline) => caller.interrupted_until(deadline),
                        None => Errno::ERESTARTSYS,
                    });
                }
                answer => answer.map(|()| 0),
            }
        }
        FutexOperation::Wake { count, bitset } => {
            process::futex_wake(caller.process, name(address), count, bitset)
        }
        FutexOperation::Requeue { wake, requeue, target, expected } => {
            let names = (name(address), name(target));
            // The plain form answers how many were woken, as Linux counts both in both forms.
            process::futex_requeue(caller.process, names, (wake, requeue), expected)
                .map(|(woken, moved)| woken.saturating_add(moved))
        }
        FutexOperation::WakeOp { wake, target, wake_target, change } => {
            let names = (name(address), name(target));
            process::futex_wake_op(caller.process, names, (wake, wake_target), change)
        }
        FutexOperation::Lock { timeout } => {
            let if_taken = IfTaken::WaitUntil(timeout.map(deadline).transpose()?);
            match process::futex_lock(caller.thread, name(address), if_taken) {
                // Its time limit is a point in time: the call is simply made again.
                Err(FutexError::Interrupted) => return Err(Errno::ERESTARTNOINTR),
                answer => answer.map(|()| 0),
            }
        }
        FutexOperation::TryLock => {
            process::futex_lock(caller.thread, name(address), IfTaken::Refuse).map(|()| 0)
        }
        FutexOperation::Unlock => process::futex_unlock(caller.thread, name(address)).map(|()| 0),
    };
    count.map(u64::from).map_err(errno)
}

/// When a wait is over, in nanoseconds of the monotonic clock.
fn deadline(timeout: FutexTimeout) -> Result<u64, Errno> {
    let (FutexTimeout::Relative(at) | FutexTimeout::Monotonic(at) | FutexTimeout::Realtime(at)) =
        timeout;
    let wanted = Timespec::from_bytes(&user::read(at)?).to_nanoseconds()?;
    let now = hal::time::now_ns();
    Ok(match timeout {
        FutexTimeout::Relative(_) => now.saturating_add(wanted),
        FutexTimeout::Monotonic(_) => wanted,
        FutexTimeout::Realtime(_) => {
            let wall = u64::try_from(hal::time::wall_ns()).unwrap_or(0);
            now.saturating_add(wanted.saturating_sub(wall))
        }
    })
}

/// Bytes of `struct robust_list_head`.
const HEAD_BYTES: u64 = 24;

pub(super) fn set_robust_list(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.word(1) != HEAD_BYTES {
        return Err(Errno::EINVAL);
    }
    caller.thread.program.set_robust_list(arguments.word(0));
    Ok(0)
}

pub(super) fn get_robust_list(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let list = match arguments.int(0) {
        0 => caller.thread.program.robust_list(),
        number => {
            let tid = process_core::Tid::new(i64::from(number)).map_err(|_| Errno::ESRCH)?;
            let thread = process::find_thread(tid).map_err(|_| Errno::ESRCH)?;
            if thread.process().pid() != caller.process.pid() {
                process::check_access(caller.process.pid(), thread.process().pid())
                    .map_err(|_| Errno::EPERM)?;
            }
            thread.program.robust_list()
        }
    };
    user::write(arguments.pointer(2), &HEAD_BYTES.to_le_bytes())?;
    user::write(arguments.pointer(1), &list.to_le_bytes())?;
    Ok(0)
}

pub(super) fn set_tid_address(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let UserPointer(address) = arguments.pointer(0);
    caller.thread.program.set_clear_tid(address);
    Ok(u64::from(caller.thread.tid().number()))
}
