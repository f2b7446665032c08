//! What a process has used (requirement P4), as plain figures that the kernel measures.

use alloc::boxed::Box;

use crate::quotas::LimitCounts;

/// CPU time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuUsage {
    /// In the program, in nanoseconds.
    pub user_ns: u64,
    /// In the kernel on the program's behalf, in nanoseconds.
    pub system_ns: u64,
}

impl CpuUsage {
    /// Both together.
    pub const fn total_ns(self) -> u64 {
        self.user_ns.saturating_add(self.system_ns)
    }
}

/// Memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MemoryUsage {
    /// Resident now.
    pub current_bytes: u64,
    /// The most that was ever resident.
    pub peak_bytes: u64,
    /// Of the current ones, in stacks.
    pub stack_bytes: u64,
    /// Of the current ones, in the heap.
    pub heap_bytes: u64,
}

/// Input and output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IoUsage {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Calls that read.
    pub read_operations: u64,
    /// Calls that wrote.
    pub write_operations: u64,
}

/// Signals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SignalUsage {
    /// Sent to the process and accepted.
    pub received: u64,
    /// Acted upon: a handler ran, or the default action was taken.
    pub handled: u64,
    /// Dropped because they are ignored.
    pub ignored: u64,
}

/// All that a process or a thread has used.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Usage {
    /// CPU time.
    pub cpu: CpuUsage,
    /// Memory.
    pub memory: MemoryUsage,
    /// Input and output.
    pub io: IoUsage,
    /// Signals.
    pub signals: SignalUsage,
    /// Switches because the thread had to wait.
    pub voluntary_switches: u64,
    /// Switches because another thread was to run.
    pub involuntary_switches: u64,
    /// Moves from one CPU to another.
    pub migrations: u64,
    /// Page faults answered from memory.
    pub minor_faults: u64,
    /// Page faults that had to wait for a device.
    pub major_faults: u64,
    /// Open descriptors now.
    pub open_files: u32,
    /// How often each limit was met.
    pub limits_met: LimitCounts,
}

impl Usage {
    /// What stays of it when the process has ended: it holds nothing any more, and its peaks remain.
    #[must_use]
    pub fn at_end(mut self) -> Self {
        self.memory = MemoryUsage { peak_bytes: self.memory.peak_bytes, ..MemoryUsage::default() };
        self.open_files = 0;
        self
    }

    /// Adds what a child that has been waited for had used: getrusage(2), `RUSAGE_CHILDREN`. Of the
    /// children's memory the largest peak counts.
    pub fn add_child(&mut self, child: &Self) {
        self.add_thread(child);
        self.memory.peak_bytes = self.memory.peak_bytes.max(child.memory.peak_bytes);
    }

    /// Adds what a thread that has ended had used: counts and times. Memory and open files belong
    /// to the process as a whole and stay as they are.
    pub fn add_thread(&mut self, thread: &Self) {
        let add = |to: &mut u64, from: u64| *to = to.saturating_add(from);
        add(&mut self.cpu.user_ns, thread.cpu.user_ns);
        add(&mut self.cpu.system_ns, thread.cpu.system_ns);
        add(&mut self.io.read_bytes, thread.io.read_bytes);
        add(&mut self.io.written_bytes, thread.io.written_bytes);
        add(&mut self.io.read_operations, thread.io.read_operations);
        add(&mut self.io.write_operations, thread.io.write_operations);
        add(&mut self.signals.received, thread.signals.received);
        add(&mut self.signals.handled, thread.signals.handled);
        add(&mut self.signals.ignored, thread.signals.ignored);
        add(&mut self.voluntary_switches, thread.voluntary_switches);
        add(&mut self.involuntary_switches, thread.involuntary_switches);
        add(&mut self.migrations, thread.migrations);
        add(&mut self.minor_faults, thread.minor_faults);
        add(&mut self.major_faults, thread.major_faults);
        self.limits_met.add_all(&thread.limits_met);
    }
}
/// What others have used together: the threads of a process that have ended, the children that it has waited
/// for. Takes memory with the first only; most processes have none.
#[derive(Debug, Default)]
pub struct UsageSum(Option<Box<Usage>>);

impl UsageSum {
    /// All of it.
    #[must_use]
    pub fn get(&self) -> Usage {
        self.0.as_deref().copied().unwrap_or_default()
    }

    /// See [`Usage::add_thread`].
    pub fn add_thread(&mut self, thread: &Usage) {
        self.0.get_or_insert_default().add_thread(thread);
    }

    /// See [`Usage::add_child`].
    pub fn add_child(&mut self, child: &Usage) {
        self.0.get_or_insert_default().add_child(child);
    }
}
