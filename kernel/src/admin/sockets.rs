//! Sockets, as the API shows them: those of the Internet's families from the stack, which knows who made
//! them, and UNIX sockets.

use alloc::format;
use alloc::vec::Vec;
use core::net::SocketAddr;

use admin_api::backend::{ApiError, ProcessOperation};
use admin_api::types::{Socket, SocketProtocol, Text};
use linux_abi::socket::SocketType;
use net::socket::socket_addr;
use net::stack::{DatagramKind, IpEndpoint, LocalAddress, UNCLAIMED};

use super::{convert, processes};
use crate::socket::{self, UnixPhase, UnixStatistics};
use crate::{network, process};

/// All sockets.
pub(super) fn sockets() -> Vec<Socket> {
    let mut all: Vec<_> = socket::unix_sockets().iter().map(unix_socket).collect();
    let Some(statistics) = network::statistics() else { return all };
    let (connections, datagrams) = network::all_sockets();
    for listener in &statistics.listeners {
        all.push(Socket {
            protocol: SocketProtocol::Tcp,
            inode: listener.identity.inode,
            pid: pid_of(listener.owner),
            local: local(listener.address, listener.port),
            remote: None,
            state: Some("listen".into()),
            received_bytes: 0,
            sent_bytes: 0,
            receive_queue: listener.queued as u64,
            send_queue: listener.backlog as u64,
            dropped: listener.refused_backlog + listener.refused_limit + listener.refused_memory,
        });
    }
    for connection in &connections {
        all.push(Socket {
            protocol: SocketProtocol::Tcp,
            inode: connection.identity.inode,
            pid: pid_of(connection.owner),
            local: end(connection.local),
            remote: Some(end(connection.remote)),
            state: Some(connection.state.into()),
            received_bytes: connection.received_bytes,
            sent_bytes: connection.sent_bytes,
            receive_queue: connection.receive_queue_bytes as u64,
            send_queue: connection.send_queue_bytes as u64,
            dropped: 0,
        });
    }
    for datagram in &datagrams {
        all.push(Socket {
            protocol: match datagram.kind {
                DatagramKind::Udp => SocketProtocol::Udp,
                DatagramKind::Echo => SocketProtocol::Icmp,
                DatagramKind::Raw(_) => SocketProtocol::Raw,
            },
            inode: datagram.identity.inode,
            pid: pid_of(datagram.owner),
            local: local(datagram.local.0, datagram.local.1),
            remote: datagram.remote.map(end),
            state: None,
            received_bytes: datagram.received_bytes,
            sent_bytes: datagram.sent_bytes,
            receive_queue: datagram.receive_queue_bytes as u64,
            send_queue: 0,
            dropped: datagram.dropped,
        });
    }
    all
}

fn unix_socket(socket: &UnixStatistics) -> Socket {
    let (local, remote) = &socket.names;
    let is_joined = matches!(socket.phase, UnixPhase::Joined | UnixPhase::Waits);
    let state = match socket.phase {
        UnixPhase::Listens => Some("listen"),
        _ if is_joined && socket.kind != SocketType::Datagram => Some("established"),
        _ => None,
    };
    Socket {
        protocol: SocketProtocol::Unix,
        inode: socket.inode,
        pid: pid_of(socket.owner),
        local: socket::shown_name(local).into(),
        remote: is_joined.then(|| socket::shown_name(remote).into()),
        state: state.map(Into::into),
        received_bytes: socket.traffic.0,
        sent_bytes: socket.traffic.1,
        receive_queue: socket.queues.0 as u64,
        send_queue: socket.queues.1 as u64,
        dropped: 0,
    }
}

/// Those of one process.
///
/// # Errors
/// [`ApiError::ProcessNotFound`].
pub(super) fn of_process(number: u32) -> Result<Vec<Socket>, ApiError> {
    let pid = processes::pid(number)?;
    process::threads(pid).map_err(|error| convert::error(&error, ProcessOperation::Show))?;
    let mut all = sockets();
    all.retain(|socket| socket.pid == Some(number));
    Ok(all)
}

fn pid_of(owner: u32) -> Option<u32> {
    // Nobody's are the kernel's, and those that wait for a member of a front.
    (owner != 0 && owner != UNCLAIMED).then_some(owner)
}

fn end(endpoint: IpEndpoint) -> Text {
    format!("{}", socket_addr(endpoint)).into()
}

fn local(address: LocalAddress, port: u16) -> Text {
    match address {
        LocalAddress::Any => format!("*:{port}").into(),
        LocalAddress::AnyV4 => format!("0.0.0.0:{port}").into(),
        LocalAddress::AnyV6 => format!("[::]:{port}").into(),
        LocalAddress::One(address) => format!("{}", SocketAddr::new(address.into(), port)).into(),
    }
}
