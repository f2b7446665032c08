//! Files that are memory and nothing else: `memfd_create`, and seals.

use alloc::string::String;
use alloc::sync::Arc;

use linux_abi::{Arguments, Errno};
use vfs_core::{FileTree, Seals};

use super::descriptors::insert;
use super::errno;
use super::place::who;
use crate::fs::{self, FileKey, OpenFile};
use crate::syscall::{Answer, Caller, user};

/// Of the name's bytes: `NAME_MAX` without what stands before it.
const NAME_MAX: usize = 249;

pub(in crate::syscall) fn memfd_create(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    const CLOSE_ON_EXEC: u32 = 0x1;
    const ALLOW_SEALING: u32 = 0x2;
    const HUGE_PAGES: u32 = 0x4;
    const NOT_EXECUTABLE: u32 = 0x8;
    const EXECUTABLE: u32 = 0x10;
    let flags = arguments.unsigned(1);
    if flags & HUGE_PAGES != 0 {
        // As on a Linux that was built without them.
        return Err(Errno::ENOSYS);
    }
    let known = CLOSE_ON_EXEC | ALLOW_SEALING | NOT_EXECUTABLE | EXECUTABLE;
    let is_contradiction = flags & NOT_EXECUTABLE != 0 && flags & EXECUTABLE != 0;
    if flags & !known != 0 || is_contradiction {
        return Err(Errno::EINVAL);
    }
    let name = user::path(arguments.pointer(0)).map_err(|error| match error {
        Errno::ENAMETOOLONG => Errno::EINVAL,
        other => other,
    })?;
    if name.len() > NAME_MAX {
        return Err(Errno::EINVAL);
    }
    let is_sealed_executable = flags & NOT_EXECUTABLE != 0;
    let (permissions, seals) = if is_sealed_executable {
        (0o666, Seals::EXECUTE)
    } else if flags & ALLOW_SEALING != 0 {
        (0o777, Seals::NONE)
    } else {
        (0o777, Seals::SEAL)
    };
    let name = String::from_utf8_lossy(&name);
    let file = fs::make_memory_file(&name, permissions, seals, &who(caller)?.identity())?;
    insert(caller, Arc::new(file), flags & CLOSE_ON_EXEC != 0)
}

/// `F_GET_SEALS`.
pub(super) fn seals(file: &OpenFile) -> Answer {
    let held = file.regular().ok_or(Errno::EINVAL)?;
    let tree = fs::tree().lock();
    let (fs, inode) = tree.memory(held.place()).map_err(errno)?;
    Ok(u64::from(fs.seals(inode).map_err(errno)?.bits()))
}

/// `F_ADD_SEALS`.
pub(super) fn add_seals(file: &OpenFile, bits: u32) -> Answer {
    let held = file.regular().ok_or(Errno::EINVAL)?;
    if !file.can_write() {
        return Err(Errno::EPERM);
    }
    let seals = Seals::from_bits(bits).ok_or(Errno::EINVAL)?;
    let mut tree = fs::tree().lock();
    let metadata = FileTree::metadata(&*tree, &held.place()).map_err(errno)?;
    let mappings = fs::writable_mappings(FileKey::from(&metadata));
    let (fs, inode) = tree.memory_mut(held.place()).map_err(errno)?;
    fs.add_seals(inode, seals, mappings).map_err(errno)?;
    Ok(0)
}
