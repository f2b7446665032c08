//! Copies between the kernel and the running program. An address that the program may not use, or
//! that cannot be filled in, ends the copy: the fault handler finds the instruction in the exception
//! table and goes on behind the loop. Source of the idea: Linux's exception tables.
//!
//! The loops move eight bytes at a time by plain instructions: under emulation `rep movsb` runs byte
//! by byte, and on hardware the copies of a system call are short.

use core::arch::global_asm;
use core::fmt;

use crate::cpu::features;
use crate::paging::layout::USER_END;

/// The program may not use the address, at least not like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAddress(pub u64);

impl fmt::Display for BadAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the program cannot use its address {:#x}", self.0)
    }
}

/// Copies from the running program's memory. May sleep: the pages may have to be filled first.
///
/// # Errors
/// When a part of the range is not readable; how much of `bytes` has been written is unspecified.
pub fn copy_from(address: u64, bytes: &mut [u8]) -> Result<(), BadAddress> {
    check(address, bytes.len())?;
    // SAFETY: the kernel's side is a valid slice; the user's side lies in user space, and a fault
    // there ends the copy.
    let is_whole =
        unsafe { with_access(|| copy_user(bytes.as_mut_ptr(), address as *const u8, bytes.len())) };
    if is_whole { Ok(()) } else { Err(BadAddress(address)) }
}

/// Copies into the running program's memory. May sleep.
///
/// # Errors
/// When a part of the range is not writable; a part may have been written.
pub fn copy_to(address: u64, bytes: &[u8]) -> Result<(), BadAddress> {
    check(address, bytes.len())?;
    // SAFETY: as in `copy_from`.
    let is_whole =
        unsafe { with_access(|| copy_user(address as *mut u8, bytes.as_ptr(), bytes.len())) };
    if is_whole { Ok(()) } else { Err(BadAddress(address)) }
}

/// Fills a part of the running program's memory with zeros. May sleep.
///
/// # Errors
/// As `copy_to`.
pub fn zero(address: u64, len: usize) -> Result<(), BadAddress> {
    const ZEROS: [u8; 256] = [0; 256];
    let mut done = 0;
    while done < len {
        let count = (len - done).min(ZEROS.len());
        let at = address.checked_add(done as u64).ok_or(BadAddress(address))?;
        copy_to(at, &ZEROS[..count])?;
        done += count;
    }
    Ok(())
}

fn check(address: u64, len: usize) -> Result<(), BadAddress> {
    debug_assert!(crate::interrupts::are_enabled(), "a copy that may sleep, in atomic context");
    match address.checked_add(len as u64) {
        Some(end) if end <= USER_END => Ok(()),
        _ => Err(BadAddress(address)),
    }
}

/// Lets the kernel touch user pages while `f` runs.
pub(super) fn with_access<R>(f: impl FnOnce() -> R) -> R {
    let has_smap = features::get().smap;
    if has_smap {
        // SAFETY: SMAP is there, hence the instruction; it is undone below.
        unsafe { core::arch::asm!("stac", options(nostack, nomem)) };
    }
    let result = f();
    if has_smap {
        // SAFETY: as above.
        unsafe { core::arch::asm!("clac", options(nostack, nomem)) };
    }
    result
}

unsafe extern "C" {
    fn copy_user(to: *mut u8, from: *const u8, len: usize) -> bool;
    safe static __exception_table_start: u8;
    safe static __exception_table_end: u8;
}

/// Where to go on after a fault at `instruction`, if it is one of those that may fault.
pub(crate) fn fixup_for(instruction: u64) -> Option<u64> {
    let start = (&raw const __exception_table_start).cast::<[u64; 2]>();
    let bytes = (&raw const __exception_table_end).addr() - start.addr();
    // SAFETY: the linker script puts the entries, pairs of addresses, between the two symbols.
    let table = unsafe { core::slice::from_raw_parts(start, bytes / 16) };
    table.iter().find(|entry| entry[0] == instruction).map(|entry| entry[1])
}

global_asm!(
    r#"
    .section .text
    .balign 16
    .global copy_user
copy_user:
    mov rcx, rdx
    shr rcx, 3
    jz 3f
    .balign 16
10: mov rax, [rsi]
11: mov [rdi], rax
    add rsi, 8
    add rdi, 8
    dec rcx
    jnz 10b
3:  and edx, 7
    jz 4f
12: mov al, [rsi]
13: mov [rdi], al
    inc rsi
    inc rdi
    dec edx
    jnz 12b
4:  mov eax, 1
    ret
5:  xor eax, eax
    ret
    .pushsection .exception_table, "a"
    .quad 10b, 5b
    .quad 11b, 5b
    .quad 12b, 5b
    .quad 13b, 5b
    .popsection
    "#
);
