//! One socket: [`Socket`].

use serde::{Deserialize, Serialize};

use super::Text;

words! {
    /// What a socket carries.
    SocketProtocol {
        /// TCP.
        Tcp = "tcp",
        /// UDP.
        Udp = "udp",
        /// Echo requests of ICMP.
        Icmp = "icmp",
        /// Packets of another protocol.
        Raw = "raw",
        /// UNIX sockets, of any type.
        Unix = "unix",
    }
}

/// One socket: a listener, a connection, or one for datagrams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Socket {
    /// What it carries.
    pub protocol: SocketProtocol,
    /// The number of its file, as in `socket:[N]` of its program's descriptors; 0 for what no program has open:
    /// the kernel's own, and connections that wait to be accepted or end without anyone's help.
    pub inode: u64,
    /// The process that made it; `null` for the kernel's own, and for connections that end without
    /// anyone's help.
    pub pid: Option<u32>,
    /// This end: address and port; of a UNIX socket its path, `@NAME`, or `*` if it has none.
    pub local: Text,
    /// The other end, if there is one.
    pub remote: Option<Text>,
    /// TCP's state in RFC 9293's words: `listen`, `established`, `close_wait`; `null` for datagrams, and for a
    /// UNIX socket that is not connected.
    pub state: Option<Text>,
    /// Bytes that its program has read.
    pub received_bytes: u64,
    /// Bytes that its program has written.
    pub sent_bytes: u64,
    /// Bytes that wait to be read; of a listener, connections that wait to be accepted.
    pub receive_queue: u64,
    /// Bytes that wait to be acknowledged, or at the other end of a UNIX socket; of a listener, how many
    /// connections may wait.
    pub send_queue: u64,
    /// Datagrams given up for lack of room, or connections turned away.
    pub dropped: u64,
}
