//! From a path to a file: path_resolution(7).
//!
//! [`walk`] works on anything that is a [`FileTree`], so that the kernel can join several file
//! systems into one. It allocates nothing: what is left of the paths that links lead through is a
//! short stack of ranges of those paths.

use crate::access::{Access, Identity};
use crate::error::FileError;
use crate::metadata::{FileKind, Metadata};

/// The longest name in a directory, in bytes.
pub const NAME_MAX: usize = 255;
/// The longest path, in bytes, with the NUL that ends it for a program.
pub const PATH_MAX: usize = 4096;
/// How many symbolic links one walk follows.
pub const SYMLINK_MAX: usize = 40;

/// Where a symbolic link leads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LinkTarget<'t, N> {
    /// To this path.
    Path(&'t [u8]),
    /// Straight to this file, as `/proc/PID/exe` does.
    Node(N),
}

/// Files that can be walked through.
pub trait FileTree {
    /// A file. Two that are equal are the same file.
    type Node: Clone + PartialEq;

    /// What is known about a file.
    ///
    /// # Errors
    /// [`FileError::Stale`] and the like.
    fn metadata(&self, node: &Self::Node) -> Result<Metadata, FileError>;

    /// The file with this name in a directory; never asked for `.` and `..`.
    ///
    /// # Errors
    /// [`FileError::NotADirectory`] and the like; a missing name is none.
    fn lookup(&self, directory: &Self::Node, name: &[u8]) -> Result<Option<Self::Node>, FileError>;

    /// A directory's parent; the root's is itself.
    ///
    /// # Errors
    /// [`FileError::NotFound`] if there is none any more.
    fn parent(&self, directory: &Self::Node) -> Result<Self::Node, FileError>;

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// [`FileError::WrongKind`] for any other file.
    fn link_target(&self, node: &Self::Node) -> Result<LinkTarget<'_, Self::Node>, FileError>;
}

/// Where a walk starts, and in whose name it is made.
#[derive(Clone, Debug)]
pub struct WalkContext<'a, N> {
    /// The root, above which nothing is reached.
    pub root: N,
    /// Where relative paths start.
    pub directory: N,
    /// Who walks.
    pub identity: &'a Identity<'a>,
}

/// What happens if the last name is a symbolic link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastLink {
    /// It is followed.
    Follow,
    /// It is not, unless a slash follows: lstat(2).
    Keep,
    /// It is never: calls that make, remove or rename what has the name.
    Name,
}

/// The last part of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LastName<'t> {
    /// A name, which the directory has or could have.
    Name(&'t [u8]),
    /// `.`
    Dot,
    /// `..`
    DotDot,
    /// None: the path is the root, or a link led straight to a file.
    Nameless,
}

/// What a walk has found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Walked<'t, N> {
    /// The directory of the last name.
    pub directory: N,
    /// The last name.
    pub last: LastName<'t>,
    /// The file, if there is one.
    pub node: Option<N>,
    /// Whether a slash follows, so that only a directory will do.
    pub wants_directory: bool,
}

impl<'t, N: Clone + PartialEq> Walked<'t, N> {
    /// The file, for calls that need one.
    ///
    /// # Errors
    /// [`FileError::NotFound`]; [`FileError::NotADirectory`] if a slash follows and it is none.
    pub fn existing<T: FileTree<Node = N>>(self, tree: &T) -> Result<N, FileError> {
        let node = self.node.ok_or(FileError::NotFound)?;
        if self.wants_directory && tree.metadata(&node)?.kind != FileKind::Directory {
            return Err(FileError::NotADirectory);
        }
        Ok(node)
    }

    /// The name of something that is to be made: mkdir(2), link(2), symlink(2), mknod(2).
    ///
    /// # Errors
    /// [`FileError::AlreadyExists`]; [`FileError::NotFound`] if a slash follows and no directory
    /// is to be made.
    pub fn new_name(self, kind: FileKind) -> Result<(N, &'t [u8]), FileError> {
        match (self.last, self.node) {
            (LastName::Name(_), None) if self.wants_directory && kind != FileKind::Directory => {
                Err(FileError::NotFound)
            }
            (LastName::Name(name), None) => Ok((self.directory, name)),
            _ => Err(FileError::AlreadyExists),
        }
    }

    /// The name of something that is to be removed or renamed.
    ///
    /// # Errors
    /// [`FileError::NotFound`]; [`FileError::NotADirectory`] as [`Self::existing`];
    /// [`FileError::InvalidName`] for `.`, [`FileError::NotEmpty`] for `..`, [`FileError::Busy`]
    /// for the root.
    pub fn old_name<T: FileTree<Node = N>>(self, tree: &T) -> Result<(N, &'t [u8], N), FileError> {
        let name = match self.last {
            LastName::Name(name) => name,
            LastName::Dot => return Err(FileError::InvalidName),
            LastName::DotDot => return Err(FileError::NotEmpty),
            LastName::Nameless => return Err(FileError::Busy),
        };
        let directory = self.directory.clone();
        Ok((directory, name, self.existing(tree)?))
    }
}

/// What is left of the paths under way: the innermost last. All but that one hold a name yet.
struct Rests<'t> {
    paths: [&'t [u8]; SYMLINK_MAX + 1],
    depth: usize,
    /// How many links were followed.
    links: usize,
}

impl<'t> Rests<'t> {
    fn new(path: &'t [u8]) -> Self {
        let mut paths = [&[][..]; SYMLINK_MAX + 1];
        paths[0] = path;
        Self { paths, depth: 0, links: 0 }
    }

    /// The next name, and whether it is the last; `None` at the end.
    fn next(&mut self) -> Option<(&'t [u8], bool)> {
        loop {
            let path = without_slashes(self.paths[self.depth]);
            if path.is_empty() {
                self.depth = self.depth.checked_sub(1)?;
                continue;
            }
            let end = path.iter().position(|byte| *byte == b'/').unwrap_or(path.len());
            let (name, rest) = path.split_at(end);
            self.paths[self.depth] = rest;
            let is_last = self.depth == 0 && without_slashes(rest).is_empty();
            return Some((name, is_last));
        }
    }

    /// Whether a slash follows the name that was taken last.
    fn has_slash(&self) -> bool {
        !self.paths[self.depth].is_empty()
    }

    fn count_link(&mut self) -> Result<(), FileError> {
        self.links += 1;
        if self.links > SYMLINK_MAX { Err(FileError::TooManyLinks) } else { Ok(()) }
    }

    /// Goes on with a link's target. What is left of the present path stays below, unless that is
    /// nothing: so the depth is at most the number of links.
    fn enter(&mut self, target: &'t [u8]) {
        if !without_slashes(self.paths[self.depth]).is_empty() {
            self.depth += 1;
        }
        self.paths[self.depth] = target;
    }
}

fn without_slashes(path: &[u8]) -> &[u8] {
    let start = path.iter().position(|byte| *byte != b'/').unwrap_or(path.len());
    &path[start..]
}

/// Finds the file that a path stands for.
///
/// A path whose last name is missing is no error: the answer says where that name would stand.
///
/// # Errors
/// [`FileError::NotFound`] for an empty path or a missing name before the last;
/// [`FileError::NotADirectory`], [`FileError::AccessDenied`], [`FileError::TooManyLinks`],
/// [`FileError::NameTooLong`], [`FileError::InvalidName`] for a NUL in the path.
pub fn walk<'t, T: FileTree>(
    tree: &'t T,
    context: &WalkContext<'_, T::Node>,
    path: &'t [u8],
    last_link: LastLink,
) -> Result<Walked<'t, T::Node>, FileError> {
    check_path(path)?;
    let mut rests = Rests::new(path);
    let mut at = start_of(context, path, &context.directory);
    let mut last = LastName::Nameless;
    let mut wants_directory = false;
    while let Some((name, is_last)) = rests.next() {
        check_search(tree, &at, context.identity)?;
        if name.len() > NAME_MAX {
            return Err(FileError::NameTooLong { length: name.len() });
        }
        wants_directory |= is_last && rests.has_slash();
        match name {
            b"." => last = LastName::Dot,
            b".." => {
                last = LastName::DotDot;
                if at != context.root {
                    at = tree.parent(&at)?;
                }
            }
            _ => {
                let found = tree.lookup(&at, name)?;
                let here = |node| Walked {
                    directory: at.clone(),
                    last: LastName::Name(name),
                    node,
                    wants_directory,
                };
                let Some(node) = found else {
                    return if is_last { Ok(here(None)) } else { Err(FileError::NotFound) };
                };
                let kind = tree.metadata(&node)?.kind;
                let follows = !is_last
                    || match last_link {
                        LastLink::Follow => true,
                        LastLink::Keep => wants_directory,
                        LastLink::Name => false,
                    };
                if kind != FileKind::SymbolicLink || !follows {
                    if is_last {
                        return Ok(here(Some(node)));
                    }
                    at = node;
                    continue;
                }
                rests.count_link()?;
                last = LastName::Nameless;
                match tree.link_target(&node)? {
                    LinkTarget::Node(target) if is_last => {
                        return Ok(Walked {
                            directory: at,
                            last,
                            node: Some(target),
                            wants_directory,
                        });
                    }
                    LinkTarget::Node(target) => at = target,
                    LinkTarget::Path(target) => {
                        check_path(target)?;
                        at = start_of(context, target, &at);
                        rests.enter(target);
                    }
                }
            }
        }
    }
    Ok(Walked { directory: at.clone(), last, node: Some(at), wants_directory: true })
}

fn check_path(path: &[u8]) -> Result<(), FileError> {
    if path.is_empty() {
        return Err(FileError::NotFound);
    }
    if path.len() >= PATH_MAX {
        return Err(FileError::NameTooLong { length: path.len() });
    }
    if path.contains(&0) { Err(FileError::InvalidName) } else { Ok(()) }
}

fn start_of<N: Clone>(context: &WalkContext<'_, N>, path: &[u8], relative: &N) -> N {
    if path.first() == Some(&b'/') { context.root.clone() } else { relative.clone() }
}

fn check_search<T: FileTree>(
    tree: &T,
    directory: &T::Node,
    identity: &Identity<'_>,
) -> Result<(), FileError> {
    let metadata = tree.metadata(directory)?;
    if metadata.kind != FileKind::Directory {
        return Err(FileError::NotADirectory);
    }
    identity.check(&metadata, Access::EXECUTE)
}

#[cfg(test)]
mod tests;
