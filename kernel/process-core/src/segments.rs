//! Memory that processes share under a number: shmget(2), shmctl(2). Who may use it, and how long it
//! is there.
//!
//! `M` is the memory: each attachment holds it. So does the table until the segment is removed; from
//! then on only those do who have attached it, and the segment goes with the last of them.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use crate::credentials::{Capability, Credentials, Gid, Uid};
use crate::ids::Pid;

/// Segments that there may be at the same time: Linux's `shmmni`.
pub const SEGMENTS_MAX: usize = 4096;

/// What may be wrong with a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SegmentError {
    /// There is no such segment: ENOENT for a key, EINVAL for a number.
    NotFound,
    /// There is one with this key already.
    Exists,
    /// It is smaller than asked for, or the size is impossible.
    BadSize,
    /// Its permissions forbid that.
    AccessDenied,
    /// Only its owner may do that.
    NotOwner,
    /// It has been removed.
    Removed,
    /// There are too many.
    TooMany,
    /// There is no memory to note it.
    OutOfMemory,
}

/// Which segment is wanted, or made: shmget(2).
#[derive(Clone, Copy, Debug)]
pub struct SegmentRequest {
    /// Its key; 0 always makes a new one, that has none.
    pub key: i32,
    /// At least so many bytes.
    pub bytes: u64,
    /// One is made if there is none.
    pub creates: bool,
    /// There must not be one.
    pub is_exclusive: bool,
    /// The permissions of a new one, or what has to be allowed.
    pub mode: u16,
}

/// Who asks: nobody finds what processes of other sandboxes have made.
#[derive(Clone, Copy, Debug)]
pub struct SegmentUser<'a> {
    /// It acts for.
    pub credentials: &'a Credentials,
    /// The process.
    pub pid: Pid,
    /// Its sandbox; 0 for none.
    pub sandbox: u64,
    /// The time, in seconds of the wall clock.
    pub now_s: i64,
}

/// What is known about a segment: `struct shmid64_ds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentStatus {
    /// Its key.
    pub key: i32,
    /// Its owner.
    pub owner: (Uid, Gid),
    /// Who made it.
    pub creator: (Uid, Gid),
    /// Its permissions, and `SHM_DEST` if it has been removed.
    pub mode: u16,
    /// Which use of its place in the table it is.
    pub sequence: u16,
    /// Its size as it was asked for.
    pub bytes: u64,
    /// When it was attached, detached and changed last, in seconds; 0 for never.
    pub times_s: [i64; 3],
    /// The process that made it, and the one that attached or detached it last.
    pub pids: [u32; 2],
    /// How often it is attached.
    pub attached: u64,
}

/// Read permission as the three bits of one class.
const READ: u16 = 4;
const WRITE: u16 = 2;
/// `SHM_DEST`.
const REMOVED: u16 = 0o1000;
const PERMISSIONS: u16 = 0o777;

#[derive(Debug)]
enum Kept<M> {
    /// Until it is removed.
    Here(Arc<M>),
    /// As long as it is attached.
    Remembered(Weak<M>),
}

#[derive(Debug)]
struct Segment<M> {
    status: SegmentStatus,
    sandbox: u64,
    memory: Kept<M>,
}

/// All segments.
#[derive(Debug)]
pub struct SegmentTable<M> {
    slots: Vec<(u16, Option<Segment<M>>)>,
}

impl<M> Default for SegmentTable<M> {
    fn default() -> Self {
        Self { slots: Vec::new() }
    }
}

impl<M> Segment<M> {
    fn memory(&self) -> Option<Arc<M>> {
        match &self.memory {
            Kept::Here(memory) => Some(Arc::clone(memory)),
            Kept::Remembered(memory) => memory.upgrade(),
        }
    }

    fn is_removed(&self) -> bool {
        matches!(self.memory, Kept::Remembered(_))
    }

    /// Whether all of these bits are allowed: System V's rules, ipc(2).
    fn allows(&self, wanted: u16, user: &SegmentUser<'_>) -> bool {
        let credentials = user.credentials;
        let uid = credentials.effective_uid;
        let is_in = |gid: Gid| credentials.effective_gid == gid || credentials.is_in_group(gid);
        let class = if uid == self.status.owner.0 || uid == self.status.creator.0 {
            self.status.mode >> 6
        } else if is_in(self.status.owner.1) || is_in(self.status.creator.1) {
            self.status.mode >> 3
        } else {
            self.status.mode
        };
        wanted & !class & 0o7 == 0 || credentials.is_capable(Capability::IpcOwner)
    }

    fn check_owner(&self, user: &SegmentUser<'_>) -> Result<(), SegmentError> {
        let uid = user.credentials.effective_uid;
        let is_owner = uid == self.status.owner.0 || uid == self.status.creator.0;
        let may = is_owner || user.credentials.is_capable(Capability::SysAdmin);
        if may { Ok(()) } else { Err(SegmentError::NotOwner) }
    }
}

impl<M> SegmentTable<M> {
    /// The number of the segment with a key, or of a new one, whose memory `make` makes.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn get(
        &mut self,
        request: &SegmentRequest,
        user: &SegmentUser<'_>,
        make: impl FnOnce() -> Arc<M>,
    ) -> Result<i32, SegmentError> {
        self.sweep();
        let known = self.slots.iter().enumerate().find_map(|(index, (_, slot))| {
            let segment = slot.as_ref()?;
            let is_it = request.key != 0
                && segment.status.key == request.key
                && segment.sandbox == user.sandbox
                && !segment.is_removed();
            is_it.then_some((index, segment))
        });
        if let Some((index, segment)) = known {
            if request.creates && request.is_exclusive {
                return Err(SegmentError::Exists);
            }
            if request.bytes > segment.status.bytes {
                return Err(SegmentError::BadSize);
            }
            let mode = request.mode;
            if !segment.allows(mode >> 6 | mode >> 3 | mode, user) {
                return Err(SegmentError::AccessDenied);
            }
            return Ok(number(index, segment.status.sequence));
        }
        if request.key != 0 && !request.creates {
            return Err(SegmentError::NotFound);
        }
        if request.bytes == 0 {
            return Err(SegmentError::BadSize);
        }
        let free = self.slots.iter().position(|(_, slot)| slot.is_none());
        let index = match free {
            Some(index) => index,
            None if self.slots.len() >= SEGMENTS_MAX => return Err(SegmentError::TooMany),
            None => {
                self.slots.try_reserve(1).map_err(|_| SegmentError::OutOfMemory)?;
                self.slots.push((0, None));
                self.slots.len() - 1
            }
        };
        let by = (user.credentials.effective_uid, user.credentials.effective_gid);
        let (sequence, slot) = &mut self.slots[index];
        let status = SegmentStatus {
            key: request.key,
            owner: by,
            creator: by,
            mode: request.mode & PERMISSIONS,
            sequence: *sequence,
            bytes: request.bytes,
            times_s: [0, 0, user.now_s],
            pids: [user.pid.number(), 0],
            attached: 0,
        };
        *slot = Some(Segment { status, sandbox: user.sandbox, memory: Kept::Here(make()) });
        Ok(number(index, status.sequence))
    }

    /// The memory of a segment that is to be attached, and its size.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn attach(
        &mut self,
        id: i32,
        writes: bool,
        user: &SegmentUser<'_>,
    ) -> Result<(Arc<M>, u64), SegmentError> {
        let segment = self.find(id, user)?;
        if !segment.allows(if writes { READ | WRITE } else { READ }, user) {
            return Err(SegmentError::AccessDenied);
        }
        let memory = segment.memory().ok_or(SegmentError::Removed)?;
        segment.status.times_s[0] = user.now_s;
        segment.status.pids[1] = user.pid.number();
        Ok((memory, segment.status.bytes))
    }

    /// Notes that a segment has been detached; the others stay as they are.
    pub fn note_detached(&mut self, is_it: impl Fn(&Arc<M>) -> bool, user: &SegmentUser<'_>) {
        let segments = self.slots.iter_mut().filter_map(|(_, slot)| slot.as_mut());
        for segment in segments {
            if segment.memory().is_some_and(|memory| is_it(&memory)) {
                segment.status.times_s[1] = user.now_s;
                segment.status.pids[1] = user.pid.number();
            }
        }
        self.sweep();
    }

    /// What is known about a segment.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn status(
        &mut self,
        id: i32,
        user: &SegmentUser<'_>,
    ) -> Result<SegmentStatus, SegmentError> {
        let segment = self.find(id, user)?;
        if !segment.allows(READ, user) {
            return Err(SegmentError::AccessDenied);
        }
        let attached = match &segment.memory {
            Kept::Here(memory) => Arc::strong_count(memory) - 1,
            Kept::Remembered(memory) => memory.strong_count(),
        };
        let attached = attached as u64;
        Ok(SegmentStatus { attached, ..segment.status })
    }

    /// Gives a segment another owner and other permissions.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn set(
        &mut self,
        id: i32,
        (owner, mode): ((Uid, Gid), u16),
        user: &SegmentUser<'_>,
    ) -> Result<(), SegmentError> {
        let segment = self.find(id, user)?;
        segment.check_owner(user)?;
        segment.status.owner = owner;
        segment.status.mode = segment.status.mode & !PERMISSIONS | mode & PERMISSIONS;
        segment.status.times_s[2] = user.now_s;
        Ok(())
    }

    /// Removes a segment: nobody finds it by its key any more, and it goes with its last attachment.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn remove(&mut self, id: i32, user: &SegmentUser<'_>) -> Result<(), SegmentError> {
        let segment = self.find(id, user)?;
        segment.check_owner(user)?;
        if let Kept::Here(memory) = &segment.memory {
            segment.memory = Kept::Remembered(Arc::downgrade(memory));
            segment.status.mode |= REMOVED;
            segment.status.key = 0;
        }
        self.sweep();
        Ok(())
    }

    /// Whether the caller may lock a segment in memory, or unlock it.
    ///
    /// # Errors
    /// See [`SegmentError`].
    pub fn check_owner(&mut self, id: i32, user: &SegmentUser<'_>) -> Result<(), SegmentError> {
        self.find(id, user)?.check_owner(user)
    }

    fn find(&mut self, id: i32, user: &SegmentUser<'_>) -> Result<&mut Segment<M>, SegmentError> {
        self.sweep();
        let (index, sequence) = place(id).ok_or(SegmentError::NotFound)?;
        let (_, slot) = self.slots.get_mut(index).ok_or(SegmentError::NotFound)?;
        let is_it = |segment: &&mut Segment<M>| {
            segment.status.sequence == sequence && segment.sandbox == user.sandbox
        };
        slot.as_mut().filter(is_it).ok_or(SegmentError::NotFound)
    }

    /// Forgets those that were removed and that nobody has attached any more.
    fn sweep(&mut self) {
        for (sequence, slot) in &mut self.slots {
            if slot.as_ref().is_some_and(|segment| segment.memory().is_none()) {
                *slot = None;
                *sequence = (*sequence + 1) % SEQUENCES;
            }
        }
    }
}

/// Uses of a place before its numbers come again.
const SEQUENCES: u16 = 1 << 15;

fn number(index: usize, sequence: u16) -> i32 {
    let index = i32::try_from(index).unwrap_or(0);
    i32::from(sequence) * 65_536 + index
}

fn place(id: i32) -> Option<(usize, u16)> {
    let id = u32::try_from(id).ok()?;
    Some((usize::try_from(id & 0xffff).ok()?, u16::try_from(id >> 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    type Table = SegmentTable<u32>;

    const WANTED: SegmentRequest =
        SegmentRequest { key: 7, bytes: 5000, creates: true, is_exclusive: false, mode: 0o640 };

    fn user(credentials: &Credentials) -> SegmentUser<'_> {
        SegmentUser { credentials, pid: Pid::INIT, sandbox: 0, now_s: 9 }
    }

    #[test]
    fn a_segment_is_there_until_it_is_removed_and_detached() {
        let root = Credentials::root();
        let user = user(&root);
        let mut table = Table::default();
        let id = table.get(&WANTED, &user, || Arc::new(1)).unwrap();
        assert_eq!(table.get(&WANTED, &user, || unreachable!()), Ok(id));
        let exclusive = SegmentRequest { is_exclusive: true, ..WANTED };
        assert_eq!(table.get(&exclusive, &user, || Arc::new(2)), Err(SegmentError::Exists));
        let larger = SegmentRequest { bytes: 5001, ..WANTED };
        assert_eq!(table.get(&larger, &user, || Arc::new(2)), Err(SegmentError::BadSize));
        let (memory, bytes) = table.attach(id, true, &user).unwrap();
        assert_eq!((bytes, table.status(id, &user).unwrap().attached), (5000, 1));
        table.remove(id, &user).unwrap();
        let status = table.status(id, &user).unwrap();
        assert_eq!((status.attached, status.key, status.mode), (1, 0, 0o1640));
        // Its key is free, and it can be attached by its number.
        let other = table.get(&WANTED, &user, || Arc::new(2)).unwrap();
        assert_ne!(other, id);
        let (again, _) = table.attach(id, false, &user).unwrap();
        drop((memory, again));
        table.note_detached(|_| false, &user);
        assert_eq!(table.status(id, &user), Err(SegmentError::NotFound));
        // The place is another's, under another number.
        let third = table.get(&SegmentRequest { key: 0, ..WANTED }, &user, || Arc::new(3)).unwrap();
        assert_eq!(third & 0xffff, id & 0xffff);
        assert_ne!(third, id);
    }

    #[test]
    fn permissions_owners_and_sandboxes_count() {
        let (root, groups) = (Credentials::root(), Arc::from([]));
        let stranger = Credentials::for_user(Uid(5), Gid(5), Arc::clone(&groups));
        let member = Credentials::for_user(Uid(6), Gid(0), groups);
        let mut table = Table::default();
        let id = table.get(&WANTED, &user(&root), || Arc::new(1)).unwrap();
        let attach = |table: &mut Table, who: &Credentials, writes| {
            table.attach(id, writes, &user(who)).map(drop)
        };
        assert_eq!(attach(&mut table, &member, false), Ok(()));
        assert_eq!(attach(&mut table, &member, true), Err(SegmentError::AccessDenied));
        assert_eq!(attach(&mut table, &stranger, false), Err(SegmentError::AccessDenied));
        let wanted = SegmentRequest { mode: 0o600, ..WANTED };
        let denied = table.get(&wanted, &user(&stranger), || Arc::new(2));
        assert_eq!(denied, Err(SegmentError::AccessDenied));
        assert_eq!(table.remove(id, &user(&stranger)), Err(SegmentError::NotOwner));
        let confined = SegmentUser { sandbox: 3, ..user(&root) };
        assert_eq!(table.status(id, &confined).map(drop), Err(SegmentError::NotFound));
        assert_ne!(table.get(&WANTED, &confined, || Arc::new(2)), Ok(id));
        table.set(id, ((Uid(5), Gid(5)), 0o600), &user(&root)).unwrap();
        assert_eq!(attach(&mut table, &stranger, true), Ok(()));
        for bad in [-1, 65_535, 1 << 16, i32::MAX] {
            assert_eq!(table.status(bad, &user(&root)).map(drop), Err(SegmentError::NotFound));
        }
    }

    #[test]
    fn there_is_an_end_to_how_many_there_are() {
        let root = Credentials::root();
        let mut table = Table::default();
        let nameless = SegmentRequest { key: 0, ..WANTED };
        for _ in 0..SEGMENTS_MAX {
            table.get(&nameless, &user(&root), || Arc::new(0)).unwrap();
        }
        assert_eq!(table.get(&nameless, &user(&root), || Arc::new(0)), Err(SegmentError::TooMany));
    }
}
