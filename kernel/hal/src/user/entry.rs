//! The way into ring 3, and the system call's way out. Traps come out by `trap::stubs`.

use core::arch::global_asm;
use core::mem::offset_of;

use super::UserContext;
use crate::cpu::local::CpuLocal;
use crate::trap::TrapFrame;

/// In `vector_slot`, after a system call: no stub lies there.
pub(super) const SYSTEM_CALL: u64 = 1;

unsafe extern "C" {
    fn enter_user(context: *mut UserContext, by_sysret: u64);
    safe static system_call_entry: u8;
}

/// Where `syscall` jumps to.
pub(crate) fn system_call_entry_address() -> u64 {
    (&raw const system_call_entry) as u64
}

/// Runs the context until the next trap or system call.
pub(super) fn enter(context: &mut UserContext, by_sysret: bool) {
    // SAFETY: the context's selectors, flags and instruction pointer are valid for ring 3 (its type
    // keeps them so), interrupts are disabled, and the entries return here with all registers that a
    // call preserves.
    unsafe { enter_user(context, u64::from(by_sysret)) }
    // A trap leaves the program's alignment-check flag, which means "may touch user memory"; a system call
    // clears it (`SFMask`).
    if context.frame.vector_slot != SYSTEM_CALL && crate::cpu::features::get().smap {
        // SAFETY: SMAP is there, hence the instruction.
        unsafe { core::arch::asm!("clac", options(nostack, nomem)) };
    }
}

global_asm!(
    r#"
    .section .text
    .balign 16
    .global enter_user
enter_user:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    push rdi
    mov gs:[{rsp0}], rsp          // traps and system calls find the context at its top
    test esi, esi
    jnz 2f
    push qword ptr [rdi + {ss}]
    push qword ptr [rdi + {rsp}]
    push qword ptr [rdi + {rflags}]
    push qword ptr [rdi + {cs}]
    push qword ptr [rdi + {rip}]
    mov r15, [rdi + {r15}]
    mov r14, [rdi + {r14}]
    mov r13, [rdi + {r13}]
    mov r12, [rdi + {r12}]
    mov rbp, [rdi + {rbp}]
    mov rbx, [rdi + {rbx}]
    mov r11, [rdi + {r11}]
    mov r10, [rdi + {r10}]
    mov r9, [rdi + {r9}]
    mov r8, [rdi + {r8}]
    mov rax, [rdi + {rax}]
    mov rcx, [rdi + {rcx}]
    mov rdx, [rdi + {rdx}]
    mov rsi, [rdi + {rsi}]
    mov rdi, [rdi + {rdi}]
    swapgs
    iretq
2:
    mov r15, [rdi + {r15}]
    mov r14, [rdi + {r14}]
    mov r13, [rdi + {r13}]
    mov r12, [rdi + {r12}]
    mov rbp, [rdi + {rbp}]
    mov rbx, [rdi + {rbx}]
    mov r11, [rdi + {rflags}]
    mov r10, [rdi + {r10}]
    mov r9, [rdi + {r9}]
    mov r8, [rdi + {r8}]
    mov rax, [rdi + {rax}]
    mov rcx, [rdi + {rip}]
    mov rdx, [rdi + {rdx}]
    mov rsi, [rdi + {rsi}]
    mov rsp, [rdi + {rsp}]
    mov rdi, [rdi + {rdi}]
    swapgs
    sysretq

    .balign 16
    .global system_call_entry
system_call_entry:
    swapgs
    mov gs:[{scratch}], rsp
    mov rsp, gs:[{rsp0}]
    mov rsp, [rsp]                // the context being run
    mov [rsp + {rdi}], rdi
    mov [rsp + {rsi}], rsi
    mov [rsp + {rdx}], rdx
    mov [rsp + {rax}], rax
    mov [rsp + {r8}], r8
    mov [rsp + {r9}], r9
    mov [rsp + {r10}], r10
    mov [rsp + {rbx}], rbx
    mov [rsp + {rbp}], rbp
    mov [rsp + {r12}], r12
    mov [rsp + {r13}], r13
    mov [rsp + {r14}], r14
    mov [rsp + {r15}], r15
    mov [rsp + {rcx}], rcx
    mov [rsp + {r11}], r11
    mov [rsp + {rip}], rcx
    mov [rsp + {rflags}], r11
    mov rax, gs:[{scratch}]
    mov [rsp + {rsp}], rax
    mov qword ptr [rsp + {vector}], {system_call}

    .global user_leave
user_leave:
    mov rsp, gs:[{rsp0}]
    pop rdi
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
    "#,
    rsp0 = const CpuLocal::RSP0_OFFSET,
    scratch = const CpuLocal::SCRATCH_OFFSET,
    system_call = const SYSTEM_CALL,
    rax = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rax),
    rdi = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rdi),
    rsi = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rsi),
    rdx = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rdx),
    rcx = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rcx),
    r8 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r8),
    r9 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r9),
    r10 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r10),
    r11 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r11),
    rbx = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rbx),
    rbp = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rbp),
    r12 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r12),
    r13 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r13),
    r14 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r14),
    r15 = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, r15),
    vector = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, vector_slot),
    rip = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rip),
    cs = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, cs),
    rflags = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rflags),
    rsp = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rsp),
    ss = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, ss),
);
