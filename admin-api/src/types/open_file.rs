//! One descriptor of a process: [`OpenFile`].

use serde::{Deserialize, Serialize};

use super::Text;

words! {
    /// What an open file is.
    OpenFileKind {
        /// A regular file.
        Regular = "regular",
        /// A directory.
        Directory = "directory",
        /// A device.
        Device = "device",
        /// A pipe, with a name or without.
        Pipe = "pipe",
        /// A socket.
        Socket = "socket",
        /// Something else: a counter, a timer, an epoll.
        Other = "other",
    }
}

/// One descriptor of a process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OpenFile {
    /// Its number.
    pub fd: u32,
    /// What it stands for.
    pub kind: OpenFileKind,
    /// The file's path as it is now, or what stands for one, such as `pipe:[3]`.
    pub path: Text,
    /// Whether it can be read.
    pub readable: bool,
    /// Whether it can be written.
    pub writable: bool,
    /// Whether writes go to the end.
    pub append: bool,
    /// Whether calls that would have to wait fail in place of that.
    pub nonblocking: bool,
    /// Whether it is closed when the process executes another program.
    pub close_on_exec: bool,
    /// Where the next read or write happens; `null` for what has no position.
    pub offset_bytes: Option<u64>,
}
