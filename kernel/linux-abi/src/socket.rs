//! Calls on sockets: families, types, addresses, flags, options.

use crate::arguments::Arguments;
use crate::errno::Errno;
use crate::flags::flags;
use core::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

/// Address families (`AF_*`).
pub mod family {
    /// None: as an address of `connect`, "no longer connected".
    pub const UNSPEC: u16 = 0;
    /// Within the machine.
    pub const UNIX: u16 = 1;
    /// IPv4.
    pub const INET: u16 = 2;
    /// IPv6.
    pub const INET6: u16 = 10;
    /// The kernel's tables.
    pub const NETLINK: u16 = 16;
}

/// Option levels (`SOL_*`, `IPPROTO_*`).
pub mod level {
    /// Every socket's.
    pub const SOCKET: i32 = 1;
    /// IPv4's.
    pub const IP: i32 = 0;
    /// TCP's.
    pub const TCP: i32 = 6;
    /// UDP's.
    pub const UDP: i32 = 17;
    /// IPv6's.
    pub const IPV6: i32 = 41;
    /// ICMPv6's.
    pub const ICMPV6: i32 = 58;
    /// Raw sockets'.
    pub const RAW: i32 = 255;
}

/// Options of every socket (`SO_*`).
pub mod option {
    /// Bind to an address that is still in use.
    pub const REUSEADDR: i32 = 2;
    /// Its type; read only.
    pub const TYPE: i32 = 3;
    /// The error that waits; reading takes it.
    pub const ERROR: i32 = 4;
    /// Send without routing.
    pub const DONTROUTE: i32 = 5;
    /// Allow broadcasts.
    pub const BROADCAST: i32 = 6;
    /// Size of the buffer for sending.
    pub const SNDBUF: i32 = 7;
    /// Size of the buffer for receiving.
    pub const RCVBUF: i32 = 8;
    /// Ask the other side from time to time whether it is there.
    pub const KEEPALIVE: i32 = 9;
    /// Urgent data among the other data.
    pub const OOBINLINE: i32 = 10;
    /// Priority of what is sent.
    pub const PRIORITY: i32 = 12;
    /// What `close` does with data that is not sent.
    pub const LINGER: i32 = 13;
    /// Several may bind to the same address.
    pub const REUSEPORT: i32 = 15;
    /// Receive the sender's credentials.
    pub const PASSCRED: i32 = 16;
    /// The credentials of the peer, as they were when it connected; read only.
    pub const PEERCRED: i32 = 17;
    /// How little wakes a reader.
    pub const RCVLOWAT: i32 = 18;
    /// How long a read waits.
    pub const RCVTIMEO: i32 = 20;
    /// How long a write waits.
    pub const SNDTIMEO: i32 = 21;
    /// Whether it listens; read only.
    pub const ACCEPTCONN: i32 = 30;
    /// As `SNDBUF`, by the administrator, beyond the limit.
    pub const SNDBUFFORCE: i32 = 32;
    /// As `RCVBUF`, by the administrator, beyond the limit.
    pub const RCVBUFFORCE: i32 = 33;
    /// Its protocol; read only.
    pub const PROTOCOL: i32 = 38;
    /// Its family; read only.
    pub const DOMAIN: i32 = 39;
    /// How long a read waits, with a time of 64 bits: the same on this machine.
    pub const RCVTIMEO_NEW: i32 = 66;
    /// How long a write waits, with a time of 64 bits.
    pub const SNDTIMEO_NEW: i32 = 67;
}

flags! {
    /// `MSG_*`.
    pub struct MessageFlags(u32) {
        /// Urgent data.
        OOB = 0x1,
        /// Look, and leave it there.
        PEEK = 0x2,
        /// Without routing.
        DONTROUTE = 0x4,
        /// Answer: control data was cut off.
        CTRUNC = 0x8,
        /// Answer: data was cut off. Asked for: tell the whole length.
        TRUNC = 0x20,
        /// Do not wait.
        DONTWAIT = 0x40,
        /// The end of a record.
        EOR = 0x80,
        /// Wait until all of it has come.
        WAITALL = 0x100,
        /// Confirm the path.
        CONFIRM = 0x800,
        /// From the queue of errors.
        ERRQUEUE = 0x2000,
        /// No SIGPIPE.
        NOSIGNAL = 0x4000,
        /// More will follow.
        MORE = 0x8000,
        /// `recvmmsg`: wait for the first message only.
        WAITFORONE = 0x1_0000,
        /// Connect by sending.
        FASTOPEN = 0x2000_0000,
        /// Descriptors that arrive are closed by `execve`.
        CMSG_CLOEXEC = 0x4000_0000,
    }
}

/// A socket's type (`SOCK_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketType {
    /// Bytes in order.
    Stream,
    /// Messages.
    Datagram,
    /// Packets as they are on the wire.
    Raw,
    /// Messages in order.
    SeqPacket,
}

impl SocketType {
    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Stream => 1,
            Self::Datagram => 2,
            Self::Raw => 3,
            Self::SeqPacket => 5,
        }
    }
}

/// What `socket(domain, type, protocol)` and `socketpair` ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketRequest {
    /// See [`family`]; not checked.
    pub family: i32,
    /// Its type.
    pub kind: SocketType,
    /// Its protocol; 0 for the family's usual one.
    pub protocol: i32,
    /// `SOCK_NONBLOCK`.
    pub is_nonblocking: bool,
    /// `SOCK_CLOEXEC`.
    pub closes_on_exec: bool,
}

impl SocketRequest {
    /// Reads the first three arguments.
    ///
    /// # Errors
    /// EINVAL for flags that do not exist, ESOCKTNOSUPPORT for a type that does not.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let (is_nonblocking, closes_on_exec) = socket_flags(arguments.unsigned(1) & !0xf)?;
        let kind = match arguments.unsigned(1) & 0xf {
            1 => SocketType::Stream,
            2 => SocketType::Datagram,
            3 => SocketType::Raw,
            5 => SocketType::SeqPacket,
            0 | 11.. => return Err(Errno::EINVAL),
            _ => return Err(Errno::ESOCKTNOSUPPORT),
        };
        let (family, protocol) = (arguments.int(0), arguments.int(2));
        Ok(Self { family, kind, protocol, is_nonblocking, closes_on_exec })
    }
}

/// `SOCK_NONBLOCK` and `SOCK_CLOEXEC`, also `accept4`'s flags: whether each is set.
///
/// # Errors
/// EINVAL for others.
pub const fn socket_flags(flags: u32) -> Result<(bool, bool), Errno> {
    const NONBLOCK: u32 = 0o4000;
    const CLOEXEC: u32 = 0o200_0000;
    if flags & !(NONBLOCK | CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    Ok((flags & NONBLOCK != 0, flags & CLOEXEC != 0))
}

/// What `shutdown` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shutdown {
    /// Receiving.
    pub receives: bool,
    /// Sending.
    pub sends: bool,
}

impl Shutdown {
    /// From `shutdown`'s second argument.
    ///
    /// # Errors
    /// EINVAL for an unknown one.
    pub const fn from_number(number: i32) -> Result<Self, Errno> {
        Ok(match number {
            0 => Self { receives: true, sends: false },
            1 => Self { receives: false, sends: true },
            2 => Self { receives: true, sends: true },
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// The name of a UNIX socket: up to 108 bytes.
#[derive(Clone, Copy)]
pub struct UnixName {
    bytes: [u8; Self::MOST],
    length: usize,
    is_abstract: bool,
}

impl UnixName {
    /// The most bytes of a path, its zero byte included, and of an abstract name, with the zero byte
    /// before it.
    pub const MOST: usize = 108;
    /// No name.
    pub const NONE: Self = Self { bytes: [0; Self::MOST], length: 0, is_abstract: false };

    /// An abstract name; `None` if it is too long.
    #[must_use]
    pub fn new_abstract(name: &[u8]) -> Option<Self> {
        if name.len() >= Self::MOST {
            return None;
        }
        Some(Self { is_abstract: true, ..Self::of(name) })
    }

    fn of(name: &[u8]) -> Self {
        let mut bytes = [0; Self::MOST];
        let length = name.len().min(Self::MOST);
        bytes[..length].copy_from_slice(&name[..length]);
        Self { bytes, length, is_abstract: false }
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        self.length == 0 && !self.is_abstract
    }

    /// The path in the file system, if it is one.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        (!self.is_abstract && self.length > 0).then(|| &self.bytes[..self.length])
    }

    /// The name that is in no file system, without the zero byte in front.
    #[must_use]
    pub fn abstract_name(&self) -> Option<&[u8]> {
        self.is_abstract.then(|| &self.bytes[..self.length])
    }
}

impl PartialEq for UnixName {
    fn eq(&self, other: &Self) -> bool {
        self.is_abstract == other.is_abstract
            && self.bytes[..self.length] == other.bytes[..other.length]
    }
}

impl Eq for UnixName {}

impl core::fmt::Debug for UnixName {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mark = if self.is_abstract { "@" } else { "" };
        write!(f, "{mark}{}", self.bytes[..self.length].escape_ascii())
    }
}

/// An address: `struct sockaddr_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketAddress {
    /// `AF_UNSPEC`.
    Unspecified,
    /// `AF_UNIX`.
    Unix(UnixName),
    /// `AF_INET`, `AF_INET6`.
    Ip(SocketAddr),
    /// `AF_NETLINK`: the socket's number, and a mask of groups.
    Netlink {
        /// 0 is the kernel.
        port: u32,
        /// Those that it listens to.
        groups: u32,
    },
    /// A family that is not known here.
    Other(u16),
}

impl SocketAddress {
    /// The longest that a program may pass (`struct sockaddr_storage`).
    pub const MOST_BYTES: usize = 128;
    /// The longest that is ever given.
    pub const ENCODED_BYTES: usize = 2 + UnixName::MOST;

    /// As a program wrote it.
    ///
    /// # Errors
    /// EINVAL for one that is too short or too long for its family.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Errno> {
        let Some((family, rest)) = bytes.split_first_chunk::<2>() else {
            return Err(Errno::EINVAL);
        };
        let port = || match rest {
            [high, low, ..] => u16::from_be_bytes([*high, *low]),
            _ => 0,
        };
        match u16::from_le_bytes(*family) {
            family::UNSPEC => Ok(Self::Unspecified),
            family::UNIX => unix_name(rest).map(Self::Unix),
            family::INET => {
                let address = rest.get(2..6).and_then(|part| <[u8; 4]>::try_from(part).ok());
                let address = address.filter(|_| bytes.len() >= 16).ok_or(Errno::EINVAL)?;
                Ok(Self::Ip(SocketAddrV4::new(Ipv4Addr::from(address), port()).into()))
            }
            family::INET6 => {
                let address = rest.get(6..22).and_then(|part| <[u8; 16]>::try_from(part).ok());
                let address = Ipv6Addr::from(address.ok_or(Errno::EINVAL)?);
                let word = |at: usize| {
                    let part = rest.get(at..at + 4).and_then(|part| <[u8; 4]>::try_from(part).ok());
                    part.unwrap_or_default()
                };
                let flow = u32::from_be_bytes(word(2));
                let scope = u32::from_le_bytes(word(22));
                Ok(Self::Ip(SocketAddrV6::new(address, port(), flow, scope).into()))
            }
            family::NETLINK => {
                let words = rest.get(2..10).and_then(|part| <[u8; 8]>::try_from(part).ok());
                let [a, b, c, d, groups @ ..] = words.ok_or(Errno::EINVAL)?;
                let port = u32::from_le_bytes([a, b, c, d]);
                Ok(Self::Netlink { port, groups: u32::from_le_bytes(groups) })
            }
            other => Ok(Self::Other(other)),
        }
    }

    /// As a program reads it: the bytes, and how many of them count.
    #[must_use]
    pub fn to_bytes(&self) -> ([u8; Self::ENCODED_BYTES], usize) {
        let mut bytes = [0; Self::ENCODED_BYTES];
        let mut put = |at: usize, part: &[u8]| bytes[at..at + part.len()].copy_from_slice(part);
        let length = match self {
            Self::Unspecified => 2,
            Self::Other(family) => {
                put(0, &family.to_le_bytes());
                2
            }
            Self::Netlink { port, groups } => {
                put(0, &family::NETLINK.to_le_bytes());
                put(4, &port.to_le_bytes());
                put(8, &groups.to_le_bytes());
                12
            }
            Self::Ip(SocketAddr::V4(address)) => {
                put(0, &family::INET.to_le_bytes());
                put(2, &address.port().to_be_bytes());
                put(4, &address.ip().octets());
                16
            }
            Self::Ip(SocketAddr::V6(address)) => {
                put(0, &family::INET6.to_le_bytes());
                put(2, &address.port().to_be_bytes());
                put(4, &address.flowinfo().to_be_bytes());
                put(8, &address.ip().octets());
                put(24, &address.scope_id().to_le_bytes());
                28
            }
            Self::Unix(name) => {
                put(0, &family::UNIX.to_le_bytes());
                if let Some(text) = name.abstract_name() {
                    put(3, text);
                    3 + text.len()
                } else if let Some(path) = name.path() {
                    put(2, path);
                    // With its zero byte, unless the path fills all of it.
                    (2 + path.len() + 1).min(Self::ENCODED_BYTES + 1)
                } else {
                    2
                }
            }
        };
        (bytes, length)
    }
}

fn unix_name(rest: &[u8]) -> Result<UnixName, Errno> {
    if rest.len() > UnixName::MOST {
        return Err(Errno::EINVAL);
    }
    match rest {
        [] => Ok(UnixName::NONE),
        [0, name @ ..] => Ok(UnixName { is_abstract: true, ..UnixName::of(name) }),
        path => Ok(UnixName::of(path.split(|byte| *byte == 0).next().unwrap_or_default())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_go_there_and_back() {
        let all = [
            SocketAddress::Unspecified,
            SocketAddress::Ip("127.0.0.1:8080".parse().unwrap()),
            SocketAddress::Ip(SocketAddrV6::new(Ipv6Addr::LOCALHOST, 80, 7, 9).into()),
            SocketAddress::Unix(UnixName::NONE),
            SocketAddress::Unix(UnixName::of(b"/tmp/a")),
            SocketAddress::Unix(UnixName::new_abstract(b"name\0x").unwrap()),
            SocketAddress::Unix(UnixName::new_abstract(b"").unwrap()),
            SocketAddress::Netlink { port: 7, groups: 1 << 31 },
            SocketAddress::Other(38),
        ];
        for address in all {
            let (bytes, length) = address.to_bytes();
            assert_eq!(SocketAddress::from_bytes(&bytes[..length]), Ok(address));
        }
    }

    #[test]
    fn addresses_that_are_cut_off_are_refused() {
        let (bytes, length) = SocketAddress::Ip("1.2.3.4:5".parse().unwrap()).to_bytes();
        assert_eq!(&bytes[..8], [2, 0, 0, 5, 1, 2, 3, 4]);
        for cut in 0..length {
            let parsed = SocketAddress::from_bytes(&bytes[..cut]);
            assert_eq!(parsed, Err(Errno::EINVAL), "{cut}");
        }
        let too_long = [[1, 0].as_slice(), &[7; 109]].concat();
        assert_eq!(SocketAddress::from_bytes(&too_long), Err(Errno::EINVAL));
        assert!(SocketAddress::from_bytes(&[[1, 0].as_slice(), &[7; 108]].concat()).is_ok());
    }
}
