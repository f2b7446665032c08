//! The auxiliary vector: what the kernel tells a program before `main`. Types are those of
//! getauxval(3).

/// Ends the vector.
pub const AT_NULL: u64 = 0;
/// Where the program headers are.
pub const AT_PHDR: u64 = 3;
/// Size of a program header in bytes.
pub const AT_PHENT: u64 = 4;
/// Number of program headers.
pub const AT_PHNUM: u64 = 5;
/// Size of a page in bytes.
pub const AT_PAGESZ: u64 = 6;
/// Where the interpreter is; 0 for none.
pub const AT_BASE: u64 = 7;
/// Flags; always 0.
pub const AT_FLAGS: u64 = 8;
/// Where the program starts.
pub const AT_ENTRY: u64 = 9;
/// User id.
pub const AT_UID: u64 = 11;
/// Effective user id.
pub const AT_EUID: u64 = 12;
/// Group id.
pub const AT_GID: u64 = 13;
/// Effective group id.
pub const AT_EGID: u64 = 14;
/// Where the processor's name is.
pub const AT_PLATFORM: u64 = 15;
/// The processor's features: EDX of CPUID 1.
pub const AT_HWCAP: u64 = 16;
/// How many ticks a second `times` counts.
pub const AT_CLKTCK: u64 = 17;
/// Whether the program has rights that its caller has not.
pub const AT_SECURE: u64 = 23;
/// Where 16 random bytes are.
pub const AT_RANDOM: u64 = 25;
/// More of the processor's features: bit 1 for FSGSBASE.
pub const AT_HWCAP2: u64 = 26;
/// Where the path of the program's file is.
pub const AT_EXECFN: u64 = 31;
/// Where the vDSO is.
pub const AT_SYSINFO_EHDR: u64 = 33;
/// The least bytes of a stack for signal handlers.
pub const AT_MINSIGSTKSZ: u64 = 51;

/// What `times` and `/proc` count in: ticks a second (`USER_HZ`).
pub const CLOCK_TICKS: u64 = 100;
