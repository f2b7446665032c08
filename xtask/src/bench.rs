//! `cargo xtask bench`: measures MultiOS beside a Linux guest on the same machine; prints a table, and
//! JSON on demand.
//!
//! The two are booted in turn (A B A B), so that whatever else the host does meets both. Every line
//! says what it measures; its figure is the median of the rounds, beside it how far they lie apart.

mod boot;
mod cores;
mod guest;
mod linux;
mod load;
mod memory;
mod micro;
mod profile;
mod server;
mod table;
mod web;

use crate::failure::{Failure, Result};
use crate::initrd::Addition;
use crate::options::{Word, Words, unexpected};
use crate::places::Places;
use crate::programs::{self, Kind};
use crate::{build, console, setup};
use linux::Linux;
use std::path::PathBuf;
use table::Table;

/// What is measured against what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum System {
    MultiOs,
    Linux,
}

/// A group of lines, measured together.
struct Section {
    name: &'static str,
    what: &'static str,
    run: fn(&Bench<'_>, &mut Table) -> Result<()>,
}

const SECTIONS: &[Section] = &[
    Section { name: "size", what: "sizes of the image (MultiOS alone)", run: sizes },
    Section { name: "start", what: "QEMU's start to the first HTTP 200", run: boot::run },
    Section { name: "calls", what: "system calls, processes, threads, memory", run: micro::calls },
    Section { name: "scaling", what: "computing on 1, 2 and 4 CPUs", run: micro::scaling },
    Section { name: "crowd", what: "many processes: made, listed, ended", run: micro::crowd },
    Section { name: "memory", what: "idle memory, idle CPU, smallest machine", run: memory::run },
    Section { name: "http", what: "the API against nginx", run: web::run },
    Section { name: "server", what: "one static HTTP server in both", run: server::http },
    Section { name: "tcp", what: "one TCP connection's throughput", run: server::tcp },
    Section { name: "cores", what: "the kernel's pure crates on this host", run: cores::run },
];

/// What the sections share.
struct Bench<'a> {
    places: &'a Places,
    /// MultiOS's initial file system with the measured program in it.
    initrd: PathBuf,
    linux: Option<Linux>,
    is_quick: bool,
}

impl Bench<'_> {
    /// The systems there are, in the order of a round.
    fn systems(&self) -> Vec<System> {
        let linux = self.linux.is_some().then_some(System::Linux);
        [Some(System::MultiOs), linux].into_iter().flatten().collect()
    }

    /// `full` rounds, or one of a quick run.
    fn rounds(&self, full: usize) -> usize {
        if self.is_quick { 1 } else { full }
    }
}

/// What the command line asks for.
#[derive(Default)]
struct Options {
    json: Option<PathBuf>,
    only: Vec<String>,
    profile: Option<String>,
    is_quick: bool,
}

/// The command itself.
///
/// # Errors
/// When the image can't be built or booted, or does not answer.
pub fn command(places: &Places, words: Words) -> Result<()> {
    let Some(options) = parse(words)? else { return Ok(()) };
    setup::ensure(setup::TO_RUN)?;
    build::image(places, &[])?;
    let additions = [Addition { host: program(places)?, guest: "test/bench".to_owned() }];
    let initrd = build::special_initrd(places, "bench", &additions)?;
    let mut bench = Bench { places, initrd, linux: None, is_quick: options.is_quick };
    if let Some(what) = &options.profile {
        return profile::run(&bench, what);
    }
    let chosen = SECTIONS.iter().filter(|section| {
        options.only.is_empty() || options.only.iter().any(|word| word == section.name)
    });
    let chosen: Vec<_> = chosen.collect();
    let mut table = Table::new(places);
    let needs_linux = |section: &&Section| !["size", "cores"].contains(&section.name);
    if chosen.iter().any(needs_linux) {
        match web::served(&bench).and_then(|served| Linux::make(places, &served)) {
            Ok(linux) => {
                table.names_linux(&linux.version, &linux.nginx);
                bench.linux = Some(linux);
            }
            Err(failure) => eprintln!("no Linux guest, so MultiOS stands alone: {failure}"),
        }
    }
    for section in chosen {
        eprintln!("measuring {}: {}", section.name, section.what);
        if let Err(failure) = (section.run)(&bench, &mut table) {
            table.failed(section.name, &failure);
        }
    }
    table.print();
    options.json.map_or(Ok(()), |path| build::write(&path, table.json().as_bytes()))
}

fn parse(mut words: Words) -> Result<Option<Options>> {
    let mut options = Options::default();
    while let Some(word) = words.take()? {
        let Word::Option(name) = &word else { return Err(unexpected(&word)) };
        match name.as_str() {
            "json" => options.json = Some(words.value("json")?.into()),
            "quick" => options.is_quick = true,
            "profile" => options.profile = Some(words.value("profile")?),
            "only" => {
                for name in words.value("only")?.split(',') {
                    let names: Vec<_> = SECTIONS.iter().map(|section| section.name).collect();
                    if !names.contains(&name) {
                        let names = names.join(", ");
                        return Err(Failure::usage(format!("--only takes {names}, not `{name}`")));
                    }
                    options.only.push(name.to_owned());
                }
            }
            "list" => {
                for section in SECTIONS {
                    println!("{:8} {}", section.name, section.what);
                }
                return Ok(None);
            }
            _ => return Err(unexpected(&word)),
        }
    }
    Ok(Some(options))
}

/// The measured program, the same file in both guests.
fn program(places: &Places) -> Result<PathBuf> {
    programs::compile(places, &places.root.join("tests/programs/bench"), "bench/bench", Kind::Musl)
}

fn sizes(bench: &Bench<'_>, table: &mut Table) -> Result<()> {
    let size = |path: PathBuf| {
        path.metadata()
            .map(|meta| meta.len())
            .map_err(|error| Failure::file("can't read", &path, &error))
    };
    let kernel = size(bench.places.kernel())?;
    let initrd = size(bench.places.initrd())?;
    let mut add = |key, what, bytes: u64| {
        let line = table.line(key, what, table::Unit::Kib);
        line.add(System::MultiOs, bytes as f64 / 1024.0);
    };
    add("kernel", "kernel with the console inside", kernel);
    add("initrd", "initial file system", initrd);
    if let Ok(web) = console::sizes(bench.places) {
        add("wasm", "the console's WebAssembly, compressed", web.wasm_bytes);
        add("console", "the console in all, as transferred", web.served_bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_line(line: &str) -> Result<Option<Options>> {
        parse(Words::new(line.split_whitespace().map(str::to_owned).collect()))
    }

    #[test]
    fn sections_are_chosen_by_name() {
        let options = parse_line("--quick --only calls,http --only=cores").unwrap().unwrap();
        assert!(options.is_quick);
        assert_eq!(options.only, ["calls", "http", "cores"]);
        let failure = parse_line("--only nothing").err().unwrap();
        assert!(failure.to_string().contains("scaling"), "{failure}");
        assert!(parse_line("word").is_err());
        assert!(parse_line("--list").unwrap().is_none());
    }
}
