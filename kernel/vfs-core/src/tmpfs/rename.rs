//! Moving a file to another name: rename(2), renameat2(2).

use crate::access::{Access, Identity};
use crate::error::FileError;
use crate::events::FileEvents;
use crate::metadata::{FileKind, WallTime};
use crate::tmpfs::page::Page;
use crate::tmpfs::slab::InodeId;
use crate::tmpfs::tree::check_name;
use crate::tmpfs::{Discarded, TmpFs};

/// What happens to a file that has the new name already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RenameMode {
    /// It loses that name.
    Replace,
    /// Nothing: the renaming fails (RENAME_NOREPLACE).
    Keep,
    /// The two change places (RENAME_EXCHANGE).
    Exchange,
}

/// A name in a directory.
type Place<'a> = (InodeId, &'a [u8]);

impl<P: Page> TmpFs<P> {
    /// Moves a file from one name to another.
    ///
    /// # Errors
    /// [`FileError::NotFound`], [`FileError::AlreadyExists`], [`FileError::IsADirectory`],
    /// [`FileError::NotADirectory`], [`FileError::NotEmpty`], [`FileError::InvalidName`] for a
    /// directory into itself, [`FileError::AccessDenied`], [`FileError::NotPermitted`],
    /// [`FileError::NoSpace`].
    pub fn rename(
        &mut self,
        from: Place<'_>,
        to: Place<'_>,
        mode: RenameMode,
        caller: &Identity<'_>,
        now: WallTime,
    ) -> Result<Discarded<P>, FileError> {
        check_name(from.1)?;
        check_name(to.1)?;
        let moved = self.directory(from.0)?.get(from.1).ok_or(FileError::NotFound)?;
        let target = self.directory(to.0)?.get(to.1);
        let from_metadata = self.check_directory(from.0, caller)?;
        let to_metadata = self.check_directory(to.0, caller)?;
        self.check_sticky(&from_metadata, moved, caller)?;
        if let Some(target) = target {
            self.check_sticky(&to_metadata, target, caller)?;
        }
        self.check_move(moved, from.0, to.0, caller)?;
        match (mode, target) {
            (RenameMode::Keep, Some(_)) => return Err(FileError::AlreadyExists),
            (RenameMode::Exchange, None) => return Err(FileError::NotFound),
            // Two names of one file: rename(2) asks for nothing to happen.
            (_, Some(target)) if target == moved => return Ok(Discarded(None)),
            (RenameMode::Exchange, Some(target)) => {
                self.check_move(target, to.0, from.0, caller)?;
                self.exchange((from, moved), (to, target))?;
                self.touch_moved(&[from.0, to.0], &[moved, target], now);
                self.note_moved(moved, from, to);
                self.note_self(moved, FileEvents::MOVE_SELF);
                self.note_moved(target, to, from);
                self.note_self(target, FileEvents::MOVE_SELF);
                return Ok(Discarded(None));
            }
            (_, Some(target)) => self.check_replace(moved, target)?,
            (_, None) => self.add_entry(to.0, to.1, moved)?,
        }
        self.note_moved(moved, from, to);
        let discarded = match target {
            Some(target) => {
                self.keep_name(to.0, to.1, target);
                let key = self.directory_mut(to.0)?.replace(to.1, moved).unwrap_or(0);
                self.set_home(moved, (to.0, key));
                if self.directory(target).is_ok() {
                    let attributes = FileEvents::ATTRIBUTES.and(FileEvents::DIRECTORY);
                    self.note_self(target, attributes);
                    self.note_self(moved, FileEvents::MOVE_SELF);
                    self.drop_directory(target, to.0)
                } else {
                    self.replace_link(moved, target, now)
                }
            }
            None => {
                self.note_self(moved, FileEvents::MOVE_SELF);
                Discarded(None)
            }
        };
        self.remove_entry(from.0, from.1);
        self.settle(moved, from.0, to.0);
        self.touch_moved(&[from.0, to.0], &[moved], now);
        Ok(discarded)
    }

    fn note_moved(&mut self, moved: InodeId, from: Place<'_>, to: Place<'_>) {
        let left = (from.0, from.1, FileEvents::MOVED_FROM);
        self.note_move(moved, [left, (to.0, to.1, FileEvents::MOVED_TO)]);
    }

    /// A file has lost a name to another one. That it has fewer names comes before the news about
    /// the other, that it is gone after it, as on Linux.
    fn replace_link(&mut self, moved: InodeId, target: InodeId, now: WallTime) -> Discarded<P> {
        self.lose_link(target, now);
        self.note_self(moved, FileEvents::MOVE_SELF);
        self.discard_if_unused(target)
    }

    /// Whether a file may go from one directory to another: a directory not into itself, and only
    /// by someone who may change its `..`.
    fn check_move(
        &self,
        moved: InodeId,
        from: InodeId,
        to: InodeId,
        caller: &Identity<'_>,
    ) -> Result<(), FileError> {
        if self.directory(moved).is_err() || from == to {
            return Ok(());
        }
        let mut at = to;
        loop {
            if at == moved {
                return Err(FileError::InvalidName);
            }
            let parent = self.directory(at)?.parent;
            if parent == at {
                break;
            }
            at = parent;
        }
        caller.check(&self.metadata(moved)?, Access::WRITE)
    }

    fn check_replace(&self, moved: InodeId, target: InodeId) -> Result<(), FileError> {
        let is_directory = self.metadata(moved)?.kind == FileKind::Directory;
        match self.directory(target) {
            Ok(_) if !is_directory => Err(FileError::IsADirectory),
            Ok(entries) if entries.len() != 0 => Err(FileError::NotEmpty),
            Err(_) if is_directory => Err(FileError::NotADirectory),
            _ => Ok(()),
        }
    }

    fn exchange(
        &mut self,
        (from, moved): (Place<'_>, InodeId),
        (to, target): (Place<'_>, InodeId),
    ) -> Result<(), FileError> {
        let to_key = self.directory_mut(to.0)?.replace(to.1, moved).unwrap_or(0);
        let from_key = self.directory_mut(from.0)?.replace(from.1, target).unwrap_or(0);
        self.set_home(moved, (to.0, to_key));
        self.set_home(target, (from.0, from_key));
        self.settle(moved, from.0, to.0);
        self.settle(target, to.0, from.0);
        Ok(())
    }

    /// A directory that has moved has another parent, whose link count its `..` is part of.
    fn settle(&mut self, moved: InodeId, from: InodeId, to: InodeId) {
        if from == to {
            return;
        }
        let Ok(directory) = self.directory_mut(moved) else { return };
        directory.parent = to;
        if let Ok(from) = self.inode_mut(from) {
            from.links = from.links.saturating_sub(1);
        }
        if let Ok(to) = self.inode_mut(to) {
            to.links = to.links.saturating_add(1);
        }
    }

    fn touch_moved(&mut self, directories: &[InodeId], files: &[InodeId], now: WallTime) {
        for directory in directories {
            self.touch_directory(*directory, now);
        }
        for file in files {
            if let Ok(inode) = self.inode_mut(*file) {
                inode.changed = now;
            }
        }
    }
}
