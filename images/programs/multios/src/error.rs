//! What went wrong: [`Error`].

use core::fmt;

use linux_abi::Errno;
use linux_abi::native::NativeError;

/// Why a call failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// The process manager refused.
    Refused(NativeError),
    /// A file, an address or the program's own limits were in the way.
    System(Errno),
    /// This is not MultiOS, or an older one.
    NotMultiOs,
}

impl Error {
    pub(crate) fn new(errno: Errno) -> Self {
        match NativeError::from_errno(errno) {
            Some(error) => Self::Refused(error),
            None if errno == Errno::ENOSYS => Self::NotMultiOs,
            None => Self::System(errno),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => {
                // The API's word, as people read it.
                for part in error.code().split('_').enumerate() {
                    let (index, word) = part;
                    write!(f, "{}{word}", if index > 0 { " " } else { "" })?;
                }
                Ok(())
            }
            Self::System(Errno::ENOENT) => f.write_str("no such file or directory"),
            Self::System(Errno::EACCES) => f.write_str("access denied"),
            Self::System(Errno::ENOEXEC) => f.write_str("not a program"),
            Self::System(Errno::ENOTDIR) => f.write_str("not a directory"),
            Self::System(errno) => write!(f, "{errno}"),
            Self::NotMultiOs => f.write_str("this system does not have MultiOS's calls"),
        }
    }
}

impl core::error::Error for Error {}
