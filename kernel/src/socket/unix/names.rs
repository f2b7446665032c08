//! UNIX sockets that can be found: by a path's file, or by an abstract name.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;
use linux_abi::socket::{SocketType, UnixName};

use super::node::Node;
use crate::fs::Held;
use crate::levels;
use crate::socket::FileKey;

/// By what a socket is found.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Key {
    /// With the number of its type: each has names of its own.
    Abstract(i32, Vec<u8>),
    File(FileKey),
}

/// The most sockets that have a name at once.
const MOST: usize = 65_536;

static NAMES: SpinLock<BTreeMap<Key, Weak<Node>>> =
    SpinLock::new(levels::PROCESS, "socket names", BTreeMap::new());

fn enter(key: Key, node: &Arc<Node>) -> Result<(), Errno> {
    let mut names = NAMES.lock();
    if names.len() >= MOST {
        return Err(Errno::ENOMEM);
    }
    match names.entry(key) {
        Entry::Vacant(place) => {
            place.insert(Arc::downgrade(node));
            Ok(())
        }
        Entry::Occupied(mut place) if place.get().strong_count() == 0 => {
            place.insert(Arc::downgrade(node));
            Ok(())
        }
        Entry::Occupied(_) => Err(Errno::EADDRINUSE),
    }
}

fn copy(name: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(name.len()).map_err(|_| Errno::ENOMEM)?;
    bytes.extend_from_slice(name);
    Ok(bytes)
}

/// Gives a socket an abstract name.
///
/// # Errors
/// EADDRINUSE, ENOMEM.
pub(super) fn bind_abstract(node: &Arc<Node>, name: &[u8]) -> Result<(), Errno> {
    enter(Key::Abstract(node.kind.number(), copy(name)?), node)
}

/// Makes a socket known under a file that was just made for it.
///
/// # Errors
/// As `bind_abstract`.
pub(super) fn bind_file(
    node: &Arc<Node>,
    key: FileKey,
    held: Option<Arc<Held>>,
) -> Result<(), Errno> {
    enter(Key::File(key), node)?;
    node.set_file(key, held);
    Ok(())
}

/// Gives a socket an abstract name that no other has: unix(7), "Autobind feature".
///
/// # Errors
/// As `bind_abstract`.
pub(super) fn bind_any(node: &Arc<Node>) -> Result<(), Errno> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const ALL: u32 = 1 << 20;
    for _ in 0..ALL {
        // Relaxed: whether it is free says the table.
        let number = NEXT.fetch_add(1, Ordering::Relaxed) % ALL;
        let mut name = [0; 5];
        for (place, shift) in name.iter_mut().zip([16, 12, 8, 4, 0]) {
            let digit = (number >> shift) & 0xf;
            *place = b"0123456789abcdef".get(digit as usize).copied().unwrap_or(b'0');
        }
        match bind_abstract(node, &name) {
            Err(Errno::EADDRINUSE) => {}
            Err(error) => return Err(error),
            Ok(()) => {
                node.set_name(UnixName::new_abstract(&name).unwrap_or(UnixName::NONE));
                return Ok(());
            }
        }
    }
    Err(Errno::ENOSPC)
}

/// The socket with an abstract name.
pub(super) fn find_abstract(kind: SocketType, name: &[u8]) -> Option<Arc<Node>> {
    let key = Key::Abstract(kind.number(), copy(name).ok()?);
    NAMES.lock().get(&key).and_then(Weak::upgrade)
}

/// The socket that was bound to this file.
pub(super) fn find_file(key: FileKey) -> Option<Arc<Node>> {
    NAMES.lock().get(&Key::File(key)).and_then(Weak::upgrade)
}

/// A socket is closed.
pub(super) fn forget(node: &Arc<Node>) {
    let key = match (node.name().abstract_name(), node.file()) {
        (Some(name), _) => copy(name).ok().map(|name| Key::Abstract(node.kind.number(), name)),
        (None, Some(key)) => Some(Key::File(key)),
        (None, None) => None,
    };
    let Some(key) = key else { return };
    let mut names = NAMES.lock();
    if names.get(&key).is_some_and(|known| core::ptr::eq(known.as_ptr(), Arc::as_ptr(node))) {
        names.remove(&key);
    }
}
