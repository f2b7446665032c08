//! The page that every program reads the clocks by: one frame for all of them, made with the first.

use alloc::sync::Arc;

use hal::frame::OutOfMemory;
use ksync::Once;

use vm_core::address_space::{Backing, Kind, MapRequest, PAGE_BYTES, Placement, Protection};

use super::load::LoadError;
use super::object::{Object, SharedMemory};
use super::space::{Bounds, UserSpace};

/// Page tables lead to so many bytes each: within them the page costs no table beside the stack's.
const TABLE_BYTES: u64 = 2 << 20;

static PAGE: Once<Arc<SharedMemory>> = Once::new();

/// The page, as an object to be mapped.
fn page() -> Result<Arc<SharedMemory>, OutOfMemory> {
    if let Some(page) = PAGE.get() {
        return Ok(Arc::clone(page));
    }
    let memory = Arc::new(SharedMemory::new());
    let frame = memory.page(0)?;
    hal::user::write_vdso(|at, bytes| {
        let count = frame.write(at, bytes);
        debug_assert_eq!(count, bytes.len(), "the object is longer than a page");
    });
    Ok(Arc::clone(PAGE.call_once(|| memory)))
}

/// Whether an area shows the page.
pub(super) fn is_shown(memory: &Arc<SharedMemory>) -> bool {
    PAGE.get().is_some_and(|page| Arc::ptr_eq(page, memory))
}

/// Maps the page somewhere above the stack; gives its address. `random` chooses where.
pub(super) fn map(space: &UserSpace, stack_top: u64, random: u64) -> Result<u64, LoadError> {
    // A page is left free between them.
    let first = stack_top + PAGE_BYTES;
    let end = first.next_multiple_of(TABLE_BYTES);
    let places = (end.saturating_sub(first) / PAGE_BYTES).max(1);
    let backing = Backing { file: Object::Memory(page()?), offset: 0 };
    let range = space
        .map(
            MapRequest {
                length: PAGE_BYTES,
                placement: Placement::FixedNoReplace(first + random % places * PAGE_BYTES),
                protection: Protection::READ_EXECUTE,
                max_protection: Protection::READ_EXECUTE,
                kind: Kind::PrivateFile(backing),
                is_locked: false,
            },
            Bounds::NONE,
        )
        .map_err(LoadError::Map)?;
    Ok(range.start())
}
