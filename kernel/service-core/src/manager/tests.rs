//! The manager's rules, one scenario each. What holds whatever happens is in `tests/simulation`.

mod explain;
mod groups;
mod health;
mod neighbours;
mod plan;
mod scene;

use std::vec::Vec;

use super::{Event, InstanceState, Request, StateName};
use crate::document::{Port, ReadyWhen, RestartPolicy, Supervision};
use crate::error::ServiceError;
use crate::failure::{End, Failure};
use crate::{Condition, ConditionKind, Strategy};
use scene::{Scene, group, needing, service};

const KILLED: End = End::Signal("SIGKILL");

/// proves: S2
#[test]
fn what_is_needed_starts_first_and_stops_last() {
    let mut scene =
        Scene::new([service("base"), needing("middle", &["base"]), needing("top", &["middle"])]);
    scene.start("top");
    assert_eq!(scene.news(), ["launch base", "launch middle", "launch top"]);
    let stopped = scene.stop("base");
    assert_eq!(scene.news(), ["SIGTERM top"], "who needs it is asked first");
    scene.end("top", End::Code(0));
    assert_eq!(scene.news(), ["SIGTERM middle"]);
    scene.end("middle", End::Code(0));
    scene.end("base", End::Code(0));
    assert_eq!(scene.state("base"), StateName::Disabled);
    let (_, result) = scene.manager.operation(stopped).unwrap().ended.clone().expect("it is over");
    assert_eq!(result, Ok(()));
}

/// proves: S2
#[test]
fn a_failure_stops_who_needs_it_and_recovery_brings_them_back() {
    let mut base = service("base");
    base.restart.policy = RestartPolicy::Never;
    let mut scene = Scene::new([base, needing("top", &["base"])]);
    scene.start("top");
    scene.end("base", End::Code(3));
    scene.end("top", End::Code(0));
    assert_eq!((scene.state("base"), scene.state("top")), (StateName::Failed, StateName::Failed));
    scene.news();
    scene.start("base");
    assert_eq!(scene.news(), ["launch base", "launch top"], "nobody has to start top");
    assert_eq!(scene.state("top"), StateName::Running);
}

/// proves: S2
#[test]
fn a_dependency_that_is_late_fails_the_one_that_waits() {
    let mut slow = service("slow");
    slow.start.ready_when = ReadyWhen::Notified;
    slow.start.timeout_ms = 60_000;
    let mut hasty = needing("hasty", &["slow"]);
    hasty.dependencies[0].timeout_ms = 2_000;
    let mut scene = Scene::new([slow, hasty]);
    scene.start("hasty");
    scene.pass(1_999);
    assert_eq!(scene.state("hasty"), StateName::Starting);
    scene.pass(1);
    let failure = scene.manager.view("hasty").unwrap().failure;
    assert_eq!(
        failure,
        Some(Failure::DependencyTimeout { service: "slow".into(), after_ms: 2_000 })
    );
    // It is ready in the end: who waited starts by itself.
    let run = scene.run("slow");
    scene.step(Event::SaidReady(run));
    assert_eq!(scene.state("hasty"), StateName::Running);
}

/// proves: S2
#[test]
fn an_optional_dependency_is_waited_for_and_not_needed() {
    let mut scene = Scene::new([service("extra"), needing("main", &[])]);
    let mut main = needing("main", &["extra"]);
    main.dependencies[0].required = false;
    scene.request(&Request::Update(main)).unwrap();
    scene.start("main");
    assert_eq!(scene.state("main"), StateName::Running, "extra is not enabled, so not awaited");
    scene.start("extra");
    scene.news();
    scene.stop("extra");
    assert_eq!(scene.news(), ["SIGTERM extra"], "main goes on without it");
}

/// A group of three, all of them running; which are started again when `failing` is killed.
fn restarted(supervision: Supervision, failing: &str) -> Vec<std::string::String> {
    let names = ["a", "b", "c"];
    let documents = names.map(service).into_iter();
    let mut scene = Scene::new(documents.chain([group("all", supervision, &names)]));
    scene.start("all");
    assert_eq!(scene.state("all"), StateName::Running);
    let before = names.map(|name| scene.run(name));
    scene.end(failing, KILLED);
    for name in names {
        if matches!(scene.instance(name), InstanceState::Stopping { .. }) {
            scene.end(name, End::Code(0));
        }
    }
    scene.pass(1_000);
    assert_eq!(scene.state("all"), StateName::Running);
    let is_new = |(name, before): (&str, _)| (scene.run(name) != before).then(|| name.into());
    names.into_iter().zip(before).filter_map(is_new).collect()
}

/// proves: S2, S4
#[test]
fn a_group_restarts_whom_its_strategy_says() {
    assert_eq!(restarted(Supervision::OneForOne, "b"), ["b"]);
    assert_eq!(restarted(Supervision::OneForAll, "b"), ["a", "b", "c"]);
    assert_eq!(restarted(Supervision::RestForOne, "b"), ["b", "c"]);
    assert_eq!(restarted(Supervision::RestForOne, "c"), ["c"]);
}

/// proves: S1
#[test]
fn what_is_asked_of_a_group_is_done_when_its_members_have_done_it() {
    let all = group("all", Supervision::OneForOne, &["a", "b"]);
    let mut scene = Scene::new([service("a"), service("b"), all]);
    let outcome = |scene: &Scene, id| {
        let ended = scene.manager.operation(id).unwrap().ended.clone();
        ended.map(|(_, result)| result)
    };
    scene.start("all");
    let restart = scene.request(&Request::Restart("all".into())).unwrap();
    assert_eq!(outcome(&scene, restart), None);
    scene.end("a", End::Code(0));
    assert_eq!(outcome(&scene, restart), None, "one of two is back");
    scene.end("b", End::Code(0));
    assert_eq!(outcome(&scene, restart), Some(Ok(())));
    let stop = scene.stop("all");
    scene.end("a", End::Code(0));
    assert_eq!(outcome(&scene, stop), None, "one of two still runs");
    scene.start("a");
    scene.end("b", End::Code(0));
    assert_eq!(outcome(&scene, stop), Some(Ok(())), "a was somebody else's wish");
    assert_eq!((scene.state("a"), scene.state("b")), (StateName::Running, StateName::Disabled));
}

/// proves: S4
#[test]
fn as_many_restarts_as_allowed_and_an_operator_begins_a_new_count() {
    let mut document = service("crasher");
    document.restart.max_restarts = 2;
    let mut scene = Scene::new([document]);
    scene.start("crasher");
    for _ in 0..2 {
        scene.end("crasher", End::Code(7));
        assert_eq!(scene.state("crasher"), StateName::Starting);
        scene.pass(1_000);
    }
    scene.end("crasher", End::Code(7));
    assert_eq!(scene.state("crasher"), StateName::Failed);
    assert_eq!(scene.manager.next_tick(), None, "nothing is planned");
    let started = scene.start("crasher");
    assert_eq!(scene.state("crasher"), StateName::Running);
    let (_, result) = scene.manager.operation(started).unwrap().ended.clone().expect("it is over");
    assert_eq!(result, Ok(()));
    scene.end("crasher", End::Code(7));
    assert_eq!(scene.state("crasher"), StateName::Starting, "the count is a new one");
    assert_eq!(scene.manager.view("crasher").unwrap().restarts, 3);
}

/// proves: S4
#[test]
fn who_does_not_end_in_time_is_ended_by_force() {
    let mut scene = Scene::new([service("stubborn")]);
    scene.start("stubborn");
    scene.stop("stubborn");
    assert_eq!(scene.news(), ["launch stubborn", "SIGTERM stubborn"]);
    scene.pass(4_999);
    assert!(scene.news().is_empty());
    scene.pass(1);
    assert_eq!(scene.news(), ["kill stubborn"], "S9: five seconds, if the document does not say");
    scene.end("stubborn", KILLED);
    assert_eq!(scene.state("stubborn"), StateName::Disabled);
}

/// proves: S5
#[test]
fn connections_are_waited_for_before_the_signal_but_not_for_ever() {
    let mut document = service("web");
    let strategy = Strategy::RoundRobin;
    document.port = Some(Port { listen: 80, strategy, weights: Vec::new() });
    document.stop.drain_ms = 3_000;
    let mut scene = Scene::new([document]);
    scene.start("web");
    scene.stop("web");
    scene.pass(2_999);
    assert_eq!(scene.news(), ["launch web", "drain web"]);
    let run = scene.run("web");
    scene.step(Event::Drained(run));
    assert_eq!(scene.news(), ["SIGTERM web"]);
    scene.end("web", End::Code(0));
    scene.start("web");
    scene.stop("web");
    scene.pass(3_000);
    assert_eq!(scene.news(), ["launch web", "drain web", "SIGTERM web"]);
}

/// proves: S1
#[test]
fn an_operation_that_another_one_overtakes_says_so() {
    let mut scene = Scene::new([service("web")]);
    scene.start("web");
    let stop = scene.stop("web");
    scene.start("web");
    let (_, result) = scene.manager.operation(stop).unwrap().ended.clone().expect("it is over");
    assert_eq!(result, Err(ServiceError::Superseded { service: "web".into() }));
    scene.end("web", End::Code(0));
    assert_eq!(scene.state("web"), StateName::Running);
}

/// proves: S7
#[test]
fn conditions_are_looked_at_before_anything_starts() {
    let mut document = service("picky");
    let condition = Condition { kind: ConditionKind::PathExists, path: "/data".into() };
    document.conditions = [condition].into();
    let mut scene = Scene::new([document]);
    scene.start("picky");
    assert!(scene.news().is_empty());
    let id = scene.manager.id_of("picky").unwrap();
    let unmet = Some("there is nothing at /data".into());
    scene.step(Event::Conditions { service: id, unmet });
    assert_eq!(scene.state("picky"), StateName::Failed);
    scene.start("picky");
    scene.step(Event::Conditions { service: id, unmet: None });
    assert_eq!(scene.state("picky"), StateName::Running);
}

/// proves: S7
#[test]
fn the_time_of_a_pause_counts_against_nobody() {
    let mut document = service("web");
    document.start.ready_when = ReadyWhen::Notified;
    document.start.timeout_ms = 1_000;
    let mut scene = Scene::new([document]);
    scene.start("web");
    scene.pass(900);
    scene.request(&Request::Pause("web".into())).unwrap();
    scene.pass(60_000);
    assert_eq!(scene.state("web"), StateName::Paused);
    scene.request(&Request::Resume("web".into())).unwrap();
    scene.pass(900);
    assert_eq!(scene.state("web"), StateName::Starting);
    scene.pass(100);
    assert_eq!(scene.news().last().map(|last| &**last), Some("kill web"));
}
