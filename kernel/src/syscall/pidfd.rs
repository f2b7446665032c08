//! Descriptors of processes.

use alloc::boxed::Box;
use alloc::sync::Arc;

use linux_abi::file::{AccessMode, OpenFlags};
use linux_abi::{Arguments, Errno};
use process_core::{PendingSignal, Pid, Signal, SignalCause};
use vfs_core::Fd;

use super::file::{errno as file_errno, file, insert};
use super::process::errno;
use super::signal::queued;
use super::{Answer, Caller, user};
use crate::fs::OpenFile;
use crate::process::{self, PidFile};

const NONBLOCK: u32 = 0x800;
/// `PIDFD_THREAD`.
const THREAD: u32 = 0x80;

pub(super) fn pidfd_open(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(1);
    if flags & !(NONBLOCK | THREAD) != 0 || arguments.int(0) <= 0 {
        return Err(Errno::EINVAL);
    }
    let pid = Pid::new(i64::from(arguments.int(0))).map_err(|_| Errno::ESRCH)?;
    if flags & THREAD != 0 {
        let thread = process::find_thread(pid.main_thread()).map_err(|_| Errno::ESRCH)?;
        let owner = thread.process().pid();
        process::sandbox::check_visible(caller.process, owner).map_err(|_| Errno::ESRCH)?;
        return insert(caller, open(PidFile::of_thread(thread), flags), true);
    }
    process::sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
    let found = process::find(pid).map_err(|_| {
        // The number of a thread that is not its process's first is no process's.
        let is_thread = process::find_thread(pid.main_thread()).is_ok();
        if is_thread { Errno::EINVAL } else { Errno::ESRCH }
    })?;
    insert(caller, open(PidFile::of(found), flags), true)
}

/// The open file; `flags` says whether waits for it block.
pub(super) fn open(file: PidFile, flags: u32) -> Arc<OpenFile> {
    let flags = OpenFlags::from_bits(flags & NONBLOCK).unwrap_or(OpenFlags::NONE);
    Arc::new(OpenFile::new(Box::new(file), AccessMode::ReadWrite, flags))
}

/// The process that a descriptor stands for, and whether waits for it block.
pub(super) fn process_of(caller: &Caller<'_>, fd: i32) -> Result<(Pid, bool), Errno> {
    let file = file(caller, fd)?;
    let pid_file = file.downcast::<PidFile>().ok_or(Errno::EBADF)?;
    Ok((pid_file.pid()?, !file.is_nonblocking()))
}

pub(super) fn pidfd_send_signal(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const TO_THREAD: u32 = 1;
    const TO_PROCESS: u32 = 2;
    const TO_GROUP: u32 = 4;
    let flags = arguments.unsigned(3);
    if ![0, TO_THREAD, TO_PROCESS, TO_GROUP].contains(&flags) {
        return Err(Errno::EINVAL);
    }
    let file = file(caller, arguments.int(0))?;
    let pid_file = file.downcast::<PidFile>().ok_or(Errno::EBADF)?;
    let (pid, thread) = (pid_file.pid()?, pid_file.thread()?);
    let own = caller.process.pid();
    let sent = match arguments.pointer(2).non_null() {
        Some(info) => {
            let number = arguments.int(1);
            if i32::from_le_bytes(user::read(info)?) != number {
                return Err(Errno::EINVAL);
            }
            queued(number, info, pid == own)?
        }
        None => {
            let signal = match arguments.int(1) {
                0 => None,
                number => Some(Signal::new(i64::from(number)).map_err(|_| Errno::EINVAL)?),
            };
            let uid = process::credentials_of(own).map_err(|e| errno(&e))?.real_uid;
            let cause = SignalCause::User { pid: own, uid };
            signal.map(|signal| PendingSignal { signal, cause })
        }
    };
    let sent = match (flags, thread) {
        (TO_GROUP, _) => process::send_to_group(own, pid, sent),
        (0 | TO_THREAD, Some(tid)) => process::send_to_thread(own, (Some(pid), tid), sent),
        (TO_THREAD, None) => process::send_to_thread(own, (Some(pid), pid.main_thread()), sent),
        _ => process::send_from(own, pid, sent),
    };
    sent.map_err(|e| errno(&e))?;
    Ok(0)
}

pub(super) fn pidfd_getfd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.unsigned(2) != 0 {
        return Err(Errno::EINVAL);
    }
    let (pid, _) = process_of(caller, arguments.int(0))?;
    process::check_access(caller.process.pid(), pid).map_err(|e| errno(&e))?;
    let fd = Fd::new(i64::from(arguments.int(1))).map_err(file_errno)?;
    let found = process::find(pid).map_err(|e| errno(&e))?;
    let file = Arc::clone(&found.files.lock().get(fd).map_err(file_errno)?.file);
    insert(caller, file, true)
}
