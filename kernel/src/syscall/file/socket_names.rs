//! Paths of UNIX sockets.

use alloc::sync::Arc;

use linux_abi::Errno;
use linux_abi::file::AT_FDCWD;
use vfs_core::{Access, FileKind, FileTree, LastLink, NewNode, walk};

use super::open::name_copy;
use super::place::at;
use crate::fs::{self, Held, Node, Place};
use crate::memory::is_short;
use crate::socket::FileKey;
use crate::syscall::Caller;

/// Makes the file that a socket is bound to.
pub(in crate::syscall) fn make_socket(
    caller: &Caller<'_>,
    path: &[u8],
) -> Result<(FileKey, Arc<Held>), Errno> {
    if is_short() {
        return Err(Errno::ENOMEM);
    }
    let now = fs::wall_time();
    let permissions = 0o777 & !caller.process.standpoint().mask();
    let made = at(caller, AT_FDCWD, path, |tree, context| {
        let walked = walk(&*tree, context, path, LastLink::Name)?;
        let (directory, name) = walked.new_name(FileKind::Socket)?;
        let name = name_copy(name)?;
        let (files, parent) = tree.writable(directory)?;
        let new = NewNode::Socket;
        let inode = files.create(parent, name.get(), new, permissions, context.identity, now)?;
        let place = Place { mount: directory.mount, node: Node::Memory(inode) };
        let metadata = FileTree::metadata(&*tree, &place)?;
        Ok((FileKey(metadata.system, metadata.inode), tree.hold(place)?))
    });
    match made {
        Ok((key, held)) => Ok((key, Arc::new(held))),
        Err(Errno::EEXIST) => Err(Errno::EADDRINUSE),
        Err(error) => Err(error),
    }
}

/// The file that a socket's path names, which the caller may write to.
pub(in crate::syscall) fn find_socket(caller: &Caller<'_>, path: &[u8]) -> Result<FileKey, Errno> {
    let metadata = at(caller, AT_FDCWD, path, |tree, context| {
        let place = walk(&*tree, context, path, LastLink::Follow)?.existing(&*tree)?;
        let metadata = FileTree::metadata(&*tree, &place)?;
        context.identity.check(&metadata, Access::WRITE)?;
        Ok(metadata)
    })?;
    if metadata.kind != FileKind::Socket {
        return Err(Errno::ECONNREFUSED);
    }
    Ok(FileKey(metadata.system, metadata.inode))
}
