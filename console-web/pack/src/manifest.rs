//! The list of packed files, as the kernel's build reads it.

use serde::{Deserialize, Serialize};

/// Every file that the kernel serves for the console.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Sorted by path.
    pub assets: Vec<Asset>,
}

/// One file and how to serve it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asset {
    /// Absolute path in the URL; the page itself is `/index.html`, served for `/` too.
    pub path: String,
    /// Value of `Content-Type`.
    pub content_type: String,
    /// Value of `ETag`, quotes included; it changes with the content.
    pub etag: String,
    /// Value of `Content-Encoding`: `gzip`, or none for a file that is compressed by nature.
    pub encoding: Option<String>,
    /// Name in the output folder.
    pub file: String,
    /// Whether the name contains the content's hash, so that it may be cached without asking.
    pub immutable: bool,
    /// Length before compression.
    pub plain_bytes: u64,
    /// Length as served.
    pub served_bytes: u64,
}

impl Manifest {
    /// What a first visit transfers, without headers.
    #[must_use]
    pub fn served_bytes(&self) -> u64 {
        self.assets.iter().map(|asset| asset.served_bytes).sum()
    }
}
