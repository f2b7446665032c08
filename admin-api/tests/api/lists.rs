//! Lists: filters, orders, and cursors that stay valid while everything changes.

use std::collections::BTreeSet;

use admin_api::backend::Backend;
use admin_api::types::{Page, Process};
use proptest::prelude::*;

use crate::harness::{OPERATOR, TestApp, app, create, get, request};

fn page(app: &TestApp, query: &str) -> Page<Process> {
    let response = get(&format!("/api/v1/processes?{query}")).send(app);
    assert_eq!(response.status, 200, "{}", response.text());
    serde_json::from_slice(&response.body).unwrap()
}

fn pids(page: &Page<Process>) -> Vec<u32> {
    page.items.iter().map(|process| process.pid).collect()
}

/// Follows the cursors to the end; `between` may change things.
fn walk(app: &TestApp, query: &str, mut between: impl FnMut()) -> Vec<u32> {
    let mut seen = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = page(app, &format!("{query}{cursor}"));
        seen.extend(pids(&page));
        let Some(next) = page.next_cursor else { return seen };
        cursor = format!("&cursor={next}");
        between();
    }
}

// proves: P9, A1
#[test]
fn pages_join_to_the_whole() {
    let app = app();
    for _ in 0..195 {
        create(&app, "/bin/cat", &[]);
    }
    let whole: Vec<u32> = (1..=200).collect();
    // Below, at and above the size that is sent in chunks.
    for limit in [1, 7, 64, 65, 100, 128, 199, 200, 1000] {
        assert_eq!(walk(&app, &format!("limit={limit}"), || ()), whole, "limit {limit}");
    }
    let page = page(&app, "limit=1000");
    assert_eq!((page.total, page.next_cursor), (200, None));
    let first = self::page(&app, "");
    assert_eq!((first.items.len(), first.total), (100, 200));
    for sort in ["-pid", "name", "-started_at", "user", "-cpu_percent", "memory_bytes"] {
        let mut seen = walk(&app, &format!("limit=30&sort={sort}"), || ());
        seen.sort_unstable();
        assert_eq!(seen, whole, "{sort}");
    }
}

// proves: A1
#[test]
fn filters_and_orders() {
    let app = app();
    let sleeper = create(&app, "/bin/sleep", &["100"]);
    let busy = create(&app, "/bin/yes", &[]);
    let gone = create(&app, "/bin/true", &[]);
    let path = format!("/api/v1/processes/{busy}");
    request("PATCH", &path, OPERATOR).json(r#"{"priority":"idle"}"#).send(&app);
    app.backend().advance_ms(2000);
    for (query, expected) in [
        ("state=running", vec![busy]),
        ("state=defunct", vec![gone]),
        ("class=user", vec![sleeper, busy]),
        ("class=user&sort=-pid", vec![busy, sleeper]),
        ("class=user&sort=-cpu_percent", vec![busy, sleeper]),
        ("class=user&sort=priority", vec![busy, sleeper]),
        ("class=user&sort=name", vec![sleeper, busy]),
        ("class=user&sort=-name", vec![busy, sleeper]),
        ("name=sl*", vec![sleeper]),
        ("name=s*p&user=0", vec![sleeper]),
        ("priority=idle,low", vec![busy]),
        ("user=nobody", vec![]),
        ("service=web", vec![]),
    ] {
        let page = page(&app, query);
        assert_eq!(pids(&page), expected, "{query}");
        assert_eq!(page.total, expected.len() as u64, "{query}");
    }
    assert!(!pids(&page(&app, "")).contains(&gone), "the history is shown only when asked for");
}

#[test]
fn a_cursor_belongs_to_its_list() {
    let app = app();
    for _ in 0..20 {
        create(&app, "/bin/cat", &[]);
    }
    let by_pid = page(&app, "limit=5").next_cursor.unwrap();
    let by_name = page(&app, "limit=5&sort=name").next_cursor.unwrap();
    for query in [
        format!("limit=5&sort=name&cursor={by_pid}"),
        format!("limit=5&cursor={by_name}"),
        format!("limit=5&sort=-name&cursor={by_name}"),
        format!("limit=5&sort=name&state=ready&cursor={by_name}"),
    ] {
        let response = get(&format!("/api/v1/processes?{query}")).send(&app);
        response.expect_problem(400, "invalid_parameter");
    }
    // The orders that are kept are bounded; the oldest expires.
    for _ in 0..16 {
        page(&app, "limit=5&sort=state");
    }
    let response = get(&format!("/api/v1/processes?limit=5&sort=name&cursor={by_name}"));
    response.send(&app).expect_problem(400, "cursor_expired");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    // proves: P9, A1
    #[test]
    fn nothing_is_listed_twice_or_forgotten_while_processes_come_and_go(
        limit in 1_usize..20,
        sort in prop::sample::select(vec!["pid", "-pid", "-cpu_percent", "name", "-cpu_total_ns"]),
        filtered in any::<bool>(),
        changes in prop::collection::vec((any::<bool>(), 0_usize..60), 1..30),
    ) {
        let app = app();
        let mut alive: Vec<u32> = (0..60)
            .map(|number| {
                let program = ["/bin/cat", "/bin/yes", "/bin/chatter"][number % 3];
                create(&app, program, &[])
            })
            .collect();
        app.backend().advance_ms(600);
        let start: BTreeSet<u32> = alive.iter().copied().collect();
        let mut ended = BTreeSet::new();
        let mut changes = changes.into_iter().cycle();
        let filter = if filtered { "&class=user" } else { "" };
        let seen = walk(&app, &format!("limit={limit}&sort={sort}{filter}"), || {
            let (creates, victim) = changes.next().unwrap();
            if creates {
                alive.push(create(&app, "/bin/yes", &[]));
            } else if alive.len() > 1 {
                let pid = alive.remove(victim % alive.len());
                let path = format!("/api/v1/processes/{pid}?mode=force");
                assert_eq!(request("DELETE", &path, OPERATOR).send(&app).status, 202);
                ended.insert(pid);
            }
            app.backend().advance_ms(300);
        });
        let unique: BTreeSet<u32> = seen.iter().copied().collect();
        prop_assert_eq!(unique.len(), seen.len(), "nothing twice: {:?}", seen);
        for pid in start.difference(&ended) {
            prop_assert!(unique.contains(pid), "{} was there all the time", pid);
        }
    }
}

// proves: P9
#[test]
fn sixty_five_thousand_processes_are_listed() {
    let app = app();
    let caller = admin_api::backend::Caller {
        user: "test".into(),
        role: admin_api::types::Role::Operator,
        address: "192.0.2.1:1".parse().unwrap(),
    };
    let request =
        admin_api::types::CreateProcess { program: "/bin/cat".into(), ..Default::default() };
    while app.backend().create_process(&caller, request.clone()).is_ok() {}
    let first = page(&app, "limit=1000");
    assert_eq!((first.items.len(), first.total), (1000, 65_536));
    let last = page(&app, "limit=3&sort=-pid");
    assert_eq!(pids(&last), [65_536, 65_535, 65_534]);
    let full = crate::harness::post("/api/v1/processes").json(r#"{"program":"/bin/cat"}"#);
    let full = full.send(&app);
    full.expect_problem(503, "resource_exhausted");
    assert_eq!(full.header("retry-after"), Some("1"));
}
