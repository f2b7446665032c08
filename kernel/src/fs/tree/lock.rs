//! The one lock of the tree, and what keeps files without it: [`Held`].

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use hal::interrupts::SpinLock;
use ksync::Once;
use vfs_core::{FileError, FileTree, Metadata, MountTable, TmpFs};

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

static TREE: Once<TreeLock> = Once::new();
/// Places that are to be let go of.
static LEFT: SpinLock<Vec<Place>> = SpinLock::new(levels::RINGS, "left places", Vec::new());
/// Whether there are such places; so that unlocking costs one look.
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
        let places = {
            let mut left = LEFT.lock();
            IS_LEFT.store(false, Ordering::SeqCst);
            core::mem::take(&mut *left)
        };
        let released: Vec<Released> = places.into_iter().map(|place| tree.release(place)).collect();
        drop(tree);
        drop(released);
    }
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
    TREE.call_once(|| TreeLock(Mutex::new(Tree { mounts, systems })));
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
        LEFT.lock().push(self.place);
        IS_LEFT.store(true, Ordering::SeqCst);
        let_go();
    }
}
