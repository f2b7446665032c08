//! What is read of services: lists, graph, health, output, explanations.

use admin_api::types::{
    Operation, Page, Service, ServiceDependencies, ServiceExplanation, ServiceGraph, ServiceHealth,
    ServiceInstance, ServiceLine, ServicePlan, ServiceRevision,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::harness::{ADMINISTRATOR, TestApp, app, get, post, register, request};

/// `web` with three instances over `data`, `crash` that fails, `report` that needs it.
pub(crate) fn site() -> TestApp {
    let app = app();
    for document in [
        r#"{"name":"data","program":"/bin/data","version":"1.4.0","tags":["storage"],"kind":"system"}"#,
        r#"{"name":"web","program":"/bin/httpd","version":"1.2.0","tags":["http","demo"],"instances":3,
            "port":{"listen":8080},"health":{"kind":"http","interval_ms":1000},
            "dependencies":[{"service":"data","version":">=1, <2"}],"reload":{"signal":"SIGHUP"}}"#,
        r#"{"name":"crash","program":"/bin/crash","restart":{"max_restarts":1}}"#,
        r#"{"name":"report","program":"/bin/sh","dependencies":[{"service":"crash"}]}"#,
    ] {
        register(&app, document);
    }
    app.backend().advance_ms(5000);
    app
}

pub(crate) fn state(app: &TestApp, name: &str) -> String {
    let service = get(&format!("/api/v1/services/{name}")).send(app).json();
    service["status"]["state"].as_str().unwrap().to_owned()
}

fn names(app: &TestApp, query: &str) -> Vec<String> {
    let page = get(&format!("/api/v1/services?{query}")).send(app).json();
    let items = page["items"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
}

// proves: S6
#[test]
fn services_are_found_by_name_tag_kind_and_state() {
    let app = site();
    assert_eq!(names(&app, ""), ["crash", "data", "report", "web"]);
    assert_eq!(names(&app, "state=running"), ["data", "web"]);
    assert_eq!(names(&app, "state=failed,stopped"), ["crash", "report"]);
    assert_eq!(names(&app, "kind=system"), ["data"]);
    assert_eq!(names(&app, "tag=http,demo"), ["web"]);
    assert_eq!(names(&app, "tag=http,storage"), [""; 0]);
    assert_eq!(names(&app, "name=*r*"), ["crash", "report"]);
    let problem = get("/api/v1/services?state=zombie&sort=x").send(&app);
    problem.expect_problem(400, "invalid_parameter");
    get("/api/v1/services?cursor=/").send(&app).expect_problem(400, "invalid_parameter");
}

// proves: S6
#[test]
fn pages_lose_and_double_nobody_while_services_come_and_go() {
    let app = app();
    for number in 0..150 {
        let enabled = number % 2 == 0;
        register(
            &app,
            &format!(r#"{{"name":"s{number:03}","program":"/bin/cat","enabled":{enabled}}}"#),
        );
    }
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&format!("/api/v1/services?limit=40{cursor}")).send(&app).json();
        assert!(page["total"].as_u64().unwrap() >= 150);
        seen.extend(page["items"].as_array().unwrap().iter().map(|one| one["name"].to_string()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
        register(&app, &format!(r#"{{"name":"a{}","program":"/bin/cat"}}"#, seen.len()));
    }
    assert_eq!(seen.len(), 150);
    assert!(seen.is_sorted());
    assert_eq!(get("/api/v1/services?state=disabled&limit=1").send(&app).json()["total"], 75);
}

// proves: S2, S7
#[test]
fn a_failed_dependency_is_the_first_cause() {
    let app = site();
    assert_eq!((state(&app, "crash"), state(&app, "report")), ("failed".into(), "failed".into()));
    let explained = get("/api/v1/services/report/explain").send(&app).json();
    let chain = explained["chain"].as_array().unwrap();
    assert_eq!(chain[0]["service"], "report");
    assert_eq!(chain[0]["code"], "dependency_error");
    assert_eq!(chain.last().unwrap()["service"], "crash");
    assert_eq!(chain.last().unwrap()["code"], "fault_tolerance_error");
    assert!(!explained["advice"].as_array().unwrap().is_empty());
    let fine = get("/api/v1/services/web/explain").send(&app).json();
    assert_eq!(fine["chain"], serde_json::json!([]));
}

// proves: S2
#[test]
fn the_graph_has_everything_and_the_order() {
    let app = site();
    let graph: ServiceGraph =
        serde_json::from_slice(&get("/api/v1/services/graph").send(&app).body).unwrap();
    assert_eq!(graph.nodes.len(), 4);
    assert_eq!(graph.start_order.len(), 2);
    let level = |name: &str| graph.nodes.iter().find(|node| node.name == *name).unwrap().level;
    assert_eq!((level("data"), level("web"), level("crash"), level("report")), (0, 1, 0, 1));
    let edge = |from: &str| graph.edges.iter().find(|edge| edge.from == *from).unwrap();
    assert!(edge("web").satisfied && !edge("report").satisfied);
    let used = get("/api/v1/services/data/dependencies").send(&app).json();
    assert_eq!(used["dependants"][0]["service"], "web");
    assert_eq!(used["dependants"][0]["wanted_version"], ">=1, <2");
    request("PATCH", "/api/v1/services/graph", ADMINISTRATOR).send(&app);
    let other = request("PUT", "/api/v1/services/graph", ADMINISTRATOR).json("{}").send(&app);
    other.expect_problem(405, "method_not_allowed");
    assert_eq!(other.header("allow"), Some("GET, HEAD"));
}

// proves: S4, S5
#[test]
fn instances_health_and_choice() {
    let app = site();
    let page = get("/api/v1/services/web/instances?limit=2").send(&app).json();
    assert_eq!((&page["total"], page["items"].as_array().unwrap().len()), (&3.into(), 2));
    let health = get("/api/v1/services/web/health").send(&app).json();
    assert_eq!(health["health"], "healthy");
    assert!(health["history"].as_array().unwrap().len() > 3);
    let chosen: std::collections::BTreeSet<u64> = (0..3)
        .map(|_| get("/api/v1/services/web/resolve").send(&app).json()["pid"].as_u64().unwrap())
        .collect();
    assert_eq!(chosen.len(), 3, "one after the other");
    get("/api/v1/services/crash/resolve").send(&app).expect_problem(409, "service_not_running");
    for part in [
        "",
        "/health",
        "/instances",
        "/output",
        "/resolve",
        "/explain",
        "/versions",
        "/dependencies",
    ] {
        let path = format!("/api/v1/services/nothing{part}");
        get(&path).send(&app).expect_problem(404, "service_not_found");
    }
}

// proves: S9
#[test]
fn output_is_paged_filtered_and_searched() {
    let app = site();
    let all = get("/api/v1/services/crash/output").send(&app).json();
    let total = all["total"].as_u64().unwrap();
    let first = get("/api/v1/services/crash/output?limit=3").send(&app).json();
    let next = first["next_cursor"].as_str().unwrap();
    let rest = get(&format!("/api/v1/services/crash/output?cursor={next}")).send(&app).json();
    assert_eq!(rest["items"].as_array().unwrap().len() as u64, total - 3);
    let errors = get("/api/v1/services/crash/output?stream=stderr&search=OUT+OF").send(&app).json();
    assert_eq!(errors["total"], 2, "{errors}");
    let newest = get("/api/v1/services/crash/output?sort=-sequence&limit=1").send(&app).json();
    assert_eq!(newest["items"][0]["sequence"], total);
    let other = get("/api/v1/services/web/output?instance=2&stream=stdout").send(&app).json();
    assert!(other["items"].as_array().unwrap().iter().all(|line| line["instance"] == 2));
    get("/api/v1/services/web/output?stream=x").send(&app).expect_problem(400, "invalid_parameter");
}

// proves: A1
#[test]
fn metrics_tell_of_each_service() {
    let text = get("/metrics").send(&site()).text();
    for line in [
        "multios_services{state=\"running\"} 2",
        "multios_services{state=\"failed\"} 2",
        "multios_service_state{service=\"web\",state=\"running\"} 1",
        "multios_service_instances_ready{service=\"web\"} 3",
        "multios_service_restarts_total{service=\"crash\"} 1",
        "# TYPE multios_service_cpu_seconds counter",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

/// The server writes JSON by itself; what it writes is what serde_json would.
#[test]
fn what_is_written_is_read_back() {
    fn check<T: Serialize + DeserializeOwned>(app: &TestApp, path: &str) {
        let body = get(path).send(app).text();
        let value: T =
            serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert_eq!(serde_json::to_string(&value).unwrap(), body, "{path}");
    }
    let app = site();
    check::<Page<Service>>(&app, "/api/v1/services");
    check::<ServiceGraph>(&app, "/api/v1/services/graph");
    for name in ["web", "crash", "report"] {
        let path = format!("/api/v1/services/{name}");
        check::<Service>(&app, &path);
        check::<Page<ServiceInstance>>(&app, &format!("{path}/instances"));
        check::<ServiceHealth>(&app, &format!("{path}/health"));
        check::<ServiceDependencies>(&app, &format!("{path}/dependencies"));
        check::<ServiceExplanation>(&app, &format!("{path}/explain"));
        check::<Page<ServiceLine>>(&app, &format!("{path}/output"));
        check::<Page<ServiceRevision>>(&app, &format!("{path}/versions"));
    }
    check::<Operation>(&app, "/api/v1/operations/1");
    let plan = post("/api/v1/services/web/stop?dry_run=true").send(&app);
    assert!(serde_json::from_slice::<ServicePlan>(&plan.body).is_ok());
}
