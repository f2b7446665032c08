//! `memcpy`, `memmove` and `memset`, which the compiler calls for copies whose length it does not know.
//!
//! Those of `compiler_builtins` use `rep movsb` and `rep movsq`, three of them for each copy however
//! short it is: each starts anew under emulation, and takes dozens of cycles to start on hardware. Most
//! copies of the kernel are a few bytes long. Here they are two overlapping words; longer ones go 32
//! bytes at a time. Source of the idea: glibc's and musl's routines for x86_64 without vectors.
//!
//! A copy of less than a block loads all of it before it stores any, so that its ends may overlap. The
//! stronger symbols win over those of `compiler_builtins`, which are weak.

use core::arch::global_asm;

global_asm!(
    r#"
    .section .text
    .balign 16
    .global memmove
memmove:
    mov rax, rdi
    sub rax, rsi
    cmp rax, rdx
    jb 20f                        // the destination begins within the source: from the end
    .global memcpy
memcpy:
    mov rax, rdi
    cmp rdx, 32
    jb 2f
    .balign 16
1:  mov rcx, [rsi]
    mov r8, [rsi + 8]
    mov r9, [rsi + 16]
    mov r10, [rsi + 24]
    mov [rdi], rcx
    mov [rdi + 8], r8
    mov [rdi + 16], r9
    mov [rdi + 24], r10
    add rsi, 32
    add rdi, 32
    sub rdx, 32
    cmp rdx, 32
    jae 1b
2:  cmp edx, 8                    // less than 32 are left
    jb 4f
    cmp edx, 16
    jbe 3f
    mov rcx, [rsi]
    mov r8, [rsi + 8]
    mov r9, [rsi + rdx - 16]
    mov r10, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + 8], r8
    mov [rdi + rdx - 16], r9
    mov [rdi + rdx - 8], r10
    ret
3:  mov rcx, [rsi]                // 8 to 16
    mov r8, [rsi + rdx - 8]
    mov [rdi], rcx
    mov [rdi + rdx - 8], r8
    ret
4:  cmp edx, 4
    jb 5f
    mov ecx, [rsi]                // 4 to 7
    mov r8d, [rsi + rdx - 4]
    mov [rdi], ecx
    mov [rdi + rdx - 4], r8d
    ret
5:  cmp edx, 1
    jb 6f
    movzx ecx, byte ptr [rsi]     // 1 to 3
    je 7f
    movzx r8d, word ptr [rsi + rdx - 2]
    mov [rdi + rdx - 2], r8w
7:  mov [rdi], cl
6:  ret

20: mov rax, rdi
    cmp rdx, 32
    jb 2b
    .balign 16
21: mov rcx, [rsi + rdx - 8]
    mov r8, [rsi + rdx - 16]
    mov r9, [rsi + rdx - 24]
    mov r10, [rsi + rdx - 32]
    mov [rdi + rdx - 8], rcx
    mov [rdi + rdx - 16], r8
    mov [rdi + rdx - 24], r9
    mov [rdi + rdx - 32], r10
    sub rdx, 32
    cmp rdx, 32
    jae 21b
    jmp 2b

    .balign 16
    .global memset
memset:
    mov rax, rdi
    movzx ecx, sil
    mov r8, 0x0101010101010101
    imul rcx, r8
    cmp rdx, 32
    jb 32f
    .balign 16
31: mov [rdi], rcx
    mov [rdi + 8], rcx
    mov [rdi + 16], rcx
    mov [rdi + 24], rcx
    add rdi, 32
    sub rdx, 32
    cmp rdx, 32
    jae 31b
32: cmp edx, 8                    // less than 32 are left
    jb 34f
    cmp edx, 16
    jbe 33f
    mov [rdi + 8], rcx
    mov [rdi + rdx - 16], rcx
33: mov [rdi], rcx                // 8 to 16
    mov [rdi + rdx - 8], rcx
    ret
34: cmp edx, 4
    jb 35f
    mov [rdi], ecx                // 4 to 7
    mov [rdi + rdx - 4], ecx
    ret
35: cmp edx, 1
    jb 36f
    mov [rdi], cl                 // 1 to 3
    je 36f
    mov [rdi + rdx - 2], cx
36: ret
    "#
);
