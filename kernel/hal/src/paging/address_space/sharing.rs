//! Pages that several spaces have: sharing them at a fork, and making them one's own again.

use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering;

use super::{AddressSpace, Protection, Writing, owned_frame, pages_in, table_end};
use crate::frame::OutOfMemory;
use crate::paging::layout::{PAGE_BYTES, USER_END};
use crate::paging::shootdown;
use crate::paging::table::{self, ADDRESS, COPY, LENT, Level, OWNED, USER, WRITABLE};

/// How many pages with a frame there are, by whose it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// The archive's, which never change.
    pub archived: u64,
    /// Another's that were mapped to be copied when they are written, and have not been written yet.
    pub lent: u64,
    /// The space's own, and those it shares with others as they are.
    pub own: u64,
}

impl AddressSpace {
    /// Whose frames the pages in `start..end` have. The lock is not held for the whole of it.
    #[must_use]
    pub fn holdings_in(&self, start: u64, end: u64) -> Holdings {
        const AT_A_TIME: usize = 256;
        let end = end.min(USER_END);
        let (mut found, mut at) = (Holdings::default(), start);
        while at < end {
            let _edit = self.edit.lock();
            at = self.visit_owned(at, end, AT_A_TIME, |_, entry| {
                let value = entry.load(Ordering::Relaxed);
                let frame = owned_frame(value).map(ManuallyDrop::new);
                let count = match frame {
                    Some(frame) if frame.is_constant() => &mut found.archived,
                    _ if value & LENT != 0 => &mut found.lent,
                    _ => &mut found.own,
                };
                *count += 1;
            });
        }
        found
    }

    /// Makes the frame of the page at `address` one that nobody else has, by a copy if need be, and
    /// gives the page these rights. False if the page has no frame.
    ///
    /// # Errors
    /// When no frame is left for the copy.
    pub fn make_own(&self, address: u64, rights: Protection) -> Result<bool, OutOfMemory> {
        let page = address & !(PAGE_BYTES - 1);
        let (before, old) = {
            let _edit = self.edit.lock();
            if page >= USER_END {
                return Ok(false);
            }
            let Some(entry) = table::find(self.root, page, Level::Page) else { return Ok(false) };
            let before = entry.load(Ordering::Relaxed);
            let Some(frame) = owned_frame(before) else { return Ok(false) };
            // It goes on belonging to the entry, or leaves with its new value.
            let frame = ManuallyDrop::new(frame);
            if before & COPY == 0 || !frame.is_shared() {
                entry.store((before & ADDRESS) | rights.bits(), Ordering::Relaxed);
                (before, None)
            } else {
                let copy = frame.copy()?;
                entry.store(copy.into_raw().address() | rights.bits(), Ordering::Relaxed);
                (before, Some(ManuallyDrop::into_inner(frame)))
            }
        };
        if old.is_some() {
            // Before this holder lets go: other CPUs may still read the old frame.
            shootdown::flush_user(&self.loaded_on, page, 1);
        } else if before & WRITABLE != 0 {
            // This CPU did not know yet what another one did.
            shootdown::flush_own(page, 1);
        }
        // Otherwise the fault itself has flushed the page here (SDM volume 3, 4.10.4.1), and a CPU
        // that still forbids writing faults and finds nothing to do.
        Ok(true)
    }

    /// Gives `child`, which has nothing there, the frames of these ranges. Where writing goes to
    /// copies, it does so in both spaces from here on. `may_take` is asked before each table of 2 MiB
    /// whether the child may take memory for one.
    ///
    /// # Errors
    /// When no frame is left for the child's tables, or it may not take one; it may have a part then.
    pub fn share_with(
        &self,
        child: &mut Self,
        ranges: impl Iterator<Item = (u64, u64, Writing)>,
        may_take: impl Fn() -> bool,
    ) -> Result<(), OutOfMemory> {
        // What has to be flushed in the end: from the first page that was writable to the last.
        let (mut first, mut last) = (u64::MAX, 0);
        let mut result = Ok(());
        for (start, end, writing) in ranges {
            let mut at = start & !(PAGE_BYTES - 1);
            let end = end.min(USER_END);
            while at < end && result.is_ok() {
                // The lock is held for one table at a time.
                let next = table_end(at).min(end);
                let mut has_lost = false;
                if !may_take() {
                    result = Err(OutOfMemory);
                    break;
                }
                let _edit = self.edit.lock();
                let shared = self.share_table(child, (at, next, writing), &mut has_lost);
                if has_lost {
                    (first, last) = (first.min(at), last.max(next));
                }
                at = if shared == Ok(false) { table::end_of_gap(self.root, at) } else { next };
                result = shared.map(|_| ());
            }
        }
        if first < last {
            shootdown::flush_user(&self.loaded_on, first, (last - first) / PAGE_BYTES);
        }
        result
    }

    /// Shares the pages of `start..end`, which lie in one table; false if that is missing. With the
    /// lock held. Notes whether any was writable and is not any more.
    fn share_table(
        &self,
        child: &mut Self,
        (start, end, writing): (u64, u64, Writing),
        has_lost: &mut bool,
    ) -> Result<bool, OutOfMemory> {
        let Some(table) = table::find_table(self.root, start, Level::Page) else {
            return Ok(false);
        };
        let mut target = None;
        for (index, entry) in pages_in(table, start, end) {
            let value = entry.load(Ordering::Relaxed);
            let Some(frame) = owned_frame(value).map(ManuallyDrop::new) else { continue };
            let twin = match target {
                Some(twin) => twin,
                None => table::find_or_add_table(child.root, start, Level::Page, USER)?,
            };
            target = Some(twin);
            if twin[index].load(Ordering::Relaxed) & OWNED != 0 {
                continue;
            }
            let share = frame.share()?;
            let bits = writing.apply(value & !ADDRESS);
            twin[index].store(share.into_raw().address() | bits, Ordering::Relaxed);
            entry.store((value & ADDRESS) | bits, Ordering::Relaxed);
            *has_lost |= value & !bits & WRITABLE != 0;
            child.mapped_pages.add(1);
        }
        Ok(true)
    }
}
