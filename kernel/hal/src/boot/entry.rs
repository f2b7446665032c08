//! The first instructions: the PVH entry in 32-bit protected mode, up to long mode and the first
//! Rust function. `start_info` comes in `ebx`.
//! Source: the PVH boot ABI, xen/include/public/arch-x86/hvm/start_info.h.
//!
//! The tables built here are provisional: they map the first 4 GiB three times (identity, direct
//! map, and its first GiB at the kernel's base) with 2-MiB pages; `paging::kernel_space` replaces
//! them by the real ones.

use core::arch::global_asm;

/// Bytes of the boot CPU's first stack; it becomes the stack of that CPU's idle thread.
pub(crate) const BOOT_STACK_BYTES: usize = 32 * 1024;

global_asm!(
    r#"
    .section .note.pvh, "a", @note
    .balign 4
    .long 4                      // name size
    .long 8                      // descriptor size
    .long 18                     // XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .quad pvh_start - {base}
    .balign 4

    .section .boot.text, "ax"
    .code32
    .global pvh_start
pvh_start:
    cli
    cld
    mov esp, offset boot_stack_top - {base}
    mov ebp, ebx                 // start_info, kept over cpuid

    // Four page directories with 2048 2-MiB pages: present, writable, large.
    mov edi, offset boot_pd - {base}
    mov eax, 0x83
    xor ecx, ecx
2:  mov [edi + ecx * 8], eax
    mov dword ptr [edi + ecx * 8 + 4], 0
    add eax, 0x200000
    inc ecx
    cmp ecx, 2048
    jne 2b

    mov eax, offset boot_pd - {base}
    or eax, 3
    mov edi, offset boot_pdpt - {base}
    mov [edi], eax
    mov [edi + 4080], eax        // entry 510: the kernel's base, the same first GiB
    add eax, 4096
    mov [edi + 8], eax
    add eax, 4096
    mov [edi + 16], eax
    add eax, 4096
    mov [edi + 24], eax

    mov eax, offset boot_pdpt - {base}
    or eax, 3
    mov edi, offset boot_pml4 - {base}
    mov [edi], eax               // identity
    mov [edi + 2048], eax        // entry 256: the direct map
    mov [edi + 4088], eax        // entry 511: the kernel's base
    mov cr3, edi

    mov eax, cr4
    or eax, 0x20                 // PAE
    mov cr4, eax
    mov ecx, 0xc0000080          // EFER
    rdmsr
    or eax, 0x900                // LME, NXE
    wrmsr
    mov eax, cr0
    or eax, 0x80010001           // PG, WP, PE
    mov cr0, eax
    lgdt [boot_gdt_pointer - {base}]
    push 8
    mov eax, offset pvh_start_64 - {base}
    push eax
    retf

    .code64
pvh_start_64:
    movabs rax, offset pvh_start_high
    jmp rax
pvh_start_high:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    lea rsp, [rip + boot_stack_top]
    mov edi, ebp
    xor ebp, ebp
    push rbp                     // a null return address ends backtraces
    jmp {rust_entry}

    .section .rodata
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff     // 64-bit code
    .quad 0x00cf93000000ffff     // data
boot_gdt_end:
boot_gdt_pointer:
    .word boot_gdt_end - boot_gdt - 1
    .quad boot_gdt - {base}

    .section .boot.bss, "aw", @nobits
    .balign 4096
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pd:   .skip 16384
    .global boot_stack_guard
boot_stack_guard: .skip 4096
    .global boot_stack_bottom
boot_stack_bottom: .skip {stack}
    .global boot_stack_top
boot_stack_top:
    "#,
    base = const crate::paging::layout::KERNEL_BASE,
    stack = const BOOT_STACK_BYTES,
    rust_entry = sym super::boot_cpu_main,
);
