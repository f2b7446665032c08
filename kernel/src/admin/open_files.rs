//! What a process has open.

use alloc::sync::Arc;
use alloc::vec::Vec;

use admin_api::backend::{ApiError, ProcessOperation};
use admin_api::types::{OpenFile, OpenFileKind};
use vfs_core::FileKind;

use super::{convert, processes};
use crate::fs;
use crate::process;

/// Up to `limit` descriptors of a process with numbers from `from` on, and how many it has.
///
/// # Errors
/// [`ApiError::ProcessNotFound`], [`ApiError::ResourceExhausted`].
pub(super) fn open_files(
    number: u32,
    from: u32,
    limit: usize,
) -> Result<(Vec<OpenFile>, u64), ApiError> {
    let no_room = |_| ApiError::ResourceExhausted("There is no memory for the list.".into());
    let pid = processes::pid(number)?;
    let snapshot =
        process::snapshot(pid).map_err(|error| convert::error(&error, ProcessOperation::Show))?;
    let Some(process) = snapshot.process else { return Ok((Vec::new(), 0)) };
    let mut found = Vec::new();
    let total = {
        let files = process.files.lock();
        found.try_reserve_exact(files.len().min(limit)).map_err(no_room)?;
        let wanted = files.iter().filter(|(fd, _)| fd.number() >= from).take(limit);
        found.extend(wanted.map(|(fd, descriptor)| {
            (fd.number(), Arc::clone(&descriptor.file), descriptor.close_on_exec)
        }));
        u64::try_from(files.len()).unwrap_or(u64::MAX)
    };
    // Looked at without the descriptors' lock: paths take the tree's.
    let mut items = Vec::new();
    items.try_reserve_exact(found.len()).map_err(no_room)?;
    items.extend(found.iter().map(|(fd, file, close_on_exec)| describe(*fd, file, *close_on_exec)));
    Ok((items, total))
}

fn describe(fd: u32, file: &fs::OpenFile, close_on_exec: bool) -> OpenFile {
    let kind = match file.metadata() {
        Ok(metadata) => match metadata.kind {
            FileKind::Directory => OpenFileKind::Directory,
            FileKind::CharacterDevice | FileKind::BlockDevice => OpenFileKind::Device,
            FileKind::Fifo => OpenFileKind::Pipe,
            FileKind::Socket => OpenFileKind::Socket,
            // What no file system holds has no kind.
            FileKind::Regular if metadata.system != u32::MAX => OpenFileKind::Regular,
            _ => OpenFileKind::Other,
        },
        Err(_) => OpenFileKind::Other,
    };
    OpenFile {
        fd,
        kind,
        path: file.file().describe().into(),
        readable: file.can_read(),
        writable: file.can_write(),
        append: file.appends(),
        nonblocking: file.is_nonblocking(),
        close_on_exec,
        offset_bytes: file.offset().ok().map(|offset| *offset),
    }
}
