//! The Internet's sockets: TCP, UDP and ICMP over IPv4 and IPv6, on the stack that the admin server
//! is on too. The stack has the state; here it gets the shape of Linux's calls.

mod address;
mod control;
mod datagram;
mod options;
mod tcp;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicUsize, Ordering};

use linux_abi::Errno;
use linux_abi::socket::{SocketRequest, SocketType, family};
use net::stack::{BindError, DatagramKind, Identity, IpVersion, Observer, Ready, Refusal};
use process_core::Capability;

use super::own_credentials;
use crate::fs::{File, Readiness, WatchList, next_inode};
use crate::network;
use crate::scheduler;

use datagram::DatagramSocket;
use tcp::TcpSocket;

const TCP: i32 = 6;
const UDP: i32 = 17;
const ICMP: i32 = 1;
const ICMPV6: i32 = 58;

/// Sockets of this family at once, in all processes.
const MOST: usize = 8192;
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// Counts a socket as long as it lives.
#[derive(Debug)]
struct Place;

impl Place {
    fn take() -> Result<Self, Errno> {
        let grow = |count: usize| (count < MOST).then_some(count + 1);
        // Relaxed: a number, on which nothing else depends.
        let taken = COUNT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grow);
        taken.map(|_| Self).map_err(|_| Errno::ENFILE)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Who waits for a socket; the stack tells it the news.
#[derive(Debug)]
struct Watch {
    list: WatchList,
    identity: Identity,
}

impl Observer for Watch {
    fn changed(&self, ready: Ready) {
        self.list.notify(readiness(ready));
    }

    fn identity(&self) -> Identity {
        self.identity
    }
}

/// In poll(2)'s bits.
fn readiness(ready: Ready) -> Readiness {
    Readiness::NONE
        .with_if(ready.has(Ready::READ), Readiness::IN)
        .with_if(ready.has(Ready::WRITE), Readiness::OUT)
        .with_if(ready.has(Ready::END), Readiness::RDHUP)
        .with_if(ready.has(Ready::HANG_UP), Readiness::HUP)
        .with_if(ready.has(Ready::ERROR), Readiness::ERR)
}

/// By what the stack's figures name the running thread's process.
fn owner() -> u32 {
    scheduler::current().map_or(u32::MAX, |thread| thread.process().pid().number())
}

/// By which number a front knows the running thread's process.
fn member() -> u64 {
    scheduler::current().map_or(0, |thread| thread.process().instance())
}

/// Makes a socket.
pub(super) fn create(request: &SocketRequest) -> Result<Box<dyn File>, Errno> {
    if !network::is_up() {
        return Err(Errno::EAFNOSUPPORT);
    }
    let version =
        if request.family == i32::from(family::INET) { IpVersion::Ipv4 } else { IpVersion::Ipv6 };
    let echo = if version == IpVersion::Ipv4 { ICMP } else { ICMPV6 };
    let datagram = |kind| {
        let socket = DatagramSocket::open(kind, version, request.kind, request.protocol)?;
        Ok(Box::new(socket) as Box<dyn File>)
    };
    match (request.kind, request.protocol) {
        (SocketType::Stream, 0 | TCP) => Ok(Box::new(TcpSocket::new(version)?)),
        (SocketType::Datagram, 0 | UDP) => datagram(DatagramKind::Udp),
        (SocketType::Datagram, protocol) if protocol == echo => datagram(DatagramKind::Echo),
        (SocketType::Raw, 0) => Err(Errno::EPROTONOSUPPORT),
        (SocketType::Raw, protocol) => {
            if !super::is_capable(Capability::NetRaw) {
                return Err(Errno::EPERM);
            }
            let number = u8::try_from(protocol).map_err(|_| Errno::EINVAL)?;
            datagram(DatagramKind::Raw(number))
        }
        (SocketType::Stream | SocketType::Datagram, _) => Err(Errno::EPROTONOSUPPORT),
        (SocketType::SeqPacket, _) => Err(Errno::ESOCKTNOSUPPORT),
    }
}

/// Ports that only who has CAP_NET_BIND_SERVICE may bind to.
const PRIVILEGED: core::ops::Range<u16> = 1..1024;

fn may_bind(port: u16) -> Result<(), Errno> {
    if PRIVILEGED.contains(&port) && !super::is_capable(Capability::NetBindService) {
        return Err(Errno::EACCES);
    }
    Ok(())
}

fn bind_errno(error: BindError) -> Errno {
    match error {
        BindError::InUse | BindError::Exhausted => Errno::EADDRINUSE,
        BindError::NotLocal => Errno::EADDRNOTAVAIL,
        BindError::Invalid => Errno::EINVAL,
    }
}

fn refusal_errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::Port => Errno::ECONNREFUSED,
        Refusal::Host => Errno::EHOSTUNREACH,
    }
}

/// Runs `f` with the stack.
fn act<R>(
    f: impl FnOnce(&mut net::stack::Stack<drivers::machine::NetworkCard>, net::time::Instant) -> R,
) -> Result<R, Errno> {
    network::act(f).ok_or(Errno::ENETDOWN)
}

/// Of a new socket of the running thread's process.
fn watch() -> Arc<Watch> {
    let identity = Identity { inode: next_inode(), uid: own_credentials().uid };
    Arc::new(Watch { list: WatchList::new(), identity })
}
