//! Moving bytes through pipes without a program's memory between: `splice`, `tee`, `vmsplice`.

use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::FileKind;

use super::memory::{Pieces, pieces};
use super::transfer::{put, read_into, with_signal, write_from};
use super::{file, move_between};
use crate::fs::{OpenFile, PipeEnd, Transfer, Waiting, until_ready};
use crate::process::Direction;
use crate::scheduler::count;
use crate::syscall::{Answer, Caller, user};

/// `SPLICE_F_NONBLOCK`: pipes make nobody wait.
const NO_WAIT: u32 = 2;
/// All flags; the others are hints.
const KNOWN: u32 = 0xf;

/// Where a call reads or writes.
#[derive(Clone, Copy)]
struct Side<'a> {
    file: &'a OpenFile,
    /// The position that the program keeps, if it does.
    kept: Option<(UserPointer, u64)>,
}

impl<'a> Side<'a> {
    fn new(file: &'a OpenFile, kept: UserPointer) -> Result<Self, Errno> {
        let Some(at) = kept.non_null() else { return Ok(Self { file, kept: None }) };
        if file.file().as_pipe().is_some() {
            return Err(Errno::ESPIPE);
        }
        if !file.has_position() {
            return Err(Errno::EINVAL);
        }
        let position = i64::from_le_bytes(user::read(at)?);
        let position = u64::try_from(position).map_err(|_| Errno::EINVAL)?;
        Ok(Self { file, kept: Some((at, position)) })
    }

    fn position(&self) -> Option<u64> {
        self.kept.map(|(_, position)| position)
    }

    fn moved(&self, bytes: u64) -> Result<(), Errno> {
        match self.kept {
            Some((at, position)) => user::write(at, &position.saturating_add(bytes).to_le_bytes()),
            None => Ok(()),
        }
    }

    /// Whether bytes can flow from or to it: not for what knows messages only, unless it is a
    /// socket, nor for directories.
    fn check_flow(&self) -> Result<(), Errno> {
        let is_message =
            self.file.transfer() == Transfer::Messages && self.file.file().as_socket().is_none();
        let is_directory = self.file.metadata()?.kind == FileKind::Directory;
        if is_message || is_directory { Err(Errno::EINVAL) } else { Ok(()) }
    }
}

/// Waits for a pipe as the call and the way in which it was opened say.
fn await_pipe<R>(
    caller: &Caller<'_>,
    pipe: &OpenFile,
    flags: u32,
    waiting: Waiting,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    if flags & NO_WAIT != 0 || pipe.is_nonblocking() {
        return attempt();
    }
    until_ready(caller.thread, pipe.file(), waiting, attempt)
}

pub(in crate::syscall) fn splice(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(5);
    let length = arguments.word(4).min(linux_abi::MAX_TRANSFER_BYTES);
    if length == 0 {
        return Ok(0);
    }
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let (from, to) = (file(caller, arguments.int(0))?, file(caller, arguments.int(2))?);
    if !from.can_read() || !to.can_write() {
        return Err(Errno::EBADF);
    }
    let input = Side::new(&from, arguments.pointer(1))?;
    let output = Side::new(&to, arguments.pointer(3))?;
    let moved = match (from.file().as_pipe(), to.file().as_pipe()) {
        (None, None) => return Err(Errno::EINVAL),
        (Some(one), Some(other)) if one.is_same_pipe(other) => return Err(Errno::EINVAL),
        (Some(pipe), _) => {
            output.check_flow()?;
            if to.appends() {
                return Err(Errno::EINVAL);
            }
            from_pipe(caller, (input, pipe), output, length, flags)?
        }
        (None, Some(pipe)) => {
            input.check_flow()?;
            to_pipe(caller, input, (&to, pipe), length, flags)?
        }
    };
    input.moved(moved)?;
    output.moved(moved)?;
    note(caller, moved);
    Ok(moved)
}

fn note(caller: &Caller<'_>, moved: u64) {
    let figures = &caller.thread.figures;
    count(&figures.read_bytes, moved);
    count(&figures.written_bytes, moved);
    count(&figures.read_operations, 1);
    count(&figures.write_operations, 1);
}

/// Moves what is in a pipe, as much as there is without waiting for more.
fn from_pipe(
    caller: &Caller<'_>,
    (input, pipe): (Side<'_>, &PipeEnd),
    output: Side<'_>,
    length: u64,
    flags: u32,
) -> Answer {
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length {
        let left = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let place = output.position().map(|at| at.saturating_add(done));
        // What is full is waited for outside: the pipe is others' meanwhile.
        let mut is_full = false;
        let mut attempt = || {
            pipe.pass_on(&mut buffer[..left], |bytes| match output.file.write(place, bytes) {
                Err(Errno::EAGAIN) => {
                    is_full = true;
                    Ok((0, 0))
                }
                written => written.map(|count| (count, count)),
            })
        };
        let passed = if done == 0 {
            caller.await_bytes(Direction::Write)?;
            await_pipe(caller, input.file, flags, Waiting::READ, attempt)
        } else {
            attempt()
        };
        match passed {
            Ok(None) => break,
            Ok(Some(0)) if is_full && done == 0 => {
                let is_pipe = output.file.file().as_pipe().is_some();
                let no_wait = if is_pipe { flags & NO_WAIT } else { 0 };
                await_room(caller, output.file, no_wait)?;
            }
            Ok(Some(0)) => break,
            Ok(Some(count)) => {
                caller.charge_bytes(Direction::Write, count);
                done += count as u64;
            }
            Err(error) if done == 0 => return Err(with_signal(caller, error)),
            Err(_) => break,
        }
        if caller.thread.needs_attention() && done > 0 {
            break;
        }
    }
    Ok(done)
}

/// Waits until a file takes something.
fn await_room(caller: &Caller<'_>, to: &OpenFile, flags: u32) -> Result<(), Errno> {
    use crate::fs::Readiness;
    let ready = Readiness::OUT | Readiness::ALWAYS;
    await_pipe(caller, to, flags, Waiting::WRITE, || {
        if to.file().readiness().intersects(ready) { Ok(()) } else { Err(Errno::EAGAIN) }
    })
}

/// Moves as much into a pipe as it has room for, waiting for the first of it.
fn to_pipe(
    caller: &Caller<'_>,
    input: Side<'_>,
    (to, pipe): (&OpenFile, &PipeEnd),
    length: u64,
    flags: u32,
) -> Answer {
    await_room(caller, to, flags)?;
    // No more than finds room, so that nothing is read that cannot be kept.
    let room = pipe.room_bytes().max(1) as u64;
    let length = length.min(room);
    if input.file.has_position() {
        return move_between(caller, (input.file, input.position()), (to, None), length);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
    caller.await_bytes(Direction::Read)?;
    let attempt = || input.file.read(None, &mut buffer[..wanted]);
    let got = if input.file.is_nonblocking() {
        let mut attempt = attempt;
        attempt()?
    } else {
        until_ready(caller.thread, input.file.file(), Waiting::READ, attempt)?
    };
    caller.charge_bytes(Direction::Read, got);
    match put(caller, to, None, &buffer[..got]) {
        (0, Some(error)) if got > 0 => Err(error),
        (moved, _) => Ok(moved as u64),
    }
}

/// `sendfile` from what has no position into a pipe, which Linux makes a `splice` of.
pub(super) fn send_to_pipe(
    caller: &Caller<'_>,
    from: &OpenFile,
    to: &OpenFile,
    length: u64,
) -> Answer {
    let pipe = to.file().as_pipe().ok_or(Errno::EINVAL)?;
    if from.file().as_pipe().is_some() {
        return Err(Errno::EINVAL);
    }
    let input = Side { file: from, kept: None };
    input.check_flow()?;
    let moved = to_pipe(caller, input, (to, pipe), length, 0)?;
    note(caller, moved);
    Ok(moved)
}

pub(in crate::syscall) fn tee(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(3);
    let length = arguments.word(2).min(linux_abi::MAX_TRANSFER_BYTES);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    if length == 0 {
        return Ok(0);
    }
    let (from, to) = (file(caller, arguments.int(0))?, file(caller, arguments.int(1))?);
    if !from.can_read() || !to.can_write() {
        return Err(Errno::EBADF);
    }
    let (Some(one), Some(other)) = (from.file().as_pipe(), to.file().as_pipe()) else {
        return Err(Errno::EINVAL);
    };
    if one.is_same_pipe(other) {
        return Err(Errno::EINVAL);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let wanted = usize::try_from(length).unwrap_or(usize::MAX).min(buffer.len());
    loop {
        let mut is_full = false;
        let copied = await_pipe(caller, &from, flags, Waiting::READ, || {
            one.pass_on(&mut buffer[..wanted], |bytes| match to.write(None, bytes) {
                Err(Errno::EAGAIN) => {
                    is_full = true;
                    Ok((0, 0))
                }
                // It stays where it was, too.
                written => written.map(|count| (0, count)),
            })
        });
        match copied.map_err(|error| with_signal(caller, error))? {
            None => return Ok(0),
            Some(0) if is_full => await_room(caller, &to, flags)?,
            Some(count) => {
                note(caller, count as u64);
                return Ok(count as u64);
            }
        }
    }
}

/// The pages themselves are not passed on: a program that changes them afterwards changes nothing.
pub(in crate::syscall) fn vmsplice(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = arguments.unsigned(3);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let pipe = file(caller, arguments.int(0))?;
    if pipe.file().as_pipe().is_none() {
        return Err(Errno::EBADF);
    }
    let list = pieces(arguments.pointer(1), arguments.word(2))?;
    if Pieces::new(&list).left() == 0 {
        return Ok(0);
    }
    let no_wait = flags & NO_WAIT != 0;
    if pipe.can_write() {
        await_room(caller, &pipe, flags)?;
        return write_from(caller, &pipe, None, Pieces::new(&list));
    }
    if no_wait && !pipe.file().readiness().intersects(Waiting::READ.interest) {
        return Err(Errno::EAGAIN);
    }
    read_into(caller, &pipe, None, Pieces::new(&list))
}
