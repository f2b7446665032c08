//! UDP, ICMP echo and raw sockets.

use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use linux_abi::Errno;
use linux_abi::socket::{MessageFlags, Shutdown, SocketAddress, SocketType, family, level, option};
use net::stack::{
    DatagramId, DatagramKind, IpAddress, IpEndpoint, IpVersion, Ready, SendError, Sharing,
};
use vfs_core::Metadata;

use super::options::{Options, ip, ipv6};
use super::{
    Place, Watch, act, address, bind_errno, control, may_bind, owner, readiness, refusal_errno,
    watch,
};
use crate::fs::{File, Readiness, Transfer, WatchList};
use crate::socket::{
    Accepted, CommonOptions, Incoming, Named, OptionValue, Outgoing, Socket, described, metadata,
};

/// Options of raw sockets.
const ICMP_FILTER: i32 = 1;
const ICMP6_FILTER: i32 = 1;
const IPV6_CHECKSUM: i32 = 7;

/// A socket for datagrams.
#[derive(Debug)]
pub(super) struct DatagramSocket {
    id: DatagramId,
    kind: DatagramKind,
    socket_type: SocketType,
    protocol: i32,
    version: IpVersion,
    common: CommonOptions,
    options: Options,
    watch: Arc<Watch>,
    /// `shutdown` has ended receiving.
    is_deaf: AtomicBool,
    /// `shutdown` has ended sending.
    is_mute: AtomicBool,
    _place: Place,
}

impl DatagramSocket {
    pub(super) fn open(
        kind: DatagramKind,
        version: IpVersion,
        socket_type: SocketType,
        protocol: i32,
    ) -> Result<Self, Errno> {
        let place = Place::take()?;
        let (watch, owner) = (watch(), owner());
        let observer = Arc::clone(&watch);
        let id = act(|stack, _| stack.open_datagram(kind, version, owner, Some(observer)))?;
        Ok(Self {
            id: id.ok_or(Errno::ENOBUFS)?,
            kind,
            socket_type,
            protocol: if kind == DatagramKind::Udp { super::UDP } else { protocol },
            version,
            common: CommonOptions::default(),
            options: Options::new(),
            watch,
            is_deaf: AtomicBool::new(false),
            is_mute: AtomicBool::new(false),
            _place: place,
        })
    }

    fn is_v6_only(&self) -> bool {
        // Those that are not UDP know one family.
        self.version == IpVersion::Ipv6
            && (self.options.is_on(level::IPV6, ipv6::V6ONLY) || self.kind != DatagramKind::Udp)
    }

    fn remote(&self, address: &SocketAddress) -> Result<IpEndpoint, Errno> {
        let remote = address::remote(self.version, self.is_v6_only(), address)?;
        // Where there are no ports, that of an address does not count.
        let port = if self.kind == DatagramKind::Udp { remote.port } else { 0 };
        Ok(IpEndpoint::new(remote.addr, port))
    }

    fn is_raw(&self, protocol: i32) -> bool {
        matches!(self.kind, DatagramKind::Raw(_)) && self.protocol == protocol
    }

    /// Sets the types of messages that are not wanted; `most` bytes count.
    fn set_filter(&self, value: &[u8], most: usize) -> Result<(), Errno> {
        let old = act(|stack, _| stack.unwanted(self.id))?.ok_or(Errno::EBADF)?;
        let mut bytes = old.map(u32::to_le_bytes);
        for (place, byte) in bytes.as_flattened_mut().iter_mut().zip(value).take(most) {
            *place = *byte;
        }
        act(|stack, _| stack.set_unwanted(self.id, bytes.map(u32::from_le_bytes)))
    }

    fn filter(&self, bytes: usize) -> Result<OptionValue, Errno> {
        let types = act(|stack, _| stack.unwanted(self.id))?.ok_or(Errno::EBADF)?;
        let all = types.map(u32::to_le_bytes);
        Ok(OptionValue::bytes(all.as_flattened().get(..bytes).unwrap_or_default()))
    }

    fn may_broadcast(&self, to: IpEndpoint) -> Result<(), Errno> {
        let is_broadcast = matches!(to.addr, IpAddress::Ipv4(address) if address.is_broadcast());
        if is_broadcast && !self.common.is_on(option::BROADCAST) {
            return Err(Errno::EACCES);
        }
        Ok(())
    }
}

impl File for DatagramSocket {
    fn transfer(&self) -> Transfer {
        Transfer::Messages
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.receive(buffer, MessageFlags::NONE).map(|incoming| incoming.count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.send(bytes, &mut Outgoing::default())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(metadata(self.watch.identity.inode))
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        control::ioctl(request, argument, || {
            let next = act(|stack, _| stack.next_datagram_length(self.id))?;
            Ok((next.unwrap_or(0), 0))
        })
    }

    fn readiness(&self) -> Readiness {
        let ready = act(|stack, _| stack.datagram_readiness(self.id));
        let is_deaf = self.is_deaf.load(Ordering::Relaxed);
        readiness(ready.unwrap_or(Ready::HANG_UP))
            .with_if(is_deaf, Readiness::IN | Readiness::RDHUP)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.watch.list)
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn describe(&self) -> String {
        described(self.watch.identity.inode)
    }
}

impl Socket for DatagramSocket {
    fn options(&self) -> &CommonOptions {
        &self.common
    }

    fn family(&self) -> u16 {
        match self.version {
            IpVersion::Ipv4 => family::INET,
            IpVersion::Ipv6 => family::INET6,
        }
    }

    fn kind(&self) -> SocketType {
        self.socket_type
    }

    fn protocol(&self) -> i32 {
        self.protocol
    }

    fn bind(&self, name: &Named) -> Result<(), Errno> {
        let (local, port) = address::local(self.version, self.is_v6_only(), &name.address)?;
        may_bind(port)?;
        let sharing = Sharing {
            address: self.common.is_on(option::REUSEADDR),
            port: self.common.is_on(option::REUSEPORT),
            member: 0,
        };
        let bound = act(|stack, _| stack.bind_datagram(self.id, local, port, sharing))?;
        bound.map_err(bind_errno)
    }

    fn listen(&self, _backlog: u32) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn is_listening(&self) -> bool {
        false
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        Err(Errno::EOPNOTSUPP)
    }

    fn connect(&self, name: &Named) -> Result<(), Errno> {
        let remote = match name.address {
            SocketAddress::Unspecified => None,
            ref address => Some(self.remote(address)?),
        };
        if let Some(remote) = remote {
            self.may_broadcast(remote)?;
        }
        act(|stack, _| stack.connect_datagram(self.id, remote))?.map_err(send_errno)
    }

    fn local_address(&self) -> Result<SocketAddress, Errno> {
        let names = act(|stack, _| stack.datagram_names(self.id))?;
        let ((local, port), _) = names.ok_or(Errno::EBADF)?;
        Ok(address::shown_local(self.version, local, port))
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let names = act(|stack, _| stack.datagram_names(self.id))?;
        let remote = names.and_then(|(_, remote)| remote).ok_or(Errno::ENOTCONN)?;
        Ok(address::shown(self.version, remote))
    }

    fn send(&self, bytes: &[u8], outgoing: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if outgoing.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        if self.is_mute.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        let to = match outgoing.to {
            Some(named) => {
                let to = self.remote(&named.address)?;
                if self.kind == DatagramKind::Udp && to.port == 0 {
                    return Err(Errno::EINVAL);
                }
                self.may_broadcast(to)?;
                Some(to)
            }
            None => None,
        };
        let sent = act(|stack, _| stack.send_datagram(self.id, to, bytes))?;
        sent.map(|()| bytes.len()).map_err(send_errno)
    }

    fn receive(&self, buffer: &mut [u8], flags: MessageFlags) -> Result<Incoming, Errno> {
        if flags.contains(MessageFlags::ERRQUEUE) {
            return Err(Errno::EAGAIN);
        }
        let takes = !flags.contains(MessageFlags::PEEK);
        let info = act(|stack, _| stack.receive_datagram(self.id, buffer, takes))?;
        match info.map_err(refusal_errno)? {
            Some(info) => Ok(Incoming {
                count: info.count,
                length: info.length,
                from: Some(address::shown(self.version, info.from)),
                ..Incoming::default()
            }),
            None if self.is_deaf.load(Ordering::Relaxed) => Ok(Incoming::default()),
            None => Err(Errno::EAGAIN),
        }
    }

    fn shutdown(&self, what: Shutdown) -> Result<(), Errno> {
        self.peer_address()?;
        if what.receives {
            self.is_deaf.store(true, Ordering::Relaxed);
            self.watch.list.notify(Readiness::IN | Readiness::RDHUP);
        }
        if what.sends {
            self.is_mute.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn take_error(&self) -> Option<Errno> {
        act(|stack, _| stack.take_refusal(self.id)).ok()?.map(refusal_errno)
    }

    fn set_option(&self, at: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        match (at, name) {
            (level::SOCKET, option::RCVBUF | option::RCVBUFFORCE) => {}
            (level::IPV6, _) if self.version == IpVersion::Ipv4 => return Err(Errno::ENOPROTOOPT),
            (level::RAW, ICMP_FILTER) if self.is_raw(super::ICMP) => {
                return self.set_filter(value, 4);
            }
            (level::ICMPV6, ICMP6_FILTER) if self.is_raw(super::ICMPV6) => {
                return self.set_filter(value, 32);
            }
            // The stack puts the sum there: that of ICMP cannot be moved or switched off, RFC 3542 section 3.1.
            (level::RAW, IPV6_CHECKSUM) if self.is_raw(super::ICMPV6) => {
                let at = value.first_chunk().copied().map(i32::from_le_bytes);
                return if at == Some(2) { Ok(()) } else { Err(Errno::EINVAL) };
            }
            (level::IP | level::IPV6 | level::UDP, _) => {
                self.options.set(at, name, value)?;
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        let hops = match self.version {
            IpVersion::Ipv4 => self.options.get(level::IP, ip::TTL),
            IpVersion::Ipv6 => self.options.get(level::IPV6, ipv6::UNICAST_HOPS),
        };
        let hop_limit = hops.and_then(|hops| u8::try_from(hops).ok()).unwrap_or(64);
        let bytes = self.common.receive_buffer();
        act(|stack, _| stack.set_datagram_limits(self.id, bytes, hop_limit))
    }

    fn option(&self, at: i32, name: i32) -> Result<OptionValue, Errno> {
        match at {
            level::IP | level::UDP => self.options.shown(at, name),
            level::IPV6 if self.version == IpVersion::Ipv6 => self.options.shown(at, name),
            level::RAW if name == ICMP_FILTER && self.is_raw(super::ICMP) => self.filter(4),
            level::ICMPV6 if name == ICMP6_FILTER && self.is_raw(super::ICMPV6) => self.filter(32),
            level::SOCKET => Err(Errno::ENOPROTOOPT),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}

fn send_errno(error: SendError) -> Errno {
    match error {
        SendError::Closed => Errno::EBADF,
        SendError::NoDestination => Errno::EDESTADDRREQ,
        SendError::Unreachable => Errno::ENETUNREACH,
        SendError::TooLong => Errno::EMSGSIZE,
        SendError::Full => Errno::EAGAIN,
        SendError::Exhausted => Errno::ENOBUFS,
        SendError::Malformed => Errno::EINVAL,
        SendError::Refused(refusal) => refusal_errno(refusal),
    }
}

impl Drop for DatagramSocket {
    fn drop(&mut self) {
        // Without a network there is nothing to close.
        let _ = act(|stack, _| stack.close_datagram(self.id));
    }
}
