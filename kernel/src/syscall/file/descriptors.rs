//! Descriptors: copies, flags, the end.

use alloc::sync::Arc;

use linux_abi::file::{Fcntl, OpenFlags, ioctl as requests};
use linux_abi::{Arguments, Errno};
use vfs_core::{Descriptor, Fd};

use super::{descriptor, errno, file};
use crate::fs::OpenFile;
use crate::syscall::{Answer, Caller, user};

pub(in crate::syscall) fn close(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let closed = caller.process.files.lock().remove(fd).map_err(errno)?;
    // Dropped without the lock: letting go of a file takes the file system's.
    drop(closed);
    Ok(0)
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
        request => file.file().ioctl(request, arguments.word(2)),
    }
}

pub(in crate::syscall) fn fcntl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let file = file(caller, arguments.int(0))?;
    let limit = caller.process.open_files_limit();
    let mut files = caller.process.files.lock();
    match Fcntl::decode(arguments)? {
        Fcntl::Duplicate { minimum, closes_on_exec } => {
            if minimum >= limit {
                return Err(Errno::EINVAL);
            }
            let from = Fd::new(i64::from(minimum)).map_err(errno)?;
            let copy = Descriptor { file, close_on_exec: closes_on_exec };
            let inserted = files.insert_from(from, copy, limit);
            drop(files);
            inserted.map(|fd| u64::from(fd.number())).map_err(|(error, _)| errno(error))
        }
        Fcntl::GetDescriptorFlags => Ok(u64::from(files.get(fd).map_err(errno)?.close_on_exec)),
        Fcntl::SetDescriptorFlags { closes_on_exec } => {
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
    let limit = caller.process.open_files_limit();
    let replaced =
        caller.process.files.lock().duplicate_to(from, to, close_on_exec, limit).map_err(errno)?;
    drop(replaced);
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
    let limit = caller.process.open_files_limit();
    // The lock is let go of before a file that found no place is dropped.
    let inserted = caller.process.files.lock().insert(Descriptor { file, close_on_exec }, limit);
    inserted.map(|fd| u64::from(fd.number())).map_err(|(error, _)| errno(error))
}
