//! From the initial archive to a tree of files, without copying their contents.

use alloc::vec::Vec;

use crate::access::Identity;
use crate::archive::{ArchiveEntry, ArchiveError, ArchiveFault, ArchiveReader, FileIdentity};
use crate::error::FileError;
use crate::metadata::{FileKind, WallTime};
use crate::tmpfs::{InodeId, NewNode, Page, TmpFs};

const DIRECTORY_PERMISSIONS: u16 = 0o755;

/// The files of the archive that have several names: which file they became.
type SharedFiles = Vec<(FileIdentity, InodeId)>;

/// Unpacks an archive into a file system, and answers how many entries it had.
///
/// Directories that the archive does not mention are made, root's. A name that comes twice stands
/// for the later entry.
///
/// # Errors
/// [`ArchiveError`]; what came before the faulty entry is there.
pub fn load_archive<P: Page>(
    fs: &mut TmpFs<P>,
    archive: &'static [u8],
    now: WallTime,
) -> Result<usize, ArchiveError> {
    let mut shared = SharedFiles::new();
    let mut count = 0;
    for entry in ArchiveReader::new(archive) {
        let entry = entry?;
        load_entry(fs, &entry, &mut shared, now).map_err(|error| ArchiveError {
            offset: entry.offset,
            fault: match error {
                FileError::OutOfMemory | FileError::NoSpace => ArchiveFault::OutOfMemory,
                FileError::NameTooLong { .. } | FileError::InvalidName => ArchiveFault::BadName,
                _ => ArchiveFault::Conflict,
            },
        })?;
        count += 1;
    }
    Ok(count)
}

fn load_entry<P: Page>(
    fs: &mut TmpFs<P>,
    entry: &ArchiveEntry<'static>,
    shared: &mut SharedFiles,
    now: WallTime,
) -> Result<(), FileError> {
    let mut parts =
        entry.name.split(|byte| *byte == b'/').filter(|part| !matches!(*part, b"" | b"."));
    let Some(mut name) = parts.next() else {
        // The root itself.
        if entry.kind != FileKind::Directory {
            return Err(FileError::IsADirectory);
        }
        return describe(fs, fs.root(), entry, now);
    };
    let mut directory = fs.root();
    for next in parts {
        directory = match fs.find(directory, name)? {
            Some(found) => found,
            None => fs.create(
                directory,
                name,
                NewNode::Directory,
                DIRECTORY_PERMISSIONS,
                &Identity::ROOT,
                now,
            )?,
        };
        name = next;
    }
    if let Some(existing) = fs.find(directory, name)? {
        let was_directory = fs.metadata(existing)?.kind == FileKind::Directory;
        if was_directory && entry.kind == FileKind::Directory {
            return describe(fs, existing, entry, now);
        }
        // Not used by anyone yet, so there is nothing to keep from being dropped here.
        let _ = fs.unlink(directory, name, &Identity::ROOT, now)?;
    }
    let is_shared = entry.kind == FileKind::Regular && entry.links > 1;
    let known = shared.binary_search_by_key(&entry.identity, |(identity, _)| *identity);
    if is_shared && let Ok(position) = known {
        let file = shared.get(position).map(|(_, file)| *file).ok_or(FileError::Stale)?;
        if fs.metadata(file).is_ok_and(|metadata| metadata.links > 0) {
            fs.link(directory, name, file, &Identity::ROOT, now)?;
            // Archives carry the contents with one of the names only, mostly the last.
            if !entry.contents.is_empty() {
                fs.set_borrowed(file, entry.contents)?;
            }
            return describe(fs, file, entry, now);
        }
    }
    let new = match entry.kind {
        FileKind::Regular => NewNode::Regular(entry.contents),
        FileKind::Directory => NewNode::Directory,
        FileKind::SymbolicLink => NewNode::SymbolicLink(entry.contents),
        FileKind::CharacterDevice => NewNode::CharacterDevice(entry.device),
        FileKind::BlockDevice => NewNode::BlockDevice(entry.device),
        FileKind::Fifo => NewNode::Fifo,
        FileKind::Socket => return Err(FileError::WrongKind),
    };
    let file = fs.create(directory, name, new, entry.permissions, &Identity::ROOT, now)?;
    if is_shared {
        match known {
            Ok(position) => shared[position].1 = file,
            Err(position) => {
                shared.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
                shared.insert(position, (entry.identity, file));
            }
        }
    }
    describe(fs, file, entry, now)
}

/// Gives a file the owner, permissions and time that the archive says.
fn describe<P: Page>(
    fs: &mut TmpFs<P>,
    file: InodeId,
    entry: &ArchiveEntry<'_>,
    now: WallTime,
) -> Result<(), FileError> {
    let root = &Identity::ROOT;
    fs.set_owner(file, Some(entry.owner.uid), Some(entry.owner.gid), root, now)?;
    if entry.kind != FileKind::SymbolicLink {
        fs.set_permissions(file, entry.permissions, root, now)?;
    }
    fs.set_times(file, Some(entry.modified), Some(entry.modified), now)
}

#[cfg(test)]
mod tests;
