//! What lasts over a boot: [`Disk`].

use serde::{Deserialize, Serialize};

use super::Text;

words! {
    /// What a disk is good for.
    DiskState {
        /// It is being looked at: changes wait.
        Opening = "opening",
        /// What changes about services is kept on it.
        InUse = "in_use",
        /// It holds something else, cannot be written, or is too small: it is left alone.
        Refused = "refused",
        /// It does not work.
        Failed = "failed",
    }
}

/// The disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Disk {
    /// Whether it is used. In any other state changes of services are gone with the next boot.
    pub state: DiskState,
    /// Why it is not used, and what can be done about it.
    pub reason: Option<Text>,
    /// Its size.
    pub size_bytes: u64,
    /// What records may take on it.
    pub capacity_bytes: u64,
    /// What they take.
    pub used_bytes: u64,
    /// Services of which something is kept.
    pub records: u64,
    /// Places where records were found damaged at boot; what they said is lost.
    pub damaged: u64,
    /// Requests to read that were carried out.
    pub reads: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Requests to write that were carried out.
    pub writes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// How often what was written was made to last.
    pub flushes: u64,
    /// Requests that the disk did not carry out.
    pub errors: u64,
}
