//! Makes `console.rs`: the console's files and the API's document, for `src/admin/assets.rs`.
//!
//! `MULTIOS_CONSOLE_DIR` names the folder with the packed console and its `manifest.json`,
//! `MULTIOS_OPENAPI` the document. Without them the kernel has no console and an empty document, so
//! that it can be built and checked on its own.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

const CONSOLE_VARIABLE: &str = "MULTIOS_CONSOLE_DIR";
const DOCUMENT_VARIABLE: &str = "MULTIOS_OPENAPI";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    let mut code = String::from("static FILES: &[(&str, Asset)] = &[\n");
    if let Some(folder) = path_in(CONSOLE_VARIABLE)? {
        append_files(&mut code, &folder)?;
    }
    code.push_str("];\n");
    match path_in(DOCUMENT_VARIABLE)? {
        Some(document) => {
            println!("cargo:rerun-if-changed={}", document.display());
            writeln!(code, "const DOCUMENT: &[u8] = include_bytes!({document:?});")?;
        }
        None => code.push_str("const DOCUMENT: &[u8] = b\"{}\";\n"),
    }
    let out = env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?;
    fs::write(Path::new(&out).join("console.rs"), code)?;
    Ok(())
}

/// The path that a variable names, if it is set to one.
fn path_in(variable: &str) -> Result<Option<PathBuf>, Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed={variable}");
    match env::var_os(variable).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Some(
            fs::canonicalize(&value).map_err(|error| format!("{variable}={value:?}: {error}"))?,
        )),
        None => Ok(None),
    }
}

/// Appends a line for each file of the manifest, in the order of their paths.
fn append_files(code: &mut String, folder: &Path) -> Result<(), Box<dyn Error>> {
    let path = folder.join("manifest.json");
    println!("cargo:rerun-if-changed={}", path.display());
    let text = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let manifest: serde_json::Value = serde_json::from_slice(&text)?;
    let mut assets: Vec<&serde_json::Value> =
        manifest["assets"].as_array().ok_or("the manifest has no assets")?.iter().collect();
    assets.sort_by_key(|asset| asset["path"].as_str());
    for asset in assets {
        let word = |field: &str| {
            asset[field].as_str().ok_or_else(|| format!("an asset of the manifest has no {field}"))
        };
        let is_gzip = match asset["encoding"].as_str() {
            None => false,
            Some("gzip") => true,
            Some(other) => return Err(format!("the encoding {other} is not known").into()),
        };
        let is_immutable = asset["immutable"].as_bool().ok_or("an asset has no immutable")?;
        let file = folder.join(word("file")?);
        println!("cargo:rerun-if-changed={}", file.display());
        writeln!(
            code,
            "    ({:?}, Asset {{ bytes: include_bytes!({file:?}), is_gzip: {is_gzip}, \
             content_type: {:?}, etag: {:?}, is_immutable: {is_immutable} }}),",
            word("path")?,
            word("content_type")?,
            word("etag")?,
        )?;
    }
    Ok(())
}
