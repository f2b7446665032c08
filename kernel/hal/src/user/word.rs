//! Single words of the running program's memory, read and changed in one step: what futexes need.
//!
//! With interrupts enabled a page that is not there is filled in first; with interrupts disabled,
//! under a lock, the access ends with an error and the caller fills the page in without the lock.

use core::arch::global_asm;

use super::copy::with_access;
use super::{BadAddress, copy_from};
use crate::paging::layout::USER_END;

unsafe extern "C" {
    /// Gives the word in the low half, or all ones.
    fn load_user_word(at: *const u32) -> u64;
    /// As `load_user_word`, for the word as it was before.
    fn exchange_user_word(at: *mut u32, expected: u32, new: u32) -> u64;
}

fn check(address: u64) -> Result<(), BadAddress> {
    if address < USER_END && address.is_multiple_of(4) { Ok(()) } else { Err(BadAddress(address)) }
}

fn word(answer: u64, address: u64) -> Result<u32, BadAddress> {
    u32::try_from(answer).map_err(|_| BadAddress(address))
}

/// Reads an aligned word.
///
/// # Errors
/// When it is not readable, not aligned, or not there while interrupts are disabled.
pub fn load_word(address: u64) -> Result<u32, BadAddress> {
    check(address)?;
    // SAFETY: the word lies in user space; a fault there ends the access.
    word(unsafe { with_access(|| load_user_word(address as *const u32)) }, address)
}

/// Writes `new` to an aligned word if it is `expected`; gives what it was.
///
/// # Errors
/// As `load_word`, and when it is not writable.
pub fn compare_exchange_word(address: u64, expected: u32, new: u32) -> Result<u32, BadAddress> {
    check(address)?;
    // SAFETY: as in `load_word`.
    let before = unsafe { with_access(|| exchange_user_word(address as *mut u32, expected, new)) };
    word(before, address)
}

/// Has the page of an aligned word filled in so that it can be read, or written. May sleep.
///
/// # Errors
/// When it cannot be used like that.
pub fn fill_in_word(address: u64, is_written: bool) -> Result<(), BadAddress> {
    let mut bytes = [0; 4];
    copy_from(address, &mut bytes)?;
    if is_written {
        // Exchanges the word for itself: a write that changes nothing.
        let value = u32::from_le_bytes(bytes);
        compare_exchange_word(address, value, value)?;
    }
    Ok(())
}

global_asm!(
    r#"
    .section .text
    .balign 16
    .global load_user_word
load_user_word:
20: mov eax, [rdi]
    ret
    .balign 16
    .global exchange_user_word
exchange_user_word:
    mov eax, esi
21: lock cmpxchg [rdi], edx
    ret
22: mov rax, -1
    ret
    .pushsection .exception_table, "a"
    .quad 20b, 22b
    .quad 21b, 22b
    .popsection
    "#
);
