//! `confine`: starts a program in a sandbox of its own, waits for it, and ends as it did.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::ffi::CStr;

use multios::start::Arguments;
use multios::{
    Command, Error, LimitValues, NativeCall, Network, OnViolation, Sandbox, SystemCall, User,
    eprintln, limit_bits,
};

multios::entry!(main);

const USAGE: &str = "\
usage: confine --root DIRECTORY [OPTION]... PROGRAM [ARGUMENT]...
  PROGRAM is a path below DIRECTORY
  --network none|connect|listen|both   what it may do with the network (none)
  --kill                               a call that is not allowed ends it, by SIGSYS
  --user UID:GID                       in whose name
  --memory MIB                         the memory of each of its processes
  --processes N                        processes and threads of its user
  --env NAME=VALUE                     a variable of its environment
  --allow CALL                         allow only the calls that are named so, as read or create_process";

/// The most calls that can be named.
const MOST_CALLS: usize = 256;

/// Why the program was not started.
enum Failure {
    Usage,
    Start(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Start(error)
    }
}

fn main(arguments: Arguments) -> u8 {
    const WRONG_USAGE: u8 = 2;
    /// As shells end when a program cannot be started.
    const NOT_STARTED: u8 = 126;
    match run(&arguments) {
        Ok(code) => code,
        Err(Failure::Usage) => {
            eprintln!("{USAGE}");
            WRONG_USAGE
        }
        Err(Failure::Start(error)) => {
            eprintln!("confine: {error}");
            NOT_STARTED
        }
    }
}

fn number<T: core::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Usage)
}

/// What the options say.
struct Options {
    root: Option<&'static CStr>,
    network: Network,
    on_violation: OnViolation,
    user: Option<(u32, u32)>,
    limits: LimitValues,
    calls: [u64; MOST_CALLS],
    call_count: usize,
    /// The variables of the environment are taken in a second pass.
    program_at: usize,
}

impl Options {
    fn parse(arguments: &Arguments) -> Result<Self, Failure> {
        let mut options = Self {
            root: None,
            network: Network::None,
            on_violation: OnViolation::Refuse,
            user: None,
            limits: LimitValues::zeroed(),
            calls: [0; MOST_CALLS],
            call_count: 0,
            program_at: 1,
        };
        let mut words = arguments.iter().skip(1);
        while let Some(word) = words.next() {
            let word = word.to_str().map_err(|_| Failure::Usage)?;
            if !word.starts_with("--") {
                return Ok(options);
            }
            options.program_at += 1;
            if word == "--kill" {
                options.on_violation = OnViolation::Kill;
                continue;
            }
            let value = words.next().ok_or(Failure::Usage)?;
            options.program_at += 1;
            let text = value.to_str().map_err(|_| Failure::Usage)?;
            match word {
                "--root" => options.root = Some(value),
                "--network" => {
                    options.network = match text {
                        "none" => Network::None,
                        "connect" => Network::Connect,
                        "listen" => Network::Listen,
                        "both" => Network::Both,
                        _ => return Err(Failure::Usage),
                    };
                }
                "--user" => {
                    let (uid, gid) = text.split_once(':').ok_or(Failure::Usage)?;
                    options.user = Some((number(uid)?, number(gid)?));
                }
                "--memory" => {
                    let mib: u64 = number(text)?;
                    options.limits.set |= limit_bits::MEMORY;
                    options.limits.memory_bytes = mib.checked_mul(1 << 20).ok_or(Failure::Usage)?;
                }
                "--processes" => {
                    options.limits.set |= limit_bits::PROCESSES;
                    options.limits.processes = number(text)?;
                }
                "--allow" => options.allow(text)?,
                "--env" => {}
                _ => return Err(Failure::Usage),
            }
        }
        Err(Failure::Usage)
    }

    fn allow(&mut self, name: &str) -> Result<(), Failure> {
        let call = match NativeCall::from_name(name) {
            Some(call) => call.number(),
            None => SystemCall::from_name(name).ok_or(Failure::Usage)?.number(),
        };
        *self.calls.get_mut(self.call_count).ok_or(Failure::Usage)? = call;
        self.call_count += 1;
        Ok(())
    }
}

fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let options = Options::parse(arguments)?;
    let mut words = arguments.iter().skip(options.program_at);
    let mut command = Command::new(words.next().ok_or(Failure::Usage)?)?;
    for word in words {
        command.argument(word)?;
    }
    let before = || arguments.iter().take(options.program_at);
    for (word, value) in before().zip(before().skip(1)) {
        if word == c"--env" {
            command.variable(value)?;
        }
    }
    let calls = options.calls.get(..options.call_count).filter(|calls| !calls.is_empty());
    command.inherit_standard().limits(options.limits).sandbox(Sandbox {
        root: options.root.ok_or(Failure::Usage)?,
        calls,
        network: options.network,
        on_violation: options.on_violation,
    });
    if let Some((uid, gid)) = options.user {
        command.user(User { uid, gid, groups: &[] });
    }
    let pid = command.start()?;
    Ok(multios::wait(pid, None)?.shell_code())
}
