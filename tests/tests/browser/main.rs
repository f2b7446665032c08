//! The console in headless Chromium, over the booted image.

mod browser;
mod relay;
mod services;

use admin_api::types::{Page, Process};
use browser::{Browser, Size};
use end_to_end::{Guest, Setup, wait};
use relay::Relay;

fn guest() -> &'static Guest {
    Guest::shared("browser")
}

fn test_id(id: &str) -> String {
    format!("[data-testid='{id}']")
}

/// Signs in with the token and waits for the overview.
fn sign_in(browser: &Browser, port: u16, token: &str) {
    browser.open(&format!("http://127.0.0.1:{port}/"));
    browser.type_into(&test_id("sign-in-token"), token);
    browser.click(&test_id("sign-in-submit"));
    browser.await_element(&test_id("overview"));
}

#[test]
fn the_printed_link_signs_in_once_and_shows_every_cpu() {
    // proves: A2
    let mut setup = Setup::named("browser-link");
    setup.cpus = 4;
    let guest = Guest::boot(&setup);
    let browser = Browser::start();
    browser.open(&guest.link());
    browser.await_element(&test_id("overview"));
    for cpu in 0..4 {
        browser.await_element(&test_id(&format!("cpu-chart-{cpu}")));
    }
    assert_eq!(browser.count(&test_id("cpu-chart-4")), 0);
    browser.await_text(&test_id("cpu-card"), "4 online");
    // Live: the uptime moves without anybody doing anything.
    let before = browser.text(&test_id("system-uptime"));
    wait::until("the uptime to move", || {
        (browser.text(&test_id("system-uptime")) != before).then_some(())
    });

    let other = Browser::start();
    other.open(&guest.link());
    other.await_text(&test_id("sign-in-note"), "used before");
    guest.assert_healthy();
}

#[test]
fn a_wrong_token_is_refused_and_the_right_one_signs_in() {
    let browser = Browser::start();
    browser.open(&guest().url("/"));
    browser.await_element(&test_id("sign-in-token"));
    browser.picture("sign-in");
    browser.type_into(&test_id("sign-in-token"), "not-the-token-at-all");
    browser.click(&test_id("sign-in-submit"));
    browser.await_text(&test_id("sign-in-token-error"), "not valid");
    sign_in(&browser, guest().port(), guest().token());
    browser.await_text(&test_id("connection-state"), "Live");
}

#[test]
fn a_program_is_started_watched_and_killed() {
    // proves: A2, P7
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    browser.open(&guest().url("/#/processes"));
    browser.click(&test_id("start-open"));
    browser.type_into(&test_id("start-program"), "/bin/sleep");
    browser.type_into(&test_id("start-args"), "7777");
    browser.click(&test_id("start-submit"));

    let is_ours = |process: &&Process| process.command.iter().any(|word| word.as_str() == "7777");
    let pid = wait::until("the API to list it", || {
        let listed: Page<Process> = guest().read("/api/v1/processes?name=sleep");
        listed.items.iter().find(is_ours).map(|process| process.pid)
    });
    let row = format!("[data-testid='process-row'][data-pid='{pid}']");
    browser.await_element(&row);
    browser.await_element(&format!("{row}[data-state='blocked']"));

    browser.open(&guest().url(&format!("/#/processes/{pid}")));
    browser.await_element(&test_id("process-detail"));
    browser.await_text(&test_id("process-facts"), &pid.to_string());
    browser.picture("process");

    browser.open(&guest().url("/#/processes"));
    browser.await_element(&row);
    browser.picture("processes");
    browser.click(&test_id(&format!("actions-{pid}")));
    browser.click(&test_id("action-kill"));
    browser.await_element(&test_id("terminate-dialog"));
    browser.screenshot("kill-question", Size::Desktop);
    assert_eq!(browser.count(&row), 1, "nothing happens before the question is answered");
    browser.click(&test_id("terminate-confirm"));
    browser.await_none(&row);
    let listed: Page<Process> = guest().read("/api/v1/processes?name=sleep");
    assert_eq!(listed.items.iter().find(is_ours), None);
    guest().assert_healthy();
}

#[test]
fn a_program_is_started_in_a_sandbox() {
    // proves: A2, X1
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    browser.open(&guest().url("/#/processes"));
    browser.click(&test_id("start-open"));
    browser.type_into(&test_id("start-program"), "/busybox");
    browser.type_into(&test_id("start-args"), "sleep 6666");
    browser.type_into(&test_id("start-isolation"), "Sandbox");
    browser.click(&test_id("start-submit"));
    browser.await_text(&test_id("start-root-error"), "directory of its own");
    browser.type_into(&test_id("start-root"), "/bin");
    browser.screenshot("start-sandbox", Size::Desktop);
    browser.click(&test_id("start-submit"));
    let is_ours = |process: &&Process| process.command.iter().any(|word| word.as_str() == "6666");
    let process = wait::until("the API to list it", || {
        let listed: Page<Process> = guest().read("/api/v1/processes?name=busybox");
        listed.items.iter().find(is_ours).cloned()
    });
    assert_eq!((process.isolation.name(), process.root.as_str()), ("sandbox", "/bin"));
    browser.open(&guest().url(&format!("/#/processes/{}", process.pid)));
    browser.await_text(&test_id("process-facts"), "No network");
    browser.await_text(&test_id("process-facts"), "the usual calls");
    let path = format!("/api/v1/processes/{}?mode=force", process.pid);
    assert_eq!(guest().request("DELETE", &path).send().status / 100, 2);
}

#[test]
fn a_program_that_does_not_exist_is_explained_at_its_field() {
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    browser.open(&guest().url("/#/processes"));
    browser.click(&test_id("start-open"));
    browser.type_into(&test_id("start-program"), "/bin/nothing-of-the-kind");
    browser.click(&test_id("start-submit"));
    browser.await_text(&test_id("start-program-error"), "no program");
}

#[test]
fn what_a_process_consists_of_has_pages() {
    // proves: P1, P4
    let asleep =
        serde_json::json!({"program": "/bin/sleep", "args": ["8888"], "env": {"COLOUR": "blue"}});
    let answer = guest().request("POST", "/api/v1/processes").json(&asleep).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let pid = answer.json::<Process>().pid;
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    browser.open(&guest().url(&format!("/#/processes/{pid}")));
    browser.await_text(&test_id("process-environment"), "COLOUR");
    browser.click(&test_id("section-threads"));
    browser.await_element(&format!("[data-testid='thread-row'][data-tid='{pid}']"));
    browser.picture("process-threads");
    browser.click(&test_id("section-files"));
    browser.await_element("[data-testid='file-row'][data-fd='0']");
    browser.picture("process-files");
    browser.click(&test_id("section-memory"));
    browser.await_text(&test_id("memory-table"), "Stack");
    browser.picture("process-memory");
    browser.click(&test_id("section-signals"));
    browser.await_text(&test_id("signals-none"), "none");
    // Who does not catch it does not notice it.
    let signals = format!("/api/v1/processes/{pid}/signals");
    let sent = guest().request("POST", &signals).json(&serde_json::json!({"signal": "SIGWINCH"}));
    assert_eq!(sent.send().status, 200);
    browser.await_text(&test_id("signal-history"), "SIGWINCH");
    browser.await_text(&test_id("signal-history"), "ignored");
    browser.picture("process-signals");
    browser.click(&test_id("section-children"));
    browser.await_element(&test_id("children-table-none"));
    browser.click(&test_id("section-output"));
    browser.await_text(&test_id("process-output"), "nothing");

    // A value that is wrong is explained at its field, a right one is taken.
    browser.click(&test_id(&format!("actions-{pid}")));
    browser.click(&test_id("action-settings"));
    browser.type_into(&test_id("settings-cpus"), ", 63");
    browser.click(&test_id("settings-confirm"));
    browser.await_text(&test_id("settings-cpus-error"), "no CPU 63");
    browser.type_into(&test_id("settings-cpus"), "\u{8}\u{8}\u{8}\u{8}");
    browser.type_into(&test_id("settings-nice"), "\u{8}7");
    browser.click(&test_id("settings-confirm"));
    browser.await_none(&test_id("settings-dialog"));
    let process: Process = guest().read(&format!("/api/v1/processes/{pid}"));
    assert_eq!(process.nice, 7);

    browser.open(&guest().url("/#/processes"));
    browser.click(&test_id("view-tree"));
    browser.await_element("[data-testid='process-table'][role='treegrid']");
    browser.picture("process-tree");
    browser.click(&test_id("view-tree"));
    let kill = guest().request("DELETE", &format!("/api/v1/processes/{pid}?mode=force")).send();
    assert_eq!(kill.status / 100, 2);
}

#[test]
fn an_emergency_ends_all_programs_and_says_so() {
    // proves: P10
    let guest = Guest::boot(&Setup::named("browser-emergency"));
    for index in 0..40 {
        let program = serde_json::json!({"program": "/bin/sleep", "args": ["9999"]});
        let answer = guest.request("POST", "/api/v1/processes").json(&program).send();
        let pid = answer.json::<Process>().pid;
        if index % 2 == 0 {
            let path = format!("/api/v1/processes/{pid}/suspend");
            assert_eq!(guest.request("POST", &path).send().status, 200);
        }
    }
    let browser = Browser::start();
    sign_in(&browser, guest.port(), guest.token());
    browser.open(&guest.url("/#/emergency"));
    browser.await_text(&test_id("emergency-count"), "40 programs");
    browser.picture("emergency");
    browser.type_into(&test_id("emergency-phrase"), "end all");
    assert_eq!(browser.count(&format!("{}[disabled]", test_id("emergency-submit"))), 1);
    browser.type_into(&test_id("emergency-phrase"), " programs");
    browser.click(&test_id("emergency-submit"));
    browser.await_text(&test_id("emergency-result"), "40 processes were ended");
    browser.await_text(&test_id("emergency-result"), "none is left");
    browser.await_text(&test_id("emergency-count"), "No program runs");
    browser.picture("emergency-done");
    guest.assert_healthy();
}

#[test]
fn a_lost_connection_is_shown_and_mended_by_itself() {
    let relay = Relay::to(guest().port());
    let browser = Browser::start();
    sign_in(&browser, relay.port(), guest().token());
    browser.await_text(&test_id("connection-state"), "Live");
    relay.cut();
    browser.await_element(&test_id("connection-banner"));
    browser.await_text(&test_id("connection-state"), "Disconnected");
    // What was known stays on the page.
    assert_eq!(browser.count(&test_id("cpu-card")), 1);
    browser.picture("connection-lost");
    relay.mend();
    browser.await_none(&test_id("connection-banner"));
    browser.await_text(&test_id("connection-state"), "Live");
}

#[test]
fn every_page_is_kept_as_a_picture_in_both_themes() {
    let busy = serde_json::json!({"program": "/bin/yes", "priority": "low"});
    let answer = guest().request("POST", "/api/v1/processes").json(&busy).send();
    assert_eq!(answer.status, 201, "{}", answer.text());
    let pid = answer.json::<Process>().pid;
    let process_page = format!("/#/processes/{pid}");
    let browser = Browser::start();
    sign_in(&browser, guest().port(), guest().token());
    // Some seconds of history make the charts worth looking at; the page itself counts them.
    let points = "return Math.max(0, ...Array.from(document.querySelectorAll(\
                  \"[data-testid='cpu-chart-total'] path\"), p => p.getAttribute('d').split('L').length))";
    wait::until("a chart with a history", || {
        (browser.evaluate(points).as_u64()? > 12).then_some(())
    });
    for theme in ["light", "dark"] {
        for (name, path, sign) in [
            ("overview", "/#/", "overview"),
            ("processes-list", "/#/processes", "process-table"),
            ("services-list", "/#/services", "service-total"),
            ("services-graph", "/#/services/graph", "service-graph"),
            ("log", "/#/log", "log-lines"),
            ("emergency-page", "/#/emergency", "emergency-count"),
            ("process-page", process_page.as_str(), "process-environment"),
        ] {
            browser.open(&guest().url(path));
            browser.await_element(&test_id(sign));
            browser.picture(&format!("{name}-{theme}"));
        }
        browser.click(&test_id("theme-toggle"));
    }
    let kill = guest().request("DELETE", &format!("/api/v1/processes/{pid}?mode=force")).send();
    assert_eq!(kill.status / 100, 2);
}
