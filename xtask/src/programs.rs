//! The programs that the tests run in the guest and, for comparison, on this host's Linux: what is
//! written at the top of their sources, and compiling them.
//!
//! | folder | what | in the guest |
//! |---|---|---|
//! | `tests/programs/*.c` | programs that single tests start | `/test/NAME` |
//! | `tests/programs/abi/*.c`, `*.rs` | compared with Linux, one by one | `/test/abi/NAME` |
//! | `tests/programs/servers/*` | in C, Rust and Go | uploaded by the test that serves pages by them |
//! | `tests/programs/scripts/*.sh` | compared with Linux, run by busybox's `sh` | `script.sh` in its folder |
//!
//! What is compared starts in an empty folder of its own, `/test/work/NAME` in the guest.

use crate::failure::{Failure, Result};
use crate::initrd::sorted;
use crate::places::Places;
use crate::shell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// How a program is made from its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// C, linked with musl.
    Musl,
    /// C, linked with glibc.
    Glibc,
    /// Rust with its standard library on glibc, as a static position-independent program.
    Rust,
    /// Go with its standard library, which is static by nature.
    Go,
    /// A shell script.
    Script,
}

/// A program that has to do the same on Linux and in the guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// `abi/NAME` or `scripts/NAME`.
    pub name: String,
    /// Its source.
    pub source: PathBuf,
    /// How it is made.
    pub kind: Kind,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Why this host's Linux can't judge it; then it only has to exit with 0 in the guest.
    pub skips_linux: Option<String>,
    /// Whether nothing else may run beside it.
    pub is_alone: bool,
    /// Whether it has to be the superuser's on Linux; in the guest it is.
    pub needs_root: bool,
}

impl Compared {
    /// Where the guest has it.
    #[must_use]
    pub fn guest_path(&self) -> String {
        match self.kind {
            Kind::Script => format!("{}/script.sh", self.guest_folder()),
            _ => format!("/test/{}", self.name),
        }
    }

    /// Where it starts in the guest.
    #[must_use]
    pub fn guest_folder(&self) -> String {
        format!("/test/work/{}", self.name.replace('/', "-"))
    }

    /// The file that is run: the compiled program, or the script itself.
    ///
    /// # Errors
    /// When it does not compile.
    pub fn file(&self, places: &Places) -> Result<PathBuf> {
        match self.kind {
            Kind::Script => Ok(self.source.clone()),
            kind => compile(places, &self.source, &self.name, kind),
        }
    }

    /// Reads what the first lines say.
    fn parse(name: String, source: PathBuf, text: &str) -> Result<Self> {
        let extension = source.extension().unwrap_or_default();
        let (kind, sign) = match extension.to_str() {
            Some("c") => (Kind::Musl, "//"),
            Some("rs") => (Kind::Rust, "//"),
            _ => (Kind::Script, "#"),
        };
        let mut program = Self {
            name,
            source,
            kind,
            arguments: Vec::new(),
            skips_linux: None,
            is_alone: false,
            needs_root: false,
        };
        for line in text.lines().map_while(|line| line.strip_prefix(sign)) {
            let line = line.trim();
            let (word, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.trim();
            match word {
                "args" => program.arguments.extend(value.split_whitespace().map(str::to_owned)),
                "alone" => program.is_alone = true,
                "build" if value == "glibc" && kind == Kind::Musl => program.kind = Kind::Glibc,
                "linux" if value.starts_with("skip ") => {
                    program.skips_linux = value.strip_prefix("skip ").map(str::to_owned);
                }
                "needs" if value == "root" => program.needs_root = true,
                "build" | "linux" | "needs" => {
                    let path = program.source.display();
                    return Err(Failure::new(format!("{path}: `{line}` is not known")));
                }
                _ => {}
            }
        }
        Ok(program)
    }
}

/// All programs that are compared, in the order of their names.
///
/// # Errors
/// When a folder can't be read, or a first line says what is not known.
pub fn compared(places: &Places) -> Result<Vec<Compared>> {
    let mut found = Vec::new();
    for folder in ["abi", "scripts"] {
        for source in sorted(&places.root.join("tests/programs").join(folder))? {
            let is_source = source.extension().is_some_and(|end| match folder {
                "abi" => end == "c" || end == "rs",
                _ => end == "sh",
            });
            if is_source {
                let text = fs::read_to_string(&source)
                    .map_err(|error| Failure::file("can't read", &source, &error))?;
                let stem = source.file_stem().unwrap_or_default().to_string_lossy();
                found.push(Compared::parse(format!("{folder}/{stem}"), source.clone(), &text)?);
            }
        }
    }
    Ok(found)
}

/// Compiles one source, or all C sources of a folder but those that have a program of their own
/// (`linux_*`), to `programs/NAME` of what is built, unless that is newer than the sources.
///
/// # Errors
/// When the compiler refuses it.
pub fn compile(places: &Places, source: &Path, name: &str, kind: Kind) -> Result<PathBuf> {
    let program = places.out.join("programs").join(name);
    let sources = sources(source)?;
    if changed(&program).is_some_and(|made| newest(&sources).is_some_and(|at| at < made)) {
        return Ok(program);
    }
    if let Some(folder) = program.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::file("can't make", folder, &error))?;
    }
    // By way of another name: what an interrupted compiler left is not taken for the program.
    let new = program.with_extension("new");
    let mut compiler = compiler(places, kind);
    shell::run(compiler.arg("-o").arg(&new).args(&sources))?;
    fs::rename(&new, &program).map_err(|error| Failure::file("can't write", &program, &error))?;
    Ok(program)
}

fn compiler(places: &Places, kind: Kind) -> Command {
    let program = match kind {
        Kind::Musl => "musl-gcc".into(),
        Kind::Go => "go".into(),
        Kind::Glibc => "gcc".into(),
        Kind::Rust => std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
        Kind::Script => "false".into(), // a script has no compiler; `file` does not ask for one
    };
    let mut command = Command::new(program);
    if kind == Kind::Go {
        // Nothing but the standard library, so nothing is fetched.
        command.args(["build", "-trimpath", "-ldflags=-s -w"]);
        command.envs([("CGO_ENABLED", "0"), ("GO111MODULE", "off"), ("GOPROXY", "off")]);
        command.env("GOCACHE", places.target.join("go"));
    } else if kind == Kind::Rust {
        // Named, because only then the flags are the program's alone and it is linked as static-pie.
        command.args(["--target", "x86_64-unknown-linux-gnu", "-Ctarget-feature=+crt-static"]);
        command.args(["--edition=2024", "-Copt-level=2", "-Cstrip=symbols", "-Dwarnings"]);
    } else {
        command.args(["-std=gnu11", "-O2", "-static", "-s", "-pthread"]);
        command.args(["-Wall", "-Wextra", "-Werror", "-Wno-unused-result"]);
    }
    command
}

fn sources(source: &Path) -> Result<Vec<PathBuf>> {
    if !source.is_dir() {
        return Ok(vec![source.to_owned()]);
    }
    let mut all = sorted(source)?;
    all.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".c") && !name.starts_with("linux_")
    });
    Ok(all)
}

/// When a source or a header beside it last changed.
fn newest(sources: &[PathBuf]) -> Option<SystemTime> {
    let beside = sources.first().and_then(|source| sorted(source.parent()?).ok());
    let beside = beside.unwrap_or_default();
    let headers = beside.iter().filter(|path| path.extension().is_some_and(|end| end == "h"));
    headers.chain(sources).filter_map(|path| changed(path)).max()
}

fn changed(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &str, text: &str) -> Result<Compared> {
        Compared::parse("abi/x".to_owned(), PathBuf::from(file), text)
    }

    #[test]
    fn the_first_lines_say_how_it_is_built_and_run() {
        let text = "// A fork.\n// build: glibc\n// args: a  b\n// alone\n\n// args: late\n";
        let program = parse("x.c", text).unwrap();
        assert_eq!((program.kind, program.is_alone), (Kind::Glibc, true));
        assert_eq!(program.arguments, ["a", "b"]);
        assert_eq!(program.guest_path(), "/test/abi/x");
        assert_eq!(program.guest_folder(), "/test/work/abi-x");
        let script = parse("x.sh", "# linux: skip it has no such file\necho\n").unwrap();
        assert_eq!(script.skips_linux.as_deref(), Some("it has no such file"));
        assert_eq!((script.kind, script.is_alone), (Kind::Script, false));
        assert_eq!(script.guest_path(), "/test/work/abi-x/script.sh");
    }

    #[test]
    fn a_misspelt_first_line_is_refused() {
        assert!(parse("x.c", "// build: glbc\n").is_err());
        assert!(parse("x.c", "// linux: no\n").is_err());
        assert_eq!(parse("x.c", "int main;\n").unwrap().kind, Kind::Musl);
    }
}
