//! The registers of a program's thread, and running it until it needs the kernel.

use ksync::RunClock;
use x86_64::registers::control::Cr2;
use x86_64::registers::model_specific::{FsBase, KernelGsBase};
use x86_64::{PrivilegeLevel, VirtAddr};

use crate::cpu::descriptors::{USER_CODE, USER_DATA};
use crate::cpu::local;
use crate::paging::layout::USER_END;
use crate::time;
use crate::trap::TrapFrame;
use crate::trap::frame::FLAG_INTERRUPTS;

/// Flags that a program may have set: the arithmetic ones, TF, DF, AC and ID.
const USER_FLAGS: u64 = 0x0024_0dd5;

/// A program's thread: its registers while the kernel runs.
#[derive(Debug)]
#[repr(C)]
pub struct UserContext {
    pub(crate) frame: TrapFrame,
    fs_base: u64,
    gs_base: u64,
    /// The last exit was a system call and the kernel may return by `sysret`.
    is_sysret_possible: bool,
}

/// The clocks that run while a program has the CPU, in ticks of `time::ticks`.
#[derive(Clone, Copy, Debug)]
pub struct UserClocks<'a> {
    /// Of the thread.
    pub thread: &'a RunClock,
    /// Of this CPU.
    pub cpu: &'a RunClock,
}

impl UserClocks<'_> {
    fn begin(self) {
        let now = time::ticks();
        self.thread.begin(now);
        self.cpu.begin(now);
    }

    fn end(self) {
        let now = time::ticks();
        self.thread.end(now);
        self.cpu.end(now);
    }
}

/// Why a program's thread came back into the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It wants something: number and arguments by `system_call`.
    SystemCall,
    /// It touched memory that it cannot reach as it wanted to.
    PageFault(PageFault),
    /// The CPU refused an instruction: vector and error code.
    Exception {
        /// The exception's vector, 0 to 31.
        vector: u8,
        /// The CPU's error code, 0 where there is none.
        error_code: u64,
    },
    /// An interrupt came and has been handled.
    Interrupt,
}

/// What a page fault says. SDM volume 3, 4.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFault {
    /// The address that was touched.
    pub address: u64,
    /// It was to be written.
    pub is_write: bool,
    /// It was to be executed.
    pub is_fetch: bool,
    /// A frame is mapped there, with fewer rights.
    pub is_present: bool,
}

impl PageFault {
    pub(crate) fn from_error_code(error_code: u64) -> Self {
        Self {
            address: Cr2::read_raw(),
            is_write: error_code & 2 != 0,
            is_fetch: error_code & 16 != 0,
            is_present: error_code & 1 != 0,
        }
    }
}

impl UserContext {
    /// A thread that starts at `instruction` with this stack pointer and all else zero. Addresses
    /// outside user space make it fault there.
    #[must_use]
    pub fn new(instruction: u64, stack: u64) -> Self {
        Self {
            frame: TrapFrame {
                rip: instruction.min(USER_END),
                rsp: stack,
                rflags: FLAG_INTERRUPTS | 2,
                cs: u64::from(USER_CODE),
                ss: u64::from(USER_DATA),
                ..TrapFrame::default()
            },
            fs_base: 0,
            gs_base: 0,
            is_sysret_possible: false,
        }
    }

    /// The registers of a new thread that goes on where this one is. Its time begins at zero.
    #[must_use]
    pub fn copy_for_child(&self) -> Self {
        Self { frame: self.frame, ..*self }
    }

    /// Its registers.
    #[must_use]
    pub fn registers(&self) -> &TrapFrame {
        &self.frame
    }

    /// The number and the arguments of the system call that it made.
    #[must_use]
    pub fn system_call(&self) -> (u64, [u64; 6]) {
        let f = &self.frame;
        (f.rax, [f.rdi, f.rsi, f.rdx, f.r10, f.r8, f.r9])
    }

    /// Sets what the system call answers.
    pub fn set_result(&mut self, value: u64) {
        self.frame.rax = value;
    }

    /// Changes registers at will, as a signal's delivery or `sigreturn` do. Selectors, privileged
    /// flags and impossible addresses are put right afterwards.
    pub fn modify(&mut self, change: impl FnOnce(&mut TrapFrame)) {
        change(&mut self.frame);
        let frame = &mut self.frame;
        frame.cs = u64::from(USER_CODE);
        frame.ss = u64::from(USER_DATA);
        frame.rflags = (frame.rflags & USER_FLAGS) | FLAG_INTERRUPTS | 2;
        if frame.rip >= USER_END {
            // `iretq` to a non-canonical address would fault in the kernel: fault in the program.
            frame.rip = USER_END;
        }
        self.is_sysret_possible = false;
    }

    /// The base of its FS segment: thread-local storage.
    #[must_use]
    pub fn fs_base(&self) -> u64 {
        self.fs_base
    }

    /// Sets the base of FS; gives back false, and changes nothing, for an address outside user space.
    #[must_use]
    pub fn set_fs_base(&mut self, base: u64) -> bool {
        let is_valid = base < USER_END;
        if is_valid {
            self.fs_base = base;
        }
        is_valid
    }

    /// The base of its GS segment.
    #[must_use]
    pub fn gs_base(&self) -> u64 {
        self.gs_base
    }

    /// As `set_fs_base`, for GS.
    #[must_use]
    pub fn set_gs_base(&mut self, base: u64) -> bool {
        let is_valid = base < USER_END;
        if is_valid {
            self.gs_base = base;
        }
        is_valid
    }

    /// Runs the thread until it needs the kernel. Called with interrupts disabled, so that what the
    /// caller has just checked (a signal, a reschedule) still holds, and that the clocks are this CPU's;
    /// returns with them disabled. An interrupt that ended it has been handled, on the kernel's time.
    /// The process's address space has to be loaded: without, the thread faults at once.
    pub fn enter(&mut self, clocks: UserClocks<'_>) -> Exit {
        // A switch between what follows and ring 3 would bring the next trap to another's context.
        crate::interrupts::disable();
        loop {
            self.load_segment_bases();
            clocks.begin();
            super::entry::enter(self, self.is_sysret_possible);
            clocks.end();
            self.is_sysret_possible = false;
            debug_assert_eq!(self.frame.cs & 3, PrivilegeLevel::Ring3 as u64);
            if self.frame.vector_slot == super::entry::SYSTEM_CALL {
                self.is_sysret_possible = true;
                local::current().statistics.system_calls.increment();
                return Exit::SystemCall;
            }
            let vector = crate::trap::vector_of(&self.frame);
            local::current().statistics.vectors[usize::from(vector)].increment();
            match vector {
                7 => {
                    crate::thread::load_for_running();
                    continue;
                }
                14 => {
                    return Exit::PageFault(PageFault::from_error_code(self.frame.error_code));
                }
                0..32 => return Exit::Exception { vector, error_code: self.frame.error_code },
                _ => {
                    crate::trap::interrupt(vector);
                    return Exit::Interrupt;
                }
            }
        }
    }

    /// Interrupts are disabled, so the CPU stays this one until ring 3 is reached.
    fn load_segment_bases(&self) {
        let cpu = local::current();
        if cpu.loaded_fs_base.replace(self.fs_base) != self.fs_base {
            FsBase::write(VirtAddr::new_truncate(self.fs_base));
        }
        if cpu.loaded_gs_base.replace(self.gs_base) != self.gs_base {
            KernelGsBase::write(VirtAddr::new_truncate(self.gs_base));
        }
    }
}
