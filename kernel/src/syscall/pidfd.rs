//! Descriptors of processes.

use alloc::boxed::Box;
use alloc::sync::Arc;

use linux_abi::file::{AccessMode, OpenFlags};
use linux_abi::{Arguments, Errno};
use process_core::{PendingSignal, Pid, Signal, SignalCause};
use vfs_core::Fd;

use super::file::{errno as file_errno, file, insert};
use super::process::errno;
use super::{Answer, Caller};
use crate::fs::OpenFile;
use crate::process::{self, PidFile};

const NONBLOCK: u32 = 0x800;

pub(super) fn pidfd_open(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    if arguments.unsigned(1) & !NONBLOCK != 0 || arguments.int(0) <= 0 {
        return Err(Errno::EINVAL);
    }
    let pid = Pid::new(i64::from(arguments.int(0))).map_err(|_| Errno::ESRCH)?;
    process::sandbox::check_visible(caller.process, pid).map_err(|_| Errno::ESRCH)?;
    let found = process::find(pid).map_err(|_| {
        // The number of a thread that is not its process's first is no process's.
        let is_thread = process::find_thread(pid.main_thread()).is_ok();
        if is_thread { Errno::EINVAL } else { Errno::ESRCH }
    })?;
    insert(caller, open(PidFile::of(found), arguments.unsigned(1)), true)
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
    if arguments.unsigned(3) != 0 {
        return Err(Errno::EINVAL);
    }
    let (pid, _) = process_of(caller, arguments.int(0))?;
    let signal = match arguments.int(1) {
        0 => None,
        number => Some(Signal::new(i64::from(number)).map_err(|_| Errno::EINVAL)?),
    };
    let own = caller.process.pid();
    let uid = process::credentials_of(own).map_err(|e| errno(&e))?.real_uid;
    let cause = SignalCause::User { pid: own, uid };
    let sent = signal.map(|signal| PendingSignal { signal, cause });
    process::send_from(own, pid, sent).map_err(|e| errno(&e))?;
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
