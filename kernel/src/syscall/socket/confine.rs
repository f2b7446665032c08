//! What a sandbox leaves of sockets: its rights on the network, names that are files, descriptors of
//! its own.

use linux_abi::Errno;
use linux_abi::socket::{MessageFlags, SocketAddress, SocketRequest, SocketType, family};

use crate::process::sandbox::{Confinement, Violation};
use crate::service;
use crate::socket::{Incoming, Socket};
use crate::syscall::Caller;

/// Refuses, if the caller is in a sandbox and that does not allow it.
fn check(
    caller: &Caller<'_>,
    what: &'static str,
    is_allowed: impl FnOnce(&Confinement) -> bool,
) -> Result<(), Errno> {
    match caller.process.confinement() {
        Some(confinement) if !is_allowed(confinement) => {
            caller.process.violate(Violation::Network(what));
            Err(Errno::EACCES)
        }
        _ => Ok(()),
    }
}

/// A new socket: of the Internet's families only with a right on the network, and none that sees what
/// is others'.
pub(super) fn check_socket(caller: &Caller<'_>, request: &SocketRequest) -> Result<(), Errno> {
    check(caller, "a socket of this kind", |confinement| {
        let network = confinement.rules.network;
        match u16::try_from(request.family) {
            Ok(family::UNIX) => true,
            Ok(family::INET | family::INET6) => {
                (network.connect || network.listen) && request.kind != SocketType::Raw
            }
            _ => false,
        }
    })
}

/// A name of a UNIX socket that is no file is known in the whole system.
fn is_common_name(address: &SocketAddress) -> bool {
    matches!(address, SocketAddress::Unix(name) if name.path().is_none())
}

/// An address to be waited at. Any port is one that others can reach.
pub(super) fn check_bind(caller: &Caller<'_>, address: &SocketAddress) -> Result<(), Errno> {
    check(caller, "binding to this address", |confinement| match address {
        SocketAddress::Unix(_) => !is_common_name(address),
        other => {
            let is_any_port = matches!(other, SocketAddress::Ip(address) if address.port() == 0);
            confinement.rules.network.listen || (confinement.rules.network.connect && is_any_port)
        }
    })
}

/// Waiting for connections.
pub(super) fn check_listen(caller: &Caller<'_>, socket: &dyn Socket) -> Result<(), Errno> {
    if socket.family() == family::UNIX {
        return Ok(());
    }
    check(caller, "listening", |confinement| confinement.rules.network.listen)
}

/// An address to begin with: to connect or to send to. What runs for a service may tell the system how it
/// is: that goes to no other program, and brings nothing back.
pub(super) fn check_begin(caller: &Caller<'_>, address: &SocketAddress) -> Result<(), Errno> {
    let is_of_service = caller.process.instance() != 0;
    check(caller, "reaching this address", |confinement| match address {
        SocketAddress::Unix(name) if is_of_service && service::is_notify_socket(name) => true,
        SocketAddress::Unix(_) => !is_common_name(address),
        SocketAddress::Unspecified => true,
        _ => confinement.rules.network.connect,
    })
}

/// Open files that come from outside the sandbox are let go of: one of them could be a directory, and
/// lead out of its root. The program is told that something is missing.
pub(super) fn take_rights(caller: &Caller<'_>, incoming: &mut Incoming) -> MessageFlags {
    let own = caller.process.sandbox_id();
    if incoming.rights.is_empty() || own.is_none() || own == incoming.rights_sandbox {
        return MessageFlags::NONE;
    }
    caller.process.violate(Violation::Network("a descriptor from outside"));
    incoming.rights.clear();
    MessageFlags::CTRUNC
}
