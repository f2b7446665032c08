//! What there is in `/proc` and `/sys`: names, kinds, permissions, and the numbers of their files.

use process_core::{Pid, Tid};
use vfs_core::{FileError, FileKind, ListedEntry, Metadata, Owner};

use super::fixed::{Directory, GroupFile, Named, ROOT, SystemFile, directory_of, fixed_name};
use super::{check_inspection, find};
use crate::fs::wall_time;
use crate::process as processes;

/// A file of `/proc`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProcNode {
    /// `/proc`.
    Root,
    /// A directory that is always there.
    Directory(Directory),
    /// A file about the system.
    System(SystemFile),
    /// A file about what the reader may use together with others.
    Group(GroupFile),
    /// `self`.
    SelfLink,
    /// `thread-self`.
    ThreadSelfLink,
    /// `mounts`.
    MountsLink,
    /// A process.
    Process(u32),
    /// A file about a process, or about one of its threads.
    ProcessFile(u32, Option<u32>, ProcessFile),
    /// A link of a process.
    Link(u32, Link),
    /// Its descriptors.
    Descriptors(u32),
    /// One of them.
    Descriptor(u32, u32),
    /// What a descriptor stands for, if that has no name.
    Opened(u32, u32),
    /// What is known about its descriptors.
    DescriptorInfos(u32),
    /// What is known about one of them.
    DescriptorInfo(u32, u32),
    /// Its threads.
    Tasks(u32),
    /// One of them.
    Task(u32, u32),
}

/// See [`ProcNode::ProcessFile`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProcessFile {
    Stat,
    Status,
    Statm,
    Io,
    Limits,
    Maps,
    Cmdline,
    Environ,
    Comm,
    Mounts,
    Mountinfo,
    OomScore,
    Cgroup,
    Wchan,
}

/// See [`ProcNode::Link`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Link {
    /// `cwd`.
    Directory,
    /// `root`.
    Root,
    /// `exe`.
    Executable,
}

const THREAD_FILES: &[(&str, ProcessFile)] = &[
    ("cgroup", ProcessFile::Cgroup),
    ("cmdline", ProcessFile::Cmdline),
    ("comm", ProcessFile::Comm),
    ("environ", ProcessFile::Environ),
    ("io", ProcessFile::Io),
    ("limits", ProcessFile::Limits),
    ("maps", ProcessFile::Maps),
    ("mountinfo", ProcessFile::Mountinfo),
    ("mounts", ProcessFile::Mounts),
    ("oom_score", ProcessFile::OomScore),
    ("stat", ProcessFile::Stat),
    ("statm", ProcessFile::Statm),
    ("status", ProcessFile::Status),
    ("wchan", ProcessFile::Wchan),
];

/// What a process has beside the files of its main thread.
fn process_nodes(pid: u32) -> [Named; 6] {
    [
        ("cwd", ProcNode::Link(pid, Link::Directory)),
        ("exe", ProcNode::Link(pid, Link::Executable)),
        ("fd", ProcNode::Descriptors(pid)),
        ("fdinfo", ProcNode::DescriptorInfos(pid)),
        ("root", ProcNode::Link(pid, Link::Root)),
        ("task", ProcNode::Tasks(pid)),
    ]
}

/// What a thread has beside its files: its process's.
fn task_nodes(pid: u32) -> [Named; 5] {
    let [directory, executable, descriptors, infos, root, _] = process_nodes(pid);
    [directory, executable, descriptors, infos, root]
}

/// What has this number: a process; or a thread, which is found so, but not listed.
fn numbered(number: u32) -> Option<ProcNode> {
    if find(number).is_ok() {
        return Some(ProcNode::Process(number));
    }
    let thread = processes::find_thread(Tid::new(i64::from(number)).ok()?).ok()?;
    let pid = thread.process().pid().number();
    find(pid).is_ok().then_some(ProcNode::Task(pid, number))
}

/// A number as it is written, without signs or leading zeroes.
fn number(name: &[u8]) -> Option<u32> {
    let text = core::str::from_utf8(name).ok()?;
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_short = text == "0" || !text.starts_with('0');
    if is_plain && is_short { text.parse().ok() } else { None }
}

fn among(list: &[Named], name: &[u8]) -> Option<ProcNode> {
    list.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, node)| *node)
}

fn task_file(pid: u32, tid: Option<u32>, name: &[u8]) -> Option<ProcNode> {
    let (_, file) = THREAD_FILES.iter().find(|(known, _)| known.as_bytes() == name)?;
    Some(ProcNode::ProcessFile(pid, tid, *file))
}

fn has_thread(pid: u32, tid: u32) -> bool {
    let Ok(pid) = Pid::new(i64::from(pid)) else { return false };
    let thread = Tid::new(i64::from(tid)).ok().and_then(|tid| processes::find_thread(tid).ok());
    thread.is_some_and(|thread| thread.process().pid() == pid)
        || (pid.number() == tid && find(tid).is_ok())
}

impl ProcNode {
    /// The node with this name in a directory.
    ///
    /// # Errors
    /// [`FileError::NotADirectory`], [`FileError::NotFound`] when the process is gone,
    /// [`FileError::AccessDenied`].
    pub fn lookup(self, name: &[u8]) -> Result<Option<Self>, FileError> {
        Ok(match self {
            Self::Root => among(ROOT, name).or_else(|| numbered(number(name)?)),
            Self::Directory(directory) => among(directory.entries(), name),
            Self::Process(pid) => {
                find(pid)?;
                among(&process_nodes(pid), name).or_else(|| task_file(pid, None, name))
            }
            Self::Task(pid, tid) => {
                find(pid)?;
                let nodes = task_nodes(pid);
                task_file(pid, Some(tid), name).or_else(|| among(&nodes, name))
            }
            Self::Tasks(pid) => {
                number(name).filter(|tid| has_thread(pid, *tid)).map(|tid| Self::Task(pid, tid))
            }
            Self::Descriptors(pid) | Self::DescriptorInfos(pid) => {
                check_inspection(pid)?;
                let fd = number(name).filter(|fd| super::descriptor(pid, *fd).is_ok());
                fd.map(|fd| match self {
                    Self::Descriptors(_) => Self::Descriptor(pid, fd),
                    _ => Self::DescriptorInfo(pid, fd),
                })
            }
            _ => return Err(FileError::NotADirectory),
        })
    }

    /// The directory that it is in.
    #[must_use]
    pub fn parent(self) -> Self {
        match self {
            Self::System(_) => directory_of(self).map_or(Self::Root, Self::Directory),
            Self::Root
            | Self::SelfLink
            | Self::ThreadSelfLink
            | Self::MountsLink
            | Self::Process(_) => Self::Root,
            Self::Directory(directory) => directory.parent(),
            Self::Group(_) => Self::Directory(Directory::Groups),
            Self::ProcessFile(pid, None, _)
            | Self::Link(pid, _)
            | Self::Descriptors(pid)
            | Self::DescriptorInfos(pid)
            | Self::Tasks(pid) => Self::Process(pid),
            Self::ProcessFile(pid, Some(tid), _) => Self::Task(pid, tid),
            Self::Descriptor(pid, _) | Self::Opened(pid, _) => Self::Descriptors(pid),
            Self::DescriptorInfo(pid, _) => Self::DescriptorInfos(pid),
            Self::Task(pid, _) => Self::Tasks(pid),
        }
    }

    /// Its name in its directory; the root has none. Calls `f` with it.
    pub fn with_name<R>(self, f: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let text = match self {
            Self::Root | Self::Opened(..) => return None,
            Self::Process(pid) | Self::Task(_, pid) => alloc::format!("{pid}"),
            Self::Descriptor(_, fd) | Self::DescriptorInfo(_, fd) => alloc::format!("{fd}"),
            Self::ProcessFile(_, _, file) => {
                let (name, _) = THREAD_FILES.iter().find(|(_, known)| *known == file)?;
                return Some(f(name.as_bytes()));
            }
            Self::System(_)
            | Self::Directory(_)
            | Self::Group(_)
            | Self::SelfLink
            | Self::ThreadSelfLink
            | Self::MountsLink => return fixed_name(self).map(|name| f(name.as_bytes())),
            Self::Link(_, Link::Directory) => return Some(f(b"cwd")),
            Self::Link(_, Link::Root) => return Some(f(b"root")),
            Self::Link(_, Link::Executable) => return Some(f(b"exe")),
            Self::Descriptors(_) => return Some(f(b"fd")),
            Self::DescriptorInfos(_) => return Some(f(b"fdinfo")),
            Self::Tasks(_) => return Some(f(b"task")),
        };
        Some(f(text.as_bytes()))
    }

    fn kind(self) -> FileKind {
        match self {
            Self::Root
            | Self::Directory(_)
            | Self::Process(_)
            | Self::Descriptors(_)
            | Self::DescriptorInfos(_)
            | Self::Tasks(_)
            | Self::Task(..) => FileKind::Directory,
            Self::SelfLink
            | Self::ThreadSelfLink
            | Self::MountsLink
            | Self::Link(..)
            | Self::Descriptor(..) => FileKind::SymbolicLink,
            Self::System(_) | Self::Group(_) | Self::ProcessFile(..) | Self::DescriptorInfo(..) => {
                FileKind::Regular
            }
            Self::Opened(..) => FileKind::Fifo,
        }
    }

    fn permissions(self) -> u16 {
        match self {
            Self::Descriptors(_) | Self::DescriptorInfos(_) => 0o500,
            Self::Descriptor(..) => 0o700,
            Self::Opened(..) => 0o600,
            Self::ProcessFile(_, _, ProcessFile::Environ | ProcessFile::Io) => 0o400,
            Self::ProcessFile(_, _, ProcessFile::Comm) => 0o644,
            _ => match self.kind() {
                FileKind::Directory => 0o555,
                FileKind::SymbolicLink => 0o777,
                _ => 0o444,
            },
        }
    }

    /// The process that it is about.
    fn pid(self) -> Option<u32> {
        match self {
            Self::Process(pid)
            | Self::ProcessFile(pid, ..)
            | Self::Link(pid, _)
            | Self::Descriptors(pid)
            | Self::Descriptor(pid, _)
            | Self::Opened(pid, _)
            | Self::DescriptorInfos(pid)
            | Self::DescriptorInfo(pid, _)
            | Self::Tasks(pid)
            | Self::Task(pid, _) => Some(pid),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub fn inode(self) -> u64 {
        /// Numbers for each process.
        const EACH: u64 = 1 << 32;
        let process = |pid: u32, rest: u64| u64::from(pid) * EACH + rest;
        let fd = |fd: u32| u64::from(fd).min(0xff_ffff);
        match self {
            Self::Root => 1,
            Self::SelfLink => 2,
            Self::ThreadSelfLink => 3,
            Self::MountsLink => 4,
            Self::Directory(directory) => 16 + directory as u64,
            Self::System(file) => 64 + file as u64,
            Self::Group(file) => 256 + file as u64,
            Self::Process(pid) => process(pid, 1),
            Self::Link(pid, link) => process(pid, 8 + link as u64),
            Self::Descriptors(pid) => process(pid, 2),
            Self::DescriptorInfos(pid) => process(pid, 3),
            Self::Tasks(pid) => process(pid, 4),
            Self::ProcessFile(pid, None, file) => process(pid, 32 + file as u64),
            Self::ProcessFile(_, Some(tid), file) => process(tid, 64 + file as u64),
            Self::Task(_, tid) => process(tid, 5),
            Self::Descriptor(pid, number) => process(pid, (1 << 24) + fd(number)),
            Self::Opened(pid, number) => process(pid, (2 << 24) + fd(number)),
            Self::DescriptorInfo(pid, number) => process(pid, (3 << 24) + fd(number)),
        }
    }
}

/// What is known about a file of `/proc`.
///
/// # Errors
/// [`FileError::NotFound`] when its process is gone.
pub fn metadata(node: ProcNode) -> Result<Metadata, FileError> {
    if let ProcNode::Opened(pid, fd) = node {
        let file = super::descriptor(pid, fd)?.0;
        // What has a name in the tree is not reached this way.
        if file.held().is_none() {
            return file.metadata().map_err(|_| FileError::NotFound);
        }
    }
    let owner = match node.pid() {
        None => Owner::default(),
        Some(pid) => {
            let pid = Pid::new(i64::from(pid)).map_err(|_| FileError::NotFound)?;
            let credentials = processes::credentials_of(pid).map_err(|_| FileError::NotFound)?;
            Owner { uid: credentials.effective_uid.0, gid: credentials.effective_gid.0 }
        }
    };
    let now = wall_time();
    let is_directory = node.kind() == FileKind::Directory;
    Ok(Metadata {
        system: 0,
        inode: node.inode(),
        kind: node.kind(),
        permissions: node.permissions(),
        links: if is_directory { 2 } else { 1 },
        owner,
        size: 0,
        allocated_bytes: 0,
        accessed: now,
        modified: now,
        changed: now,
        device: None,
    })
}

/// Places in a listing: `.`, `..`, the fixed names, then what is numbered.
const FIRST_FIXED: u64 = 3;
const FIRST_NUMBER: u64 = 1 << 20;

/// Calls `visit` with a directory's entries from a place on, until it refuses one; says whether it
/// did. What is numbered comes in the order of its numbers, so that what stays is listed once.
///
/// # Errors
/// [`FileError::NotADirectory`], [`FileError::NotFound`] when its process is gone,
/// [`FileError::AccessDenied`].
pub fn entries(
    directory: ProcNode,
    from: &mut u64,
    visit: &mut dyn FnMut(&ListedEntry<'_>) -> bool,
) -> Result<bool, FileError> {
    let mut give = |place: u64, name: &[u8], node: ProcNode, from: &mut u64| {
        if place <= *from {
            return true;
        }
        let entry = ListedEntry { place, name, inode: node.inode(), kind: node.kind() };
        if !visit(&entry) {
            return false;
        }
        *from = place;
        true
    };
    if let Some(pid) = directory.pid() {
        find(pid)?;
    }
    if !give(1, b".", directory, from) || !give(2, b"..", directory.parent(), from) {
        return Ok(true);
    }
    let (own, own_task);
    let list: &[Named] = match directory {
        ProcNode::Root => ROOT,
        ProcNode::Directory(directory) => directory.entries(),
        ProcNode::Process(pid) => {
            own = process_nodes(pid);
            &own
        }
        ProcNode::Task(pid, _) => {
            own_task = task_nodes(pid);
            &own_task
        }
        _ => &[],
    };
    for (place, (name, node)) in (FIRST_FIXED..).zip(list) {
        if !give(place, name.as_bytes(), *node, from) {
            return Ok(true);
        }
    }
    let task = match directory {
        ProcNode::Process(pid) => Some((pid, None)),
        ProcNode::Task(pid, tid) => Some((pid, Some(tid))),
        _ => None,
    };
    if let Some((pid, tid)) = task {
        let start = FIRST_FIXED + list.len() as u64;
        for (place, (name, file)) in (start..).zip(THREAD_FILES) {
            let node = ProcNode::ProcessFile(pid, tid, *file);
            if !give(place, name.as_bytes(), node, from) {
                return Ok(true);
            }
        }
    }
    // A page of numbers at a time, each list as it is at that moment.
    loop {
        let after = from.checked_sub(FIRST_NUMBER);
        let numbers = super::process::numbers_after(directory, after)?;
        if numbers.is_empty() {
            return Ok(false);
        }
        for number in numbers {
            let node = match directory {
                ProcNode::Root => ProcNode::Process(number),
                ProcNode::Tasks(pid) => ProcNode::Task(pid, number),
                ProcNode::Descriptors(pid) => ProcNode::Descriptor(pid, number),
                ProcNode::DescriptorInfos(pid) => ProcNode::DescriptorInfo(pid, number),
                _ => return Err(FileError::NotADirectory),
            };
            let name = alloc::format!("{number}");
            if !give(FIRST_NUMBER + u64::from(number), name.as_bytes(), node, from) {
                return Ok(true);
            }
        }
    }
}
