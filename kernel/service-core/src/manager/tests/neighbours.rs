//! Those that a service may not run beside, and those that it only comes after.

use super::scene::{Scene, service};
use crate::document::{Document, ReadyWhen, RestartPolicy};
use crate::error::{DependencyProblem, ServiceError};
use crate::failure::{End, Failure};
use crate::manager::{Event, Request, StateName};

/// Two that do not run together, though only one of them says so.
fn rivals() -> [Document; 2] {
    let mut blue = service("blue");
    blue.conflicts = ["red".into()].into();
    [service("red"), blue]
}

/// proves: S2
#[test]
fn who_runs_keeps_out_whom_it_may_not_run_beside() {
    for [first, second] in [["red", "blue"], ["blue", "red"]] {
        let mut scene = Scene::new(rivals());
        scene.start(first);
        let refused = scene.request(&Request::Start(second.into()));
        let problem = DependencyProblem::Conflict { service: second.into(), with: first.into() };
        assert_eq!(refused, Err(ServiceError::Dependency(problem)));
        scene.news();
        // One that is being stopped is waited for.
        scene.stop(first);
        scene.start(second);
        assert_eq!(scene.news(), [std::format!("SIGTERM {first}")]);
        assert_eq!(
            scene.summary(second).split('.').next(),
            Some(&*std::format!("{second} waits for {first}"))
        );
        scene.end(first, End::Code(0));
        assert_eq!(scene.news(), [std::format!("launch {second}")]);
    }
}

/// proves: S2
#[test]
fn of_rivals_at_boot_the_second_has_failed() {
    let enabled = |document| Document { enabled: true, ..document };
    let mut scene = Scene::new(rivals().map(enabled));
    assert_eq!(scene.state("red"), StateName::Running);
    let failed = scene.manager.view("blue").unwrap();
    assert_eq!(
        (failed.state, failed.failure),
        (StateName::Failed, Some(Failure::Conflict("red".into())))
    );
    scene.stop("red");
    scene.end("red", End::Code(0));
    assert_eq!(scene.state("blue"), StateName::Failed, "somebody has to want that");
    scene.start("blue");
    assert_eq!(scene.state("blue"), StateName::Running);
}

/// proves: S2
#[test]
fn what_is_only_ordered_is_neither_started_nor_needed() {
    let mut dawn = service("dawn");
    dawn.start.ready_when = ReadyWhen::Notified;
    dawn.restart.policy = RestartPolicy::Never;
    let mut day = service("day");
    day.after = ["dawn".into(), "nowhere".into()].into();
    let mut scene = Scene::new([dawn, day]);
    scene.start("day");
    assert_eq!(scene.news(), ["launch day"]);
    scene.stop("day");
    scene.end("day", End::Code(0));
    scene.news();
    // It is waited for when it comes, however long that takes.
    scene.start("dawn");
    scene.start("day");
    scene.pass(29_000);
    assert_eq!(scene.news(), ["launch dawn"]);
    let run = scene.run("dawn");
    scene.step(Event::SaidReady(run));
    assert_eq!(scene.news(), ["launch day"]);
    scene.stop("dawn");
    assert_eq!(scene.news(), ["SIGTERM dawn"], "who is not told to stop is not waited for");
    scene.end("dawn", End::Code(1));
    assert_eq!(scene.state("day"), StateName::Running);
    scene.stop("day");
    scene.end("day", End::Code(0));
    // One that fails is not waited for any more.
    scene.start("dawn");
    scene.start("day");
    scene.news();
    scene.end("dawn", End::Code(1));
    assert_eq!(scene.state("dawn"), StateName::Failed);
    assert_eq!(scene.news(), ["launch day"]);
}
