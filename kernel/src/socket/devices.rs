//! ioctl(2) about the network's interfaces, netdevice(7), on sockets of every family.

use alloc::vec::Vec;

use linux_abi::Errno;
use net::stack::{Ipv4Address, Ipv4Cidr};

use super::interfaces::{Interface, LOOPBACK, interfaces};

const SIOCGIFNAME: u32 = 0x8910;
const SIOCGIFCONF: u32 = 0x8912;
const SIOCGIFFLAGS: u32 = 0x8913;
const SIOCGIFADDR: u32 = 0x8915;
const SIOCGIFDSTADDR: u32 = 0x8917;
const SIOCGIFBRDADDR: u32 = 0x8919;
const SIOCGIFNETMASK: u32 = 0x891b;
const SIOCGIFMETRIC: u32 = 0x891d;
const SIOCGIFMTU: u32 = 0x8921;
const SIOCGIFHWADDR: u32 = 0x8927;
const SIOCGIFINDEX: u32 = 0x8933;
const SIOCGIFTXQLEN: u32 = 0x8942;
const SIOCGIFMAP: u32 = 0x8970;
/// Requests that change interfaces and routes: that is the operator's business.
const CHANGES: [u32; 8] = [0x8914, 0x8916, 0x891a, 0x891c, 0x8922, 0x8924, 0x890b, 0x890c];

const NAME_BYTES: usize = 16;
const REQUEST_BYTES: usize = 40;

/// Answers a request.
///
/// # Errors
/// ENOTTY for one that is not about interfaces; ENODEV, EFAULT, EPERM.
pub fn interface_ioctl(request: u32, argument: u64) -> Result<u64, Errno> {
    match request {
        SIOCGIFCONF => list(argument),
        SIOCGIFNAME => {
            let mut bytes = request_bytes(argument)?;
            let index = int_at(&bytes, NAME_BYTES);
            let all = interfaces();
            let found = all.iter().find(|interface| interface.index == index);
            set_name(&mut bytes, found.ok_or(Errno::ENODEV)?.name);
            put(argument, &bytes)
        }
        SIOCGIFFLAGS | SIOCGIFADDR | SIOCGIFDSTADDR | SIOCGIFBRDADDR | SIOCGIFNETMASK
        | SIOCGIFMETRIC | SIOCGIFMTU | SIOCGIFHWADDR | SIOCGIFINDEX | SIOCGIFTXQLEN
        | SIOCGIFMAP => {
            let mut bytes = request_bytes(argument)?;
            let name = bytes[..NAME_BYTES].split(|byte| *byte == 0).next().unwrap_or_default();
            let all = interfaces();
            let found = all.iter().find(|interface| interface.name.as_bytes() == name);
            let value = value(request, found.ok_or(Errno::ENODEV)?)?;
            bytes[NAME_BYTES..].copy_from_slice(&value);
            put(argument, &bytes)
        }
        _ if CHANGES.contains(&request) => Err(Errno::EPERM),
        _ => Err(Errno::ENOTTY),
    }
}

/// What stands in `struct ifreq` after the name.
fn value(request: u32, interface: &Interface) -> Result<[u8; REQUEST_BYTES - NAME_BYTES], Errno> {
    let mut value = [0; REQUEST_BYTES - NAME_BYTES];
    let mut set = |bytes: &[u8]| value[..bytes.len()].copy_from_slice(bytes);
    let address = |wanted: fn(Ipv4Cidr) -> Option<Ipv4Address>| {
        let address = interface.ipv4().and_then(wanted).ok_or(Errno::EADDRNOTAVAIL)?;
        Ok::<_, Errno>(socket_address(address))
    };
    match request {
        SIOCGIFFLAGS => set(&interface.flags.to_le_bytes()),
        SIOCGIFADDR | SIOCGIFDSTADDR => set(&address(|own| Some(own.address()))?),
        SIOCGIFBRDADDR if interface.flags & LOOPBACK != 0 => {
            set(&socket_address(Ipv4Address::UNSPECIFIED));
        }
        SIOCGIFBRDADDR => set(&address(|own| own.broadcast())?),
        SIOCGIFNETMASK => set(&address(|own| Some(own.netmask()))?),
        SIOCGIFMTU => set(&interface.mtu.to_le_bytes()),
        SIOCGIFINDEX => set(&interface.index.to_le_bytes()),
        SIOCGIFTXQLEN => set(&1000_i32.to_le_bytes()),
        SIOCGIFHWADDR => {
            let (kind, mac) = interface.hardware;
            let [low, high] = kind.to_le_bytes();
            let [a, b, c, d, e, f] = mac;
            set(&[low, high, a, b, c, d, e, f]);
        }
        // No metric and no place in memory.
        _ => {}
    }
    Ok(value)
}

/// `struct sockaddr_in`.
fn socket_address(address: Ipv4Address) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[0] = 2;
    bytes[4..8].copy_from_slice(&address.octets());
    bytes
}

/// `struct ifconf`: a length, and where to put requests with the interfaces' addresses.
fn list(argument: u64) -> Result<u64, Errno> {
    let mut header = [0; 16];
    hal::user::copy_from(argument, &mut header).map_err(|_| Errno::EFAULT)?;
    let room = usize::try_from(int_at(&header, 0)).map_err(|_| Errno::EINVAL)?;
    let mut to = [0; 8];
    to.copy_from_slice(&header[8..]);
    let to = u64::from_le_bytes(to);
    let mut all = Vec::new();
    for interface in interfaces() {
        let Some(address) = interface.ipv4() else { continue };
        let mut bytes = [0; REQUEST_BYTES];
        set_name(&mut bytes, interface.name);
        bytes[NAME_BYTES..NAME_BYTES + 16].copy_from_slice(&socket_address(address.address()));
        all.extend_from_slice(&bytes);
    }
    if to != 0 {
        all.truncate(room / REQUEST_BYTES * REQUEST_BYTES);
        put(to, &all)?;
    }
    let count = i32::try_from(all.len()).unwrap_or(0);
    put(argument, &count.to_le_bytes())
}

fn request_bytes(argument: u64) -> Result<[u8; REQUEST_BYTES], Errno> {
    let mut bytes = [0; REQUEST_BYTES];
    hal::user::copy_from(argument, &mut bytes).map_err(|_| Errno::EFAULT)?;
    Ok(bytes)
}

fn set_name(bytes: &mut [u8], name: &str) {
    bytes[..NAME_BYTES].fill(0);
    bytes[..name.len()].copy_from_slice(name.as_bytes());
}

fn int_at(bytes: &[u8], at: usize) -> i32 {
    let mut int = [0; 4];
    int.copy_from_slice(&bytes[at..at + 4]);
    i32::from_le_bytes(int)
}

fn put(to: u64, bytes: &[u8]) -> Result<u64, Errno> {
    hal::user::copy_to(to, bytes).map_err(|_| Errno::EFAULT)?;
    Ok(0)
}
