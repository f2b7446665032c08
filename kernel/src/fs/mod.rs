//! Files: what every open file can do ([`File`]), how one waits for it ([`until_ready`],
//! [`WatchList`]), and one file system in memory, filled from the initial archive.

mod blocking;
mod device_file;
mod epoll;
mod error;
mod event_counter;
mod fifo;
mod file;
mod inotify;
mod mapped;
mod memory_files;
mod open_file;
mod opening;
mod output_file;
mod own_use;
mod pipe;
mod poll;
mod proc;
mod readiness;
mod record_locks;
mod standard;
mod standpoint;
mod timer_file;
mod tree;
mod tree_file;
mod watch;
mod who;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use vfs_core::{
    Access, FileError, FileKind, FileTree, Identity, LastLink, MountFlags, NewNode, TmpFs,
    WalkContext, WallTime, walk,
};

use crate::memory::{FileBytes, is_short};

pub use blocking::{Waiting, pause, until_ready, when_ready};
pub use epoll::{Epoll, Interest};
pub use error::errno;
pub use event_counter::EventCounter;
pub use file::{File, Patience, Transfer, nameless, next_inode};
pub use inotify::{Inotify, Present, WatchRequest, is_watching};
pub use mapped::{
    FileKey, MappedFile, MappedPage, MappingUse, Wanted, check_not_running, frame_bytes_of_files,
    is_mapped, writable_mappings,
};
pub use memory_files::make_memory_file;
pub use open_file::OpenFile;
pub use opening::open;
pub use own_use::{exists, names_in, read_small};
pub use pipe::{PipeEnd, make_pipe};
pub use poll::{Polled, poll};
pub use readiness::Readiness;
pub use record_locks::{
    LockOwner, conflicting_lock, lock_range, lock_range_waiting, lock_whole, unlock_closed,
    unlock_ended, unlock_range, unlock_whole,
};
pub use standard::{add_terminal, hold_terminal, remove_terminal};
pub use standpoint::Standpoint;
pub use timer_file::{Setting as TimerSetting, TimerFile};
pub use tree::{Fullness, Held, Node, Place, SystemKind, Tree, list, settle, top, tree};
pub use tree_file::path_text;
pub use watch::{Turn, WatchId, WatchList, Watcher};
pub use who::Who;

/// The part of the machine's memory that each file system's files may take beyond the archive: a
/// quarter.
const SHARE: u64 = 4;

/// Makes the tree from the archive, with what programs expect to be mounted. Once. Says how many
/// files the archive holds.
///
/// # Errors
/// Why the archive cannot be read to its end; what came before the fault is there.
pub fn start(archive: &'static [u8]) -> Result<usize, String> {
    let said = |error: FileError| alloc::format!("{error}");
    let mut root = TmpFs::new(memory_share(), wall_time()).map_err(said)?;
    let loaded = vfs_core::load_archive(&mut root, archive, wall_time());
    tree::install(root).map_err(said)?;
    standard::mount_all().map_err(said)?;
    loaded.map_err(|error| alloc::format!("{error}"))
}

/// The memory that the files of one file system may take.
#[must_use]
pub fn memory_share() -> u64 {
    hal::frame::figures().total_bytes / SHARE
}

/// Now, as files count.
#[must_use]
pub fn wall_time() -> WallTime {
    WallTime { nanoseconds: u64::try_from(hal::time::wall_ns()).unwrap_or(0) }
}

/// Finds a file by its absolute path, in the kernel's own name.
fn find(tree: &Tree, path: &[u8]) -> Result<Place, FileError> {
    let root = tree.root()?;
    let context = WalkContext { root, directory: root, identity: &Identity::ROOT };
    walk(tree, &context, path, LastLink::Follow)?.existing(tree)
}

/// The bytes of a whole file.
///
/// # Errors
/// The walk's, [`FileError::IsADirectory`], [`FileError::OutOfMemory`].
pub fn read_whole(path: &[u8]) -> Result<FileBytes, FileError> {
    let tree = tree().lock();
    let file = find(&tree, path)?;
    contents(&tree, file)
}

/// Makes a file with these bytes, or replaces what it has, in the kernel's own name.
///
/// # Errors
/// The walk's to the directory, and those of a write.
pub fn write_whole(directory: &[u8], name: &[u8], bytes: &[u8]) -> Result<(), FileError> {
    let mut tree = tree().lock();
    let place = find(&tree, directory)?;
    let now = wall_time();
    let (fs, directory) = tree.writable(place)?;
    let file = match fs.find(directory, name)? {
        Some(file) => {
            fs.truncate(file, 0, now)?;
            file
        }
        None => fs.create(directory, name, NewNode::Regular(&[]), 0o644, &Identity::ROOT, now)?,
    };
    fs.write(file, 0, bytes, now)?;
    Ok(())
}

fn contents(tree: &Tree, file: Place) -> Result<FileBytes, FileError> {
    let (fs, inode) = tree.memory(file)?;
    if let Some(bytes) = fs.borrowed(inode) {
        return Ok(FileBytes::Archive(bytes));
    }
    let size = usize::try_from(fs.metadata(inode)?.size).map_err(|_| FileError::OutOfMemory)?;
    if is_short() {
        return Err(FileError::OutOfMemory);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| FileError::OutOfMemory)?;
    bytes.resize(size, 0);
    let count = fs.read(inode, 0, &mut bytes)?;
    bytes.truncate(count);
    Ok(FileBytes::Copy(Arc::new(bytes)))
}

/// The bytes of a program's file, by its absolute path and in the kernel's own name.
///
/// # Errors
/// See [`program_at`].
pub fn program(path: &[u8]) -> Result<FileBytes, FileError> {
    let top = top();
    Ok(program_at(&top, &top, &Identity::ROOT, path, LastLink::Follow)?.0)
}

/// The bytes of a program's file, which has to be a regular file that may be executed, and the file.
/// A relative path starts at `directory`; an empty one stands for `directory` itself, which then is
/// no directory.
///
/// # Errors
/// As `read_whole`, and [`FileError::AccessDenied`], [`FileError::IsADirectory`].
pub fn program_at(
    root: &Held,
    directory: &Held,
    identity: &Identity<'_>,
    path: &[u8],
    last: LastLink,
) -> Result<(FileBytes, Arc<Held>), FileError> {
    let mut tree = tree().lock();
    let context = WalkContext { root: root.place(), directory: directory.place(), identity };
    let file = if path.is_empty() {
        directory.place()
    } else {
        walk(&*tree, &context, path, last)?.existing(&*tree)?
    };
    let metadata = FileTree::metadata(&*tree, &file)?;
    match metadata.kind {
        FileKind::Regular => {}
        FileKind::SymbolicLink => return Err(FileError::TooManyLinks),
        FileKind::Directory => return Err(FileError::IsADirectory),
        _ => return Err(FileError::AccessDenied),
    }
    if tree.flags_of(file)?.has(MountFlags::NO_EXECUTION) {
        return Err(FileError::AccessDenied);
    }
    identity.check(&metadata, Access::EXECUTE)?;
    let held = Arc::new(tree.hold(file)?);
    let mapped = MappedFile::new(&tree, Arc::clone(&held), MappingUse::Program);
    drop(tree);
    Ok((FileBytes::File(mapped?), held))
}

/// The bytes of an open regular file, to be mapped.
///
/// # Errors
/// As `read_whole`; [`FileError::NotPermitted`] if it is sealed against the use.
pub fn mapped(file: &Held, mapping_use: MappingUse) -> Result<FileBytes, FileError> {
    let mut tree = tree().lock();
    let held = Arc::new(tree.hold(file.place())?);
    let mapped = MappedFile::new(&tree, held, mapping_use);
    drop(tree);
    Ok(FileBytes::File(mapped?))
}

/// A directory that may be entered, and its path from the root of all. A relative path starts at
/// `start`.
///
/// # Errors
/// The walk's, [`FileError::NotADirectory`], [`FileError::AccessDenied`].
pub fn directory_at(
    root: &Held,
    start: &Held,
    identity: &Identity<'_>,
    path: &[u8],
) -> Result<(Arc<Held>, Arc<str>), FileError> {
    let mut tree = tree().lock();
    let context = WalkContext { root: root.place(), directory: start.place(), identity };
    let directory = walk(&*tree, &context, path, LastLink::Follow)?.existing(&*tree)?;
    let metadata = FileTree::metadata(&*tree, &directory)?;
    if metadata.kind != FileKind::Directory {
        return Err(FileError::NotADirectory);
    }
    identity.check(&metadata, Access::EXECUTE)?;
    let path = tree.path_text(tree.root()?, directory);
    let path = Arc::from(String::from_utf8_lossy(&path).as_ref());
    Ok((Arc::new(tree.hold(directory)?), path))
}
