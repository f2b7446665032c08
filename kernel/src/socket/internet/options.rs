//! Options of the Internet's sockets. What has no effect here is kept and given back, so that
//! programs which set it go on.

use alloc::collections::BTreeMap;

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::socket::level;

use crate::levels;
use crate::socket::OptionValue;

/// Of level TCP.
pub(super) mod tcp {
    pub(crate) const NODELAY: i32 = 1;
    pub(crate) const MAXSEG: i32 = 2;
    pub(crate) const KEEPIDLE: i32 = 4;
    pub(crate) const KEEPINTVL: i32 = 5;
    pub(crate) const KEEPCNT: i32 = 6;
    pub(crate) const INFO: i32 = 11;
    pub(crate) const USER_TIMEOUT: i32 = 18;
}

/// Of level IPv4.
pub(super) mod ip {
    pub(crate) const TTL: i32 = 2;
}

/// Of level IPv6.
pub(super) mod ipv6 {
    pub(crate) const UNICAST_HOPS: i32 = 16;
    pub(crate) const V6ONLY: i32 = 26;
}

/// Options that are known, and what they are before anybody sets them.
const KNOWN: &[(i32, i32, i32)] = &[
    (level::TCP, tcp::NODELAY, 0),
    (level::TCP, tcp::MAXSEG, 536),
    (level::TCP, 3, 0),
    (level::TCP, tcp::KEEPIDLE, 7200),
    (level::TCP, tcp::KEEPINTVL, 75),
    (level::TCP, tcp::KEEPCNT, 9),
    // SYNCNT, LINGER2, DEFER_ACCEPT, WINDOW_CLAMP, QUICKACK, USER_TIMEOUT, FASTOPEN, NOTSENT_LOWAT.
    (level::TCP, 7, 6),
    (level::TCP, 8, 60),
    (level::TCP, 9, 0),
    (level::TCP, 10, 0),
    (level::TCP, 12, 1),
    (level::TCP, tcp::USER_TIMEOUT, 0),
    (level::TCP, 23, 0),
    (level::TCP, 25, 0),
    // TOS, TTL, OPTIONS' RECVOPTS, RETOPTS, PKTINFO, MTU_DISCOVER, RECVERR, RECVTTL, RECVTOS, MTU,
    // FREEBIND, TRANSPARENT, MULTICAST_IF, _TTL, _LOOP, BIND_ADDRESS_NO_PORT.
    (level::IP, 1, 0),
    (level::IP, ip::TTL, 64),
    (level::IP, 6, 0),
    (level::IP, 7, 0),
    (level::IP, 8, 0),
    (level::IP, 10, 1),
    (level::IP, 11, 0),
    (level::IP, 12, 0),
    (level::IP, 13, 0),
    (level::IP, 15, 0),
    (level::IP, 19, 0),
    (level::IP, 24, 0),
    (level::IP, 32, 0),
    (level::IP, 33, 1),
    (level::IP, 34, 1),
    // UNICAST_HOPS, MULTICAST_IF, _HOPS, _LOOP, MTU_DISCOVER, RECVERR, V6ONLY, RECVPKTINFO, PKTINFO,
    // RECVHOPLIMIT, HOPLIMIT, RECVTCLASS, TCLASS, DONTFRAG, CHECKSUM.
    (level::IPV6, ipv6::UNICAST_HOPS, 64),
    (level::IPV6, 17, 0),
    (level::IPV6, 18, 1),
    (level::IPV6, 19, 1),
    (level::IPV6, 23, 1),
    (level::IPV6, 25, 0),
    (level::IPV6, ipv6::V6ONLY, 0),
    (level::IPV6, 49, 0),
    (level::IPV6, 50, 0),
    (level::IPV6, 51, 0),
    (level::IPV6, 52, 0),
    (level::IPV6, 62, 0),
    (level::IPV6, 66, 0),
    (level::IPV6, 67, 0),
    (level::IPV6, 7, 0),
    // NO_CHECK.
    (level::UDP, 101, 0),
];

/// The options of one socket that differ from the usual.
#[derive(Debug)]
pub(super) struct Options(SpinLock<BTreeMap<(i32, i32), i32>>);

impl Options {
    pub(super) fn new() -> Self {
        Self(SpinLock::new(levels::FILES, "socket options", BTreeMap::new()))
    }

    /// The value of an option, if it is known.
    pub(super) fn get(&self, at: i32, name: i32) -> Option<i32> {
        let usual = KNOWN.iter().find(|known| (known.0, known.1) == (at, name))?.2;
        Some(self.0.lock().get(&(at, name)).copied().unwrap_or(usual))
    }

    pub(super) fn is_on(&self, at: i32, name: i32) -> bool {
        self.get(at, name).is_some_and(|value| value != 0)
    }

    /// Sets an option that a program passes as an `int`, or as a byte where that is enough.
    ///
    /// # Errors
    /// ENOPROTOOPT for one that is not known, EINVAL for a value that cannot be.
    pub(super) fn set(&self, at: i32, name: i32, value: &[u8]) -> Result<i32, Errno> {
        self.get(at, name).ok_or(Errno::ENOPROTOOPT)?;
        let value = match (value.first_chunk::<4>(), value.first()) {
            (Some(int), _) => i32::from_le_bytes(*int),
            (None, Some(byte)) if at == level::IP => i32::from(*byte),
            _ => return Err(Errno::EINVAL),
        };
        let is_possible = match (at, name) {
            (level::TCP, tcp::KEEPIDLE | tcp::KEEPINTVL) => (1..=32_767).contains(&value),
            (level::TCP, tcp::KEEPCNT) => (1..=127).contains(&value),
            (level::TCP, tcp::MAXSEG) => value == 0 || (88..=65_535).contains(&value),
            (level::TCP, tcp::USER_TIMEOUT) => value >= 0,
            (level::IP, ip::TTL) => value == -1 || (1..=255).contains(&value),
            (level::IPV6, ipv6::UNICAST_HOPS) => (-1..=255).contains(&value),
            _ => true,
        };
        if !is_possible {
            return Err(Errno::EINVAL);
        }
        let kept = match (at, name, value) {
            (level::TCP, tcp::NODELAY, on) => i32::from(on != 0),
            (level::IP, ip::TTL, -1) | (level::IPV6, ipv6::UNICAST_HOPS, -1) => 64,
            _ => value,
        };
        self.0.lock().insert((at, name), kept);
        Ok(kept)
    }

    /// As a program reads it.
    pub(super) fn shown(&self, at: i32, name: i32) -> Result<OptionValue, Errno> {
        self.get(at, name).map(OptionValue::int).ok_or(Errno::ENOPROTOOPT)
    }

    /// As those of the listener that accepted it.
    pub(super) fn inherit(&self, from: &Self) {
        let copy = from.0.lock().clone();
        let old = core::mem::replace(&mut *self.0.lock(), copy);
        drop(old);
    }
}
