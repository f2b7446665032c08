//! Files and descriptors.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::file::{
    AT_FDCWD, AccessMode, AtFlags, Fcntl, Open, OpenFlags, Whence, ioctl as requests,
};
use linux_abi::layout::{DirectoryEntries, EntryKind, IoVec, Stat, Timespec};
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::{
    Access, Descriptor, Fd, FileError, FileKind, FileTree, HeapPage, Identity, InodeId, LastLink,
    LinkTarget, Metadata, NewNode, OpenPlan, TmpFs, WalkContext, WallTime, plan_open, walk,
};

use super::{Answer, Caller, user};
use crate::fs::{self, OpenFile};
use crate::process;
use crate::scheduler::count;

pub(super) fn errno(error: FileError) -> Errno {
    match error {
        FileError::NotFound | FileError::Stale => Errno::ENOENT,
        FileError::NotADirectory => Errno::ENOTDIR,
        FileError::IsADirectory => Errno::EISDIR,
        FileError::AlreadyExists => Errno::EEXIST,
        FileError::NotEmpty => Errno::ENOTEMPTY,
        FileError::TooManyLinks => Errno::ELOOP,
        FileError::NameTooLong { .. } => Errno::ENAMETOOLONG,
        FileError::AccessDenied => Errno::EACCES,
        FileError::NotPermitted => Errno::EPERM,
        FileError::NoSpace => Errno::ENOSPC,
        FileError::OutOfMemory => Errno::ENOMEM,
        FileError::FileTooLarge { .. } => Errno::EFBIG,
        FileError::TooManyNames => Errno::EMLINK,
        FileError::DifferentFileSystem => Errno::EXDEV,
        FileError::InvalidName | FileError::InvalidFlags { .. } => Errno::EINVAL,
        FileError::Busy => Errno::EBUSY,
        FileError::BadDescriptor { .. } => Errno::EBADF,
        FileError::TooManyOpenFiles { .. } => Errno::EMFILE,
        FileError::WrongKind => Errno::ENXIO,
    }
}

fn descriptor(number: i32) -> Result<Fd, Errno> {
    Fd::new(i64::from(number)).map_err(errno)
}

fn file(caller: &Caller<'_>, number: i32) -> Result<Arc<OpenFile>, Errno> {
    let fd = descriptor(number)?;
    Ok(Arc::clone(&caller.process.files.lock().get(fd).map_err(errno)?.file))
}

// ---- reading and writing

/// Moves up to `length` bytes from the file to the program.
fn read_into(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    to: UserPointer,
    length: u64,
) -> Answer {
    if !file.can_read() {
        return Err(Errno::EBADF);
    }
    if file.directory().is_some() {
        return Err(Errno::EISDIR);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let count = file
            .read(at.map(|at| at.saturating_add(done)), &mut buffer[..wanted])
            .map_err(errno)?;
        if count == 0 {
            break;
        }
        let target = to.0.checked_add(done).ok_or(Errno::EFAULT)?;
        user::write(UserPointer(target), &buffer[..count])?;
        done += count as u64;
        if count < wanted || caller.thread.needs_attention() {
            break;
        }
    }
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    Ok(done)
}

/// Moves up to `length` bytes from the program to the file.
fn write_from(
    caller: &Caller<'_>,
    file: &OpenFile,
    at: Option<u64>,
    from: UserPointer,
    length: u64,
) -> Answer {
    if !file.can_write() {
        return Err(Errno::EBADF);
    }
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let source = from.0.checked_add(done).ok_or(Errno::EFAULT)?;
        if hal::user::copy_from(source, &mut buffer[..wanted]).is_err() {
            if done == 0 {
                return Err(Errno::EFAULT);
            }
            break;
        }
        match file.write(at.map(|at| at.saturating_add(done)), &buffer[..wanted]) {
            Ok(count) => {
                done += count as u64;
                if count < wanted {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(errno(error)),
            Err(_) => break,
        }
        if caller.thread.needs_attention() {
            break;
        }
    }
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

pub(super) fn read(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    read_into(caller, &file, None, arguments.pointer(1), arguments.transfer_length(2)?)
}

pub(super) fn write(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    write_from(caller, &file, None, arguments.pointer(1), arguments.transfer_length(2)?)
}

fn position(arguments: &Arguments) -> Result<u64, Errno> {
    u64::try_from(arguments.long(3)).map_err(|_| Errno::EINVAL)
}

pub(super) fn pread(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() {
        return Err(Errno::ESPIPE);
    }
    let at = Some(position(arguments)?);
    read_into(caller, &file, at, arguments.pointer(1), arguments.transfer_length(2)?)
}

pub(super) fn pwrite(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() {
        return Err(Errno::ESPIPE);
    }
    let at = Some(position(arguments)?);
    write_from(caller, &file, at, arguments.pointer(1), arguments.transfer_length(2)?)
}

/// The pieces of memory that `readv` and `writev` name.
fn pieces(arguments: &Arguments) -> Result<Vec<IoVec>, Errno> {
    const MOST: u64 = 1024;
    let count = arguments.word(2);
    if count > MOST {
        return Err(Errno::EINVAL);
    }
    let mut pieces = Vec::new();
    let mut total = 0_u64;
    for index in 0..count {
        let at = arguments.pointer(1).0.checked_add(index * 16).ok_or(Errno::EFAULT)?;
        let piece = IoVec::from_bytes(&user::read(UserPointer(at))?);
        total = total.checked_add(piece.length).ok_or(Errno::EINVAL)?;
        if i64::try_from(total).is_err() {
            return Err(Errno::EINVAL);
        }
        pieces.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
        pieces.push(piece);
    }
    Ok(pieces)
}

fn vectored(
    caller: &Caller<'_>,
    arguments: &Arguments,
    transfer: impl Fn(&Caller<'_>, &OpenFile, Option<u64>, UserPointer, u64) -> Answer,
) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let mut done = 0_u64;
    for piece in pieces(arguments)? {
        match transfer(caller, &file, None, UserPointer(piece.base), piece.length) {
            Ok(count) => {
                done += count;
                if count < piece.length {
                    break;
                }
            }
            Err(error) if done == 0 => return Err(error),
            Err(_) => break,
        }
    }
    Ok(done)
}

pub(super) fn readv(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    vectored(caller, arguments, read_into)
}

pub(super) fn writev(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    vectored(caller, arguments, write_from)
}

pub(super) fn sendfile(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (to, from) = (file(caller, arguments.int(0))?, file(caller, arguments.int(1))?);
    if !from.can_read() || !to.can_write() {
        return Err(Errno::EBADF);
    }
    if from.regular().is_none() {
        return Err(Errno::EINVAL);
    }
    let offset = arguments.pointer(2).non_null();
    let mut at = match offset {
        Some(offset) => Some(u64::from_le_bytes(user::read(offset)?)),
        None => None,
    };
    let length = arguments.transfer_length(3)?;
    let mut buffer = user::buffer(usize::try_from(length).unwrap_or(usize::MAX))?;
    let mut done = 0_u64;
    while done < length && !caller.thread.needs_attention() {
        let wanted = usize::try_from(length - done).unwrap_or(usize::MAX).min(buffer.len());
        let got = from.read(at, &mut buffer[..wanted]).map_err(errno)?;
        if got == 0 {
            break;
        }
        let put = to.write(None, &buffer[..got]).map_err(errno)?;
        if let Some(at) = &mut at {
            *at += put as u64;
        }
        done += put as u64;
    }
    if let (Some(offset), Some(at)) = (offset, at) {
        user::write(offset, &at.to_le_bytes())?;
    }
    count(&caller.thread.figures.read_bytes, done);
    count(&caller.thread.figures.written_bytes, done);
    count(&caller.thread.figures.read_operations, 1);
    count(&caller.thread.figures.write_operations, 1);
    Ok(done)
}

pub(super) fn seek(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    if file.regular().is_none() && file.directory().is_none() {
        return Err(Errno::ESPIPE);
    }
    let size = file.metadata().map_or(0, |metadata| metadata.size);
    let mut offset = file.offset();
    let start = match Whence::from_number(arguments.unsigned(2))? {
        Whence::Start => 0,
        Whence::Current => *offset,
        Whence::End => size,
        // Files without holes: all of it is data, and the one hole lies at the end.
        Whence::Data | Whence::Hole => {
            let at = position_in(size, arguments.long(1))?;
            let is_hole = arguments.unsigned(2) == 4;
            *offset = if is_hole { size } else { at };
            return Ok(*offset);
        }
    };
    let target = start.checked_add_signed(arguments.long(1)).ok_or(Errno::EINVAL)?;
    if i64::try_from(target).is_err() {
        return Err(Errno::EINVAL);
    }
    *offset = target;
    Ok(target)
}

fn position_in(size: u64, at: i64) -> Result<u64, Errno> {
    u64::try_from(at).ok().filter(|at| *at < size).ok_or(Errno::ENXIO)
}

// ---- names

/// Looks at the file system from the caller's point of view.
fn at_directory<R>(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    f: impl FnOnce(&mut TmpFs<HeapPage>, &WalkContext<'_, InodeId>) -> Result<R, Errno>,
) -> Result<R, Errno> {
    let start = if path.first() == Some(&b'/') {
        None
    } else if directory == AT_FDCWD {
        let path = process::working_directory_of(caller.process.pid())
            .map_err(|e| super::process::errno(&e))?;
        Some(StartAt::Path(path))
    } else {
        Some(StartAt::Directory(file(caller, directory)?.directory().ok_or(Errno::ENOTDIR)?))
    };
    let credentials =
        process::credentials_of(caller.process.pid()).map_err(|e| super::process::errno(&e))?;
    let is_root = credentials.effective_uid.0 == 0;
    let identity = Identity {
        uid: credentials.effective_uid.0,
        gid: credentials.effective_gid.0,
        groups: &[],
        overrides_permissions: is_root,
        overrides_reading: is_root,
        owns_all: is_root,
        can_give_away: is_root,
    };
    let mut tree = fs::root().lock();
    let root = tree.root();
    let mut context = WalkContext { root, directory: root, identity: &identity };
    match start {
        None => {}
        Some(StartAt::Directory(inode)) => context.directory = inode,
        Some(StartAt::Path(path)) => {
            let walked = walk(&*tree, &context, path.as_bytes(), LastLink::Follow);
            context.directory = walked.and_then(|it| it.existing(&*tree)).map_err(errno)?;
        }
    }
    f(&mut tree, &context)
}

enum StartAt {
    Path(Arc<str>),
    Directory(InodeId),
}

pub(super) fn open(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_open(arguments)?)
}

pub(super) fn openat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_openat(arguments)?)
}

pub(super) fn creat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    open_file(caller, &Open::decode_creat(arguments))
}

fn open_file(caller: &mut Caller<'_>, request: &Open) -> Answer {
    let path = user::path(request.path)?;
    let access_bits = match request.access {
        AccessMode::ReadOnly => 0,
        AccessMode::WriteOnly => 1,
        AccessMode::ReadWrite => 2,
    };
    let flags =
        vfs_core::OpenFlags::from_bits(request.flags.bits() | access_bits).map_err(errno)?;
    let now = fs::wall_time();
    let inode = at_directory(caller, request.directory, &path, |tree, context| {
        let plan = plan_open(&*tree, context, &path, flags).map_err(errno)?;
        match plan {
            OpenPlan::Existing { node, truncates } => {
                if truncates {
                    tree.truncate(node, 0, now).map_err(errno)?;
                }
                Ok(node)
            }
            OpenPlan::Create { directory, name } => {
                let name = name.to_vec();
                let permissions = request.mode & !0o022;
                tree.create(
                    directory,
                    &name,
                    NewNode::Regular(&[]),
                    permissions,
                    context.identity,
                    now,
                )
                .map_err(errno)
            }
        }
    })?;
    let can_read = request.access != AccessMode::WriteOnly;
    let can_write = request.access != AccessMode::ReadOnly;
    let appends = request.flags.contains(OpenFlags::APPEND);
    let file = OpenFile::open(inode, can_read, can_write, appends).map_err(errno)?;
    insert(caller, Arc::new(file), request.flags.contains(OpenFlags::CLOEXEC))
}

fn insert(caller: &Caller<'_>, file: Arc<OpenFile>, close_on_exec: bool) -> Answer {
    let limit = caller.process.open_files_limit();
    // The lock is let go of before a file that found no place is dropped.
    let inserted = caller.process.files.lock().insert(Descriptor { file, close_on_exec }, limit);
    inserted.map(|fd| u64::from(fd.number())).map_err(|(error, _)| errno(error))
}

pub(super) fn close(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let closed = caller.process.files.lock().remove(fd).map_err(errno)?;
    // Dropped without the lock: letting go of a file takes the file system's.
    drop(closed);
    Ok(0)
}

fn put_stat(metadata: Option<Metadata>, to: UserPointer) -> Answer {
    let time = |at: WallTime| Timespec::from_nanoseconds(at.nanoseconds);
    let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let stat = match metadata {
        Some(metadata) => Stat {
            device: 1,
            inode: metadata.inode,
            links: u64::from(metadata.links),
            mode: metadata.mode(),
            uid: metadata.owner.uid,
            gid: metadata.owner.gid,
            represented_device: metadata
                .device
                .map_or(0, |device| u64::from(device.major) << 8 | u64::from(device.minor)),
            size: signed(metadata.size),
            block_size: 4096,
            blocks: signed(metadata.allocated_bytes.div_ceil(512)),
            accessed: time(metadata.accessed),
            modified: time(metadata.modified),
            changed: time(metadata.changed),
            ..Stat::zeroed()
        },
        // Captured output looks like a pipe.
        None => Stat {
            mode: FileKind::Fifo.mode_bits() | 0o600,
            links: 1,
            block_size: 4096,
            ..Stat::zeroed()
        },
    };
    user::write(to, &stat.to_bytes())?;
    Ok(0)
}

fn lookup(
    caller: &Caller<'_>,
    directory: i32,
    path: &[u8],
    last: LastLink,
) -> Result<Metadata, Errno> {
    at_directory(caller, directory, path, |tree, context| {
        let node = walk(&*tree, context, path, last).and_then(|it| it.existing(&*tree));
        tree.metadata(node.map_err(errno)?).map_err(errno)
    })
}

pub(super) fn stat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let metadata = lookup(caller, AT_FDCWD, &path, LastLink::Follow)?;
    put_stat(Some(metadata), arguments.pointer(1))
}

pub(super) fn lstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let metadata = lookup(caller, AT_FDCWD, &path, LastLink::Keep)?;
    put_stat(Some(metadata), arguments.pointer(1))
}

pub(super) fn fstat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    put_stat(file(caller, arguments.int(0))?.metadata(), arguments.pointer(1))
}

pub(super) fn fstatat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = AtFlags::from_bits(arguments.unsigned(3)).ok_or(Errno::EINVAL)?;
    let path = user::path(arguments.pointer(1))?;
    if path.is_empty() && flags.contains(AtFlags::EMPTY_PATH) && arguments.int(0) != AT_FDCWD {
        return put_stat(file(caller, arguments.int(0))?.metadata(), arguments.pointer(2));
    }
    let last =
        if flags.contains(AtFlags::SYMLINK_NOFOLLOW) { LastLink::Keep } else { LastLink::Follow };
    let metadata = lookup(caller, arguments.int(0), &path, last)?;
    put_stat(Some(metadata), arguments.pointer(2))
}

pub(super) fn access(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, AT_FDCWD, arguments.pointer(0), arguments.unsigned(1))
}

pub(super) fn faccessat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    check_access(caller, arguments.int(0), arguments.pointer(1), arguments.unsigned(2))
}

fn check_access(caller: &Caller<'_>, directory: i32, path: UserPointer, mode: u32) -> Answer {
    let mut wanted = Access::EXISTS;
    for (bit, access) in [(1, Access::EXECUTE), (2, Access::WRITE), (4, Access::READ)] {
        if mode & bit != 0 {
            wanted = wanted.and(access);
        }
    }
    if mode & !7 != 0 {
        return Err(Errno::EINVAL);
    }
    let path = user::path(path)?;
    at_directory(caller, directory, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Follow)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        let metadata = tree.metadata(node).map_err(errno)?;
        context.identity.check(&metadata, wanted).map_err(errno)?;
        Ok(0)
    })
}

pub(super) fn readlink(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    read_link(caller, AT_FDCWD, arguments.pointer(0), arguments.pointer(1), arguments.long(2))
}

pub(super) fn readlinkat(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (path, to) = (arguments.pointer(1), arguments.pointer(2));
    read_link(caller, arguments.int(0), path, to, arguments.long(3))
}

fn read_link(
    caller: &Caller<'_>,
    directory: i32,
    path: UserPointer,
    to: UserPointer,
    length: i64,
) -> Answer {
    let length = usize::try_from(length).ok().filter(|length| *length > 0).ok_or(Errno::EINVAL)?;
    let path = user::path(path)?;
    let target = at_directory(caller, directory, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Keep)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        if tree.metadata(node).map_err(errno)?.kind != FileKind::SymbolicLink {
            return Err(Errno::EINVAL);
        }
        match FileTree::link_target(&*tree, &node).map_err(errno)? {
            LinkTarget::Path(path) => Ok(path.to_vec()),
            LinkTarget::Node(_) => Err(Errno::EINVAL),
        }
    })?;
    let count = target.len().min(length);
    user::write(to, &target[..count])?;
    Ok(count as u64)
}

pub(super) fn getdents(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    let directory = file.directory().ok_or(Errno::ENOTDIR)?;
    let length = usize::try_from(arguments.unsigned(2)).map_err(|_| Errno::EINVAL)?;
    let mut buffer = user::buffer(length)?;
    let written = {
        let mut offset = file.offset();
        let tree = fs::root().lock();
        let mut list = DirectoryEntries::new(&mut buffer);
        let mut is_full = false;
        for entry in tree.entries(directory, *offset).map_err(errno)? {
            let kind = EntryKind((entry.kind.mode_bits() >> 12) as u8);
            if list.push(entry.inode, entry.place.cast_signed(), kind, entry.name).is_err() {
                is_full = true;
                break;
            }
            *offset = entry.place;
        }
        if is_full && list.written_bytes() == 0 {
            return Err(Errno::EINVAL);
        }
        list.written_bytes()
    };
    user::write(arguments.pointer(1), &buffer[..written])?;
    Ok(written as u64)
}

pub(super) fn getcwd(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = process::working_directory_of(caller.process.pid())
        .map_err(|e| super::process::errno(&e))?;
    let needed = path.len() + 1;
    if arguments.word(1) < needed as u64 {
        return Err(Errno::ERANGE);
    }
    let mut bytes = path.as_bytes().to_vec();
    bytes.push(0);
    user::write(arguments.pointer(0), &bytes)?;
    Ok(needed as u64)
}

pub(super) fn chdir(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let path = user::path(arguments.pointer(0))?;
    let canonical = at_directory(caller, AT_FDCWD, &path, |tree, context| {
        let node = walk(&*tree, context, &path, LastLink::Follow)
            .and_then(|walked| walked.existing(&*tree))
            .map_err(errno)?;
        let metadata = tree.metadata(node).map_err(errno)?;
        if metadata.kind != FileKind::Directory {
            return Err(Errno::ENOTDIR);
        }
        context.identity.check(&metadata, Access::EXECUTE).map_err(errno)?;
        tree.path_of(context.root, node).map_err(errno)
    })?;
    let text = alloc::string::String::from_utf8_lossy(&canonical);
    process::set_working_directory(caller.process.pid(), Arc::from(text.as_ref()))
        .map_err(|e| super::process::errno(&e))?;
    Ok(0)
}

// ---- descriptors

pub(super) fn ioctl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    match arguments.unsigned(1) {
        requests::FIONREAD if file.regular().is_some() => {
            let size = file.metadata().map_or(0, |metadata| metadata.size);
            let left = size.saturating_sub(*file.offset());
            let left = i32::try_from(left).unwrap_or(i32::MAX);
            user::write(arguments.pointer(2), &left.to_le_bytes())?;
            Ok(0)
        }
        // There are no terminals yet.
        _ => Err(Errno::ENOTTY),
    }
}

pub(super) fn fcntl(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let fd = descriptor(arguments.int(0))?;
    let file = file(caller, arguments.int(0))?;
    let limit = caller.process.open_files_limit();
    let mut files = caller.process.files.lock();
    match Fcntl::decode(arguments)? {
        Fcntl::Duplicate { minimum, closes_on_exec } => {
            if minimum >= limit {
                return Err(Errno::EINVAL);
            }
            let from = Fd::new(i64::from(minimum)).map_err(errno)?;
            let copy = Descriptor { file, close_on_exec: closes_on_exec };
            let inserted = files.insert_from(from, copy, limit);
            drop(files);
            inserted.map(|fd| u64::from(fd.number())).map_err(|(error, _)| errno(error))
        }
        Fcntl::GetDescriptorFlags => Ok(u64::from(files.get(fd).map_err(errno)?.close_on_exec)),
        Fcntl::SetDescriptorFlags { closes_on_exec } => {
            files.set_close_on_exec(fd, closes_on_exec).map_err(errno)?;
            Ok(0)
        }
        Fcntl::GetStatusFlags => {
            let access = match (file.can_read(), file.can_write()) {
                (true, true) => 2,
                (false, true) => 1,
                _ => 0,
            };
            let appends = if file.appends() { OpenFlags::APPEND.bits() } else { 0 };
            Ok(u64::from(access | appends))
        }
        // Nothing that is here blocks, so non-blocking changes nothing.
        Fcntl::SetStatusFlags(_) => Ok(0),
        Fcntl::GetPipeSize | Fcntl::SetPipeSize(_) => Err(Errno::EBADF),
    }
}

pub(super) fn dup(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let file = file(caller, arguments.int(0))?;
    insert(caller, file, false)
}

pub(super) fn dup2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (from, to) = (descriptor(arguments.int(0))?, descriptor(arguments.int(1))?);
    if from == to {
        file(caller, arguments.int(0))?;
        return Ok(u64::from(to.number()));
    }
    duplicate(caller, from, to, false)
}

pub(super) fn dup3(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let (from, to) = (descriptor(arguments.int(0))?, descriptor(arguments.int(1))?);
    let flags = arguments.unsigned(2);
    if from == to || flags & !OpenFlags::CLOEXEC.bits() != 0 {
        return Err(Errno::EINVAL);
    }
    duplicate(caller, from, to, flags != 0)
}

fn duplicate(caller: &Caller<'_>, from: Fd, to: Fd, close_on_exec: bool) -> Answer {
    let limit = caller.process.open_files_limit();
    let replaced =
        caller.process.files.lock().duplicate_to(from, to, close_on_exec, limit).map_err(errno)?;
    drop(replaced);
    Ok(u64::from(to.number()))
}

/// Advice about how a file will be read: all files are in memory.
pub(super) fn fadvise(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    file(caller, arguments.int(0))?;
    Ok(0)
}
