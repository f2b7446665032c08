//! Machines of all sizes, and how they end.

use admin_api::types::{PowerAnswer, System};
use end_to_end::{Guest, Setup, wait};
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

/// The same fuzzer runs on Linux first, with the calls that change nothing there.
#[test]
fn the_fuzzer_works_on_linux() {
    let places = xtask::places::Places::find();
    let source = places.root.join("tests/programs/syscall_fuzz.c");
    let program = xtask::initrd::compile(&places, &source, "syscall_fuzz").expect("it compiles");
    let mut command = std::process::Command::new(&program);
    let output = xtask::shell::output(command.args(["7", "5000", "harmless"]));
    let output = output.expect("it exits with 0");
    assert!(output.contains("made 5000 calls"), "{output}");
}
