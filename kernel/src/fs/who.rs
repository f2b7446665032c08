//! A process's credentials, as the tree of files asks for them.

use alloc::vec::Vec;

use process_core::{Capability, CapabilitySet, Credentials, Gid, Uid};
use vfs_core::{FileError, Identity};

/// In whose name files are used.
#[derive(Clone, Debug)]
pub struct Who {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    capabilities: CapabilitySet,
}

impl Who {
    /// By the effective ids.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn effective(credentials: &Credentials) -> Result<Self, FileError> {
        let (uid, gid) = (credentials.effective_uid, credentials.effective_gid);
        Self::new(uid, gid, credentials, credentials.capabilities)
    }

    /// By the real ids, as access(2) asks: only root keeps its capabilities.
    ///
    /// # Errors
    /// [`FileError::OutOfMemory`].
    pub fn real(credentials: &Credentials) -> Result<Self, FileError> {
        let (uid, gid) = (credentials.real_uid, credentials.real_gid);
        let capabilities = match (uid, credentials.effective_uid) {
            (Uid(0), Uid(0)) => credentials.capabilities,
            (Uid(0), _) => CapabilitySet::ALL,
            _ => CapabilitySet::EMPTY,
        };
        Self::new(uid, gid, credentials, capabilities)
    }

    fn new(
        uid: Uid,
        gid: Gid,
        credentials: &Credentials,
        capabilities: CapabilitySet,
    ) -> Result<Self, FileError> {
        let mut groups = Vec::new();
        let count = credentials.groups.len();
        groups.try_reserve_exact(count).map_err(|_| FileError::OutOfMemory)?;
        groups.extend(credentials.groups.iter().map(|group| group.0));
        Ok(Self { uid: uid.0, gid: gid.0, groups, capabilities })
    }

    /// As the file systems take it.
    #[must_use]
    pub fn identity(&self) -> Identity<'_> {
        let can = |capability| self.capabilities.contains(capability);
        Identity {
            uid: self.uid,
            gid: self.gid,
            groups: &self.groups,
            overrides_permissions: can(Capability::DacOverride),
            overrides_reading: can(Capability::DacReadSearch),
            owns_all: can(Capability::Fowner),
            can_give_away: can(Capability::Chown),
        }
    }

    /// Whether it may use this capability.
    ///
    /// # Errors
    /// [`FileError::NotPermitted`] if not.
    pub fn check(&self, capability: Capability) -> Result<(), FileError> {
        if self.capabilities.contains(capability) { Ok(()) } else { Err(FileError::NotPermitted) }
    }
}
