//! `service`: manages services, by MultiOS's own calls and under the caller's rights.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use core::ffi::CStr;

use multios::service::{self, Resolved, Status};
use multios::start::Arguments;
use multios::{Error, eprintln, input, println};

multios::entry!(main);

const USAGE: &str = "\
usage: service create < DOCUMENT      registers a service by its document in JSON
       service start NAME             and what it needs
       service stop NAME              and what needs it
       service status NAME
       service resolve NAME           chooses an instance: NUMBER PID ADDRESS PORT
       service notify TEXT...         of the service that the caller belongs to: READY=1,
                                      WATCHDOG=1, STATUS=...";

/// The longest document and the longest notice that the system takes.
const MOST_DOCUMENT_BYTES: usize = 64 * 1024;
const MOST_NOTICE_BYTES: usize = 4096;

/// Why the program ends without success.
enum Failure {
    Usage,
    Refused(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

fn main(arguments: Arguments) -> u8 {
    const WRONG_USAGE: u8 = 2;
    match run(&arguments) {
        Ok(()) => 0,
        Err(Failure::Usage) => {
            eprintln!("{USAGE}");
            WRONG_USAGE
        }
        Err(Failure::Refused(error)) => {
            eprintln!("service: {error}");
            1
        }
    }
}

fn text(argument: Option<&'static CStr>) -> Result<&'static str, Failure> {
    argument.and_then(|text| text.to_str().ok()).ok_or(Failure::Usage)
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    let mut rest = arguments.iter().skip(1);
    let command = text(rest.next())?;
    if command == "notify" {
        return notify(rest);
    }
    let name = rest.next().map(|name| text(Some(name))).transpose()?;
    if rest.next().is_some() {
        return Err(Failure::Usage);
    }
    match (command, name) {
        ("create", None) => create()?,
        ("start", Some(name)) => println!("operation {}", service::start(name)?),
        ("stop", Some(name)) => println!("operation {}", service::stop(name)?),
        ("status", Some(name)) => show(&service::status(name)?),
        ("resolve", Some(name)) => {
            let Resolved { instance, pid, address, port } = service::resolve(name)?;
            println!("{instance} {pid} {address} {}", port.unwrap_or(0));
        }
        _ => return Err(Failure::Usage),
    }
    Ok(())
}

fn create() -> Result<(), Failure> {
    // One more than there may be: what is longer is refused, not cut.
    let mut room = [0; MOST_DOCUMENT_BYTES + 1];
    let document = input::read_to_end(&mut room)?;
    let document = core::str::from_utf8(document).map_err(|_| Failure::Usage)?;
    println!("operation {}", service::create(document)?);
    Ok(())
}

fn show(status: &Status) {
    let Status { state, health, ready, instances, restarts, pid } = status;
    println!("state     {}", state.name());
    println!("health    {}", health.name());
    println!("ready     {ready} of {instances}");
    println!("restarts  {restarts}");
    if let Some(pid) = pid {
        println!("process   {pid}");
    }
}

/// Each argument is a line.
fn notify(lines: impl Iterator<Item = &'static CStr>) -> Result<(), Failure> {
    let mut room = [0; MOST_NOTICE_BYTES];
    let mut length = 0;
    for line in lines {
        let line = line.to_bytes();
        let end = length + line.len() + 1;
        let place = room.get_mut(length..end).ok_or(Failure::Usage)?;
        for (to, from) in place.iter_mut().zip(line.iter().chain(b"\n")) {
            *to = *from;
        }
        length = end;
    }
    let all = room.get(..length).unwrap_or_default();
    service::notify(core::str::from_utf8(all).map_err(|_| Failure::Usage)?)?;
    Ok(())
}
