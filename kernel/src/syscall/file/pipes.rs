//! Pipes.

use alloc::sync::Arc;

use linux_abi::file::OpenFlags;
use linux_abi::{Arguments, Errno, UserPointer};
use vfs_core::Descriptor;

use super::errno;
use crate::fs;
use crate::syscall::{Answer, Caller, user};

pub(in crate::syscall) fn pipe(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    make(caller, arguments.pointer(0), OpenFlags::NONE)
}

pub(in crate::syscall) fn pipe2(caller: &mut Caller<'_>, arguments: &Arguments) -> Answer {
    let flags = OpenFlags::from_bits(arguments.unsigned(1)).ok_or(Errno::EINVAL)?;
    let known = OpenFlags::CLOEXEC | OpenFlags::NONBLOCK | OpenFlags::DIRECT;
    // Packets (O_DIRECT) are not here.
    if !known.contains(flags) || flags.contains(OpenFlags::DIRECT) {
        return Err(Errno::EINVAL);
    }
    make(caller, arguments.pointer(0), flags)
}

fn make(caller: &Caller<'_>, to: UserPointer, flags: OpenFlags) -> Answer {
    let (reader, writer) = fs::make_pipe(flags);
    pair(caller, to, reader, writer, flags.contains(OpenFlags::CLOEXEC))
}

/// Gives two new files descriptors and tells the program their numbers; both or none.
pub(in crate::syscall) fn pair(
    caller: &Caller<'_>,
    to: UserPointer,
    first: fs::OpenFile,
    second: fs::OpenFile,
    close_on_exec: bool,
) -> Answer {
    caller.check_room_for_files(2)?;
    let limit = caller.process.open_files_limit();
    let (first, second) = (Arc::new(first), Arc::new(second));
    let insert = |file| {
        let descriptor = Descriptor { file, close_on_exec };
        let inserted = caller.process.files.lock().insert(descriptor, limit);
        inserted.map_err(|(error, _)| caller.no_descriptor(errno(error)))
    };
    let remove = |fd| {
        // Another thread may have closed it already.
        let removed = caller.process.files.lock().remove(fd);
        drop(removed);
    };
    let first = insert(first)?;
    let second = insert(second).inspect_err(|_| remove(first))?;
    let [a, b, c, d] = first.number().to_le_bytes();
    let [e, f, g, h] = second.number().to_le_bytes();
    user::write(to, &[a, b, c, d, e, f, g, h]).inspect_err(|_| {
        remove(first);
        remove(second);
    })?;
    Ok(0)
}
