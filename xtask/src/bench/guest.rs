//! A booted guest of either system.

use super::{Bench, System, boot};
use crate::failure::{Failure, Result};
use crate::http::Client;
use crate::qemu::{Machine, free_port};
use crate::secret;
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// The port of the guest that the measured program serves on.
pub(super) const PROGRAM_PORT: u16 = 8080;

/// A guest to be booted.
pub(super) struct Plan {
    system: System,
    machine: Machine,
    token: String,
    port: u16,
    /// The port of this host that leads to [`PROGRAM_PORT`].
    program_port: u16,
}

impl Plan {
    /// Two CPUs and 256 MiB with a network. `linux` are options for the Linux guest's first program.
    pub(super) fn new(bench: &Bench<'_>, system: System, linux: &str) -> Result<Self> {
        let (port, program_port, token) = (free_port()?, free_port()?, secret::random()?);
        let mut machine = match (system, &bench.linux) {
            (System::Linux, Some(guest)) => guest.machine(linux),
            (System::Linux, None) => return Err(Failure::new("there is no Linux guest")),
            (System::MultiOs, _) => {
                let mut machine = Machine::new(bench.places.kernel());
                machine.initrd = Some(bench.initrd.clone());
                let options = secret::kernel_options(&token, &secret::random()?);
                machine.command_line = format!("{options} panic=exit services=off");
                machine
            }
        };
        machine.port = Some(port);
        machine.forwards = vec![(program_port, PROGRAM_PORT)];
        let token = if system == System::MultiOs { token } else { String::new() };
        Ok(Self { system, machine, token, port, program_port })
    }

    /// The same with so many CPUs and MiB.
    pub(super) fn sized(mut self, cpus: u32, memory_mib: u32) -> Self {
        self.machine.cpus = cpus;
        self.machine.memory_mib = memory_mib;
        self
    }

    /// The same with more of QEMU's arguments.
    pub(super) fn with(mut self, arguments: &[String]) -> Self {
        self.machine.extra.extend_from_slice(arguments);
        self
    }

    /// Starts it and waits for nothing.
    pub(super) fn start(self, bench: &Bench<'_>) -> Result<Guest> {
        let serial = bench.places.out.join(format!("bench-{:?}.serial", self.system));
        let fail = |error| Failure::file("can't write", &serial, &error);
        let file = File::create(&serial).map_err(fail)?;
        let started = Instant::now();
        let child = self.machine.spawn(Stdio::from(file))?;
        let client = Client { port: self.port, token: self.token };
        let program_port = self.program_port;
        Ok(Guest { child, client, program_port, serial, started, boot_time: Duration::ZERO })
    }

    /// Starts it and waits until its HTTP server answers.
    pub(super) fn boot(self, bench: &Bench<'_>) -> Result<Guest> {
        let mut guest = self.start(bench)?;
        guest.boot_time = guest.await_health(guest.client.port)?;
        Ok(guest)
    }
}

/// A running guest; it ends with the value.
pub(super) struct Guest {
    child: Child,
    /// For the server on port 80.
    pub(super) client: Client,
    pub(super) program_port: u16,
    serial: PathBuf,
    started: Instant,
    /// From QEMU's start to the first answer.
    pub(super) boot_time: Duration,
}

impl Guest {
    /// Waits until `/healthz` answers on a port of this host; the time since QEMU's start.
    pub(super) fn await_health(&mut self, port: u16) -> Result<Duration> {
        let child = &mut self.child;
        let is_over = || child.try_wait().is_ok_and(|status| status.is_some());
        boot::until_healthy(port, self.started, is_over).ok_or_else(|| {
            Failure::new(format!("the guest does not answer; see {}", self.serial.display()))
        })
    }

    /// What it wrote to its serial console.
    pub(super) fn serial(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.serial).unwrap_or_default()).into_owned()
    }

    /// Waits until it ends by itself; false when it does not in time.
    pub(super) fn await_end(&mut self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// CPU time of QEMU so far (proc(5), `/proc/PID/stat`, fields 14 and 15).
    pub(super) fn cpu_time(&self) -> Result<Duration> {
        let text = self.proc("stat")?;
        // The name in parentheses may hold anything; what follows is separated by spaces.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis(ticks * 1000 / per_second.max(1)))
    }

    /// How much of the guest's memory of `mib` MiB the host had to give, in KiB (proc(5), `smaps`).
    pub(super) fn resident_kib(&self, mib: u32) -> Result<f64> {
        let text = self.proc("smaps")?;
        let mut is_memory = false;
        for line in text.lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            let kib = value.trim().strip_suffix(" kB").and_then(|kib| kib.trim().parse().ok());
            match (name, kib) {
                ("Size", Some(kib)) => is_memory = kib == f64::from(mib) * 1024.0,
                ("Rss", Some(kib)) if is_memory => return Ok(kib),
                _ => {}
            }
        }
        Err(Failure::new("QEMU has no mapping of the guest's memory's size"))
    }

    fn proc(&self, file: &str) -> Result<String> {
        let path = PathBuf::from(format!("/proc/{}/{file}", self.child.id()));
        fs::read_to_string(&path).map_err(|error| Failure::file("can't read", &path, &error))
    }

    /// Sends a request to the API.
    pub(super) fn ask(&self, method: &str, path: &str, body: &str) -> Result<serde_json::Value> {
        let fail = |why: String| Failure::new(format!("{method} {path}: {why}"));
        let answer = self.client.send(method, path, body);
        let answer = answer.map_err(|error| fail(error.to_string()))?;
        let text = String::from_utf8_lossy(&answer.body);
        if answer.status / 100 != 2 {
            return Err(fail(format!("{} {text}", answer.status)));
        }
        if text.is_empty() {
            return Ok(serde_json::Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| fail(error.to_string()))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
