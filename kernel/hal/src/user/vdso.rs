//! The page that programs read the clocks by, without a system call: a small shared object, as Linux
//! maps one into every program (vdso(7)), so that C libraries and Go find it by `AT_SYSINFO_EHDR`.
//!
//! It is laid out here byte by byte, since no linker for it is there: an ELF header, two program
//! headers, and what a dynamic symbol is looked up by. All addresses in it are offsets from its
//! start. The clocks' constants lie in the same page: they never change while the kernel runs, and
//! nobody can write the page. A call that is not answered here is made as a system call.

use core::arch::global_asm;

use crate::time;

unsafe extern "C" {
    safe static vdso_start: u8;
    safe static vdso_constants: u8;
    safe static vdso_end: u8;
}

/// Writes the object for the clocks as they were started, by calls of `write` with places in the page
/// and what belongs there. It has no more bytes than a page; the rest is to be zeros.
pub fn write_vdso(mut write: impl FnMut(usize, &[u8])) {
    let start = &raw const vdso_start;
    let length = (&raw const vdso_end).addr() - start.addr();
    // SAFETY: the object lies between the two symbols, in the image's read-only data.
    write(0, unsafe { core::slice::from_raw_parts(start, length) });
    let constants = (&raw const vdso_constants).addr() - start.addr();
    for (index, word) in time::constants().into_iter().enumerate() {
        write(constants + index * size_of::<u64>(), &word.to_le_bytes());
    }
}

global_asm!(
    r#"
    .section .rodata.vdso, "a"
    .balign 16
    .global vdso_start
    .global vdso_constants
    .global vdso_end

vdso_start:
    .byte 0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0        // ELF, 64 bits, little-endian
    .quad 0
    .short 3, 62                                    // ET_DYN, x86-64
    .long 1
    .quad 0                                         // no entry
    .quad vdso_headers - vdso_start
    .quad 0                                         // no sections
    .long 0
    .short 64, 56, 2, 0, 0, 0

vdso_headers:
    .long 1, 5                                      // PT_LOAD, to be read and executed
    .quad 0, 0, 0
    .quad vdso_end - vdso_start, vdso_end - vdso_start
    .quad 4096
    .long 2, 4                                      // PT_DYNAMIC, to be read
    .quad vdso_dynamic - vdso_start, vdso_dynamic - vdso_start, vdso_dynamic - vdso_start
    .quad vdso_dynamic_end - vdso_dynamic, vdso_dynamic_end - vdso_dynamic
    .quad 8

    .balign 8
vdso_dynamic:
    .quad 14, vdso_name - vdso_strings              // DT_SONAME
    .quad 4, vdso_hash - vdso_start                 // DT_HASH
    .quad 5, vdso_strings - vdso_start              // DT_STRTAB
    .quad 6, vdso_symbols - vdso_start              // DT_SYMTAB
    .quad 10, vdso_strings_end - vdso_strings       // DT_STRSZ
    .quad 11, 24                                    // DT_SYMENT
    .quad 0x6ffffff0, vdso_versions - vdso_start    // DT_VERSYM
    .quad 0x6ffffffc, vdso_definitions - vdso_start // DT_VERDEF
    .quad 0x6ffffffd, 2                             // DT_VERDEFNUM
    .quad 0, 0
vdso_dynamic_end:

vdso_symbols:
    .quad 0, 0, 0
    .long vdso_name_clock_gettime - vdso_strings
    .byte 0x12, 0                                   // a global function
    .short 1                                        // defined
    .quad vdso_clock_gettime - vdso_start, vdso_gettimeofday - vdso_clock_gettime
    .long vdso_name_gettimeofday - vdso_strings
    .byte 0x12, 0
    .short 1
    .quad vdso_gettimeofday - vdso_start, vdso_time - vdso_gettimeofday
    .long vdso_name_time - vdso_strings
    .byte 0x12, 0
    .short 1
    .quad vdso_time - vdso_start, vdso_now - vdso_time

vdso_hash:
    .long 1, 4                                      // one chain of all symbols
    .long 1
    .long 0, 2, 3, 0

vdso_versions:
    .short 0, 2, 2, 2
    .balign 4
vdso_definitions:
    .short 1, 1, 1, 1                               // the object's own name
    .long 0xdeebfa1
    .long 20, 28
    .long vdso_name - vdso_strings, 0
    .short 1, 0, 2, 1                               // LINUX_2.6
    .long 0x3ae75f6
    .long 20, 0
    .long vdso_version - vdso_strings, 0

vdso_strings:
    .byte 0
vdso_name:
    .asciz "linux-vdso.so.1"
vdso_version:
    .asciz "LINUX_2.6"
vdso_name_clock_gettime:
    .asciz "__vdso_clock_gettime"
vdso_name_gettimeofday:
    .asciz "__vdso_gettimeofday"
vdso_name_time:
    .asciz "__vdso_time"
vdso_strings_end:

    .balign 8
vdso_constants:                                     // see `time::constants`
    .quad 0
    .quad 0
    .quad 0

    // int clock_gettime(clockid_t edi, struct timespec *rsi)
    .balign 16
vdso_clock_gettime:
    cmp edi, 11
    ja 2f
    mov ecx, 0x8f3                                  // the clocks below, 1, 4, 6 and 7 besides
    bt ecx, edi
    jnc 2f
    mov r8d, 0x821                                  // CLOCK_REALTIME, its coarse one, CLOCK_TAI
    call vdso_now
    xor edx, edx
    mov ecx, 1000000000
    div rcx
    mov [rsi], rax
    mov [rsi + 8], rdx
    xor eax, eax
    ret
2:  mov eax, 228
    syscall
    ret

    // int gettimeofday(struct timeval *rdi, struct timezone *rsi)
    .balign 16
vdso_gettimeofday:
    test rsi, rsi
    jz 2f
    mov qword ptr [rsi], 0
2:  mov r9, rdi
    test rdi, rdi
    jz 3f
    mov r8d, 1
    xor edi, edi
    call vdso_now
    xor edx, edx
    mov ecx, 1000000000
    div rcx
    mov [r9], rax
    mov eax, edx
    xor edx, edx
    mov ecx, 1000
    div ecx
    mov [r9 + 8], rax
3:  xor eax, eax
    ret

    // time_t time(time_t *rdi)
    .balign 16
vdso_time:
    mov r9, rdi
    mov r8d, 1
    xor edi, edi
    call vdso_now
    xor edx, edx
    mov ecx, 1000000000
    div rcx
    test r9, r9
    jz 2f
    mov [r9], rax
2:  ret

    // The clock edi in rax, in nanoseconds: the wall clock if r8d has its bit. Changes rdx.
    .balign 16
vdso_now:
    lfence
    rdtsc
    shl rdx, 32
    or rax, rdx
    sub rax, [rip + vdso_constants + 8]
    mov edx, 0
    cmovb rax, rdx
    mul qword ptr [rip + vdso_constants]
    shrd rax, rdx, 32
    bt r8d, edi
    jnc 2f
    add rax, [rip + vdso_constants + 16]
2:  ret
vdso_end:
    .text
    "#
);
