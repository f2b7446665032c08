//! Sockets: what every family implements ([`Socket`]) for the calls in `syscall::socket`.

mod devices;
mod interfaces;
mod internet;
mod netlink;
mod options;
mod unix;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::Errno;
use linux_abi::layout::UCred;
use linux_abi::socket::{MessageFlags, Shutdown, SocketAddress, SocketRequest, SocketType, family};

use process_core::{Capability, Gid, Uid};
use vfs_core::{FileKind, Metadata};

pub use devices::interface_ioctl;
pub use options::{CommonOptions, OptionValue};
pub use unix::{UnixPhase, UnixStatistics, close_rights, shown_name, unix_sockets, unix_table};

use crate::fs::{File, Held, OpenFile, nameless};
use crate::{process, scheduler};

/// An address that a program passed, and what the file system says about it.
#[derive(Clone, Debug)]
pub struct Named {
    /// The address.
    pub address: SocketAddress,
    /// For a UNIX socket's path: the file that stands there, which the caller may write to. For
    /// `bind` it has just been made.
    pub file: Option<FileKey>,
    /// For `bind`: what keeps that file.
    pub held: Option<Arc<Held>>,
}

/// A file, wherever it is: its file system's number and its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileKey(pub u32, pub u64);

/// A connection that was accepted.
#[derive(Debug)]
pub struct Accepted {
    /// The new socket, whose `as_socket` is not none.
    pub socket: Box<dyn File>,
    /// Who connected.
    pub peer: SocketAddress,
}

/// What goes with bytes that are sent.
#[derive(Debug, Default)]
pub struct Outgoing<'a> {
    /// Where to; none for the peer.
    pub to: Option<&'a Named>,
    /// `MSG_*`; waiting and SIGPIPE are the caller's.
    pub flags: MessageFlags,
    /// Open files that go along. The socket takes them when it takes the bytes.
    pub rights: Vec<Arc<OpenFile>>,
    /// Credentials that the sender shows, which have been checked.
    pub credentials: Option<UCred>,
}

/// What was received.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Bytes that were put into the buffer.
    pub count: usize,
    /// Bytes of the whole message: more than `count` if it was cut.
    pub length: usize,
    /// Who sent it, if the socket is not connected or the family tells in any case.
    pub from: Option<SocketAddress>,
    /// Open files that came along.
    pub rights: Vec<Arc<OpenFile>>,
    /// The sandbox of who sent those.
    pub rights_sandbox: Option<u64>,
    /// Who sent it, if that is wanted.
    pub credentials: Option<UCred>,
    /// The run of a service that the sender belonged to when it sent it, if that is wanted: it may have ended
    /// since. 0 for none.
    pub instance: u64,
    /// `MSG_EOR`, `MSG_OOB`.
    pub flags: MessageFlags,
}

/// A socket. As with [`File`], nothing waits here: EAGAIN is the answer, and the caller waits by the
/// file's watch list, with `IN` for `accept` and `receive` and `OUT` for `send` and `connect`.
pub trait Socket: File {
    /// What all sockets have alike. `SO_*` options that are only kept, and timeouts, are dealt with by
    /// the caller.
    fn options(&self) -> &CommonOptions;

    /// `AF_*`.
    fn family(&self) -> u16;

    /// Its type.
    fn kind(&self) -> SocketType;

    /// Its protocol.
    fn protocol(&self) -> i32 {
        0
    }

    /// Gives it an address.
    ///
    /// # Errors
    /// EINVAL if it has one, EADDRINUSE, EADDRNOTAVAIL, EACCES, EAFNOSUPPORT.
    fn bind(&self, name: &Named) -> Result<(), Errno>;

    /// Lets others connect; `backlog` of them before anyone accepts.
    ///
    /// # Errors
    /// EOPNOTSUPP, EINVAL, EADDRINUSE.
    fn listen(&self, backlog: u32) -> Result<(), Errno>;

    /// Whether it listens.
    fn is_listening(&self) -> bool;

    /// Takes the first connection.
    ///
    /// # Errors
    /// EAGAIN if there is none, EINVAL if it does not listen, EOPNOTSUPP, ECONNABORTED.
    fn accept(&self) -> Result<Accepted, Errno>;

    /// Starts to connect, or sets where messages go.
    ///
    /// # Errors
    /// EINPROGRESS if `finish_connect` will tell; EAGAIN if it has to be tried again when the socket
    /// says `OUT` (a full backlog); EALREADY, EISCONN, ECONNREFUSED, ...
    fn connect(&self, name: &Named) -> Result<(), Errno>;

    /// How a connection comes along that `connect` has started.
    ///
    /// # Errors
    /// EAGAIN while it is not decided; then why it failed.
    fn finish_connect(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// Its own address.
    ///
    /// # Errors
    /// None that is usual.
    fn local_address(&self) -> Result<SocketAddress, Errno>;

    /// The other side's.
    ///
    /// # Errors
    /// ENOTCONN.
    fn peer_address(&self) -> Result<SocketAddress, Errno>;

    /// Sends; says how many bytes were taken: all of them for messages.
    ///
    /// # Errors
    /// EAGAIN, EPIPE, ENOTCONN, EDESTADDRREQ, EMSGSIZE, ECONNREFUSED, ...
    fn send(&self, bytes: &[u8], outgoing: &mut Outgoing<'_>) -> Result<usize, Errno>;

    /// Receives. A count of 0 from a stream is its end. `PEEK` and `OOB` are its business; `WAITALL`,
    /// `DONTWAIT` and `TRUNC` the caller's.
    ///
    /// # Errors
    /// EAGAIN, ENOTCONN, ECONNRESET, ...
    fn receive(&self, buffer: &mut [u8], flags: MessageFlags) -> Result<Incoming, Errno>;

    /// Ends one direction or both.
    ///
    /// # Errors
    /// ENOTCONN.
    fn shutdown(&self, what: Shutdown) -> Result<(), Errno>;

    /// Takes the error that waits: `SO_ERROR`.
    fn take_error(&self) -> Option<Errno> {
        None
    }

    /// The peer's credentials: `SO_PEERCRED`.
    fn peer_credentials(&self) -> UCred {
        UCred { pid: 0, uid: u32::MAX, gid: u32::MAX }
    }

    /// Sets an option of the family's own, or hears of a common one that has been set.
    ///
    /// # Errors
    /// ENOPROTOOPT for an unknown one, EINVAL.
    fn set_option(&self, level: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        let _ = (level, name, value);
        Err(Errno::ENOPROTOOPT)
    }

    /// Reads an option of the family's own.
    ///
    /// # Errors
    /// ENOPROTOOPT for an unknown one.
    fn option(&self, level: i32, name: i32) -> Result<OptionValue, Errno> {
        let _ = (level, name);
        Err(Errno::ENOPROTOOPT)
    }
}

/// Makes a socket.
///
/// # Errors
/// EAFNOSUPPORT, EPROTONOSUPPORT, ESOCKTNOSUPPORT, ENOMEM.
pub fn create(request: &SocketRequest) -> Result<Box<dyn File>, Errno> {
    match u16::try_from(request.family) {
        Ok(family::UNIX) => unix::create(request),
        Ok(family::INET | family::INET6) => internet::create(request),
        Ok(family::NETLINK) => netlink::create(request),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// What fstat(2) tells about a socket.
fn metadata(inode: u64) -> Metadata {
    nameless(FileKind::Socket, 0o777, inode)
}

/// What `/proc/PID/fd` says about a socket.
fn described(inode: u64) -> String {
    alloc::format!("socket:[{inode}]")
}

/// Two ends of one connection.
pub type Pair = (Box<dyn File>, Box<dyn File>);

/// Makes two sockets that are connected to each other.
///
/// # Errors
/// EOPNOTSUPP for families that have no such thing, and as `create`.
pub fn create_pair(request: &SocketRequest) -> Result<Pair, Errno> {
    match u16::try_from(request.family) {
        Ok(family::UNIX) => unix::pair(request),
        Ok(family::INET | family::INET6) => Err(Errno::EOPNOTSUPP),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// Whether the running thread's process may use this capability.
fn is_capable(capability: Capability) -> bool {
    let pid = scheduler::current().map(|thread| thread.process().pid());
    let credentials = pid.and_then(|pid| process::credentials_of(pid).ok());
    credentials.is_some_and(|it| it.is_capable(capability))
}

/// Whether the running thread's process may show these credentials as its own: unix(7),
/// `SCM_CREDENTIALS`.
#[must_use]
pub fn may_show(shown: UCred) -> bool {
    let Some(thread) = scheduler::current() else { return false };
    let pid = thread.process().pid();
    let Ok(own) = process::credentials_of(pid) else { return false };
    let is_own_pid = i64::from(shown.pid) == i64::from(pid.number());
    let uids = [own.real_uid, own.effective_uid, own.saved_uid];
    let gids = [own.real_gid, own.effective_gid, own.saved_gid];
    (is_own_pid || own.is_capable(Capability::SysAdmin))
        && (uids.contains(&Uid(shown.uid)) || own.is_capable(Capability::Setuid))
        && (gids.contains(&Gid(shown.gid)) || own.is_capable(Capability::Setgid))
}

/// The run of a service that the running thread belongs to; 0 for none.
#[must_use]
pub fn own_instance() -> u64 {
    scheduler::current().map_or(0, |thread| thread.process().instance())
}

/// Who the running thread acts for.
#[must_use]
pub fn own_credentials() -> UCred {
    let pid = scheduler::current().map(|thread| thread.process().pid());
    let credentials = pid.and_then(|pid| process::credentials_of(pid).ok());
    let number = pid.map_or(0, |pid| i32::try_from(pid.number()).unwrap_or(0));
    match credentials {
        Some(it) => UCred { pid: number, uid: it.effective_uid.0, gid: it.effective_gid.0 },
        None => UCred { pid: number, uid: 0, gid: 0 },
    }
}
