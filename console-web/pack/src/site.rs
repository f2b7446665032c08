//! Puts the packed site together: which files there are, their names, their references.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroU64;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use zopfli::{Format, Options};

use crate::bindgen::{self, WASM_NAME};
use crate::manifest::{Asset, Manifest};
use crate::{PackError, css};

/// Fonts of the package that the console's style sheet declares.
const FONTS: [(&str, &str); 3] = [
    ("text.woff2", "RedHatText/RedHatTextVF.woff2"),
    ("display.woff2", "RedHatDisplay/RedHatDisplayVF.woff2"),
    ("mono.woff2", "RedHatMono/RedHatMonoVF.woff2"),
];

/// The console's own style sheets in their order: later ones go over earlier ones.
const STYLES: [&str; 13] = [
    "fonts.css",
    "base.css",
    "frame.css",
    "cards.css",
    "charts.css",
    "forms.css",
    "tables.css",
    "parts.css",
    "overlays.css",
    "text.css",
    "sign-in.css",
    "services.css",
    "narrow.css",
];

/// How often the search for a better compression is repeated; more gains less than 0.1 %.
const ROUNDS: NonZeroU64 = NonZeroU64::new(5).unwrap();

/// How a page, a script or a sheet refers to another file: `%asset:NAME%`.
const REFERENCE: &str = "%asset:";

/// Packs the module `wasm` with the files of `console_dir` (the folder `console-web` with its
/// `web` and `node_modules`) into `out_dir`, which is emptied first, and writes `manifest.json`.
///
/// # Errors
/// A file that is missing or not writable, a module that wasm-bindgen refuses, a reference to a
/// file that is not there.
pub fn pack(wasm: &Path, console_dir: &Path, out_dir: &Path) -> Result<Manifest, PackError> {
    if out_dir.exists() {
        fs::remove_dir_all(out_dir).map_err(PackError::file(out_dir))?;
    }
    fs::create_dir_all(out_dir).map_err(PackError::file(out_dir))?;
    let web = console_dir.join("web");
    let package = console_dir.join("node_modules/@patternfly/patternfly");
    let bound = bindgen::bind(wasm, &out_dir.join("bindgen"))?;

    let mut site = Site::default();
    for (name, path) in FONTS {
        let path = package.join("assets/fonts").join(path);
        site.add(name, fs::read(&path).map_err(PackError::file(&path))?);
    }
    site.add("favicon.svg", read(&web, "favicon.svg")?.into_bytes());
    site.add("early.js", read(&web, "early.js")?.into_bytes());

    let page = read(&web, "index.html")?;
    let mut own_sheet = String::new();
    for name in STYLES {
        own_sheet.push_str(&read(&web.join("styles"), name)?);
    }
    let users = [&bound.wasm[..], page.as_bytes(), own_sheet.as_bytes()];
    let package_sheet = css::reduce(&read(&package, "patternfly.css")?, &users)?;
    let sheet = format!("{package_sheet}{}", css::minify(&own_sheet)?);
    site.add_text("console.css", &sheet)?;

    for (path, content) in &bound.snippets {
        site.add_as(path, format!("/assets/{path}"), content.clone());
    }
    site.add("console.wasm", bound.wasm);
    let wasm_name = site.path_of("console.js", "console.wasm")?.to_owned();
    let script = bound.script.replace(WASM_NAME, wasm_name.trim_start_matches("/assets/"));
    site.add("console.js", script.into_bytes());
    site.add_text("boot.js", &read(&web, "boot.js")?)?;

    let page = site.resolve("index.html", &page)?;
    site.assets.insert("index.html".to_owned(), ("/index.html".to_owned(), page.into_bytes()));
    site.write(out_dir)
}

/// Files by the name under which others refer to them: path in the URL, and content.
#[derive(Default)]
struct Site {
    assets: BTreeMap<String, (String, Vec<u8>)>,
}

impl Site {
    /// Adds a file under a path with its hash.
    fn add(&mut self, name: &str, content: Vec<u8>) {
        let (stem, extension) = name.split_once('.').unwrap_or((name, "bin"));
        let path = format!("/assets/{stem}.{}.{extension}", &hash(&content)[..12]);
        self.add_as(name, path, content);
    }

    fn add_as(&mut self, name: &str, path: String, content: Vec<u8>) {
        self.assets.insert(name.to_owned(), (path, content));
    }

    /// Adds a text in which references to files added before are replaced by their paths.
    fn add_text(&mut self, name: &str, text: &str) -> Result<(), PackError> {
        let text = self.resolve(name, text)?;
        self.add(name, text.into_bytes());
        Ok(())
    }

    fn path_of(&self, from: &str, name: &str) -> Result<&str, PackError> {
        self.assets
            .get(name)
            .map(|(path, _)| path.as_str())
            .ok_or_else(|| PackError::MissingAsset { from: from.to_owned(), name: name.to_owned() })
    }

    fn resolve(&self, from: &str, text: &str) -> Result<String, PackError> {
        let mut out = String::with_capacity(text.len());
        let mut parts = text.split(REFERENCE);
        out.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (name, rest) = part.split_once('%').unwrap_or((part, ""));
            out.push_str(self.path_of(from, name)?);
            out.push_str(rest);
        }
        Ok(out)
    }

    fn write(self, out_dir: &Path) -> Result<Manifest, PackError> {
        let mut assets = Vec::new();
        for (name, (path, content)) in self.assets {
            let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
            let compressed = gzip(&content)?;
            // Fonts and the like gain next to nothing; then nobody should have to unpack them.
            let is_smaller = compressed.len() < content.len() / 20 * 19;
            let served = if is_smaller { &compressed } else { &content };
            let mut file = name.replace('/', "_");
            if is_smaller {
                file.push_str(".gz");
            }
            let file_path = out_dir.join(&file);
            fs::write(&file_path, served).map_err(PackError::file(&file_path))?;
            assets.push(Asset {
                immutable: path.starts_with("/assets/"),
                content_type: content_type(extension).to_owned(),
                etag: format!("\"{}\"", &hash(&content)[..32]),
                encoding: is_smaller.then(|| "gzip".to_owned()),
                plain_bytes: content.len() as u64,
                served_bytes: served.len() as u64,
                path,
                file,
            });
        }
        assets.sort_by(|a, b| a.path.cmp(&b.path));
        let manifest = Manifest { assets };
        let json = serde_json::to_vec_pretty(&manifest).map_err(PackError::Manifest)?;
        let path = out_dir.join("manifest.json");
        fs::write(&path, json).map_err(PackError::file(&path))?;
        Ok(manifest)
    }
}

fn read(dir: &Path, name: &str) -> Result<String, PackError> {
    let path = dir.join(name);
    fs::read_to_string(&path).map_err(PackError::file(&path))
}

fn hash(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compresses, by an exhaustive search: it takes seconds at a build and saves each visitor 5 %. There
/// is no time stamp and no name in the header: equal input gives equal output.
fn gzip(content: &[u8]) -> Result<Vec<u8>, PackError> {
    let mut out = Vec::new();
    let options = Options { iteration_count: ROUNDS, ..Options::default() };
    zopfli::compress(options, Format::Gzip, content, &mut out)
        .map_err(PackError::file(Path::new("gzip")))?;
    Ok(out)
}

fn content_type(extension: &str) -> &'static str {
    match extension {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "wasm" => "application/wasm",
        "svg" => "image/svg+xml",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
