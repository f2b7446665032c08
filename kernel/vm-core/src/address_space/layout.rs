//! What an address space is given from outside: [`Layout`], [`Limits`] and the W^X policy.

use super::area::{PAGE_BYTES, PageRange, STACK_GUARD_BYTES};

/// Where things may lie.
///
/// What a program has beside its image (stack, mappings, the clock's page) lies in one gibibyte, and that
/// in the same 512 as an image that is linked to a low address, so that they share page tables: a
/// process is mostly page tables, and each fork and each end goes through them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The part of the address space that belongs to the program.
    pub user: PageRange,
    /// The stack is placed below this.
    pub stack_top: u64,
    /// Mappings without a wish are placed below this, the highest first.
    pub mmap_top: u64,
    /// Small ones are placed here as long as there is room: just above the stack, where its page table leads
    /// anyway.
    pub small: PageRange,
}

impl Layout {
    /// The part of x86_64's address space that belongs to a program: from Linux's default
    /// `mmap_min_addr` to the last page of the lower half, which stays free as a guard against
    /// `syscall` returning to a non-canonical address.
    pub const USER: PageRange = match PageRange::new(0x1_0000, 0x7fff_ffff_f000) {
        Some(range) => range,
        None => panic!("the constants are page-aligned and in order"),
    };

    /// The gibibytes that a stack may lie in: up to the end of the first 512, which one table of the
    /// second level leads to, and high enough for heaps that grow from below.
    const GIBIBYTES: (u64, u64) = (256, 512);
    /// Bytes of the largest mappings that count as small.
    pub const SMALL_BYTES: u64 = 32 << 10;

    /// Pages that a table of the lowest level leads to.
    const TABLE_PAGES: u64 = 512;
    /// The tables of a gibibyte that a stack's top may lie in: in the upper half, so that mappings fit below.
    const STACK_TABLES: (u64, u64) = (256, 512);
    /// Places of a stack's top in its table, in pages: with room for a small stack below, and for small
    /// mappings above.
    const STACK_PAGES: (u64, u64) = (64, 448);
    /// Room for small mappings, at least; a page is left free between them and the stack.
    const SMALL_PAGES: u64 = 32;
    /// Room between the tops of the stack and of the mappings, at least and at most: at least as on
    /// Linux, for a program that raises its limit when it runs.
    const STACK_ROOM: (u64, u64) = (128 << 20, 200 << 30);

    /// A layout with 24 bits of `random` in the stack's place, 16 more in the mappings' below it, and 5 to 8 in
    /// the small ones' above. There is room below the stack for the largest allowed, up to 200 GiB.
    #[must_use]
    pub fn randomized(random: u64, stack_limit_bytes: u64) -> Self {
        let within = |(least, end): (u64, u64), random: u64| least + random % (end - least);
        let gibibyte = within(Self::GIBIBYTES, random >> 48);
        let table = within(Self::STACK_TABLES, random >> 40 & 0xff);
        let page = within(Self::STACK_PAGES, random >> 24 & 0xffff);
        let small_pages =
            within((Self::SMALL_PAGES, Self::TABLE_PAGES - page), random >> 16 & 0xff);
        let gap = random & 0xffff;
        let stack_top = (gibibyte << 30) + (table * Self::TABLE_PAGES + page) * PAGE_BYTES;
        let small = PageRange::with_length(stack_top + PAGE_BYTES, small_pages * PAGE_BYTES);
        let room = stack_limit_bytes
            .saturating_add(STACK_GUARD_BYTES)
            .clamp(Self::STACK_ROOM.0, Self::STACK_ROOM.1);
        let mmap_top = stack_top - room.next_multiple_of(PAGE_BYTES) - gap * PAGE_BYTES;
        // The range is not empty, and far from the end of the address space.
        Self { user: Self::USER, stack_top, mmap_top, small: small.unwrap_or(Self::USER) }
    }
}

/// What a process may use at most. A mapping beyond a limit is refused; lowering a limit takes
/// nothing away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes mapped, reservations included (`RLIMIT_AS`).
    pub address_space_bytes: u64,
    /// Bytes that are private and can be written, without stacks (`RLIMIT_DATA`).
    pub data_bytes: u64,
    /// Bytes that may be locked (`RLIMIT_MEMLOCK`).
    pub locked_bytes: u64,
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
