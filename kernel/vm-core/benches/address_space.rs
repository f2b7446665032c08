//! Prints what the address-space map costs: `cargo bench -p vm-core --bench address_space`.

use std::hint::black_box;
use std::time::Instant;

use vm_core::address_space::*;

const ROUNDS: u32 = 200_000;

fn main() {
    for areas in [10u64, 1_000, 60_000] {
        measure(areas);
    }
}

/// A space with this many areas that do not join, a page apart.
fn space_with(areas: u64) -> AddressSpace<u64> {
    let limits = Limits {
        address_space_bytes: u64::MAX,
        data_bytes: u64::MAX,
        locked_bytes: u64::MAX,
        stack_bytes: 8 << 20,
        areas: 65_530,
    };
    let layout = Layout::randomized(0, limits.stack_bytes);
    let mut space = AddressSpace::new(layout, limits, WriteExecute::Refused);
    for number in 0..areas {
        let address = layout.mmap_top - (2 * number + 2) * PAGE_BYTES;
        black_box(space.map(request(Placement::Fixed(address), PAGE_BYTES)).is_ok());
    }
    space
}

fn request(placement: Placement, length: u64) -> MapRequest<u64> {
    MapRequest {
        length,
        placement,
        protection: Protection::READ_WRITE,
        max_protection: Protection::ALL,
        kind: Kind::Anonymous,
        is_locked: false,
    }
}

fn measure(areas: u64) {
    let mut space = space_with(areas);
    let top = Layout::randomized(0, 8 << 20).mmap_top;
    println!("{areas} areas");

    let start = Instant::now();
    for round in 0..ROUNDS {
        let address = top - (2 * (u64::from(round) * 7919 % areas) + 2) * PAGE_BYTES;
        let fault = space.fault(black_box(address), Access::Write, Presence::Absent);
        black_box(fault.is_ok());
    }
    report("a page fault's decision", start);

    let start = Instant::now();
    for _ in 0..ROUNDS {
        // Two pages fit only below all areas, so the whole tree stands in the way.
        if let Ok(mapped) = space.map(request(Placement::Anywhere, 2 * PAGE_BYTES)) {
            black_box(space.unmap(mapped.range.start(), mapped.range.bytes()).is_ok());
        }
    }
    report("mmap and munmap", start);

    let start = Instant::now();
    for round in 0..ROUNDS {
        let address = top - (2 * (u64::from(round) * 7919 % areas) + 2) * PAGE_BYTES;
        black_box(space.protect(address, PAGE_BYTES, Protection::READ).is_ok());
        black_box(space.protect(address, PAGE_BYTES, Protection::READ_WRITE).is_ok());
    }
    report("mprotect there and back", start);
    let start = Instant::now();
    black_box(space.fork().is_ok());
    println!("  fork: {:?}", start.elapsed());
}

fn report(what: &str, start: Instant) {
    println!("  {what}: {:?}", start.elapsed() / ROUNDS);
}
