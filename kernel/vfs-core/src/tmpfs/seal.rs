//! Seals: what can be done to a file no more; fcntl(2), "File Sealing".

use crate::error::FileError;
use crate::tmpfs::page::Page;
use crate::tmpfs::slab::InodeId;
use crate::tmpfs::{Node, TmpFs};

/// A set of seals; the bits are those of `F_ADD_SEALS`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Seals(u32);

impl Seals {
    /// None.
    pub const NONE: Self = Self(0);
    /// No further seals.
    pub const SEAL: Self = Self(0x1);
    /// It gets no shorter.
    pub const SHRINK: Self = Self(0x2);
    /// It gets no longer.
    pub const GROW: Self = Self(0x4);
    /// Nothing is written.
    pub const WRITE: Self = Self(0x8);
    /// Nothing is written but through mappings that there are.
    pub const FUTURE_WRITE: Self = Self(0x10);
    /// Whether it may be executed stays as it is.
    pub const EXECUTE: Self = Self(0x20);
    const KNOWN: u32 = 0x3f;

    /// These seals; `None` if there is an unknown one among them.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !Self::KNOWN == 0 { Some(Self(bits)) } else { None }
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether one of these is among them.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a file that they are on can be written from a position on.
    pub(super) fn check_write(self, end: u64, size: u64) -> Result<(), FileError> {
        let is_closed = self.has(Self::WRITE.and(Self::FUTURE_WRITE));
        if is_closed || end > size && self.has(Self::GROW) {
            return Err(FileError::NotPermitted);
        }
        Ok(())
    }

    /// Whether it can have another size.
    pub(super) fn check_resize(self, size: u64, old: u64) -> Result<(), FileError> {
        let is_refused = size < old && self.has(Self::SHRINK) || size > old && self.has(Self::GROW);
        if is_refused { Err(FileError::NotPermitted) } else { Ok(()) }
    }
}

impl<P: Page> TmpFs<P> {
    /// A regular file's seals. One that was not made to be sealed has that it takes none.
    ///
    /// # Errors
    /// [`FileError::InvalidValue`] for any other file; [`FileError::Stale`].
    pub fn seals(&self, id: InodeId) -> Result<Seals, FileError> {
        let inode = self.inode(id)?;
        match inode.node {
            Node::Regular(_) => Ok(inode.seals),
            _ => Err(FileError::InvalidValue),
        }
    }

    /// Says which seals a new file has: memfd_create(2).
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn set_seals(&mut self, id: InodeId, seals: Seals) -> Result<(), FileError> {
        self.inode_mut(id)?.seals = seals;
        Ok(())
    }

    /// Puts seals on a regular file, through so many mappings of which others may write.
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] if it takes none; [`FileError::Busy`] if it is to be written no
    /// more and can be through a mapping; those of [`Self::seals`].
    pub fn add_seals(
        &mut self,
        id: InodeId,
        added: Seals,
        writable_mappings: usize,
    ) -> Result<(), FileError> {
        let old = self.seals(id)?;
        if old.has(Seals::SEAL) {
            return Err(FileError::NotPermitted);
        }
        if added.has(Seals::WRITE) && !old.has(Seals::WRITE) && writable_mappings != 0 {
            return Err(FileError::Busy);
        }
        let inode = self.inode_mut(id)?;
        let mut new = old.and(added);
        if added.has(Seals::EXECUTE) && inode.permissions & 0o111 != 0 {
            // What stays executable stays what it is.
            let contents = Seals::SHRINK.and(Seals::GROW).and(Seals::WRITE);
            new = new.and(contents).and(Seals::FUTURE_WRITE);
        }
        inode.seals = new;
        Ok(())
    }
}
