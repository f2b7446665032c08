//! The values that a process carries: what is possible, and what is refused.

use std::collections::BTreeSet;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

use crate::{
    ArgumentBlock, Capability, CapabilitySet, CpuUsage, Credentials, ExitStatus, LimitKind, Limits,
    LimitsChange, Nice, Pid, Priority, PriorityClass, ProcessError, ProcessName, Signal, Uid,
    Usage,
};

// proves: P5
#[test]
fn the_default_limits_are_those_that_are_promised() {
    let limits = Limits::default();
    limits.validate().unwrap();
    assert_eq!(limits.stack_bytes, 8 * 1024 * 1024);
    assert_eq!(limits.memory_bytes, 256 * 1024 * 1024);
    assert_eq!((limits.open_files, limits.processes), (1024, 1024));
    assert_eq!((limits.cpu_time_ns, limits.cpu_percent), (None, None));
}

// proves: P5, P11
#[test]
fn impossible_limits_are_refused_with_their_value() {
    let invalid = |limit, value| Err(ProcessError::InvalidLimits { limit, value });
    let none = LimitsChange::default();
    let change = |change: LimitsChange| Limits::default().changed(&change);
    let cases = [
        (LimitsChange { memory_bytes: Some(0), ..none }, LimitKind::Memory, 0),
        (LimitsChange { memory_bytes: Some(u64::MAX), ..none }, LimitKind::Memory, u64::MAX),
        (LimitsChange { stack_bytes: Some(4096), ..none }, LimitKind::Stack, 4096),
        (LimitsChange { stack_bytes: Some(65_537), ..none }, LimitKind::Stack, 65_537),
        (LimitsChange { open_files: Some(0), ..none }, LimitKind::OpenFiles, 0),
        (LimitsChange { open_files: Some(1 << 21), ..none }, LimitKind::OpenFiles, 1 << 21),
        (LimitsChange { processes: Some(0), ..none }, LimitKind::Processes, 0),
        (LimitsChange { cpu_time_ns: Some(Some(0)), ..none }, LimitKind::CpuTime, 0),
        (LimitsChange { cpu_percent: Some(Some(0)), ..none }, LimitKind::CpuPercent, 0),
        (LimitsChange { read_bytes_per_second: Some(Some(0)), ..none }, LimitKind::ReadRate, 0),
        (LimitsChange { write_bytes_per_second: Some(Some(0)), ..none }, LimitKind::WriteRate, 0),
        (LimitsChange { processes_per_second: Some(Some(0)), ..none }, LimitKind::CreationRate, 0),
    ];
    let mut names = BTreeSet::new();
    for (bad, limit, value) in cases {
        assert_eq!(change(bad), invalid(limit, value));
        names.insert(limit.name());
    }
    assert_eq!(names.len(), 9, "every limit has a name of its own");
}

#[test]
fn a_change_sets_lifts_and_leaves() {
    let first = Limits::default()
        .changed(&LimitsChange {
            memory_bytes: Some(1 << 20),
            stack_bytes: Some(1 << 16),
            open_files: Some(7),
            processes: Some(8),
            cpu_time_ns: Some(Some(9)),
            cpu_percent: Some(Some(150)),
            read_bytes_per_second: Some(Some(11)),
            write_bytes_per_second: Some(Some(12)),
            processes_per_second: Some(Some(13)),
        })
        .unwrap();
    let expected = Limits {
        memory_bytes: 1 << 20,
        stack_bytes: 1 << 16,
        open_files: 7,
        processes: 8,
        cpu_time_ns: Some(9),
        cpu_percent: Some(150),
        read_bytes_per_second: Some(11),
        write_bytes_per_second: Some(12),
        processes_per_second: Some(13),
    };
    assert_eq!(first, expected);
    assert_eq!(first.changed(&LimitsChange::default()), Ok(first));
    let lifted = LimitsChange { cpu_percent: Some(None), ..LimitsChange::default() };
    assert_eq!(first.changed(&lifted), Ok(Limits { cpu_percent: None, ..expected }));
}

#[test]
fn arguments_keep_their_bytes() {
    let strings: [&[u8]; 4] = [b"/bin/sh", b"-c", b"", b"\xff"];
    let block = ArgumentBlock::new(strings).unwrap();
    assert_eq!(block.as_bytes(), b"/bin/sh\0-c\0\0\xff\0");
    assert_eq!((block.count(), block.iter().collect::<Vec<_>>()), (4, strings.to_vec()));
    let none: [&[u8]; 0] = [];
    assert_eq!(ArgumentBlock::new(none).unwrap(), ArgumentBlock::default());
    let bad = ArgumentBlock::new([&b"good"[..], b"b\0d"]);
    assert_eq!(bad, Err(ProcessError::InvalidArgument { index: 1 }));
    let huge = ArgumentBlock::new([vec![b'x'; 6 << 20]]).err();
    let maximum = 6 << 20;
    assert_eq!(huge, Some(ProcessError::LimitExceeded { limit: LimitKind::Arguments, maximum }));
}

#[test]
fn names_are_cut_and_read_as_text() {
    let name = |bytes: &[u8]| ProcessName::of_program(bytes).as_str().to_string();
    assert_eq!(name(b"/usr/bin/a-program-with-a-long-name"), "a-program-with-");
    assert_eq!(name(b"busybox"), "busybox");
    assert_eq!(name(b"caf\xc3"), "caf");
    assert_eq!(ProcessName::new(b"a/b\0c").as_bytes(), b"a/b");
}

#[test]
fn capabilities_go_by_linux_numbers_and_names() {
    assert_eq!(Capability::ALL.len(), 41);
    for (number, &capability) in Capability::ALL.iter().enumerate() {
        assert_eq!(capability as usize, number);
        assert_eq!(Capability::from_name(capability.name()), Some(capability));
    }
    assert_eq!(Capability::from_name("CAP_NET_BIND_SERVICE"), Some(Capability::NetBindService));
    assert_eq!(Capability::from_name("cap_"), None);
    assert_eq!(Capability::from_name("äöü"), None);
    let set = CapabilitySet::EMPTY.with(Capability::Kill).with(Capability::Bpf);
    assert_eq!(set.bits(), 1 << 5 | 1 << 39);
    assert!(set.iter().eq([Capability::Kill, Capability::Bpf]));
    assert_eq!(CapabilitySet::from_bits(u64::MAX), CapabilitySet::ALL);
    assert!(!set.without(Capability::Kill).contains(Capability::Kill));
    assert!(Credentials::root().is_capable(Capability::SysBoot));
    assert_eq!(Credentials::root().real_uid, Uid(0));
}

// proves: P3
#[test]
fn priorities_are_ordered_and_named() {
    assert!(Priority::ALL.is_sorted() && Priority::ALL.len() == 6);
    assert_eq!(Priority::from_name("real_time"), Some(Priority::RealTime));
    assert_eq!(Priority::from_name("RealTime"), None);
    assert_eq!(PriorityClass::ALL.len(), 5);
    for value in [-20, 0, 19] {
        assert_eq!(Nice::new(value).map(|nice| i64::from(nice.value())), Ok(value));
    }
    for value in [-21, 20, i64::MAX] {
        assert_eq!(Nice::new(value), Err(ProcessError::InvalidPriority { value }));
    }
}

#[test]
fn an_end_reads_as_wait_shows_it() {
    assert_eq!(ExitStatus::Code(3).wait_word(), 0x300);
    let killed = ExitStatus::by_signal(Signal::SIGKILL);
    assert_eq!(
        (killed.wait_word(), killed),
        (9, ExitStatus::Signaled { signal: Signal::SIGKILL, core: false })
    );
    let fault = ExitStatus::by_signal(Signal::SIGSEGV);
    // Linux says so, too, when no core file was written.
    assert_eq!(
        (fault.wait_word(), fault),
        (11, ExitStatus::Signaled { signal: Signal::SIGSEGV, core: false })
    );
    let dumped = ExitStatus::Signaled { signal: Signal::SIGSEGV, core: true };
    assert_eq!(dumped.wait_word(), 0x8b);
}

#[test]
fn pids_from_outside_are_checked() {
    for value in [i64::MIN, -1, 0, 1 << 22, 1 << 32 | 5] {
        assert_eq!(Pid::new(value), Err(ProcessError::InvalidPid { value }));
    }
    assert_eq!(Pid::new((1 << 22) - 1).map(Pid::number), Ok((1 << 22) - 1));
}

// proves: P4
#[test]
fn a_threads_usage_is_added_once_and_in_full() {
    let mut thread = Usage {
        cpu: CpuUsage { user_ns: 1, system_ns: 2 },
        voluntary_switches: 3,
        involuntary_switches: 4,
        migrations: 5,
        minor_faults: 6,
        major_faults: 7,
        ..Usage::default()
    };
    thread.io.read_bytes = 8;
    thread.io.written_bytes = 9;
    thread.io.read_operations = 10;
    thread.io.write_operations = 11;
    thread.signals.received = 12;
    thread.signals.handled = 13;
    thread.signals.ignored = 14;
    let mut process = Usage::default();
    process.add_thread(&thread);
    assert_eq!(process, thread);
    assert_eq!(process.cpu.total_ns(), 3);
    process.memory.current_bytes = 1;
    thread.memory.current_bytes = 50;
    thread.cpu.user_ns = u64::MAX;
    process.add_thread(&thread);
    assert_eq!((process.memory.current_bytes, process.cpu.user_ns), (1, u64::MAX));
    assert_eq!((process.signals.ignored, process.migrations), (28, 10));
}
