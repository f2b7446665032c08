//! All UNIX sockets that are open, for who lists them: `/proc/net/unix` and the API.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Bound;

use hal::interrupts::SpinLock;
use linux_abi::socket::{SocketType, UnixName};

use super::node::Node;
use crate::levels;
use crate::process::sandbox;

/// Sockets that are looked up at a time.
const PAGE: usize = 64;

static ALL: SpinLock<BTreeMap<u64, Arc<Node>>> =
    SpinLock::new(levels::PROCESS, "unix sockets", BTreeMap::new());

/// How far a socket has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnixPhase {
    /// It is joined to nobody.
    Apart,
    /// It lets others connect.
    Listens,
    /// It is joined to another.
    Joined,
    /// It is joined to another, and no program has accepted it yet.
    Waits,
}

/// One socket, as it is listed.
#[derive(Clone, Debug)]
pub struct UnixStatistics {
    /// The number of its file; 0 before it is accepted.
    pub inode: u64,
    /// Its type.
    pub kind: SocketType,
    /// The process that made it, or that made the listener that it came from.
    pub owner: u32,
    /// How many hold it, or know it.
    pub references: usize,
    /// How far it is.
    pub phase: UnixPhase,
    /// Its name, and that of the other end.
    pub names: (UnixName, UnixName),
    /// Bytes that its program has received, and has sent.
    pub traffic: (u64, u64),
    /// Bytes that wait here and at the other end; of a listener, connections that wait, and how many may.
    pub queues: (usize, usize),
}

/// A program has it open from now on.
pub(super) fn enter(node: &Arc<Node>) {
    ALL.lock().insert(node.number, Arc::clone(node));
}

/// It is closed.
pub(super) fn leave(node: &Node) {
    let left = ALL.lock().remove(&node.number);
    // Without the lock.
    drop(left);
}

/// Those after a number, in the order of their numbers.
fn after(number: u64) -> Vec<Arc<Node>> {
    let all = ALL.lock();
    let rest = all.range((Bound::Excluded(number), Bound::Unbounded));
    rest.take(PAGE).map(|(_, node)| Arc::clone(node)).collect()
}

/// All sockets that the running thread may know of: from inside a sandbox, those made there.
#[must_use]
pub fn unix_sockets() -> Vec<UnixStatistics> {
    let own = sandbox::own_id();
    let mut all = Vec::new();
    let mut last = 0;
    loop {
        let page = after(last);
        let Some(end) = page.last() else { return all };
        last = end.number;
        for node in page {
            if own.is_some() && node.maker.sandbox != own {
                continue;
            }
            let (statistics, waiting) = Node::statistics(&node);
            all.push(statistics);
            all.extend(waiting.iter().map(|waiting| UnixStatistics {
                inode: 0,
                phase: UnixPhase::Waits,
                ..Node::statistics(waiting).0
            }));
        }
    }
}

/// What `/proc/net/unix` says: proc(5).
#[must_use]
pub fn unix_table() -> Vec<u8> {
    /// `__SO_ACCEPTCON`.
    const LISTENS: u32 = 1 << 16;
    let mut text = Vec::from(&b"Num       RefCount Protocol Flags    Type St Inode Path\n"[..]);
    for socket in unix_sockets() {
        // `SS_UNCONNECTED`, `SS_CONNECTING`, `SS_CONNECTED`.
        let (flags, state) = match socket.phase {
            UnixPhase::Apart => (0, 1),
            UnixPhase::Listens => (LISTENS, 1),
            UnixPhase::Waits => (0, 2),
            UnixPhase::Joined => (0, 3),
        };
        let (references, kind, inode) = (socket.references, socket.kind.number(), socket.inode);
        // Where it is in memory is nobody's business.
        let line = alloc::format!(
            "0000000000000000: {references:08X} 00000000 {flags:08X} {kind:04X} {state:02X} {inode:5}"
        );
        text.extend_from_slice(line.as_bytes());
        let (name, _) = socket.names;
        if !name.is_none() {
            text.push(b' ');
            push_shown(&mut text, &name);
        }
        text.push(b'\n');
    }
    text
}

/// A name with `@` for zero bytes, as Linux shows it.
fn push_shown(text: &mut Vec<u8>, name: &UnixName) {
    match (name.path(), name.abstract_name()) {
        (Some(path), _) => text.extend_from_slice(path),
        (None, Some(rest)) => {
            text.push(b'@');
            text.extend(rest.iter().map(|byte| if *byte == 0 { b'@' } else { *byte }));
        }
        (None, None) => {}
    }
}

/// A name with `@` for zero bytes; `*` if there is none.
#[must_use]
pub fn shown_name(name: &UnixName) -> String {
    let mut text = Vec::new();
    push_shown(&mut text, name);
    if text.is_empty() {
        text.push(b'*');
    }
    String::from_utf8_lossy(&text).into_owned()
}
