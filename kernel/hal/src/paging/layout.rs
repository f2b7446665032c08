//! The kernel's half of the address space.
//!
//! | from | what |
//! |---|---|
//! | `0` .. `0x8000_0000_0000` | the running program |
//! | `DIRECT_MAP_BASE` | all of physical memory, never executable |
//! | `WINDOWS_BASE` | kernel stacks with guard pages, device registers |
//! | `KERNEL_BASE` | the image: text, read-only data, data |

/// Where the image's physical address 0 lies; the code model `kernel` wants the top 2 GiB.
pub const KERNEL_BASE: u64 = 0xffff_ffff_8000_0000;
/// Where physical address 0 lies in the direct map.
pub const DIRECT_MAP_BASE: u64 = 0xffff_8000_0000_0000;
/// Bytes of physical memory that the direct map has room for.
pub const DIRECT_MAP_BYTES: u64 = 0x4000_0000_0000;
/// Kernel stacks and device windows are placed from here on.
pub const WINDOWS_BASE: u64 = 0xffff_c000_0000_0000;
/// Bytes of the windows' region: one slot of the top-level table.
pub const WINDOWS_BYTES: u64 = 512 << 30;
/// First address that no program can have: the last page below the hole stays empty, so that a
/// `syscall` at the very end of user space cannot return to a non-canonical address.
pub const USER_END: u64 = 0x7fff_ffff_f000;
/// Bytes of a page and of a frame.
pub const PAGE_BYTES: u64 = 4096;

/// The direct map's address of a physical one.
pub(crate) const fn direct(physical: u64) -> u64 {
    DIRECT_MAP_BASE + physical
}
