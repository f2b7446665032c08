//! Sending and receiving, with addresses and control messages.

use alloc::vec::Vec;

use linux_abi::layout::{IoVec, MMsgHdr, MsgHdr, Timespec};
use linux_abi::socket::{MessageFlags, SocketAddress};
use linux_abi::{Arguments, Errno, UserPointer};

use super::confine;
use super::control::{self, Control};
use super::{address, named, put_address, socket_of, wait_for};
use crate::fs::{OpenFile, Transfer, Waiting};
use crate::process::Direction;
use crate::scheduler::count;
use crate::socket::{Incoming, Outgoing};
use crate::syscall::file::memory::{Pieces, is_too_long, pieces, with_buffer};
use crate::syscall::{Answer, Caller, file, user};

/// The most messages that one call moves: UIO_MAXIOV.
const MOST_MESSAGES: u32 = 1024;

/// Sends what the pieces hold.
fn send(
    caller: &Caller<'_>,
    file: &OpenFile,
    mut from: Pieces<'_>,
    outgoing: &mut Outgoing<'_>,
) -> Answer {
    let socket = socket_of(file)?;
    let length = from.left();
    if is_too_long(file, length) {
        return Err(Errno::EMSGSIZE);
    }
    let is_message = file.transfer() == Transfer::Messages;
    let is_nonblocking = outgoing.flags.contains(MessageFlags::DONTWAIT);
    caller.await_bytes(Direction::Write)?;
    let (done, error) = with_buffer(file, length, |buffer| {
        let mut done = 0_u64;
        loop {
            let left = usize::try_from(length - done).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            match from.get(&mut buffer[..wanted]) {
                Ok(_) => {}
                Err(error) => return Ok((done, Some(error))),
            }
            let mut put = 0;
            loop {
                let bytes = &buffer[put..wanted];
                let attempt = || socket.send(bytes, outgoing);
                match wait_for(caller, file, is_nonblocking, Waiting::WRITE, attempt) {
                    Ok(count) => {
                        caller.charge_bytes(Direction::Write, count);
                        put += count;
                        done += count as u64;
                    }
                    Err(error) => return Ok((done, Some(error))),
                }
                if put >= wanted || is_message {
                    break;
                }
            }
            let is_over = done == length || is_message || caller.thread.needs_attention();
            if is_over || caller.await_bytes(Direction::Write).is_err() {
                return Ok((done, None));
            }
        }
    })?;
    if error == Some(Errno::EPIPE) && !outgoing.flags.contains(MessageFlags::NOSIGNAL) {
        file::with_signal(caller, Errno::EPIPE);
    }
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.write_operations, 1);
    match error {
        Some(error) if done == 0 => Err(error),
        _ => Ok(done),
    }
}

/// Receives into the pieces.
fn receive(
    caller: &Caller<'_>,
    file: &OpenFile,
    mut to: Pieces<'_>,
    flags: MessageFlags,
) -> Result<Incoming, Errno> {
    let socket = socket_of(file)?;
    let length = to.left();
    let is_message = file.transfer() == Transfer::Messages;
    let is_nonblocking = flags.contains(MessageFlags::DONTWAIT);
    // Peeking twice would give the same bytes twice.
    let takes_all = flags.contains(MessageFlags::WAITALL) && !flags.contains(MessageFlags::PEEK);
    caller.await_bytes(Direction::Read)?;
    let incoming = with_buffer(file, length, |buffer| {
        let mut all = Incoming::default();
        loop {
            let done = all.count as u64;
            let left = usize::try_from(length.saturating_sub(done)).unwrap_or(usize::MAX);
            let wanted = left.min(buffer.len());
            let attempt = || socket.receive(&mut buffer[..wanted], flags);
            let is_first = all.count == 0;
            let waits_no_more = is_nonblocking || !(is_first || takes_all);
            let got = match wait_for(caller, file, waits_no_more, Waiting::READ, attempt) {
                Ok(got) => got,
                Err(error) if is_first => return Err(error),
                Err(_) => break,
            };
            caller.charge_bytes(Direction::Read, got.count);
            let has_control = !got.rights.is_empty() || got.credentials.is_some();
            match to.put(&buffer[..got.count]) {
                Ok(()) => {}
                Err(error) if is_first => return Err(error),
                Err(_) => break,
            }
            let count = got.count;
            let done = all.count;
            if is_first {
                all = got;
            } else {
                all.count += count;
                all.length += count;
                all.rights_sandbox = got.rights_sandbox;
                all.rights.extend(got.rights);
            }
            let is_over = count == 0 || is_message || has_control || all.count as u64 == length;
            let is_short = count < wanted && !takes_all;
            if is_over || is_short || flags.contains(MessageFlags::PEEK) {
                break;
            }
            debug_assert!(all.count > done);
            let is_interrupted = caller.thread.needs_attention();
            if is_interrupted || caller.await_bytes(Direction::Read).is_err() {
                break;
            }
        }
        Ok(all)
    })?;
    count(&caller.thread.figures.read_bytes, incoming.count as u64);
    count(&caller.thread.figures.read_operations, 1);
    Ok(incoming)
}

/// What a call that received answers: with `TRUNC`, how long a message was.
fn received(incoming: &Incoming, flags: MessageFlags) -> u64 {
    let is_asked = flags.contains(MessageFlags::TRUNC);
    (if is_asked { incoming.length.max(incoming.count) } else { incoming.count }) as u64
}

fn one(arguments: &Arguments) -> Result<[IoVec; 1], Errno> {
    Ok([IoVec { base: arguments.word(1), length: arguments.transfer_length(2)? }])
}

pub(in crate::syscall) fn sendto(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    file::with_file(caller, arguments.int(0), |caller, file| {
        socket_of(file)?;
        let flags = MessageFlags::from_bits_truncate(arguments.unsigned(3));
        let to = match arguments.pointer(4).non_null() {
            Some(at) => {
                let to = address(at, arguments.int(5))?;
                confine::check_begin(caller, &to)?;
                Some(named(caller, to)?)
            }
            None => None,
        };
        let mut outgoing = Outgoing { to: to.as_ref(), flags, ..Outgoing::default() };
        send(caller, file, Pieces::new(&one(arguments)?), &mut outgoing)
    })
}

pub(in crate::syscall) fn recvfrom(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    file::with_file(caller, arguments.int(0), |caller, file| {
        socket_of(file)?;
        let flags = MessageFlags::from_bits_truncate(arguments.unsigned(3));
        let incoming = receive(caller, file, Pieces::new(&one(arguments)?), flags)?;
        put_from(&incoming, arguments.pointer(4), arguments.pointer(5))?;
        Ok(received(&incoming, flags))
    })
}

/// Writes who sent it; a stream says nothing, which is an address of no bytes.
fn put_from(incoming: &Incoming, to: UserPointer, length_at: UserPointer) -> Result<(), Errno> {
    match &incoming.from {
        Some(from) => put_address(from, to, length_at),
        None if to.non_null().is_some() => user::write(length_at, &0_u32.to_le_bytes()),
        None => Ok(()),
    }
}

fn header(at: UserPointer) -> Result<MsgHdr, Errno> {
    Ok(MsgHdr::from_bytes(&user::read(at)?))
}

fn header_pieces(header: &MsgHdr) -> Result<Vec<IoVec>, Errno> {
    pieces(UserPointer(header.pieces), header.piece_count).map_err(|error| match error {
        // Too many pieces are another error here than in readv.
        Errno::EINVAL if header.piece_count > u64::from(MOST_MESSAGES) => Errno::EMSGSIZE,
        other => other,
    })
}

pub(in crate::syscall) fn sendmsg(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    socket_of(&file)?;
    let flags = MessageFlags::from_bits_truncate(arguments.unsigned(2));
    send_message(caller, &file, arguments.pointer(1), flags)
}

fn send_message(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: UserPointer,
    flags: MessageFlags,
) -> Answer {
    let header = header(at)?;
    let list = header_pieces(&header)?;
    let to = match UserPointer(header.name).non_null() {
        Some(name) if header.name_length > 0 => {
            let length = i32::try_from(header.name_length).map_err(|_| Errno::EINVAL)?;
            let longest = i32::try_from(SocketAddress::MOST_BYTES).unwrap_or(i32::MAX);
            let to = address(name, length.min(longest))?;
            confine::check_begin(caller, &to)?;
            Some(named(caller, to)?)
        }
        _ => None,
    };
    let Control { rights, credentials } = control::read(caller, &header)?;
    let mut outgoing = Outgoing { to: to.as_ref(), flags, rights, credentials };
    send(caller, file, Pieces::new(&list), &mut outgoing)
}

pub(in crate::syscall) fn recvmsg(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    socket_of(&file)?;
    let flags = MessageFlags::from_bits_truncate(arguments.unsigned(2));
    receive_message(caller, &file, arguments.pointer(1), flags)
}

fn receive_message(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: UserPointer,
    flags: MessageFlags,
) -> Answer {
    const NAME_LENGTH_AT: u64 = 8;
    const CONTROL_LENGTH_AT: u64 = 40;
    const FLAGS_AT: u64 = 48;
    let header = header(at)?;
    let list = header_pieces(&header)?;
    if UserPointer(header.name).non_null().is_some() && i32::try_from(header.name_length).is_err() {
        return Err(Errno::EINVAL);
    }
    let mut incoming = receive(caller, file, Pieces::new(&list), flags)?;
    let answer = received(&incoming, flags);
    let mut told = incoming.flags;
    if incoming.length > incoming.count {
        told = told | MessageFlags::TRUNC;
    }
    let field = |offset: u64| at.0.checked_add(offset).map(UserPointer).ok_or(Errno::EFAULT);
    put_from(&incoming, UserPointer(header.name), field(NAME_LENGTH_AT)?)?;
    told = told | confine::take_rights(caller, &mut incoming);
    let (control_length, is_cut) = control::write(caller, &header, &mut incoming, flags)?;
    if is_cut {
        told = told | MessageFlags::CTRUNC;
    }
    user::write(field(CONTROL_LENGTH_AT)?, &control_length.to_le_bytes())?;
    user::write(field(FLAGS_AT)?, &told.bits().to_le_bytes())?;
    Ok(answer)
}

/// Runs `each` over the messages of an array; says how many went well, or why the first did not.
fn many(
    caller: &Caller<'_>,
    arguments: &Arguments,
    mut each: impl FnMut(UserPointer, u32) -> Result<(u64, bool), Errno>,
) -> Answer {
    const LENGTH_AT: u64 = 56;
    let wanted = arguments.unsigned(2).min(MOST_MESSAGES);
    let mut done = 0_u32;
    while done < wanted {
        let offset = u64::from(done) * MMsgHdr::BYTES as u64;
        let at = arguments.word(1).checked_add(offset).ok_or(Errno::EFAULT)?;
        let moved = each(UserPointer(at), done).and_then(|(length, is_last)| {
            let length = u32::try_from(length).unwrap_or(u32::MAX);
            let place = at.checked_add(LENGTH_AT).ok_or(Errno::EFAULT)?;
            user::write(UserPointer(place), &length.to_le_bytes())?;
            Ok(is_last)
        });
        match moved {
            Ok(is_last) => {
                done += 1;
                if is_last || caller.thread.needs_attention() {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(u64::from(done))
}

pub(in crate::syscall) fn sendmmsg(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    socket_of(&file)?;
    let flags = MessageFlags::from_bits_truncate(arguments.unsigned(3));
    let each = |at, _| Ok((send_message(caller, &file, at, flags)?, false));
    many(caller, arguments, each)
}

pub(in crate::syscall) fn recvmmsg(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    socket_of(&file)?;
    let flags = MessageFlags::from_bits_truncate(arguments.unsigned(3));
    let deadline = match arguments.pointer(4).non_null() {
        Some(at) => {
            let timeout = Timespec::from_bytes(&user::read(at)?).to_nanoseconds()?;
            Some(hal::time::now_ns().saturating_add(timeout))
        }
        None => None,
    };
    let each = |at, index: u32| {
        let is_first = index == 0;
        let flags = if !is_first && flags.contains(MessageFlags::WAITFORONE) {
            flags | MessageFlags::DONTWAIT
        } else {
            flags
        };
        let count = receive_message(caller, &file, at, flags)?;
        // The time is looked at after each message only: recvmmsg(2).
        let is_late = deadline.is_some_and(|deadline| hal::time::now_ns() >= deadline);
        Ok((count, is_late))
    };
    many(caller, arguments, each)
}
