//! What `/proc` says about the system, proc(5).

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use super::fixed::SystemFile;
use net::stack::IpVersion;

use crate::admin::figures as admin;
use crate::network::{self, Table};
use crate::process as processes;
use crate::scheduler;
use crate::syscall::identity;

/// Linux's unit of CPU time in these files: a hundredth of a second.
const TICK_NS: u64 = 10_000_000;

/// CPU time as these files count it.
pub(super) fn ticks(ns: u64) -> u64 {
    ns / TICK_NS
}

/// What a file says.
pub(super) fn contents(file: SystemFile) -> Vec<u8> {
    if file == SystemFile::NetUnix {
        return crate::socket::unix_table();
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write_contents(file, &mut text);
    text.into_bytes()
}

fn write_contents(file: SystemFile, text: &mut String) -> core::fmt::Result {
    match file {
        SystemFile::Stat => stat(text),
        SystemFile::Meminfo => meminfo(text),
        SystemFile::Uptime => uptime(text),
        SystemFile::Loadavg => loadavg(text),
        SystemFile::Cpuinfo => cpuinfo(text),
        SystemFile::Version => {
            let (release, version) = (identity::RELEASE, identity::VERSION);
            writeln!(text, "Linux version {release} (MultiOS) {version}")
        }
        SystemFile::Filesystems => text.write_str(
            "nodev\ttmpfs\nnodev\tproc\nnodev\tdevtmpfs\nnodev\tdevpts\n\
                            nodev\tsysfs\nnodev\tcgroup2\n",
        ),
        SystemFile::Cmdline => writeln!(text, "{}", admin::command_line()),
        SystemFile::Interrupts => interrupts(text),
        SystemFile::Swaps => text.write_str("Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n"),
        SystemFile::Hostname => writeln!(text, "{}", identity::host_name()),
        SystemFile::OsRelease => writeln!(text, "{}", identity::RELEASE),
        SystemFile::OsType => text.write_str("Linux\n"),
        SystemFile::OsVersion => writeln!(text, "{}", identity::VERSION),
        SystemFile::PidMax => {
            writeln!(text, "{}", process_core::TableConfig::default().number_limit)
        }
        SystemFile::BootId => {
            let id = admin::boot_id();
            writeln!(text, "{}", uuid_text(&id))
        }
        SystemFile::Uuid => {
            let (high, low) = (crate::random::number(), crate::random::number());
            // A random one: version 4, variant 1 (RFC 9562).
            let high = high & !0xf000 | 0x4000;
            let low = low & !(3 << 62) | 2 << 62;
            writeln!(text, "{}", uuid_text(&format!("{high:016x}{low:016x}")))
        }
        // Memory is given when it is touched, and reserving costs nothing: Linux's "always".
        SystemFile::Overcommit => text.write_str("1\n"),
        SystemFile::FileMax => text.write_str("9223372036854775807\n"),
        SystemFile::Somaxconn => text.write_str("4096\n"),
        // There are none.
        SystemFile::Modules => Ok(()),
        // Nor block devices that programs could open.
        SystemFile::Partitions => text.write_str("major minor  #blocks  name\n\n"),
        SystemFile::Cgroups => {
            text.write_str("#subsys_name\thierarchy\tnum_cgroups\tenabled\n")?;
            let names = ["cpuset", "cpu", "memory", "pids"];
            names.iter().try_for_each(|name| writeln!(text, "{name}\t0\t1\t1"))
        }
        // All that there are have been started, or have failed to.
        SystemFile::CpusOnline | SystemFile::CpusPossible | SystemFile::CpusPresent => {
            match hal::cpu::online() {
                1 => text.write_str("0\n"),
                count => writeln!(text, "0-{}", count - 1),
            }
        }
        SystemFile::HugePages => text.write_str("always madvise [never]\n"),
        SystemFile::HugePageBytes => text.write_str("2097152\n"),
        SystemFile::NetDev => admin::write_net_dev(text),
        SystemFile::NetRoute => admin::write_net_route(text),
        SystemFile::NetIfInet6 => text.write_str(&network::text(Table::Addresses6)),
        SystemFile::NetTcp => text.write_str(&network::text(Table::Tcp(IpVersion::Ipv4))),
        SystemFile::NetTcp6 => text.write_str(&network::text(Table::Tcp(IpVersion::Ipv6))),
        SystemFile::NetUdp => text.write_str(&network::text(Table::Udp(IpVersion::Ipv4))),
        SystemFile::NetUdp6 => text.write_str(&network::text(Table::Udp(IpVersion::Ipv6))),
        SystemFile::NetRaw => text.write_str(&network::text(Table::Raw(IpVersion::Ipv4))),
        SystemFile::NetRaw6 => text.write_str(&network::text(Table::Raw(IpVersion::Ipv6))),
        // Its names are not text: see below.
        SystemFile::NetUnix => Ok(()),
    }
}

fn uuid_text(hexadecimal: &str) -> String {
    let part = |from: usize, to: usize| hexadecimal.get(from..to).unwrap_or("0000");
    let (a, b, c) = (part(0, 8), part(8, 12), part(12, 16));
    format!("{a}-{b}-{c}-{}-{}", part(16, 20), part(20, 32))
}

fn online() -> core::ops::Range<usize> {
    0..hal::cpu::online()
}

/// One CPU's time by kind, in nanoseconds: user, system, idle, interrupts.
fn cpu_times(index: usize) -> [u64; 4] {
    let figures = scheduler::figures(index).unwrap_or_default();
    [figures.user_ns, figures.system_ns, figures.idle_ns, figures.interrupt_ns]
}

fn stat(text: &mut String) -> core::fmt::Result {
    let mut total = [0_u64; 4];
    for index in online() {
        for (sum, time) in total.iter_mut().zip(cpu_times(index)) {
            *sum = sum.saturating_add(time);
        }
    }
    let line = |text: &mut String, name: &str, times: [u64; 4]| {
        let [user, system, idle, interrupts] = times.map(ticks);
        writeln!(text, "{name} {user} 0 {system} {idle} 0 {interrupts} 0 0 0 0")
    };
    line(text, "cpu ", total)?;
    for index in online() {
        line(text, &format!("cpu{index}"), cpu_times(index))?;
    }
    let all = || online().filter_map(hal::cpu::statistics);
    let interrupts: u64 = all().flat_map(|cpu| cpu.vectors.iter().map(ksync::Counter::get)).sum();
    let switches: u64 = online().filter_map(scheduler::figures).map(|cpu| cpu.switches).sum();
    let running: usize =
        online().filter_map(scheduler::figures).map(|cpu| cpu.run_queue_length).sum();
    let booted_s = hal::time::wall_at_ns(0) / 1_000_000_000;
    writeln!(text, "intr {interrupts}\nctxt {switches}\nbtime {booted_s}")?;
    writeln!(text, "processes {}", processes::made().0)?;
    writeln!(text, "procs_running {running}\nprocs_blocked 0")
}

fn meminfo(text: &mut String) -> core::fmt::Result {
    let memory = admin::memory();
    let files = crate::fs::frame_bytes_of_files();
    let kib = |bytes: u64| bytes / 1024;
    let uses = &memory.by_use;
    let lines = [
        ("MemTotal", memory.total_bytes),
        ("MemFree", memory.free_bytes),
        ("MemAvailable", memory.free_bytes),
        ("Buffers", 0),
        ("Cached", uses.files_bytes),
        ("SwapCached", 0),
        ("Active", uses.user_bytes),
        ("Inactive", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Dirty", 0),
        ("Writeback", 0),
        ("AnonPages", uses.user_bytes),
        ("Mapped", 0),
        ("Shmem", files),
        ("Slab", uses.kernel_heap_bytes),
        ("SReclaimable", 0),
        ("SUnreclaim", uses.kernel_heap_bytes),
        ("KernelStack", uses.kernel_stacks_bytes),
        ("PageTables", uses.page_tables_bytes),
        ("CommitLimit", memory.total_bytes),
        ("Committed_AS", uses.user_bytes),
    ];
    for (name, bytes) in lines {
        let name = format!("{name}:");
        writeln!(text, "{name:<15}{:>9} kB", kib(bytes))?;
    }
    Ok(())
}

/// Hundredths of a second as seconds.
fn seconds(ns: u64) -> String {
    let hundredths = ticks(ns);
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn uptime(text: &mut String) -> core::fmt::Result {
    let idle_ns = online().filter_map(scheduler::figures).map(|cpu| cpu.idle_ns).sum();
    writeln!(text, "{} {}", seconds(hal::time::now_ns()), seconds(idle_ns))
}

fn loadavg(text: &mut String) -> core::fmt::Result {
    let load = admin::load();
    for average in [load.one_minute, load.five_minutes, load.fifteen_minutes] {
        write!(text, "{}.{:02} ", average.0 / 100, average.0 % 100)?;
    }
    let running: usize =
        online().filter_map(scheduler::figures).map(|cpu| cpu.run_queue_length).sum();
    let totals = processes::totals();
    writeln!(text, "{running}/{} {}", totals.threads, processes::made().1)
}

fn cpuinfo(text: &mut String) -> core::fmt::Result {
    let model = hal::cpu::features::model_name();
    for index in online() {
        let apic_id = hal::cpu::apic_id(index).unwrap_or(0);
        writeln!(text, "processor\t: {index}\nmodel name\t: {}", model.trim())?;
        writeln!(
            text,
            "siblings\t: 1\ncore id\t\t: {index}\ncpu cores\t: 1\napicid\t\t: {apic_id}"
        )?;
        text.write_str(
            "fpu\t\t: yes\nflags\t\t: fpu tsc msr pae cx8 apic sep pge cmov clflush mmx ",
        )?;
        text.write_str("fxsr sse sse2 syscall nx lm pni cx16\n\n")?;
    }
    Ok(())
}

fn interrupts(text: &mut String) -> core::fmt::Result {
    text.write_str("     ")?;
    for index in online() {
        write!(text, "{:>11}", format!("CPU{index}"))?;
    }
    text.write_char('\n')?;
    for line in admin::interrupt_lines() {
        write!(text, "{:>4}:", line.vector)?;
        for index in online() {
            let count = hal::cpu::statistics(index)
                .map_or(0, |cpu| cpu.vectors[usize::from(line.vector)].get());
            write!(text, "{count:>11}")?;
        }
        writeln!(text, "   {}", line.name)?;
    }
    Ok(())
}
