//! Memory.

mod pages;

pub(super) use pages::{madvise, mincore, mlock, mlock2, mlockall, msync, munlock, munlockall};

use alloc::sync::Arc;

use linux_abi::memory::{MapFlags, Mmap, MmapSource, Mprotect, Mremap, MremapPlacement, Prot};
use linux_abi::{Arguments, Errno};
use process_core::Capability;
use vfs_core::Fd;
use vm_core::address_space::{
    Backing, Error, Kind, MapRequest, Placement, Protection, RemapPlacement,
};

use super::file::errno as file_errno;
use super::{Answer, Caller};
use crate::fs::{self, MappingUse, OpenFile};
use crate::memory::{Bounds, Object, SharedMemory, UserSpace};
use crate::process;

pub(super) fn space(caller: &Caller<'_>) -> Result<Arc<UserSpace>, Errno> {
    caller.process.space().ok_or(Errno::ENOSYS)
}

pub(super) fn errno(error: Error) -> Errno {
    match error {
        Error::ZeroLength | Error::Unaligned { .. } | Error::OverlappingMove => Errno::EINVAL,
        Error::OffsetOverflow { .. } => Errno::EOVERFLOW,
        Error::Occupied { .. } => Errno::EEXIST,
        Error::WriteExecute | Error::BeyondMaximum { .. } => Errno::EACCES,
        Error::LockLimit { .. } => Errno::EAGAIN,
        _ => Errno::ENOMEM,
    }
}

/// What the caller may have mapped. Whether it may lock more than its limit is only asked where
/// `has_locks`: it costs a look into the table of processes.
pub(super) fn bounds(caller: &Caller<'_>, has_locks: bool) -> Bounds {
    let bounds = caller.process.memory_bounds();
    if bounds.locked_bytes < u64::MAX && (!has_locks || may_lock_all(caller)) {
        return Bounds { locked_bytes: u64::MAX, ..bounds };
    }
    bounds
}

/// Whether no limit on locked memory binds the caller.
fn may_lock_all(caller: &Caller<'_>) -> bool {
    process::credentials_of(caller.process.pid())
        .is_ok_and(|credentials| credentials.is_capable(Capability::IpcLock))
}

fn protection(prot: Prot) -> Protection {
    let mut protection = Protection::NONE;
    for (flag, right) in [
        (Prot::READ, Protection::READ),
        (Prot::WRITE, Protection::WRITE),
        (Prot::EXEC, Protection::EXECUTE),
    ] {
        if prot.contains(flag) {
            protection = protection.union(right);
        }
    }
    protection
}

pub(super) fn mmap(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let mmap = Mmap::decode(arguments)?;
    // There are no huge pages to be had, and no memory that outlives power.
    if mmap.flags.contains(MapFlags::HUGETLB) {
        return Err(Errno::ENOMEM);
    }
    if mmap.flags.contains(MapFlags::SYNC) && mmap.is_shared {
        return Err(Errno::EOPNOTSUPP);
    }
    let placement = if mmap.flags.contains(MapFlags::FIXED_NOREPLACE) {
        Placement::FixedNoReplace(mmap.address)
    } else if mmap.flags.contains(MapFlags::FIXED) {
        Placement::Fixed(mmap.address)
    } else if mmap.address != 0 {
        Placement::Hint(mmap.address)
    } else if mmap.flags.contains(MapFlags::BITS_32) {
        Placement::Low
    } else {
        Placement::Anywhere
    };
    let mut max_protection = Protection::ALL;
    let kind = match mmap.source {
        MmapSource::Anonymous if mmap.is_shared => Kind::SharedAnonymous(Backing {
            file: Object::Memory(Arc::new(SharedMemory::new())),
            offset: 0,
        }),
        MmapSource::Anonymous if mmap.flags.contains(MapFlags::GROWSDOWN) => Kind::Stack,
        MmapSource::Anonymous => Kind::Anonymous,
        MmapSource::File { fd, offset } => {
            let file = {
                let fd = Fd::new(i64::from(fd)).map_err(file_errno)?;
                Arc::clone(&caller.process.files.lock().get(fd).map_err(file_errno)?.file)
            };
            let inode = file.regular().ok_or(Errno::ENODEV)?;
            if !file.can_read() {
                return Err(Errno::EACCES);
            }
            let mapped = |wanted| fs::mapped(inode, wanted).map_err(file_errno).map(Object::File);
            if mmap.is_shared {
                let (file, most) = shared(&file, mmap.prot.contains(Prot::WRITE), mapped)?;
                max_protection = most;
                Kind::SharedFile(Backing { file, offset })
            } else {
                Kind::PrivateFile(Backing { file: mapped(MappingUse::Read)?, offset })
            }
        }
    };
    let is_locked = mmap.flags.contains(MapFlags::LOCKED);
    let request = MapRequest {
        length: mmap.length,
        placement,
        protection: protection(mmap.prot),
        max_protection,
        kind,
        is_locked,
    };
    let space = space(caller)?;
    let is_filled = is_locked || space.locks_future();
    let bounds = bounds(caller, is_filled);
    if is_locked && bounds.locked_bytes == 0 {
        return Err(Errno::EPERM);
    }
    let range = space.map(request, bounds).map_err(errno)?;
    if is_filled || mmap.flags.contains(MapFlags::POPULATE) {
        pages::fill_in(caller, &space, range);
    }
    Ok(range.start())
}

/// A file that is mapped to be shared, and what may be done there at the most: writing only if the
/// file was opened for that and is not sealed.
fn shared(
    file: &OpenFile,
    is_written: bool,
    mapped: impl Fn(MappingUse) -> Result<Object, Errno>,
) -> Result<(Object, Protection), Errno> {
    let writable = if file.can_write() { mapped(MappingUse::Write) } else { Err(Errno::EACCES) };
    match writable {
        Ok(object) => Ok((object, Protection::ALL)),
        Err(error) if is_written => Err(error),
        Err(_) => Ok((mapped(MappingUse::Read)?, Protection::READ_EXECUTE)),
    }
}

pub(super) fn munmap(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    space(caller)?.unmap(arguments.word(0), arguments.word(1)).map_err(|error| match error {
        Error::OutsideUserSpace { .. } => Errno::EINVAL,
        other => errno(other),
    })?;
    Ok(0)
}

pub(super) fn mremap(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = Mremap::decode(arguments)?;
    let placement = match request.placement {
        MremapPlacement::InPlace => RemapPlacement::InPlace,
        MremapPlacement::MayMove => RemapPlacement::MayMove,
        MremapPlacement::Fixed(address) => RemapPlacement::Fixed(address),
    };
    let space = space(caller)?;
    let bounds = bounds(caller, space.has_locks());
    space
        .remap(request.old_address, request.old_length, request.new_length, placement, bounds)
        .map_err(|error| match error {
            Error::NotMapped { .. } => Errno::EFAULT,
            other => errno(other),
        })
}

pub(super) fn mprotect(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let request = Mprotect::decode(arguments)?;
    let space = space(caller)?;
    let rights = protection(request.prot);
    let bounds = bounds(caller, false);
    match space.protect(request.address, request.length, rights, bounds) {
        // Linux has changed what lies before the hole when it finds it.
        Err(Error::NotMapped { address }) if address > request.address => {
            let mapped = address - request.address;
            space.protect(request.address, mapped, rights, bounds).map_err(errno)?;
            Err(Errno::ENOMEM)
        }
        changed => changed.map(|()| 0).map_err(errno),
    }
}

pub(super) fn brk(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let space = space(caller)?;
    let bounds = bounds(caller, space.locks_future());
    Ok(space.set_break(arguments.word(0), bounds))
}
