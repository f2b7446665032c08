//! What happens to files, for who watches them.

use vfs_core::{FileEvents, TmpFs};

use super::{Body, Place, SystemId, Tree, number};
use crate::fs::inotify;
use crate::fs::mapped::FramePage;

impl Tree {
    fn memories(&mut self) -> impl Iterator<Item = (u32, &mut TmpFs<FramePage>)> {
        self.systems.iter_mut().enumerate().filter_map(|(index, system)| match system {
            Some(super::System { body: Body::Memory(fs), .. }) => {
                Some((number(SystemId(index)), fs))
            }
            _ => None,
        })
    }

    /// Has all file systems note what happens, until nobody watches any more.
    pub fn start_noting(&mut self) {
        if !self.is_noting {
            self.set_noting(true);
        }
    }

    fn set_noting(&mut self, is_wanted: bool) {
        self.is_noting = is_wanted;
        for (_, fs) in self.memories() {
            fs.set_noting(is_wanted);
        }
    }

    /// Notes what file systems cannot know: that a file is opened, read, closed.
    pub fn note(&mut self, place: Place, events: FileEvents) {
        if self.is_noting
            && let Ok((fs, inode)) = self.memory_mut(place)
        {
            fs.note(inode, events);
        }
    }

    /// Passes on what has been noted. Whoever unlocks the tree calls it before.
    pub(super) fn tell_notes(&mut self) {
        if !self.is_noting {
            return;
        }
        if !inotify::is_watching() {
            self.set_noting(false);
            return;
        }
        for (system, fs) in self.memories() {
            for note in fs.take_notes() {
                inotify::tell(system, &note);
            }
        }
    }
}
