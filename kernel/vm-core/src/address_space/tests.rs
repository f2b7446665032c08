//! Examples by hand; `model.rs` compares long random sequences with a page-by-page model.

use std::vec;
use std::vec::Vec;

use super::*;

mod model;

const BASE: u64 = 0x10_0000;

fn space() -> AddressSpace<u32> {
    let layout = Layout {
        user: Layout::USER,
        stack_top: 0x7fff_0000_0000,
        mmap_top: 0x7000_0000_0000,
        small: PageRange::new(0x7fff_0000_1000, 0x7fff_0001_1000).unwrap(),
    };
    let limits = Limits {
        address_space_bytes: 1 << 46,
        data_bytes: u64::MAX,
        locked_bytes: u64::MAX,
        stack_bytes: 8 << 20,
        areas: 65_530,
    };
    AddressSpace::new(layout, limits, WriteExecute::Refused)
}

fn request(placement: Placement, length: u64, kind: Kind<u32>) -> MapRequest<u32> {
    let protection = Protection::READ_WRITE;
    let max_protection = Protection::ALL;
    MapRequest { length, placement, protection, max_protection, kind, is_locked: false }
}

fn map_at(space: &mut AddressSpace<u32>, address: u64, pages: u64, kind: Kind<u32>) {
    let mapped = space.map(request(Placement::Fixed(address), pages * PAGE_BYTES, kind)).unwrap();
    assert_eq!(mapped.range.start(), address);
}

fn ranges(space: &AddressSpace<u32>) -> Vec<(u64, u64)> {
    space.areas().map(|area| (area.range.start(), area.range.pages())).collect()
}

fn file(offset_pages: u64) -> Kind<u32> {
    Kind::PrivateFile(Backing { file: 7, offset: offset_pages * PAGE_BYTES })
}

#[test]
fn a_layout_leaves_room_for_the_stack_and_moves_with_the_random_number() {
    let still = Layout::randomized(0, 8 << 20);
    assert_eq!(still.stack_top, (256 << 30) + (512 << 20) + 64 * PAGE_BYTES);
    assert_eq!(still.stack_top - still.mmap_top, 128 << 20);
    assert_eq!(still.small.pages(), 32);
    let moved = Layout::randomized(3 << 48 | 5 << 40 | 2 << 24 | 7 << 16 | 1, 8 << 20);
    assert_eq!(moved.stack_top - still.stack_top, (3 << 30) + (10 << 20) + 2 * PAGE_BYTES);
    assert_eq!(moved.small.pages(), 39);
    assert_eq!(moved.stack_top - moved.mmap_top, (128 << 20) + PAGE_BYTES);
    for random in [0, 1 << 40, 0x5eed_5eed_5eed_5eed, u64::MAX] {
        for stack in [0, 8 << 20, 1 << 30, u64::MAX] {
            let layout = Layout::randomized(random, stack);
            assert!(layout.mmap_top.is_multiple_of(PAGE_BYTES));
            assert!(layout.mmap_top >= 55 << 30 && layout.user.contains(layout.mmap_top));
            let room = layout.stack_top - layout.mmap_top;
            assert!(room >= stack.saturating_add(STACK_GUARD_BYTES).min(200 << 30));
            // One table of the second level for both; one of the first for the stack and what lies just
            // above it.
            assert!(layout.small.end() <= 512 << 30);
            assert_eq!(layout.small.start(), layout.stack_top + PAGE_BYTES);
            assert!(layout.small.bytes() >= 4 * Layout::SMALL_BYTES);
            let table = |address: u64| address >> 21;
            assert_eq!(table(layout.small.end() - 1), table(layout.stack_top - (256 << 10)));
            if stack <= 8 << 20 {
                let gibibyte = |address: u64| address >> 30;
                assert_eq!(gibibyte(layout.mmap_top - (64 << 20)), gibibyte(layout.stack_top));
            }
        }
    }
}

#[test]
fn mappings_go_top_down_and_neighbours_alike_are_one() {
    let mut space = space();
    let large = |pages: u64| request(Placement::Anywhere, pages * PAGE_BYTES, Kind::Anonymous);
    let first = space.map(large(9)).unwrap();
    let second = space.map(large(10)).unwrap();
    assert_eq!(first.range.end(), 0x7000_0000_0000);
    assert_eq!(second.range.end(), first.range.start());
    assert_eq!(ranges(&space), [(second.range.start(), 19)]);
    let hinted = space.map(request(Placement::Hint(BASE + 5), 1, Kind::Anonymous)).unwrap();
    assert_eq!(hinted.range.start(), BASE);
    // The place is taken now.
    let again = MapRequest { placement: Placement::Hint(BASE), ..large(9) };
    assert_eq!(space.map(again).unwrap().range.end(), second.range.start());
}

#[test]
fn small_mappings_lie_above_the_stack_while_there_is_room() {
    let mut space = space();
    let small = space.layout().small;
    let pages = |pages: u64| request(Placement::Anywhere, pages * PAGE_BYTES, Kind::Anonymous);
    let first = space.map(pages(8)).unwrap();
    assert_eq!(first.range.end(), small.end());
    let second = space.map(pages(7)).unwrap();
    assert_eq!(second.range.end(), first.range.start());
    // A page is left.
    assert_eq!(space.map(pages(2)).unwrap().range.end(), space.layout().mmap_top);
    assert_eq!(space.map(pages(1)).unwrap().range.start(), small.start());
    assert_eq!(space.map(pages(1)).unwrap().range.end(), space.layout().mmap_top - 2 * PAGE_BYTES);
}

#[test]
fn a_reservation_of_any_size_is_one_node_and_can_be_opened_page_by_page() {
    let mut space = space();
    let mut reserve = request(Placement::Anywhere, 1 << 40, Kind::Anonymous);
    reserve.protection = Protection::NONE;
    let start = space.map(reserve).unwrap().range.start();
    assert_eq!(space.areas().count(), 1);
    assert_eq!(space.usage().inaccessible_bytes, 1 << 40);
    let changes = space.protect(start + PAGE_BYTES, 1, Protection::READ_WRITE).unwrap();
    assert_eq!(changes.len(), 1);
    assert!(!changes[0].has_lost_rights());
    assert_eq!(space.usage().inaccessible_bytes, (1 << 40) - PAGE_BYTES);
    assert_eq!(space.areas().count(), 3);
    let closed = space.protect(start + PAGE_BYTES, 1, Protection::NONE).unwrap();
    assert!(closed[0].has_lost_rights());
    assert_eq!(space.areas().count(), 1, "the pieces are joined again");
    assert_eq!(space.protect(start, 1, Protection::NONE).unwrap(), []);
}

#[test]
fn fixed_replaces_and_returns_what_was_there() {
    let mut space = space();
    map_at(&mut space, BASE, 10, file(100));
    let fixed = request(Placement::Fixed(BASE + 3 * PAGE_BYTES), 2 * PAGE_BYTES, Kind::Anonymous);
    let mapped = space.map(fixed.clone()).unwrap();
    assert_eq!(mapped.removed.len(), 1);
    assert_eq!(mapped.removed[0].kind, file(103));
    let offsets: Vec<_> = space.areas().map(|area| area.file_offset(area.range.start())).collect();
    assert_eq!(offsets, [Some(100 << 12), None, Some(105 << 12)]);

    let range = mapped.range;
    let careful = MapRequest { placement: Placement::FixedNoReplace(range.start()), ..fixed };
    assert_eq!(space.map(careful.clone()), Err(Error::Occupied { range }));
    let _ = space.unmap(range.start(), range.bytes()).unwrap();
    assert_eq!(space.map(careful).unwrap().range, range);
}

// proves: P4
#[test]
fn peak_is_the_most_there_was_and_moving_is_none() {
    let mut space = space();
    map_at(&mut space, BASE, 8, Kind::Anonymous);
    map_at(&mut space, BASE + 64 * PAGE_BYTES, 4, Kind::Anonymous);
    assert_eq!(space.peak_bytes(), 12 * PAGE_BYTES);
    let placement = RemapPlacement::Fixed(BASE + 32 * PAGE_BYTES);
    let moved = space.remap(BASE, 8 * PAGE_BYTES, 8 * PAGE_BYTES, placement).unwrap();
    assert!(moved.moved.is_some());
    assert_eq!(space.peak_bytes(), 12 * PAGE_BYTES);
    // In the place of another one.
    map_at(&mut space, BASE + 64 * PAGE_BYTES, 4, file(0));
    assert_eq!(space.peak_bytes(), 12 * PAGE_BYTES);
    let _ = space.unmap(BASE, 64 * PAGE_BYTES).unwrap();
    assert_eq!((space.usage().total_bytes, space.peak_bytes()), (4 << 12, 12 << 12));
    assert_eq!(space.fork().unwrap().peak_bytes(), 4 << 12);
    space.set_heap_start(2 * BASE);
    assert_eq!(space.set_break(2 * BASE + 20 * PAGE_BYTES).end, 2 * BASE + 20 * PAGE_BYTES);
    assert_eq!(space.set_break(2 * BASE).end, 2 * BASE);
    assert_eq!((space.usage().total_bytes, space.peak_bytes()), (4 << 12, 24 << 12));
}

// proves: P4
#[test]
fn data_code_and_what_is_locked_are_counted() {
    let mut space = space();
    map_at(&mut space, BASE, 8, Kind::Anonymous);
    map_at(&mut space, BASE + 8 * PAGE_BYTES, 2, Kind::SharedFile(Backing { file: 1, offset: 0 }));
    map_at(&mut space, BASE + 512 * PAGE_BYTES, 2, Kind::Stack);
    let pages = |space: &AddressSpace<u32>| {
        let usage = space.usage();
        [usage.data_bytes, usage.code_bytes, usage.locked_bytes].map(|bytes| bytes / PAGE_BYTES)
    };
    assert_eq!(pages(&space), [8, 0, 0]);
    let _ = space.protect(BASE, 3 * PAGE_BYTES, Protection::READ_EXECUTE).unwrap();
    let _ = space.protect(BASE + 3 * PAGE_BYTES, PAGE_BYTES, Protection::READ).unwrap();
    space.set_locked(BASE + PAGE_BYTES, 4 * PAGE_BYTES, true).unwrap();
    assert_eq!(pages(&space), [4, 3, 4]);
    assert_eq!(pages(&space.fork().unwrap()), [4, 3, 0]);
    let _ = space.unmap(BASE, 2 * PAGE_BYTES).unwrap();
    assert_eq!(pages(&space), [4, 1, 3]);
}

#[test]
fn malformed_requests_are_refused_and_change_nothing() {
    let mut space = space();
    map_at(&mut space, BASE, 4, Kind::Anonymous);
    let before = (ranges(&space), space.usage());
    let fixed = |at, length| request(Placement::Fixed(at), length, Kind::Anonymous);
    let end = Layout::USER.end();
    let outside = |start, length| Error::OutsideUserSpace { start, length };
    let mut cases = vec![
        (fixed(BASE, 0), Error::ZeroLength),
        (fixed(BASE + 1, 1), Error::Unaligned { value: BASE + 1 }),
        (fixed(0, 1), outside(0, 1)),
        (fixed(end - PAGE_BYTES, PAGE_BYTES + 1), outside(end - PAGE_BYTES, PAGE_BYTES + 1)),
        (fixed(BASE, u64::MAX), outside(BASE, u64::MAX)),
        (fixed(!0xfff, PAGE_BYTES), outside(!0xfff, PAGE_BYTES)),
        (request(Placement::Anywhere, u64::MAX, Kind::Anonymous), Error::NoSpace { bytes: !0 }),
        (request(Placement::Anywhere, 1 << 47, Kind::Anonymous), Error::NoSpace { bytes: 1 << 47 }),
        (
            request(Placement::Anywhere, (1 << 46) + 1, Kind::Anonymous),
            Error::AddressSpaceLimit { limit_bytes: 1 << 46 },
        ),
        (
            request(
                Placement::Anywhere,
                8192,
                Kind::SharedFile(Backing { file: 1, offset: (1 << 63) - 4096 }),
            ),
            Error::OffsetOverflow { offset: (1 << 63) - 4096, length: 8192 },
        ),
        (
            request(Placement::Anywhere, 1, Kind::SharedFile(Backing { file: 1, offset: 12 })),
            Error::Unaligned { value: 12 },
        ),
    ];
    let mut read_only = request(Placement::Anywhere, 1, file(0));
    read_only.max_protection = Protection::READ;
    let (asked, maximum) = (Protection::READ_WRITE, Protection::READ);
    cases.push((read_only, Error::BeyondMaximum { asked, maximum }));
    for (request, expected) in cases {
        assert_eq!(space.map(request.clone()), Err(expected), "{request:?}");
    }
    assert_eq!(space.unmap(BASE, 0), Err(Error::ZeroLength));
    assert_eq!(space.unmap(1, 1), Err(Error::Unaligned { value: 1 }));
    assert_eq!(space.unmap(BASE, !0), Err(outside(BASE, !0)));
    let hole = Error::NotMapped { address: BASE + 4 * PAGE_BYTES };
    assert_eq!(space.protect(BASE, 5 * PAGE_BYTES, Protection::NONE), Err(hole));
    assert_eq!(space.protect(BASE, 0, Protection::NONE), Ok(vec![]));
    assert_eq!((ranges(&space), space.usage()), before);
}

// proves: K6
#[test]
fn write_and_execute_together_are_refused_by_policy() {
    let mut strict = space();
    let mut both = request(Placement::Fixed(BASE), PAGE_BYTES, Kind::Anonymous);
    both.protection = Protection::ALL;
    assert_eq!(strict.map(both.clone()), Err(Error::WriteExecute));
    map_at(&mut strict, BASE, 1, Kind::Anonymous);
    assert_eq!(strict.protect(BASE, 1, Protection::ALL), Err(Error::WriteExecute));
    assert!(strict.protect(BASE, 1, Protection::READ_EXECUTE).is_ok());

    let mut lax: AddressSpace<u32> =
        AddressSpace::new(strict.layout, strict.limits(), WriteExecute::Allowed);
    assert!(lax.map(both).is_ok());
}

#[test]
fn limits_hold_for_bytes_and_areas() {
    let mut space = space();
    let limits = Limits { address_space_bytes: 4 * PAGE_BYTES, areas: 2, ..space.limits() };
    space.set_limits(limits);
    map_at(&mut space, BASE, 3, Kind::Anonymous);
    let limit = Error::AddressSpaceLimit { limit_bytes: 4 * PAGE_BYTES };
    let more = request(Placement::Anywhere, 2 * PAGE_BYTES, Kind::Anonymous);
    assert_eq!(space.map(more), Err(limit));
    // What is replaced makes room for what replaces it.
    map_at(&mut space, BASE, 4, Kind::Anonymous);
    assert_eq!(
        space.protect(BASE + PAGE_BYTES, 1, Protection::READ),
        Err(Error::TooManyAreas { limit: 2 })
    );
    let _ = space.unmap(BASE + PAGE_BYTES, 1).unwrap();
    assert_eq!(
        space.unmap(BASE + 3 * PAGE_BYTES, 1).map(|removed| removed.len()),
        Ok(1),
        "taking away is always possible where nothing splits"
    );
    let one = request(Placement::Anywhere, 1, Kind::Anonymous);
    assert_eq!(space.map(one), Err(Error::TooManyAreas { limit: 2 }));
}

#[test]
fn what_is_private_and_written_has_a_limit() {
    let mut space = space();
    space.set_heap_start(2 * BASE);
    space.set_limits(Limits { data_bytes: 4 * PAGE_BYTES, ..space.limits() });
    let limit = Error::DataLimit { limit_bytes: 4 * PAGE_BYTES };
    map_at(&mut space, BASE, 3, Kind::Anonymous);
    let more = request(Placement::Anywhere, 2 * PAGE_BYTES, Kind::Anonymous);
    assert_eq!(space.map(more.clone()), Err(limit));
    // Neither reservations, nor what is read, nor what is shared, nor stacks count.
    for (protection, kind) in [
        (Protection::NONE, Kind::Anonymous),
        (Protection::READ, Kind::PrivateFile(Backing { file: 1, offset: 0 })),
        (Protection::READ_WRITE, Kind::SharedAnonymous(Backing { file: 2, offset: 0 })),
        (Protection::READ_WRITE, Kind::Stack),
    ] {
        assert!(space.map(MapRequest { protection, kind, ..more.clone() }).is_ok());
    }
    // Until they become data: then all of the range has to fit.
    let reserved = space.map(MapRequest { protection: Protection::NONE, ..more.clone() });
    let start = reserved.unwrap().range.start();
    let write = Protection::READ_WRITE;
    assert_eq!(space.protect(start, 2 * PAGE_BYTES, write), Err(limit));
    assert!(space.protect(start, PAGE_BYTES, write).is_ok());
    assert!(space.protect(start, PAGE_BYTES, write).is_ok(), "it is that already");
    assert_eq!(space.set_break(2 * BASE + 1).end, 2 * BASE, "the heap is data");
    assert_eq!(space.remap(start, PAGE_BYTES, 2 * PAGE_BYTES, RemapPlacement::MayMove), Err(limit));
    let _ = space.unmap(start, PAGE_BYTES).unwrap();
    assert_eq!(space.set_break(2 * BASE + 1).end, 2 * BASE + 1);
    // What there is stays, and can be made less and moved, when the limit sinks.
    space.set_limits(Limits { data_bytes: PAGE_BYTES, ..space.limits() });
    let moved = space.remap(BASE, 3 * PAGE_BYTES, 2 * PAGE_BYTES, RemapPlacement::Fixed(3 * BASE));
    assert!(moved.is_ok(), "{moved:?}");
    assert!(space.protect(3 * BASE, PAGE_BYTES, Protection::READ).is_ok());
}

#[test]
fn what_is_locked_has_a_limit() {
    let mut space = space();
    space.set_heap_start(2 * BASE);
    space.set_limits(Limits { locked_bytes: 3 * PAGE_BYTES, ..space.limits() });
    let limit = Error::LockLimit { limit_bytes: 3 * PAGE_BYTES };
    map_at(&mut space, BASE, 4, Kind::Anonymous);
    assert_eq!(space.set_locked(BASE, 4 * PAGE_BYTES, true), Err(limit));
    space.set_locked(BASE, 2 * PAGE_BYTES, true).unwrap();
    // Only what is not locked yet is added.
    space.set_locked(BASE, 3 * PAGE_BYTES, true).unwrap();
    assert_eq!(space.set_locked(BASE, 4 * PAGE_BYTES, true), Err(limit));
    let locked = request(Placement::Anywhere, 1, Kind::Anonymous);
    assert!(space.map(locked.clone()).is_ok());
    let locked = MapRequest { is_locked: true, ..locked };
    assert_eq!(space.map(locked.clone()), Err(limit));
    space.set_locks_future(true);
    assert_eq!(space.set_break(2 * BASE + 1).end, 2 * BASE);
    space.set_locked(BASE + PAGE_BYTES, 2 * PAGE_BYTES, false).unwrap();
    assert_eq!(space.map(locked).map(|it| it.range.pages()), Ok(1));
    assert_eq!(space.set_break(2 * BASE + 1).end, 2 * BASE + 1);
    assert_eq!(space.usage().locked_bytes, 3 * PAGE_BYTES);
    let grown = space.remap(BASE, PAGE_BYTES, 2 * PAGE_BYTES, RemapPlacement::Fixed(3 * BASE));
    assert_eq!(grown, Err(limit));
    let moved = space.remap(BASE, PAGE_BYTES, PAGE_BYTES, RemapPlacement::Fixed(3 * BASE));
    assert!(moved.is_ok(), "{moved:?}");
}

#[test]
fn the_break_moves_within_limits_and_never_fails() {
    let mut space = space();
    assert_eq!(space.set_break(BASE).end, 0, "no heap yet");
    space.set_heap_start(BASE + 12);
    let start = BASE + PAGE_BYTES;
    assert_eq!(space.set_break(0).end, start);
    assert_eq!(space.set_break(start + 5000).end, start + 5000);
    assert_eq!(ranges(&space), [(start, 2)]);
    assert_eq!(space.usage().heap_bytes, 2 * PAGE_BYTES);
    assert_eq!(space.set_break(start + 6000).end, start + 6000, "within the page");
    assert_eq!(space.set_break(start - 1).end, start + 6000);
    assert_eq!(space.set_break(u64::MAX).end, start + 6000);
    map_at(&mut space, start + 4 * PAGE_BYTES, 1, Kind::Anonymous);
    assert_eq!(space.set_break(start + 5 * PAGE_BYTES).end, start + 6000, "in the way");
    assert_eq!(space.set_break(start + 4 * PAGE_BYTES).end, start + 4 * PAGE_BYTES);
    let shrunk = space.set_break(start + 1);
    assert_eq!((shrunk.end, shrunk.removed.len()), (start + 1, 1));
    assert_eq!(shrunk.removed[0].range.pages(), 3);
    assert_eq!(space.set_break(start).end, start);
    assert_eq!(space.usage().heap_bytes, 0);
}

#[test]
fn faults_say_what_to_do() {
    let mut space = space();
    map_at(&mut space, BASE, 1, Kind::Anonymous);
    map_at(&mut space, BASE + PAGE_BYTES, 4, file(3));
    let shared = Kind::SharedFile(Backing { file: 9, offset: 0 });
    map_at(&mut space, BASE + 5 * PAGE_BYTES, 1, shared);
    let _ = space.protect(BASE + 4 * PAGE_BYTES, 1, Protection::READ).unwrap();
    let ask = |address, access, presence| {
        space.fault(address, access, presence).map(|fault| fault.action)
    };
    use {Access::*, FaultAction::*, Presence::*};
    assert_eq!(ask(BASE + 9, Write, Absent), Ok(ZeroFill));
    assert_eq!(ask(BASE, Read, Absent), Ok(ZeroFill));
    assert_eq!(ask(BASE, Write, Present), Ok(CopyOnWrite));
    assert_eq!(ask(BASE, Read, Present), Ok(Refresh));
    assert_eq!(ask(BASE, Execute, Absent), Err(Violation::Denied));
    let second = BASE + 2 * PAGE_BYTES;
    assert_eq!(ask(second + 1, Read, Absent), Ok(FileFill { offset: 4 * PAGE_BYTES }));
    assert_eq!(ask(second + 1, Write, Absent), Ok(FileCopy { offset: 4 * PAGE_BYTES }));
    assert_eq!(ask(second, Write, Present), Ok(CopyOnWrite));
    assert_eq!(ask(BASE + 4 * PAGE_BYTES, Write, Present), Err(Violation::Denied));
    assert_eq!(ask(BASE + 5 * PAGE_BYTES, Write, Absent), Ok(FileFill { offset: 0 }));
    assert_eq!(ask(BASE + 5 * PAGE_BYTES, Write, Present), Ok(MakeWritable));
    assert_eq!(ask(BASE - 1, Read, Absent), Err(Violation::Unmapped));
    assert_eq!(ask(BASE + 6 * PAGE_BYTES, Read, Absent), Err(Violation::Unmapped));
    assert_eq!(ask(u64::MAX, Read, Absent), Err(Violation::Unmapped));
    assert_eq!(ask(0, Read, Absent), Err(Violation::Unmapped));
}

// proves: P5
#[test]
fn a_stack_grows_to_its_limit_and_keeps_its_guard() {
    let mut space = space();
    let top = 0x7fff_0000_0000;
    map_at(&mut space, top - PAGE_BYTES, 1, Kind::Stack);
    let touched = top - (1 << 20) + 77;
    let fault = space.fault(touched, Access::Write, Presence::Absent).unwrap();
    assert_eq!((fault.action, fault.page), (FaultAction::GrowStack, page_of(touched)));
    let added = space.grow_stack(touched).unwrap();
    assert_eq!((added.start(), added.end()), (page_of(touched), top - PAGE_BYTES));
    assert_eq!(
        space.fault(touched, Access::Write, Presence::Absent).map(|fault| fault.action),
        Ok(FaultAction::ZeroFill)
    );
    assert_eq!(space.usage().stack_bytes, 1 << 20);
    let beyond = top - (8 << 20) - 1;
    assert_eq!(space.fault(beyond, Access::Write, Presence::Absent), Err(Violation::StackLimit));
    assert_eq!(space.grow_stack(beyond), Err(Violation::StackLimit.into()));
    // A function's frame may reach over a few pages, as far as a guard; a pointer that is further off
    // is no stack's.
    let last = beyond + 1 - STACK_GUARD_BYTES;
    assert_eq!(space.fault(last, Access::Write, Presence::Absent), Err(Violation::StackLimit));
    assert_eq!(space.fault(last - 1, Access::Write, Presence::Absent), Err(Violation::Unmapped));
    assert_eq!(space.grow_stack(last - 1), Err(Violation::Unmapped.into()));
    assert!(space.fault(beyond + 1, Access::Write, Presence::Absent).is_ok());
    assert_eq!(
        space.fault(beyond + 1, Access::Execute, Presence::Absent),
        Err(Violation::Unmapped)
    );
    // A neighbour below keeps the stack a guard away; a reservation does not.
    let neighbour = top - (4 << 20);
    map_at(&mut space, neighbour - PAGE_BYTES, 1, Kind::Anonymous);
    let edge = neighbour + STACK_GUARD_BYTES;
    assert!(space.fault(edge, Access::Read, Presence::Absent).is_ok());
    assert_eq!(space.fault(edge - 1, Access::Read, Presence::Absent), Err(Violation::Unmapped));
    let _ = space.protect(neighbour - PAGE_BYTES, 1, Protection::NONE).unwrap();
    assert!(space.fault(edge - 1, Access::Read, Presence::Absent).is_ok());
    space.grow_stack(neighbour).unwrap();
    // Nothing is placed just below a stack by itself.
    let _ = space.unmap(neighbour - PAGE_BYTES, 1).unwrap();
    let hint = space.map(request(Placement::Hint(neighbour - PAGE_BYTES), 1, Kind::Anonymous));
    assert_ne!(hint.unwrap().range.start(), neighbour - PAGE_BYTES);
}

#[test]
fn remap_grows_in_place_moves_and_shrinks() {
    let mut space = space();
    map_at(&mut space, BASE, 4, file(10));
    let grown = space.remap(BASE, 4 << 12, 6 << 12, RemapPlacement::InPlace).unwrap();
    assert_eq!((grown.range.pages(), grown.moved), (6, None));
    assert_eq!(ranges(&space), [(BASE, 6)]);
    map_at(&mut space, BASE + (6 << 12), 1, Kind::Anonymous);
    assert_eq!(
        space.remap(BASE, 6 << 12, 7 << 12, RemapPlacement::InPlace),
        Err(Error::NoSpace { bytes: 7 << 12 })
    );
    // The tail of the area moves away and grows.
    let from = BASE + (2 << 12);
    let moved = space.remap(from, 4 << 12, 8 << 12, RemapPlacement::MayMove).unwrap();
    let to = moved.range;
    assert_eq!(to.pages(), 8);
    let pages = PageRange::with_length(to.start(), 4 << 12).unwrap();
    let was = PageRange::with_length(from, 4 << 12).unwrap();
    assert_eq!(moved.moved, Some(Moved { from: was, to: pages }));
    assert_eq!(space.area_at(to.start()).unwrap().kind, file(12));
    assert_eq!(space.area_at(from), None);
    let shrunk = space.remap(to.start(), 8 << 12, 1, RemapPlacement::InPlace).unwrap();
    assert_eq!((shrunk.range.pages(), shrunk.removed[0].range.pages()), (1, 7));
    // Onto something else.
    let target = BASE + (6 << 12);
    let fixed = space.remap(BASE, 2 << 12, 1, RemapPlacement::Fixed(target)).unwrap();
    let kinds: Vec<_> = fixed.removed.into_iter().map(|area| area.kind).collect();
    assert_eq!(kinds, [Kind::Anonymous, file(11)]);
    assert_eq!(space.area_at(target).unwrap().kind, file(10));
    assert_eq!(
        space.remap(target, 1, 1, RemapPlacement::Fixed(target)),
        Err(Error::OverlappingMove)
    );
    assert_eq!(
        space.remap(BASE, 1, 1, RemapPlacement::MayMove),
        Err(Error::NotMapped { address: BASE })
    );
}

#[test]
fn what_cannot_grow_at_the_end_of_user_space_moves() {
    let mut space = space();
    let last = Layout::USER.end() - PAGE_BYTES;
    map_at(&mut space, last, 1, Kind::Anonymous);
    let grow = |space: &mut AddressSpace<u32>, length| {
        space.remap(last, PAGE_BYTES, length, RemapPlacement::MayMove)
    };
    assert_eq!(grow(&mut space, u64::MAX), Err(Error::NoSpace { bytes: u64::MAX }));
    assert_eq!(grow(&mut space, 0), Err(Error::ZeroLength));
    let moved = grow(&mut space, 2 * PAGE_BYTES).unwrap();
    assert_eq!((moved.range.pages(), space.usage().total_bytes), (2, 2 * PAGE_BYTES));
    assert!(moved.moved.is_some());
}

#[test]
fn a_forked_child_gets_all_but_what_was_kept_from_it() {
    let mut space = space();
    map_at(&mut space, BASE, 4, Kind::Anonymous);
    let shared = Kind::SharedAnonymous(Backing { file: 4, offset: 0 });
    map_at(&mut space, BASE + (4 << 12), 1, shared);
    space.advise_fork(BASE + (1 << 12), 1, OnFork::Omit).unwrap();
    space.advise_fork(BASE + (2 << 12), 1, OnFork::Wipe).unwrap();
    let child = space.fork().unwrap();
    let pages: Vec<_> = child
        .areas()
        .map(|area| (area.range.start() - BASE) >> 12)
        .zip(child.areas().map(Area::forked_pages))
        .collect();
    use ForkedPages::*;
    assert_eq!(pages, [(0, CopyOnWrite), (2, Empty), (3, CopyOnWrite), (4, Shared)]);
    assert_eq!(child.usage().total_bytes, 4 << 12);
    assert_eq!(space.usage().total_bytes, 5 << 12);
}

#[test]
fn a_forked_child_shares_the_areas_until_one_changes_its_own() {
    let mut space = space();
    map_at(&mut space, BASE, 4, Kind::Anonymous);
    map_at(&mut space, BASE + (1000 << 12), 2, Kind::Stack);
    let (mut first, second) = (space.fork().unwrap(), space.fork().unwrap());
    assert!(first.tree.is_shared());
    // Looking changes nothing.
    first.fault(BASE, Access::Write, Presence::Absent).unwrap();
    assert!(first.tree.is_shared());
    first.grow_stack(BASE + (999 << 12)).unwrap();
    assert!(!first.tree.is_shared() && second.tree.is_shared());
    space.unmap(BASE, 4 << 12).unwrap();
    assert!(!second.tree.is_shared());
    assert_eq!(ranges(&space), [(BASE + (1000 << 12), 2)]);
    assert_eq!(ranges(&first), [(BASE, 4), (BASE + (999 << 12), 3)]);
    assert_eq!(ranges(&second), [(BASE, 4), (BASE + (1000 << 12), 2)]);
}

#[test]
fn the_tree_stays_shallow_whatever_the_order() {
    for step in [1u64, 7919, 65_535] {
        let mut space = space();
        for number in 0..60_000u64 {
            let at = BASE + (number * step % 65_536) * 2 * PAGE_BYTES;
            map_at(&mut space, at, 1, Kind::Anonymous);
        }
        assert_eq!(space.areas().count(), 60_000);
        assert!(space.tree.depth() <= 23, "{}", space.tree.depth());
    }
}
