//! Opening files by name.

use alloc::sync::Arc;

use linux_abi::file::{AccessMode, Open, OpenFlags};
use linux_abi::{Arguments, Errno};
use vfs_core::{
    FileEvents, FileKind, FileTree, Metadata, MountFlags, NewNode, OpenPlan, plan_open,
};

use super::descriptors::insert;
use super::errno;
use super::place::at;
use super::size::{after_cut, cut};
use crate::fs::{self, FileKey, Held, Place};
use crate::memory::is_short;
use crate::syscall::{Answer, Caller, user};

pub(in crate::syscall) fn open(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_open(arguments)?)
}

pub(in crate::syscall) fn openat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_openat(arguments)?)
}

pub(in crate::syscall) fn creat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_creat(arguments))
}

/// What the tree has answered.
struct Found {
    held: Held,
    metadata: Metadata,
    mount: MountFlags,
    /// What has become shorter by it.
    cut: Option<FileKey>,
}

fn open_file(caller: &Caller<'_>, request: &Open) -> Answer {
    let path = user::path(request.path)?;
    let access_bits = match request.access {
        AccessMode::ReadOnly => 0,
        AccessMode::WriteOnly => 1,
        AccessMode::ReadWrite => 2,
    };
    let flags =
        vfs_core::OpenFlags::from_bits(request.flags.bits() | access_bits).map_err(errno)?;
    let found = find(caller, request, &path, flags)?;
    after_cut(found.cut);
    let file = fs::open(
        found.held,
        &found.metadata,
        found.mount,
        &caller.process.standpoint().root(),
        request.access,
        request.flags,
    )?;
    let opened = insert(caller, Arc::clone(&file), request.flags.contains(OpenFlags::CLOEXEC))?;
    file.tell(FileEvents::OPEN);
    Ok(opened)
}

fn find(
    caller: &Caller<'_>,
    request: &Open,
    path: &[u8],
    flags: vfs_core::OpenFlags,
) -> Result<Found, Errno> {
    let now = fs::wall_time();
    let permissions = request.mode & !caller.process.standpoint().mask();
    let is_only_path = flags.has(vfs_core::OpenFlags::PATH);
    at(caller, request.directory, path, |tree, context| {
        let identity = context.identity;
        let node = |directory: Place, inode| Place {
            mount: directory.mount,
            node: fs::Node::Memory(inode),
        };
        let mut shortened = None;
        let (place, is_held) = match plan_open(&*tree, context, path, flags)? {
            OpenPlan::Existing { node, truncates } => {
                let metadata = FileTree::metadata(&*tree, &node)?;
                let is_stored = matches!(metadata.kind, FileKind::Regular | FileKind::Directory);
                let changes = truncates || request.access != AccessMode::ReadOnly;
                if changes && is_stored && !is_only_path {
                    tree.check_writable(node)?;
                    fs::check_not_running(FileKey::from(&metadata))?;
                }
                if truncates && tree.writable(node).is_ok() {
                    shortened = cut(tree, node, 0)?;
                }
                (node, false)
            }
            OpenPlan::Create { directory, name } => {
                if is_short() {
                    return Err(vfs_core::FileError::NoSpace);
                }
                let name = name_copy(name)?;
                let (fs, inode) = tree.fillable(directory)?;
                let new = NewNode::Regular(&[]);
                let inode = fs.create(inode, name.get(), new, permissions, identity, now)?;
                (node(directory, inode), false)
            }
            OpenPlan::Temporary { directory } => {
                let can_be_named = !flags.has(vfs_core::OpenFlags::EXCLUSIVE);
                let (fs, inode) = tree.writable(directory)?;
                let made = fs.create_unnamed(inode, permissions, can_be_named, identity, now)?;
                (node(directory, made), true)
            }
        };
        let metadata = FileTree::metadata(&*tree, &place)?;
        let mount = tree.flags_of(place)?;
        let held = if is_held { tree.hold_retained(place)? } else { tree.hold(place)? };
        Ok(Found { held, metadata, mount, cut: shortened })
    })
}

/// A name of a file, out of the tree, so that the tree can be changed.
pub(super) struct Name {
    bytes: [u8; vfs_core::NAME_MAX],
    length: usize,
}

impl Name {
    pub(super) fn get(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

pub(super) fn name_copy(name: &[u8]) -> Result<Name, vfs_core::FileError> {
    let mut bytes = [0; vfs_core::NAME_MAX];
    let place = bytes
        .get_mut(..name.len())
        .ok_or(vfs_core::FileError::NameTooLong { length: name.len() })?;
    place.copy_from_slice(name);
    Ok(Name { bytes, length: name.len() })
}
