//! The services' pages: registered, watched, scaled, changed, explained and forgotten in the browser.

use admin_api::types::Service;
use end_to_end::wait;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::{guest, sign_in, test_id};

/// A service that says something now and then.
fn document(name: &str, version: &str) -> Value {
    json!({
        "name": name, "description": "made by a test", "version": version, "program": "/bin/sh",
        "args": ["-c", "echo hello from a service; echo oh no >&2; while true; do sleep 1; done"],
        "health": {"kind": "alive", "interval_ms": 500}, "stop": {"grace_ms": 500},
    })
}

/// The service as the API tells it.
fn read(name: &str) -> Service {
    guest().read(&format!("/api/v1/services/{name}"))
}

fn open(browser: &Browser, path: &str) {
    browser.open(&guest().url(&format!("/#/services{path}")));
}

fn in_state(name: &str, state: &str) -> String {
    format!("[data-testid='service-detail'][data-name='{name}'][data-state='{state}']")
}

#[test]
fn a_service_goes_from_its_registration_to_its_end() {
    // proves: A2, S1, S5, S7, S9
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    open(&browser, "");
    browser.click(&test_id("register-open"));
    let text = test_id("document-text");
    // What is wrong is told at its field, and nothing is registered.
    browser.fill(&text, r#"{"name": "from-browser", "program": "bin/sh", "instances": 0}"#);
    browser.click(&test_id("register-submit"));
    browser.await_element("[data-testid='document-errors'] [data-field='program']");
    browser.await_element("[data-testid='document-errors'] [data-field='instances']");
    let none = guest().get("/api/v1/services/from-browser");
    assert_eq!(none.status, 404);
    browser.fill(&text, &document("from-browser", "1.0.0").to_string());
    browser.click(&test_id("register-check"));
    browser.await_element(&test_id("plan"));
    browser.click(&test_id("register-submit"));
    browser.await_element(&in_state("from-browser", "running"));
    browser.await_element("[data-testid='instance-row'][data-ready='true']");
    browser.picture("service");

    browser.click(&test_id("actions-from-browser"));
    browser.click(&test_id("action-scale"));
    browser.click(&test_id("scale-more"));
    browser.click(&test_id("scale-more"));
    browser.click(&test_id("scale-confirm"));
    wait::until("three ready instances", || {
        (browser.count("[data-testid='instance-row'][data-ready='true']") == 3).then_some(())
    });
    assert_eq!(read("from-browser").instances, 3);

    open(&browser, "/from-browser/output");
    browser.await_text(&test_id("service-output"), "hello from a service");
    browser.await_element("[data-testid='output-line'][data-stream='stderr']");
    browser.type_into(&test_id("output-search"), "OH NO");
    browser.await_none("[data-testid='output-line'][data-stream='stdout']");
    browser.picture("service-output");

    open(&browser, "/from-browser/health");
    browser.await_element("[data-testid='health-row'][data-health='healthy']");
    browser.picture("service-health");

    open(&browser, "/from-browser");
    browser.await_element(&test_id("service-detail"));
    browser.click(&test_id("actions-from-browser"));
    browser.click(&test_id("action-stop"));
    browser.await_text(&test_id("plan"), "from-browser");
    browser.click(&test_id("change-confirm"));
    browser.await_element(&in_state("from-browser", "stopped"));
    browser.await_element(&test_id("service-explain"));

    browser.click(&test_id("actions-from-browser"));
    browser.click(&test_id("action-unregister"));
    browser.click(&test_id("change-confirm"));
    browser.await_element(&test_id("service-gone"));
    assert_eq!(guest().get("/api/v1/services/from-browser").status, 404);
    guest().assert_healthy();
}

#[test]
fn a_document_is_changed_compared_and_brought_back() {
    // proves: A2, S1
    let answer =
        guest().request("POST", "/api/v1/services").json(&document("edited", "1.0.0")).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    open(&browser, "/edited/document");
    let text = test_id("document-text");
    browser.await_element(&text);
    browser.fill(&text, &document("edited", "one").to_string());
    browser.click(&test_id("document-save"));
    browser.await_element("[data-testid='document-errors'] [data-field='version']");
    browser.fill(&text, &document("edited", "1.1.0").to_string());
    browser.click(&test_id("document-save"));
    wait::until("the new revision", || (read("edited").revision? > 1).then_some(()));
    assert_eq!(read("edited").version, "1.1.0");
    browser.picture("service-document");

    open(&browser, "/edited/versions");
    browser.click(&test_id("version-1"));
    browser.await_element("[data-testid='diff-row'][data-field='version']");
    browser.picture("service-versions");
    browser.click(&test_id("rollback"));
    browser.click(&test_id("change-confirm"));
    wait::until("the old version", || (read("edited").version == "1.0.0").then_some(()));
    guest().assert_healthy();
}

#[test]
fn a_failed_service_is_seen_from_every_page_and_explained() {
    // proves: A2, S2, S7
    let failing = json!({
        "name": "failing", "program": "/bin/false",
        "restart": {"max_restarts": 1, "delay_ms": 10, "max_delay_ms": 20},
    });
    let needs = json!({
        "name": "needs-it", "program": "/bin/sh", "args": ["-c", "sleep 1000"],
        "dependencies": [{"service": "failing"}],
    });
    for document in [failing, needs] {
        let answer = guest().request("POST", "/api/v1/services").json(&document).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    for page in ["/#/", "/#/processes", "/#/log"] {
        browser.open(&guest().url(page));
        browser.await_element(&test_id("nav-failed"));
    }
    open(&browser, "");
    browser.await_element("[data-testid='service-row'][data-name='failing'][data-state='failed']");
    browser.picture("services");
    open(&browser, "/graph");
    browser.await_element("[data-testid='graph-node'][data-name='failing'][data-state='failed']");
    browser.picture("service-graph");
    open(&browser, "/needs-it");
    browser.await_text(&test_id("service-explain"), "failing");
    browser.picture("service-explained");
    guest().assert_healthy();
}

#[test]
fn a_start_that_reaches_others_is_asked_about_and_an_emergency_ends_a_service() {
    // proves: A2, S2, P10
    let script = "trap '' TERM; sleep 1000 & while true; do sleep 1; done";
    let base = json!({"name": "asked-base", "program": "/bin/sh", "args": ["-c", script],
                      "enabled": false});
    let top = json!({"name": "asked-top", "program": "/bin/sleep", "args": ["1000"],
                     "enabled": false, "dependencies": [{"service": "asked-base"}]});
    for document in [base, top] {
        let answer = guest().request("POST", "/api/v1/services").json(&document).send();
        assert_eq!(answer.status, 201, "{}", answer.text());
    }
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    open(&browser, "/asked-top");
    browser.click(&test_id("detail-start"));
    browser.await_text(&test_id("plan"), "asked-base");
    browser.picture("service-start-question");
    let state = |name: &str| read(name).status.expect("GET adds it").state.name();
    assert_eq!(state("asked-base"), "disabled", "nothing happens before the question is answered");
    browser.click(&test_id("change-confirm"));
    browser.await_element(&in_state("asked-top", "running"));
    // What concerns the one service alone is done at once.
    browser.click(&test_id("actions-asked-top"));
    browser.click(&test_id("action-pause"));
    browser.await_element(&in_state("asked-top", "paused"));
    assert_eq!(browser.count(&test_id("change-dialog")), 0);

    wait::until("all of it to run", || {
        (read("asked-base").status?.usage.processes >= 3).then_some(())
    });
    browser.open(&guest().url("/#/emergency"));
    browser.type_into(&test_id("emergency-name"), "nobody");
    browser.click(&test_id("emergency-service-submit"));
    browser.await_text(&test_id("emergency-name-error"), "no service nobody");
    browser.fill(&test_id("emergency-name"), "asked-base");
    browser.click(&test_id("emergency-service-submit"));
    browser.await_text(&test_id("emergency-dialog"), "Terminate asked-base?");
    browser.picture("emergency-service-question");
    browser.click(&test_id("emergency-service-confirm"));
    browser.await_text(&test_id("emergency-service-result"), "processes were ended");
    browser.await_text(&test_id("emergency-service-result"), "none is left");
    browser.picture("emergency-service-done");
    let ended = read("asked-base").status.expect("GET adds it");
    assert_eq!((ended.state.name(), ended.usage.processes), ("disabled", 0));
    guest().assert_healthy();
}
