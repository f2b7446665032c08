//! What a space consists of, for who looks at it: `/proc/PID/maps` and the API's memory map.

use alloc::sync::Arc;
use alloc::vec::Vec;

use hal::frame::OutOfMemory;
use vm_core::address_space::{Area, Kind, PAGE_BYTES, PageRange, Protection};

use super::object::{FileBytes, Object};
use super::space::UserSpace;
use super::vdso;
use crate::fs::MappedFile;

/// What an area consists of.
#[derive(Clone, Debug)]
pub enum Content {
    /// Memory of the process's own.
    Anonymous,
    /// The memory that `brk` moves the end of.
    Heap,
    /// The stack that the process was started with, or another that grows.
    Stack,
    /// Memory that forked processes share.
    SharedMemory,
    /// The page that clocks are read by.
    Vdso,
    /// A file, privately or shared.
    File(Arc<MappedFile>),
}

/// An area as it was at one moment.
#[derive(Clone, Debug)]
pub struct ListedArea {
    /// Where it is.
    pub range: PageRange,
    /// What the program may do.
    pub protection: Protection,
    /// Whether what is written there is seen by others.
    pub is_shared: bool,
    /// Whether `mlock` keeps its pages.
    pub is_locked: bool,
    /// What it consists of.
    pub content: Content,
    /// Where in the file it starts, in bytes.
    pub offset: u64,
    /// Bytes that have a frame.
    pub resident_bytes: u64,
}

impl UserSpace {
    /// How many areas there are.
    #[must_use]
    pub fn area_count(&self) -> usize {
        self.map_locked().areas().count()
    }

    /// The areas from an address on, the lowest first, `at_most` of them: the lock is held no longer
    /// than that takes. The next call goes on behind the last one's end.
    ///
    /// # Errors
    /// When there is no memory for the list.
    pub fn areas_from(&self, address: u64, at_most: usize) -> Result<Vec<ListedArea>, OutOfMemory> {
        let mut list = Vec::new();
        list.try_reserve_exact(at_most).map_err(|_| OutOfMemory)?;
        let Some(rest) = PageRange::new(address - address % PAGE_BYTES, END) else {
            return Ok(list);
        };
        let map = self.map_locked();
        for area in map.areas_in(rest).take(at_most) {
            let (start, end) = (area.range.start(), area.range.end());
            list.push(ListedArea {
                range: area.range,
                protection: area.protection,
                is_shared: area.kind.is_shared(),
                is_locked: area.is_locked,
                content: content(area),
                offset: area.kind.backing().map_or(0, |backing| backing.offset),
                resident_bytes: self.tables().mapped_in(start, end) * PAGE_BYTES,
            });
        }
        Ok(list)
    }
}

/// Behind all areas.
const END: u64 = 1 << 47;

fn content(area: &Area<Object>) -> Content {
    match (&area.kind, area.kind.backing().map(|backing| &backing.file)) {
        (_, Some(Object::File(FileBytes::File(file)))) => Content::File(Arc::clone(file)),
        (_, Some(Object::Memory(memory))) if vdso::is_shown(memory) => Content::Vdso,
        (_, Some(Object::Memory(_))) => Content::SharedMemory,
        (Kind::Heap, _) => Content::Heap,
        (Kind::Stack, _) => Content::Stack,
        _ => Content::Anonymous,
    }
}
