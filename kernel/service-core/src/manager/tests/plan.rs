//! What a change would do, told before; and how far it is.

use super::scene::{Scene, group, needing, service};
use crate::document::{RestartPolicy, Supervision};
use crate::failure::End;
use crate::manager::{Progress, Request, StateName};

/// proves: S1
#[test]
fn starting_one_that_runs_starts_the_instances_that_do_not() {
    let mut document = service("web");
    document.instances = 3;
    document.restart.policy = RestartPolicy::Never;
    let mut scene = Scene::new([document]);
    let start = Request::Start("web".into());
    assert_eq!(scene.plan(&start), ["1 start web: asked for"]);
    scene.start("web");
    assert!(scene.plan(&start).is_empty(), "all is as it should be");
    scene.end_instance("web", 1, End::Code(1));
    scene.end_instance("web", 2, End::Code(0));
    assert_eq!(scene.state("web"), StateName::Running);
    assert_eq!(
        scene.plan(&start),
        [
            "1 start web: instance 1 does not run any more",
            "1 start web: instance 2 does not run any more",
        ]
    );
    scene.news();
    let started = scene.start("web");
    assert_eq!(scene.news(), ["launch web", "launch web"], "as was planned");
    assert_eq!(scene.progress(started), [Progress::Done; 2]);
    assert_eq!(scene.manager.view("web").unwrap().ready, 3);
}

/// proves: S2
#[test]
fn a_plan_says_who_needs_whom_and_who_can_do_without() {
    let mut extra = service("extra");
    extra.enabled = true;
    let mut top = needing("top", &["middle", "extra", "unwanted"]);
    top.dependencies[1].required = false;
    top.dependencies[2].required = false;
    let mut scene = Scene::new([
        service("base"),
        needing("middle", &["base"]),
        extra,
        service("unwanted"),
        top.clone(),
    ]);
    // What is enabled has been started when it was registered.
    scene.stop("extra");
    scene.end("extra", End::Code(0));
    let start = Request::Start("top".into());
    let expected = [
        "1 start base: middle needs it",
        "1 start extra: top uses it, and can do without it",
        "2 start middle: top needs it",
        "3 start top: asked for",
    ];
    assert_eq!(scene.plan(&start), expected);
    // The same for one that is not known yet.
    scene.request(&Request::Unregister("top".into())).unwrap();
    top.enabled = true;
    let mut first = scene.plan(&Request::Register(top));
    assert_eq!(first.remove(0), "1 register top: asked for");
    let ordered: std::vec::Vec<_> = first.iter().map(|step| &step[2..]).collect();
    assert_eq!(ordered, expected.map(|step| &step[2..]));
}

#[test]
fn what_has_done_its_work_is_not_planned_again_for_others() {
    let mut migrate = service("migrate");
    migrate.enabled = true;
    let mut web = needing("web", &["migrate"]);
    web.dependencies[0].required = false;
    let mut scene = Scene::new([migrate, web]);
    scene.end("migrate", End::Code(0));
    assert_eq!(scene.plan(&Request::Start("web".into())), ["1 start web: asked for"]);
    scene.news();
    scene.start("web");
    assert_eq!(scene.news(), ["launch web"]);
    assert_eq!(
        scene.plan(&Request::Start("migrate".into())),
        ["1 start migrate: asked for"],
        "but it is where somebody asks for it"
    );
}

/// proves: S2
#[test]
fn a_plan_to_stop_says_why_others_stop() {
    let all = group("all", Supervision::OneForOne, &["a", "b"]);
    let mut scene = Scene::new([service("a"), service("b"), all, needing("user", &["all"])]);
    scene.start("user");
    assert_eq!(
        scene.plan(&Request::Stop("all".into())),
        [
            "1 stop user: it needs all",
            "2 stop all: asked for",
            "3 stop a: it is a member of all",
            "3 stop b: it is a member of all",
        ]
    );
    assert_eq!(
        scene.plan(&Request::Stop("a".into())),
        ["1 stop user: it needs all", "2 stop all: it needs a", "3 stop a: asked for"]
    );
    assert_eq!(
        scene.plan(&Request::Restart("all".into())),
        ["1 restart_instance a: instance 0", "2 restart_instance b: instance 0"]
    );
}

/// proves: S1
#[test]
fn each_step_tells_how_far_it_is() {
    use Progress::{Done, Pending, Running};
    let mut web = service("web");
    web.instances = 2;
    let mut scene = Scene::new([service("base"), web]);
    scene
        .request(&Request::Update({
            let mut web = needing("web", &["base"]);
            web.instances = 2;
            web
        }))
        .unwrap();
    scene.start("web");
    let restart = scene.request(&Request::Restart("web".into())).unwrap();
    assert_eq!(scene.progress(restart), [Running, Pending]);
    scene.end_instance("web", 0, End::Code(0));
    assert_eq!(scene.progress(restart), [Done, Running]);
    scene.end_instance("web", 1, End::Code(0));
    assert_eq!(scene.progress(restart), [Done, Done]);
    let stop = scene.stop("base");
    assert_eq!(scene.progress(stop), [Running, Pending], "web first");
    scene.end_instance("web", 0, End::Code(0));
    scene.end_instance("web", 1, End::Code(0));
    assert_eq!(scene.progress(stop), [Done, Running]);
    scene.start("base");
    assert_eq!(scene.progress(stop), [Done, Progress::Skipped], "it was given up");
}
