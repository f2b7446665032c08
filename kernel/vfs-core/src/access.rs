//! Who may do what with a file: path_resolution(7), "Permissions", and capabilities(7).

use crate::error::FileError;
use crate::metadata::{FileKind, Metadata};

/// What is to be done with a file: any of read, write, execute (search for a directory).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access(u8);

impl Access {
    /// Only that it is there.
    pub const EXISTS: Self = Self(0);
    /// To execute it, or to look up names in a directory.
    pub const EXECUTE: Self = Self(1);
    /// To write it, or to change a directory's entries.
    pub const WRITE: Self = Self(2);
    /// To read it.
    pub const READ: Self = Self(4);

    /// Both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

/// In whose name something is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Identity<'a> {
    /// The effective user.
    pub uid: u32,
    /// The effective group.
    pub gid: u32,
    /// The further groups.
    pub groups: &'a [u32],
    /// CAP_DAC_OVERRIDE: permission bits do not bind it.
    pub overrides_permissions: bool,
    /// CAP_DAC_READ_SEARCH: nor do they for reading and searching.
    pub overrides_reading: bool,
    /// CAP_FOWNER: it counts as the owner of every file.
    pub owns_all: bool,
    /// CAP_CHOWN: it can give files away.
    pub can_give_away: bool,
}

impl Identity<'_> {
    /// Root, with every capability.
    pub const ROOT: Identity<'static> = Identity {
        uid: 0,
        gid: 0,
        groups: &[],
        overrides_permissions: true,
        overrides_reading: true,
        owns_all: true,
        can_give_away: true,
    };

    /// Whether it is in this group.
    pub fn is_in_group(&self, gid: u32) -> bool {
        self.gid == gid || self.groups.contains(&gid)
    }

    /// Whether it may do what the owner may.
    pub fn is_owner(&self, file: &Metadata) -> bool {
        self.uid == file.owner.uid || self.owns_all
    }

    /// Whether it may do this with a file.
    ///
    /// # Errors
    /// [`FileError::AccessDenied`].
    pub fn check(&self, file: &Metadata, access: Access) -> Result<(), FileError> {
        // The first class that fits decides, even if a later one would allow more.
        let shift = if self.uid == file.owner.uid {
            6
        } else if self.is_in_group(file.owner.gid) {
            3
        } else {
            0
        };
        let granted = (file.permissions >> shift) & 7;
        if u16::from(access.0) & !granted == 0 {
            return Ok(());
        }
        let is_directory = file.kind == FileKind::Directory;
        let can_execute = is_directory || file.permissions & 0o111 != 0;
        if self.overrides_permissions && (can_execute || !access.has(Access::EXECUTE)) {
            return Ok(());
        }
        let only_reads =
            !access.has(Access::WRITE) && (is_directory || !access.has(Access::EXECUTE));
        if self.overrides_reading && only_reads {
            return Ok(());
        }
        Err(FileError::AccessDenied)
    }
}

#[cfg(test)]
mod tests;
