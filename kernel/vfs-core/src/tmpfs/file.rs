//! Reading and changing one file.

use core::ops::Range;

use crate::access::Identity;
use crate::error::FileError;
use crate::events::FileEvents;
use crate::metadata::{FileKind, Owner, PERMISSION_BITS, WallTime};
use crate::tmpfs::contents::{Contents, FilePage};
use crate::tmpfs::page::{PAGE_BYTES, Page};
use crate::tmpfs::slab::InodeId;
use crate::tmpfs::{Node, Seals, TmpFs};

const SET_UID: u16 = 0o4000;
const SET_GID: u16 = 0o2000;
const GROUP_EXECUTE: u16 = 0o010;

impl<P: Page> TmpFs<P> {
    fn contents(&self, id: InodeId) -> Result<&Contents<P>, FileError> {
        match &self.inode(id)?.node {
            Node::Regular(contents) => Ok(contents),
            Node::Directory(_) => Err(FileError::IsADirectory),
            _ => Err(FileError::WrongKind),
        }
    }

    fn contents_mut(&mut self, id: InodeId) -> Result<&mut Contents<P>, FileError> {
        match &mut self.inode_mut(id)?.node {
            Node::Regular(contents) => Ok(contents),
            Node::Directory(_) => Err(FileError::IsADirectory),
            _ => Err(FileError::WrongKind),
        }
    }

    /// Copies from a regular file; answers how many bytes there were from `offset` on.
    ///
    /// # Errors
    /// [`FileError::IsADirectory`], [`FileError::WrongKind`], [`FileError::Stale`].
    pub fn read(&self, id: InodeId, offset: u64, buffer: &mut [u8]) -> Result<usize, FileError> {
        Ok(self.contents(id)?.read(offset, buffer))
    }

    /// The whole of a regular file in place, if it came with the archive and was not written
    /// since.
    pub fn borrowed(&self, id: InodeId) -> Option<&'static [u8]> {
        self.contents(id).ok()?.borrowed()
    }

    /// A page of a regular file, to be mapped; `None` behind the file's end.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn page(&self, id: InodeId, index: u64) -> Result<Option<FilePage<'_, P>>, FileError> {
        Ok(self.contents(id)?.as_mapped(index))
    }

    /// A page of a regular file as one that is the file's own, to be mapped and written; `None`
    /// behind the file's end. What came with the archive is copied.
    ///
    /// # Errors
    /// [`FileError::NoSpace`], [`FileError::OutOfMemory`]; those of [`Self::read`].
    pub fn make_page(&mut self, id: InodeId, index: u64) -> Result<Option<&mut P>, FileError> {
        let contents = self.contents(id)?;
        let before = contents.allocated_bytes();
        let Some(offset) = index.checked_mul(PAGE_BYTES as u64) else { return Ok(None) };
        if offset >= contents.len() {
            return Ok(None);
        }
        let cost = contents.cost_of_write(offset, 1);
        self.quota.charge(cost)?;
        let made = self.contents_mut(id)?.materialize(index).map(|page| page.is_some());
        let taken = self.contents(id)?.allocated_bytes().saturating_sub(before);
        self.quota.refund(cost.saturating_sub(taken));
        made?;
        self.contents_mut(id)?.materialize(index)
    }

    /// Notes that a file was changed through a mapping.
    pub fn note_change(&mut self, id: InodeId, now: WallTime) {
        if let Ok(inode) = self.inode_mut(id) {
            inode.modified = now;
            inode.changed = now;
        }
    }

    /// Makes these borrowed bytes the contents of a regular file.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub(crate) fn set_borrowed(
        &mut self,
        id: InodeId,
        contents: &'static [u8],
    ) -> Result<(), FileError> {
        let old = self.contents_mut(id)?;
        let freed = old.allocated_bytes();
        *old = Contents::new(contents);
        self.quota.refund(freed);
        Ok(())
    }

    /// Copies into a regular file; answers how many bytes found room.
    ///
    /// # Errors
    /// [`FileError::NoSpace`], [`FileError::OutOfMemory`] if not even one did;
    /// [`FileError::FileTooLarge`]; [`FileError::NotPermitted`] if it is sealed; those of
    /// [`Self::read`].
    pub fn write(
        &mut self,
        id: InodeId,
        offset: u64,
        data: &[u8],
        now: WallTime,
    ) -> Result<usize, FileError> {
        let contents = self.contents(id)?;
        let size = offset.saturating_add(data.len() as u64);
        Contents::<P>::check_size(size)?;
        if data.is_empty() {
            return Ok(0);
        }
        self.seals(id)?.check_write(size, contents.len())?;
        let (room, cost) = self.room_for(contents, offset, data.len())?;
        let before = contents.allocated_bytes();
        self.quota.charge(cost)?;
        let contents = self.contents_mut(id)?;
        let written = contents.write(offset, &data[..room]);
        let taken = contents.allocated_bytes().saturating_sub(before);
        self.quota.refund(cost.saturating_sub(taken));
        let written = written?;
        let inode = self.inode_mut(id)?;
        inode.modified = now;
        inode.changed = now;
        // Whoever writes a program must not leave it running as someone else: write(2).
        inode.permissions = without_set_id(inode.permissions);
        self.note(id, FileEvents::MODIFY);
        Ok(written)
    }

    /// Copies to the end of a regular file, as O_APPEND asks; answers where and how many bytes.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn append(
        &mut self,
        id: InodeId,
        data: &[u8],
        now: WallTime,
    ) -> Result<(u64, usize), FileError> {
        let end = self.contents(id)?.len();
        Ok((end, self.write(id, end, data, now)?))
    }

    /// How many of `len` bytes the quota has room for, and what they cost at most.
    fn room_for(
        &self,
        contents: &Contents<P>,
        offset: u64,
        len: usize,
    ) -> Result<(usize, u64), FileError> {
        let left = self.quota.limit_bytes.saturating_sub(self.quota.used_bytes);
        let fits = |len| contents.cost_of_write(offset, len) <= left;
        if fits(len) {
            return Ok((len, contents.cost_of_write(offset, len)));
        }
        // Costs rise with the length: find the most that fits.
        let (mut most, mut too_much) = (0, len);
        while most + 1 < too_much {
            let middle = most + (too_much - most) / 2;
            if fits(middle) {
                most = middle;
            } else {
                too_much = middle;
            }
        }
        if most == 0 {
            return Err(FileError::NoSpace);
        }
        Ok((most, contents.cost_of_write(offset, most)))
    }

    /// Cuts a regular file or lengthens it with a hole: truncate(2).
    ///
    /// # Errors
    /// [`FileError::FileTooLarge`], [`FileError::NotPermitted`] if it is sealed, and those of
    /// [`Self::read`].
    pub fn truncate(&mut self, id: InodeId, size: u64, now: WallTime) -> Result<(), FileError> {
        Contents::<P>::check_size(size)?;
        self.seals(id)?.check_resize(size, self.contents(id)?.len())?;
        let contents = self.contents_mut(id)?;
        let before = contents.allocated_bytes();
        contents.resize(size);
        let freed = before.saturating_sub(contents.allocated_bytes());
        self.quota.refund(freed);
        self.changed_by_call(id, now)
    }

    /// Gives a range of a regular file memory, and makes the file that long unless it is to keep its
    /// size: fallocate(2).
    ///
    /// # Errors
    /// [`FileError::NoSpace`], and then nothing is changed; [`FileError::OutOfMemory`],
    /// [`FileError::FileTooLarge`], those of [`Self::read`].
    pub fn allocate(
        &mut self,
        id: InodeId,
        range: Range<u64>,
        keeps_size: bool,
        now: WallTime,
    ) -> Result<(), FileError> {
        let contents = self.contents(id)?;
        Contents::<P>::check_size(range.end)?;
        if !keeps_size && range.end > contents.len() {
            self.seals(id)?.check_resize(range.end, contents.len())?;
        }
        // Before anything is counted page by page: what cannot fit by far.
        let length = range.end.saturating_sub(range.start);
        let left = self.quota.limit_bytes.saturating_sub(self.quota.used_bytes);
        let there = contents.written_pages(range.start, range.end) * PAGE_BYTES as u64;
        if length.saturating_sub(there) > left {
            return Err(FileError::NoSpace);
        }
        let cost =
            contents.cost_of_write(range.start, usize::try_from(length).unwrap_or(usize::MAX));
        let before = contents.allocated_bytes();
        self.quota.charge(cost)?;
        let contents = self.contents_mut(id)?;
        let allocated = contents.allocate(range.start, range.end);
        let taken = contents.allocated_bytes().saturating_sub(before);
        if allocated.is_ok() && !keeps_size {
            contents.extend(range.end);
        }
        self.quota.refund(cost.saturating_sub(taken));
        allocated?;
        self.changed_by_call(id, now)
    }

    /// Makes a range of a regular file a hole: fallocate(2), FALLOC_FL_PUNCH_HOLE.
    ///
    /// # Errors
    /// [`FileError::NoSpace`], [`FileError::OutOfMemory`] if a page that was borrowed has to be
    /// copied; those of [`Self::read`].
    pub fn punch(
        &mut self,
        id: InodeId,
        range: Range<u64>,
        now: WallTime,
    ) -> Result<(), FileError> {
        let contents = self.contents(id)?;
        self.seals(id)?.check_write(0, contents.len())?;
        let before = contents.allocated_bytes();
        // Only what is borrowed from the archive can cost something.
        let borrowed_end = range.end.min(contents.borrowed_bytes());
        let copied = borrowed_end.saturating_sub(range.start.min(borrowed_end));
        let cost = match usize::try_from(copied) {
            Ok(0) | Err(_) => 0,
            Ok(copied) => contents.cost_of_write(range.start, copied),
        };
        self.quota.charge(cost)?;
        let contents = self.contents_mut(id)?;
        let punched = contents.punch(range.start, range.end);
        let after = contents.allocated_bytes();
        self.quota.refund((before + cost).saturating_sub(after));
        punched?;
        self.changed_by_call(id, now)
    }

    /// Notes that a call has changed a file's contents.
    fn changed_by_call(&mut self, id: InodeId, now: WallTime) -> Result<(), FileError> {
        let inode = self.inode_mut(id)?;
        inode.modified = now;
        inode.changed = now;
        inode.permissions = without_set_id(inode.permissions);
        self.note(id, FileEvents::MODIFY);
        Ok(())
    }

    /// Where the next data, or the next hole, is from a position on: lseek(2), SEEK_DATA and
    /// SEEK_HOLE. None behind the end.
    ///
    /// # Errors
    /// Those of [`Self::read`].
    pub fn seek(&self, id: InodeId, from: u64, wants_data: bool) -> Result<Option<u64>, FileError> {
        Ok(self.contents(id)?.seek(from, wants_data))
    }

    /// Notes that a file was read, as a mount with `relatime` does: if it was changed since it was
    /// read last, or that was a day ago.
    pub fn note_read(&mut self, id: InodeId, now: WallTime) {
        const DAY_NS: u64 = 86_400_000_000_000;
        if let Ok(inode) = self.inode_mut(id) {
            let is_old = now.nanoseconds.saturating_sub(inode.accessed.nanoseconds) >= DAY_NS;
            if inode.accessed <= inode.modified || inode.accessed <= inode.changed || is_old {
                inode.accessed = now;
            }
        }
    }

    /// Notes that a file was read.
    pub fn note_access(&mut self, id: InodeId, now: WallTime) {
        if let Ok(inode) = self.inode_mut(id) {
            inode.accessed = now;
        }
    }

    /// Changes the permissions: chmod(2).
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] unless the caller is the owner.
    pub fn set_permissions(
        &mut self,
        id: InodeId,
        permissions: u16,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<(), FileError> {
        let metadata = self.metadata(id)?;
        if !caller.is_owner(&metadata) {
            return Err(FileError::NotPermitted);
        }
        let mut permissions = permissions & PERMISSION_BITS;
        let is_sealed = self.inode(id)?.seals.has(Seals::EXECUTE);
        if is_sealed && (permissions ^ metadata.permissions) & 0o111 != 0 {
            return Err(FileError::NotPermitted);
        }
        if !caller.is_in_group(metadata.owner.gid) && !caller.owns_all {
            permissions &= !SET_GID;
        }
        let inode = self.inode_mut(id)?;
        inode.permissions = permissions;
        inode.changed = now;
        self.note(id, FileEvents::ATTRIBUTES);
        Ok(())
    }

    /// Gives a file to another user or group: chown(2). `None` leaves one as it is.
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] unless the caller may give files away, or owns the file and
    /// gives it to a group of its own.
    pub fn set_owner(
        &mut self,
        id: InodeId,
        uid: Option<u32>,
        gid: Option<u32>,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<(), FileError> {
        let metadata = self.metadata(id)?;
        let owner = Owner {
            uid: uid.unwrap_or(metadata.owner.uid),
            gid: gid.unwrap_or(metadata.owner.gid),
        };
        let keeps_group = owner.gid == metadata.owner.gid;
        let is_own = caller.uid == metadata.owner.uid;
        let may_user = uid.is_none_or(|uid| is_own && uid == metadata.owner.uid);
        let may_group = gid.is_none_or(|gid| is_own && (keeps_group || caller.is_in_group(gid)));
        let is_allowed = caller.can_give_away || (may_user && may_group);
        if !is_allowed {
            return Err(FileError::NotPermitted);
        }
        let inode = self.inode_mut(id)?;
        inode.owner = owner;
        if metadata.kind != FileKind::Directory {
            inode.permissions = without_set_id(inode.permissions);
        }
        inode.changed = now;
        self.note(id, FileEvents::ATTRIBUTES);
        Ok(())
    }

    /// Sets the times of last access and change: utimensat(2). `None` leaves one as it is.
    ///
    /// # Errors
    /// [`FileError::Stale`]. The caller checks who may: the owner, or for the present time anyone
    /// who may write.
    pub fn set_times(
        &mut self,
        id: InodeId,
        accessed: Option<WallTime>,
        modified: Option<WallTime>,
        now: WallTime,
    ) -> Result<(), FileError> {
        let inode = self.inode_mut(id)?;
        inode.accessed = accessed.unwrap_or(inode.accessed);
        inode.modified = modified.unwrap_or(inode.modified);
        inode.changed = now;
        // One time alone counts as what it is the time of.
        let events = match (accessed, modified) {
            (Some(_), Some(_)) => FileEvents::ATTRIBUTES,
            (Some(_), None) => FileEvents::ACCESS,
            (None, Some(_)) => FileEvents::MODIFY,
            (None, None) => return Ok(()),
        };
        self.note(id, events);
        Ok(())
    }
}

fn without_set_id(permissions: u16) -> u16 {
    let mut kept = permissions & !SET_UID;
    // Set-gid without group execution means mandatory locking, not a change of identity.
    if permissions & GROUP_EXECUTE != 0 {
        kept &= !SET_GID;
    }
    kept
}
