//! Sockets: making them, connecting them, their options. What they carry is in `message`.

mod confine;
mod control;
mod message;
mod options;

use alloc::boxed::Box;
use alloc::sync::Arc;

use linux_abi::file::{AccessMode, OpenFlags};
use linux_abi::socket::{Shutdown, SocketAddress, SocketRequest, family, socket_flags};
use linux_abi::{Arguments, Errno, UserPointer};
use process_core::BlockReason;

use super::{Answer, Caller, file, user};
use crate::fs::{File, OpenFile, Readiness, Waiting, until_ready};
use crate::socket::{self, Named, Socket};

pub(super) use message::{recvfrom, recvmmsg, recvmsg, sendmmsg, sendmsg, sendto};
pub(super) use options::{getsockopt, setsockopt};

/// The socket behind a file.
fn socket_of(file: &OpenFile) -> Result<&dyn Socket, Errno> {
    file.file().as_socket().ok_or(Errno::ENOTSOCK)
}

/// Tries, and waits as the socket's timeouts and flags say.
fn wait_for<R>(
    caller: &Caller<'_>,
    file: &OpenFile,
    is_nonblocking: bool,
    waiting: Waiting,
    mut attempt: impl FnMut() -> Result<R, Errno>,
) -> Result<R, Errno> {
    let first = attempt();
    if is_nonblocking || file.is_nonblocking() || !matches!(first, Err(Errno::EAGAIN)) {
        return first;
    }
    let options = socket_of(file)?.options();
    let deadline_ns = if waiting.interest.intersects(Readiness::IN) {
        options.receive_deadline_ns()
    } else {
        options.send_deadline_ns()
    };
    until_ready(caller.thread, file.file(), Waiting { deadline_ns, ..waiting }, attempt)
}

/// Reads an address that a program passes.
fn address(at: UserPointer, length: i32) -> Result<SocketAddress, Errno> {
    let length = usize::try_from(length).map_err(|_| Errno::EINVAL)?;
    let mut bytes = [0; SocketAddress::MOST_BYTES];
    let bytes = bytes.get_mut(..length).ok_or(Errno::EINVAL)?;
    hal::user::copy_from(at.0, bytes).map_err(|_| Errno::EFAULT)?;
    SocketAddress::from_bytes(bytes)
}

/// An address with what the file system says about it.
fn named(caller: &Caller<'_>, address: SocketAddress) -> Result<Named, Errno> {
    let file = match &address {
        SocketAddress::Unix(name) => match name.path() {
            Some(path) => Some(file::find_socket(caller, path)?),
            None => None,
        },
        _ => None,
    };
    Ok(Named { address, file, held: None })
}

/// Writes an address where a program wants it, and its length; nothing for a null pointer.
fn put_address(
    address: &SocketAddress,
    to: UserPointer,
    length_at: UserPointer,
) -> Result<(), Errno> {
    if to.non_null().is_none() {
        return Ok(());
    }
    let room = i32::from_le_bytes(user::read(length_at)?);
    let room = usize::try_from(room).map_err(|_| Errno::EINVAL)?;
    let (bytes, length) = address.to_bytes();
    let mut padded = [0; SocketAddress::MOST_BYTES];
    padded[..bytes.len()].copy_from_slice(&bytes);
    user::write(to, &padded[..length.min(room)])?;
    user::write(length_at, &u32::try_from(length).unwrap_or(0).to_le_bytes())
}

/// Opens a socket and gives it a descriptor.
fn open(
    caller: &Caller<'_>,
    socket: Box<dyn File>,
    is_nonblocking: bool,
    closes_on_exec: bool,
) -> Answer {
    let flags = if is_nonblocking { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
    let file = OpenFile::new(socket, AccessMode::ReadWrite, flags);
    file::insert(caller, Arc::new(file), closes_on_exec)
}

pub(super) fn socket(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = SocketRequest::decode(arguments)?;
    confine::check_socket(caller, &request)?;
    let socket = socket::create(&request)?;
    open(caller, socket, request.is_nonblocking, request.closes_on_exec)
}

pub(super) fn socketpair(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = SocketRequest::decode(arguments)?;
    let (first, second) = socket::create_pair(&request)?;
    let flags = if request.is_nonblocking { OpenFlags::NONBLOCK } else { OpenFlags::NONE };
    let open = |socket| OpenFile::new(socket, AccessMode::ReadWrite, flags);
    let to = arguments.pointer(3);
    file::pair(caller, to, open(first), open(second), request.closes_on_exec)
}

pub(super) fn bind(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    let address = address(arguments.pointer(1), arguments.int(2))?;
    confine::check_bind(caller, &address)?;
    let mut name = Named { address, file: None, held: None };
    if let SocketAddress::Unix(unix) = &address
        && let Some(path) = unix.path()
    {
        let has_name = !matches!(
            socket.local_address()?,
            SocketAddress::Unix(known) if known.is_none()
        );
        if socket.family() != family::UNIX {
            return Err(Errno::EINVAL);
        }
        if has_name {
            // Linux looks at the path first.
            let is_free = file::find_socket(caller, path) == Err(Errno::ENOENT);
            return Err(if is_free { Errno::EINVAL } else { Errno::EADDRINUSE });
        }
        let (key, held) = file::make_socket(caller, path)?;
        name.file = Some(key);
        name.held = Some(held);
    }
    socket.bind(&name)?;
    Ok(0)
}

pub(super) fn listen(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    /// `net.core.somaxconn`.
    const MOST: u32 = 4096;
    let file = file::file(caller, arguments.int(0))?;
    confine::check_listen(caller, socket_of(&file)?)?;
    socket_of(&file)?.listen(arguments.unsigned(1).min(MOST))?;
    Ok(0)
}

pub(super) fn accept(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    accept_with(caller, arguments, 0)
}

pub(super) fn accept4(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    accept_with(caller, arguments, arguments.unsigned(3))
}

fn accept_with(caller: &Caller<'_>, arguments: &Arguments, flags: u32) -> Answer {
    const WAITING: Waiting =
        Waiting { interest: Readiness::IN, reason: BlockReason::Accept, deadline_ns: None };
    let (is_nonblocking, closes_on_exec) = socket_flags(flags)?;
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    let accepted = wait_for(caller, &file, false, WAITING, || socket.accept())?;
    put_address(&accepted.peer, arguments.pointer(1), arguments.pointer(2))?;
    open(caller, accepted.socket, is_nonblocking, closes_on_exec)
}

pub(super) fn connect(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const WAITING: Waiting =
        Waiting { interest: Readiness::OUT, reason: BlockReason::Connect, deadline_ns: None };
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    let address = address(arguments.pointer(1), arguments.int(2))?;
    confine::check_begin(caller, &address)?;
    let named = named(caller, address)?;
    match wait_for(caller, &file, false, WAITING, || socket.connect(&named)) {
        Err(Errno::EINPROGRESS) if !file.is_nonblocking() => {
            match wait_for(caller, &file, false, WAITING, || socket.finish_connect()) {
                // The deadline has passed, and it goes on trying: connect(2).
                Err(Errno::EAGAIN) => Err(Errno::EINPROGRESS),
                other => other.map(|()| 0),
            }
        }
        other => other.map(|()| 0),
    }
}

pub(super) fn getsockname(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let address = socket_of(&file)?.local_address()?;
    put_address(&address, arguments.pointer(1), arguments.pointer(2))?;
    Ok(0)
}

pub(super) fn getpeername(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let address = socket_of(&file)?.peer_address()?;
    put_address(&address, arguments.pointer(1), arguments.pointer(2))?;
    Ok(0)
}

pub(super) fn shutdown(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file::file(caller, arguments.int(0))?;
    let socket = socket_of(&file)?;
    socket.shutdown(Shutdown::from_number(arguments.int(1))?)?;
    Ok(0)
}
