//! `cargo xtask bench`: boots the image and measures it; prints a table, and JSON on demand.

mod boot;
mod load;

use crate::failure::{Failure, Result};
use crate::options::{Word, Words, unexpected};
use crate::places::Places;
use crate::qemu::{Accelerator, Machine, free_port};
use crate::{accel, build, console, secret, setup};
use load::{Connections, Load};
use serde_json::{Map, Value};
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How often a boot is measured; the median counts.
const BOOTS: usize = 5;
/// How long each load lasts.
const LOAD_TIME: Duration = Duration::from_secs(5);
/// Connections at once.
const CONNECTIONS: usize = 8;
/// How long the idle guest is watched.
const IDLE_TIME: Duration = Duration::from_secs(10);
/// What the load asks for.
const PATH: &str = "/api/v1/processes?limit=20";
/// Sleeping processes that fill the page that the load asks for.
const SLEEPERS: usize = 20;

/// One measured figure.
struct Figure {
    /// Key in the JSON document; it ends with the unit.
    key: &'static str,
    what: &'static str,
    value: f64,
    unit: &'static str,
}

/// The command itself.
///
/// # Errors
/// When the image can't be built or booted, or does not answer.
pub fn command(places: &Places, mut words: Words) -> Result<()> {
    let mut json: Option<PathBuf> = None;
    while let Some(word) = words.take()? {
        match word {
            Word::Option(name) if name == "json" => json = Some(words.value("json")?.into()),
            other => return Err(unexpected(&other)),
        }
    }
    setup::ensure(setup::TO_RUN)?;
    build::image(places, &[])?;
    let mut figures = sizes(places)?;
    figures.extend(boots(places)?);
    figures.extend(service(places)?);
    for figure in &figures {
        println!("{:58} {:>10.2} {}", figure.what, figure.value, figure.unit);
    }
    if let Some(path) = json {
        let pairs = figures.iter().map(|figure| (figure.key.to_owned(), figure.value.into()));
        let text = format!("{:#}\n", Value::Object(pairs.collect::<Map<_, _>>()));
        fs::write(&path, text).map_err(|error| Failure::file("can't write", &path, &error))?;
    }
    Ok(())
}

fn figure(key: &'static str, what: &'static str, value: f64, unit: &'static str) -> Figure {
    Figure { key, what, value, unit }
}

fn sizes(places: &Places) -> Result<Vec<Figure>> {
    let kib = |bytes: u64| bytes as f64 / 1024.0;
    let size = |path: PathBuf| {
        path.metadata()
            .map(|meta| kib(meta.len()))
            .map_err(|error| Failure::file("can't read", &path, &error))
    };
    let web = console::sizes(places)?;
    Ok(vec![
        figure("kernel_kib", "kernel with the console inside", size(places.kernel())?, "KiB"),
        figure("initrd_kib", "initial file system", size(places.initrd())?, "KiB"),
        figure("wasm_kib", "console's WebAssembly, compressed", kib(web.wasm_bytes), "KiB"),
        figure("console_kib", "console in all, as transferred", kib(web.served_bytes), "KiB"),
    ])
}

fn boots(places: &Places) -> Result<Vec<Figure>> {
    let mut firmware = Vec::new();
    let mut health = Vec::new();
    for _ in 0..BOOTS {
        let limit = Duration::from_secs(30);
        let probe = accel::probe(places, Accelerator::Tcg, limit);
        firmware.push(probe.ok_or_else(|| Failure::new("the empty guest does not run"))?);
        health.push(Guest::boot(places)?.boot_time);
    }
    Ok(vec![
        figure("qemu_empty_guest_ms", "QEMU with an empty guest", median_ms(&mut firmware), "ms"),
        figure(
            "boot_to_health_ms",
            "from QEMU's start to the first 200 of /healthz",
            median_ms(&mut health),
            "ms",
        ),
    ])
}

fn median_ms(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(0.0, |time| time.as_secs_f64() * 1000.0)
}

fn service(places: &Places) -> Result<Vec<Figure>> {
    let guest = Guest::boot(places)?;
    for _ in 0..SLEEPERS {
        let body = r#"{"program": "/bin/sleep", "args": ["100000"]}"#;
        let answer = load::once(guest.port, &guest.token, "POST", "/api/v1/processes", body)?;
        if answer.status != 201 {
            return Err(Failure::new(format!("can't start a process: {}", answer.status)));
        }
    }
    let mut figures = vec![figure(
        "idle_host_cpu_percent",
        "idle guest with an event stream open, of one host CPU",
        idle_percent(&guest)?,
        "%",
    )];
    let load = |connections| Load {
        port: guest.port,
        token: guest.token.clone(),
        path: PATH,
        parallel: CONNECTIONS,
        time: LOAD_TIME,
        connections,
    };
    let kept = load(Connections::KeptAlive).run()?;
    let fresh = load(Connections::OneRequestEach).run()?;
    figures.extend([
        figure("keep_alive_per_s", "processes over 8 kept connections", kept.per_second, "1/s"),
        figure("keep_alive_p50_ms", "  median latency", kept.p50_ms, "ms"),
        figure("keep_alive_p99_ms", "  99th percentile", kept.p99_ms, "ms"),
        figure(
            "connection_per_s",
            "one request per connection, 8 at once",
            fresh.per_second,
            "1/s",
        ),
        figure("connection_p50_ms", "  median latency", fresh.p50_ms, "ms"),
        figure("connection_p99_ms", "  99th percentile", fresh.p99_ms, "ms"),
        figure("body_bytes", "bytes of an answer's body", kept.body_bytes as f64, "B"),
    ]);
    let failed = kept.failed + fresh.failed;
    if failed > 0 {
        eprintln!("warning: {failed} requests failed");
    }
    Ok(figures)
}

/// How much of one CPU QEMU uses while an event stream is open and nothing happens.
fn idle_percent(guest: &Guest) -> Result<f64> {
    let _stream = load::open_stream(guest.port, &guest.token, "/api/v1/events")?;
    std::thread::sleep(Duration::from_secs(2)); // what the boot left to do is done by then
    let before = guest.cpu_time()?;
    let started = Instant::now();
    std::thread::sleep(IDLE_TIME);
    let spent = guest.cpu_time()?.saturating_sub(before);
    Ok(100.0 * spent.as_secs_f64() / started.elapsed().as_secs_f64())
}

/// A booted machine with two CPUs under the translator.
struct Guest {
    child: Child,
    port: u16,
    token: String,
    boot_time: Duration,
}

impl Guest {
    fn boot(places: &Places) -> Result<Self> {
        let (port, token) = (free_port()?, secret::random()?);
        let mut machine = Machine::new(places.kernel());
        machine.initrd = Some(places.initrd());
        machine.port = Some(port);
        machine.command_line = secret::kernel_options(&token, &secret::random()?);
        let serial = places.out.join("bench.serial");
        let file = fs::File::create(&serial)
            .map_err(|error| Failure::file("can't write", &serial, &error))?;
        let started = Instant::now();
        let child = machine.spawn(Stdio::from(file))?;
        let mut guest = Self { child, port, token, boot_time: Duration::ZERO };
        guest.boot_time = boot::until_healthy(port, started).ok_or_else(|| {
            Failure::new(format!("the guest does not answer; see {}", serial.display()))
        })?;
        Ok(guest)
    }

    /// CPU time of QEMU so far (proc(5), `/proc/PID/stat`, fields 14 and 15).
    fn cpu_time(&self) -> Result<Duration> {
        let path = PathBuf::from(format!("/proc/{}/stat", self.child.id()));
        let text = fs::read_to_string(&path)
            .map_err(|error| Failure::file("can't read", &path, &error))?;
        // The name in parentheses may hold anything; what follows is separated by spaces.
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks: u64 =
            fields.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<u64>().ok()).sum();
        let per_second = rustix::param::clock_ticks_per_second();
        Ok(Duration::from_millis(ticks * 1000 / per_second.max(1)))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
