//! Descriptors: copies, flags, the end.

use alloc::sync::Arc;

use linux_abi::file::{AccessMode, Fcntl, OpenFlags, ioctl as requests};
use linux_abi::{Arguments, Errno};
use vfs_core::{Descriptor, Fd};

use super::{descriptor, errno, file};
use crate::fs::{self, LockOwner, OpenFile, unlock_closed};
use crate::process;
use crate::socket::interface_ioctl;
use crate::syscall::process::errno as process_errno;
use crate::syscall::{Answer, Caller, user};
use crate::terminal;

pub(in crate::syscall) fn close(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let closed = caller.process.files.lock().remove(fd).map_err(errno)?;
    // Without the lock: letting go of a file takes the file system's.
    let_go(caller, closed);
    Ok(0)
}

/// A descriptor is closed: the process's record locks on its file go, whatever other descriptors of
/// it there are; fcntl(2).
fn let_go(caller: &Caller<'_>, closed: Descriptor<Arc<OpenFile>>) {
    unlock_closed(&closed.file, LockOwner::Process(caller.process.pid()));
    drop(closed);
    if fs::is_watching() {
        fs::settle();
    }
}

pub(in crate::syscall) fn close_range(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const UNSHARE: u32 = 2;
    const CLOSE_ON_EXEC: u32 = 4;
    let flags = arguments.unsigned(2);
    let (first, last) = (arguments.unsigned(0), arguments.unsigned(1));
    if flags & !(UNSHARE | CLOSE_ON_EXEC) != 0 || first > last {
        return Err(Errno::EINVAL);
    }
    let most = i64::from(i32::MAX);
    if i64::from(first) > most {
        return Ok(0);
    }
    let first = Fd::new(i64::from(first)).map_err(errno)?;
    let last = Fd::new(i64::from(last).min(most)).map_err(errno)?;
    if flags & UNSHARE != 0 {
        process::unshare_files(caller.process).map_err(|e| process_errno(&e))?;
    }
    if flags & CLOSE_ON_EXEC != 0 {
        caller.process.files.lock().close_on_exec_from(first, last);
        return Ok(0);
    }
    let mut from = first;
    loop {
        let removed = caller.process.files.lock().remove_first(from, last);
        let Some((fd, closed)) = removed else { return Ok(0) };
        let_go(caller, closed);
        from = fd;
    }
}

pub(in crate::syscall) fn ioctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    match arguments.unsigned(1) {
        requests::FIONBIO => {
            let wanted = i32::from_le_bytes(user::read(arguments.pointer(2))?);
            file.set_nonblocking(wanted != 0);
            Ok(0)
        }
        request @ (requests::FIOCLEX | requests::FIONCLEX) => {
            let fd = descriptor(arguments.int(0))?;
            let closes = request == requests::FIOCLEX;
            caller.process.files.lock().set_close_on_exec(fd, closes).map_err(errno)?;
            Ok(0)
        }
        requests::FIONREAD if file.regular().is_some() => {
            let left = file.file().size()?.saturating_sub(*file.offset()?);
            let left = i32::try_from(left).unwrap_or(i32::MAX);
            user::write(arguments.pointer(2), &left.to_le_bytes())?;
            Ok(0)
        }
        requests::TIOCGPTPEER => open_peer(caller, &file, arguments.unsigned(2)),
        request => match file.file().ioctl(request, arguments.word(2)) {
            Err(Errno::ENOTTY) if file.file().as_socket().is_some() => {
                interface_ioctl(request, arguments.word(2))
            }
            answer => answer,
        },
    }
}

/// `TIOCGPTPEER`: the other side of a pseudo-terminal's master.
fn open_peer(caller: &Caller<'_>, master: &OpenFile, bits: u32) -> Answer {
    const ACCESS: u32 = 3;
    let flags = OpenFlags::from_bits(bits & !ACCESS).ok_or(Errno::EINVAL)?;
    let access = match bits & ACCESS {
        0 => AccessMode::ReadOnly,
        1 => AccessMode::WriteOnly,
        2 => AccessMode::ReadWrite,
        _ => return Err(Errno::EINVAL),
    };
    let peer = OpenFile::new(terminal::open_peer(master, flags)?, access, flags);
    insert(caller, Arc::new(peer), flags.contains(OpenFlags::CLOEXEC))
}

pub(in crate::syscall) fn fcntl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let file = file(caller, arguments.int(0))?;
    let command = Fcntl::decode(arguments)?;
    // Of what is open only as a path nothing but its descriptor can be changed: open(2).
    let is_about_descriptor = matches!(
        command,
        Fcntl::Duplicate { .. }
            | Fcntl::GetDescriptorFlags
            | Fcntl::SetDescriptorFlags { .. }
            | Fcntl::GetStatusFlags
    );
    if file.is_path_only() && !is_about_descriptor {
        return Err(Errno::EBADF);
    }
    match command {
        Fcntl::Duplicate { minimum, closes_on_exec } => {
            let limit = caller.process.open_files_limit();
            if minimum >= limit {
                return Err(Errno::EINVAL);
            }
            let from = Fd::new(i64::from(minimum)).map_err(errno)?;
            caller.check_room_for_files(1)?;
            let copy = Descriptor { file, close_on_exec: closes_on_exec };
            let inserted = caller.process.files.lock().insert_from(from, copy, limit);
            let inserted = inserted.map_err(|(error, _)| errno(error));
            inserted.map(|fd| u64::from(fd.number())).map_err(|errno| caller.no_descriptor(errno))
        }
        Fcntl::GetDescriptorFlags => {
            let files = caller.process.files.lock();
            Ok(u64::from(files.get(fd).map_err(errno)?.close_on_exec))
        }
        Fcntl::SetDescriptorFlags { closes_on_exec } => {
            let mut files = caller.process.files.lock();
            files.set_close_on_exec(fd, closes_on_exec).map_err(errno)?;
            Ok(0)
        }
        Fcntl::GetStatusFlags => Ok(u64::from(file.status())),
        Fcntl::SetStatusFlags(flags) => {
            file.set_status(flags);
            Ok(0)
        }
        Fcntl::GetPipeSize => file.file().pipe_capacity(),
        Fcntl::SetPipeSize(bytes) => file.file().set_pipe_capacity(bytes),
        Fcntl::AddSeals(bits) => super::memory_files::add_seals(&file, bits),
        Fcntl::GetSeals => super::memory_files::seals(&file),
        Fcntl::Lock(lock) => super::locks::lock(caller, &file, lock, arguments.pointer(2)),
        // SIGIO is never sent, so nobody has to be remembered: the answer to "who" is "nobody".
        Fcntl::SetOwner | Fcntl::GetOwner => Ok(0),
    }
}

pub(in crate::syscall) fn dup(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    insert(caller, file, false)
}

pub(in crate::syscall) fn dup2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (from, to) = (descriptor(arguments.int(0))?, descriptor(arguments.int(1))?);
    if from == to {
        file(caller, arguments.int(0))?;
        return Ok(u64::from(to.number()));
    }
    duplicate(caller, from, to, false)
}

pub(in crate::syscall) fn dup3(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (from, to) = (descriptor(arguments.int(0))?, descriptor(arguments.int(1))?);
    let flags = arguments.unsigned(2);
    if from == to || flags & !OpenFlags::CLOEXEC.bits() != 0 {
        return Err(Errno::EINVAL);
    }
    duplicate(caller, from, to, flags != 0)
}

fn duplicate(caller: &Caller<'_>, from: Fd, to: Fd, close_on_exec: bool) -> Answer {
    if caller.process.files.lock().get(to).is_err() {
        caller.check_room_for_files(1)?;
    }
    let limit = caller.process.open_files_limit();
    let replaced =
        caller.process.files.lock().duplicate_to(from, to, close_on_exec, limit).map_err(errno)?;
    if let Some(replaced) = replaced {
        let_go(caller, replaced);
    }
    Ok(u64::from(to.number()))
}

/// Advice about how a file will be read: all files are in memory.
pub(in crate::syscall) fn fadvise(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    file(caller, arguments.int(0))?;
    Ok(0)
}

/// Gives the file the lowest free descriptor.
pub(in crate::syscall) fn insert(
    caller: &Caller<'_>,
    file: Arc<OpenFile>,
    close_on_exec: bool,
) -> Answer {
    caller.check_room_for_files(1)?;
    let limit = caller.process.open_files_limit();
    // The lock is let go of before a file that found no place is dropped.
    let inserted = caller.process.files.lock().insert(Descriptor { file, close_on_exec }, limit);
    let inserted = inserted.map_err(|(error, _)| errno(error));
    inserted.map(|fd| u64::from(fd.number())).map_err(|errno| caller.no_descriptor(errno))
}
