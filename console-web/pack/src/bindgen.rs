//! wasm-bindgen as a library: no tool to install and no version that could differ from the
//! module's, because both stand in the same lock file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use wasm_bindgen_cli_support::Bindgen;

use crate::PackError;

/// What wasm-bindgen made of the module.
pub(crate) struct Bound {
    /// The module.
    pub(crate) wasm: Vec<u8>,
    /// The script that loads it; it names the module [`WASM_NAME`].
    pub(crate) script: String,
    /// Scripts that crates brought along, by their path below the script's folder.
    pub(crate) snippets: BTreeMap<String, Vec<u8>>,
}

/// Name of the module inside the loading script.
pub(crate) const WASM_NAME: &str = "console_bg.wasm";

/// Runs wasm-bindgen for browsers with modules. `work_dir` is written to and left empty.
pub(crate) fn bind(wasm: &Path, work_dir: &Path) -> Result<Bound, PackError> {
    if work_dir.exists() {
        fs::remove_dir_all(work_dir).map_err(PackError::file(work_dir))?;
    }
    let bindgen_error = |error| PackError::Bindgen(format!("{error:#}"));
    let mut bindgen = Bindgen::new();
    bindgen.input_path(wasm).out_name("console").typescript(false);
    bindgen.remove_name_section(true).remove_producers_section(true);
    bindgen.web(true).map_err(bindgen_error)?;
    bindgen.generate(work_dir).map_err(bindgen_error)?;

    let mut bound = Bound { wasm: Vec::new(), script: String::new(), snippets: BTreeMap::new() };
    let wasm_path = work_dir.join(WASM_NAME);
    bound.wasm = fs::read(&wasm_path).map_err(PackError::file(&wasm_path))?;
    let script_path = work_dir.join("console.js");
    bound.script = fs::read_to_string(&script_path).map_err(PackError::file(&script_path))?;
    let snippets = work_dir.join("snippets");
    if snippets.exists() {
        collect(&snippets, "snippets", &mut bound.snippets)?;
    }
    fs::remove_dir_all(work_dir).map_err(PackError::file(work_dir))?;
    Ok(bound)
}

fn collect(
    dir: &Path,
    prefix: &str,
    into: &mut BTreeMap<String, Vec<u8>>,
) -> Result<(), PackError> {
    for entry in fs::read_dir(dir).map_err(PackError::file(dir))? {
        let entry = entry.map_err(PackError::file(dir))?;
        let path = entry.path();
        let name = format!("{prefix}/{}", entry.file_name().to_string_lossy());
        if path.is_dir() {
            collect(&path, &name, into)?;
        } else {
            into.insert(name, fs::read(&path).map_err(PackError::file(&path))?);
        }
    }
    Ok(())
}
