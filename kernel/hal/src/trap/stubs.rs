//! Interrupt and exception entries. Interrupt gates: all of them start with interrupts disabled.
//!
//! A stub pushes an error code where the CPU has not, and calls its entry; the return address that
//! `call` leaves is the vector. From the kernel a `TrapFrame` is built on the current stack. From a
//! program the registers go right into the `UserContext` that `UserContext::enter` is running, and
//! that call returns. NMI, double fault and machine check run on stacks of their own and may arrive
//! anywhere, also between a `swapgs` and its use, so they ask the GS base instead of the selector.

use core::arch::global_asm;
use core::mem::offset_of;

use super::frame::TrapFrame;
use crate::cpu::local::CpuLocal;
use crate::user::UserContext;

global_asm!(
    r#"
    .section .text
    .macro stub_without_code
    .balign 16
    push 0
    call trap_entry
    .endm
    .macro stub_with_code
    .balign 16
    call trap_entry
    .endm
    .macro stub_paranoid
    .balign 16
    push 0
    call trap_entry_paranoid
    .endm
    .macro stub_paranoid_with_code
    .balign 16
    call trap_entry_paranoid
    .endm

    .global trap_stubs
    .balign 16
trap_stubs:
    .rept 2
    stub_without_code
    .endr
    stub_paranoid               // 2: NMI
    .rept 5
    stub_without_code
    .endr
    stub_paranoid_with_code     // 8: double fault
    stub_without_code
    .rept 5
    stub_with_code              // 10 to 14
    .endr
    .rept 2
    stub_without_code
    .endr
    stub_with_code              // 17: alignment check
    stub_paranoid               // 18: machine check
    .rept 2
    stub_without_code
    .endr
    stub_with_code              // 21: control protection
    .rept 7
    stub_without_code
    .endr
    .rept 2
    stub_with_code              // 29, 30
    .endr
    .rept 225
    stub_without_code
    .endr

    .macro push_registers
    push rdi
    push rsi
    push rdx
    push rcx
    push rax
    push r8
    push r9
    push r10
    push r11
    push rbx
    push rbp
    push r12
    push r13
    push r14
    push r15
    .endm
    .macro pop_registers
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbp
    pop rbx
    pop r11
    pop r10
    pop r9
    pop r8
    pop rax
    pop rcx
    pop rdx
    pop rsi
    pop rdi
    .endm

    .balign 16
trap_entry:
    test byte ptr [rsp + 24], 3  // the interrupted code selector
    jnz trap_from_user
    push_registers
    cld
    mov rdi, rsp
    call {from_kernel}
    pop_registers
    add rsp, 16
    iretq

    .balign 16
trap_from_user:
    swapgs
    cld
    push rax
    mov rax, gs:[{rsp0}]
    mov rax, [rax]               // the context being run
    mov [rax + {rdi}], rdi
    mov [rax + {rsi}], rsi
    mov [rax + {rdx}], rdx
    mov [rax + {rcx}], rcx
    mov [rax + {r8}], r8
    mov [rax + {r9}], r9
    mov [rax + {r10}], r10
    mov [rax + {r11}], r11
    mov [rax + {rbx}], rbx
    mov [rax + {rbp}], rbp
    mov [rax + {r12}], r12
    mov [rax + {r13}], r13
    mov [rax + {r14}], r14
    mov [rax + {r15}], r15
    pop qword ptr [rax + {rax}]
    pop qword ptr [rax + {vector}]
    pop qword ptr [rax + {error}]
    pop qword ptr [rax + {rip}]
    pop qword ptr [rax + {cs}]
    pop qword ptr [rax + {rflags}]
    pop qword ptr [rax + {rsp}]
    pop qword ptr [rax + {ss}]
    jmp user_leave

    .balign 16
trap_entry_paranoid:
    push_registers
    cld
    mov ecx, 0xc0000101          // GS base: the kernel's is negative, a program's never
    rdmsr
    xor ebx, ebx
    test edx, edx
    js 2f
    swapgs
    inc ebx
2:  mov rdi, rsp
    call {from_kernel}
    test ebx, ebx
    jz 3f
    swapgs
3:  pop_registers
    add rsp, 16
    iretq
    "#,
    from_kernel = sym super::trap_from_kernel,
    rsp0 = const CpuLocal::RSP0_OFFSET,
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
    error = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, error_code),
    rip = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rip),
    cs = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, cs),
    rflags = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rflags),
    rsp = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, rsp),
    ss = const offset_of!(UserContext, frame) + offset_of!(TrapFrame, ss),
);
