//! A process's descriptors: small numbers for open files. open(2), dup(2), fcntl(2), close(2).

use alloc::vec::Vec;
use core::fmt;

use crate::error::FileError;

const WORD: usize = 64;

/// A descriptor's number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fd(u32);

impl Fd {
    /// Standard input.
    pub const STDIN: Self = Self(0);
    /// Standard output.
    pub const STDOUT: Self = Self(1);
    /// Standard error.
    pub const STDERR: Self = Self(2);

    /// A number that a program passes.
    ///
    /// # Errors
    /// [`FileError::BadDescriptor`] for one that none can have.
    pub fn new(number: i64) -> Result<Self, FileError> {
        match u32::try_from(number) {
            Ok(small) if i32::try_from(small).is_ok() => Ok(Self(small)),
            _ => Err(FileError::BadDescriptor { fd: number }),
        }
    }

    /// The number.
    pub const fn number(self) -> u32 {
        self.0
    }

    const fn index(self) -> usize {
        self.0 as usize
    }

    fn bad(self) -> FileError {
        FileError::BadDescriptor { fd: i64::from(self.0) }
    }
}

impl fmt::Display for Fd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a descriptor stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Descriptor<F> {
    /// The open file, which several descriptors may share.
    pub file: F,
    /// Whether execve(2) closes it.
    pub close_on_exec: bool,
}

/// A process's descriptors. Each operation takes the limit that holds at the moment: how many
/// open files the process may have, which is also the first number that is too large.
#[derive(Debug)]
pub struct DescriptorTable<F> {
    slots: Vec<Option<Descriptor<F>>>,
    /// A bit for each slot in use.
    used: Vec<u64>,
    /// All below this are in use.
    lowest_free: usize,
    open: usize,
}

impl<F> Default for DescriptorTable<F> {
    fn default() -> Self {
        Self { slots: Vec::new(), used: Vec::new(), lowest_free: 0, open: 0 }
    }
}

impl<F> DescriptorTable<F> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many descriptors are open.
    pub const fn len(&self) -> usize {
        self.open
    }

    /// Whether none is open.
    pub const fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// The descriptor with this number.
    ///
    /// # Errors
    /// [`FileError::BadDescriptor`].
    pub fn get(&self, fd: Fd) -> Result<&Descriptor<F>, FileError> {
        self.slots.get(fd.index()).and_then(Option::as_ref).ok_or(fd.bad())
    }

    /// Sets whether execve(2) closes a descriptor: F_SETFD.
    ///
    /// # Errors
    /// [`FileError::BadDescriptor`].
    pub fn set_close_on_exec(&mut self, fd: Fd, close_on_exec: bool) -> Result<(), FileError> {
        let slot = self.slots.get_mut(fd.index()).and_then(Option::as_mut);
        slot.ok_or(fd.bad())?.close_on_exec = close_on_exec;
        Ok(())
    }

    /// Gives an open file the lowest free number.
    ///
    /// # Errors
    /// The file comes back, with [`FileError::TooManyOpenFiles`] or [`FileError::OutOfMemory`].
    pub fn insert(
        &mut self,
        descriptor: Descriptor<F>,
        limit: u32,
    ) -> Result<Fd, (FileError, Descriptor<F>)> {
        self.insert_from(Fd(0), descriptor, limit)
    }

    /// Gives an open file the lowest free number that is not below `least`: F_DUPFD.
    ///
    /// # Errors
    /// As [`Self::insert`]. A `least` beyond the limit is [`FileError::TooManyOpenFiles`] too,
    /// for which fcntl(2) has EINVAL.
    pub fn insert_from(
        &mut self,
        least: Fd,
        descriptor: Descriptor<F>,
        limit: u32,
    ) -> Result<Fd, (FileError, Descriptor<F>)> {
        let start = least.index().max(self.lowest_free);
        let index = self.first_free(start);
        let fd = match u32::try_from(index) {
            Ok(number) if number < limit => Fd(number),
            _ => return Err((FileError::TooManyOpenFiles { limit }, descriptor)),
        };
        if let Err(error) = self.make_room(index) {
            return Err((error, descriptor));
        }
        self.put(fd, descriptor);
        if start == self.lowest_free {
            self.lowest_free = index + 1;
        }
        Ok(fd)
    }

    fn first_free(&self, start: usize) -> usize {
        let mut word = start / WORD;
        let mut ignored = !(u64::MAX << (start % WORD));
        while let Some(used) = self.used.get(word) {
            let free = !(used | ignored);
            if free != 0 {
                return word * WORD + free.trailing_zeros() as usize;
            }
            ignored = 0;
            word += 1;
        }
        start.max(word * WORD)
    }

    fn make_room(&mut self, index: usize) -> Result<(), FileError> {
        let out_of_memory = |_| FileError::OutOfMemory;
        if index >= self.slots.len() {
            self.slots.try_reserve(index + 1 - self.slots.len()).map_err(out_of_memory)?;
            let words = (index + 1).div_ceil(WORD);
            self.used.try_reserve(words.saturating_sub(self.used.len())).map_err(out_of_memory)?;
            self.slots.resize_with(index + 1, || None);
            self.used.resize(words, 0);
        }
        Ok(())
    }

    /// Fills a slot, for which there is room, and answers what was in it.
    fn put(&mut self, fd: Fd, descriptor: Descriptor<F>) -> Option<Descriptor<F>> {
        let slot = self.slots.get_mut(fd.index())?;
        let replaced = slot.replace(descriptor);
        if replaced.is_none() {
            self.open += 1;
            if let Some(word) = self.used.get_mut(fd.index() / WORD) {
                *word |= 1 << (fd.index() % WORD);
            }
        }
        replaced
    }

    /// Closes a descriptor. The file is to be dropped without the lock.
    ///
    /// # Errors
    /// [`FileError::BadDescriptor`].
    pub fn remove(&mut self, fd: Fd) -> Result<Descriptor<F>, FileError> {
        let removed = self.slots.get_mut(fd.index()).and_then(Option::take).ok_or(fd.bad())?;
        self.open -= 1;
        if let Some(word) = self.used.get_mut(fd.index() / WORD) {
            *word &= !(1 << (fd.index() % WORD));
        }
        self.lowest_free = self.lowest_free.min(fd.index());
        Ok(removed)
    }

    /// Takes out the first descriptor from `first` to `last`, and answers its number with it; to be
    /// called until there is none: close_range(2).
    pub fn remove_first(&mut self, first: Fd, last: Fd) -> Option<(Fd, Descriptor<F>)> {
        let range = self.slots.get(first.index()..)?;
        let at = range.iter().position(Option::is_some)?;
        let fd = Fd(u32::try_from(first.index() + at).ok()?);
        if fd > last {
            return None;
        }
        self.remove(fd).ok().map(|descriptor| (fd, descriptor))
    }

    /// Has execve(2) close the descriptors from `first` to `last`.
    pub fn close_on_exec_from(&mut self, first: Fd, last: Fd) {
        let end = last.index().saturating_add(1).min(self.slots.len());
        let slots = self.slots.get_mut(first.index()..end).unwrap_or_default();
        for descriptor in slots.iter_mut().flatten() {
            descriptor.close_on_exec = true;
        }
    }

    /// Takes out the first descriptor that execve(2) closes; to be called until there is none.
    pub fn remove_close_on_exec(&mut self) -> Option<Descriptor<F>> {
        let closes = |slot: &Option<Descriptor<F>>| {
            slot.as_ref().is_some_and(|descriptor| descriptor.close_on_exec)
        };
        let fd = Fd(u32::try_from(self.slots.iter().position(closes)?).ok()?);
        self.remove(fd).ok()
    }

    /// Takes out all descriptors, when the process ends.
    pub fn take_all(&mut self) -> impl Iterator<Item = Descriptor<F>> + use<F> {
        core::mem::take(self).slots.into_iter().flatten()
    }

    /// The descriptors, lowest number first.
    pub fn iter(&self) -> impl Iterator<Item = (Fd, &Descriptor<F>)> {
        self.slots.iter().zip(0..).filter_map(|(slot, number)| Some((Fd(number), slot.as_ref()?)))
    }
}

impl<F: Clone> DescriptorTable<F> {
    /// Makes `to` stand for the file of `from`, whatever it stood for: dup3(2). Answers what it
    /// stood for, to be dropped without the lock.
    ///
    /// dup2(2) with two equal numbers only checks them, and dup3(2) refuses them: that is the
    /// caller's.
    ///
    /// # Errors
    /// [`FileError::BadDescriptor`], for `to` beyond the limit too; [`FileError::OutOfMemory`].
    pub fn duplicate_to(
        &mut self,
        from: Fd,
        to: Fd,
        close_on_exec: bool,
        limit: u32,
    ) -> Result<Option<Descriptor<F>>, FileError> {
        let file = self.get(from)?.file.clone();
        if to.0 >= limit {
            return Err(to.bad());
        }
        self.make_room(to.index())?;
        Ok(self.put(to, Descriptor { file, close_on_exec }))
    }

    /// A table with the same descriptors, for a forked child.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn try_clone(&self) -> Result<Self, FileError> {
        let out_of_memory = |_| FileError::OutOfMemory;
        let mut slots = Vec::new();
        slots.try_reserve_exact(self.slots.len()).map_err(out_of_memory)?;
        slots.extend_from_slice(&self.slots);
        let mut used = Vec::new();
        used.try_reserve_exact(self.used.len()).map_err(out_of_memory)?;
        used.extend_from_slice(&self.used);
        Ok(Self { slots, used, lowest_free: self.lowest_free, open: self.open })
    }
}

#[cfg(test)]
mod tests;
