//! Machines of all sizes, and how they end.

use admin_api::types::{Numa, PowerAnswer, System};
use end_to_end::{Guest, Setup, wait};
use xtask::programs::{self, Kind};
use xtask::qemu::{GuestExit, OnReset};

fn system(guest: &Guest) -> System {
    guest.read("/api/v1/system")
}

fn power(guest: &Guest, what: &str) {
    let answer = guest.request("POST", &format!("/api/v1/system/{what}")).send();
    assert_eq!(answer.status, 202, "{}", answer.text());
    let _: PowerAnswer = answer.json();
}

#[test]
fn sixty_four_mebibytes_are_enough() {
    let mut setup = Setup::named("64-mib");
    setup.memory_mib = 64;
    let guest = Guest::boot(&setup);
    assert!(system(&guest).memory.total_bytes <= 64 << 20);
    guest.assert_healthy();
}

#[test]
fn every_number_of_cpus_works() {
    // proves: K1
    for cpus in [1, 3, 64] {
        let mut setup = Setup::named(&format!("{cpus}-cpus"));
        setup.cpus = cpus;
        setup.memory_mib = 512;
        let guest = Guest::boot(&setup);
        let online = wait::until("all CPUs to be online", || {
            let online = system(&guest).cpus.online;
            (online == cpus).then_some(online)
        });
        assert_eq!(online, cpus);
        guest.assert_healthy();
    }
}

#[test]
fn nodes_of_memory_are_shown() {
    // proves: K3
    let mut setup = Setup::named("numa");
    setup.cpus = 4;
    setup.memory_mib = 256;
    let words = "-object memory-backend-ram,id=near,size=128M -object memory-backend-ram,id=far,size=128M \
                 -numa node,nodeid=0,cpus=0-1,memdev=near -numa node,nodeid=1,cpus=2-3,memdev=far \
                 -numa dist,src=0,dst=1,val=21";
    setup.extra = words.split_ascii_whitespace().map(str::to_owned).collect();
    let guest = Guest::boot(&setup);
    let nodes = wait::until("all CPUs to be online", || {
        let nodes = guest.read::<Numa>("/api/v1/numa").nodes;
        (nodes.iter().map(|node| node.cpus.len()).sum::<usize>() == 4).then_some(nodes)
    });
    assert_eq!(nodes.iter().map(|node| node.id).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((&nodes[0].cpus[..], &nodes[1].cpus[..]), (&[0, 1][..], &[2, 3][..]));
    let distances = |node: usize| nodes[node].distances.iter().map(|to| (to.node, to.distance));
    assert!(
        distances(0).eq([(0, 10), (1, 21)]) && distances(1).eq([(0, 21), (1, 10)]),
        "{nodes:?}"
    );
    let managed: u64 = nodes.iter().map(|node| node.memory.total_bytes).sum();
    assert!(managed > 200 << 20 && managed <= 256 << 20, "{nodes:?}");
    for node in &nodes {
        assert_eq!(node.memory.used_bytes + node.memory.free_bytes, node.memory.total_bytes);
    }
    // A program on a CPU of the second node takes that node's memory, until there is none.
    let hold = |mib: &str, cpu: u32| {
        let body = serde_json::json!({"program": "/test/probe", "args": ["hold", mib], "affinity": [cpu],
            "limits": {"memory_bytes": 256 << 20}});
        let answer = guest.request("POST", "/api/v1/processes").json(&body).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
    };
    let far = || guest.read::<Numa>("/api/v1/numa").nodes.remove(1);
    let before = far();
    hold("40", 3);
    wait::until("its memory to be near", || {
        let now = far();
        let taken = now.allocations.local_pages - before.allocations.local_pages;
        let used = now.memory.used_bytes.saturating_sub(before.memory.used_bytes);
        (taken >= 40 * 256 && used >= 39 << 20).then_some(())
    });
    let foreign = || guest.read::<Numa>("/api/v1/numa").nodes[0].allocations.foreign_pages;
    let before = foreign();
    hold("100", 2);
    wait::until("the rest to come from the other node", || {
        (foreign() > before + 1000).then_some(())
    });
    guest.assert_healthy();
}

#[test]
fn a_cpu_without_x2apic_is_driven_by_xapic() {
    // proves: K1
    let mut setup = Setup::named("xapic");
    setup.cpu_model = "max,-x2apic".to_owned();
    let guest = Guest::boot(&setup);
    assert_eq!(system(&guest).cpus.online, 2);
    guest.assert_healthy();
}

#[test]
fn shutting_down_switches_the_power_off() {
    let guest = Guest::boot(&Setup::named("shutdown"));
    power(&guest, "shutdown");
    assert_eq!(guest.await_end(), GuestExit::PowerOff);
}

#[test]
fn rebooting_starts_again() {
    let mut setup = Setup::named("reboot");
    setup.on_reset = OnReset::Reboot;
    let guest = Guest::boot(&setup);
    let first = system(&guest).boot_id;
    power(&guest, "reboot");
    wait::until("another boot", || {
        let answer =
            guest.request("GET", "/api/v1/system").limit(std::time::Duration::from_secs(1));
        let answer = answer.try_send().filter(|answer| answer.status == 200)?;
        (answer.json::<System>().boot_id != first).then_some(())
    });
    guest.assert_healthy();
}

#[test]
fn an_unknown_kernel_option_is_warned_about() {
    let mut setup = Setup::named("unknown-option");
    setup.append = "frobnicate=yes".to_owned();
    let guest = Guest::boot(&setup);
    assert!(guest.serial().contains("frobnicate"), "{}", guest.serial_end());
}

/// The lines that the README tells people to paste, as they stand there; the last one shuts down.
#[test]
fn the_lines_of_the_readme_work() {
    let places = xtask::places::Places::find();
    let readme = std::fs::read_to_string(places.root.join("README.md")).expect("a README");
    let blocks = readme.split("```sh\n").filter_map(|text| text.split("```").next());
    let lines = blocks.filter(|block| block.contains("AUTH=")).collect::<Vec<_>>().concat();
    assert!(lines.contains("curl") && lines.contains("/system/shutdown"), "{lines}");

    let guest = Guest::boot(&Setup::named("readme"));
    let lines = lines
        .replace("0123456789abcdef", guest.token())
        .replace("127.0.0.1:8080", &format!("127.0.0.1:{}", guest.port()));
    // Each status goes to the standard error; an event stream ends by its time limit.
    let script =
        format!("curl() {{ command curl -w '%{{stderr}}%{{http_code}}\\n' \"$@\"; }}\n{lines}");
    let output = std::process::Command::new("bash").arg("-c").arg(script).output();
    let output = output.expect("bash is there");
    let statuses = String::from_utf8_lossy(&output.stderr).into_owned();
    let asked = lines.matches("curl ").count();
    let codes: Vec<_> = statuses.lines().filter(|line| line.len() == 3).collect();
    assert_eq!(codes.len(), asked, "{statuses}");
    assert!(codes.iter().all(|code| code.starts_with('2')), "{codes:?}");
    assert_eq!(guest.await_end(), GuestExit::PowerOff);
}

/// The same fuzzer runs on Linux first, with the calls that change nothing there.
#[test]
fn the_fuzzer_works_on_linux() {
    let places = xtask::places::Places::find();
    let source = places.root.join("tests/programs/syscall_fuzz.c");
    let program =
        programs::compile(&places, &source, "syscall_fuzz", Kind::Musl).expect("it compiles");
    let mut command = std::process::Command::new(&program);
    let output = xtask::shell::output(command.args(["7", "5000", "harmless"]));
    let output = output.expect("it exits with 0");
    assert!(output.contains("made 5000 calls"), "{output}");
}
