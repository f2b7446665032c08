//! Where the image's parts lie, in physical addresses; the linker script sets the symbols.

use super::start_info::Range;
use crate::paging::layout::KERNEL_BASE;

unsafe extern "C" {
    safe static __image_start: u8;
    safe static __text_start: u8;
    safe static __text_end: u8;
    safe static __rodata_start: u8;
    safe static __rodata_end: u8;
    safe static __data_start: u8;
    safe static __data_end: u8;
    safe static __image_end: u8;
    safe static boot_stack_guard: u8;
}

fn physical(symbol: &u8) -> u64 {
    core::ptr::from_ref(symbol) as u64 - KERNEL_BASE
}

/// The whole image.
pub(crate) fn all() -> Range {
    Range { start: physical(&__image_start), end: physical(&__image_end) }
}

/// Instructions.
pub(crate) fn text() -> Range {
    Range { start: physical(&__text_start), end: physical(&__text_end) }
}

/// Constants.
pub(crate) fn rodata() -> Range {
    Range { start: physical(&__rodata_start), end: physical(&__rodata_end) }
}

/// Variables.
pub(crate) fn data() -> Range {
    Range { start: physical(&__data_start), end: physical(&__data_end) }
}

/// What nobody may write: instructions and constants.
pub(crate) fn read_only() -> Range {
    Range { start: text().start, end: rodata().end }
}

/// The page below the boot CPU's first stack, left unmapped.
pub(crate) fn stack_guard() -> u64 {
    physical(&boot_stack_guard)
}
