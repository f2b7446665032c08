//! Memory that processes share under a number: `process_core` decides, this keeps the table.

use alloc::sync::Arc;

use ksync::Once;
use process_core::{
    Gid, SegmentError, SegmentRequest, SegmentStatus, SegmentTable, SegmentUser, Uid,
};

use super::Process;
use crate::memory::SharedMemory;
use crate::sync::{Mutex, MutexGuard};

type Table = SegmentTable<SharedMemory>;

/// Under a lock that sleeps: memory may be freed when a segment goes.
static SEGMENTS: Once<Mutex<Table>> = Once::new();

/// Makes the table. Once, before there are programs.
pub(super) fn start() {
    SEGMENTS.call_once(|| Mutex::new(Table::default()));
}

fn segments() -> Result<MutexGuard<'static, Table>, SegmentError> {
    SEGMENTS.get().map(Mutex::lock).ok_or(SegmentError::OutOfMemory)
}

/// What a call does to a segment.
#[derive(Clone, Copy, Debug)]
pub enum SegmentChange {
    /// It gets another owner and other permissions.
    Set((Uid, Gid), u16),
    /// It goes with its last attachment.
    Remove,
    /// Nothing: it is looked whether its owner asks.
    Check,
}

/// Calls `f` with who the process is to the segments.
fn with_user<R>(
    process: &Process,
    f: impl FnOnce(&SegmentUser<'_>) -> Result<R, SegmentError>,
) -> Result<R, SegmentError> {
    let credentials = super::credentials_of(process.pid).map_err(|_| SegmentError::OutOfMemory)?;
    f(&SegmentUser {
        credentials: &credentials,
        pid: process.pid,
        sandbox: process.sandbox_id().unwrap_or(0),
        now_s: hal::time::wall_ns() / 1_000_000_000,
    })
}

/// Finds or makes a segment: its number.
///
/// # Errors
/// See [`SegmentError`].
pub fn find_segment(process: &Process, request: &SegmentRequest) -> Result<i32, SegmentError> {
    let make = || Arc::new(SharedMemory::of_segment());
    with_user(process, |user| segments()?.get(request, user, make))
}

/// The memory of a segment that the process attaches, and its size in bytes.
///
/// # Errors
/// See [`SegmentError`].
pub fn attach_segment(
    process: &Process,
    id: i32,
    writes: bool,
) -> Result<(Arc<SharedMemory>, u64), SegmentError> {
    with_user(process, |user| segments()?.attach(id, writes, user))
}

/// Notes that the process has detached a segment's memory.
///
/// # Errors
/// See [`SegmentError`].
pub fn note_segment_detached(
    process: &Process,
    memory: &Arc<SharedMemory>,
) -> Result<(), SegmentError> {
    with_user(process, |user| {
        segments()?.note_detached(|known| Arc::ptr_eq(known, memory), user);
        Ok(())
    })
}

/// What is known about a segment.
///
/// # Errors
/// See [`SegmentError`].
pub fn segment_status(process: &Process, id: i32) -> Result<SegmentStatus, SegmentError> {
    with_user(process, |user| segments()?.status(id, user))
}

/// Changes a segment.
///
/// # Errors
/// See [`SegmentError`].
pub fn change_segment(
    process: &Process,
    id: i32,
    change: SegmentChange,
) -> Result<(), SegmentError> {
    with_user(process, |user| {
        let mut segments = segments()?;
        match change {
            SegmentChange::Set(owner, mode) => segments.set(id, (owner, mode), user),
            SegmentChange::Remove => segments.remove(id, user),
            SegmentChange::Check => segments.check_owner(id, user),
        }
    })
}
