//! Start-up, life and readiness are apart.

use super::scene::{Scene, probe, service};
use crate::document::{ProbeKind, Purpose, ReadyWhen};
use crate::failure::{End, Failure};
use crate::manager::{Event, InstanceState, StateName};

/// proves: S4
#[test]
fn failed_checks_of_the_start_up_end_nobody_and_are_forgotten() {
    let mut document = service("slow");
    document.start.ready_when = ReadyWhen::Notified;
    document.health = Some(probe(ProbeKind::Tcp));
    let mut scene = Scene::new([document]);
    scene.start("slow");
    for _ in 0..5 {
        scene.answer("slow", false);
    }
    assert_eq!(scene.instance("slow"), InstanceState::Starting);
    let run = scene.run("slow");
    scene.step(Event::SaidReady(run));
    assert_eq!(scene.state("slow"), StateName::Running);
    scene.answer("slow", false);
    scene.answer("slow", false);
    assert_eq!(scene.state("slow"), StateName::Running, "the threshold is three in a row");
    scene.answer("slow", false);
    assert!(matches!(scene.instance("slow"), InstanceState::Killing { .. }));
    let history = scene.manager.checks_of("slow", 0).unwrap();
    let purposes: std::vec::Vec<_> = history.iter().map(|result| result.purpose).collect();
    assert_eq!(purposes[..5], [Purpose::StartUp; 5]);
    assert_eq!(purposes[5..], [Purpose::Liveness; 3]);
}

/// proves: S4
#[test]
fn a_good_check_ends_nobody_even_below_its_threshold() {
    let mut document = service("web");
    let mut health = probe(ProbeKind::Tcp);
    (health.healthy_after, health.unhealthy_after) = (3, 1);
    document.start.ready_when = ReadyWhen::Notified;
    document.health = Some(health);
    let mut scene = Scene::new([document]);
    scene.start("web");
    scene.answer("web", false);
    let run = scene.run("web");
    scene.step(Event::SaidReady(run));
    scene.answer("web", true);
    assert_eq!(scene.state("web"), StateName::Running);
}

/// proves: S4
#[test]
fn who_is_not_ready_gets_nothing_and_lives_on() {
    let mut document = service("web");
    document.start.ready_when = ReadyWhen::Healthy;
    document.readiness = Some(probe(ProbeKind::Http));
    let mut scene = Scene::new([document]);
    scene.start("web");
    assert_eq!(scene.state("web"), StateName::Starting);
    scene.answer("web", true);
    assert_eq!(scene.state("web"), StateName::Running);
    for _ in 0..3 {
        scene.answer("web", false);
    }
    assert_eq!(scene.instance("web"), InstanceState::Unready);
    assert!(scene.runs("web"));
    scene.answer("web", true);
    assert_eq!(scene.instance("web"), InstanceState::Ready);
    assert_eq!(scene.manager.view("web").unwrap().restarts, 0);
}

/// proves: S4
#[test]
fn a_heartbeat_that_stays_away_is_a_failure() {
    let mut document = service("beating");
    document.start.ready_when = ReadyWhen::Healthy;
    let mut health = probe(ProbeKind::Heartbeat);
    health.unhealthy_after = 2;
    document.health = Some(health);
    let mut scene = Scene::new([document]);
    scene.start("beating");
    assert_eq!(scene.state("beating"), StateName::Starting);
    let run = scene.run("beating");
    for _ in 0..5 {
        scene.step(Event::Beat(run));
        scene.pass(900);
        assert_eq!(scene.state("beating"), StateName::Running);
    }
    scene.pass(3_000);
    assert!(matches!(scene.instance("beating"), InstanceState::Killing { .. }));
    scene.end("beating", End::Signal("SIGKILL"));
    let last = scene.manager.view("beating").unwrap().last_end.expect("it has ended");
    assert_eq!(last.because, Some(Failure::Unhealthy { detail: "no heartbeat came".into() }));
    scene.pass(1_000);
    assert_ne!(scene.run("beating"), run, "another one has taken its place");
}

/// proves: S4
#[test]
fn who_never_says_that_it_is_ready_is_given_up() {
    let mut document = service("silent");
    document.start.ready_when = ReadyWhen::Notified;
    document.start.timeout_ms = 500;
    document.restart.max_restarts = 0;
    let mut scene = Scene::new([document]);
    scene.start("silent");
    scene.pass(499);
    assert!(scene.runs("silent"));
    scene.pass(1);
    scene.end("silent", End::Signal("SIGKILL"));
    assert_eq!(scene.state("silent"), StateName::Failed);
    assert_eq!(
        scene.summary("silent"),
        "silent was not ready within 500 ms, and no restart is allowed."
    );
}
