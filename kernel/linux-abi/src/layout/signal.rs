//! What delivering a signal leaves on a program's stack, and what calls about signals exchange.

use super::layout;

layout! {
    /// The kernel's `struct sigaction` (not the C library's).
    pub struct SigAction: 32 {
        /// Address of the handler; 0 for the default action, 1 to ignore.
        0 handler: u64,
        /// The `SA_*` flags.
        8 flags: u64,
        /// Where the handler returns to, if `SA_RESTORER` is set.
        16 restorer: u64,
        /// The signals blocked while the handler runs; bit `n - 1` for signal `n`.
        24 mask: u64,
    }
}

layout! {
    /// `stack_t`.
    pub struct SigAltStack: 24 {
        /// Where it starts.
        0 base: u64,
        /// The `SS_*` flags.
        8 flags: i32,
        /// Not used.
        12 padding: u32,
        /// Its length in bytes.
        16 length: u64,
    }
}

impl SigAltStack {
    /// The thread runs on it (`SS_ONSTACK`).
    pub const ON_STACK: i32 = 1;
    /// There is none (`SS_DISABLE`).
    pub const DISABLE: i32 = 2;
    /// It is disabled while a handler runs on it (`SS_AUTODISARM`).
    pub const AUTODISARM: i32 = i32::MIN;
    /// The smallest that is taken (`MINSIGSTKSZ`).
    pub const MIN_BYTES: u64 = 2048;
}

layout! {
    /// `struct sigevent`: how a timer tells.
    pub struct SigEvent: 64 {
        /// The value that goes with the signal.
        0 value: u64,
        /// The signal.
        8 signal: i32,
        /// The `SIGEV_*` number.
        12 notify: i32,
        /// The thread, for `SIGEV_THREAD_ID`.
        16 thread: i32,
        /// Not used by the kernel.
        20 reserved: [i32; 11],
    }
}

layout! {
    /// `siginfo_t`. The fields behind `code` depend on the signal and the code; the constructors
    /// put them in their places.
    pub struct SigInfo: 128 {
        /// The signal.
        0 signal: i32,
        /// An error number; always 0 here.
        4 errno: i32,
        /// Why it was sent: `SI_*`, or a code of the signal's own.
        8 code: i32,
        /// Not used.
        12 padding: u32,
        /// The rest.
        16 fields: [u64; 14],
    }
}

impl SigInfo {
    /// Sent by `kill` (`SI_USER`).
    pub const USER: i32 = 0;
    /// Sent by the kernel (`SI_KERNEL`).
    pub const KERNEL: i32 = 0x80;
    /// Sent by `sigqueue` (`SI_QUEUE`).
    pub const QUEUE: i32 = -1;
    /// Sent by a timer (`SI_TIMER`).
    pub const TIMER: i32 = -2;
    /// Sent by `tkill` or `tgkill` (`SI_TKILL`).
    pub const TKILL: i32 = -6;
    /// SIGSEGV: nothing is mapped there (`SEGV_MAPERR`).
    pub const SEGV_MAPERR: i32 = 1;
    /// SIGSEGV: what is mapped there forbids it (`SEGV_ACCERR`).
    pub const SEGV_ACCERR: i32 = 2;
    /// SIGBUS: unaligned (`BUS_ADRALN`).
    pub const BUS_ADRALN: i32 = 1;
    /// SIGBUS: behind the end of the file (`BUS_ADRERR`).
    pub const BUS_ADRERR: i32 = 2;
    /// SIGILL: not an instruction (`ILL_ILLOPN`).
    pub const ILL_ILLOPN: i32 = 2;
    /// SIGFPE: division by zero (`FPE_INTDIV`).
    pub const FPE_INTDIV: i32 = 1;
    /// SIGFPE: floating-point division by zero (`FPE_FLTDIV`).
    pub const FPE_FLTDIV: i32 = 3;
    /// SIGFPE: floating-point overflow (`FPE_FLTOVF`).
    pub const FPE_FLTOVF: i32 = 4;
    /// SIGFPE: floating-point underflow (`FPE_FLTUND`).
    pub const FPE_FLTUND: i32 = 5;
    /// SIGFPE: an inexact result (`FPE_FLTRES`).
    pub const FPE_FLTRES: i32 = 6;
    /// SIGFPE: a floating-point operation that is not valid (`FPE_FLTINV`).
    pub const FPE_FLTINV: i32 = 7;
    /// SIGTRAP: a breakpoint (`TRAP_BRKPT`).
    pub const TRAP_BRKPT: i32 = 1;
    /// SIGTRAP: a single step (`TRAP_TRACE`).
    pub const TRAP_TRACE: i32 = 2;
    /// SIGCHLD: the child exited (`CLD_EXITED`).
    pub const CLD_EXITED: i32 = 1;
    /// SIGCHLD: a signal killed the child (`CLD_KILLED`).
    pub const CLD_KILLED: i32 = 2;
    /// SIGCHLD: a signal killed the child, and it dumped core (`CLD_DUMPED`).
    pub const CLD_DUMPED: i32 = 3;
    /// SIGCHLD: the child was stopped (`CLD_STOPPED`).
    pub const CLD_STOPPED: i32 = 5;
    /// SIGCHLD: the child went on (`CLD_CONTINUED`).
    pub const CLD_CONTINUED: i32 = 6;

    fn with_fields<const N: usize>(signal: i32, code: i32, first: [u64; N]) -> Self {
        let mut fields = [0; 14];
        for (place, field) in fields.iter_mut().zip(first) {
            *place = field;
        }
        Self { signal, errno: 0, code, padding: 0, fields }
    }

    /// A signal that a process sent, with the value of `sigqueue` or 0.
    #[must_use]
    pub fn from_process(signal: i32, code: i32, pid: i32, uid: u32, value: u64) -> Self {
        Self::with_fields(signal, code, [pair(pid.cast_unsigned(), uid), value])
    }

    /// A fault of the processor at an address.
    #[must_use]
    pub fn from_fault(signal: i32, code: i32, address: u64) -> Self {
        Self::with_fields(signal, code, [address])
    }

    /// SIGCHLD: what happened to a child. `status` is its exit status or the signal; the times are
    /// in ticks.
    #[must_use]
    pub fn from_child(
        signal: i32,
        code: i32,
        (pid, uid): (i32, u32),
        status: i32,
        (user_ticks, system_ticks): (u64, u64),
    ) -> Self {
        let fields = [
            pair(pid.cast_unsigned(), uid),
            u64::from(status.cast_unsigned()),
            user_ticks,
            system_ticks,
        ];
        Self::with_fields(signal, code, fields)
    }

    /// A signal of which there is nothing more to say than why.
    #[must_use]
    pub fn from_kernel(signal: i32, code: i32) -> Self {
        Self::with_fields(signal, code, [])
    }
}

layout! {
    /// `struct signalfd_siginfo`: what a read from a `signalfd` tells of a signal.
    pub struct SignalFdInfo: 128 {
        /// The signal.
        0 signal: u32,
        /// An error number; always 0 here.
        4 errno: i32,
        /// As in [`SigInfo`].
        8 code: i32,
        /// Who sent it.
        12 pid: u32,
        /// For whom.
        16 uid: u32,
        /// A descriptor (SIGIO).
        20 descriptor: i32,
        /// A timer's number in the kernel.
        24 timer: u32,
        /// What a descriptor is ready for (SIGIO).
        28 band: u32,
        /// How often a timer has run out since.
        32 overruns: u32,
        /// The vector of a fault.
        36 trap_number: u32,
        /// A child's exit status or signal.
        40 status: i32,
        /// The value of `sigqueue` as a number.
        44 integer: i32,
        /// The same as a pointer.
        48 pointer: u64,
        /// A child's time in its program, in ticks.
        56 user_time: u64,
        /// A child's time in the kernel, in ticks.
        64 system_time: u64,
        /// Where a fault was.
        72 address: u64,
        /// How much of the address counts.
        80 address_bits: u16,
        /// Not used.
        82 padding: u16,
        /// A system call that was refused (SIGSYS).
        84 call: i32,
        /// Where it was made.
        88 call_address: u64,
        /// For which architecture.
        96 architecture: u32,
        /// Not used.
        100 reserved: [u32; 7],
    }
}

/// Two fields of 32 bits, the first at the lower address.
fn pair(first: u32, second: u32) -> u64 {
    u64::from(first) | u64::from(second) << 32
}

layout! {
    /// `struct sigcontext` of x86_64: the registers where the signal came.
    pub struct SigContext: 256 {
        /// R8 to R15.
        0 r8_to_r15: [u64; 8],
        /// RDI.
        64 rdi: u64,
        /// RSI.
        72 rsi: u64,
        /// RBP.
        80 rbp: u64,
        /// RBX.
        88 rbx: u64,
        /// RDX.
        96 rdx: u64,
        /// RAX.
        104 rax: u64,
        /// RCX.
        112 rcx: u64,
        /// RSP.
        120 rsp: u64,
        /// RIP.
        128 rip: u64,
        /// RFLAGS.
        136 rflags: u64,
        /// CS.
        144 cs: u16,
        /// GS.
        146 gs: u16,
        /// FS.
        148 fs: u16,
        /// SS.
        150 ss: u16,
        /// The error code of a fault.
        152 error_code: u64,
        /// The vector of a fault.
        160 trap_number: u64,
        /// The lower half of the mask, as before real-time signals.
        168 old_mask: u64,
        /// The address of a page fault.
        176 cr2: u64,
        /// Where the FPU's state lies; 0 for nowhere.
        184 fpu_state: u64,
        /// Not used.
        192 reserved: [u64; 8],
    }
}

layout! {
    /// `struct ucontext` of the kernel on x86_64.
    pub struct UContext: 304 {
        /// The `UC_*` flags.
        0 flags: u64,
        /// Not used by the kernel.
        8 link: u64,
        /// The alternate stack.
        16 stack: SigAltStack,
        /// The registers.
        40 registers: SigContext,
        /// What was blocked.
        296 mask: u64,
    }
}

impl UContext {
    /// The FPU's state has XSAVE's layout (`UC_FP_XSTATE`).
    pub const FP_XSTATE: u64 = 1;
    /// The stack segment is saved (`UC_SIGCONTEXT_SS`).
    pub const SIGCONTEXT_SS: u64 = 2;
    /// It is restored as it was saved (`UC_STRICT_RESTORE_SS`).
    pub const STRICT_RESTORE_SS: u64 = 4;
}

layout! {
    /// `struct rt_sigframe` of x86_64: what lies on the stack when a handler starts. Its address
    /// plus 8 is a multiple of 16; the FPU's state lies above it.
    pub struct SigFrame: 440 {
        /// Where the handler returns to: the restorer.
        0 return_address: u64,
        /// The handler's third argument, and what `rt_sigreturn` restores.
        8 context: UContext,
        /// The handler's second argument.
        312 info: SigInfo,
    }
}
