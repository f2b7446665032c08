//! What operators are told: who, why, the first cause, and what to do.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::scene::{Scene, needing, service};
use crate::document::{ReadyWhen, RestartPolicy};
use crate::failure::{End, Failure, Lost};
use crate::manager::{Because, Event, Halt, Means, Reason, Request, StateName};

fn halt(means: Means, with: Option<&str>) -> Halt {
    Halt { actor: Some("ann".into()), with: with.map(Into::into), means }
}

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
        Failure::AfterLoss {
            end: Failure::Exit(137).into(),
            lost: Lost { count: 2, quota_bytes: 8 << 20 },
        },
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
            "web exited with code 137 (2 of its processes were ended at the memory quota of 8 MiB)",
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
        Reason::Stops(None),
        Reason::Stops(Some(halt(Means::Request, None))),
        Reason::Stopped(halt(Means::Request, None)),
        Reason::Stopped(halt(Means::Request, Some("data"))),
        Reason::Stopped(halt(Means::Emergency, None)),
        Reason::Stopped(halt(Means::Emergency, Some("data"))),
        Reason::LostProcesses(Lost { count: 1, quota_bytes: 8 << 20 }),
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

/// proves: S3
#[test]
fn the_loss_of_a_process_to_the_quota_is_told_while_it_runs_and_when_it_ends() {
    let mut document = service("pool");
    document.restart.policy = RestartPolicy::Never;
    let mut scene = Scene::new([document]);
    scene.start("pool");
    assert_eq!(scene.detail("pool"), None);
    let run = scene.run("pool");
    let lose = |pid| Event::LostProcess { run, pid, quota_bytes: 8 << 20 };
    scene.step(lose(41));
    assert_eq!(scene.state("pool"), StateName::Running, "its main process goes on");
    let told = "runs, but a process of it was ended at the memory quota of 8 MiB";
    assert_eq!(scene.summary("pool"), format!("pool {told}."));
    assert_eq!(scene.detail("pool"), Some(format!("it {told}")));
    assert!(scene.explain("pool")[0].reason.advice().contains("limits.memory_bytes"));
    scene.step(lose(42));
    scene.end("pool", End::Code(137));
    let told = "exited with code 137 (2 of its processes were ended at the memory quota of 8 MiB)";
    let view = scene.manager.view("pool").unwrap();
    assert_eq!(view.last_end.expect("it has ended").to_string(), told);
    assert_eq!(scene.detail("pool"), Some(format!("it {told}")));
    assert!(scene.explain("pool")[0].reason.advice().contains("limits.memory_bytes"));
    // A run that is over has nothing to lose, and another one begins anew.
    scene.step(lose(43));
    scene.start("pool");
    assert_eq!(scene.detail("pool"), None);
}

/// proves: S4
#[test]
fn a_loss_does_not_make_an_end_abnormal_that_is_not() {
    let mut document = service("pool");
    document.restart.policy = RestartPolicy::OnAbnormal;
    let mut scene = Scene::new([document]);
    scene.start("pool");
    let run = scene.run("pool");
    scene.step(Event::LostProcess { run, pid: 41, quota_bytes: 8 << 20 });
    scene.end("pool", End::Code(1));
    assert_eq!(scene.state("pool"), StateName::Failed);
    scene.start("pool");
    let run = scene.run("pool");
    scene.step(Event::LostProcess { run, pid: 42, quota_bytes: 8 << 20 });
    scene.end("pool", End::Signal("SIGSEGV"));
    assert_eq!(scene.state("pool"), StateName::Starting, "that one is started again");
}

/// proves: P10
#[test]
fn who_ended_it_in_an_emergency_is_told_with_what_to_do() {
    let mut scene = Scene::new([service("data"), needing("web", &["data"])]);
    scene.start("web");
    scene.request(&Request::Terminate("data".into())).unwrap();
    let stopping = "it is being ended by tester in an emergency";
    assert_eq!(scene.detail("data").as_deref(), Some(stopping));
    scene.end("data", End::Signal("SIGKILL"));
    scene.end("web", End::Code(0));
    assert_eq!(
        scene.detail("data").as_deref(),
        Some("it was ended by tester in an emergency. Find out what led to that, and start it.")
    );
    assert_eq!(scene.summary("data"), "data was ended by tester in an emergency.");
    assert_eq!(
        scene.summary("web"),
        "web was stopped by tester, because data was ended in an emergency."
    );
    scene.start("web");
    assert_eq!((scene.detail("data"), scene.detail("web")), (None, None), "that is over");
}

#[test]
fn who_stopped_it_is_told() {
    let mut scene = Scene::new([service("data"), needing("web", &["data"])]);
    assert_eq!(scene.summary("web"), "web was not started by anybody, and is not started at boot.");
    scene.start("web");
    scene.stop("data");
    assert_eq!(scene.summary("data"), "data is being stopped by tester.");
    assert_eq!(scene.detail("data"), None, "it is as somebody wants it");
    scene.end("web", End::Code(0));
    scene.end("data", End::Code(0));
    assert_eq!(scene.summary("data"), "data was stopped by tester.");
    assert_eq!(scene.summary("web"), "web was stopped by tester, together with data.");
    // An emergency ends nothing that is down already.
    scene.request(&Request::Terminate("data".into())).unwrap();
    assert_eq!(scene.summary("data"), "data was stopped by tester.");
}

/// proves: S9
#[test]
fn what_it_says_of_itself_is_shown() {
    let mut document = service("web");
    document.start.ready_when = ReadyWhen::Notified;
    document.instances = 2;
    let mut scene = Scene::new([document]);
    scene.start("web");
    let run = scene.run("web");
    let say = |status: &str| Event::SaidStatus { run, status: status.into() };
    scene.step(say("warming up"));
    assert_eq!(
        scene.detail("web").as_deref(),
        Some("it is not ready yet; it says: instance 0: warming up")
    );
    scene.step(Event::SaidReady(run));
    assert_eq!(scene.detail("web").as_deref(), Some("it runs, but only 1 of 2 instances is ready"));
    scene.request(&Request::Scale("web".into(), 1)).unwrap();
    scene.end_instance("web", 1, End::Code(0));
    scene.step(say("serves 3 users"));
    assert_eq!(scene.detail("web").as_deref(), Some("serves 3 users"));
    scene.step(say(&"x".repeat(10_000)));
    assert_eq!(scene.detail("web").map(|words| words.len()), Some(256));
    scene.step(say(""));
    assert_eq!(scene.detail("web"), None);
}
