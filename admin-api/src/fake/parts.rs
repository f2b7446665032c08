//! What a process of the fake system consists of.

use std::format;
use std::vec::Vec;

use crate::types::{
    MemoryArea, MemoryAreaKind, OpenFile, OpenFileKind, Process, Text, Thread, ThreadCpuUsage,
    ThreadUsage,
};

/// The threads of a process that lives, each with its part of what the process used.
pub(super) fn threads(process: &Process) -> Vec<Thread> {
    let part = |figure: u64| figure / u64::from(process.threads.max(1));
    let (usage, first) = (&process.usage, process.pid);
    let cpu = ThreadCpuUsage {
        user_ns: part(usage.cpu.user_ns),
        system_ns: part(usage.cpu.system_ns),
        total_ns: part(usage.cpu.user_ns) + part(usage.cpu.system_ns),
    };
    let thread = |index: u32| Thread {
        // Beyond all processes of the fake system.
        tid: if index == 0 { first } else { first * 100 + 1_000_000 + index },
        pid: first,
        name: process.name.clone(),
        state: process.state,
        state_detail: process.state_detail.clone(),
        priority: process.priority,
        class: process.class,
        nice: process.nice,
        cpu: process.cpu,
        usage: ThreadUsage { cpu, context_switches: usage.context_switches, ..Default::default() },
    };
    (0..process.threads).map(thread).collect()
}

/// The memory of a process that lives.
pub(super) fn memory_map(process: &Process) -> Vec<MemoryArea> {
    use MemoryAreaKind::{Anonymous, File, Heap, Stack};
    let usage = &process.usage.memory;
    let path = format!("/bin/{}", process.name);
    let area = |start: u64, kib: u64, rights: &'static str, kind| MemoryArea {
        start,
        end: start + (kib << 10),
        size_bytes: kib << 10,
        resident_bytes: if rights == "---" { 0 } else { (kib << 10).min(64 << 10) },
        rights: Text::Static(rights),
        shared: false,
        locked: false,
        kind,
        path: (kind == File).then(|| Text::from(path.clone())),
        offset_bytes: if kind == File { start - 0x40_0000 } else { 0 },
    };
    [
        area(0x40_0000, 4, "r--", File),
        area(0x40_1000, 1200, "r-x", File),
        area(0x52_d000, 380, "r--", File),
        area(0x58_c000, 40, "rw-", File),
        area(0x1b2_0000, (usage.heap_bytes >> 10).max(132), "rw-", Heap),
        area(0x7f3a_0000_0000, 4, "---", Anonymous),
        area(0x7f3a_0000_1000, 8192, "rw-", Anonymous),
        area(0x7ffc_1000_0000, (usage.stack_bytes >> 10).max(132), "rw-", Stack),
    ]
    .into()
}

/// The descriptors of a process that lives: as many as its figures say.
pub(super) fn open_files(process: &Process) -> Vec<OpenFile> {
    let file = |fd: u32| {
        let (kind, path) = match fd {
            0 => (OpenFileKind::Device, Text::Static("/dev/null")),
            1 | 2 => (OpenFileKind::Pipe, Text::Static("output")),
            3 => (OpenFileKind::Other, Text::Static("anon_inode:[eventpoll]")),
            4 => (OpenFileKind::Socket, Text::from(format!("socket:[{}]", process.pid))),
            _ => (OpenFileKind::Regular, Text::from(format!("/tmp/{}.{fd}", process.name))),
        };
        OpenFile {
            fd,
            kind,
            path,
            readable: !matches!(fd, 1 | 2),
            writable: kind != OpenFileKind::Regular,
            append: false,
            nonblocking: kind == OpenFileKind::Socket,
            close_on_exec: fd > 2,
            offset_bytes: (kind == OpenFileKind::Regular).then_some(0),
        }
    };
    (0..process.usage.open_files).map(file).collect()
}
