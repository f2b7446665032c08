//! `procs`: lists and manages processes, by MultiOS's own calls and under the caller's rights.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod limits;
mod show;

use core::ffi::CStr;
use core::time::Duration;

use multios::start::Arguments;
use multios::{
    Class, Error, Exit, Pid, Priority, Processes, SchedulingChange, Termination, eprintln, println,
};

multios::entry!(main);

const USAGE: &str = "\
usage: procs [list [--all]]              processes; --all: those too that are remembered
       procs show PID
       procs stop PID [GRACE_MS]         SIGTERM, and SIGKILL after the grace (5000)
       procs kill PID                    SIGKILL
       procs suspend PID | resume PID
       procs signal PID NUMBER
       procs wait PID [MS]               until its end; ends with its code
       procs priority PID idle|low|normal|high|real_time|critical
       procs class PID user|service|background|interactive
       procs nice PID -20..19
       procs limit PID NAME=VALUE...     memory stack files processes cpu_ns cpu_percent read_rate
                                         write_rate creation_rate; the last five may be none";

/// Why the program ends without success.
enum Failure {
    Usage,
    /// Of what is to be done to this process.
    Process(Pid, Error),
    List(Error),
}

fn main(arguments: Arguments) -> u8 {
    const WRONG_USAGE: u8 = 2;
    match run(&arguments) {
        Ok(code) => code,
        Err(Failure::Usage) => {
            eprintln!("{USAGE}");
            WRONG_USAGE
        }
        Err(Failure::Process(pid, error)) => {
            eprintln!("procs: process {pid}: {error}");
            1
        }
        Err(Failure::List(error)) => {
            eprintln!("procs: {error}");
            1
        }
    }
}

fn text(argument: Option<&'static CStr>) -> Result<&'static str, Failure> {
    argument.and_then(|text| text.to_str().ok()).ok_or(Failure::Usage)
}

fn number<T: core::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| Failure::Usage)
}

fn run(arguments: &Arguments) -> Result<u8, Failure> {
    const USUAL_GRACE_MS: u32 = 5000;
    let mut rest = arguments.iter().skip(1);
    let command = match rest.next() {
        Some(word) => text(Some(word))?,
        None => "list",
    };
    if command == "list" {
        let processes = match rest.next().map(CStr::to_bytes) {
            None => Processes::new(),
            Some(b"--all") => Processes::with_remembered(),
            Some(_) => return Err(Failure::Usage),
        };
        return show::list(processes).map(|()| 0).map_err(Failure::List);
    }
    let pid = Pid(number(text(rest.next())?)?);
    if pid == Pid::OWN {
        return Err(Failure::Usage);
    }
    let done = match (command, rest.next()) {
        ("show", None) => show::one(pid),
        ("kill", None) => multios::terminate(pid, Termination::Force),
        ("suspend", None) => multios::suspend(pid),
        ("resume", None) => multios::resume(pid),
        ("stop", grace) => {
            let grace_ms = grace.map_or(Ok(USUAL_GRACE_MS), |ms| number(text(Some(ms))?))?;
            multios::terminate(pid, Termination::Graceful { grace_ms })
        }
        ("wait", ms) => {
            let ms = ms.map(|ms| number(text(Some(ms))?)).transpose()?;
            return wait(pid, ms.map(Duration::from_millis));
        }
        ("signal", Some(signal)) => multios::signal(pid, number(text(Some(signal))?)?),
        ("priority", Some(word)) => {
            let priority = Some(Priority::from_name(text(Some(word))?).ok_or(Failure::Usage)?);
            let change = SchedulingChange { priority, ..SchedulingChange::default() };
            multios::set_scheduling(pid, &change)
        }
        ("class", Some(word)) => {
            let class = Some(Class::from_name(text(Some(word))?).ok_or(Failure::Usage)?);
            multios::set_scheduling(pid, &SchedulingChange { class, ..SchedulingChange::default() })
        }
        ("nice", Some(nice)) => {
            let nice = Some(number(text(Some(nice))?)?);
            multios::set_scheduling(pid, &SchedulingChange { nice, ..SchedulingChange::default() })
        }
        ("limit", Some(first)) => {
            let values =
                limits::parse(core::iter::once(first).chain(rest)).ok_or(Failure::Usage)?;
            multios::set_limits(pid, &values)
        }
        _ => return Err(Failure::Usage),
    };
    done.map(|()| 0).map_err(|error| Failure::Process(pid, error))
}

/// Waits for a process's end, and ends as it did.
fn wait(pid: Pid, for_at_most: Option<Duration>) -> Result<u8, Failure> {
    let exit = multios::wait(pid, for_at_most).map_err(|error| Failure::Process(pid, error))?;
    match exit {
        Exit::Code(code) => println!("process {pid} exited with code {code}"),
        Exit::Signal(signal) => println!("process {pid} was ended by signal {signal}"),
    }
    Ok(exit.shell_code())
}
