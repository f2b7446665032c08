//! What operators are told: who, why, the first cause, and what to do.

use std::string::{String, ToString};
use std::vec::Vec;

use super::scene::{Scene, needing, service};
use crate::document::{ReadyWhen, RestartPolicy};
use crate::failure::{End, Failure};
use crate::manager::{Because, Reason, Request, StateName};

fn every_failure() -> Vec<Failure> {
    let restarts = |restarts| Failure::TooManyRestarts {
        restarts,
        window_ms: 60_000,
        last: Failure::Exit(7).into(),
    };
    [
        Failure::Launch("no such file".into()),
        Failure::Exit(7),
        Failure::Signal("SIGSEGV"),
        Failure::StartTimeout { after_ms: 1_500 },
        Failure::Unhealthy { detail: "no answer".into() },
        Failure::MemoryQuota { bytes: 8 << 20 },
        restarts(0),
        restarts(1),
        restarts(5),
        Failure::Dependency("data".into()),
        Failure::DependencyTimeout { service: "data".into(), after_ms: 30_000 },
        Failure::Conflict("other".into()),
        Failure::Condition("there is nothing at /data".into()),
        Failure::Port("port 80: in use".into()),
    ]
    .into()
}

#[test]
fn failures_are_told_in_plain_words() {
    let told: Vec<String> = every_failure().iter().map(|one| one.of("web").to_string()).collect();
    assert_eq!(
        told,
        [
            "web could not be started: no such file",
            "web exited with code 7",
            "web was ended by SIGSEGV",
            "web was not ready within 1500 ms",
            "web failed its health check: no answer",
            "web reached its memory quota of 8 MiB and was ended",
            "web exited with code 7, and no restart is allowed",
            "web exited with code 7, after 1 restart within 60 s",
            "web exited with code 7, after 5 restarts within 60 s",
            "web needs data, which does not run",
            "web needs data, which was not ready within 30 s",
            "web may not run beside other, which runs",
            "web has a condition that does not hold: there is nothing at /data",
            "web could not get its port: port 80: in use",
        ]
    );
    for failure in every_failure() {
        assert_eq!(failure.to_string(), failure.of("it").to_string());
    }
}

#[test]
fn every_reason_names_the_service_and_says_what_to_do() {
    let failures = every_failure();
    let back_off =
        failures.iter().map(|failure| Reason::BackOff { in_ms: 5, failure: failure.clone() });
    let failed = failures.iter().map(|failure| Reason::Failed(failure.clone()));
    let others = [
        Reason::PartlyWorks { ready: 1, wanted: 3 },
        Reason::NotStarted,
        Reason::Done,
        Reason::NotEnabled,
        Reason::WaitsFor("data".into()),
        Reason::ChecksConditions,
        Reason::Starts { last_check: Some("no answer".into()) },
        Reason::Suspended,
        Reason::Stops,
    ];
    for reason in others.into_iter().chain(back_off).chain(failed) {
        assert!(reason.advice().ends_with('.'), "{reason:?}: {:?}", reason.advice());
        let link = Because { service: "web".into(), state: StateName::Failed, reason };
        assert!(link.to_string().starts_with("web "), "{link}");
    }
    assert_eq!(Reason::Works.advice(), "");
}

/// proves: S2
#[test]
fn the_chain_ends_with_the_first_cause() {
    let mut base = service("base");
    base.restart.policy = RestartPolicy::Never;
    let mut scene = Scene::new([base, needing("middle", &["base"]), needing("top", &["middle"])]);
    scene.start("top");
    scene.end("base", End::Code(3));
    scene.end("top", End::Code(0));
    scene.end("middle", End::Code(0));
    let chain = scene.explain("top");
    let told: Vec<String> = chain.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "top needs middle, which does not run",
            "middle needs base, which does not run",
            "base exited with code 3",
        ]
    );
    assert_eq!(
        scene.summary("top"),
        "top needs middle, which does not run. The first cause: base exited with code 3."
    );
    let advice = chain.last().map(|link| link.reason.advice());
    assert_eq!(advice.as_deref(), Some("Read its output, correct the cause, and start it."));
}

#[test]
fn who_waits_says_for_whom() {
    let mut slow = service("slow");
    slow.start.ready_when = ReadyWhen::Notified;
    let mut scene = Scene::new([slow, needing("report", &["slow"])]);
    scene.start("report");
    assert_eq!(
        scene.summary("report"),
        "report waits for slow. The first cause: slow is not ready yet."
    );
    scene.request(&Request::Pause("slow".into())).unwrap();
    assert_eq!(
        scene.summary("report"),
        "report waits for slow. The first cause: slow was paused by an operator."
    );
}

/// proves: S3
#[test]
fn a_memory_quota_is_told_as_such() {
    let mut document = service("leak");
    document.restart.max_restarts = 1;
    let mut scene = Scene::new([document]);
    scene.start("leak");
    let quota = || End::MemoryQuota { bytes: 8 << 20 };
    scene.end("leak", quota());
    let view = scene.manager.view("leak").unwrap();
    let last = view.last_end.expect("it has ended").to_string();
    assert_eq!(last, "reached its memory quota of 8 MiB and was ended");
    scene.pass(1_000);
    scene.end("leak", quota());
    assert_eq!(
        scene.summary("leak"),
        "leak reached its memory quota of 8 MiB and was ended, after 1 restart within 60 s."
    );
    let advice = scene.explain("leak")[0].reason.advice();
    assert!(advice.contains("limits.memory_bytes"), "{advice}");
}
