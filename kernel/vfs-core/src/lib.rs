//! Files without hardware: path walk, descriptor rules, tmpfs, initramfs reader.
//!
//! The kernel keeps a [`TmpFs`] behind a lock, fills it from the initial archive
//! ([`load_archive`]), finds files by [`walk()`] or [`plan_open`], and keeps a
//! [`DescriptorTable`] in each process. Further file systems take part in a walk by implementing
//! [`FileTree`]. Time is an argument ([`WallTime`]); nothing here knows a clock or a lock.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod access;
mod archive;
mod descriptors;
mod error;
mod events;
mod initramfs;
mod metadata;
mod mount;
mod open;
mod path;
mod pipe;
mod record_locks;
mod terminal;
mod tmpfs;
mod walk;

pub use access::{Access, Identity};
pub use archive::{ArchiveEntry, ArchiveError, ArchiveFault, ArchiveReader, FileIdentity};
pub use descriptors::{Descriptor, DescriptorTable, Fd};
pub use error::FileError;
pub use events::{EventQueue, FileEvents};
pub use initramfs::load_archive;
pub use metadata::{
    DeviceKind, DeviceNumber, FileKind, Metadata, Owner, PERMISSION_BITS, WallTime,
};
pub use mount::{Gone, Mount, MountFlags, MountId, MountTable, Place};
pub use open::{AccessMode, OpenFlags, OpenPlan, plan_open};
pub use path::PathBuilder;
pub use pipe::{PIPE_ATOMIC_BYTES, PIPE_BYTES, PIPE_MOST_BYTES, Pipe, PipeOutcome};
pub use record_locks::{ByteRange, RecordLock, RecordLockKind, RecordLocks};
pub use terminal::{INPUT_BYTES, Key, Modes, OUTPUT_BYTES, Terminal, WindowSize};
pub use tmpfs::{
    Discarded, FilePage, HeapPage, InodeId, ListedEntry, NewNode, Note, PAGE_BYTES, Page,
    RenameMode, Seals, TmpFs,
};
pub use walk::{
    FileTree, LastLink, LastName, LinkTarget, NAME_MAX, PATH_MAX, SYMLINK_MAX, WalkContext, Walked,
    walk,
};
