//! Calls on processes, threads and signals: `clone`, `wait4`, `kill`, limits, `prctl`.

use crate::arguments::{Arguments, UserPointer};
use crate::errno::Errno;
use crate::flags::flags;

/// Number of SIGCHLD, which `fork` means without saying.
const SIGCHLD: u8 = 17;
/// The largest signal number.
const LAST_SIGNAL: u8 = 64;

flags! {
    /// `CLONE_*`, without the lowest byte, which is a signal. Namespaces are not known.
    pub struct CloneFlags(u64) {
        /// Share the address space.
        VM = 0x100,
        /// Share root, working directory and umask.
        FS = 0x200,
        /// Share the descriptors.
        FILES = 0x400,
        /// Share the signal handlers.
        SIGHAND = 0x800,
        /// Store a descriptor of the child at the parent's address.
        PIDFD = 0x1000,
        /// Go on being traced.
        PTRACE = 0x2000,
        /// The parent waits until the child calls `execve` or ends.
        VFORK = 0x4000,
        /// The child's parent is the caller's parent.
        PARENT = 0x8000,
        /// A thread of the same process.
        THREAD = 0x1_0000,
        /// Share System V semaphore adjustments.
        SYSVSEM = 0x4_0000,
        /// The child has its own thread-local storage.
        SETTLS = 0x8_0000,
        /// Store the child's id in the parent.
        PARENT_SETTID = 0x10_0000,
        /// Clear the id in the child, and wake who waits for it, when it ends.
        CHILD_CLEARTID = 0x20_0000,
        /// Without effect; musl and glibc set it.
        DETACHED = 0x40_0000,
        /// A tracer can't force tracing.
        UNTRACED = 0x80_0000,
        /// Store the child's id in the child.
        CHILD_SETTID = 0x100_0000,
        /// Share I/O priority.
        IO = 0x8000_0000,
        /// Start without the parent's handlers; `clone3` alone.
        CLEAR_SIGHAND = 0x1_0000_0000,
    }
}

/// `clone(flags, stack, parent_tid, child_tid, tls)`; also what `fork` and `vfork` mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CloneRequest {
    /// What is shared and stored.
    pub flags: CloneFlags,
    /// The signal that the parent gets when the child ends; 0 for none.
    pub exit_signal: u8,
    /// Where the child's stack pointer points; 0 for where the parent's does.
    pub stack: u64,
    /// Where `PARENT_SETTID` stores.
    pub parent_tid: UserPointer,
    /// Where `CHILD_SETTID` and `CHILD_CLEARTID` store.
    pub child_tid: UserPointer,
    /// Where `PIDFD` stores.
    pub pidfd: UserPointer,
    /// The child's FS base, if `SETTLS` is set.
    pub tls: u64,
}

impl CloneRequest {
    /// What `fork()` means.
    pub const FORK: Self = Self {
        flags: CloneFlags::NONE,
        exit_signal: SIGCHLD,
        stack: 0,
        parent_tid: UserPointer(0),
        child_tid: UserPointer(0),
        pidfd: UserPointer(0),
        tls: 0,
    };

    /// What `vfork()` means.
    pub const VFORK: Self =
        Self { flags: CloneFlags(CloneFlags::VM.0 | CloneFlags::VFORK.0), ..Self::FORK };

    /// Reads the arguments of `clone`.
    ///
    /// # Errors
    /// EINVAL for unknown flags (namespaces among them), a signal that does not exist, threads
    /// without shared handlers, shared handlers without shared memory, and `PIDFD` with a flag that
    /// uses the same argument.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        let word = arguments.word(0);
        let exit_signal = (word & 0xff) as u8;
        // Linux looks at the lower 32 bits only.
        let flags = CloneFlags::from_bits(word & 0xffff_ff00).ok_or(Errno::EINVAL)?;
        let lacks = |flag, needed| flags.contains(flag) && !flags.contains(needed);
        let is_refused = exit_signal > LAST_SIGNAL
            || lacks(CloneFlags::THREAD, CloneFlags::SIGHAND)
            || lacks(CloneFlags::SIGHAND, CloneFlags::VM)
            || flags.contains(CloneFlags::PIDFD)
                && flags.intersects(CloneFlags::PARENT_SETTID | CloneFlags::DETACHED);
        if is_refused {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            flags,
            exit_signal,
            stack: arguments.word(1),
            parent_tid: arguments.pointer(2),
            child_tid: arguments.pointer(3),
            pidfd: arguments.pointer(2),
            tls: arguments.word(4),
        })
    }

    /// The bytes of `struct clone_args` that are known, and those of its first version.
    pub const CLONE3_BYTES: u64 = 88;
    /// See `CLONE3_BYTES`.
    pub const CLONE3_FIRST_BYTES: u64 = 64;

    /// Reads `clone3`'s structure; what the program did not pass is zero.
    ///
    /// # Errors
    /// EINVAL as for `decode`, and for a stack without a size, an exit signal of a thread, or a
    /// wanted number or cgroup, which are not offered.
    pub fn decode_clone3(words: &[u64; 11]) -> Result<Self, Errno> {
        let [flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_bytes, tls, ..] =
            *words;
        let [.., set_tid, set_tid_size, cgroup] = *words;
        let flags = CloneFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
        let lacks = |flag, needed| flags.contains(flag) && !flags.contains(needed);
        let is_refused = exit_signal > u64::from(LAST_SIGNAL)
            || flags.contains(CloneFlags::DETACHED)
            || flags.intersects(CloneFlags::THREAD | CloneFlags::PARENT) && exit_signal != 0
            || (stack == 0) != (stack_bytes == 0)
            || set_tid != 0
            || set_tid_size != 0
            || cgroup != 0
            || lacks(CloneFlags::THREAD, CloneFlags::SIGHAND)
            || lacks(CloneFlags::SIGHAND, CloneFlags::VM)
            || flags.contains(CloneFlags::SIGHAND | CloneFlags::CLEAR_SIGHAND);
        if is_refused {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            flags,
            exit_signal: (exit_signal & 0xff) as u8,
            stack: stack.checked_add(stack_bytes).ok_or(Errno::EINVAL)?,
            parent_tid: UserPointer(parent_tid),
            child_tid: UserPointer(child_tid),
            pidfd: UserPointer(pidfd),
            tls,
        })
    }
}

flags! {
    /// `W*`: how `wait4` waits.
    pub struct WaitOptions(u32) {
        /// Do not wait.
        NOHANG = 1,
        /// Children that were stopped, too.
        UNTRACED = 2,
        /// Children that went on, too.
        CONTINUED = 8,
        /// Not the children of other threads.
        NOTHREAD = 0x2000_0000,
        /// Children of any kind.
        ALL = 0x4000_0000,
        /// Only children that end with another signal than SIGCHLD.
        CLONE = 0x8000_0000,
    }
}

/// `wait4(pid, status, options, usage)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait4 {
    /// Whom to wait for.
    pub target: WaitTarget,
    /// Where the status goes.
    pub status: Option<UserPointer>,
    /// How.
    pub options: WaitOptions,
    /// Where the usage goes.
    pub usage: Option<UserPointer>,
}

/// A set of processes, as `wait4` and `kill` name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitTarget {
    /// One process (above 0).
    Process(u32),
    /// The caller's own process group (0).
    OwnGroup,
    /// All: children for `wait4`, whom one may signal for `kill` (-1).
    All,
    /// One process group (below -1).
    Group(u32),
}

impl WaitTarget {
    /// From a pid argument.
    ///
    /// # Errors
    /// ESRCH for the smallest number, which has no positive counterpart.
    pub const fn from_pid(pid: i32) -> Result<Self, Errno> {
        Ok(match pid {
            i32::MIN => return Err(Errno::ESRCH),
            -1 => Self::All,
            0 => Self::OwnGroup,
            1.. => Self::Process(pid.cast_unsigned()),
            _ => Self::Group(pid.unsigned_abs()),
        })
    }
}

impl Wait4 {
    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for unknown options; ESRCH as [`WaitTarget::from_pid`].
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        Ok(Self {
            options: WaitOptions::from_bits(arguments.unsigned(2)).ok_or(Errno::EINVAL)?,
            target: WaitTarget::from_pid(arguments.int(0))?,
            status: arguments.pointer(1).non_null(),
            usage: arguments.pointer(3).non_null(),
        })
    }
}

/// How `rt_sigprocmask` changes the mask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskChange {
    /// Block these, too (`SIG_BLOCK`).
    Block,
    /// Block these no longer (`SIG_UNBLOCK`).
    Unblock,
    /// Block these and no others (`SIG_SETMASK`).
    Set,
}

impl MaskChange {
    /// From the first argument. It counts only if there is a new mask.
    ///
    /// # Errors
    /// EINVAL for any other number.
    pub const fn from_number(number: i32) -> Result<Self, Errno> {
        Ok(match number {
            0 => Self::Block,
            1 => Self::Unblock,
            2 => Self::Set,
            _ => return Err(Errno::EINVAL),
        })
    }
}

/// Checks the size of a signal set that a program passed: the kernel's is 8 bytes.
///
/// # Errors
/// EINVAL for any other.
pub const fn check_signal_set_size(bytes: u64) -> Result<(), Errno> {
    if bytes == 8 { Ok(()) } else { Err(Errno::EINVAL) }
}

/// A resource with a limit (`RLIMIT_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// CPU time in seconds.
    Cpu,
    /// Size of a file in bytes.
    FileSize,
    /// Size of the data segment in bytes.
    Data,
    /// Size of the stack in bytes.
    Stack,
    /// Size of a core dump in bytes.
    Core,
    /// Resident memory in bytes; without effect on Linux.
    Resident,
    /// Number of processes of the user.
    Processes,
    /// Number of open files.
    OpenFiles,
    /// Locked memory in bytes.
    LockedMemory,
    /// Address space in bytes.
    AddressSpace,
    /// Number of file locks.
    Locks,
    /// Number of pending signals.
    PendingSignals,
    /// Bytes in message queues.
    MessageQueues,
    /// How far `nice` may go down.
    Nice,
    /// How far a real-time priority may go up.
    RealTimePriority,
    /// Microseconds of real-time CPU time without a blocking call.
    RealTimeCpu,
}

impl Resource {
    const ALL: [Self; 16] = [
        Self::Cpu,
        Self::FileSize,
        Self::Data,
        Self::Stack,
        Self::Core,
        Self::Resident,
        Self::Processes,
        Self::OpenFiles,
        Self::LockedMemory,
        Self::AddressSpace,
        Self::Locks,
        Self::PendingSignals,
        Self::MessageQueues,
        Self::Nice,
        Self::RealTimePriority,
        Self::RealTimeCpu,
    ];

    /// From its number.
    ///
    /// # Errors
    /// EINVAL for a number that none has.
    pub fn from_number(number: u32) -> Result<Self, Errno> {
        let index = usize::try_from(number).map_err(|_| Errno::EINVAL)?;
        Self::ALL.get(index).copied().ok_or(Errno::EINVAL)
    }
}

/// What `arch_prctl(code, address)` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchPrctl {
    /// Set the FS base (`ARCH_SET_FS`).
    SetFs(u64),
    /// Store the FS base (`ARCH_GET_FS`).
    GetFs(UserPointer),
    /// Set the GS base (`ARCH_SET_GS`).
    SetGs(u64),
    /// Store the GS base (`ARCH_GET_GS`).
    GetGs(UserPointer),
}

impl ArchPrctl {
    /// Reads the arguments. `user_end` is the first address that is not the program's.
    ///
    /// # Errors
    /// EINVAL for an unknown code; EPERM for a base that is not the program's, which keeps it
    /// canonical.
    pub fn decode(arguments: &Arguments, user_end: u64) -> Result<Self, Errno> {
        let base = arguments.word(1);
        match arguments.int(0) {
            0x1001 | 0x1002 if base >= user_end => Err(Errno::EPERM),
            0x1001 => Ok(Self::SetGs(base)),
            0x1002 => Ok(Self::SetFs(base)),
            0x1003 => Ok(Self::GetFs(UserPointer(base))),
            0x1004 => Ok(Self::GetGs(UserPointer(base))),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// What `prctl(option, argument)` is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prctl {
    /// Give the thread a name of up to 15 bytes (`PR_SET_NAME`).
    SetName(UserPointer),
    /// Store the thread's name, 16 bytes (`PR_GET_NAME`).
    GetName(UserPointer),
}

impl Prctl {
    /// Reads the arguments.
    ///
    /// # Errors
    /// EINVAL for an unknown option.
    pub fn decode(arguments: &Arguments) -> Result<Self, Errno> {
        match arguments.int(0) {
            15 => Ok(Self::SetName(arguments.pointer(1))),
            16 => Ok(Self::GetName(arguments.pointer(1))),
            _ => Err(Errno::EINVAL),
        }
    }
}

flags! {
    /// `GRND_*`: where `getrandom` takes its bytes from.
    pub struct RandomFlags(u32) {
        /// Do not wait for the source to be ready.
        NONBLOCK = 1,
        /// From the blocking source.
        RANDOM = 2,
        /// From a source that may not be ready.
        INSECURE = 4,
    }
}

impl RandomFlags {
    /// From `getrandom`'s third argument.
    ///
    /// # Errors
    /// EINVAL for unknown flags, and for two sources at once.
    pub fn from_argument(bits: u32) -> Result<Self, Errno> {
        let flags = Self::from_bits(bits).ok_or(Errno::EINVAL)?;
        if flags.contains(Self::RANDOM | Self::INSECURE) {
            return Err(Errno::EINVAL);
        }
        Ok(flags)
    }
}
