//! What calls about processes and the system exchange.

use super::layout;
use super::time::Timeval;

layout! {
    /// `struct rlimit64`; also what `getrlimit` uses.
    pub struct Rlimit64: 16 {
        /// The limit in force.
        0 soft: u64,
        /// How far a process may raise it.
        8 hard: u64,
    }
}

impl Rlimit64 {
    /// No limit (`RLIM64_INFINITY`).
    pub const INFINITY: u64 = u64::MAX;
}

layout! {
    /// `struct shmid64_ds`.
    pub struct SegmentDescription: 112 {
        /// The key.
        0 key: i32,
        /// The owner's user and group.
        4 owner: [u32; 2],
        /// The maker's.
        12 creator: [u32; 2],
        /// Permissions, and what has become of it.
        20 mode: u32,
        /// Which use of its number's place it is.
        24 sequence: u16,
        /// Not used on Linux.
        32 unused: [u64; 2],
        /// Its size.
        48 bytes: u64,
        /// When it was attached, detached and changed last, in seconds.
        56 times_s: [i64; 3],
        /// The process that made it, and the one that attached or detached it last.
        80 pids: [u32; 2],
        /// How often it is attached.
        88 attached: u64,
        /// Not used on Linux.
        96 reserved: [u64; 2],
    }
}

layout! {
    /// `struct rusage`.
    pub struct Rusage: 144 {
        /// CPU time in user mode.
        0 user_time: Timeval,
        /// CPU time in the kernel.
        16 system_time: Timeval,
        /// Most memory held at once, in KiB.
        32 max_resident_kib: i64,
        /// Not used on Linux (shared text, unshared data, stack).
        40 unused_sizes: [i64; 3],
        /// Page faults without I/O.
        64 minor_faults: i64,
        /// Page faults with I/O.
        72 major_faults: i64,
        /// Not used on Linux.
        80 swaps: i64,
        /// Block reads.
        88 blocks_in: i64,
        /// Block writes.
        96 blocks_out: i64,
        /// Not used on Linux (messages sent and received, signals).
        104 unused_counts: [i64; 3],
        /// Times it gave the CPU up.
        128 voluntary_switches: i64,
        /// Times the CPU was taken from it.
        136 involuntary_switches: i64,
    }
}

layout! {
    /// `struct tms`, in ticks of [`CLOCK_TICKS`](crate::auxiliary::CLOCK_TICKS) a second.
    pub struct Tms: 32 {
        /// CPU time in user mode.
        0 user: i64,
        /// CPU time in the kernel.
        8 system: i64,
        /// That of the children waited for, in user mode.
        16 children_user: i64,
        /// That of the children waited for, in the kernel.
        24 children_system: i64,
    }
}

layout! {
    /// `struct sysinfo`.
    pub struct SysInfo: 112 {
        /// Seconds since boot.
        0 uptime: i64,
        /// Load over 1, 5 and 15 minutes, times 65,536.
        8 loads: [u64; 3],
        /// Memory, in `unit_bytes`.
        32 total_memory: u64,
        /// Free memory.
        40 free_memory: u64,
        /// Shared memory.
        48 shared_memory: u64,
        /// Memory in buffers.
        56 buffer_memory: u64,
        /// Swap.
        64 total_swap: u64,
        /// Free swap.
        72 free_swap: u64,
        /// Number of processes.
        80 processes: u16,
        /// Not used.
        82 padding: u16,
        /// High memory: none on x86_64.
        88 total_high: u64,
        /// Free high memory.
        96 free_high: u64,
        /// What memory is counted in, in bytes.
        104 unit_bytes: u32,
    }
}

layout! {
    /// `struct new_utsname`: texts that end with a zero byte.
    pub struct UtsName: 390 {
        /// The system's name.
        0 system: [u8; 65],
        /// The machine's name.
        65 node: [u8; 65],
        /// The release, which programs compare: `major.minor.patch`.
        130 release: [u8; 65],
        /// The version of that release.
        195 version: [u8; 65],
        /// The processor's name.
        260 machine: [u8; 65],
        /// The domain's name.
        325 domain: [u8; 65],
    }
}

impl UtsName {
    /// A field's bytes; what is longer than 64 bytes is cut.
    ///
    /// ```
    /// # use linux_abi::layout::UtsName;
    /// let name = UtsName { machine: UtsName::text("x86_64"), ..UtsName::zeroed() };
    /// assert!(name.machine.starts_with(b"x86_64\0"));
    /// ```
    #[must_use]
    pub fn text(text: &str) -> [u8; 65] {
        let mut field = [0; 65];
        for (place, byte) in field.iter_mut().take(64).zip(text.bytes()) {
            *place = byte;
        }
        field
    }
}
