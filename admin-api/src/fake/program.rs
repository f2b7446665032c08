//! What the programs of the fake system do.

use std::string::String;

use crate::backend::ApiError;
use crate::types::CreateProcess;

/// What a process does.
#[derive(Clone, Debug)]
pub(super) enum Program {
    /// A kernel thread that is busy for this share of its time, in percent.
    KernelThread { busy_percent: u64 },
    /// Sleeps until this time.
    Sleep { until_ns: u64 },
    /// Uses all the CPU it gets.
    Busy,
    /// Writes a line each second.
    Chatter { next_ns: u64, line: u64 },
    /// Ends at once with this code, after what it wrote.
    Exit { code: i32 },
    /// Waits for input for ever, and ignores SIGTERM.
    Stubborn,
    /// Waits for input for ever.
    Wait,
}

/// A program, and what it writes at once.
pub(super) struct Started {
    pub(super) program: Program,
    pub(super) output: String,
    pub(super) threads: u32,
    /// Processes that it makes at once.
    pub(super) children: u32,
}

/// Finds out what a program would do.
pub(super) fn start(request: &CreateProcess, now_ns: u64) -> Result<Started, ApiError> {
    let path = request.program.as_str();
    let (name, args) = match (path.strip_prefix("/bin/"), request.args.split_first()) {
        (Some("busybox"), Some((applet, rest))) => (applet.as_str(), rest),
        (Some(name), _) => (name, &request.args[..]),
        (None, _) if path == "/etc/motd" => {
            return Err(ApiError::InvalidProgram("the file is not an ELF program".into()));
        }
        (None, _) => return Err(ApiError::ProgramNotFound(String::from(path).into())),
    };
    let mut output = String::new();
    let program = match name {
        "sleep" => match args.first().and_then(|time| time.parse::<f64>().ok()) {
            Some(time_s) if (0.0..=1e9).contains(&time_s) => {
                let time = std::time::Duration::from_secs_f64(time_s);
                let time_ns = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
                Program::Sleep { until_ns: now_ns.saturating_add(time_ns) }
            }
            _ => {
                output.push_str("sleep: invalid number\n");
                Program::Exit { code: 1 }
            }
        },
        "yes" => Program::Busy,
        "echo" => {
            output = args.join(" ") + "\n";
            Program::Exit { code: 0 }
        }
        "true" => Program::Exit { code: 0 },
        "false" => Program::Exit { code: 1 },
        "cat" | "sh" => Program::Wait,
        "stubborn" => Program::Stubborn,
        "family" | "workers" => Program::Wait,
        "chatter" => Program::Chatter { next_ns: now_ns, line: 0 },
        _ => return Err(ApiError::ProgramNotFound(String::from(path).into())),
    };
    let threads = if name == "workers" { 4 } else { 1 };
    let children = if name == "family" { 3 } else { 0 };
    Ok(Started { program, output, threads, children })
}
