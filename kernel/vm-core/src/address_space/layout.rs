//! What an address space is given from outside: [`Layout`], [`Limits`] and the W^X policy.

use super::area::{PAGE_BYTES, PageRange, STACK_GUARD_BYTES};

/// Where things may lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The part of the address space that belongs to the program.
    pub user: PageRange,
    /// Mappings without a wish are placed below this, the highest first.
    pub mmap_top: u64,
}

impl Layout {
    /// The part of x86_64's address space that belongs to a program: from Linux's default
    /// `mmap_min_addr` to the last page of the lower half, which stays free as a guard against
    /// `syscall` returning to a non-canonical address.
    pub const USER: PageRange = match PageRange::new(0x1_0000, 0x7fff_ffff_f000) {
        Some(range) => range,
        None => panic!("the constants are page-aligned and in order"),
    };

    /// Pages by which the top moves at most: 28 bits, as on Linux.
    const RANDOM_PAGES: u64 = 1 << 28;
    /// Room between the top of user space and the mappings, at least and at most, for a stack.
    const STACK_ROOM: (u64, u64) = (128 << 20, (Self::USER.end() / 6 * 5) & !(PAGE_BYTES - 1));

    /// Linux's layout: mappings below a gap that holds the largest stack allowed, moved down by a
    /// random number of pages taken from `random`.
    #[must_use]
    pub fn randomized(random: u64, stack_limit_bytes: u64) -> Self {
        // The stack's own start is moved by up to 16 GiB.
        const STACK_RANDOM_BYTES: u64 = 16 << 30;
        let wanted = stack_limit_bytes
            .saturating_add(STACK_GUARD_BYTES + STACK_RANDOM_BYTES)
            .clamp(Self::STACK_ROOM.0, Self::STACK_ROOM.1);
        let room = wanted.div_ceil(PAGE_BYTES) * PAGE_BYTES;
        let moved = random % Self::RANDOM_PAGES * PAGE_BYTES;
        Self { user: Self::USER, mmap_top: Self::USER.end() - room - moved }
    }
}

/// What a process may use at most. A mapping beyond a limit is refused; lowering a limit takes
/// nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes mapped, reservations included (`RLIMIT_AS`).
    pub address_space_bytes: u64,
    /// Bytes that a stack may grow to (`RLIMIT_STACK`).
    pub stack_bytes: u64,
    /// Number of areas (`vm.max_map_count`).
    pub areas: usize,
}

/// Whether memory may be writable and executable at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteExecute {
    /// It may not: W^X.
    Refused,
    /// It may, as on Linux.
    Allowed,
}
