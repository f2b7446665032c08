//! Addresses: a program's, and the stack's.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use linux_abi::Errno;
use linux_abi::socket::SocketAddress;
use net::stack::{IpAddress, IpEndpoint, IpVersion, LocalAddress};

/// The address that a program passed to a socket of this family.
fn ip(version: IpVersion, address: &SocketAddress) -> Result<SocketAddr, Errno> {
    match (version, address) {
        (IpVersion::Ipv4, SocketAddress::Ip(address @ SocketAddr::V4(_)))
        | (IpVersion::Ipv6, SocketAddress::Ip(address @ SocketAddr::V6(_))) => Ok(*address),
        _ => Err(Errno::EAFNOSUPPORT),
    }
}

/// An IPv4 address in an IPv6 one is an IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// What to bind to, and the port.
pub(super) fn local(
    version: IpVersion,
    is_v6_only: bool,
    address: &SocketAddress,
) -> Result<(LocalAddress, u16), Errno> {
    let address = ip(version, address)?;
    let local = match plain(address.ip()) {
        IpAddr::V4(four) if four.is_unspecified() => LocalAddress::AnyV4,
        IpAddr::V6(six) if six.is_unspecified() && is_v6_only => LocalAddress::AnyV6,
        IpAddr::V6(six) if six.is_unspecified() => LocalAddress::Any,
        IpAddr::V4(_) if is_v6_only => return Err(Errno::EINVAL),
        one => LocalAddress::One(one.into()),
    };
    Ok((local, address.port()))
}

/// Where to connect or send to. No address at all is this machine, as on Linux.
pub(super) fn remote(
    version: IpVersion,
    is_v6_only: bool,
    address: &SocketAddress,
) -> Result<IpEndpoint, Errno> {
    let address = ip(version, address)?;
    let host = match plain(address.ip()) {
        IpAddr::V4(_) if is_v6_only => return Err(Errno::ENETUNREACH),
        IpAddr::V4(four) if four.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(six) if six.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        host => host,
    };
    Ok(IpEndpoint::new(host.into(), address.port()))
}

/// An endpoint, as a program with a socket of this family sees it.
pub(super) fn shown(version: IpVersion, endpoint: IpEndpoint) -> SocketAddress {
    let host = IpAddr::from(endpoint.addr);
    let host = match (version, host) {
        (IpVersion::Ipv6, IpAddr::V4(four)) => IpAddr::V6(four.to_ipv6_mapped()),
        _ => host,
    };
    SocketAddress::Ip(SocketAddr::new(host, endpoint.port))
}

/// This end, as a program sees it.
pub(super) fn shown_local(version: IpVersion, address: LocalAddress, port: u16) -> SocketAddress {
    let any = match version {
        IpVersion::Ipv4 => IpAddress::from(Ipv4Addr::UNSPECIFIED),
        IpVersion::Ipv6 => IpAddress::from(Ipv6Addr::UNSPECIFIED),
    };
    shown(version, IpEndpoint::new(address.one().unwrap_or(any), port))
}
