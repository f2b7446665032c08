//! Files as operators use them: uploads that appear when they are whole, downloads, listings.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use admin_api::backend::{ApiError, DirectoryPart, Download, FoundFile, Upload};
use admin_api::types::{FileEntry, FileKind as Kind, Text, Timestamp};
use linux_abi::file::{AccessMode, OpenFlags};
use vfs_core::{
    FileError, FileKind, FileTree, Identity, LastLink, LastName, Metadata, NewNode, WalkContext,
    walk,
};

use crate::fs::{self, Held, Node, Place, Tree, tree, wall_time};
use crate::memory::is_short;

const ROOT: &Identity<'static> = &Identity::ROOT;
/// The most that a file of `/proc` is taken to say.
const MOST_GENERATED_BYTES: usize = 4 << 20;

fn text(path: &[u8]) -> Text {
    String::from_utf8_lossy(path).into_owned().into()
}

/// What went wrong, in the API's words.
fn api_error(error: FileError, path: &[u8]) -> ApiError {
    let name = String::from_utf8_lossy(path);
    match error {
        FileError::NotFound | FileError::Stale | FileError::NoProcess => {
            ApiError::FileNotFound(text(path))
        }
        FileError::AccessDenied | FileError::NotPermitted | FileError::ReadOnly => {
            ApiError::PermissionDenied(format!("{name}: {error}.").into())
        }
        FileError::NoSpace => ApiError::NoSpace("The file system is full.".into()),
        FileError::OutOfMemory => ApiError::ResourceExhausted("memory".into()),
        FileError::NameTooLong { .. } | FileError::InvalidName => {
            ApiError::InvalidValue { field: "path".into(), message: format!("{error}").into() }
        }
        other => ApiError::Conflict(format!("{name}: {other}.").into()),
    }
}

/// Works on the tree in the operator's name.
fn with_tree<R>(
    path: &[u8],
    f: impl FnOnce(&mut Tree, &WalkContext<'_, Place>) -> Result<R, FileError>,
) -> Result<R, ApiError> {
    let mut tree = tree().lock();
    let done = tree.root().and_then(|root| {
        let context = WalkContext { root, directory: root, identity: ROOT };
        f(&mut tree, &context)
    });
    drop(tree);
    done.map_err(|error| api_error(error, path))
}

fn find_place(
    tree: &Tree,
    context: &WalkContext<'_, Place>,
    path: &[u8],
) -> Result<Place, FileError> {
    walk(tree, context, path, LastLink::Follow)?.existing(tree)
}

/// What stands at a path.
///
/// # Errors
/// Those of `api_error`.
pub(super) fn find(path: &[u8]) -> Result<FoundFile, ApiError> {
    let (held, metadata, mount) = with_tree(path, |tree, context| {
        let place = find_place(tree, context, path)?;
        let metadata = FileTree::metadata(&*tree, &place)?;
        let mount = tree.flags_of(place)?;
        Ok((tree.hold(place)?, metadata, mount))
    })?;
    match metadata.kind {
        FileKind::Directory => return Ok(FoundFile::Directory),
        FileKind::Regular => {}
        _ => return Err(ApiError::Conflict(format!("{} is no regular file.", text(path)).into())),
    }
    let is_generated = matches!(held.place().node, Node::Proc(_));
    let root = fs::top();
    let file = fs::open(held, &metadata, mount, &root, AccessMode::ReadOnly, OpenFlags::NONE);
    let file = file.map_err(|error| ApiError::SystemError(error.name().into()))?;
    if !is_generated {
        return Ok(FoundFile::File(Box::new(Stored { file, size_bytes: metadata.size })));
    }
    let mut bytes = Vec::new();
    let mut piece = [0; 1024];
    while bytes.len() < MOST_GENERATED_BYTES {
        let read = file.file().read(bytes.len() as u64, &mut piece);
        let count = read.map_err(|error| ApiError::Conflict(error.name().into()))?;
        if count == 0 {
            break;
        }
        bytes.extend_from_slice(&piece[..count]);
    }
    Ok(FoundFile::File(Box::new(Generated(bytes))))
}

struct Stored {
    file: alloc::sync::Arc<fs::OpenFile>,
    size_bytes: u64,
}

impl Download for Stored {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ApiError> {
        let read = self.file.file().read(offset, buffer);
        read.map_err(|error| ApiError::SystemError(error.name().into()))
    }
}

struct Generated(Vec<u8>);

impl Download for Generated {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ApiError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let count = buffer.len().min(self.0.len() - start);
        buffer[..count].copy_from_slice(&self.0[start..start + count]);
        Ok(count)
    }
}

/// A part of a directory.
///
/// # Errors
/// Those of `api_error`.
pub(super) fn list(path: &[u8], after: u64, limit: usize) -> Result<DirectoryPart, ApiError> {
    let held = with_tree(path, |tree, context| {
        let place = find_place(tree, context, path)?;
        tree.hold(place)
    })?;
    let place = held.place();
    let mut names: Vec<(u64, Vec<u8>)> = Vec::new();
    let mut total = 0_u64;
    let (mut from, mut is_more) = (0, false);
    fs::list(place, &mut from, &mut |entry| {
        if matches!(entry.name, b"." | b"..") {
            return true;
        }
        total += 1;
        if entry.place > after {
            if names.len() < limit {
                names.push((entry.place, entry.name.to_vec()));
            } else {
                is_more = true;
            }
        }
        true
    })
    .map_err(|error| api_error(error, path))?;
    let next = if is_more { names.last().map(|(place, _)| *place) } else { None };
    let mut entries = Vec::new();
    for (_, name) in names {
        // What has gone meanwhile is left out.
        let found = with_tree(&name, |tree, _| {
            let file = FileTree::lookup(&*tree, &place, &name)?.ok_or(FileError::NotFound)?;
            let metadata = FileTree::metadata(&*tree, &file)?;
            let is_link = metadata.kind == FileKind::SymbolicLink;
            let target = if is_link { tree.read_link(tree.root()?, file).ok() } else { None };
            Ok((metadata, target))
        });
        if let Ok((metadata, target)) = found {
            entries.push(entry(&name, &metadata, target.as_deref()));
        }
    }
    Ok(DirectoryPart { entries, next, total })
}

fn entry(name: &[u8], metadata: &Metadata, target: Option<&[u8]>) -> FileEntry {
    FileEntry {
        name: text(name),
        kind: match metadata.kind {
            FileKind::Regular => Kind::Regular,
            FileKind::Directory => Kind::Directory,
            FileKind::SymbolicLink => Kind::SymbolicLink,
            FileKind::CharacterDevice => Kind::CharacterDevice,
            FileKind::BlockDevice => Kind::BlockDevice,
            FileKind::Fifo => Kind::Fifo,
            FileKind::Socket => Kind::Socket,
        },
        size_bytes: metadata.size,
        permissions: format!("{:04o}", metadata.permissions).into(),
        uid: metadata.owner.uid,
        gid: metadata.owner.gid,
        modified_at: Timestamp::from_unix_ns(metadata.modified.nanoseconds),
        target: target.map(text),
    }
}

/// Makes a directory; says whether there was none.
///
/// # Errors
/// Those of `api_error`.
pub(super) fn make_directory(path: &[u8], permissions: u16) -> Result<bool, ApiError> {
    with_tree(path, |tree, context| {
        let walked = walk(&*tree, context, path, LastLink::Follow)?;
        if walked.node.is_some() {
            walked.existing(&*tree)?;
            return Ok(false);
        }
        let (directory, name) = walked.new_name(FileKind::Directory)?;
        let name = name.to_vec();
        let (fs, inode) = tree.fillable(directory)?;
        fs.create(inode, &name, NewNode::Directory, permissions, ROOT, wall_time())?;
        Ok(true)
    })
}

/// Removes a file or an empty directory.
///
/// # Errors
/// Those of `api_error`.
pub(super) fn remove(path: &[u8]) -> Result<(), ApiError> {
    let freed = with_tree(path, |tree, context| {
        let walked = walk(&*tree, context, path, LastLink::Name)?;
        let (directory, name, node) = walked.old_name(&*tree)?;
        let name = name.to_vec();
        let is_directory = FileTree::metadata(&*tree, &node)?.kind == FileKind::Directory;
        tree.check_uncovered(directory, &name)?;
        let (fs, inode) = tree.writable(directory)?;
        if is_directory {
            fs.remove_directory(inode, &name, ROOT, wall_time())
        } else {
            fs.unlink(inode, &name, ROOT, wall_time())
        }
    })?;
    // Without the lock.
    drop(freed);
    Ok(())
}

/// Begins a file of this size.
///
/// # Errors
/// Those of `api_error`; [`ApiError::NoSpace`] at once if it cannot fit.
pub(super) fn begin(
    path: &[u8],
    permissions: u16,
    size_bytes: u64,
) -> Result<Box<dyn Upload>, ApiError> {
    let (file, directory, name) = with_tree(path, |tree, context| {
        let walked = walk(&*tree, context, path, LastLink::Follow)?;
        let LastName::Name(name) = walked.last else { return Err(FileError::IsADirectory) };
        let name = name.to_vec();
        if let Some(node) = walked.node {
            match FileTree::metadata(&*tree, &node)?.kind {
                FileKind::Regular => {}
                FileKind::Directory => return Err(FileError::IsADirectory),
                _ => return Err(FileError::AlreadyExists),
            }
        }
        let directory = walked.directory;
        let (fs, inode) = tree.fillable(directory)?;
        if size_bytes > fs.limit_bytes().saturating_sub(fs.used_bytes()) {
            return Err(FileError::NoSpace);
        }
        let made = fs.create_unnamed(inode, permissions, true, ROOT, wall_time())?;
        let place = Place { mount: directory.mount, node: Node::Memory(made) };
        Ok((tree.hold_retained(place)?, tree.hold(directory)?, name))
    })?;
    Ok(Box::new(Writing { file, directory, name, length: 0 }))
}

/// A file without a name, until it is whole.
struct Writing {
    file: Held,
    directory: Held,
    name: Vec<u8>,
    length: u64,
}

impl Upload for Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        if is_short() {
            return Err(ApiError::NoSpace("Memory is short.".into()));
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let count = with_tree(&self.name, |tree, _| {
                let (fs, inode) = tree.writable(self.file.place())?;
                fs.write(inode, self.length, rest, wall_time())
            })?;
            self.length += count as u64;
            rest = rest.get(count..).unwrap_or_default();
        }
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<bool, ApiError> {
        let (is_new, replaced) = with_tree(&self.name, |tree, _| {
            let Node::Memory(file) = self.file.place().node else { return Err(FileError::Stale) };
            tree.check_uncovered(self.directory.place(), &self.name)?;
            let (fs, directory) = tree.writable(self.directory.place())?;
            let now = wall_time();
            let replaced = match fs.find(directory, &self.name)? {
                Some(_) => Some(fs.unlink(directory, &self.name, ROOT, now)?),
                None => None,
            };
            fs.link(directory, &self.name, file, ROOT, now)?;
            Ok((replaced.is_none(), replaced))
        })?;
        // Without the lock.
        drop(replaced);
        Ok(is_new)
    }
}
