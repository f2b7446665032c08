//! `/proc/PID/stat` and `/proc/PID/status`, proc(5).

use alloc::string::String;
use core::fmt::Write;

use process_core::{CapabilitySet, ExitStatus, Priority, Usage};

use sched_core::CpuSet;

use super::process::{About, PAGE_BYTES};
use super::system::ticks;
use crate::terminal;

/// The CPUs of a set that are there, as lists in these files: `0,1`.
pub(super) fn write_cpus(text: &mut String, set: CpuSet) -> core::fmt::Result {
    let allowed = (0..hal::cpu::online())
        .filter(|cpu| sched_core::CpuId::new(*cpu).is_some_and(|cpu| set.contains(cpu)));
    for (index, cpu) in allowed.enumerate() {
        write!(text, "{}{cpu}", if index == 0 { "" } else { "," })?;
    }
    Ok(())
}

/// The same as a mask: groups of 32 bits, the highest first, as wide as there are CPUs.
fn write_cpu_mask(text: &mut String, set: CpuSet) -> core::fmt::Result {
    let count = hal::cpu::online();
    let words = (set & CpuSet::first_n(count)).words();
    let groups = count.div_ceil(32);
    for group in (0..groups).rev() {
        let word = words.get(group / 2).copied().unwrap_or(0);
        let bits = (word >> (32 * (group % 2))) & 0xffff_ffff;
        let width = count.saturating_sub(32 * group).min(32).div_ceil(4);
        let comma = if group + 1 == groups { "" } else { "," };
        write!(text, "{comma}{bits:0width$x}")?;
    }
    Ok(())
}

impl About {
    pub(super) fn stat(&self, text: &mut String) -> core::fmt::Result {
        let (snapshot, usage) = (&self.snapshot, self.usage());
        let scheduling = &snapshot.profile.scheduling;
        let nice = i32::from(scheduling.nice.value());
        let [pending, _, blocked, ignored, caught] = self.signals();
        write!(text, "{} ({}) {} ", self.id(), self.name_text(), self.state().0)?;
        let (group, session) = (snapshot.group.number(), snapshot.session.number());
        // Without a terminal: number 0, whose foreground group is -1.
        let (terminal, foreground) = match terminal::of_session(snapshot.session) {
            Some((number, foreground)) => {
                (number, foreground.map_or(-1, |it| i64::from(it.number())))
            }
            None => (0, -1),
        };
        write!(text, "{} {group} {session} {terminal} {foreground} ", self.parent())?;
        let flags = if self.is_kernel_thread() { 0x0020_0000 } else { 0x0040_0000 };
        let children = self.children();
        write!(text, "{flags} {} {} ", usage.minor_faults, children.minor_faults)?;
        write!(text, "{} {} ", usage.major_faults, children.major_faults)?;
        write!(text, "{} {} ", ticks(usage.cpu.user_ns), ticks(usage.cpu.system_ns))?;
        write!(text, "{} {} ", ticks(children.cpu.user_ns), ticks(children.cpu.system_ns))?;
        write!(text, "{} {nice} {} 0 ", self.urgency(), self.threads())?;
        let resident = usage.memory.current_bytes / PAGE_BYTES;
        let limit = snapshot.profile.limits.memory_bytes;
        write!(text, "{} ", ticks(snapshot.started_at.nanoseconds()))?;
        write!(text, "{} {resident} {limit} ", self.mapped_bytes())?;
        // Addresses of code, stack and registers are not shown.
        write!(text, "0 0 0 0 0 {pending} {blocked} {ignored} {caught} 0 0 0 17 ")?;
        write!(text, "{} ", snapshot.cpu.unwrap_or(0))?;
        write!(text, "{} {} ", scheduling.real_time_priority(), scheduling.policy().number())?;
        let ended = snapshot.state.exit().map_or(0, ExitStatus::wait_word);
        writeln!(text, "0 0 0 0 0 0 0 0 0 0 {ended}")
    }

    pub(super) fn status(&self, text: &mut String) -> core::fmt::Result {
        let (snapshot, usage) = (&self.snapshot, self.usage());
        let (letter, word) = self.state();
        let credentials = &snapshot.credentials;
        let pid = snapshot.pid.number();
        let mask = snapshot.process.as_ref().map_or(0, |process| process.standpoint().mask());
        writeln!(text, "Name:\t{}\nUmask:\t{mask:04o}", self.name_text())?;
        writeln!(text, "State:\t{letter} ({word})\nTgid:\t{pid}\nNgid:\t0\nPid:\t{}", self.id())?;
        writeln!(text, "PPid:\t{}\nTracerPid:\t0", self.parent())?;
        let (real, effective, saved) =
            (credentials.real_uid.0, credentials.effective_uid.0, credentials.saved_uid.0);
        writeln!(text, "Uid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        let (real, effective, saved) =
            (credentials.real_gid.0, credentials.effective_gid.0, credentials.saved_gid.0);
        writeln!(text, "Gid:\t{real}\t{effective}\t{saved}\t{effective}")?;
        writeln!(text, "FDSize:\t{}", usage.open_files.next_power_of_two().max(64))?;
        text.write_str("Groups:\t")?;
        for group in credentials.groups.iter() {
            write!(text, "{} ", group.0)?;
        }
        writeln!(text, "\nNStgid:\t{pid}\nNSpid:\t{}", self.id())?;
        // As on Linux, what has ended has no memory to tell of.
        if !self.is_kernel_thread() && snapshot.ended_at.is_none() {
            self.sizes_of_memory(text)?;
        }
        writeln!(text, "Threads:\t{}", self.threads())?;
        let [pending, shared, blocked, ignored, caught] = self.signals();
        let (queued, most) = self.queued_signals();
        writeln!(text, "SigQ:\t{queued}/{most}")?;
        writeln!(text, "SigPnd:\t{pending:016x}\nShdPnd:\t{shared:016x}")?;
        writeln!(text, "SigBlk:\t{blocked:016x}\nSigIgn:\t{ignored:016x}\nSigCgt:\t{caught:016x}")?;
        let sets = [
            ("CapInh", credentials.inheritable),
            ("CapPrm", credentials.permitted),
            ("CapEff", credentials.capabilities),
            ("CapBnd", credentials.bounding),
            ("CapAmb", CapabilitySet::EMPTY),
        ];
        for (name, set) in sets {
            writeln!(text, "{name}:\t{:016x}", set.bits())?;
        }
        let process = snapshot.process.as_ref();
        let refuses = process.is_some_and(|process| process.refuses_new_rights());
        writeln!(text, "NoNewPrivs:\t{}\nSeccomp:\t0", u8::from(refuses))?;
        text.write_str("Cpus_allowed:\t")?;
        write_cpu_mask(text, snapshot.affinity)?;
        text.write_str("\nCpus_allowed_list:\t")?;
        write_cpus(text, snapshot.affinity)?;
        writeln!(text, "\nvoluntary_ctxt_switches:\t{}", usage.voluntary_switches)?;
        writeln!(text, "nonvoluntary_ctxt_switches:\t{}", usage.involuntary_switches)
    }

    fn sizes_of_memory(&self, text: &mut String) -> core::fmt::Result {
        let sizes = self.sizes();
        let resident = sizes.resident_anonymous + sizes.resident_file + sizes.resident_shared;
        let lines = [
            ("VmPeak", sizes.mapped_peak),
            ("VmSize", sizes.mapped),
            ("VmLck", sizes.locked),
            ("VmPin", 0),
            // Of this program; getrusage tells that of all that the process has executed.
            ("VmHWM", sizes.resident_peak.max(resident)),
            ("VmRSS", resident),
            ("RssAnon", sizes.resident_anonymous),
            ("RssFile", sizes.resident_file),
            ("RssShmem", sizes.resident_shared),
            ("VmData", sizes.data),
            ("VmStk", sizes.stack),
            ("VmExe", sizes.code),
            ("VmLib", sizes.library_code),
            ("VmSwap", 0),
        ];
        for (name, bytes) in lines {
            writeln!(text, "{name}:\t{:>8} kB", bytes / 1024)?;
        }
        Ok(())
    }

    /// What the children that it has waited for had used.
    fn children(&self) -> Usage {
        let process = self.snapshot.process.as_ref();
        process.map_or(Usage::default(), |process| process.children_usage())
    }

    /// The priority that the scheduler goes by, as Linux counts it: 20 and the nice value, or below 0.
    fn urgency(&self) -> i32 {
        let scheduling = self.snapshot.profile.scheduling;
        let inherited = self.scheduled().and_then(|thread| thread.inherited());
        let effective = match inherited {
            Some(sched_core::Priority::Critical) => scheduling.priority.max(Priority::Critical),
            Some(sched_core::Priority::RealTime) => scheduling.priority.max(Priority::RealTime),
            _ => scheduling.priority,
        };
        match effective {
            Priority::RealTime | Priority::Critical => {
                -1 - process_core::Scheduling { priority: effective, ..scheduling }
                    .real_time_priority()
            }
            _ => 20 + i32::from(scheduling.nice.value()),
        }
    }
}
