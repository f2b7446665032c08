//! UNIX sockets: unix(7). [`node`] is one end with its queue, [`names`] finds those that have a name,
//! [`rights`] bounds the open files that are on their way, [`listing`] shows all; this is the socket that a program has.

mod listing;
mod names;
mod node;
mod rights;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::ioctl as requests;
use linux_abi::layout::UCred;
use linux_abi::socket::{
    MessageFlags, Shutdown, SocketAddress, SocketRequest, SocketType, UnixName, family, level,
};
use vfs_core::Metadata;

use super::{
    Accepted, CommonOptions, Incoming, Named, OptionValue, Outgoing, Socket, described, metadata,
    own_credentials,
};
use crate::fs::{File, Readiness, Transfer, WatchList};
use node::{Closing, Node};

pub use listing::{UnixPhase, UnixStatistics, shown_name, unix_sockets, unix_table};
pub use rights::close as close_rights;

/// How many bytes wait at the other side (`SIOCOUTQ`).
const SIOCOUTQ: u32 = 0x5411;

/// A UNIX socket.
#[derive(Debug)]
pub struct UnixSocket(Arc<Node>);

/// Makes a socket.
///
/// # Errors
/// EPROTONOSUPPORT, ESOCKTNOSUPPORT.
pub fn create(request: &SocketRequest) -> Result<Box<dyn File>, Errno> {
    Ok(UnixSocket::open(Node::new(kind(request)?)))
}

/// Makes two sockets that are connected to each other.
///
/// # Errors
/// EPROTONOSUPPORT, ESOCKTNOSUPPORT.
pub fn pair(request: &SocketRequest) -> Result<super::Pair, Errno> {
    let kind = kind(request)?;
    let (one, other) = (Node::new(kind), Node::new(kind));
    let credentials = own_credentials();
    one.join(&other, UnixName::NONE, credentials);
    other.join(&one, UnixName::NONE, credentials);
    Ok((UnixSocket::open(one), UnixSocket::open(other)))
}

fn kind(request: &SocketRequest) -> Result<SocketType, Errno> {
    if request.protocol != 0 && request.protocol != i32::from(family::UNIX) {
        return Err(Errno::EPROTONOSUPPORT);
    }
    // Raw ones have always been datagrams here.
    Ok(if request.kind == SocketType::Raw { SocketType::Datagram } else { request.kind })
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        listing::leave(&self.0);
        names::forget(&self.0);
        Node::close(&self.0, Closing::Accepted);
    }
}

impl UnixSocket {
    /// What a program has of an end.
    fn open(node: Arc<Node>) -> Box<dyn File> {
        listing::enter(&node);
        Box::new(Self(node))
    }

    fn find(&self, name: &Named) -> Result<Arc<Node>, Errno> {
        let SocketAddress::Unix(unix) = &name.address else { return Err(Errno::EINVAL) };
        let found = match (unix.abstract_name(), name.file) {
            (Some(text), _) => names::find_abstract(self.0.kind, text),
            (None, Some(key)) => names::find_file(key),
            (None, None) => return Err(Errno::EINVAL),
        };
        let found = found.ok_or(Errno::ECONNREFUSED)?;
        if found.kind != self.0.kind {
            return Err(Errno::EPROTOTYPE);
        }
        Ok(found)
    }
}

impl File for UnixSocket {
    fn transfer(&self) -> Transfer {
        match self.0.kind {
            SocketType::Stream => Transfer::Stream,
            _ => Transfer::Messages,
        }
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        // Files that came along are closed.
        let incoming = self.receive(buffer, MessageFlags::NONE)?;
        rights::close(incoming.rights);
        Ok(incoming.count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.send(bytes, &mut Outgoing::default())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(metadata(self.0.number))
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        let count = match request {
            requests::FIONREAD => self.0.waiting_bytes(),
            SIOCOUTQ => self.0.peer().map_or(0, |peer| peer.waiting_bytes()),
            _ => return Err(Errno::ENOTTY),
        };
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        hal::user::copy_to(argument, &count.to_le_bytes()).map_err(|_| Errno::EFAULT)?;
        Ok(0)
    }

    fn readiness(&self) -> Readiness {
        self.0.readiness()
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.0.watchers)
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn describe(&self) -> String {
        described(self.0.number)
    }
}

impl Socket for UnixSocket {
    fn options(&self) -> &CommonOptions {
        &self.0.options
    }

    fn family(&self) -> u16 {
        family::UNIX
    }

    fn kind(&self) -> SocketType {
        self.0.kind
    }

    fn bind(&self, name: &Named) -> Result<(), Errno> {
        let SocketAddress::Unix(unix) = &name.address else { return Err(Errno::EINVAL) };
        if !self.0.name().is_none() {
            return Err(Errno::EINVAL);
        }
        match (unix.abstract_name(), name.file) {
            (Some(text), _) => names::bind_abstract(&self.0, text)?,
            (None, Some(key)) => names::bind_file(&self.0, key, name.held.clone())?,
            (None, None) => return names::bind_any(&self.0),
        }
        self.0.set_name(*unix);
        Ok(())
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        if self.0.kind == SocketType::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        self.0.listen(backlog, own_credentials())
    }

    fn is_listening(&self) -> bool {
        self.0.is_listening()
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        if self.0.kind == SocketType::Datagram {
            return Err(Errno::EOPNOTSUPP);
        }
        let node = self.0.accept()?;
        let peer = SocketAddress::Unix(node.peer_name());
        Ok(Accepted { socket: UnixSocket::open(node), peer })
    }

    fn connect(&self, name: &Named) -> Result<(), Errno> {
        if name.address == SocketAddress::Unspecified && self.0.kind == SocketType::Datagram {
            self.0.part();
            return Ok(());
        }
        let other = self.find(name)?;
        if self.0.kind == SocketType::Datagram {
            return self.0.aim_at(&other);
        }
        self.0.connect(&other, own_credentials())
    }

    fn local_address(&self) -> Result<SocketAddress, Errno> {
        Ok(SocketAddress::Unix(self.0.name()))
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        if !self.0.is_joined() {
            return Err(Errno::ENOTCONN);
        }
        Ok(SocketAddress::Unix(self.0.peer_name()))
    }

    fn send(&self, bytes: &[u8], outgoing: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if outgoing.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let to = match outgoing.to {
            Some(_) if self.0.kind != SocketType::Datagram => {
                let is_joined = self.0.is_joined();
                return Err(if is_joined { Errno::EISCONN } else { Errno::EOPNOTSUPP });
            }
            Some(name) => self.find(name)?,
            None => self.0.target()?,
        };
        self.0.send(&to, bytes, outgoing)
    }

    fn receive(&self, buffer: &mut [u8], flags: MessageFlags) -> Result<Incoming, Errno> {
        if flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        self.0.receive(buffer, flags.contains(MessageFlags::PEEK).into())
    }

    fn shutdown(&self, what: Shutdown) -> Result<(), Errno> {
        self.0.shutdown(what);
        Ok(())
    }

    fn take_error(&self) -> Option<Errno> {
        self.0.take_error()
    }

    fn set_option(&self, at_level: i32, _name: i32, _value: &[u8]) -> Result<(), Errno> {
        // There is no protocol below that would have options.
        Err(if at_level == level::SOCKET { Errno::ENOPROTOOPT } else { Errno::EOPNOTSUPP })
    }

    fn option(&self, at_level: i32, _name: i32) -> Result<OptionValue, Errno> {
        Err(if at_level == level::SOCKET { Errno::ENOPROTOOPT } else { Errno::EOPNOTSUPP })
    }

    fn peer_credentials(&self) -> UCred {
        self.0.peer_credentials()
    }
}
