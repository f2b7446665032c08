//! Groups as a whole: their state, their order, and how deep they go.

use std::format;
use std::string::String;
use std::vec::Vec;

use super::scene::{Scene, group, needing, service};
use crate::document::{RestartPolicy, Supervision};
use crate::error::ServiceError;
use crate::failure::End;
use crate::manager::{ReportKind, Request, StateName};

fn pair() -> [crate::Document; 3] {
    [service("a"), service("b"), group("all", Supervision::OneForOne, &["a", "b"])]
}

/// proves: S7
#[test]
fn a_group_stops_for_as_long_as_its_members_do() {
    let mut scene = Scene::new(pair());
    scene.start("all");
    let stop = scene.stop("all");
    assert_eq!(scene.state("all"), StateName::Stopping);
    let refused = scene.request(&Request::Unregister("all".into()));
    assert!(matches!(refused, Err(ServiceError::NotStopped { .. })), "{refused:?}");
    scene.end("a", End::Code(0));
    assert_eq!((scene.state("all"), scene.outcome(stop)), (StateName::Stopping, None));
    scene.end("b", End::Code(0));
    assert_eq!((scene.state("all"), scene.outcome(stop)), (StateName::Disabled, Some(Ok(()))));
    scene.request(&Request::Unregister("all".into())).unwrap();
}

/// proves: S7
#[test]
fn a_group_of_groups_waits_for_the_innermost() {
    let outer = group("outer", Supervision::OneForOne, &["all"]);
    let mut scene = Scene::new(pair().into_iter().chain([outer]));
    scene.start("outer");
    scene.stop("outer");
    scene.end("a", End::Code(0));
    assert_eq!(scene.state("outer"), StateName::Stopping);
    scene.end("b", End::Code(0));
    assert_eq!(
        (scene.state("all"), scene.state("outer")),
        (StateName::Disabled, StateName::Disabled)
    );
}

#[test]
fn a_group_that_is_started_while_it_stops_comes_back() {
    let mut scene = Scene::new(pair());
    scene.start("all");
    scene.stop("all");
    let start = scene.start("all");
    assert_eq!(scene.outcome(start), None);
    scene.end("a", End::Code(0));
    scene.end("b", End::Code(0));
    assert_eq!((scene.state("all"), scene.outcome(start)), (StateName::Running, Some(Ok(()))));
}

/// proves: S2
#[test]
fn a_group_fails_when_its_member_has_and_not_before() {
    let mut frail = service("a");
    frail.instances = 2;
    frail.restart.policy = RestartPolicy::Never;
    let all = group("all", Supervision::OneForOne, &["a", "b"]);
    let mut scene = Scene::new([frail, service("b"), all]);
    scene.start("all");
    scene.end_instance("a", 0, End::Code(1));
    scene.end_instance("a", 1, End::Code(1));
    assert_eq!((scene.state("a"), scene.state("all")), (StateName::Failed, StateName::Failed));
    assert_eq!(scene.state("b"), StateName::Running, "the other member goes on");
}

/// proves: S2
#[test]
fn who_needs_a_group_stops_before_its_members() {
    let outer = group("outer", Supervision::OneForOne, &["all"]);
    let user = needing("user", &["outer"]);
    let mut scene = Scene::new(pair().into_iter().chain([outer, user]));
    scene.start("user");
    scene.news();
    scene.stop("outer");
    assert_eq!(scene.news(), ["SIGTERM user"]);
    scene.end("user", End::Code(0));
    assert_eq!(scene.news(), ["SIGTERM a", "SIGTERM b"]);
}

/// proves: P10
#[test]
fn an_emergency_of_a_group_ends_its_members_by_force() {
    let mut scene = Scene::new(pair());
    scene.start("all");
    scene.news();
    scene.request(&Request::Terminate("all".into())).unwrap();
    assert_eq!(scene.news(), ["kill a", "kill b"]);
    assert_eq!(
        scene.detail("a").as_deref(),
        Some("it is being stopped by tester, because all was ended in an emergency")
    );
}

/// Each group holds the one before twice over: whoever walks each way to the innermost never arrives,
/// and whoever calls itself for each step needs more stack than the kernel has.
#[test]
fn groups_may_hold_groups_as_deep_as_one_likes() {
    const DEPTH: usize = 200;
    let mut scene = Scene::new([service("g0"), service("h0")]);
    for depth in 1..=DEPTH {
        let below = [format!("g{}", depth - 1), format!("h{}", depth - 1)];
        let below: Vec<&str> = below.iter().map(String::as_str).collect();
        for name in ["g", "h"] {
            let all = group(&format!("{name}{depth}"), Supervision::OneForOne, &below);
            scene.request(&Request::Register(all)).unwrap();
        }
    }
    let top: std::sync::Arc<str> = format!("g{DEPTH}").into();
    let walk = move || {
        scene.start(&top);
        assert_eq!(scene.state(&top), StateName::Running);
        assert_eq!(scene.plan(&Request::Restart(top.clone())).len(), 2);
        let restart = scene.request(&Request::Restart(top.clone())).unwrap();
        scene.end("g0", End::Code(0));
        scene.end("h0", End::Code(0));
        assert_eq!(scene.outcome(restart), Some(Ok(())));
        let stop = scene.stop(&top);
        assert_eq!(scene.state(&top), StateName::Stopping);
        scene.end("g0", End::Code(0));
        scene.end("h0", End::Code(0));
        assert_eq!(scene.outcome(stop), Some(Ok(())));
    };
    // As much stack as the kernel's thread has.
    let thread = std::thread::Builder::new().stack_size(64 * 1024).spawn(walk);
    thread.unwrap().join().unwrap();
}

/// proves: S1
#[test]
fn an_operation_is_done_after_the_state_that_it_led_to() {
    let all = group("all", Supervision::OneForOne, &["a", "b"]);
    let mut scene = Scene::new([service("a"), needing("b", &["a"]), all]);
    let told = |scene: &mut Scene| -> Vec<String> {
        let reports = core::mem::take(&mut scene.reports);
        let of = |report: crate::Report| match report.kind {
            ReportKind::State { to, .. } => Some(format!("{} {to}", report.service)),
            ReportKind::OperationEnded { .. } => Some(format!("{} done", report.service)),
            _ => None,
        };
        reports.into_iter().filter_map(of).collect()
    };
    told(&mut scene);
    let ends_with = |told: &[String], name: &str, state: &str| {
        let last = [format!("{name} {state}"), format!("{name} done")];
        let place = |one: &String| told.iter().position(|line| line == one).expect("it was told");
        assert!(place(&last[0]) < place(&last[1]), "{told:?}");
    };
    scene.start("b");
    ends_with(&told(&mut scene), "b", "running");
    scene.start("all");
    ends_with(&told(&mut scene), "all", "running");
    scene.stop("all");
    scene.end("b", End::Code(0));
    scene.end("a", End::Code(0));
    ends_with(&told(&mut scene), "all", "disabled");
}
