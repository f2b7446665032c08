//! Files that are cut while processes have them mapped.

use alloc::sync::Arc;
use core::ops::Range;

use super::table;
use crate::fs::{FileKey, is_mapped};
use crate::memory::{UserSpace, note_cut};

/// Processes that are looked at without letting go of the table.
const PAGE: usize = 64;

/// What a file has lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// What was behind its present end.
    End,
    /// These pages, which are a hole now.
    Hole(Range<u64>),
}

/// A file has lost something: no memory shows it any longer. Costs a look at each process, if the
/// file is mapped at all.
pub fn take_from_memories(key: FileKey, loss: &Loss) {
    if !is_mapped(key) {
        return;
    }
    note_cut();
    let mut after = None;
    loop {
        let mut spaces: [Option<Arc<UserSpace>>; PAGE] = [const { None }; PAGE];
        let mut seen = 0;
        {
            let table = table().lock();
            for (place, record) in spaces.iter_mut().zip(table.page_after(after)) {
                after = Some(record.pid());
                *place = record.attachment.space();
                seen += 1;
            }
        }
        for space in spaces.into_iter().flatten() {
            match loss {
                Loss::End => space.forget_beyond_end(Some(key)),
                Loss::Hole(pages) => space.forget_hole(key, pages),
            }
        }
        if seen < PAGE {
            return;
        }
    }
}
