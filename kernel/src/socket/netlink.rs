//! Netlink sockets, rtnetlink(7): listing interfaces, addresses and routes, as Go's and musl's
//! libraries do. Nothing can be changed by them.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::socket::{MessageFlags, Shutdown, SocketAddress, SocketRequest, SocketType, family};
use net::stack::{IpAddress, IpCidr};
use vfs_core::Metadata;

use super::interfaces::{Interface, LOOPBACK, interfaces};
use super::{Accepted, CommonOptions, Incoming, Named, Outgoing, Socket, described, metadata};
use crate::fs::{File, Readiness, Transfer, WatchList, next_inode};
use crate::levels;

/// `NETLINK_ROUTE`.
const ROUTE: i32 = 0;
const HEADER_BYTES: usize = 16;
/// `NLMSG_ERROR`, `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NEW_LINK: u16 = 16;
const GET_LINK: u16 = 18;
const NEW_ADDRESS: u16 = 20;
const GET_ADDRESS: u16 = 22;
const NEW_ROUTE: u16 = 24;
const GET_ROUTE: u16 = 26;
/// `NLM_F_MULTI`, `NLM_F_DUMP`.
const MULTI: u16 = 2;
const DUMP: u16 = 0x300;
/// Answers that wait at the most; each is an answer to a request of the program's own.
const MOST_WAITING: usize = 16;
/// The kernel's own end.
const KERNEL: SocketAddress = SocketAddress::Netlink { port: 0, groups: 0 };

/// The last number that a socket got.
static LAST_PORT: AtomicU32 = AtomicU32::new(0);

/// A netlink socket.
#[derive(Debug)]
struct NetlinkSocket {
    /// The number of its file.
    inode: u64,
    kind: SocketType,
    common: CommonOptions,
    answers: SpinLock<VecDeque<Vec<u8>>>,
    watchers: WatchList,
    /// Its number, which answers to it carry; 0 before it is bound, which sending does, too.
    port: AtomicU32,
}

pub(super) fn create(request: &SocketRequest) -> Result<Box<dyn File>, Errno> {
    if !matches!(request.kind, SocketType::Raw | SocketType::Datagram) {
        return Err(Errno::ESOCKTNOSUPPORT);
    }
    if request.protocol != ROUTE {
        return Err(Errno::EPROTONOSUPPORT);
    }
    Ok(Box::new(NetlinkSocket {
        inode: next_inode(),
        kind: request.kind,
        common: CommonOptions::default(),
        answers: SpinLock::new(levels::FILES, "netlink answers", VecDeque::new()),
        watchers: WatchList::new(),
        port: AtomicU32::new(0),
    }))
}

impl NetlinkSocket {
    /// Its number, which it gets now if it has none. Relaxed: a number is about itself alone.
    fn port(&self) -> u32 {
        let port = self.port.load(Ordering::Relaxed);
        if port != 0 {
            return port;
        }
        let new = LAST_PORT.fetch_add(1, Ordering::Relaxed).wrapping_add(1).max(1);
        let set = self.port.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
        set.map_or_else(|other| other, |_| new)
    }
}

/// What a request is, of its header.
struct Request {
    kind: u16,
    flags: u16,
    sequence: u32,
    port: u32,
    /// Of which family.
    family: u8,
}

/// What a program asks by the socket of this number.
fn requests(mut bytes: &[u8], port: u32) -> Vec<Request> {
    let mut all = Vec::new();
    while let Some(header) = bytes.first_chunk::<HEADER_BYTES>() {
        let word = |at: usize| {
            let mut word = [0; 4];
            word.copy_from_slice(&header[at..at + 4]);
            u32::from_le_bytes(word)
        };
        let length = usize::try_from(word(0)).unwrap_or(usize::MAX);
        let Some(message) = bytes.get(..length).filter(|_| length >= HEADER_BYTES) else { break };
        all.push(Request {
            kind: u16::from_le_bytes([header[4], header[5]]),
            flags: u16::from_le_bytes([header[6], header[7]]),
            sequence: word(8),
            port,
            family: message.get(HEADER_BYTES).copied().unwrap_or(0),
        });
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    all
}

/// Writes messages, one after the other.
struct Writer<'a> {
    bytes: Vec<u8>,
    request: &'a Request,
}

impl Writer<'_> {
    /// A message with this fixed part and these attributes.
    fn message(&mut self, kind: u16, flags: u16, fixed: &[u8], attributes: &[(u16, &[u8])]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes.extend_from_slice(&kind.to_le_bytes());
        self.bytes.extend_from_slice(&flags.to_le_bytes());
        self.bytes.extend_from_slice(&self.request.sequence.to_le_bytes());
        self.bytes.extend_from_slice(&self.request.port.to_le_bytes());
        self.bytes.extend_from_slice(fixed);
        self.pad();
        for (name, value) in attributes {
            let length = u16::try_from(value.len() + 4).unwrap_or(u16::MAX);
            self.bytes.extend_from_slice(&length.to_le_bytes());
            self.bytes.extend_from_slice(&name.to_le_bytes());
            self.bytes.extend_from_slice(value);
            self.pad();
        }
        let length = u32::try_from(self.bytes.len() - start).unwrap_or(0);
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn link(&mut self, interface: &Interface) {
        let (kind, mac) = interface.hardware;
        let mut fixed = [0; 16];
        fixed[2..4].copy_from_slice(&kind.to_le_bytes());
        fixed[4..8].copy_from_slice(&interface.index.to_le_bytes());
        fixed[8..10].copy_from_slice(&interface.flags.to_le_bytes());
        let is_loopback = interface.flags & LOOPBACK != 0;
        let everyone = if is_loopback { [0; 6] } else { [0xff; 6] };
        let name = with_zero(interface.name);
        // IF_OPER_UNKNOWN, IF_OPER_UP.
        let state = if is_loopback { [0] } else { [6] };
        let attributes: [(u16, &[u8]); 6] = [
            (1, &mac),
            (2, &everyone),
            (3, &name),
            (4, &interface.mtu.to_le_bytes()),
            (13, &1000_i32.to_le_bytes()),
            (16, &state),
        ];
        self.message(NEW_LINK, MULTI, &fixed, &attributes);
    }

    fn address(&mut self, interface: &Interface, address: IpCidr) {
        let (number, own) = octets(address.address());
        let is_local = interface.flags & LOOPBACK != 0;
        let is_link =
            matches!(address.address(), IpAddress::Ipv6(own) if own.is_unicast_link_local());
        // RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE; IFA_F_PERMANENT.
        let scope = if is_local {
            254
        } else if is_link {
            253
        } else {
            0
        };
        let mut fixed = [number, address.prefix_len(), 0x80, scope, 0, 0, 0, 0];
        fixed[4..].copy_from_slice(&interface.index.to_le_bytes());
        let name = with_zero(interface.name);
        let broadcast = match address {
            IpCidr::Ipv4(address) => address.broadcast().map(|all| all.octets()),
            IpCidr::Ipv6(_) => None,
        };
        let mut attributes: Vec<(u16, &[u8])> = alloc::vec![(1, own.as_slice())];
        if let IpCidr::Ipv4(_) = address {
            attributes.push((2, &own));
            if let Some(all) = broadcast.as_ref().filter(|_| !is_local) {
                attributes.push((4, all));
            }
            attributes.push((3, &name));
        }
        self.message(NEW_ADDRESS, MULTI, &fixed, &attributes);
    }

    fn routes(&mut self, interface: &Interface) {
        let index = interface.index.to_le_bytes();
        if interface.flags & LOOPBACK != 0 {
            return;
        }
        if let Some(gateway) = interface.gateway {
            // RT_TABLE_MAIN, RTPROT_DHCP, RT_SCOPE_UNIVERSE, RTN_UNICAST.
            let fixed = [2, 0, 0, 0, 254, 16, 0, 1, 0, 0, 0, 0];
            let attributes: [(u16, &[u8]); 2] = [(5, &gateway.octets()), (4, &index)];
            self.message(NEW_ROUTE, MULTI, &fixed, &attributes);
        }
        for address in &interface.addresses {
            let (number, own) = octets(address.address());
            let network = match address {
                IpCidr::Ipv4(address) => address.network().address().octets().to_vec(),
                IpCidr::Ipv6(address) => {
                    let mask = u128::MAX.checked_shl(128 - u32::from(address.prefix_len()));
                    let bits = address.address().to_bits() & mask.unwrap_or(0);
                    bits.to_be_bytes().to_vec()
                }
            };
            // RTPROT_KERNEL, RT_SCOPE_LINK.
            let fixed = [number, address.prefix_len(), 0, 0, 254, 2, 253, 1, 0, 0, 0, 0];
            let attributes: [(u16, &[u8]); 3] = [(1, &network), (4, &index), (7, &own)];
            self.message(NEW_ROUTE, MULTI, &fixed, &attributes);
        }
    }
}

fn with_zero(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.push(0);
    bytes
}

/// The family's number, and the address.
fn octets(address: IpAddress) -> (u8, Vec<u8>) {
    match address {
        IpAddress::Ipv4(address) => (2, address.octets().to_vec()),
        IpAddress::Ipv6(address) => (10, address.octets().to_vec()),
    }
}

fn answer(request: &Request) -> Vec<u8> {
    let mut writer = Writer { bytes: Vec::new(), request };
    let is_wanted = |address: &IpCidr| match request.family {
        0 => true,
        2 => matches!(address, IpCidr::Ipv4(_)),
        10 => matches!(address, IpCidr::Ipv6(_)),
        _ => false,
    };
    let is_dump = request.flags & DUMP == DUMP;
    match request.kind {
        GET_LINK if is_dump => interfaces().iter().for_each(|interface| writer.link(interface)),
        GET_ADDRESS if is_dump => {
            for interface in &interfaces() {
                for address in interface.addresses.iter().filter(|address| is_wanted(address)) {
                    writer.address(interface, *address);
                }
            }
        }
        GET_ROUTE if is_dump => {
            for mut interface in interfaces() {
                interface.addresses.retain(is_wanted);
                if request.family == 10 {
                    interface.gateway = None;
                }
                writer.routes(&interface);
            }
        }
        kind => {
            // Others ask for one thing, or change something.
            let is_question = kind >= NEW_LINK && kind % 4 == 2;
            let errno = if is_question { Errno::EOPNOTSUPP } else { Errno::EPERM };
            let mut fixed = Vec::from((-i32::from(errno.number())).to_le_bytes());
            fixed.extend_from_slice(&u32::try_from(HEADER_BYTES).unwrap_or(0).to_le_bytes());
            fixed.extend_from_slice(&request.kind.to_le_bytes());
            fixed.extend_from_slice(&request.flags.to_le_bytes());
            fixed.extend_from_slice(&request.sequence.to_le_bytes());
            fixed.extend_from_slice(&request.port.to_le_bytes());
            writer.message(ERROR, 0, &fixed, &[]);
            return writer.bytes;
        }
    }
    writer.message(DONE, MULTI, &[0; 4], &[]);
    writer.bytes
}

impl File for NetlinkSocket {
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
        Ok(metadata(self.inode))
    }

    fn readiness(&self) -> Readiness {
        Readiness::OUT.with_if(!self.answers.lock().is_empty(), Readiness::IN)
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.watchers)
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn describe(&self) -> String {
        described(self.inode)
    }
}

impl Socket for NetlinkSocket {
    fn options(&self) -> &CommonOptions {
        &self.common
    }

    fn family(&self) -> u16 {
        family::NETLINK
    }

    fn kind(&self) -> SocketType {
        self.kind
    }

    fn bind(&self, name: &Named) -> Result<(), Errno> {
        match name.address {
            SocketAddress::Netlink { port, .. } => {
                if port != 0 {
                    // The number that it wishes, unless it has one.
                    let _ =
                        self.port.compare_exchange(0, port, Ordering::Relaxed, Ordering::Relaxed);
                }
                let own = self.port();
                if port == 0 || port == own { Ok(()) } else { Err(Errno::EINVAL) }
            }
            _ => Err(Errno::EINVAL),
        }
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
        match name.address {
            KERNEL => Ok(()),
            SocketAddress::Netlink { .. } => Err(Errno::ECONNREFUSED),
            _ => Err(Errno::EINVAL),
        }
    }

    fn local_address(&self) -> Result<SocketAddress, Errno> {
        Ok(SocketAddress::Netlink { port: self.port.load(Ordering::Relaxed), groups: 0 })
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        Ok(KERNEL)
    }

    fn send(&self, bytes: &[u8], _outgoing: &mut Outgoing<'_>) -> Result<usize, Errno> {
        for request in requests(bytes, self.port()) {
            let made = answer(&request);
            let mut answers = self.answers.lock();
            if answers.len() >= MOST_WAITING {
                return Err(Errno::ENOBUFS);
            }
            answers.push_back(made);
        }
        self.watchers.notify(Readiness::IN);
        Ok(bytes.len())
    }

    fn receive(&self, buffer: &mut [u8], flags: MessageFlags) -> Result<Incoming, Errno> {
        let mut answers = self.answers.lock();
        let next = answers.front().ok_or(Errno::EAGAIN)?;
        let (count, length) = (next.len().min(buffer.len()), next.len());
        buffer[..count].copy_from_slice(&next[..count]);
        let taken = (!flags.contains(MessageFlags::PEEK)).then(|| answers.pop_front());
        drop(answers);
        // Without the lock.
        drop(taken);
        let from = Some(KERNEL);
        Ok(Incoming { count, length, from, ..Incoming::default() })
    }

    fn shutdown(&self, _what: Shutdown) -> Result<(), Errno> {
        Err(Errno::EOPNOTSUPP)
    }
}
