//! `/proc`: processes and the system as files, proc(5); and `/sys`, as far as programs look there.
//!
//! [`ProcNode`] names what there is; `tree.rs` asks here what a node is, what a directory has and
//! where a link leads. Contents are made anew when a file is read from its start (`file.rs`), by
//! `system.rs` and `process.rs`, from the figures that the API shows; no lock is held while they are
//! copied to programs.

mod file;
mod fixed;
mod group;
mod names;
mod process;
mod status;
mod system;

pub use file::ProcFile;
pub use fixed::Directory;
pub use names::{ProcNode, entries, metadata};

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::Pid;
use vfs_core::{Fd, FileError};

use super::OpenFile;
use super::tree::Place;
use super::tree_file::TreeFile;
use crate::process::{self as processes, Process};
use crate::scheduler;
use names::Link;

/// Where a link leads.
#[derive(Debug)]
pub enum Target {
    /// To another node here.
    Node(ProcNode),
    /// To a file of the tree.
    Place(Place),
    /// To a file of the tree that has no name there but this.
    Labelled(Place, Box<str>),
    /// To an open file that has no name: what is said of it.
    Open(ProcNode, Arc<OpenFile>),
}

/// The caller's process.
fn current() -> Option<Arc<Process>> {
    scheduler::current().map(|thread| Arc::clone(thread.process()))
}

/// The process with this number, if it has not ended and the caller's sandbox does not hide it.
fn find(pid: u32) -> Result<Arc<Process>, FileError> {
    let pid = Pid::new(i64::from(pid)).map_err(|_| FileError::NotFound)?;
    let found = processes::find(pid).map_err(|_| FileError::NotFound)?;
    let is_seen = current().is_none_or(|caller| caller.sees(&found));
    if is_seen { Ok(found) } else { Err(FileError::NotFound) }
}

/// Whether the caller may look into a process: ptrace(2), "access mode checking".
fn check_inspection(pid: u32) -> Result<(), FileError> {
    let Some(caller) = current() else { return Ok(()) };
    let pid = Pid::new(i64::from(pid)).map_err(|_| FileError::NotFound)?;
    match processes::check_access(caller.pid(), pid) {
        Ok(()) => Ok(()),
        Err(process_core::ProcessError::PermissionDenied { .. }) => Err(FileError::AccessDenied),
        Err(_) => Err(FileError::NotFound),
    }
}

/// Where a link leads. Called under the tree's lock.
///
/// # Errors
/// [`FileError::NotFound`] when its process or descriptor is gone, [`FileError::AccessDenied`],
/// [`FileError::WrongKind`] for what is no link.
pub fn follow(node: ProcNode) -> Result<Target, FileError> {
    match node {
        ProcNode::SelfLink => {
            let process = current().ok_or(FileError::NotFound)?;
            Ok(Target::Node(ProcNode::Process(process.pid().number())))
        }
        ProcNode::ThreadSelfLink => {
            let thread = scheduler::current().ok_or(FileError::NotFound)?;
            let pid = thread.process().pid().number();
            Ok(Target::Node(ProcNode::Task(pid, thread.tid().number())))
        }
        ProcNode::MountsLink => {
            let process = current().ok_or(FileError::NotFound)?;
            let file = names::ProcessFile::Mounts;
            Ok(Target::Node(ProcNode::ProcessFile(process.pid().number(), None, file)))
        }
        ProcNode::Link(pid, link) => {
            check_inspection(pid)?;
            let process = find(pid)?;
            if process.has_ended() || !process.is_program() {
                return Err(FileError::NotFound);
            }
            let held = match link {
                Link::Directory => process.standpoint().directory(),
                Link::Root => process.standpoint().root(),
                Link::Executable => {
                    let file = process.space().and_then(|space| space.executable());
                    return Ok(Target::Place(file.ok_or(FileError::NotFound)?.held().place()));
                }
            };
            Ok(Target::Place(held.place()))
        }
        ProcNode::Descriptor(pid, fd) => {
            check_inspection(pid)?;
            let file = descriptor(pid, fd)?.0;
            let label = file.downcast().and_then(|file: &TreeFile| file.label());
            match file.held() {
                Some(held) if let Some(label) = label => {
                    Ok(Target::Labelled(held.place(), Box::from(label)))
                }
                Some(held) => Ok(Target::Place(held.place())),
                None => Ok(Target::Open(ProcNode::Opened(pid, fd), file)),
            }
        }
        _ => Err(FileError::WrongKind),
    }
}

/// What a link says, unless it leads into the tree.
#[must_use]
pub fn link_text(node: ProcNode, target: &Target) -> Option<Vec<u8>> {
    match (node, target) {
        (_, Target::Place(_)) => None,
        (_, Target::Labelled(_, label)) => Some(Vec::from(label.as_bytes())),
        (_, Target::Open(_, file)) => Some(file.file().describe().into_bytes()),
        (ProcNode::MountsLink, _) => Some(Vec::from(&b"self/mounts"[..])),
        (_, Target::Node(ProcNode::Process(pid))) => Some(alloc::format!("{pid}").into_bytes()),
        (_, Target::Node(ProcNode::Task(pid, tid))) => {
            Some(alloc::format!("{pid}/task/{tid}").into_bytes())
        }
        _ => Some(Vec::new()),
    }
}

/// An open file of a process, and whether `execve` closes it.
fn descriptor(pid: u32, fd: u32) -> Result<(Arc<OpenFile>, bool), FileError> {
    let fd = Fd::new(i64::from(fd)).map_err(|_| FileError::NotFound)?;
    let process = find(pid)?;
    let files = process.files.lock();
    let descriptor = files.get(fd).map_err(|_| FileError::NotFound)?;
    Ok((Arc::clone(&descriptor.file), descriptor.close_on_exec))
}

/// The open file that a node stands for.
///
/// # Errors
/// [`FileError::NotFound`] when it has been closed meanwhile.
pub fn opened(node: ProcNode) -> Result<Option<Arc<OpenFile>>, FileError> {
    match node {
        ProcNode::Opened(pid, fd) => Ok(Some(descriptor(pid, fd)?.0)),
        _ => Ok(None),
    }
}
