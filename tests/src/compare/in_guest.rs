//! Running a program in the guest, through the API.

use super::{Did, End, LIMIT};
use crate::Guest;
use admin_api::types::{Exit, Process, ProcessOutput};
use serde::de::DeserializeOwned;
use serde_json::json;
use std::time::{Duration, Instant};
use xtask::http::Client;
use xtask::programs::{Compared, Kind};

/// As many bytes as the kernel keeps of a program's output.
const OUTPUT_BYTES: usize = 64 * 1024;
/// Pause between two looks at a program.
const STEP: Duration = Duration::from_millis(30);

/// A booted guest that programs are run in.
#[derive(Debug)]
pub struct InGuest<'a> {
    guest: &'a Guest,
    client: Client,
}

impl<'a> InGuest<'a> {
    /// Uses `guest`.
    #[must_use]
    pub fn new(guest: &'a Guest) -> Self {
        let client = Client { port: guest.port(), token: guest.token().to_owned() };
        Self { guest, client }
    }

    /// Runs a program in its folder.
    ///
    /// # Errors
    /// What went wrong: it can't be started, does not end in time, or the guest died.
    pub fn run(&self, program: &Compared) -> Result<Did, String> {
        let mut arguments = program.arguments.clone();
        let path = if program.kind == Kind::Script {
            arguments.splice(0..0, ["sh".to_owned(), "script.sh".to_owned()]);
            "/bin/busybox".to_owned()
        } else {
            program.guest_path()
        };
        let body = json!({
            "program": path, "args": arguments, "cwd": program.guest_folder(),
            "env": {"PATH": "/bin"}, "name": program.name,
        });
        let pid = self.ask::<Process>("POST", "/api/v1/processes", &body.to_string())?.pid;
        let exit = self.await_exit(pid);
        let output = self.output(pid);
        let exit = exit.map_err(|error| {
            let shown = output.as_ref().unwrap_or_else(|error| error);
            format!("{error}; it wrote:\n{shown}")
        })?;
        let end = match exit {
            Exit::Code(status) => End::Status(status),
            Exit::Signal { signal, .. } => End::Signal(signal.number()),
        };
        Ok(Did { output: output?, end })
    }

    fn await_exit(&self, pid: u32) -> Result<Exit, String> {
        let started = Instant::now();
        let path = format!("/api/v1/processes/{pid}");
        loop {
            let process: Process = self.ask("GET", &path, "")?;
            if let Some(exit) = process.exit {
                return Ok(exit);
            }
            if started.elapsed() > LIMIT {
                let _ = self.client.send("DELETE", &format!("{path}?mode=force"), "");
                let detail = process.state_detail.unwrap_or_default();
                let state = process.state;
                return Err(format!("did not end within {LIMIT:?}: it is {state:?} ({detail})"));
            }
            std::thread::sleep(STEP);
        }
    }

    fn output(&self, pid: u32) -> Result<String, String> {
        let path = format!("/api/v1/processes/{pid}/output?max_bytes={OUTPUT_BYTES}");
        let output: ProcessOutput = self.ask("GET", &path, "")?;
        if output.offset > 0 {
            return Err(format!("wrote more than the {OUTPUT_BYTES} bytes that are kept"));
        }
        Ok(output.text)
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, path: &str, body: &str) -> Result<T, String> {
        let failed = |why: String| {
            let is_over = self.guest.has_ended();
            let end = if is_over { "; the guest is over" } else { "" };
            format!("{method} {path}: {why}{end}")
        };
        let answer =
            self.client.send(method, path, body).map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status / 100 != 2 {
            return Err(failed(format!("{} {text}", answer.status)));
        }
        serde_json::from_str(&text).map_err(|error| failed(format!("{error} in {text}")))
    }
}
