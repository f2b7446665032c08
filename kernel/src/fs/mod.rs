//! Files: what every open file can do ([`File`]), how one waits for it ([`until_ready`],
//! [`WatchList`]), and one file system in memory, filled from the initial archive.

mod blocking;
mod device_file;
mod error;
mod file;
mod mapped;
mod open_file;
mod output_file;
mod pipe;
mod readiness;
mod tree_file;
mod watch;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use ksync::Once;
use vfs_core::{
    FileError, FileKind, Identity, InodeId, LastLink, TmpFs, WalkContext, WallTime, walk,
};

use crate::memory::{FileBytes, is_short};
use crate::sync::Mutex;

pub use blocking::{Waiting, pause, until_ready};
pub use error::errno;
pub use file::{File, Transfer, downcast, nameless};
pub use mapped::{FramePage, MappedFile, MappedPage, Wanted};
pub use open_file::OpenFile;
pub use pipe::make_pipe;
pub use readiness::Readiness;
pub use tree_file::TreeFile;
pub use watch::{Turn, WatchId, WatchList, Watcher};

/// The root file system.
static ROOT: Once<Mutex<TmpFs<FramePage>>> = Once::new();

/// Memory that files may take beyond the archive: a quarter of the machine's.
const SHARE: u64 = 4;

/// Makes the root file system from the archive. Once. Says how many files it holds.
///
/// # Errors
/// Why the archive cannot be read to its end; what came before the fault is there.
pub fn start(archive: &'static [u8]) -> Result<usize, String> {
    let limit = hal::frame::figures().total_bytes / SHARE;
    let mut root = TmpFs::new(limit, wall_time()).map_err(|error| alloc::format!("{error}"))?;
    let loaded = vfs_core::load_archive(&mut root, archive, wall_time());
    ROOT.call_once(|| Mutex::new(root));
    loaded.map_err(|error| alloc::format!("{error}"))
}

/// Now, as files count.
#[must_use]
pub fn wall_time() -> WallTime {
    WallTime { nanoseconds: u64::try_from(hal::time::wall_ns()).unwrap_or(0) }
}

/// The root file system.
///
/// # Panics
/// Before `start`; an error of the boot order.
pub fn root() -> &'static Mutex<TmpFs<FramePage>> {
    match ROOT.get() {
        Some(root) => root,
        None => panic!("files are asked for before there is a file system"),
    }
}

/// Finds a file by its absolute path, in the kernel's own name.
fn find(tree: &TmpFs<FramePage>, path: &[u8]) -> Result<InodeId, FileError> {
    let root = tree.root();
    let context = WalkContext { root, directory: root, identity: &Identity::ROOT };
    walk(tree, &context, path, LastLink::Follow)?.existing(tree)
}

/// The bytes of a whole file.
///
/// # Errors
/// The walk's, [`FileError::IsADirectory`], [`FileError::OutOfMemory`].
pub fn read_whole(path: &[u8]) -> Result<FileBytes, FileError> {
    let tree = root().lock();
    let file = find(&tree, path)?;
    contents(&tree, file)
}

fn contents(tree: &TmpFs<FramePage>, file: InodeId) -> Result<FileBytes, FileError> {
    if let Some(bytes) = tree.borrowed(file) {
        return Ok(FileBytes::Archive(bytes));
    }
    let size = usize::try_from(tree.metadata(file)?.size).map_err(|_| FileError::OutOfMemory)?;
    if is_short() {
        return Err(FileError::OutOfMemory);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(size).map_err(|_| FileError::OutOfMemory)?;
    bytes.resize(size, 0);
    let count = tree.read(file, 0, &mut bytes)?;
    bytes.truncate(count);
    Ok(FileBytes::Copy(Arc::new(bytes)))
}

/// The bytes of a program's file, which has to be a regular file that may be executed.
///
/// # Errors
/// As `read_whole`, and [`FileError::AccessDenied`].
pub fn program(path: &[u8]) -> Result<FileBytes, FileError> {
    let tree = root().lock();
    let file = find(&tree, path)?;
    let metadata = tree.metadata(file)?;
    if metadata.kind != FileKind::Regular || metadata.permissions & 0o111 == 0 {
        return Err(if metadata.kind == FileKind::Directory {
            FileError::IsADirectory
        } else {
            FileError::AccessDenied
        });
    }
    drop(tree);
    mapped(file)
}

/// The bytes of an open regular file, to be mapped.
///
/// # Errors
/// As `read_whole`.
pub fn mapped(file: InodeId) -> Result<FileBytes, FileError> {
    Ok(FileBytes::File(MappedFile::new(file)?))
}

/// The canonical path of a directory.
///
/// # Errors
/// The walk's, and [`FileError::NotADirectory`].
pub fn directory(path: &[u8]) -> Result<Arc<str>, FileError> {
    let tree = root().lock();
    let directory = find(&tree, path)?;
    if tree.metadata(directory)?.kind != FileKind::Directory {
        return Err(FileError::NotADirectory);
    }
    let path = tree.path_of(tree.root(), directory)?;
    Ok(Arc::from(String::from_utf8_lossy(&path).as_ref()))
}
