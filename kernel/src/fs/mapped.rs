//! Files as memory: page frames are what files consist of, and a mapping shows them as they are.

use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};

use hal::frame::SharedFrame;
use hal::interrupts::SpinLock;
use vfs_core::{FileError, FilePage, FileTree, Metadata, PAGE_BYTES, Page, Seals};

use super::tree::{Held, Tree, tree};
use super::wall_time;
use crate::levels;
use crate::memory::is_short;

/// Pages that files consist of at the moment.
static PAGES: AtomicU64 = AtomicU64::new(0);

/// What the frames that files consist of take, the archive's apart.
#[must_use]
pub fn frame_bytes_of_files() -> u64 {
    // Relaxed: a figure.
    PAGES.load(Ordering::Relaxed) * PAGE_BYTES as u64
}

/// A page of a file: a frame that programs may have mapped.
#[derive(Debug)]
pub struct FramePage(SharedFrame);

impl FramePage {
    fn new(frame: SharedFrame) -> Self {
        PAGES.fetch_add(1, Ordering::Relaxed);
        Self(frame)
    }
}

impl Drop for FramePage {
    fn drop(&mut self) {
        PAGES.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Page for FramePage {
    fn zeroed() -> Option<Self> {
        if is_short() {
            return None;
        }
        SharedFrame::allocate_zeroed().ok().map(Self::new)
    }

    fn read(&self, offset: usize, bytes: &mut [u8]) {
        let count = self.0.read(offset, bytes);
        debug_assert_eq!(count, bytes.len(), "a page was read beyond its end");
    }

    fn write(&mut self, offset: usize, bytes: &[u8]) {
        let count = self.0.write(offset, bytes);
        debug_assert_eq!(count, bytes.len(), "a page was written beyond its end");
    }
}

/// What a page of a file is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To be read, and copied before it is written.
    ToRead,
    /// To be copied at once.
    ToCopy,
    /// To be seen as others change it.
    Shared,
    /// The same, and it is about to be changed.
    SharedToWrite,
}

/// A page of a file.
#[derive(Debug)]
pub enum MappedPage<'a> {
    /// The file's own frame. It may be written only if it was wanted shared.
    Frame(SharedFrame),
    /// Its bytes; zeros follow.
    Bytes(&'a [u8]),
}

/// A file, whatever it is called: its file system and its number there.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileKey {
    /// The file system's number.
    pub system: u32,
    /// The file's number.
    pub inode: u64,
}

impl From<&Metadata> for FileKey {
    fn from(metadata: &Metadata) -> Self {
        Self { system: metadata.system, inode: metadata.inode }
    }
}

/// What a file is mapped for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingUse {
    /// Whatever does not change it.
    Read,
    /// To be changed by what is written there, now or after mprotect(2).
    Write,
    /// To be executed as a program: nobody opens it for writing meanwhile.
    Program,
}

/// How many mappings a file has.
#[derive(Clone, Copy, Debug, Default)]
struct Mappings {
    all: usize,
    writable: usize,
    programs: usize,
    /// Open files that may write to it.
    writers: usize,
}

/// The files that are mapped.
static MAPPED: SpinLock<BTreeMap<FileKey, Mappings>> =
    SpinLock::new(levels::RINGS, "mapped files", BTreeMap::new());

fn mappings(key: FileKey) -> Mappings {
    MAPPED.lock().get(&key).copied().unwrap_or_default()
}

/// Whether a file is mapped anywhere.
#[must_use]
pub fn is_mapped(key: FileKey) -> bool {
    mappings(key).all != 0
}

/// How many mappings of a file may change it.
#[must_use]
pub fn writable_mappings(key: FileKey) -> usize {
    mappings(key).writable
}

/// Whether a file may be opened for writing or cut: execve(2).
///
/// # Errors
/// [`FileError::Running`].
pub fn check_not_running(key: FileKey) -> Result<(), FileError> {
    if mappings(key).programs == 0 { Ok(()) } else { Err(FileError::Running) }
}

/// A regular file that is mapped. It stays until this is dropped, whatever becomes of its name.
#[derive(Debug)]
pub struct MappedFile {
    held: Arc<Held>,
    key: FileKey,
    mapping_use: MappingUse,
}

impl PartialEq for MappedFile {
    fn eq(&self, other: &Self) -> bool {
        self.held == other.held && self.mapping_use == other.mapping_use
    }
}

impl Drop for MappedFile {
    fn drop(&mut self) {
        let mut all = MAPPED.lock();
        let Some(mappings) = all.get_mut(&self.key) else { return };
        mappings.all = mappings.all.saturating_sub(1);
        match self.mapping_use {
            MappingUse::Read => {}
            MappingUse::Write => mappings.writable = mappings.writable.saturating_sub(1),
            MappingUse::Program => mappings.programs = mappings.programs.saturating_sub(1),
        }
        if mappings.is_none() {
            all.remove(&self.key);
        }
    }
}

impl Mappings {
    fn is_none(&self) -> bool {
        self.all == 0 && self.writers == 0
    }
}

/// A regular file is open for writing: nobody executes it meanwhile.
#[derive(Debug)]
pub(super) struct OpenForWriting(FileKey);

impl OpenForWriting {
    /// # Errors
    /// [`FileError::Running`].
    pub(super) fn new(key: FileKey) -> Result<Self, FileError> {
        let mut all = MAPPED.lock();
        let mappings = all.entry(key).or_default();
        if mappings.programs > 0 {
            return Err(FileError::Running);
        }
        mappings.writers += 1;
        Ok(Self(key))
    }
}

impl Drop for OpenForWriting {
    fn drop(&mut self) {
        let mut all = MAPPED.lock();
        let Some(mappings) = all.get_mut(&self.0) else { return };
        mappings.writers = mappings.writers.saturating_sub(1);
        if mappings.is_none() {
            all.remove(&self.0);
        }
    }
}

impl MappedFile {
    /// The file that is held. To be called under the tree's lock, so that what is looked at there
    /// about the file's mappings stays so.
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] if it is sealed against the use; [`FileError::Running`] for a program
    /// that is open for writing.
    pub(super) fn new(
        tree: &Tree,
        held: Arc<Held>,
        mapping_use: MappingUse,
    ) -> Result<Arc<Self>, FileError> {
        let key = FileKey::from(&FileTree::metadata(tree, &held.place())?);
        let (fs, inode) = tree.memory(held.place())?;
        let closed = Seals::WRITE.and(Seals::FUTURE_WRITE);
        if mapping_use == MappingUse::Write && fs.seals(inode)?.has(closed) {
            return Err(FileError::NotPermitted);
        }
        {
            let mut all = MAPPED.lock();
            let mappings = all.entry(key).or_default();
            if mapping_use == MappingUse::Program && mappings.writers > 0 {
                return Err(FileError::Running);
            }
            mappings.all += 1;
            match mapping_use {
                MappingUse::Read => {}
                MappingUse::Write => mappings.writable += 1,
                MappingUse::Program => mappings.programs += 1,
            }
        }
        Ok(Arc::new(Self { held, key, mapping_use }))
    }

    /// Which file it is.
    #[must_use]
    pub fn key(&self) -> FileKey {
        self.key
    }

    /// Its file.
    #[must_use]
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// Its absolute path.
    ///
    /// # Errors
    /// When it has none any more.
    pub fn path(&self) -> Result<Vec<u8>, FileError> {
        let tree = tree().lock();
        tree.path_of(tree.root()?, self.held.place())
    }

    /// Its length in bytes.
    ///
    /// # Errors
    /// When it is gone.
    pub fn len(&self) -> Result<u64, FileError> {
        Ok(self.held.metadata()?.size)
    }

    /// Copies from `offset` on; answers how many bytes there were.
    ///
    /// # Errors
    /// When it is gone.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, FileError> {
        let tree = tree().lock();
        let (fs, inode) = tree.memory(self.held.place())?;
        fs.read(inode, offset, bytes)
    }

    /// The page with this index; none behind the end of the file.
    ///
    /// # Errors
    /// When the file system has no room for a page that has to come into being.
    pub fn page(
        &self,
        index: u64,
        wanted: Wanted,
    ) -> Result<Option<MappedPage<'static>>, FileError> {
        let mut tree = tree().lock();
        let (fs, inode) = tree.memory_mut(self.held.place())?;
        let is_shared = matches!(wanted, Wanted::Shared | Wanted::SharedToWrite);
        if !is_shared {
            let bytes = match fs.page(inode, index)? {
                None => return Ok(None),
                Some(FilePage::Written(page)) => return share(&page.0).map(Some),
                Some(FilePage::Borrowed(bytes)) => match SharedFrame::of_archive(bytes) {
                    Some(frame) => return Ok(Some(MappedPage::Frame(frame))),
                    None => bytes,
                },
                Some(FilePage::Part(bytes)) => bytes,
            };
            // What will be copied anyway is worth no page of the file.
            if wanted == Wanted::ToCopy {
                return Ok(Some(MappedPage::Bytes(bytes)));
            }
            // What does not lie in a frame of its own is put into one for all who map it; if there
            // is no room for that, everyone has a copy.
            return match fs.make_page(inode, index) {
                Ok(Some(page)) => share(&page.0).map(Some),
                _ => Ok(Some(MappedPage::Bytes(bytes))),
            };
        }
        if wanted == Wanted::SharedToWrite {
            fs.note_change(inode, wall_time());
        }
        match fs.make_page(inode, index)? {
            None => Ok(None),
            Some(page) => share(&page.0).map(Some),
        }
    }

    /// Calls `f` with the index and the frame of each page of a range that has one already.
    pub fn for_each_frame(
        &self,
        first: u64,
        end: u64,
        mut f: impl FnMut(u64, SharedFrame) -> bool,
    ) {
        let tree = tree().lock();
        let Ok((fs, inode)) = tree.memory(self.held.place()) else { return };
        for index in first..end {
            let frame = match fs.page(inode, index) {
                Ok(Some(FilePage::Written(page))) => page.0.share().ok(),
                Ok(Some(FilePage::Borrowed(bytes))) => SharedFrame::of_archive(bytes),
                Ok(Some(FilePage::Part(_))) => None,
                Ok(None) | Err(_) => return,
            };
            if let Some(frame) = frame
                && !f(index, frame)
            {
                return;
            }
        }
    }

    /// Whether the page with this index is in memory, which holes are not.
    #[must_use]
    pub fn has_page(&self, index: u64) -> bool {
        let tree = tree().lock();
        let Ok((fs, inode)) = tree.memory(self.held.place()) else { return false };
        match fs.page(inode, index) {
            Ok(Some(FilePage::Written(_) | FilePage::Borrowed(_))) => true,
            Ok(Some(FilePage::Part(bytes))) => !bytes.is_empty(),
            Ok(None) | Err(_) => false,
        }
    }

    /// Notes that it was changed through a mapping.
    pub fn note_change(&self) {
        if let Ok((fs, inode)) = tree().lock().memory_mut(self.held.place()) {
            fs.note_change(inode, wall_time());
        }
    }
}

fn share(frame: &SharedFrame) -> Result<MappedPage<'static>, FileError> {
    frame.share().map(MappedPage::Frame).map_err(|_| FileError::OutOfMemory)
}

const _: () = assert!(PAGE_BYTES == 4096);
