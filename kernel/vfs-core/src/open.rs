//! What open(2) is to do: flags, and the decision what a path and flags lead to.

use crate::access::Access;
use crate::error::FileError;
use crate::metadata::FileKind;
use crate::walk::{FileTree, LastLink, LastName, WalkContext, Walked, walk};

/// What an open file can be used for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessMode {
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Both.
    ReadWrite,
    /// Neither, though the permissions for both are checked: Linux's mode 3, for ioctl(2) only.
    Control,
}

impl AccessMode {
    /// Whether the file may be read.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite)
    }

    /// Whether the file may be written.
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// The flags of open(2), with Linux's numbers for x86-64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OpenFlags(u32);

impl OpenFlags {
    /// Make it if it is not there.
    pub const CREATE: u32 = 0o100;
    /// It must not be there.
    pub const EXCLUSIVE: u32 = 0o200;
    /// It does not become the controlling terminal.
    pub const NO_TERMINAL: u32 = 0o400;
    /// Cut it to nothing.
    pub const TRUNCATE: u32 = 0o1000;
    /// Each write goes to the end.
    pub const APPEND: u32 = 0o2000;
    /// Answer rather than wait.
    pub const NON_BLOCKING: u32 = 0o4000;
    /// It must be a directory.
    pub const DIRECTORY: u32 = 0o200_000;
    /// It must be no symbolic link.
    pub const NO_FOLLOW: u32 = 0o400_000;
    /// Reading does not change the access time.
    pub const NO_ACCESS_TIME: u32 = 0o1_000_000;
    /// Closed by execve(2).
    pub const CLOSE_ON_EXEC: u32 = 0o2_000_000;
    /// Only the place in the tree, nothing of the contents.
    pub const PATH: u32 = 0o10_000_000;
    /// A file without a name, in a directory (with `DIRECTORY`).
    pub const TEMPORARY: u32 = 0o20_000_000;
    const ACCESS_MODE: u32 = 0o3;

    /// The flags that a program passes.
    ///
    /// # Errors
    /// [`FileError::InvalidFlags`] where Linux says EINVAL.
    pub fn from_bits(bits: u32) -> Result<Self, FileError> {
        let is_refused = if bits & Self::TEMPORARY != 0 {
            bits & Self::DIRECTORY == 0 || bits & Self::ACCESS_MODE == 0 || bits & Self::CREATE != 0
        } else {
            bits & Self::CREATE != 0 && bits & Self::DIRECTORY != 0
        };
        if is_refused {
            return Err(FileError::InvalidFlags { bits });
        }
        if bits & Self::PATH != 0 {
            // Everything else is without effect, as on Linux.
            let kept = Self::PATH | Self::DIRECTORY | Self::NO_FOLLOW | Self::CLOSE_ON_EXEC;
            return Ok(Self(bits & kept));
        }
        Ok(Self(bits))
    }

    /// The flags as fcntl's F_GETFL shows them.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether all of these are set.
    pub const fn has(self, flag: u32) -> bool {
        self.0 & flag == flag
    }

    /// What the file can be used for.
    pub const fn access_mode(self) -> AccessMode {
        match self.0 & Self::ACCESS_MODE {
            0 => AccessMode::Read,
            1 => AccessMode::Write,
            2 => AccessMode::ReadWrite,
            _ => AccessMode::Control,
        }
    }

    /// The permissions that it takes.
    fn access(self) -> Access {
        let access = match self.access_mode() {
            AccessMode::Read => Access::READ,
            AccessMode::Write => Access::WRITE,
            AccessMode::ReadWrite | AccessMode::Control => Access::READ.and(Access::WRITE),
        };
        if self.has(Self::TRUNCATE) { access.and(Access::WRITE) } else { access }
    }
}

/// What open(2) has to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpenPlan<'t, N> {
    /// Open this file, which the caller may do.
    Existing {
        /// The file.
        node: N,
        /// Cut it to nothing first.
        truncates: bool,
    },
    /// Make a regular file without a name and open it. That the caller may do so is for the file
    /// system to check.
    Temporary {
        /// Where.
        directory: N,
    },
    /// Make a regular file and open it. That the caller may do so is for the file system to check.
    Create {
        /// Where.
        directory: N,
        /// Under which name.
        name: &'t [u8],
    },
}

/// Decides what opening a path comes to.
///
/// # Errors
/// Those of [`walk()`], and [`FileError::AlreadyExists`], [`FileError::IsADirectory`],
/// [`FileError::NotADirectory`], [`FileError::TooManyLinks`] for a link that is not to be
/// followed, [`FileError::AccessDenied`], [`FileError::NotPermitted`].
pub fn plan_open<'t, T: FileTree>(
    tree: &'t T,
    context: &WalkContext<'_, T::Node>,
    path: &'t [u8],
    flags: OpenFlags,
) -> Result<OpenPlan<'t, T::Node>, FileError> {
    let is_created = flags.has(OpenFlags::CREATE);
    let last_link = if is_created && flags.has(OpenFlags::EXCLUSIVE) {
        LastLink::Name
    } else if flags.has(OpenFlags::NO_FOLLOW) {
        LastLink::Keep
    } else {
        LastLink::Follow
    };
    let walked = walk(tree, context, path, last_link)?;
    if is_created && let Some(plan) = plan_create(&walked, flags)? {
        return Ok(plan);
    }
    let wants_directory = walked.wants_directory || flags.has(OpenFlags::DIRECTORY);
    let node = walked.node.ok_or(FileError::NotFound)?;
    let metadata = tree.metadata(&node)?;
    match metadata.kind {
        FileKind::Directory if is_created => return Err(FileError::IsADirectory),
        FileKind::Directory => {}
        _ if wants_directory => return Err(FileError::NotADirectory),
        _ => {}
    }
    if flags.has(OpenFlags::PATH) {
        return Ok(OpenPlan::Existing { node, truncates: false });
    }
    if flags.has(OpenFlags::TEMPORARY) {
        return Ok(OpenPlan::Temporary { directory: node });
    }
    let truncates = flags.has(OpenFlags::TRUNCATE);
    match metadata.kind {
        FileKind::SymbolicLink => return Err(FileError::TooManyLinks),
        FileKind::Directory if truncates || flags.access_mode() != AccessMode::Read => {
            return Err(FileError::IsADirectory);
        }
        _ => {}
    }
    context.identity.check(&metadata, flags.access())?;
    if flags.has(OpenFlags::NO_ACCESS_TIME) && !context.identity.is_owner(&metadata) {
        return Err(FileError::NotPermitted);
    }
    Ok(OpenPlan::Existing { node, truncates: truncates && metadata.kind == FileKind::Regular })
}

/// What O_CREAT makes of it: a file to be made, an error, or a file that is there.
fn plan_create<'t, N: Clone>(
    walked: &Walked<'t, N>,
    flags: OpenFlags,
) -> Result<Option<OpenPlan<'t, N>>, FileError> {
    match (walked.last, &walked.node) {
        (LastName::Name(_), None) if walked.wants_directory => Err(FileError::IsADirectory),
        (LastName::Name(name), None) => {
            Ok(Some(OpenPlan::Create { directory: walked.directory.clone(), name }))
        }
        (_, Some(_)) if flags.has(OpenFlags::EXCLUSIVE) => Err(FileError::AlreadyExists),
        (_, Some(_)) if walked.wants_directory => Err(FileError::IsADirectory),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests;
