//! `cargo xtask run`: builds, boots in QEMU, says how to reach the guest, shows its serial console.

use crate::accel::Choice;
use crate::failure::{Failure, Result};
use crate::initrd::Addition;
use crate::options::{Word, Words, unexpected};
use crate::places::Places;
use crate::qemu::{GuestExit, Machine, OnReset, SUCCESS, free_port};
use crate::{build, secret, setup};
use std::fs::OpenOptions;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What `run` is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    cpus: u32,
    memory_mib: u32,
    port: u16,
    forwards: Vec<Forward>,
    token: Option<String>,
    disk: Option<PathBuf>,
    accelerator: Choice,
    additions: Vec<Addition>,
    append: Vec<String>,
    waits_for_debugger: bool,
    extra: Vec<String>,
}

impl Options {
    /// Reads the command line.
    ///
    /// # Errors
    /// When an option is unknown or its value is wrong.
    pub fn parse(mut words: Words) -> Result<Self> {
        let mut options = Self {
            cpus: 4,
            memory_mib: 512,
            port: 8080,
            forwards: Vec::new(),
            token: None,
            disk: None,
            accelerator: Choice::Auto,
            additions: Vec::new(),
            append: Vec::new(),
            waits_for_debugger: false,
            extra: Vec::new(),
        };
        while let Some(word) = words.take()? {
            match word {
                Word::Rest(rest) => options.extra = rest,
                Word::Option(name) => match name.as_str() {
                    "cpus" => options.cpus = words.number("cpus", 1..=255)?,
                    "memory" => options.memory_mib = words.number("memory", 32..=1 << 20)?,
                    "port" => options.port = words.number("port", 0..=u16::MAX)?,
                    "forward" => options.forwards.push(Forward::parse(&words.value("forward")?)?),
                    "token" => options.token = Some(secret::check_token(words.value("token")?)?),
                    "disk" => options.disk = Some(words.value("disk")?.into()),
                    "accel" => options.accelerator = Choice::parse(&words.value("accel")?)?,
                    "initrd-add" => {
                        options.additions.push(Addition::parse(&words.value("initrd-add")?)?);
                    }
                    "append" => options.append.push(words.value("append")?),
                    "gdb" => options.waits_for_debugger = true,
                    _ => return Err(unexpected(&Word::Option(name))),
                },
                Word::Plain(_) => return Err(unexpected(&word)),
            }
        }
        Ok(options)
    }
}

/// A port of 127.0.0.1 that leads to a port of the guest's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Forward {
    host: u16,
    guest: u16,
}

impl Forward {
    /// Reads `PORT`, the same on both sides, or `HOST:GUEST`.
    fn parse(text: &str) -> Result<Self> {
        let (host, guest) = text.split_once(':').unwrap_or((text, text));
        match (host.parse(), guest.parse()) {
            (Ok(host), Ok(guest)) if host != 0 && guest != 0 => Ok(Self { host, guest }),
            _ => Err(Failure::usage(format!("--forward takes PORT or HOST:GUEST, not `{text}`"))),
        }
    }
}

/// The command itself. Ends with the guest: its exit code is ours.
///
/// # Errors
/// When something is missing, a build step fails, or QEMU does not start.
pub fn command(places: &Places, options: Options) -> Result<ExitCode> {
    setup::ensure(setup::TO_RUN)?;
    build::image(places, &options.additions)?;
    let port = match options.port {
        0 => free_port()?,
        port => check_free(port)?,
    };
    let token = match options.token {
        Some(token) => token,
        None => secret::random()?,
    };
    let link_secret = secret::random()?;
    let mut machine = Machine::new(places.kernel());
    machine.initrd = Some(places.initrd());
    machine.cpus = options.cpus;
    machine.memory_mib = options.memory_mib;
    machine.accelerator = options.accelerator.decide(places)?;
    machine.port = Some(port);
    for forward in options.forwards {
        machine.forwards.push((check_free(forward.host)?, forward.guest));
    }
    if let Some(disk) = &options.disk {
        make_disk(disk)?;
    }
    machine.disk = options.disk;
    machine.on_reset = OnReset::Reboot;
    machine.command_line = secret::kernel_options(&token, &link_secret);
    for more in &options.append {
        machine.command_line.push(' ');
        machine.command_line.push_str(more);
    }
    if options.waits_for_debugger {
        machine.extra.extend(["-gdb", "tcp:127.0.0.1:1234", "-S"].map(str::to_owned));
    }
    machine.extra.extend(options.extra);

    secret::introduce(port, &token, &link_secret);
    println!("examples export MULTIOS_URL=http://127.0.0.1:{port} MULTIOS_TOKEN={token}");
    println!("         (and then, in another terminal, images/examples/service-processes.sh)");
    if options.waits_for_debugger {
        let kernel = places.debug_kernel();
        println!("gdb      gdb -ex 'target remote 127.0.0.1:1234' {}", kernel.display());
    }
    println!("Ctrl-C ends the guest.\n");
    show(&machine)
}

/// Bytes of a disk that is made; the file takes what is written to it.
const DISK_BYTES: u64 = 64 << 20;

/// Makes the disk's file if there is none.
fn make_disk(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    match made.and_then(|file| file.set_len(DISK_BYTES)) {
        Ok(()) => {
            println!("disk     {} was made, of {} MiB", path.display(), DISK_BYTES >> 20);
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Failure::file("can't make", path, &error)),
    }
}

/// A port that something else holds is found out here, where we can say what to do about it.
fn check_free(port: u16) -> Result<u16> {
    match std::net::TcpListener::bind(("127.0.0.1", port)) {
        Ok(_) => Ok(port),
        Err(error) => Err(Failure::new(format!("port {port} of 127.0.0.1: {error}")).advise(
            "--port N takes another one, --port 0 any free one; --forward HOST:GUEST likewise",
        )),
    }
}

/// Boots the machine on our own terminal and waits for its end.
fn show(machine: &Machine) -> Result<ExitCode> {
    // The terminal sends Ctrl-C to QEMU as well, which restores the terminal and ends; what is left
    // for us is not to die before it.
    let signal = Arc::new(AtomicUsize::new(0));
    for number in [SIGINT, SIGTERM, SIGHUP] {
        let registered = signal_hook::flag::register_usize(
            number,
            Arc::clone(&signal),
            usize::try_from(number).unwrap_or(0),
        );
        registered.map_err(|error| Failure::new(format!("can't watch for signals: {error}")))?;
    }
    let mut child = machine
        .command()?
        .spawn()
        .map_err(|error| Failure::new(format!("can't start QEMU: {error}")))?;
    let code = wait(&mut child, &signal)?;
    // SIGINT and the others end a shell's command with 128 and their number.
    let caught = signal.load(Ordering::Relaxed); // only a number, nothing else is published by it
    if caught != 0 {
        return Ok(ExitCode::from(u8::try_from(128 + caught).unwrap_or(u8::MAX)));
    }
    match GuestExit::from_code(code) {
        GuestExit::PowerOff | GuestExit::Value(SUCCESS) => Ok(ExitCode::SUCCESS),
        GuestExit::Value(value) => Ok(ExitCode::from(value)),
        GuestExit::Failed => Err(Failure::new("QEMU failed; its message is above")),
    }
}

const SIGHUP: i32 = 1;
const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;

fn wait(child: &mut Child, signal: &AtomicUsize) -> Result<Option<i32>> {
    let mut is_told = false;
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status.code()),
            Ok(None) => {}
            Err(error) => return Err(Failure::new(format!("can't wait for QEMU: {error}"))),
        }
        if signal.load(Ordering::Relaxed) != 0 && !is_told {
            // A signal from elsewhere than the terminal reached us alone: pass it on.
            let pid = rustix::process::Pid::from_child(child);
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
            is_told = true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &[&str]) -> Result<Options> {
        Options::parse(Words::new(line.iter().map(|word| (*word).to_owned()).collect()))
    }

    #[test]
    fn without_options_there_are_four_cpus_and_half_a_gibibyte() {
        let options = parse(&[]).unwrap();
        assert_eq!((options.cpus, options.memory_mib, options.port), (4, 512, 8080));
        assert_eq!(options.accelerator, Choice::Auto);
    }

    #[test]
    fn every_option_is_read() {
        let line = "--cpus 2 --memory=64 --port 0 --token abcdefghijklmnop --disk d --accel tcg \
                    --initrd-add a=/b --initrd-add c=/d --append x=1 --append y --gdb \
                    --forward 8000 --forward 9000:90 -- -s --x";
        let options = parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
        assert_eq!((options.cpus, options.memory_mib, options.port), (2, 64, 0));
        assert_eq!(options.token.as_deref(), Some("abcdefghijklmnop"));
        assert_eq!(options.disk, Some(PathBuf::from("d")));
        assert_eq!(options.accelerator, Choice::Tcg);
        assert_eq!(options.additions.len(), 2);
        assert_eq!(options.append, ["x=1", "y"]);
        assert!(options.waits_for_debugger);
        let forwards = [Forward { host: 8000, guest: 8000 }, Forward { host: 9000, guest: 90 }];
        assert_eq!(options.forwards, forwards);
        assert_eq!(options.extra, ["-s", "--x"]);
    }

    #[test]
    fn wrong_options_are_usage_errors() {
        for line in [
            &["--cpus", "0"][..],
            &["--cpus", "256"],
            &["--memory", "1"],
            &["--port", "65536"],
            &["--token", "short"],
            &["--token", "with spaces in it, yes"],
            &["--accel", "hvf"],
            &["--initrd-add", "x"],
            &["--frobnicate"],
            &["plain"],
            &["--append"],
            &["--forward", "0"],
            &["--forward", "1:2:3"],
            &["--forward", "80000"],
        ] {
            assert_eq!(parse(line).unwrap_err().code(), 2, "{line:?}");
        }
    }

    #[test]
    fn a_disk_is_made_once_and_left_alone_then() {
        let folder = std::env::temp_dir().join(format!("xtask-disk-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let disk = folder.join("a.disk");
        make_disk(&disk).unwrap();
        assert_eq!(std::fs::metadata(&disk).unwrap().len(), DISK_BYTES);
        std::fs::write(&disk, b"kept").unwrap();
        make_disk(&disk).unwrap();
        assert_eq!(std::fs::read(&disk).unwrap(), b"kept");
        let failure = make_disk(&folder.join("none/a.disk")).unwrap_err().to_string();
        assert!(failure.contains("a.disk"), "{failure}");
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_port_in_use_is_explained() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let failure = check_free(port).unwrap_err().to_string();
        assert!(failure.contains("--port"), "{failure}");
    }
}
