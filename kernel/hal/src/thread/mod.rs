//! Threads as the CPU sees them: a kernel stack, the registers that a switch keeps, and the vector
//! registers of the program, if it has used them.

mod vector;

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::ffi::c_void;
use core::mem::offset_of;
use core::ptr::NonNull;
use core::sync::atomic::AtomicU8;

use crate::cpu::local;
use crate::frame::OutOfMemory;
use crate::paging::layout::PAGE_BYTES;
use crate::paging::windows::KernelStack;
use vector::VectorState;
pub(crate) use vector::load_for_running;
pub use vector::{VectorImage, reset_vector_registers, set_vector_registers, vector_registers};

/// Something that a CPU can run: one kernel stack and what is on it. A handle: clones name the same
/// context, which is freed with the last one. The CPU that runs it has one, so a thread may drop
/// its own.
#[derive(Clone, Debug)]
pub struct ThreadContext(Arc<Inner>);

#[derive(Debug)]
#[repr(C)]
pub(crate) struct Inner {
    /// Where the saved registers lie, while it does not run.
    stack_pointer: UnsafeCell<u64>,
    /// 1 from the moment a CPU decides to run it until that CPU has saved its registers.
    is_running: AtomicU8,
    /// None for a CPU's first flow of control, which runs on the stack it booted on.
    stack: Option<KernelStack>,
    /// The topmost bytes of the stack, or, without one, leaked: there is one such context to a CPU, for good.
    vector: NonNull<VectorState>,
}

// SAFETY: the cells, and what `vector` points to, which is the context's own, are touched only by the CPU that
// has `is_running` set for itself.
unsafe impl Send for Inner {}
// SAFETY: as above.
unsafe impl Sync for Inner {}

impl ThreadContext {
    /// A context that starts in `entry`, with interrupts disabled, on a new stack of `stack_bytes`
    /// with a guard page below.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new(stack_bytes: u64, entry: fn() -> !) -> Result<Self, OutOfMemory> {
        Self::with(stack_bytes, entry, VectorState::new())
    }

    /// As `new`, with the vector registers of the thread that is running.
    ///
    /// # Errors
    /// When memory is short.
    pub fn new_like_running(stack_bytes: u64, entry: fn() -> !) -> Result<Self, OutOfMemory> {
        Self::with(stack_bytes, entry, vector::copy_of_running())
    }

    fn with(stack_bytes: u64, entry: fn() -> !, state: VectorState) -> Result<Self, OutOfMemory> {
        let stack = KernelStack::allocate(stack_bytes.div_ceil(PAGE_BYTES))?;
        // What `switch_context` pops: six registers, then the address it returns to.
        let frame = [0_u64, 0, 0, entry as usize as u64, 0, 0, start_address()];
        let vector_at = stack.top() - size_of::<VectorState>() as u64;
        let vector = NonNull::new(vector_at as *mut VectorState).ok_or(OutOfMemory)?;
        // SAFETY: it lies within the stack, which is new and mapped, and whose pages are more aligned.
        unsafe { vector.write(state) };
        let at = vector_at - 16 - size_of_val(&frame) as u64;
        // SAFETY: as above; it lies below.
        unsafe { (at as *mut [u64; 7]).write(frame) };
        Ok(Self(Arc::new(Inner {
            stack_pointer: UnsafeCell::new(at),
            is_running: AtomicU8::new(0),
            stack: Some(stack),
            vector,
        })))
    }

    /// The context of the flow of control that is running on this CPU since it was started: it goes
    /// on as the CPU's idle thread. To be called once on each CPU, before its first switch.
    #[must_use]
    pub fn adopt_current() -> Self {
        let context = Self(Arc::new(Inner {
            stack_pointer: UnsafeCell::new(0),
            is_running: AtomicU8::new(1),
            stack: None,
            vector: NonNull::from(Box::leak(Box::new(VectorState::new()))),
        }));
        crate::interrupts::without(|| {
            // SAFETY: only its own CPU touches the slot, with interrupts disabled.
            unsafe { *local::current().running.get() = Some(Arc::clone(&context.0)) };
        });
        context
    }

    /// Switches from the context that is running to this one and returns when the former is
    /// switched to again, perhaps on another CPU. Called with interrupts disabled.
    ///
    /// If another CPU is just switching away from this context, waits until it has. The handle goes
    /// to the CPU, so that a thread that never runs again leaves none behind on its stack.
    ///
    /// # Panics
    /// If the calling CPU has adopted no context, or is running this one already.
    pub fn switch(self) {
        debug_assert!(!crate::interrupts::are_enabled(), "a switch with interrupts enabled");
        let cpu = local::current();
        let to = Arc::as_ptr(&self.0);
        // SAFETY: only its own CPU touches the slot, with interrupts disabled.
        let running = unsafe { &mut *cpu.running.get() };
        // SAFETY: the same holds for this one.
        let previous = unsafe { &mut *cpu.previous.get() };
        let Some(before) = running.replace(self.0) else {
            panic!("a switch on a CPU that has adopted no context")
        };
        let from = Arc::as_ptr(&before);
        assert!(from != to, "a switch to the running context");
        vector::save(cpu, &before);
        // A program may have changed its segment bases by loading a selector, which the CPU's record
        // of them does not show: the next one's are written whatever they are.
        cpu.loaded_fs_base.set(local::UNKNOWN_BASE);
        cpu.loaded_gs_base.set(local::UNKNOWN_BASE);
        *previous = Some(before);
        // SAFETY: the CPU's slots keep both alive; the assembly waits until `to`'s registers are
        // saved, and marks it running, so that nobody else runs it.
        unsafe { switch_context(from.cast(), to.cast()) };
        drop_previous();
    }

    /// Whether the address lies on this context's own stack.
    #[must_use]
    pub fn has_on_stack(&self, address: u64) -> bool {
        self.0.stack.as_ref().is_some_and(|stack| stack.contains(address))
    }
}

/// Lets go of the context that this CPU has just switched away from. Runs on the next one, which may
/// have been away from this CPU meanwhile.
fn drop_previous() {
    // SAFETY: only its own CPU touches the slot, with interrupts disabled.
    let previous = unsafe { (*local::current().previous.get()).take() };
    drop(previous);
}

/// The first Rust function of a new context.
extern "C" fn begin(entry: *const c_void) -> ! {
    drop_previous();
    // SAFETY: `ThreadContext::new` put a function of this type there.
    let entry = unsafe { core::mem::transmute::<*const c_void, fn() -> !>(entry) };
    entry()
}

unsafe extern "C" {
    /// Both point to an `Inner`.
    fn switch_context(from: *const c_void, to: *const c_void);
    safe static thread_start: u8;
}

fn start_address() -> u64 {
    (&raw const thread_start) as u64
}

global_asm!(
    r#"
    .section .text
    .balign 16
    .global switch_context
switch_context:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    mov [rdi + {sp}], rsp
    mov byte ptr [rdi + {running}], 0   // from here on another CPU may run it: no more pushes
    mov al, 1
2:  xchg [rsi + {running}], al
    test al, al
    jz 3f
    pause
    mov al, 1
    jmp 2b
3:  mov rsp, [rsi + {sp}]
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret

    .balign 16
    .global thread_start
thread_start:
    xor ebp, ebp
    mov rdi, r12
    call {begin}
    ud2
    "#,
    sp = const offset_of!(Inner, stack_pointer),
    running = const offset_of!(Inner, is_running),
    begin = sym begin,
);
