//! The one lock of the tree, and what keeps files without it: [`Held`].

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use hal::interrupts::SpinLock;
use ksync::Once;
use vfs_core::{FileError, FileEvents, FileTree, Metadata, MountTable, TmpFs};

use super::{Body, Node, Place, Released, System, SystemId, SystemKind, Tree};
use crate::fs::mapped::FramePage;
use crate::levels;
use crate::sync::{Mutex, MutexGuard};

/// The lock of the tree.
///
/// What is held can be let go of anywhere, also by who has the lock: then it is noted, and whoever
/// unlocks sees to it.
pub struct TreeLock(Mutex<Tree>);

/// The tree, locked.
pub struct TreeGuard(Option<MutexGuard<'static, Tree>>);

/// Something to be done with the tree.
enum Left {
    /// A place is to be let go of.
    Place(Place),
    /// An open file was closed, which is to be told to who watches it.
    Closed(Place, FileEvents),
}

static TREE: Once<TreeLock> = Once::new();
/// What is left to whoever has the tree, in the order in which it came.
static LEFT: SpinLock<Vec<Left>> = SpinLock::new(levels::RINGS, "left places", Vec::new());
/// Whether there is something; so that unlocking costs one look.
static IS_LEFT: AtomicBool = AtomicBool::new(false);
/// The root of all, for what has no root of its own.
static TOP: Once<Arc<Held>> = Once::new();

impl TreeLock {
    /// Waits for the tree.
    pub fn lock(&'static self) -> TreeGuard {
        TreeGuard(Some(self.0.lock()))
    }
}

impl core::ops::Deref for TreeGuard {
    type Target = Tree;

    fn deref(&self) -> &Tree {
        match &self.0 {
            Some(tree) => tree,
            None => unreachable!("the tree leaves with the guard"),
        }
    }
}

impl core::ops::DerefMut for TreeGuard {
    fn deref_mut(&mut self) -> &mut Tree {
        match &mut self.0 {
            Some(tree) => tree,
            None => unreachable!("the tree leaves with the guard"),
        }
    }
}

impl Drop for TreeGuard {
    fn drop(&mut self) {
        if let Some(tree) = &mut self.0 {
            tree.tell_notes();
        }
        drop(self.0.take());
        let_go();
    }
}

/// Lets go of what was left. Who finds the tree locked leaves it to its holder, who looks after
/// unlocking: either this finds the tree free, or the holder finds what was left before.
fn let_go() {
    // SeqCst, with the store in `Held::drop`: the holder unlocks and then looks, who leaves
    // something stores and then tries to lock.
    while IS_LEFT.load(Ordering::SeqCst) {
        let Some(TreeLock(lock)) = TREE.get() else { return };
        let Some(mut tree) = lock.try_lock() else { return };
        let released = see_to_left(&mut tree);
        tree.tell_notes();
        drop(tree);
        drop(released);
    }
}

/// Does what was left; the answer is to be dropped without the lock.
fn see_to_left(tree: &mut Tree) -> Vec<Released> {
    let left = {
        let mut left = LEFT.lock();
        IS_LEFT.store(false, Ordering::SeqCst);
        core::mem::take(&mut *left)
    };
    let mut released = Vec::with_capacity(left.len());
    for left in left {
        match left {
            Left::Place(place) => released.push(tree.release(place)),
            Left::Closed(place, events) => tree.note(place, events),
        }
    }
    released
}

fn leave(left: Left) {
    LEFT.lock().push(left);
    IS_LEFT.store(true, Ordering::SeqCst);
    let_go();
}

/// An open file is closed, of which something is to be told. Can be called anywhere.
pub(in crate::fs) fn leave_closed(held: &Held, events: FileEvents) {
    leave(Left::Closed(held.place, events));
}

/// Waits for the tree and sees to all that was left: what a call has closed is told when it returns.
pub fn settle() {
    let mut tree = tree().lock();
    let released = see_to_left(&mut tree);
    drop(tree);
    drop(released);
}

/// The tree.
///
/// # Panics
/// Before `start`; an error of the boot order.
pub fn tree() -> &'static TreeLock {
    match TREE.get() {
        Some(tree) => tree,
        None => panic!("files are asked for before there is a file system"),
    }
}

/// The root of all.
///
/// # Panics
/// As [`tree`].
pub fn top() -> Arc<Held> {
    match TOP.get() {
        Some(top) => Arc::clone(top),
        None => panic!("files are asked for before there is a file system"),
    }
}

/// Makes the tree of its first file system.
pub(in crate::fs) fn install(first: TmpFs<FramePage>) -> Result<(), FileError> {
    let root = Node::Memory(first.root());
    let system = System { kind: SystemKind::Memory, body: Body::Memory(first), mounts: 1 };
    let mut systems = Vec::new();
    systems.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
    systems.push(Some(system));
    let mounts = MountTable::new(SystemId(0), root, Box::from(&b"tmpfs"[..]))?;
    TREE.call_once(|| TreeLock(Mutex::new(Tree { mounts, systems, is_noting: false })));
    let mut tree = tree().lock();
    let root = tree.root()?;
    let held = tree.hold(root)?;
    drop(tree);
    TOP.call_once(|| Arc::new(held));
    Ok(())
}

/// A file that is kept until this is dropped, which can be done anywhere.
#[derive(Debug)]
pub struct Held {
    pub(super) place: Place,
}

impl Held {
    /// Which.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// What is known about it.
    ///
    /// # Errors
    /// [`FileError::Stale`], though what is held does not go.
    pub fn metadata(&self) -> Result<Metadata, FileError> {
        tree().lock().metadata(&self.place)
    }
}

impl PartialEq for Held {
    /// Whether it is the same file.
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        leave(Left::Place(self.place));
    }
}
