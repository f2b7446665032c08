//! The registers of interrupted code, in the order in which the stubs push them.

/// What the stubs save; the layout is theirs.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct TrapFrame {
    /// General registers of the interrupted code.
    pub r15: u64,
    /// See `r15`.
    pub r14: u64,
    /// See `r15`.
    pub r13: u64,
    /// See `r15`.
    pub r12: u64,
    /// See `r15`.
    pub rbp: u64,
    /// See `r15`.
    pub rbx: u64,
    /// See `r15`.
    pub r11: u64,
    /// See `r15`.
    pub r10: u64,
    /// See `r15`.
    pub r9: u64,
    /// See `r15`.
    pub r8: u64,
    /// See `r15`.
    pub rax: u64,
    /// See `r15`.
    pub rcx: u64,
    /// See `r15`.
    pub rdx: u64,
    /// See `r15`.
    pub rsi: u64,
    /// See `r15`.
    pub rdi: u64,
    /// The address in the stub table to which the stub's `call` would return.
    pub(crate) vector_slot: u64,
    /// The CPU's error code, or 0.
    pub error_code: u64,
    /// Where the interrupted code goes on.
    pub rip: u64,
    /// Its code selector; the low two bits are its privilege level.
    pub cs: u64,
    /// Its flags.
    pub rflags: u64,
    /// Its stack pointer.
    pub rsp: u64,
    /// Its stack selector.
    pub ss: u64,
}

/// Bit of RFLAGS: interrupts are enabled.
pub(crate) const FLAG_INTERRUPTS: u64 = 1 << 9;
