//! Which file system stands where: mount(2), umount(2).
//!
//! A [`Place`] is a file as it is reached: through which mount, and which file there. The
//! [`MountTable`] knows what is mounted on which place. [`MountTable::enter`] goes from a directory
//! to what covers it, [`MountTable::leave`] from a mount's root to what it covers; a walk does both.
//! What a file system is (`F`) and what its files are called (`N`) is the caller's.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::error::FileError;

/// How many mounts there can be.
const MOUNTS_MAX: usize = 1000;

/// A mount's name. One that outlives its mount finds nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MountId {
    index: u32,
    generation: u32,
}

impl MountId {
    /// A small number, for `mountinfo`.
    pub const fn number(self) -> u32 {
        self.index + 1
    }
}

/// A file, and the mount that it is reached through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Place<N> {
    /// The mount.
    pub mount: MountId,
    /// The file, as its file system calls it.
    pub node: N,
}

/// How a file system is mounted: Linux's `MS_*` bits for these.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct MountFlags(u32);

impl MountFlags {
    /// Nothing can be changed (`MS_RDONLY`).
    pub const READ_ONLY: Self = Self(1);
    /// Set-id bits do not count (`MS_NOSUID`).
    pub const NO_SET_ID: Self = Self(2);
    /// Devices cannot be opened (`MS_NODEV`).
    pub const NO_DEVICES: Self = Self(4);
    /// Nothing can be executed (`MS_NOEXEC`).
    pub const NO_EXECUTION: Self = Self(8);
    const KNOWN: u32 = 15;

    /// These of Linux's bits that change something here.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits & Self::KNOWN)
    }

    /// Linux's bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of these are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }
}

/// A file system that is mounted.
#[derive(Debug)]
pub struct Mount<N, F> {
    /// Which file system.
    pub system: F,
    /// Which of its directories stands for the mount.
    pub root: N,
    /// What it covers; none for the first mount, and for one that was taken off.
    pub on: Option<Place<N>>,
    /// How.
    pub flags: MountFlags,
    /// What was given as its source, for `/proc/mounts`.
    pub source: Box<[u8]>,
    /// Open files, working directories and the like that were reached through it.
    users: u32,
    /// Mounts that stand on it.
    children: u32,
    /// Mounts are listed in the order of these.
    sequence: u64,
}

/// What a mount that is gone for good leaves, to be dropped without a lock.
pub type Gone<N, F> = Option<Mount<N, F>>;

struct Slot<N, F> {
    generation: u32,
    mount: Option<Mount<N, F>>,
}

/// All mounts.
pub struct MountTable<N, F> {
    slots: Vec<Slot<N, F>>,
    first: MountId,
    next_sequence: u64,
}

impl<N: Copy + PartialEq, F> MountTable<N, F> {
    /// A table with the first mount, at the root of all.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn new(system: F, root: N, source: Box<[u8]>) -> Result<Self, FileError> {
        let first = MountId { index: 0, generation: 0 };
        let mut table = Self { slots: Vec::new(), first, next_sequence: 0 };
        table.first = table.insert(system, root, None, MountFlags::default(), source)?;
        Ok(table)
    }

    /// The root of all.
    pub fn root(&self) -> Result<Place<N>, FileError> {
        Ok(Place { mount: self.first, node: self.get(self.first)?.root })
    }

    /// A mount.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn get(&self, id: MountId) -> Result<&Mount<N, F>, FileError> {
        let slot = self.slots.get(id.index as usize).filter(|it| it.generation == id.generation);
        slot.and_then(|slot| slot.mount.as_ref()).ok_or(FileError::Stale)
    }

    /// A mount, to be changed.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn get_mut(&mut self, id: MountId) -> Result<&mut Mount<N, F>, FileError> {
        let slot =
            self.slots.get_mut(id.index as usize).filter(|it| it.generation == id.generation);
        slot.and_then(|slot| slot.mount.as_mut()).ok_or(FileError::Stale)
    }

    fn insert(
        &mut self,
        system: F,
        root: N,
        on: Option<Place<N>>,
        flags: MountFlags,
        source: Box<[u8]>,
    ) -> Result<MountId, FileError> {
        let free = self.slots.iter().position(|slot| slot.mount.is_none());
        let index = match free {
            Some(index) => index,
            None if self.slots.len() >= MOUNTS_MAX => return Err(FileError::NoSpace),
            None => {
                self.slots.try_reserve(1).map_err(|_| FileError::OutOfMemory)?;
                self.slots.push(Slot { generation: 0, mount: None });
                self.slots.len() - 1
            }
        };
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        let slot = self.slots.get_mut(index).ok_or(FileError::OutOfMemory)?;
        slot.mount =
            Some(Mount { system, root, on, flags, source, users: 0, children: 0, sequence });
        let index = u32::try_from(index).map_err(|_| FileError::NoSpace)?;
        Ok(MountId { index, generation: slot.generation })
    }

    /// Mounts a file system on a directory, which is one that nothing covers: what [`Self::enter`]
    /// answers.
    ///
    /// # Errors
    /// [`FileError::NoSpace`] for too many mounts, [`FileError::OutOfMemory`], [`FileError::Stale`].
    pub fn add(
        &mut self,
        system: F,
        root: N,
        on: Place<N>,
        flags: MountFlags,
        source: Box<[u8]>,
    ) -> Result<MountId, FileError> {
        self.get(on.mount)?;
        let id = self.insert(system, root, Some(on), flags, source)?;
        self.get_mut(on.mount)?.children += 1;
        Ok(id)
    }

    /// What is mounted on exactly this place.
    pub fn covering(&self, place: Place<N>) -> Option<MountId> {
        if self.get(place.mount).ok()?.children == 0 {
            return None;
        }
        self.slots.iter().zip(0..).find_map(|(slot, index)| {
            let mount = slot.mount.as_ref()?;
            (mount.on == Some(place)).then_some(MountId { index, generation: slot.generation })
        })
    }

    /// What one finds on going to a place: the root of the last mount that covers it, or itself.
    pub fn enter(&self, place: Place<N>) -> Place<N> {
        let mut at = place;
        while let Some(mount) = self.covering(at) {
            let Ok(found) = self.get(mount) else { break };
            at = Place { mount, node: found.root };
        }
        at
    }

    /// Where `..` of a place is looked for: a mount's root stands for the directory that it covers.
    /// The root of all, or of a mount that was taken off, stands for itself.
    pub fn leave(&self, place: Place<N>) -> Place<N> {
        let mut at = place;
        while let Ok(mount) = self.get(at.mount)
            && mount.root == at.node
            && let Some(on) = mount.on
        {
            at = on;
        }
        at
    }

    /// Whether a place is the root of its mount.
    pub fn is_root(&self, place: Place<N>) -> bool {
        self.get(place.mount).is_ok_and(|mount| mount.root == place.node)
    }

    /// Whether a file, whatever the mount that it is reached through, is covered by a mount.
    pub fn is_covered(&self, place: Place<N>) -> bool
    where
        F: PartialEq,
    {
        let Ok(system) = self.get(place.mount).map(|mount| &mount.system) else { return false };
        self.slots.iter().filter_map(|slot| slot.mount.as_ref()?.on).any(|on| {
            on.node == place.node && self.get(on.mount).is_ok_and(|other| other.system == *system)
        })
    }

    /// Notes that something was reached through a mount and is kept.
    ///
    /// # Errors
    /// [`FileError::Stale`].
    pub fn retain(&mut self, id: MountId) -> Result<(), FileError> {
        let mount = self.get_mut(id)?;
        mount.users = mount.users.saturating_add(1);
        Ok(())
    }

    /// Undoes one [`Self::retain`].
    pub fn release(&mut self, id: MountId) -> Gone<N, F> {
        let mount = self.get_mut(id).ok()?;
        mount.users = mount.users.saturating_sub(1);
        self.take_if_unused(id)
    }

    /// Takes a mount off its place.
    ///
    /// # Errors
    /// [`FileError::Busy`] for the root of all, one with mounts on it, and one that is in use.
    pub fn remove(&mut self, id: MountId) -> Result<Gone<N, F>, FileError> {
        let mount = self.get(id)?;
        if id == self.first || mount.users != 0 || mount.children != 0 {
            return Err(FileError::Busy);
        }
        self.cut_off(id);
        Ok(self.take_if_unused(id))
    }

    /// Takes a mount off its place with all that stands on it, in use or not (`MNT_DETACH`). What
    /// is in use stays until it is let go of. Calls `gone` with what is not.
    ///
    /// # Errors
    /// [`FileError::Busy`] for the root of all.
    pub fn detach(
        &mut self,
        id: MountId,
        mut gone: impl FnMut(Mount<N, F>),
    ) -> Result<(), FileError> {
        if id == self.first {
            return Err(FileError::Busy);
        }
        self.get(id)?;
        self.cut_off(id);
        // Whatever stood on it has lost its place too: one level after the other.
        loop {
            let orphan = self.slots.iter().zip(0..).find_map(|(slot, index)| {
                let on = slot.mount.as_ref()?.on?;
                let is_off = self
                    .get(on.mount)
                    .map_or(true, |below| below.on.is_none() && on.mount != self.first);
                is_off.then_some(MountId { index, generation: slot.generation })
            });
            let Some(orphan) = orphan else { break };
            self.cut_off(orphan);
        }
        for index in 0..self.slots.len() {
            let generation = self.slots.get(index).map_or(0, |slot| slot.generation);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            if let Some(mount) = self.take_if_unused(MountId { index, generation }) {
                gone(mount);
            }
        }
        Ok(())
    }

    fn cut_off(&mut self, id: MountId) {
        let Ok(mount) = self.get_mut(id) else { return };
        let Some(on) = mount.on.take() else { return };
        if let Ok(below) = self.get_mut(on.mount) {
            below.children = below.children.saturating_sub(1);
        }
    }

    fn take_if_unused(&mut self, id: MountId) -> Gone<N, F> {
        let mount = self.get(id).ok()?;
        if id == self.first || mount.on.is_some() || mount.users != 0 || mount.children != 0 {
            return None;
        }
        let slot = self.slots.get_mut(id.index as usize)?;
        slot.generation = slot.generation.wrapping_add(1);
        slot.mount.take()
    }

    /// The mounts that have a place, in the order in which they were made.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn list(&self) -> Result<Vec<MountId>, FileError> {
        let mut list = Vec::new();
        list.try_reserve_exact(self.slots.len()).map_err(|_| FileError::OutOfMemory)?;
        list.extend(self.slots.iter().zip(0..).filter_map(|(slot, index)| {
            let mount = slot.mount.as_ref()?;
            let id = MountId { index, generation: slot.generation };
            (mount.on.is_some() || id == self.first).then_some((mount.sequence, id))
        }));
        list.sort_unstable();
        Ok(list.into_iter().map(|(_, id)| id).collect())
    }
}

#[cfg(test)]
mod tests;
