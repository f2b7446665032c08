//! Frames that several spaces have: copies on write after a fork, shared memory, and that every
//! frame comes back.

use alloc::string::String;
use alloc::sync::Arc;

use hal::frame::SharedFrame;
use hal::paging::{AddressSpace, Writing};
use hal::user::{copy_from, copy_to};
use vm_core::address_space::{Backing, Kind, MapRequest, Placement, Protection};

use super::Test;
use super::paging::WRITE;
use super::support::{Account, Outcome, PATIENCE_MS, Said, Worker, check, failed, run_all};
use crate::memory::{Bounds, Object, SharedMemory, UserSpace};

pub(super) const TESTS: &[Test] = &[
    ("sharing_fork_copies_what_is_written", fork_copies_what_is_written),
    ("sharing_last_holder_copies_nothing", last_holder_copies_nothing),
    ("sharing_shared_memory_stays_shared", shared_memory_stays_shared),
    ("sharing_fork_stops_writers_everywhere", fork_stops_writers_everywhere),
];

const PAGE: u64 = 4096;
const START: u64 = 0x10_0000_0000;
/// More than one table of pages has room for, and a multiple of three.
const PAGES: u64 = 699;

fn space() -> Result<UserSpace, String> {
    UserSpace::new(0, 64 << 20, 1 << 20, None).map_err(failed("a space"))
}

fn map(space: &UserSpace, kind: Kind<Object>) -> Result<(), String> {
    let request = MapRequest {
        length: PAGES * PAGE,
        placement: Placement::Fixed(START),
        protection: Protection::READ_WRITE,
        max_protection: Protection::ALL,
        kind,
        is_locked: false,
    };
    space.map(request, Bounds::NONE).map(|_| ()).map_err(failed("map"))
}

fn write(space: &UserSpace, page: u64, value: u64) -> Said {
    let written = space.write(START + page * PAGE + 8, &value.to_le_bytes());
    written.map_err(failed("a page cannot be written"))
}

fn read(space: &UserSpace, page: u64) -> u64 {
    let mut bytes = [0; 8];
    space.tables().read(START + page * PAGE + 8, &mut bytes);
    u64::from_le_bytes(bytes)
}

/// Frames that are neither free nor the kernel's own.
fn used_by_programs() -> u64 {
    let figures = hal::frame::figures();
    let paging = hal::paging::figures();
    let kernel = hal::heap::statistics().backing_bytes + paging.stack_bytes + paging.table_bytes;
    (figures.total_bytes - figures.free_bytes).saturating_sub(kernel) / PAGE
}

// proves: K6
fn fork_copies_what_is_written() -> Outcome {
    let before = Account::now();
    {
        let parent = space()?;
        map(&parent, Kind::Anonymous)?;
        for page in 0..PAGES {
            write(&parent, page, page + 1)?;
        }
        let alone = used_by_programs();
        let child = parent.fork().map_err(failed("fork"))?;
        let both = used_by_programs();
        check!(both == alone, "fork took {} frames for pages", both.wrapping_sub(alone));
        let (mine, other) = (parent.figures(), child.figures());
        check!(mine.resident_bytes == other.resident_bytes, "{mine:?}, the child has {other:?}");
        for page in 0..PAGES {
            check!(read(&child, page) == page + 1, "page {page} of the child differs");
        }
        for page in (0..PAGES).step_by(3) {
            write(&child, page, 0xc0de)?;
            write(&parent, page + 1, 0xbeef)?;
        }
        for page in 0..PAGES {
            let (mine, other) = match page % 3 {
                0 => (page + 1, 0xc0de),
                1 => (0xbeef, page + 1),
                _ => (page + 1, page + 1),
            };
            check!(read(&parent, page) == mine, "page {page} of the parent was changed");
            check!(read(&child, page) == other, "page {page} of the child was changed");
        }
        let (mine, other) = (parent.figures(), child.figures());
        check!(mine.resident_bytes == other.resident_bytes, "{mine:?}, the child has {other:?}");
        let copies = used_by_programs() - both;
        let expected = 2 * PAGES / 3;
        check!(copies.abs_diff(expected) <= 1, "{copies} pages were copied, not {expected}");
        // A child of the child, and the middle one goes first.
        let grandchild = child.fork().map_err(failed("fork"))?;
        drop(child);
        check!(read(&grandchild, 0) == 0xc0de, "the grandchild lost a page");
    }
    Ok(before.is_settled(0)?)
}

// proves: K6
fn last_holder_copies_nothing() -> Outcome {
    let before = Account::now();
    {
        let parent = space()?;
        map(&parent, Kind::Anonymous)?;
        for page in 0..PAGES {
            write(&parent, page, page)?;
        }
        drop(parent.fork().map_err(failed("fork"))?);
        let used = used_by_programs();
        for page in 0..PAGES {
            write(&parent, page, page + 7)?;
        }
        let more = used_by_programs().wrapping_sub(used);
        check!(more == 0, "{more} pages were copied for their only holder");
    }
    Ok(before.is_settled(0)?)
}

// proves: K6
fn shared_memory_stays_shared() -> Outcome {
    let before = Account::now();
    {
        let parent = space()?;
        let memory = Object::Memory(Arc::new(SharedMemory::new()));
        map(&parent, Kind::SharedAnonymous(Backing { file: memory, offset: 0 }))?;
        write(&parent, 0, 1)?;
        let child = parent.fork().map_err(failed("fork"))?;
        write(&child, 0, 2)?;
        check!(read(&parent, 0) == 2, "a shared page was copied");
        // One that neither had at the fork.
        write(&child, PAGES - 1, 3)?;
        write(&parent, PAGES - 1, 4)?;
        check!(read(&child, PAGES - 1) == 4, "a shared page came into being twice");
        drop(parent);
        check!(read(&child, 0) == 2, "the page went with one of its holders");
    }
    Ok(before.is_settled(0)?)
}

/// CPUs that write to pages cannot go on doing so in frames that a fork has shared.
// proves: K6
fn fork_stops_writers_everywhere() -> Outcome {
    let parent = Arc::new(AddressSpace::new(None).map_err(failed("a space"))?);
    for cpu in 0..hal::cpu::online() as u64 {
        let frame = SharedFrame::allocate_zeroed().map_err(failed("a frame"))?;
        parent.map(START + cpu * PAGE, frame, WRITE, Writing::ToFrame).map_err(failed("map"))?;
    }
    let shared = Arc::clone(&parent);
    let workers = Worker::on_each(move |cpu| {
        shared.load();
        let address = START + cpu as u64 * PAGE;
        for round in 0..12_u8 {
            check!(copy_to(address, &[round]).is_ok(), "round {round}: the page is not writable");
            let mut child = AddressSpace::new(None).map_err(failed("a space"))?;
            let range = (address, address + PAGE, Writing::ToCopy);
            let forked = shared.share_with(&mut child, core::iter::once(range), || true);
            forked.map_err(failed("share"))?;
            let is_refused = copy_to(address, &[0xff]).is_err();
            check!(is_refused, "round {round}: a shared page was written");
            let mut byte = [0xff];
            check!(copy_from(address, &mut byte).is_ok(), "round {round}: it cannot be read");
            check!(byte == [round], "round {round}: read {byte:?}");
            let is_own = shared.make_own(address, WRITE).map_err(failed("make_own"))?;
            check!(is_own, "round {round}: the page is gone");
            check!(copy_to(address, &[0x77]).is_ok(), "round {round}: the copy is not writable");
            check!(child.read(address, &mut byte) == 1, "round {round}: the child has no page");
            check!(byte == [round], "round {round}: the child reads {byte:?}");
            drop(child);
        }
        Ok(())
    })?;
    let said = run_all(&workers, PATIENCE_MS);
    parent.retire();
    Ok(said?)
}
