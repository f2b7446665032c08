//! The structures of the calls about processes. Numbers of kinds count from 1 where 0 means "as the
//! caller's".

use crate::layout::layout;

layout! {
    /// Limits, of which `set` says which count.
    pub struct LimitValues: 80 {
        /// Bits of [`limit_bits`].
        0 set: u64,
        /// Memory, in bytes.
        8 memory_bytes: u64,
        /// The first thread's stack, in bytes.
        16 stack_bytes: u64,
        /// Descriptors.
        24 open_files: u64,
        /// Processes and threads of the user.
        32 processes: u64,
        /// CPU time, in nanoseconds; `u64::MAX` lifts the limit, as for the rest.
        40 cpu_time_ns: u64,
        /// Share of a CPU, in percent.
        48 cpu_percent: u64,
        /// Bytes read in a second.
        56 read_bytes_per_second: u64,
        /// Bytes written in a second.
        64 write_bytes_per_second: u64,
        /// Processes made in a second.
        72 processes_per_second: u64,
    }
}

/// Which of [`LimitValues`] count.
pub mod limit_bits {
    /// `memory_bytes`.
    pub const MEMORY: u64 = 1;
    /// `stack_bytes`.
    pub const STACK: u64 = 2;
    /// `open_files`.
    pub const OPEN_FILES: u64 = 4;
    /// `processes`.
    pub const PROCESSES: u64 = 8;
    /// `cpu_time_ns`.
    pub const CPU_TIME: u64 = 16;
    /// `cpu_percent`.
    pub const CPU_PERCENT: u64 = 32;
    /// `read_bytes_per_second`.
    pub const READ_RATE: u64 = 64;
    /// `write_bytes_per_second`.
    pub const WRITE_RATE: u64 = 128;
    /// `processes_per_second`.
    pub const CREATION_RATE: u64 = 256;
    /// All of them.
    pub const ALL: u64 = 511;
}

layout! {
    /// Numbers of system calls in a program's memory.
    pub struct CallNumbers: 16 {
        /// Where they lie: 64 bits each.
        0 address: u64,
        /// How many.
        8 count: u64,
    }
}

layout! {
    /// What `create_process` takes. Addresses of texts are 0 for "none".
    pub struct CreateProcess: 256 {
        /// The program's path, as the caller sees it; in a sandbox of its own, below that root.
        0 path: u64,
        /// Its arguments, as `execve` takes them.
        8 arguments: u64,
        /// Its environment likewise.
        16 environment: u64,
        /// Where it works; none: where the caller does, or at the root of a sandbox of its own.
        24 working_directory: u64,
        /// Its short name; none: the program's.
        32 name: u64,
        /// Bits of [`create_flags`].
        40 flags: u64,
        /// Descriptors of the caller's that become its standard input, output and error; -1 for an
        /// empty input and an output that operators can read.
        48 standard: [i32; 3],
        /// A number of [`isolation`].
        60 isolation: u32,
        /// The root of a sandbox, as the caller sees it.
        64 root: u64,
        /// The calls that a sandbox allows; count 0: the usual ones.
        72 calls: CallNumbers,
        /// Bits of [`network_rights`], for a sandbox.
        88 network: u32,
        /// A number of [`violation`], for a sandbox.
        92 on_violation: u32,
        /// With [`create_flags::USER`]: in whose name it runs.
        96 uid: u32,
        /// And which group's.
        100 gid: u32,
        /// And which further groups', 32 bits each.
        104 groups: u64,
        /// How many of those.
        112 group_count: u32,
        /// Priority, 1 (idle) to 6 (critical).
        116 priority: u32,
        /// Class, 1 (system) to 5 (interactive).
        120 class: u32,
        /// With [`create_flags::NICE`]: nice, -20 to 19.
        124 nice: i32,
        /// What it may use; what is not set is as the caller's.
        128 limits: LimitValues,
        /// Zero.
        208 reserved: [u64; 6],
    }
}

/// Bits of [`CreateProcess::flags`].
pub mod create_flags {
    /// `uid`, `gid` and `groups` count.
    pub const USER: u64 = 1;
    /// `nice` counts.
    pub const NICE: u64 = 2;
    /// All of them.
    pub const ALL: u64 = 3;
}

/// Isolation levels.
pub mod isolation {
    /// As the caller's.
    pub const INHERIT: u32 = 0;
    /// A kernel thread; only answered.
    pub const KERNEL: u32 = 1;
    /// An address space of its own.
    pub const PROCESS: u32 = 2;
    /// A sandbox.
    pub const SANDBOX: u32 = 3;
}

/// What the processes of a sandbox may do with the network.
pub mod network_rights {
    /// Connect, and send datagrams to addresses.
    pub const CONNECT: u32 = 1;
    /// Bind to ports and listen.
    pub const LISTEN: u32 = 2;
    /// Both.
    pub const ALL: u32 = 3;
}

/// What becomes of a call that a sandbox does not allow.
pub mod violation {
    /// It answers EPERM.
    pub const REFUSE: u32 = 0;
    /// The process ends by SIGSYS.
    pub const KILL: u32 = 1;
}

layout! {
    /// What `terminate_process` takes.
    pub struct TerminateProcess: 16 {
        /// Which one.
        0 pid: u32,
        /// 0: SIGTERM, then SIGKILL after the grace; 1: SIGKILL at once.
        4 force: u32,
        /// Milliseconds of grace.
        8 grace_ms: u32,
        /// Zero.
        12 reserved: u32,
    }
}

layout! {
    /// What `set_limits` takes.
    pub struct SetLimits: 88 {
        /// Which process; 0 for the caller's.
        0 pid: u32,
        /// Zero.
        4 reserved: u32,
        /// The limits.
        8 limits: LimitValues,
    }
}

layout! {
    /// What `set_scheduling` takes.
    pub struct Scheduling: 24 {
        /// Which process; 0 for the caller's.
        0 pid: u32,
        /// Bits of [`scheduling_flags`].
        4 flags: u32,
        /// Priority, 1 to 6.
        8 priority: u32,
        /// Class, 1 to 5.
        12 class: u32,
        /// Nice, -20 to 19.
        16 nice: i32,
        /// Zero.
        20 reserved: u32,
    }
}

/// Which of [`Scheduling`] count.
pub mod scheduling_flags {
    /// `priority`.
    pub const PRIORITY: u32 = 1;
    /// `class`.
    pub const CLASS: u32 = 2;
    /// `nice`.
    pub const NICE: u32 = 4;
    /// All of them.
    pub const ALL: u32 = 7;
}

layout! {
    /// What `list_processes` takes, and changes.
    pub struct ListProcesses: 24 {
        /// The list goes on after this number; set to the last one that was listed.
        0 cursor: u32,
        /// How many [`ProcessInfo`] there is room for.
        4 capacity: u32,
        /// Where to.
        8 buffer: u64,
        /// How long each is for the caller.
        16 info_bytes: u32,
        /// 1: those too that are only remembered.
        20 remembered: u32,
    }
}

layout! {
    /// What `wait_process` takes, and changes.
    pub struct WaitProcess: 24 {
        /// Which one.
        0 pid: u32,
        /// A kind of [`exit_kind`]; set.
        4 exit_kind: u32,
        /// The code, or the signal's number; set.
        8 exit_value: u32,
        /// Zero.
        12 reserved: u32,
        /// For how long, in nanoseconds; `u64::MAX`: as long as it takes.
        16 timeout_ns: u64,
    }
}

/// How a process has ended.
pub mod exit_kind {
    /// It has not.
    pub const NONE: u32 = 0;
    /// By itself, with a code.
    pub const CODE: u32 = 1;
    /// By a signal.
    pub const SIGNAL: u32 = 2;
}

layout! {
    /// What `get_process_info` and `list_processes` tell.
    pub struct ProcessInfo: 352 {
        /// Its number.
        0 pid: u32,
        /// Its parent's; 0 for the process manager.
        4 parent: u32,
        /// Its group's.
        8 group: u32,
        /// Its session's.
        12 session: u32,
        /// Its state: 1 new, 2 ready, 3 running, 4 blocked, 5 suspended, 6 terminated, 7 zombie,
        /// 8 defunct.
        16 state: u32,
        /// Priority, 1 (idle) to 6 (critical).
        20 priority: u32,
        /// Class, 1 (system) to 5 (interactive).
        24 class: u32,
        /// Nice.
        28 nice: i32,
        /// A number of [`isolation`].
        32 isolation: u32,
        /// How many threads it has.
        36 threads: u32,
        /// The effective user.
        40 uid: u32,
        /// The effective group.
        44 gid: u32,
        /// The CPU that it runs on or ran on last; `u32::MAX` for none.
        48 cpu: u32,
        /// Open descriptors.
        52 open_files: u32,
        /// A kind of [`exit_kind`].
        56 exit_kind: u32,
        /// The code, or the signal's number.
        60 exit_value: u32,
        /// Its short name, with zeroes at the end.
        64 name: [u8; 16],
        /// When it was made, in nanoseconds since 1970.
        80 started_ns: u64,
        /// When it ended; 0 if it has not.
        88 ended_ns: u64,
        /// CPU time in its program, in nanoseconds.
        96 user_ns: u64,
        /// CPU time in the kernel.
        104 system_ns: u64,
        /// CPU use of late, in hundredths of a percent of one CPU.
        112 cpu_hundredths: u64,
        /// Memory, in bytes.
        120 memory_bytes: u64,
        /// The most that it had.
        128 peak_memory_bytes: u64,
        /// Bytes read.
        136 read_bytes: u64,
        /// Bytes written.
        144 written_bytes: u64,
        /// Reads.
        152 read_operations: u64,
        /// Writes.
        160 write_operations: u64,
        /// Times that it gave a CPU up.
        168 voluntary_switches: u64,
        /// Times that a CPU was taken from it.
        176 involuntary_switches: u64,
        /// Moves between CPUs.
        184 migrations: u64,
        /// Page faults.
        192 page_faults: u64,
        /// Signals received.
        200 signals_received: u64,
        /// Capabilities in effect, as in `/proc/PID/status`.
        208 capabilities: u64,
        /// Calls and network uses that its sandbox has refused, for all of the sandbox.
        216 violations: u64,
        /// Its limits; `u64::MAX` for none.
        224 limits: LimitValues,
        /// Zero.
        304 reserved: [u64; 6],
    }
}
