//! The console's files from a folder.

use std::boxed::Box;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;
use std::string::String;

use crate::server::{Asset, Assets};

/// Files that were read at the start.
#[derive(Default)]
pub(super) struct MockAssets {
    files: BTreeMap<String, Asset>,
}

impl MockAssets {
    /// Reads a folder: by its `manifest.json` if it has one, else every file in it.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let mut assets = Self::default();
        match fs::read(folder.join("manifest.json")) {
            Ok(manifest) => assets.add_manifest(folder, &manifest)?,
            Err(_) => assets.add_folder(folder, "")?,
        }
        Ok(assets)
    }

    /// The manifest that `console-pack` writes.
    fn add_manifest(&mut self, folder: &Path, manifest: &[u8]) -> io::Result<()> {
        #[derive(serde::Deserialize)]
        struct Manifest {
            assets: std::vec::Vec<Entry>,
        }
        #[derive(serde::Deserialize)]
        struct Entry {
            path: String,
            content_type: String,
            etag: String,
            encoding: Option<String>,
            file: String,
            immutable: bool,
        }
        let manifest: Manifest = serde_json::from_slice(manifest)
            .map_err(|error| io::Error::other(std::format!("manifest.json: {error}")))?;
        for entry in manifest.assets {
            let asset = Asset {
                bytes: leak(fs::read(folder.join(&entry.file))?),
                is_gzip: entry.encoding.as_deref() == Some("gzip"),
                content_type: leak_text(entry.content_type),
                etag: leak_text(entry.etag),
                is_immutable: entry.immutable,
            };
            self.files.insert(entry.path, asset);
        }
        Ok(())
    }

    fn add_folder(&mut self, folder: &Path, path: &str) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let path = std::format!("{path}/{}", entry.file_name().to_string_lossy());
            if entry.file_type()?.is_dir() {
                self.add_folder(&entry.path(), &path)?;
                continue;
            }
            let bytes = fs::read(entry.path())?;
            let content_type = content_type(&path);
            let hash = crate::server::SecretHash::of(&bytes);
            let etag = std::format!("\"{:.16}\"", hash.to_hex());
            let asset = Asset {
                bytes: leak(bytes),
                is_gzip: false,
                content_type,
                etag: leak_text(etag),
                is_immutable: false,
            };
            self.files.insert(path, asset);
        }
        Ok(())
    }
}

/// The files live as long as the process, so that they can be given out like those of an image.
fn leak(bytes: std::vec::Vec<u8>) -> &'static [u8] {
    Box::leak(bytes.into_boxed_slice())
}

fn leak_text(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "json" | "webmanifest" => "application/json",
        _ => "application/octet-stream",
    }
}

impl Assets for MockAssets {
    fn get(&self, path: &str) -> Option<Asset> {
        self.files.get(path).copied()
    }
}
