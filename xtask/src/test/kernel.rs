//! The tests inside the kernel: it is booted with `test=all`, prints a line for each test and ends
//! with a value that says whether all passed.

use super::{Count, Log, Outcome, parts};
use crate::failure::{Failure, Result};
use crate::places::Places;
use crate::qemu::{GuestExit, Machine, SUCCESS};
use std::fs::{self, File};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A boot that takes longer hangs; a busy host alone makes it three times slower.
const LIMIT: Duration = Duration::from_secs(300);

/// An empty disk of this size is attached.
const DISK_BYTES: u64 = 4 << 20;

/// A machine to test on.
struct Setting {
    name: &'static str,
    cpus: u32,
    cpu_model: &'static str,
    extra: &'static [&'static str],
}

/// Two NUMA nodes of the machine's 256 MiB, with two CPUs each.
const TWO_NODES: &[&str] = &[
    "-object",
    "memory-backend-ram,id=near,size=128M",
    "-object",
    "memory-backend-ram,id=far,size=128M",
    "-numa",
    "node,nodeid=0,cpus=0-1,memdev=near",
    "-numa",
    "node,nodeid=1,cpus=2-3,memdev=far",
    "-numa",
    "dist,src=0,dst=1,val=21",
];

/// A network card that reaches nobody.
const CARD: [&str; 4] =
    ["-netdev", "user,id=net0,restrict=on", "-device", "virtio-net-pci,netdev=net0,romfile="];

const SETTINGS: [Setting; 4] = [
    Setting { name: "1-cpu", cpus: 1, cpu_model: "max", extra: &[] },
    Setting { name: "2-cpus", cpus: 2, cpu_model: "max", extra: &[] },
    Setting { name: "4-cpus", cpus: 4, cpu_model: "max", extra: TWO_NODES },
    Setting { name: "xapic", cpus: 2, cpu_model: "max,-x2apic", extra: &[] },
];

pub(super) fn run(places: &Places, log: &mut Log) -> Result<Outcome> {
    parts::prepare(places, log)?;
    let mut count = Count::default();
    // Two at a time: each keeps about one CPU of the host busy.
    for pair in SETTINGS.chunks(2) {
        let ends = std::thread::scope(|scope| {
            let boots: Vec<_> =
                pair.iter().map(|setting| scope.spawn(|| boot(places, setting))).collect();
            boots.into_iter().map(std::thread::ScopedJoinHandle::join).collect::<Vec<_>>()
        });
        for (setting, end) in pair.iter().zip(ends) {
            let panicked = |_| Failure::new("the thread that watches a machine panicked");
            let (end, serial) = end.map_err(panicked)??;
            let these = verdict(end, &serial);
            log.line(&format!("== {}: {these:?}, {end:?}\n{serial}", setting.name));
            count.add(these);
        }
    }
    Ok(Outcome::Ran(count))
}

/// How a boot ended; `None` when it did not end in time.
type End = Option<GuestExit>;

fn boot(places: &Places, setting: &Setting) -> Result<(End, String)> {
    let mut machine = Machine::new(places.kernel());
    machine.initrd = Some(places.test_initrd());
    machine.cpus = setting.cpus;
    machine.cpu_model = setting.cpu_model.to_owned();
    machine.extra = setting.extra.iter().chain(&CARD).map(|&word| word.to_owned()).collect();
    machine.command_line = "test=all panic=exit".to_owned();
    let path = places.artefacts().join(format!("kernel-{}.serial", setting.name));
    let fail = |error| Failure::file("can't use", &path, &error);
    let disk = path.with_extension("disk");
    File::create(&disk).and_then(|file| file.set_len(DISK_BYTES)).map_err(fail)?;
    machine.disk = Some(disk);
    let serial = File::create(&path).map_err(fail)?;
    let mut child = machine.spawn(Stdio::from(serial))?;
    let started = Instant::now();
    let end = loop {
        if let Some(status) = child.try_wait().map_err(fail)? {
            break Some(GuestExit::from_code(status.code()));
        }
        if started.elapsed() > LIMIT {
            child.kill().map_err(fail)?;
            child.wait().map_err(fail)?;
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    let bytes = fs::read(&path).map_err(fail)?;
    Ok((end, String::from_utf8_lossy(&bytes).into_owned()))
}

/// Counts the lines `test NAME ... ok` and `test NAME ... FAILED: WHY`; `... ok (skipped: WHY)` counts
/// as neither. A boot that ends in another way than by saying that all passed has failed, whatever its
/// lines say; so has one without any test.
fn verdict(end: End, serial: &str) -> Count {
    let mut count = Count::default();
    for line in serial.lines() {
        // A log line may stand before it: the kernel's other CPUs write, too.
        let Some((_, test)) = line.split_once("test ") else { continue };
        let Some((_, result)) = test.trim_end().split_once(" ... ") else { continue };
        if result == "ok" {
            count.passed += 1;
        } else if result.starts_with("FAILED") {
            count.failed += 1;
        }
    }
    let is_good = end == Some(GuestExit::Value(SUCCESS)) && count.passed > 0;
    if !is_good && count.failed == 0 {
        count.failed = 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: End = Some(GuestExit::Value(SUCCESS));

    #[test]
    fn lines_are_counted() {
        let serial = "MultiOS\ntest paging ... ok\r\n[0.1] test ipi ... ok\ntests are fun\n";
        assert_eq!(verdict(GOOD, serial), Count { passed: 2, failed: 0 });
        let serial = "test paging ... ok\ntest ipi ... FAILED: no answer\n";
        assert_eq!(verdict(Some(GuestExit::Value(1)), serial), Count { passed: 1, failed: 1 });
    }

    #[test]
    fn a_boot_that_does_not_say_that_all_passed_has_failed() {
        let serial = "test paging ... ok\n";
        for end in [None, Some(GuestExit::PowerOff), Some(GuestExit::Failed)] {
            assert_eq!(verdict(end, serial), Count { passed: 1, failed: 1 });
        }
        assert_eq!(verdict(GOOD, "nothing ran"), Count { passed: 0, failed: 1 });
    }
}
