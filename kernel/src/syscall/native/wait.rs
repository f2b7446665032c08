//! Waiting for the end of a process, related or not.

use alloc::sync::Arc;

use linux_abi::native::WaitProcess;
use linux_abi::{Arguments, Errno};
use process_core::{BlockReason, ExitStatus, ProcessError, ProcessState, WaitEvents, WaitSelector};

use super::super::{Answer, Caller};
use super::list::exit_words;
use super::{errno, named, structure};
use crate::fs::{Readiness, Waiting, until_ready};
use crate::process::{self, PidFile, Process, Wait};

pub(super) fn wait_process(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let bytes = structure::read(arguments.pointer(0), arguments.word(1))?;
    let mut asked = WaitProcess::from_bytes(&bytes);
    if asked.reserved != 0 {
        return Err(Errno::EINVAL);
    }
    let pid = named(caller, asked.pid)?;
    if pid == caller.process.pid() {
        return Err(errno(&ProcessError::PermissionDenied { pid }));
    }
    // Who may see it may wait for it, as for a descriptor of it: pidfd_open(2).
    let process = process::find(pid).map_err(|error| errno(&error))?;
    let is_own_child = process::parent_of(pid) == Some(caller.process.pid());
    let deadline_ns = match asked.timeout_ns {
        u64::MAX => None,
        timeout => Some(hal::time::now_ns().saturating_add(timeout)),
    };
    let file = PidFile::of(Arc::clone(&process));
    let waiting = Waiting { interest: Readiness::IN, reason: BlockReason::Child, deadline_ns };
    let attempt = || if process.has_ended() { Ok(()) } else { Err(Errno::EAGAIN) };
    match until_ready(caller.thread, &file, waiting, attempt) {
        Ok(()) => {}
        Err(Errno::EAGAIN) => return Err(linux_abi::native::NativeError::Timeout.errno()),
        Err(error) => return Err(error),
    }
    let exit = exit_of(&process).ok_or(Errno::ESRCH)?;
    if is_own_child {
        // Taken as wait4(2) takes it; someone else may have done so.
        let wait = Wait {
            selector: WaitSelector::Child(pid),
            events: WaitEvents { exited: true, stopped: false, continued: false },
            blocks: false,
            takes: true,
        };
        let _ = process::wait_for_child(caller.thread, &wait);
    }
    (asked.exit_kind, asked.exit_value) = exit_words(Some(exit));
    structure::write(arguments.pointer(0), arguments.word(1), &asked.to_bytes())?;
    Ok(0)
}

/// How a process has ended that was this one, whoever has its number by now.
fn exit_of(process: &Arc<Process>) -> Option<ExitStatus> {
    let snapshot = process::snapshot(process.pid()).ok()?;
    let is_it = snapshot.process.as_ref().is_none_or(|found| Arc::ptr_eq(found, process));
    match snapshot.state {
        ProcessState::Zombie { exit } | ProcessState::Defunct { exit } if is_it => Some(exit),
        _ => None,
    }
}
