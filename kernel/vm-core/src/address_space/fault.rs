//! What a page fault means: [`AddressSpace::fault`].

use super::area::{Access, Area, Kind, PageRange, Protection, STACK_GUARD_BYTES, page_of};
use super::map::AddressSpace;

/// Whether a translation was there when the access failed: bit 0 of the error code (SDM volume 3A,
/// 4.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There was none.
    Absent,
    /// There was one that forbade the access.
    Present,
}

/// A page fault that the program may go on after.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault<'space, F> {
    /// Address of the page.
    pub page: u64,
    /// The area it lies in, or will lie in after a stack has grown.
    pub area: &'space Area<F>,
    /// What to do.
    pub action: FaultAction,
}

/// What the kernel has to do before the program can repeat the access. The translation made gets
/// the area's protection, except where writing is to fault again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultAction {
    /// Map a frame of zeros.
    ZeroFill,
    /// Map the file's page, without the right to write if the area is private.
    FileFill {
        /// Where in the file the page starts, in bytes.
        offset: u64,
    },
    /// Map a private copy of the file's page.
    FileCopy {
        /// Where in the file the page starts, in bytes.
        offset: u64,
    },
    /// Map a private copy of the frame that is there, or allow writing to it if nobody else has it.
    CopyOnWrite,
    /// Allow writing to the shared frame that is there, and note that it is dirty.
    MakeWritable,
    /// The area allows the access: give the translation the area's protection. (It was changed
    /// meanwhile, or allowed less than the area does.)
    Refresh,
    /// Call [`AddressSpace::grow_stack`], then ask again.
    GrowStack,
}

/// Why a stack does not grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrowthError {
    /// It must not.
    Violation(Violation),
    /// There is no memory for the map.
    OutOfMemory,
}

impl From<Violation> for GrowthError {
    fn from(violation: Violation) -> Self {
        Self::Violation(violation)
    }
}

/// A page fault that is the program's error: `SIGSEGV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// Nothing is mapped there (`SEGV_MAPERR`).
    Unmapped,
    /// Nothing is mapped there, and it is where a stack that outgrows its limit comes first
    /// (`SEGV_MAPERR`). What lies further below, a wild pointer may be meant as well.
    StackLimit,
    /// The area forbids the access (`SEGV_ACCERR`).
    Denied,
}

impl<F: Clone + PartialEq> AddressSpace<F> {
    /// What to do about an access that the hardware refused.
    ///
    /// # Errors
    /// If the map does not allow it either.
    pub fn fault(
        &self,
        address: u64,
        access: Access,
        presence: Presence,
    ) -> Result<Fault<'_, F>, Violation> {
        let area = self.tree.first_ending_after(address).ok_or(Violation::Unmapped)?;
        let page = page_of(address);
        let is_below = address < area.range.start();
        if is_below {
            self.stack_growth(area, page)?;
        }
        if !area.protection.allows(access) {
            return Err(if is_below { Violation::Unmapped } else { Violation::Denied });
        }
        let is_write = access == Access::Write;
        let action = match presence {
            _ if is_below => FaultAction::GrowStack,
            Presence::Absent => match (area.file_offset(page), area.kind.is_shared()) {
                (None, _) => FaultAction::ZeroFill,
                (Some(offset), false) if is_write => FaultAction::FileCopy { offset },
                (Some(offset), _) => FaultAction::FileFill { offset },
            },
            Presence::Present if !is_write => FaultAction::Refresh,
            Presence::Present if area.kind.is_shared() => FaultAction::MakeWritable,
            Presence::Present => FaultAction::CopyOnWrite,
        };
        Ok(Fault { page, area, action })
    }

    /// Grows the stack above an address down to the address's page; returns what was added.
    ///
    /// # Errors
    /// If there is no such stack, a limit forbids it, or too little would be left below it; if memory is short.
    pub fn grow_stack(&mut self, address: u64) -> Result<PageRange, GrowthError>
    where
        F: Clone,
    {
        let area = self.tree.first_ending_after(address).ok_or(Violation::Unmapped)?;
        let added = self.stack_growth(area, page_of(address))?;
        let grown = PageRange::new(added.start(), area.range.end()).ok_or(Violation::Unmapped)?;
        let start = area.range.start();
        self.tree.reserve(0).map_err(|_| GrowthError::OutOfMemory)?;
        let mut area = self.take(start).ok_or(Violation::Unmapped)?;
        // The node just taken out has room for it.
        area.range = grown;
        self.put(area);
        Ok(added)
    }

    /// What `area` has to grow by so that it begins at `page`, if it may.
    fn stack_growth(&self, area: &Area<F>, page: u64) -> Result<PageRange, Violation> {
        let added = PageRange::new(page, area.range.start()).ok_or(Violation::Unmapped)?;
        let stack_bytes = area.range.bytes() + added.bytes();
        // What can't be accessed may touch the stack, as on Linux: it is a guard itself.
        let has_guard = self.tree.last_starting_before(area.range.start()).is_none_or(|below| {
            let guard_bytes =
                if below.protection == Protection::NONE { 0 } else { STACK_GUARD_BYTES };
            below.range.end() <= page.saturating_sub(guard_bytes)
        });
        let may_grow = matches!(area.kind, Kind::Stack)
            && has_guard
            && self.layout.user.encloses(added)
            && self.check_total(added.bytes(), 0).is_ok();
        let excess_bytes = stack_bytes.saturating_sub(self.limits.stack_bytes);
        match may_grow {
            true if excess_bytes == 0 => Ok(added),
            true if excess_bytes <= STACK_GUARD_BYTES => Err(Violation::StackLimit),
            _ => Err(Violation::Unmapped),
        }
    }
}
