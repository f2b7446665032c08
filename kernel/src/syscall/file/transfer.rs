//! Moving bytes between files and programs.

use alloc::vec::Vec;

use linux_abi::file::Whence;
use linux_abi::layout::IoVec;
use linux_abi::{Arguments, Errno, UserPointer};

use super::{errno, file};
use crate::fs::OpenFile;
use crate::scheduler::count;
use crate::syscall::{Answer, Caller, user};

/// Moves up to `length` bytes from the file to the program.
fn read_into(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    to: UserPointer,
    length: u64,
) -> Answer {
    if !file.can_read() {
        return Err(Errno::EBADF);
    }
    if file.directory().is_some() {
        return Err(Errno::EISDIR);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        // An error after a part has arrived is the next call's: read(2).
        let got = file.read(at.map(|at| at.saturating_add(done)), &mut buffer[..wanted]);
        let count = match got.map_err(errno) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        };
        let target = to.0.checked_add(done).ok_or(Errno::EFAULT);
        match target.and_then(|target| user::write(UserPointer(target), &buffer[..count])) {
            Ok(()) => {}
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
        done += count as u64;
        if count < wanted || caller.thread.needs_attention() {
            break;
        }
    }
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    Ok(done)
}

/// Moves up to `length` bytes from the program to the file.
fn write_from(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    from: UserPointer,
    length: u64,
) -> Answer {
    if !file.can_write() {
        return Err(Errno::EBADF);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let source = from.0.checked_add(done).ok_or(Errno::EFAULT)?;
        if hal::user::copy_from(source, &mut buffer[..wanted]).is_err() {
            if done == 0 {
                return Err(Errno::EFAULT);
            }
            break;
        }
        match file.write(at.map(|at| at.saturating_add(done)), &buffer[..wanted]) {
            Ok(count) => {
                done += count as u64;
                if count < wanted {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(errno(error)),
            Err(_) => break,
        }
        if caller.thread.needs_attention() {
            break;
        }
    }
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

pub(in crate::syscall) fn read(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    read_into(caller, &file, None, arguments.pointer(1), arguments.transfer_length(2)?)
}

pub(in crate::syscall) fn write(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    write_from(caller, &file, None, arguments.pointer(1), arguments.transfer_length(2)?)
}

fn position(arguments: &Arguments) -> Result<u64, Errno> {
    u64::try_from(arguments.long(3)).map_err(|_| Errno::EINVAL)
}

pub(in crate::syscall) fn pread(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() {
        return Err(Errno::ESPIPE);
    }
    let at = Some(position(arguments)?);
    read_into(caller, &file, at, arguments.pointer(1), arguments.transfer_length(2)?)
}

pub(in crate::syscall) fn pwrite(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() {
        return Err(Errno::ESPIPE);
    }
    let at = Some(position(arguments)?);
    write_from(caller, &file, at, arguments.pointer(1), arguments.transfer_length(2)?)
}

/// The pieces of memory that `readv` and `writev` name.
fn pieces(arguments: &Arguments) -> Result<Vec<IoVec>, Errno> {
    const MOST: u64 = 1024;
    let count = arguments.word(2);
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let mut pieces = Vec::new();
    let mut total = 0_u64;
    for index in 0..count {
        let at = arguments.pointer(1).0.checked_add(index * 16).ok_or(Errno::EFAULT)?;
        let piece = IoVec::from_bytes(&user::read(UserPointer(at))?);
        total = total.checked_add(piece.length).ok_or(Errno::EINVAL)?;
        if i64::try_from(total).is_err() {
            return Err(Errno::EINVAL);
        }
        pieces.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        pieces.push(piece);
    }
    Ok(pieces)
}

fn vectored(
    caller: &Caller<'_>,
    arguments: &Arguments,
    transfer: impl Fn(&Caller<'_>, &OpenFile, Option<u64>, UserPointer, u64) -> Answer,
) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let mut done = 0_u64;
    for piece in pieces(arguments)? {
        match transfer(caller, &file, None, UserPointer(piece.base), piece.length) {
            Ok(count) => {
                done += count;
                if count < piece.length {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

pub(in crate::syscall) fn readv(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    vectored(caller, arguments, read_into)
}

pub(in crate::syscall) fn writev(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    vectored(caller, arguments, write_from)
}

pub(in crate::syscall) fn sendfile(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (to, from) = (file(caller, arguments.int(0))?, file(caller, arguments.int(1))?);
    if !from.can_read() || !to.can_write() {
        return Err(Errno::EBADF);
    }
    if from.regular().is_none() {
        return Err(Errno::EINVAL);
    }
    let offset = arguments.pointer(2).non_null();
    let mut at = match offset {
        Some(offset) => {
            let at = i64::from_le_bytes(user::read(offset)?);
            Some(u64::try_from(at).map_err(|_| Errno::EINVAL)?)
        }
        None => None,
    };
    let length = arguments.transfer_length(3)?;
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length && !caller.thread.needs_attention() {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let moved = from.read(at, &mut buffer[..wanted]).and_then(|got| {
            if got == 0 { Ok((0, 0)) } else { to.write(None, &buffer[..got]).map(|put| (got, put)) }
        });
        let (got, put) = match moved.map_err(errno) {
            Ok((0, _)) => break,
            Ok(moved) => moved,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        };
        match &mut at {
            Some(at) => *at = at.saturating_add(put as u64),
            // What was not taken is read again by the next call.
            None if put < got => {
                let mut stands = from.offset();
                *stands = stands.saturating_sub((got - put) as u64);
            }
            None => {}
        }
        done += put as u64;
        if put < got {
            break;
        }
    }
    if let (Some(offset), Some(at)) = (offset, at) {
        user::write(offset, &at.to_le_bytes())?;
    }
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

pub(in crate::syscall) fn seek(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() && file.directory().is_none() {
        return Err(Errno::ESPIPE);
    }
    let size = file.metadata().map_or(0, |metadata| metadata.size);
    let mut offset = file.offset();
    let start = match Whence::from_number(arguments.unsigned(2))? {
        Whence::Start => 0,
        Whence::Current => *offset,
        Whence::End => size,
        // Files without holes: all of it is data, and the one hole lies at the end.
        Whence::Data | Whence::Hole => {
            let at = position_in(size, arguments.long(1))?;
            let is_hole = arguments.unsigned(2) == 4;
            *offset = if is_hole { size } else { at };
            return Ok(*offset);
        }
    };
    let target = start.checked_add_signed(arguments.long(1)).ok_or(Errno::EINVAL)?;
    if i64::try_from(target).is_err() {
        return Err(Errno::EINVAL);
    }
    *offset = target;
    Ok(target)
}

fn position_in(size: u64, at: i64) -> Result<u64, Errno> {
    u64::try_from(at).ok().filter(|at| *at < size).ok_or(Errno::ENXIO)
}
