//! What the kernel serves from its own image: the console's files and the API's document.

use admin_api::server::{Asset, Assets};

// `FILES`, sorted by path, and `DOCUMENT`: made by the build script.
include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The API's description.
pub const OPENAPI: &[u8] = DOCUMENT;

/// The console's files; none if the kernel was built without them.
#[derive(Clone, Copy, Debug)]
pub struct ConsoleAssets;

impl Assets for ConsoleAssets {
    fn get(&self, path: &str) -> Option<Asset> {
        let at = FILES.binary_search_by_key(&path, |(known, _)| known).ok()?;
        FILES.get(at).map(|(_, asset)| *asset)
    }
}
