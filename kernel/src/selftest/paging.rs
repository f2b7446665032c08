//! Page tables: programs' spaces, and the kernel's own rights.

use alloc::sync::Arc;

use hal::frame::SharedFrame;
use hal::paging::layout::{DIRECT_MAP_BASE, KERNEL_BASE, PAGE_BYTES, USER_END, WINDOWS_BASE};
use hal::paging::{AddressSpace, MapError, Protection, Writing, kernel_protection};
use hal::user::{copy_from, copy_to};

use super::Test;
use super::support::{MS, Outcome, PATIENCE_MS, Said, Worker, check, failed};

pub(super) const TESTS: &[Test] = &[
    ("paging_maps_protects_and_moves", maps_protects_and_moves),
    ("paging_obeys_the_rights", obeys_the_rights),
    ("paging_retired_spaces_stay_unloaded", retired_spaces_stay_unloaded),
    ("paging_unmaps_large_gaps_fast", unmaps_large_gaps_fast),
    ("paging_kernel_is_never_writable_and_executable", kernel_rights),
    ("paging_kernel_stacks_have_guards", stacks_have_guards),
];

pub(super) const READ: Protection = Protection { write: false, execute: false };
pub(super) const WRITE: Protection = Protection { write: true, execute: false };
const EXECUTE: Protection = Protection { write: false, execute: true };
const PAGE: u64 = 0x40_0000;

fn frame() -> Result<SharedFrame, alloc::string::String> {
    SharedFrame::allocate_zeroed().map_err(failed("a frame"))
}

/// A space with one page of zeros.
pub(super) fn space_with(
    page: u64,
    rights: Protection,
) -> Result<Arc<AddressSpace>, alloc::string::String> {
    let space = Arc::new(AddressSpace::new(None).map_err(failed("a space"))?);
    space.map(page, frame()?, rights, Writing::ToFrame).map_err(failed("map"))?;
    Ok(space)
}

// proves: K6
fn maps_protects_and_moves() -> Outcome {
    let used = || {
        let free = hal::frame::figures().free_bytes;
        free + hal::heap::statistics().backing_bytes
    };
    let before = used();
    let tables_before = hal::paging::figures().table_bytes;
    {
        let space = space_with(PAGE, WRITE)?;
        let again = space.map(PAGE, frame()?, WRITE, Writing::ToFrame);
        check!(again == Err(MapError::Occupied(PAGE)), "mapped twice: {again:?}");
        for bad in [PAGE + 1, USER_END, USER_END + PAGE_BYTES, KERNEL_BASE, DIRECT_MAP_BASE] {
            let mapped = space.map(bad, frame()?, WRITE, Writing::ToFrame);
            check!(mapped == Err(MapError::BadAddress(bad)), "{bad:#x}: {mapped:?}");
        }
        check!(space.mapped_pages() == 1, "{} pages", space.mapped_pages());

        let text = *b"written through the frame";
        let mut read = [0; 25];
        check!(space.write(PAGE + 100, &text) == text.len(), "write");
        check!(space.read(PAGE + 100, &mut read) == text.len() && read == text, "read {read:?}");
        check!(space.write(PAGE + PAGE_BYTES - 4, &text) == 4, "a write goes beyond its page");

        for rights in [READ, EXECUTE, WRITE] {
            space.protect(PAGE, PAGE + PAGE_BYTES, rights);
            let now = space.protection(PAGE);
            check!(now == Some(rights), "{rights:?} became {now:?}");
        }
        space.hide(PAGE, PAGE + PAGE_BYTES);
        check!(space.protection(PAGE).is_none(), "a hidden page can be reached");
        check!(space.mapped_pages() == 1, "hiding took the frame away");
        space.protect(PAGE, PAGE + PAGE_BYTES, READ);

        let far = 0x7000_0000_0000;
        space.move_pages(PAGE, PAGE + PAGE_BYTES, far);
        check!(space.protection(PAGE).is_none(), "the old page stayed");
        check!(space.protection(far) == Some(READ), "the new page has other rights");
        check!(space.read(far + 100, &mut read) == text.len() && read == text, "moved {read:?}");
        check!(space.mapped_in(0, USER_END) == 1, "{} pages", space.mapped_in(0, USER_END));
        check!(space.unmap(far, far + PAGE_BYTES) == 1, "unmap");
        check!(space.mapped_pages() == 0, "a page stayed");
        // Dropping the space frees what is still mapped.
        space.map(PAGE, frame()?, WRITE, Writing::ToFrame).map_err(failed("map"))?;
    }
    let (after, tables) = (used(), hal::paging::figures().table_bytes);
    check!(after == before, "{} bytes leaked", before.wrapping_sub(after).cast_signed());
    check!(tables == tables_before, "tables leaked: {tables_before} became {tables}");
    Ok(())
}

/// The CPU enforces what the tables say, and a changed entry counts at once.
// proves: K6
fn obeys_the_rights() -> Outcome {
    let worker = Worker::on(hal::cpu::online() - 1, || {
        let space = space_with(PAGE, WRITE)?;
        space.load();
        let said = obeys(&space);
        space.retire();
        said
    })?;
    worker.go();
    Ok(worker.join(PATIENCE_MS)?)
}

fn obeys(space: &AddressSpace) -> Said {
    let mut byte = [0];
    let all = (PAGE, PAGE + PAGE_BYTES);
    for round in 1..=100_u8 {
        check!(copy_to(PAGE, &[round]).is_ok(), "round {round}: a writable page is not");
        space.protect(all.0, all.1, READ);
        check!(copy_to(PAGE, &[0]).is_err(), "round {round}: a read-only page was written");
        check!(copy_from(PAGE, &mut byte).is_ok(), "round {round}: a readable page is not");
        check!(byte == [round], "round {round}: read {byte:?}");
        space.hide(all.0, all.1);
        check!(copy_from(PAGE, &mut byte).is_err(), "round {round}: a hidden page was read");
        space.protect(all.0, all.1, WRITE);
    }
    check!(space.unmap(all.0, all.1) == 1, "unmap");
    check!(copy_from(PAGE, &mut byte).is_err(), "a page that is gone was read");
    Ok(())
}

/// A process's last thread may be switched to after it has freed the memory; no CPU may keep the
/// tables for that.
fn retired_spaces_stay_unloaded() -> Outcome {
    let space = space_with(PAGE, WRITE)?;
    let shared = Arc::clone(&space);
    let workers = Worker::on_each(move |_| {
        shared.load();
        shared.retire();
        shared.load();
        Ok(())
    })?;
    super::support::run_all(&workers, PATIENCE_MS)?;
    drop(workers);
    let is_free = super::support::eventually(PATIENCE_MS, || Arc::strong_count(&space) == 1);
    check!(is_free, "{} references to a retired space", Arc::strong_count(&space) - 1);
    Ok(())
}

fn unmaps_large_gaps_fast() -> Outcome {
    let mut best = u64::MAX;
    for _ in 0..5 {
        let space = space_with(PAGE_BYTES, WRITE)?;
        for page in [0x2000_0000_0000, USER_END - PAGE_BYTES] {
            space.map(page, frame()?, WRITE, Writing::ToFrame).map_err(failed("map"))?;
        }
        let start = hal::time::now_ns();
        let unmapped = space.unmap(0, USER_END);
        best = best.min(hal::time::now_ns() - start);
        check!(unmapped == 3, "{unmapped} pages were unmapped");
    }
    check!(best < 100 * MS, "unmapping all of user space took {} us", best / 1000);
    Ok(())
}

static VARIABLE: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(1);
static CONSTANT: u64 = 0x5eed;

// proves: K6
fn kernel_rights() -> Outcome {
    let code = kernel_rights as fn() -> Outcome as usize as u64;
    let constant = core::ptr::from_ref(&CONSTANT).addr() as u64;
    let variable = core::ptr::from_ref(&VARIABLE).addr() as u64;
    for (what, address, rights) in
        [("code", code, EXECUTE), ("a constant", constant, READ), ("a variable", variable, WRITE)]
    {
        let found = kernel_protection(address);
        check!(found == Some(rights), "{what} has {found:?}");
        // The direct map shows the same memory: without the right to execute, and to write only
        // what may be written anyway.
        let twin = kernel_protection(address - KERNEL_BASE + DIRECT_MAP_BASE);
        let expected = Protection { write: rights.write, execute: false };
        check!(twin == Some(expected), "{what} has {twin:?} in the direct map");
    }
    let total = hal::frame::figures().total_bytes;
    let windows = 16 << 20;
    let (mut seen, mut executable) = (0, 0);
    for (start, bytes, may_execute) in [
        (KERNEL_BASE, 64 << 20, true),
        (DIRECT_MAP_BASE, total, false),
        (WINDOWS_BASE, windows, false),
    ] {
        let mut at = start;
        while at < start + bytes {
            if let Some(rights) = kernel_protection(at) {
                seen += 1;
                executable += u64::from(rights.execute);
                check!(!(rights.write && rights.execute), "{at:#x} is writable and executable");
                check!(may_execute || !rights.execute, "{at:#x} is executable");
            }
            at += PAGE_BYTES;
        }
    }
    check!(executable > 16 && seen > executable, "{executable} of {seen} pages are executable");
    check!(kernel_protection(0x8000).is_none(), "low memory is still mapped for the other CPUs");
    Ok(())
}

/// Below the pages of a thread's stack nothing is mapped, on every CPU.
// proves: K6
fn stacks_have_guards() -> Outcome {
    let workers = Worker::on_each(|_| {
        let local = 0_u8;
        let here = core::ptr::from_ref(&local).addr() as u64;
        // 16 KiB, as `Worker` asks for.
        let pages = (0..5).take_while(|page| kernel_protection(here - page * PAGE_BYTES).is_some());
        let count = pages.count();
        check!((1..=4).contains(&count), "{count} pages are mapped below {here:#x} and in it");
        let rights = kernel_protection(here);
        check!(rights == Some(WRITE), "a stack has {rights:?}");
        Ok(())
    })?;
    Ok(super::support::run_all(&workers, PATIENCE_MS)?)
}
