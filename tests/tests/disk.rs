//! Changes of services outlive boots, power cuts and failing disks; without a disk all is as it was.

#![expect(clippy::expect_used, reason = "a test that can't go on panics")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use admin_api::types::{Disk, DiskState, Page, Service, ServiceRevision, ServiceState, System};
use end_to_end::{Guest, Setup, wait};
use serde_json::{Value, json};
use xtask::places::Places;
use xtask::qemu::OnReset;

/// An empty disk's file, which goes with the value.
struct Image(PathBuf);

impl Image {
    fn new(name: &str, bytes: u64) -> Self {
        let folder = Places::find().artefacts();
        fs::create_dir_all(&folder).expect("the artefacts' folder can be made");
        let path = folder.join(format!("{name}.disk"));
        let _ = fs::remove_file(&path);
        File::create_new(&path).and_then(|file| file.set_len(bytes)).expect("a file can be made");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

const MIB: u64 = 1 << 20;

fn setup(name: &str, disk: &Image) -> Setup {
    let mut setup = Setup::named(name);
    setup.disk = Some(disk.path().to_owned());
    setup
}

/// Boots, and waits until the services are known.
fn boot(setup: &Setup) -> Guest {
    let guest = Guest::boot(setup);
    await_services(&guest);
    guest
}

fn await_services(guest: &Guest) {
    wait::until("the services to be registered", || {
        let system: System = guest.read("/api/v1/system");
        (system.services.total > 0).then_some(())
    });
}

fn disk(guest: &Guest) -> Disk {
    guest.read::<System>("/api/v1/system").disk.expect("there is a disk")
}

fn document(name: &str) -> Value {
    json!({ "name": name, "program": "/bin/sleep", "args": ["1000"], "enabled": false })
}

/// Asks for a change that has to be made.
fn change(guest: &Guest, method: &str, path: &str, body: Option<&Value>) {
    let request = guest.request(method, &format!("/api/v1/services{path}"));
    let request = request.limit(Duration::from_secs(60));
    let answer = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = answer.send();
    assert!((200..300).contains(&answer.status), "{method} {path}: {}", answer.text());
}

fn service(guest: &Guest, name: &str) -> Option<Service> {
    let answer = guest.get(&format!("/api/v1/services/{name}"));
    (answer.status == 200).then(|| answer.json())
}

fn names(guest: &Guest) -> Vec<String> {
    let page: Page<Service> = guest.read("/api/v1/services?limit=1000");
    page.items.iter().map(|service| service.name.to_string()).collect()
}

fn versions(guest: &Guest, name: &str) -> Vec<ServiceRevision> {
    let page: Page<ServiceRevision> = guest.read(&format!("/api/v1/services/{name}/versions"));
    page.items
}

#[test]
fn changes_outlive_reboots_and_power_cuts() {
    // proves: S1
    let image = Image::new("kept", 64 * MIB);
    let mut setup = setup("disk-kept", &image);
    setup.on_reset = OnReset::Reboot;
    let guest = boot(&setup);
    assert_eq!(disk(&guest).state, DiskState::InUse);
    let shipped = names(&guest);
    assert!(
        shipped.iter().any(|name| name == "web") && shipped.iter().any(|name| name == "report")
    );

    // One is new and changed twice, one of the image's is disabled, one scaled, one removed.
    change(&guest, "POST", "", Some(&document("mine")));
    let mut second = document("mine");
    second["description"] = "the second".into();
    second["enabled"] = true.into();
    change(&guest, "PUT", "/mine", Some(&second));
    change(&guest, "POST", "/data/disable", None);
    change(&guest, "PUT", "/web/instances", Some(&json!({ "count": 5 })));
    change(&guest, "DELETE", "/report", None);
    let before = versions(&guest, "mine");
    assert_eq!(before.len(), 2);
    let used = disk(&guest);
    assert_eq!((used.records, used.errors), (4, 0));
    assert!(used.used_bytes > 0 && used.flushes >= 6, "{used:?}");

    let check = |guest: &Guest| {
        let mut expected: Vec<_> = shipped.iter().filter(|name| *name != "report").collect();
        let mine = String::from("mine");
        expected.push(&mine);
        expected.sort();
        assert_eq!(names(guest).iter().collect::<Vec<_>>(), expected);
        let mine = service(guest, "mine").expect("it is kept");
        assert_eq!(
            (mine.description.as_str(), mine.enabled, mine.revision),
            ("the second", true, Some(2))
        );
        assert!(!service(guest, "data").expect("it is there").enabled);
        assert_eq!(service(guest, "web").expect("it is there").instances, 5);
        let web = versions(guest, "web");
        assert_eq!(web.last().and_then(|first| first.actor.clone()), None, "the image's own");
        assert_eq!(web.first().and_then(|last| last.actor.clone()).as_deref(), Some("admin"));
    };
    let first = guest.read::<System>("/api/v1/system").boot_id;
    assert_eq!(guest.request("POST", "/api/v1/system/reboot").send().status, 202);
    wait::until("another boot", || {
        let answer = guest.request("GET", "/api/v1/system").limit(Duration::from_secs(1));
        let answer = answer.try_send().filter(|answer| answer.status == 200)?;
        let system = answer.json::<System>();
        (system.boot_id != first && system.services.total > 0).then_some(())
    });
    check(&guest);
    assert_eq!(versions(&guest, "mine"), before);

    // The power is cut as soon as a change is answered.
    change(&guest, "POST", "/mine/rollback", Some(&json!({ "revision": 1 })));
    drop(guest);
    let guest = boot(&setup);
    let mine = service(&guest, "mine").expect("it is kept");
    assert_eq!((mine.description.as_str(), mine.enabled, mine.revision), ("", false, Some(3)));
    assert_eq!(versions(&guest, "mine")[1..], before_as_earlier(&before)[..]);
    // What was removed may come back, as another.
    change(&guest, "POST", "", Some(&document("report")));
    change(&guest, "DELETE", "/mine", None);
    drop(guest);
    let guest = boot(&setup);
    assert_eq!(service(&guest, "report").map(|report| report.args.len()), Some(1));
    assert!(service(&guest, "mine").is_none());
    guest.assert_healthy();
}

fn before_as_earlier(before: &[ServiceRevision]) -> Vec<ServiceRevision> {
    before.iter().map(|one| ServiceRevision { current: false, ..one.clone() }).collect()
}

#[test]
fn what_is_enabled_on_the_disk_starts_at_boot() {
    let image = Image::new("started", 8 * MIB);
    let mut setup = setup("disk-started", &image);
    setup.starts_services = true;
    let guest = boot(&setup);
    let mut document = document("mine");
    document["enabled"] = true.into();
    change(&guest, "POST", "", Some(&document));
    change(&guest, "POST", "/crash/disable", None);
    drop(guest);
    let guest = boot(&setup);
    wait::until("it to run", || {
        let status = service(&guest, "mine")?.status?;
        (status.state == ServiceState::Running).then_some(())
    });
    let crash = service(&guest, "crash").and_then(|crash| crash.status).expect("it is there");
    assert_eq!(crash.state, ServiceState::Disabled);
    guest.assert_healthy();
}

#[test]
fn a_full_disk_refuses_with_advice_and_takes_what_makes_room() {
    let image = Image::new("full", 96 << 10);
    let guest = boot(&setup("disk-full", &image));
    let large = |name: &str| {
        let mut large = document(name);
        large["args"] = json!(vec!["x".repeat(4000); 3]);
        large
    };
    let mut made = Vec::new();
    let refused = loop {
        assert!(made.len() < 20, "a small disk takes everything");
        let name = format!("large-{}", made.len());
        let answer = guest.request("POST", "/api/v1/services").json(&large(&name)).send();
        if answer.status != 201 {
            break answer;
        }
        made.push(name);
    };
    refused.assert_problem(507, "disk_full");
    assert!(refused.text().contains("Unregister"), "{}", refused.text());
    assert!(!made.is_empty());
    // It was not made; small changes still are, and removing makes room.
    assert!(service(&guest, &format!("large-{}", made.len())).is_none());
    change(&guest, "DELETE", &format!("/{}", made[0]), None);
    change(&guest, "POST", "", Some(&large("another")));
    let expected = names(&guest);
    drop(guest);
    let guest = boot(&setup("disk-full", &image));
    assert_eq!(names(&guest), expected);
    guest.assert_healthy();
}

#[test]
fn a_disk_with_something_else_is_left_alone_until_it_is_to_be_taken() {
    let image = Image::new("foreign", 4 * MIB);
    File::options()
        .write(true)
        .open(image.path())
        .and_then(|file| file.write_at(b"EFI PART", 512))
        .expect("it can be written");
    let before = fs::read(image.path()).expect("it can be read");
    let mut setup = setup("disk-foreign", &image);
    let guest = boot(&setup);
    let refused = disk(&guest);
    assert_eq!(refused.state, DiskState::Refused);
    assert!(refused.reason.expect("it says why").contains("disk=format"));
    change(&guest, "POST", "", Some(&document("mine")));
    drop(guest);
    assert!(fs::read(image.path()).expect("it can be read") == before, "it was written to");

    "disk=format".clone_into(&mut setup.append);
    let guest = boot(&setup);
    assert_eq!(disk(&guest).state, DiskState::InUse);
    assert!(service(&guest, "mine").is_none());
    change(&guest, "POST", "", Some(&document("mine")));
    drop(guest);
    // The option does nothing to what is kept.
    let guest = boot(&setup);
    assert!(service(&guest, "mine").is_some());
    guest.assert_healthy();
}

#[test]
fn a_disk_that_fails_to_write_refuses_and_the_system_goes_on() {
    let image = Image::new("failing", 4 * MIB);
    let mut setup = Setup::named("disk-failing");
    // The first record takes two sectors; where the second one begins, nothing can be written.
    let blockdev = format!(
        "driver=blkdebug,node-name=bad,image.driver=file,image.filename={},\
         inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=5,\
         inject-error.0.sector=34",
        image.path().display()
    );
    let device = "virtio-blk-pci,drive=bad,werror=report,rerror=report";
    setup.extra = ["-blockdev", &blockdev, "-device", device].map(str::to_owned).to_vec();
    let guest = boot(&setup);
    assert_eq!(disk(&guest).state, DiskState::InUse);
    change(&guest, "POST", "", Some(&document("first")));
    let answer = guest.request("POST", "/api/v1/services").json(&document("second")).send();
    answer.assert_problem(503, "disk_failed");
    assert!(answer.text().contains("I/O error"), "{}", answer.text());
    assert!(service(&guest, "second").is_none());
    assert!(disk(&guest).errors > 0);
    // What needs no disk is done: services are started and stopped.
    change(&guest, "POST", "/first/start?wait=true", None);
    change(&guest, "POST", "/first/stop?wait=true", None);
    guest.assert_healthy();
    drop(guest);
    let guest = boot(&Setup { disk: Some(image.path().to_owned()), ..Setup::named("disk-mended") });
    assert!(service(&guest, "first").is_some() && service(&guest, "second").is_none());
    change(&guest, "POST", "", Some(&document("second")));
    guest.assert_healthy();
}

#[test]
fn without_a_disk_changes_are_gone_with_the_boot() {
    let guest = boot(&Setup::named("no-disk"));
    assert_eq!(guest.read::<System>("/api/v1/system").disk, None);
    change(&guest, "POST", "", Some(&document("mine")));
    drop(guest);
    let guest = boot(&Setup::named("no-disk"));
    assert!(service(&guest, "mine").is_none());
}
