//! Files of the fake system: a map from paths to bytes.

use std::boxed::Box;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::format;
use std::rc::Rc;
use std::string::String;
use std::vec::Vec;

use crate::backend::{ApiError, DirectoryPart, Download, FoundFile, Upload};
use crate::types::{FileEntry, FileKind, Timestamp};

/// What all files may take.
const LIMIT_BYTES: usize = 64 << 20;

#[derive(Clone)]
enum Node {
    Directory,
    File(Rc<Vec<u8>>, u16),
}

/// The files: paths without the slash at the end, the root being the empty one.
#[derive(Clone)]
pub(super) struct Files(Rc<RefCell<BTreeMap<Vec<u8>, Node>>>);

impl Files {
    pub(super) fn new() -> Self {
        let names: [&[u8]; 4] = [b"", b"/bin", b"/etc", b"/tmp"];
        let mut map: BTreeMap<Vec<u8>, Node> =
            names.into_iter().map(|name| (name.to_vec(), Node::Directory)).collect();
        let text = Rc::new(b"multios\n".to_vec());
        map.insert(b"/etc/hostname".to_vec(), Node::File(text, 0o644));
        Self(Rc::new(RefCell::new(map)))
    }

    fn used(&self) -> usize {
        let size = |node: &Node| if let Node::File(bytes, _) = node { bytes.len() } else { 0 };
        self.0.borrow().values().map(size).sum()
    }

    pub(super) fn find(&self, path: &[u8]) -> Result<FoundFile, ApiError> {
        match self.0.borrow().get(&plain(path)) {
            Some(Node::Directory) => Ok(FoundFile::Directory),
            Some(Node::File(..)) if path.ends_with(b"/") => Err(missing(path)),
            Some(Node::File(bytes, _)) => Ok(FoundFile::File(Box::new(Reading(Rc::clone(bytes))))),
            None => Err(missing(path)),
        }
    }

    pub(super) fn list(&self, path: &[u8], after: u64, limit: usize) -> DirectoryPart {
        let mut prefix = plain(path);
        prefix.push(b'/');
        let map = self.0.borrow();
        let children = map.iter().filter_map(|(path, node)| {
            let name = path.strip_prefix(&prefix[..])?;
            (!name.is_empty() && !name.contains(&b'/')).then_some((name, node))
        });
        let all: Vec<FileEntry> = children
            .map(|(name, node)| {
                let (kind, size, permissions) = match node {
                    Node::Directory => (FileKind::Directory, 0, 0o755),
                    Node::File(bytes, bits) => (FileKind::Regular, bytes.len(), *bits),
                };
                FileEntry {
                    name: String::from_utf8_lossy(name).into_owned().into(),
                    kind,
                    size_bytes: size as u64,
                    permissions: format!("{permissions:04o}").into(),
                    uid: 0,
                    gid: 0,
                    modified_at: Timestamp::from_unix_ns(0),
                    target: None,
                }
            })
            .collect();
        let total = all.len() as u64;
        let start = usize::try_from(after).unwrap_or(usize::MAX).min(all.len());
        let end = start.saturating_add(limit).min(all.len());
        let next = (end < all.len()).then_some(end as u64);
        DirectoryPart { entries: all[start..end].to_vec(), next, total }
    }

    fn check_parent(&self, path: &[u8]) -> Result<(), ApiError> {
        let end = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        match self.0.borrow().get(&path[..end]) {
            Some(Node::Directory) => Ok(()),
            Some(Node::File(..)) => Err(ApiError::Conflict("A part of it is a file.".into())),
            None => Err(missing(&path[..end])),
        }
    }

    pub(super) fn make_directory(&self, path: &[u8]) -> Result<bool, ApiError> {
        let path = plain(path);
        match self.0.borrow().get(&path) {
            Some(Node::Directory) => return Ok(false),
            Some(Node::File(..)) => return Err(ApiError::Conflict("It is a file.".into())),
            None => {}
        }
        self.check_parent(&path)?;
        self.0.borrow_mut().insert(path, Node::Directory);
        Ok(true)
    }

    pub(super) fn begin(
        &self,
        path: &[u8],
        permissions: u16,
        size_bytes: u64,
    ) -> Result<Box<dyn Upload>, ApiError> {
        let path = plain(path);
        self.check_parent(&path)?;
        if matches!(self.0.borrow().get(&path), Some(Node::Directory)) {
            return Err(ApiError::Conflict("It is a directory.".into()));
        }
        let size = usize::try_from(size_bytes).unwrap_or(usize::MAX);
        if size > LIMIT_BYTES.saturating_sub(self.used()) {
            return Err(ApiError::NoSpace("The file system is full.".into()));
        }
        Ok(Box::new(Writing { files: self.clone(), path, permissions, bytes: Vec::new() }))
    }

    pub(super) fn remove(&self, path: &[u8]) -> Result<(), ApiError> {
        let plain = plain(path);
        let mut map = self.0.borrow_mut();
        let mut below = plain.clone();
        below.push(b'/');
        let is_full = map.keys().any(|other| other.starts_with(&below));
        match map.get(&plain) {
            None => Err(missing(path)),
            Some(Node::Directory) if is_full || plain.is_empty() => {
                Err(ApiError::Conflict("The directory is not empty.".into()))
            }
            Some(_) => {
                map.remove(&plain);
                Ok(())
            }
        }
    }
}

fn plain(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |last| last + 1);
    path[..end].to_vec()
}

fn missing(path: &[u8]) -> ApiError {
    ApiError::FileNotFound(String::from_utf8_lossy(path).into_owned().into())
}

struct Reading(Rc<Vec<u8>>);

impl Download for Reading {
    fn size_bytes(&self) -> u64 {
        self.0.len() as u64
    }

    fn read(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, ApiError> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.0.len());
        let count = buffer.len().min(self.0.len() - start);
        buffer[..count].copy_from_slice(&self.0[start..start + count]);
        Ok(count)
    }
}

struct Writing {
    files: Files,
    path: Vec<u8>,
    permissions: u16,
    bytes: Vec<u8>,
}

impl Upload for Writing {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ApiError> {
        if self.files.used() + self.bytes.len() + bytes.len() > LIMIT_BYTES {
            return Err(ApiError::NoSpace("The file system is full.".into()));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<bool, ApiError> {
        self.files.check_parent(&self.path)?;
        let node = Node::File(Rc::new(self.bytes), self.permissions);
        Ok(self.files.0.borrow_mut().insert(self.path, node).is_none())
    }
}
