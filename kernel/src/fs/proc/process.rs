//! What `/proc/PID` says about a process and its threads, proc(5).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use linux_abi::Errno;
use process_core::{
    Pid, ProcessName, ProcessState, ResourceLimits, Rlimit, Signal, SignalSet, Tid, Usage,
};
use vfs_core::{FileError, MountFlags};
use vm_core::address_space::Protection;

use super::names::ProcessFile;
use super::{ProcNode, check_inspection, current, descriptor, find};
use crate::fs::{Place, errno, tree};
use crate::memory::{Content, Sizes};
use crate::process::{self as processes, Snapshot};

/// Numbers that a listing looks at at a time.
const PAGE: usize = 64;
pub(super) const PAGE_BYTES: u64 = 4096;

/// The next numbers of a numbered directory: processes, threads, descriptors.
///
/// # Errors
/// [`FileError::NotFound`] when its process is gone; [`FileError::AccessDenied`].
pub(super) fn numbers_after(
    directory: ProcNode,
    after: Option<u64>,
) -> Result<Vec<u32>, FileError> {
    let least = after.map_or(0, |after| after.saturating_add(1));
    Ok(match directory {
        ProcNode::Root => {
            let mut after = after.and_then(|pid| u32::try_from(pid).ok());
            loop {
                let mut pids = processes::pids_after(after, PAGE);
                let last = pids.last().copied();
                // A sandbox hides those outside.
                pids.retain(|pid| find(*pid).is_ok());
                if !pids.is_empty() || last.is_none() {
                    break pids;
                }
                after = last;
            }
        }
        ProcNode::Tasks(pid) => {
            let mut tids = find(pid)?.tids();
            // The first thread is there to the process's end.
            if !tids.contains(&pid) {
                tids.push(pid);
            }
            tids.sort_unstable();
            tids.retain(|tid| u64::from(*tid) >= least);
            tids
        }
        ProcNode::Descriptors(pid) | ProcNode::DescriptorInfos(pid) => {
            check_inspection(pid)?;
            let process = find(pid)?;
            let files = process.files.lock();
            let numbers = files.iter().map(|(fd, _)| fd.number());
            numbers.filter(|fd| u64::from(*fd) >= least).take(PAGE).collect()
        }
        _ => Vec::new(),
    })
}

/// What a file says.
///
/// # Errors
/// ESRCH when the process is gone; EACCES for who may not look into it.
pub(super) fn contents(
    pid: u32,
    tid: Option<u32>,
    file: ProcessFile,
    root: Place,
) -> Result<Vec<u8>, Errno> {
    if matches!(file, ProcessFile::Environ | ProcessFile::Io | ProcessFile::Maps) {
        check_inspection(pid).map_err(|error| match error {
            FileError::NotFound => Errno::ESRCH,
            other => errno(other),
        })?;
    }
    let pid = Pid::new(i64::from(pid)).map_err(|_| Errno::ESRCH)?;
    let snapshot = processes::snapshot(pid).map_err(|_| Errno::ESRCH)?;
    if snapshot.process.is_none() {
        return Err(Errno::ESRCH);
    }
    let about = About { thread: thread_of(&snapshot, tid)?, snapshot, root };
    let mut text = String::new();
    let written = match file {
        ProcessFile::Cmdline => return Ok(about.arguments(|image| image.arguments.as_bytes())),
        ProcessFile::Environ => return Ok(about.arguments(|image| image.environment.as_bytes())),
        ProcessFile::Comm => {
            let mut name = about.name().to_vec();
            name.push(b'\n');
            return Ok(name);
        }
        ProcessFile::Stat => about.stat(&mut text),
        ProcessFile::Status => about.status(&mut text),
        ProcessFile::Statm => about.statm(&mut text),
        ProcessFile::Io => about.io(&mut text),
        ProcessFile::Limits => about.limits(&mut text),
        ProcessFile::Maps => return about.maps(),
        ProcessFile::Mounts => return about.mounts(),
        ProcessFile::Mountinfo => return about.mountinfo(),
        ProcessFile::OomScore => writeln!(text, "{}", about.oom_score()),
        ProcessFile::Cgroup => text.write_str("0::/\n"),
        ProcessFile::Wchan => text.write_str(about.waits_for()),
    };
    // Writing to a string does not fail.
    let _ = written;
    Ok(text.into_bytes())
}

/// Gives a thread of the caller's own process another name.
///
/// # Errors
/// EINVAL for another process's; ESRCH when the thread is gone.
pub(super) fn set_name(pid: u32, tid: Option<u32>, bytes: &[u8]) -> Result<usize, Errno> {
    let caller = current().filter(|caller| caller.pid().number() == pid).ok_or(Errno::EINVAL)?;
    let name = ProcessName::new(bytes);
    match tid.filter(|tid| *tid != pid) {
        None => processes::set_name(caller.pid(), name).map_err(|_| Errno::ESRCH)?,
        Some(tid) => {
            let tid = Tid::new(i64::from(tid)).map_err(|_| Errno::ESRCH)?;
            caller.thread(tid).ok_or(Errno::ESRCH)?.program.set_name(Some(name));
        }
    }
    Ok(bytes.len())
}

/// What `/proc/PID/fdinfo/FD` says.
pub(super) fn descriptor_info(pid: u32, fd: u32) -> Result<Vec<u8>, Errno> {
    check_inspection(pid).map_err(errno)?;
    let (file, closes_on_exec) = descriptor(pid, fd).map_err(errno)?;
    let position = file.offset().map_or(0, |offset| *offset);
    let closes = if closes_on_exec { 0o2_000_000 } else { 0 };
    let flags = file.status() | closes;
    Ok(format!("pos:\t{position}\nflags:\t0{flags:o}\nmnt_id:\t1\n").into_bytes())
}

fn thread_of(
    snapshot: &Snapshot,
    tid: Option<u32>,
) -> Result<Option<alloc::sync::Arc<crate::scheduler::Thread>>, Errno> {
    let Some(tid) = tid else { return Ok(None) };
    let found = Tid::new(i64::from(tid))
        .ok()
        .and_then(|tid| snapshot.process.as_ref().and_then(|process| process.thread(tid)));
    // A main thread that has left is still shown.
    if found.is_none() && tid != snapshot.pid.number() { Err(Errno::ESRCH) } else { Ok(found) }
}

/// A process, or one of its threads, and from where it is looked at.
pub(super) struct About {
    pub(super) snapshot: Snapshot,
    thread: Option<alloc::sync::Arc<crate::scheduler::Thread>>,
    root: Place,
}

impl About {
    fn arguments(&self, part: impl Fn(&process_core::ProgramImage) -> &[u8]) -> Vec<u8> {
        // They were in its memory, which is gone.
        if !self.snapshot.state.is_alive() || self.has_leader_left() {
            return Vec::new();
        }
        part(&self.snapshot.profile.image).to_vec()
    }

    fn name(&self) -> Vec<u8> {
        let own = self.thread.as_ref().and_then(|thread| thread.program.name());
        own.unwrap_or(self.snapshot.profile.name).as_bytes().to_vec()
    }

    pub(super) fn name_text(&self) -> String {
        String::from_utf8_lossy(&self.name()).into_owned()
    }

    pub(super) fn usage(&self) -> Usage {
        match &self.thread {
            Some(thread) => {
                let mut usage = thread.figures.usage();
                usage.memory = self.snapshot.usage.memory;
                usage
            }
            None => self.snapshot.usage,
        }
    }

    pub(super) fn id(&self) -> u32 {
        self.thread.as_ref().map_or(self.snapshot.pid.number(), |thread| thread.tid().number())
    }

    pub(super) fn state(&self) -> (char, &'static str) {
        let state = match (&self.thread, self.snapshot.state) {
            (Some(thread), state) if state.is_alive() => state.observed([thread.activity()]),
            (None, state) if state.is_alive() && self.has_leader_left() => {
                return ('Z', "zombie");
            }
            (_, state) => state,
        };
        match state {
            ProcessState::New | ProcessState::Ready | ProcessState::Running => ('R', "running"),
            ProcessState::Blocked { .. } => ('S', "sleeping"),
            ProcessState::Suspended { .. } => ('T', "stopped"),
            ProcessState::Terminated { .. } | ProcessState::Zombie { .. } => ('Z', "zombie"),
            ProcessState::Defunct { .. } => ('X', "dead"),
        }
    }

    /// It is about a first thread that has ended while others go on.
    fn has_leader_left(&self) -> bool {
        self.thread.is_none() && self.lacks_leader()
    }

    /// Its process's first thread has ended while others go on.
    fn lacks_leader(&self) -> bool {
        let tids = self.snapshot.process.as_ref().map(|process| process.tids()).unwrap_or_default();
        !tids.is_empty() && !tids.contains(&self.snapshot.pid.number())
    }

    /// Its process's threads. A first one that has ended counts as long as there are others.
    pub(super) fn threads(&self) -> u32 {
        self.snapshot.threads + u32::from(self.lacks_leader())
    }

    fn waits_for(&self) -> &'static str {
        match self.snapshot.state {
            ProcessState::Blocked { reason } => reason.name(),
            _ => "0",
        }
    }

    /// The thread that it is about: of a process, its first one.
    pub(super) fn scheduled(&self) -> Option<alloc::sync::Arc<crate::scheduler::Thread>> {
        let first = || {
            let process = self.snapshot.process.as_ref()?;
            process.thread(self.snapshot.pid.main_thread())
        };
        self.thread.clone().or_else(first)
    }

    pub(super) fn is_kernel_thread(&self) -> bool {
        self.snapshot.process.as_ref().is_some_and(|process| !process.is_program())
    }

    pub(super) fn parent(&self) -> u32 {
        let parent = self.snapshot.parent;
        if parent.is_system() { 0 } else { parent.number() }
    }

    /// The size of its memory as it is mapped.
    pub(super) fn mapped_bytes(&self) -> u64 {
        let space = self.snapshot.process.as_ref().and_then(|process| process.space());
        space.map_or(0, |space| space.mapped_bytes())
    }

    /// The sizes of its memory.
    pub(super) fn sizes(&self) -> Sizes {
        let space = self.snapshot.process.as_ref().and_then(|process| process.space());
        space.map_or(Sizes::default(), |space| space.sizes())
    }

    /// Its signals: pending for the thread and for the process, blocked, ignored, caught.
    pub(super) fn signals(&self) -> [u64; 5] {
        let Some(process) = &self.snapshot.process else { return [0; 5] };
        let signals = process.signals().lock();
        let tid = self.thread.as_ref().map_or(self.snapshot.pid.main_thread(), |it| it.tid());
        let (mut ignored, mut caught) = (SignalSet::EMPTY, SignalSet::EMPTY);
        for signal in SignalSet::from_bits(u64::MAX).iter() {
            let signal: Signal = signal;
            match signals.disposition(signal) {
                process_core::Disposition::Ignore => ignored = ignored.with(signal),
                process_core::Disposition::Default => {}
                process_core::Disposition::Handler(_) => caught = caught.with(signal),
            }
        }
        let (own, shared) = signals.pending_apart(tid);
        let bits = [own, shared, signals.mask(tid), ignored, caught];
        bits.map(SignalSet::bits)
    }

    /// How many signals are queued for its user, and how many may be.
    pub(super) fn queued_signals(&self) -> (u32, u64) {
        let Some(process) = &self.snapshot.process else { return (0, 0) };
        let most = process.resource_limits().of(Rlimit::PendingSignals).soft;
        (process.signals().lock().queued_for_user(), most)
    }

    fn statm(&self, text: &mut String) -> core::fmt::Result {
        let sizes = self.sizes();
        let shared = sizes.resident_file + sizes.resident_shared;
        let resident = sizes.resident_anonymous + shared;
        let columns = [sizes.mapped, resident, shared, sizes.code, 0, sizes.data + sizes.stack, 0];
        let [mapped, resident, shared, code, library, data, dirty] =
            columns.map(|bytes| bytes / PAGE_BYTES);
        writeln!(text, "{mapped} {resident} {shared} {code} {library} {data} {dirty}")
    }

    fn io(&self, text: &mut String) -> core::fmt::Result {
        let io = self.usage().io;
        writeln!(text, "rchar: {}\nwchar: {}", io.read_bytes, io.written_bytes)?;
        writeln!(text, "syscr: {}\nsyscw: {}", io.read_operations, io.write_operations)?;
        // There is no disk that anything reaches.
        writeln!(text, "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0")
    }

    fn limits(&self, text: &mut String) -> core::fmt::Result {
        const NAMES: [(&str, &str); 16] = [
            ("Max cpu time", "seconds"),
            ("Max file size", "bytes"),
            ("Max data size", "bytes"),
            ("Max stack size", "bytes"),
            ("Max core file size", "bytes"),
            ("Max resident set", "bytes"),
            ("Max processes", "processes"),
            ("Max open files", "files"),
            ("Max locked memory", "bytes"),
            ("Max address space", "bytes"),
            ("Max file locks", "locks"),
            ("Max pending signals", "signals"),
            ("Max msgqueue size", "bytes"),
            ("Max nice priority", ""),
            ("Max realtime priority", ""),
            ("Max realtime timeout", "us"),
        ];
        let limits = match &self.snapshot.process {
            Some(process) => process.resource_limits(),
            None => ResourceLimits::new(&self.snapshot.profile.limits),
        };
        writeln!(
            text,
            "{:<25} {:<20} {:<20} {:<10}",
            "Limit", "Soft Limit", "Hard Limit", "Units"
        )?;
        let value = |limit: u64| match limit {
            process_core::NO_RLIMIT => String::from("unlimited"),
            limit => format!("{limit}"),
        };
        for (number, (name, unit)) in NAMES.into_iter().enumerate() {
            let Some(limit) = limits.get(number) else { continue };
            let (soft, hard) = (value(limit.soft), value(limit.hard));
            writeln!(text, "{name:<25} {soft:<20} {hard:<20} {unit:<10}")?;
        }
        Ok(())
    }

    fn maps(&self) -> Result<Vec<u8>, Errno> {
        let mut text = Vec::new();
        let Some(space) = self.snapshot.process.as_ref().and_then(|process| process.space()) else {
            return Ok(text);
        };
        let mut from = 0;
        loop {
            let areas = space.areas_from(from, PAGE).map_err(|_| Errno::ENOMEM)?;
            let Some(last) = areas.last() else { return Ok(text) };
            from = last.range.end();
            for area in &areas {
                let letter = |is: bool, letter: char| if is { letter } else { '-' };
                let protection = area.protection;
                let (device, inode, name) = match &area.content {
                    Content::File(file) => {
                        let metadata = file.held().metadata().map_err(errno)?;
                        let path = tree().lock().path_text(self.root, file.held().place());
                        (metadata.system, metadata.inode, path)
                    }
                    Content::Heap => (0, 0, Vec::from(&b"[heap]"[..])),
                    Content::Stack => (0, 0, Vec::from(&b"[stack]"[..])),
                    Content::Vdso => (0, 0, Vec::from(&b"[vdso]"[..])),
                    Content::SharedMemory => (0, 0, Vec::from(&b"/dev/zero (deleted)"[..])),
                    Content::Anonymous => (0, 0, Vec::new()),
                };
                let line = format!(
                    "{:08x}-{:08x} {}{}{}{} {:08x} 00:{device:02x} {inode} ",
                    area.range.start(),
                    area.range.end(),
                    letter(protection.contains(Protection::READ), 'r'),
                    letter(protection.contains(Protection::WRITE), 'w'),
                    letter(protection.contains(Protection::EXECUTE), 'x'),
                    if area.is_shared { 's' } else { 'p' },
                    area.offset,
                );
                text.extend_from_slice(line.as_bytes());
                if !name.is_empty() {
                    // Names stand in one column, as on Linux.
                    text.extend(core::iter::repeat_n(b' ', 73_usize.saturating_sub(line.len())));
                    text.extend_from_slice(&name);
                }
                text.push(b'\n');
            }
        }
    }

    /// The root that the process's mounts are shown from: its own.
    fn own_root(&self) -> Place {
        let process = self.snapshot.process.as_ref();
        process.map_or(self.root, |process| process.standpoint().root().place())
    }

    fn mounts(&self) -> Result<Vec<u8>, Errno> {
        let listed = tree().lock().mounts_below(self.own_root()).map_err(errno)?;
        let mut text = Vec::new();
        for mount in listed {
            push_escaped(&mut text, &mount.source);
            text.push(b' ');
            push_escaped(&mut text, &mount.path);
            let rest = format!(" {} {} 0 0\n", mount.kind.name(), options(mount.flags));
            text.extend_from_slice(rest.as_bytes());
        }
        Ok(text)
    }

    fn mountinfo(&self) -> Result<Vec<u8>, Errno> {
        let listed = tree().lock().mounts_below(self.own_root()).map_err(errno)?;
        let mut text = Vec::new();
        for mount in listed {
            let parent = mount.parent.map_or(mount.id.number(), vfs_core::MountId::number);
            let head = format!("{} {parent} 0:{} / ", mount.id.number(), mount.system);
            text.extend_from_slice(head.as_bytes());
            push_escaped(&mut text, &mount.path);
            let rest = format!(" {} - {} ", options(mount.flags), mount.kind.name());
            text.extend_from_slice(rest.as_bytes());
            push_escaped(&mut text, &mount.source);
            let is_read_only = mount.flags.has(MountFlags::READ_ONLY);
            text.extend_from_slice(if is_read_only { b" ro\n" } else { b" rw\n" });
        }
        Ok(text)
    }

    /// Its share of the machine's memory, in thousandths, as Linux counts badness.
    fn oom_score(&self) -> u64 {
        let total = hal::frame::figures().total_bytes.max(1);
        self.snapshot.usage.memory.current_bytes.saturating_mul(1000) / total
    }
}

fn options(flags: MountFlags) -> String {
    let mut text = String::from(if flags.has(MountFlags::READ_ONLY) { "ro" } else { "rw" });
    let names = [
        (MountFlags::NO_SET_ID, ",nosuid"),
        (MountFlags::NO_DEVICES, ",nodev"),
        (MountFlags::NO_EXECUTION, ",noexec"),
    ];
    for (flag, name) in names {
        if flags.has(flag) {
            text.push_str(name);
        }
    }
    text.push_str(",relatime");
    text
}

/// With blanks and backslashes as octal numbers: fstab(5).
fn push_escaped(text: &mut Vec<u8>, name: &[u8]) {
    for byte in name {
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\\') {
            text.extend_from_slice(format!("\\{byte:03o}").as_bytes());
        } else {
            text.push(*byte);
        }
    }
}
