//! [`Guest`]: a booted machine that ends with the value.

use crate::curl::{Answer, Request};
use crate::wait;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;
use xtask::places::Places;
use xtask::qemu::{GuestExit, Machine, OnReset, free_port};
use xtask::secret;

/// How to boot.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Names the serial log among the artefacts.
    pub name: String,
    /// Number of CPUs.
    pub cpus: u32,
    /// Memory in MiB.
    pub memory_mib: u32,
    /// The CPU's model and features.
    pub cpu_model: String,
    /// More kernel options.
    pub append: String,
    /// What a reset does.
    pub on_reset: OnReset,
    /// Ports of the guest's that are reached from the host.
    pub ports: Vec<u16>,
    /// A disk's file.
    pub disk: Option<PathBuf>,
    /// More arguments for QEMU.
    pub extra: Vec<String>,
    /// Whether the image's services are started; tests of something else want to be alone.
    pub starts_services: bool,
}

impl Setup {
    /// Two CPUs and 256 MiB.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            cpus: 2,
            memory_mib: 256,
            cpu_model: "max".to_owned(),
            append: String::new(),
            on_reset: OnReset::Exit,
            ports: Vec::new(),
            disk: None,
            extra: Vec::new(),
            starts_services: false,
        }
    }
}

/// A booted machine. Dropping it ends it.
#[derive(Debug)]
pub struct Guest {
    port: u16,
    /// Ports of the host's and the guest's.
    forwards: Vec<(u16, u16)>,
    token: String,
    link_secret: String,
    serial: PathBuf,
    keeper: Mutex<Option<JoinHandle<GuestExit>>>,
    is_over: Arc<AtomicBool>,
    /// QEMU's number; 0 before it is started.
    pid: Arc<AtomicU32>,
}

impl Guest {
    /// Boots and waits until `/healthz` answers.
    ///
    /// # Panics
    /// When the image was not built, or the machine does not answer in time; the message has the end
    /// of what it wrote to its serial console.
    #[must_use]
    pub fn boot(setup: &Setup) -> Self {
        let guest = Self::start(setup);
        guest.await_health();
        guest
    }

    /// Boots without waiting for anything.
    ///
    /// # Panics
    /// When the image was not built or QEMU does not start.
    #[must_use]
    pub fn start(setup: &Setup) -> Self {
        let places = Places::find();
        assert!(places.test_initrd().exists(), "no image: run `cargo xtask test e2e`");
        let token = secret::random().expect("the host has randomness");
        let link_secret = secret::random().expect("the host has randomness");
        let port = free_port().expect("there is a free port");
        let mut machine = Machine::new(places.kernel());
        machine.initrd = Some(places.test_initrd());
        machine.cpus = setup.cpus;
        machine.cpu_model.clone_from(&setup.cpu_model);
        machine.memory_mib = setup.memory_mib;
        machine.port = Some(port);
        machine.on_reset = setup.on_reset;
        machine.disk.clone_from(&setup.disk);
        machine.extra.clone_from(&setup.extra);
        let forward = |guest: &u16| (free_port().expect("there is a free port"), *guest);
        machine.forwards = setup.ports.iter().map(forward).collect();
        let forwards = machine.forwards.clone();
        // A panic ends the machine, which is noticed at once.
        machine.command_line =
            format!("{} panic=exit", secret::kernel_options(&token, &link_secret));
        if !setup.starts_services {
            machine.command_line.push_str(" services=off");
        }
        if !setup.append.is_empty() {
            machine.command_line.push(' ');
            machine.command_line.push_str(&setup.append);
        }
        fs::create_dir_all(places.artefacts()).expect("the artefacts' folder can be made");
        let serial = places.artefacts().join(format!("{}.serial", setup.name));
        let file = File::create(&serial).expect("the serial log can be written");
        let is_over = Arc::new(AtomicBool::new(false));
        let pid = Arc::new(AtomicU32::new(0));
        let keeper = keep(machine, file, Arc::clone(&is_over), Arc::clone(&pid));
        Self {
            port,
            forwards,
            token,
            link_secret,
            serial,
            keeper: Mutex::new(Some(keeper)),
            is_over,
            pid,
        }
    }

    /// One machine for all tests of a program, booted by the first that asks.
    #[must_use]
    pub fn shared(name: &str) -> &'static Self {
        static SHARED: OnceLock<Guest> = OnceLock::new();
        SHARED.get_or_init(|| {
            let mut setup = Setup::named(name);
            setup.cpus = 4;
            Self::boot(&setup)
        })
    }

    /// Waits until `/healthz` answers with 200.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn await_health(&self) {
        let started = std::time::Instant::now();
        loop {
            // Short attempts: one that began before the guest had an address is not answered soon.
            let attempt = Request::new("GET", &self.url("/healthz")).limit(Duration::from_secs(1));
            if attempt.try_send().is_some_and(|answer| answer.status == 200) {
                return;
            }
            assert!(
                started.elapsed() < 2 * wait::PATIENCE && !self.has_ended(),
                "the guest does not answer; the end of {}:\n{}",
                self.serial.display(),
                self.serial_end()
            );
        }
    }

    /// The port of 127.0.0.1 that leads to it.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The port of 127.0.0.1 that leads to this port of the guest's.
    ///
    /// # Panics
    /// When the setup did not ask for it.
    #[must_use]
    pub fn forwarded(&self, guest: u16) -> u16 {
        let found = self.forwards.iter().find(|(_, known)| *known == guest);
        found.expect("the setup names the port").0
    }

    /// The first token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The secret of the console's link.
    #[must_use]
    pub fn link_secret(&self) -> &str {
        &self.link_secret
    }

    /// The console's link.
    #[must_use]
    pub fn link(&self) -> String {
        secret::link(self.port, &self.link_secret)
    }

    /// The URL of a path.
    #[must_use]
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A request with the token.
    #[must_use]
    pub fn request(&self, method: &str, path: &str) -> Request {
        let token = format!("Authorization: Bearer {}", self.token);
        Request::new(method, &self.url(path)).header(&token)
    }

    /// A request without credentials.
    #[must_use]
    pub fn anonymous(&self, method: &str, path: &str) -> Request {
        Request::new(method, &self.url(path))
    }

    /// GETs a path with the token.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.request("GET", path).send()
    }

    /// GETs a path and reads the answer as the type that the contract says.
    ///
    /// # Panics
    /// When it is not 200 or not of that type.
    #[must_use]
    pub fn read<T: DeserializeOwned>(&self, path: &str) -> T {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "GET {path}: {answer:?}");
        answer.json()
    }

    /// How much CPU time this host has spent on the machine so far.
    ///
    /// # Panics
    /// When it is over.
    #[must_use]
    pub fn host_cpu_time(&self) -> Duration {
        /// `USER_HZ`, in which proc(5) counts.
        const TICKS_A_SECOND: f64 = 100.0;
        let path = format!("/proc/{}/stat", self.pid.load(Ordering::Relaxed));
        let text = fs::read_to_string(path).expect("QEMU runs");
        // Behind the name in parentheses come the fields from the third on: utime and stime are 14 and 15.
        let fields = text.rsplit(") ").next().expect("there is a name").split(' ').skip(11).take(2);
        let ticks = fields.map(|field| field.parse::<f64>().expect("a number")).sum::<f64>();
        Duration::from_secs_f64(ticks / TICKS_A_SECOND)
    }

    /// What the guest wrote to its serial console so far.
    #[must_use]
    pub fn serial(&self) -> String {
        let bytes = fs::read(&self.serial).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Where the serial log is.
    #[must_use]
    pub fn serial_path(&self) -> &Path {
        &self.serial
    }

    /// The last lines of the serial console.
    #[must_use]
    pub fn serial_end(&self) -> String {
        let text = self.serial();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    /// Whether QEMU has ended.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        keeper.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits until the guest ends by itself.
    ///
    /// # Panics
    /// When it does not.
    #[must_use]
    pub fn await_end(&self) -> GuestExit {
        wait::until("the guest's end", || self.has_ended().then_some(()));
        let mut keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let keeper = keeper.take().expect("the end is waited for once");
        keeper.join().expect("the keeper does not panic")
    }

    /// Asserts that the kernel has not panicked and still answers.
    ///
    /// # Panics
    /// When it has.
    pub fn assert_healthy(&self) {
        let answer = self.anonymous("GET", "/healthz").send();
        assert_eq!(answer.status, 200, "{}", self.serial_end());
        let serial = self.serial();
        assert!(!serial.contains("panic"), "the kernel panicked:\n{}", self.serial_end());
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed); // a lone flag: nothing else is published by it
        let mut keeper = self.keeper.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(keeper) = keeper.take() {
            let _ = keeper.join();
        }
    }
}

/// Starts the machine from a thread of its own and watches over it. QEMU dies with the thread that
/// started it, so that must not be a test's thread: a shared guest outlives the test that booted it.
fn keep(
    machine: Machine,
    serial: File,
    is_over: Arc<AtomicBool>,
    pid: Arc<AtomicU32>,
) -> JoinHandle<GuestExit> {
    std::thread::spawn(move || {
        let mut child = machine.spawn(Stdio::from(serial)).expect("QEMU starts");
        pid.store(child.id(), Ordering::Relaxed); // a lone number: nothing else is published by it
        loop {
            if let Some(exit) = ended(&mut child) {
                return exit;
            }
            if is_over.load(Ordering::Relaxed) {
                let _ = child.kill();
                let _ = child.wait();
                return GuestExit::Failed;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    })
}

fn ended(child: &mut Child) -> Option<GuestExit> {
    let status = child.try_wait().expect("a child can be waited for")?;
    Some(GuestExit::from_code(status.code()))
}
