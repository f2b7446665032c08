//! What can go wrong while packing, with the file that it went wrong with.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the console could not be packed.
#[derive(Debug)]
pub enum PackError {
    /// A file could not be read or written.
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// wasm-bindgen refused the module.
    Bindgen(String),
    /// The npm packages could not be installed.
    Packages(String),
    /// A page or style sheet names a file that is not among the assets.
    MissingAsset {
        /// The file that names it.
        from: String,
        /// The name.
        name: String,
    },
    /// A style sheet has a block that does not end.
    Css {
        /// The byte at which the block began.
        offset: usize,
    },
    /// The manifest could not be written as JSON.
    Manifest(serde_json::Error),
}

impl PackError {
    /// Names the file in an input or output error.
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::File { path, source }
    }
}

impl fmt::Display for PackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Bindgen(message) => write!(f, "wasm-bindgen: {message}"),
            Self::Packages(message) => write!(f, "npm packages: {message}"),
            Self::MissingAsset { from, name } => {
                write!(f, "{from} refers to {name}, which is not an asset")
            }
            Self::Css { offset } => {
                write!(f, "style sheet: the block at byte {offset} does not end")
            }
            Self::Manifest(error) => write!(f, "manifest: {error}"),
        }
    }
}

impl std::error::Error for PackError {}
