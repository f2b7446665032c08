//! Clearing and copying whole pages, by plain instructions: under emulation the string instructions
//! run word by word with the loop around them interpreted anew, and on hardware a page is short.

use core::arch::asm;

use crate::paging::layout::PAGE_BYTES;

/// Fills a page with zeros.
///
/// # Safety
/// `page` is the start of a page that may be written.
pub(super) unsafe fn clear(page: *mut u8) {
    // SAFETY: the loop writes the page's 4,096 bytes, which the caller vouches for.
    unsafe {
        asm!(
            "2:",
            "mov [{at}], {zero}",
            "mov [{at} + 8], {zero}",
            "mov [{at} + 16], {zero}",
            "mov [{at} + 24], {zero}",
            "mov [{at} + 32], {zero}",
            "mov [{at} + 40], {zero}",
            "mov [{at} + 48], {zero}",
            "mov [{at} + 56], {zero}",
            "add {at}, 64",
            "cmp {at}, {end}",
            "jne 2b",
            at = inout(reg) page => _,
            end = in(reg) page.wrapping_add(PAGE_BYTES as usize),
            zero = in(reg) 0_u64,
            options(nostack),
        );
    }
}

/// Copies a page.
///
/// # Safety
/// Both are starts of pages, which do not overlap; `from` may be read and `to` written.
pub(super) unsafe fn copy(from: *const u8, to: *mut u8) {
    // SAFETY: the loop reads and writes 4,096 bytes of each, which the caller vouches for.
    unsafe {
        asm!(
            "2:",
            "mov {a}, [{from}]",
            "mov {b}, [{from} + 8]",
            "mov {c}, [{from} + 16]",
            "mov {d}, [{from} + 24]",
            "mov [{to}], {a}",
            "mov [{to} + 8], {b}",
            "mov [{to} + 16], {c}",
            "mov [{to} + 24], {d}",
            "add {from}, 32",
            "add {to}, 32",
            "cmp {from}, {end}",
            "jne 2b",
            from = inout(reg) from => _,
            to = inout(reg) to => _,
            end = in(reg) from.wrapping_add(PAGE_BYTES as usize),
            a = out(reg) _,
            b = out(reg) _,
            c = out(reg) _,
            d = out(reg) _,
            options(nostack),
        );
    }
}
