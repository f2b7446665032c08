//! Addresses at this end: what a socket is bound to.

use smoltcp::wire::IpAddress;

/// The addresses of this machine that a socket stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LocalAddress {
    /// Every address of both families.
    #[default]
    Any,
    /// Every IPv4 address.
    AnyV4,
    /// Every IPv6 address.
    AnyV6,
    /// This one.
    One(IpAddress),
}

impl LocalAddress {
    /// Whether something that came to `address` came to this.
    #[must_use]
    pub fn takes(self, address: IpAddress) -> bool {
        match self {
            Self::Any => true,
            Self::AnyV4 => matches!(address, IpAddress::Ipv4(_)),
            Self::AnyV6 => matches!(address, IpAddress::Ipv6(_)),
            Self::One(own) => own == address,
        }
    }

    /// Whether some address belongs to both.
    #[must_use]
    pub fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::One(address), other) | (other, Self::One(address)) => other.takes(address),
            (Self::AnyV4, Self::AnyV6) | (Self::AnyV6, Self::AnyV4) => false,
            _ => true,
        }
    }

    /// The single address, if it is one.
    #[must_use]
    pub fn one(self) -> Option<IpAddress> {
        match self {
            Self::One(address) => Some(address),
            Self::Any | Self::AnyV4 | Self::AnyV6 => None,
        }
    }
}

/// Whether an address never leaves any machine.
pub(super) fn is_loopback(address: IpAddress) -> bool {
    match address {
        IpAddress::Ipv4(address) => address.is_loopback(),
        IpAddress::Ipv6(address) => address.is_loopback(),
    }
}
