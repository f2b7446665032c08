//! Notes of what happens to files, for who watches them: [`Note`]. Only taken while somebody does.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::events::FileEvents;
use crate::metadata::FileKind;
use crate::tmpfs::TmpFs;
use crate::tmpfs::directory::boxed;
use crate::tmpfs::page::Page;
use crate::tmpfs::slab::InodeId;

/// Something that has happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Note {
    /// What.
    pub events: FileEvents,
    /// To which name of which directory; who watches the directory is told first.
    pub entry: Option<(InodeId, Box<[u8]>)>,
    /// To which file.
    pub file: Option<InodeId>,
    /// What the two halves of a renaming have in common; else 0.
    pub cookie: u32,
    /// The directory does not have the name any more.
    pub is_unlinked: bool,
}

/// The notes of a file system.
#[derive(Default)]
pub(super) struct Notes {
    is_wanted: bool,
    list: Vec<Note>,
    last_cookie: u32,
}

impl Notes {
    /// Without memory a note is lost: as much as when it finds no room later.
    fn add(&mut self, note: Note) {
        if self.list.try_reserve(1).is_ok() {
            self.list.push(note);
        }
    }
}

/// Half a renaming: the directory, the name, and what has happened to them.
type Half<'a> = (InodeId, &'a [u8], FileEvents);

impl<P: Page> TmpFs<P> {
    /// Says whether notes are to be taken from now on; there are none at first.
    pub fn set_noting(&mut self, is_wanted: bool) {
        self.notes.is_wanted = is_wanted;
        self.notes.list = Vec::new();
    }

    /// Takes the notes since the last time, the oldest first.
    pub fn take_notes(&mut self) -> Vec<Note> {
        core::mem::take(&mut self.notes.list)
    }

    fn with_kind(&self, file: InodeId, events: FileEvents) -> FileEvents {
        let is_directory =
            self.inode(file).is_ok_and(|inode| inode.node.kind() == FileKind::Directory);
        if is_directory { events.and(FileEvents::DIRECTORY) } else { events }
    }

    /// Notes what has happened to a file, which its directory is told of, too.
    pub fn note(&mut self, file: InodeId, events: FileEvents) {
        if !self.notes.is_wanted {
            return;
        }
        let named = self.name_of(file).and_then(|(home, name)| Some((home, boxed(name).ok()?)));
        let is_unlinked = named.is_none();
        let lost = || {
            let (home, name) = self.inode(file).ok()?.lost_name.as_ref()?.entry()?;
            Some((home, boxed(name).ok()?))
        };
        let note = Note {
            events: self.with_kind(file, events),
            entry: named.or_else(lost),
            file: Some(file),
            cookie: 0,
            is_unlinked,
        };
        self.notes.add(note);
    }

    /// Notes what has happened to a file, which concerns nobody else.
    pub(super) fn note_self(&mut self, file: InodeId, events: FileEvents) {
        if self.notes.is_wanted {
            let file = Some(file);
            self.notes.add(Note { events, entry: None, file, cookie: 0, is_unlinked: false });
        }
    }

    /// Notes what has happened to a name of a file.
    pub(super) fn note_entry(
        &mut self,
        directory: InodeId,
        name: &[u8],
        file: InodeId,
        events: FileEvents,
    ) {
        let events = self.with_kind(file, events);
        self.note_name(directory, name, events, 0);
    }

    fn note_name(&mut self, directory: InodeId, name: &[u8], events: FileEvents, cookie: u32) {
        if self.notes.is_wanted
            && let Ok(name) = boxed(name)
        {
            let entry = Some((directory, name));
            self.notes.add(Note { events, entry, file: None, cookie, is_unlinked: false });
        }
    }

    /// Notes that a file has another name.
    pub(super) fn note_move(&mut self, moved: InodeId, halves: [Half<'_>; 2]) {
        self.notes.last_cookie = self.notes.last_cookie.wrapping_add(1).max(1);
        let cookie = self.notes.last_cookie;
        for (directory, name, events) in halves {
            let events = self.with_kind(moved, events);
            self.note_name(directory, name, events, cookie);
        }
    }
}
