//! Moving bytes between files and programs.

use linux_abi::file::Whence;
use linux_abi::layout::IoVec;
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::Signal;

use super::memory::{Pieces, is_too_long, pieces, with_buffer};
use super::splice::send_to_pipe;
use super::{file, with_file};
use crate::fs::{OpenFile, Patience, Transfer, Waiting, until_ready, when_ready};
use crate::process::{self, Direction};
use crate::scheduler::count;
use crate::syscall::{Answer, Caller, user};

/// Tries what a call does with a file, and waits for it if that is how the file was opened.
#[inline]
pub(in crate::syscall) fn wait_for<R>(
    caller: &Caller<'_>,
    file: &OpenFile,
    waiting: Waiting,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    match attempt() {
        Err(Errno::EAGAIN) if !file.is_nonblocking() && !caller.moving.never_waits => {
            when_ready(caller.thread, file.file(), waiting, attempt)
        }
        first => first,
    }
}

/// The first read of a call, which waits as long as the file says: a terminal's VMIN and VTIME.
#[inline]
fn first_read(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    match file.read(at, buffer) {
        Err(Errno::EAGAIN) => read_when_ready(caller, file, at, buffer),
        first => first,
    }
}

/// What is left of a first read that found not enough.
#[cold]
fn read_when_ready(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    buffer: &mut [u8],
) -> Result<usize, Errno> {
    if file.is_nonblocking() || caller.moving.never_waits {
        // What is there is all that there will be without waiting.
        return file.file().read_rest(buffer);
    }
    let when_ready = |waiting, buffer: &mut [u8]| {
        when_ready(caller.thread, file.file(), waiting, || file.read(at, buffer))
    };
    match file.file().read_patience() {
        Patience::Endless => when_ready(Waiting::READ, buffer),
        Patience::First { ns } => {
            let waiting = Waiting { deadline_ns: Some(after(ns)), ..Waiting::READ };
            match when_ready(waiting, buffer) {
                Err(Errno::EAGAIN) => Ok(0),
                other => other,
            }
        }
        Patience::Between { ns } => read_until_gap(caller, file, at, buffer, ns),
    }
}

fn after(ns: u64) -> u64 {
    hal::time::now_ns().saturating_add(ns)
}

/// Reads what comes until it is as much as the file asks for, or until after a first byte none comes
/// for a time.
fn read_until_gap(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    buffer: &mut [u8],
    gap_ns: u64,
) -> Result<usize, Errno> {
    let mut seen = 0;
    loop {
        let deadline_ns = (seen > 0).then(|| after(gap_ns));
        let waiting = Waiting { deadline_ns, ..Waiting::READ };
        let step =
            until_ready(caller.thread, file.file(), waiting, || match file.read(at, buffer) {
                Err(Errno::EAGAIN) => match file.file().waiting_bytes() {
                    more if more > seen => Ok((None, more)),
                    _ => Err(Errno::EAGAIN),
                },
                answer => answer.map(|count| (Some(count), 0)),
            });
        match step {
            Ok((Some(count), _)) => return Ok(count),
            Ok((None, more)) => seen = more,
            // The gap has come. Somebody else may have read what was there.
            Err(Errno::EAGAIN) => match file.file().read_rest(buffer) {
                Err(Errno::EAGAIN) => seen = 0,
                other => return other,
            },
            Err(error) => return Err(error),
        }
    }
}

/// What a failed write comes to: EPIPE comes with SIGPIPE.
pub(in crate::syscall) fn with_signal(caller: &Caller<'_>, error: Errno) -> Errno {
    if error == Errno::EPIPE {
        process::signal_own(caller.thread, Signal::SIGPIPE);
    }
    error
}

/// Moves bytes from the file to the program.
pub(super) fn read_into(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    mut to: Pieces<'_>,
) -> Answer {
    if !file.can_read() {
        return Err(Errno::EBADF);
    }
    let length = to.left();
    caller.await_bytes(Direction::Read)?;
    let done = with_buffer(file, length, |buffer| {
        let is_message = file.transfer() == Transfer::Messages;
        let mut done = 0_u64;
        loop {
            let left = usize::try_from(length - done).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            let place = at.map(|at| at.saturating_add(done));
            // Nobody waits for more than there is.
            let got = if done == 0 {
                first_read(caller, file, place, &mut buffer[..wanted])
            } else {
                file.read(place, &mut buffer[..wanted])
            };
            // An error after a part has arrived is the next call's: read(2).
            let count = match got {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            };
            caller.charge_bytes(Direction::Read, count);
            match to.put(&buffer[..count]) {
                Ok(()) => {}
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            done += count as u64;
            let is_all = done == length || count < wanted || is_message;
            let is_over = is_all || caller.thread.needs_attention();
            if is_over || caller.await_bytes(Direction::Read).is_err() {
                break;
            }
        }
        Ok(done)
    })?;
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    Ok(done)
}

/// How much of a write the limit of a file's size lets through: setrlimit(2), RLIMIT_FSIZE.
fn within_size_limit(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    length: u64,
) -> Result<u64, Errno> {
    let limit = caller.process.file_size_limit();
    if limit == process_core::NO_RLIMIT || file.transfer() != Transfer::Positioned {
        return Ok(length);
    }
    let start = match at {
        Some(at) => at,
        None if caller.moving.appends.unwrap_or(file.appends()) => file.file().size()?,
        None => *file.offset()?,
    };
    let left = limit.saturating_sub(start);
    if left == 0 && length > 0 {
        process::signal_own(caller.thread, Signal::SIGXFSZ);
        return Err(Errno::EFBIG);
    }
    Ok(length.min(left))
}

/// Moves bytes from the program to the file.
pub(super) fn write_from(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    mut from: Pieces<'_>,
) -> Answer {
    if !file.can_write() {
        return Err(Errno::EBADF);
    }
    let length = from.left();
    if is_too_long(file, length) {
        return Err(Errno::EMSGSIZE);
    }
    let length = within_size_limit(caller, file, at, length)?;
    caller.await_bytes(Direction::Write)?;
    let done = with_buffer(file, length, |buffer| {
        let mut done = 0_u64;
        loop {
            let left = usize::try_from(length - done).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            match from.get(&mut buffer[..wanted]) {
                Ok(_) => {}
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
            let place = at.map(|at| at.saturating_add(done));
            match put(caller, file, place, &buffer[..wanted]) {
                (put, None) => done += put as u64,
                (0, Some(error)) if done == 0 => return Err(error),
                (put, Some(_)) => {
                    done += put as u64;
                    break;
                }
            }
            let is_over = done == length || caller.thread.needs_attention();
            if is_over || caller.await_bytes(Direction::Write).is_err() {
                break;
            }
        }
        Ok(done)
    })?;
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

/// Writes all of the bytes, waiting for room if that is how the file was opened. Says how many went,
/// and what ended it before all had. Without bytes it asks the file all the same.
pub(super) fn put(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    bytes: &[u8],
) -> (usize, Option<Errno>) {
    let mut done = 0;
    loop {
        let place = at.map(|at| at.saturating_add(done as u64));
        let attempt = || match caller.moving.appends {
            None => file.write(place, &bytes[done..]),
            Some(true) => file.write_at_end(place, &bytes[done..]),
            Some(false) => file.write_in_place(place, &bytes[done..]),
        };
        match wait_for(caller, file, Waiting::WRITE, attempt) {
            Ok(count) => {
                caller.charge_bytes(Direction::Write, count);
                done += count;
            }
            Err(error) => return (done, Some(with_signal(caller, error))),
        }
        if done >= bytes.len() {
            return (done, None);
        }
        if file.has_position() {
            // No room for more, and none will come: the rest is the program's next call.
            return (done, Some(Errno::ENOSPC));
        }
    }
}

fn one(arguments: &Arguments) -> Result<[IoVec; 1], Errno> {
    Ok([IoVec { base: arguments.word(1), length: arguments.transfer_length(2)? }])
}

pub(in crate::syscall) fn read(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        read_into(caller, file, None, Pieces::new(&one(arguments)?))
    })
}

pub(in crate::syscall) fn write(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        write_from(caller, file, None, Pieces::new(&one(arguments)?))
    })
}

/// The position that a call names, in a file that has one.
fn position(file: &OpenFile, arguments: &Arguments) -> Result<Option<u64>, Errno> {
    let at = u64::try_from(arguments.long(3)).map_err(|_| Errno::EINVAL)?;
    if file.has_position() { Ok(Some(at)) } else { Err(Errno::ESPIPE) }
}

pub(in crate::syscall) fn pread(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        let at = position(file, arguments)?;
        read_into(caller, file, at, Pieces::new(&one(arguments)?))
    })
}

pub(in crate::syscall) fn pwrite(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        let at = position(file, arguments)?;
        write_from(caller, file, at, Pieces::new(&one(arguments)?))
    })
}

pub(in crate::syscall) fn readv(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        let list = pieces(arguments.pointer(1), arguments.word(2))?;
        read_into(caller, file, None, Pieces::new(&list))
    })
}

pub(in crate::syscall) fn writev(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    with_file(caller, arguments.int(0), |caller, file| {
        let list = pieces(arguments.pointer(1), arguments.word(2))?;
        write_from(caller, file, None, Pieces::new(&list))
    })
}

pub(in crate::syscall) fn preadv(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let at = position(&file, arguments)?;
    let list = pieces(arguments.pointer(1), arguments.word(2))?;
    read_into(caller, &file, at, Pieces::new(&list))
}

pub(in crate::syscall) fn pwritev(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let at = position(&file, arguments)?;
    let list = pieces(arguments.pointer(1), arguments.word(2))?;
    write_from(caller, &file, at, Pieces::new(&list))
}

pub(in crate::syscall) fn sendfile(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (to, from) = (file(caller, arguments.int(0))?, file(caller, arguments.int(1))?);
    if !from.can_read() || !to.can_write() {
        return Err(Errno::EBADF);
    }
    let offset = arguments.pointer(2).non_null();
    if !from.has_position() && offset.is_none() && to.file().as_pipe().is_some() {
        return send_to_pipe(caller, &from, &to, arguments.transfer_length(3)?);
    }
    if !from.has_position() {
        return Err(if offset.is_some() { Errno::ESPIPE } else { Errno::EINVAL });
    }
    if to.appends() {
        return Err(Errno::EINVAL);
    }
    let at = match offset {
        Some(offset) => {
            let at = i64::from_le_bytes(user::read(offset)?);
            Some(u64::try_from(at).map_err(|_| Errno::EINVAL)?)
        }
        None => None,
    };
    let length = arguments.transfer_length(3)?;
    let done = move_between(caller, (&from, at), (&to, None), length)?;
    if let (Some(offset), Some(at)) = (offset, at) {
        user::write(offset, &at.saturating_add(done).to_le_bytes())?;
    }
    Ok(done)
}

/// Moves bytes from a file with a position to another file, from and to where they stand or the
/// given places.
pub(super) fn move_between(
    caller: &Caller<'_>,
    (from, from_at): (&OpenFile, Option<u64>),
    (to, to_at): (&OpenFile, Option<u64>),
    length: u64,
) -> Answer {
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length && (done == 0 || !caller.thread.needs_attention()) {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let place = |at: Option<u64>| at.map(|at| at.saturating_add(done));
        let ready =
            caller.await_bytes(Direction::Read).and_then(|()| caller.await_bytes(Direction::Write));
        match ready {
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
            Ok(()) => {}
        }
        let got = match from.read(place(from_at), &mut buffer[..wanted]) {
            Ok(0) => break,
            Ok(got) => got,
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        };
        caller.charge_bytes(Direction::Read, got);
        let (put, error) = put(caller, to, place(to_at), &buffer[..got]);
        done += put as u64;
        if put < got && from_at.is_none() {
            // What was not taken is read again by the next call.
            let mut stands = from.offset()?;
            *stands = stands.saturating_sub((got - put) as u64);
        }
        match error {
            Some(error) if done == 0 => return Err(error),
            Some(_) => break,
            None => {}
        }
    }
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

pub(in crate::syscall) fn seek(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let whence = Whence::from_number(arguments.unsigned(2))?;
    if file.is_path_only() {
        return Err(Errno::EBADF);
    }
    let is_counter = file.transfer() == Transfer::Messages && file.file().as_socket().is_none();
    if is_counter || !file.file().is_position_used() {
        // These stay where they are and say so, as on Linux.
        return Ok(0);
    }
    let mut offset = file.offset()?;
    let start = match whence {
        Whence::Start => 0,
        Whence::Current => *offset,
        Whence::End => file.file().size()?,
        Whence::Data | Whence::Hole => {
            let from = u64::try_from(arguments.long(1)).map_err(|_| Errno::ENXIO)?;
            *offset = file.file().seek(from, whence == Whence::Data)?;
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

/// Which of the two calls it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    Reads,
    Writes,
}

/// The position of `preadv2` and `pwritev2`, where -1 stands for where the file stands; takes note of
/// their flags: readv(2).
fn position_and_flags(
    caller: &mut Caller<'_>,
    file: &OpenFile,
    arguments: &Arguments,
    moves: Moves,
) -> Result<Option<u64>, Errno> {
    /// RWF_HIPRI, RWF_DSYNC, RWF_SYNC: all is in memory, and as written as it will ever be.
    const WITHOUT_EFFECT: u32 = 0x7;
    const NO_WAIT: u32 = 0x8;
    const APPEND: u32 = 0x10;
    const NO_APPEND: u32 = 0x20;
    let flags = arguments.unsigned(5);
    if flags & !(WITHOUT_EFFECT | NO_WAIT | APPEND | NO_APPEND) != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    if flags & (APPEND | NO_APPEND) == APPEND | NO_APPEND {
        return Err(Errno::EINVAL);
    }
    if flags & NO_WAIT != 0 && !file.file().knows_no_wait() {
        return Err(Errno::EOPNOTSUPP);
    }
    caller.moving.never_waits = flags & NO_WAIT != 0;
    caller.moving.appends = match flags & (APPEND | NO_APPEND) {
        APPEND if moves == Moves::Writes => Some(true),
        NO_APPEND if moves == Moves::Writes => Some(false),
        _ => None,
    };
    if arguments.long(3) == -1 { Ok(None) } else { position(file, arguments) }
}

pub(in crate::syscall) fn preadv2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if !file.can_read() {
        return Err(Errno::EBADF);
    }
    let at = position_and_flags(caller, &file, arguments, Moves::Reads)?;
    let list = pieces(arguments.pointer(1), arguments.word(2))?;
    read_into(caller, &file, at, Pieces::new(&list))
}

pub(in crate::syscall) fn pwritev2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if !file.can_write() {
        return Err(Errno::EBADF);
    }
    let at = position_and_flags(caller, &file, arguments, Moves::Writes)?;
    let list = pieces(arguments.pointer(1), arguments.word(2))?;
    write_from(caller, &file, at, Pieces::new(&list))
}

/// A position that a program keeps: read from its memory if there is a pointer.
fn kept_position(at: UserPointer) -> Result<Option<(UserPointer, u64)>, Errno> {
    match at.non_null() {
        None => Ok(None),
        Some(at) => {
            let position = i64::from_le_bytes(user::read(at)?);
            Ok(Some((at, u64::try_from(position).map_err(|_| Errno::EINVAL)?)))
        }
    }
}

pub(in crate::syscall) fn copy_file_range(
    caller: &mut Caller<'_>,
    arguments: &Arguments,
) -> Answer {
    let (from, to) = (file(caller, arguments.int(0))?, file(caller, arguments.int(2))?);
    if arguments.unsigned(5) != 0 {
        return Err(Errno::EINVAL);
    }
    for file in [&from, &to] {
        if file.directory().is_some() {
            return Err(Errno::EISDIR);
        }
        if file.regular().is_none() {
            return Err(Errno::EINVAL);
        }
    }
    if !from.can_read() || !to.can_write() || to.appends() {
        return Err(Errno::EBADF);
    }
    let from_at = kept_position(arguments.pointer(1))?;
    let to_at = kept_position(arguments.pointer(3))?;
    let length = arguments.word(4).min(linux_abi::MAX_TRANSFER_BYTES);
    if from.regular() == to.regular() {
        let stands = |file: &OpenFile, at: Option<(UserPointer, u64)>| match at {
            Some((_, at)) => Ok(at),
            None => file.offset().map(|offset| *offset),
        };
        let (source, target) = (stands(&from, from_at)?, stands(&to, to_at)?);
        // Onto itself: copy_file_range(2).
        if source < target.saturating_add(length) && target < source.saturating_add(length) {
            return Err(Errno::EINVAL);
        }
    }
    let places = (from_at.map(|(_, at)| at), to_at.map(|(_, at)| at));
    let done = move_between(caller, (&from, places.0), (&to, places.1), length)?;
    for (place, at) in [from_at, to_at].into_iter().flatten() {
        user::write(place, &at.saturating_add(done).to_le_bytes())?;
    }
    Ok(done)
}
