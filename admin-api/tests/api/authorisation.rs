//! Nothing is reachable without credentials but what is meant to be, and a role reaches no further
//! than it should.

use admin_api::server::{Access, BodyRule, ROUTES, Route};
use admin_api::types::Role;

use crate::harness::{
    ADMINISTRATOR, OPERATOR, Request, SECRET, TestApp, VIEWER, anonymous, app, get, request,
};

/// A path for a route; the process exists and may be changed.
fn path(route: &Route) -> String {
    let path = route.path.replace("{name}", "web");
    let path = if path.ends_with("/diff") { path + "?from=1&to=1" } else { path };
    let path = path.replace("/operations/{id}", "/operations/1");
    path.replace("{pid}", "6").replace("{id}", "0").replace("{path}", "etc/hostname")
}

fn with_body(route: &Route, request: Request) -> Request {
    match route.body {
        BodyRule::None | BodyRule::Bytes => request,
        BodyRule::Json { .. } => request.json("{}"),
    }
}

fn app_with_process() -> TestApp {
    let app = app();
    assert_eq!(crate::harness::create(&app, "/bin/sleep", &["1000"]), 6);
    crate::harness::register(&app, r#"{"name":"web","program":"/bin/httpd"}"#);
    app.backend().advance_ms(1000);
    app
}

// proves: X3, A3
#[test]
fn every_route_but_the_open_ones_wants_credentials() {
    let mut open = Vec::new();
    for route in ROUTES {
        let app = app_with_process();
        let request = with_body(route, anonymous(route.method.name(), &path(route)));
        let response = request.send(&app);
        if route.access == Access::Open {
            open.push((route.method.name(), route.path));
            assert!(response.status < 500, "{}", route.path);
        } else {
            response.expect_problem(401, "authentication_required");
            assert!(response.header("www-authenticate").unwrap().starts_with("Bearer"));
            let wrong = request.header("Authorization", "Bearer guess").send(&app);
            wrong.expect_problem(401, "invalid_credentials");
        }
    }
    let expected = [("GET", "/healthz"), ("GET", "/readyz"), ("POST", "/api/v1/sessions")];
    assert_eq!(open, expected);
}

// proves: A3
#[test]
fn a_role_reaches_what_it_should_and_no_further() {
    for (token, role) in
        [(VIEWER, Role::Viewer), (OPERATOR, Role::Operator), (ADMINISTRATOR, Role::Administrator)]
    {
        for route in ROUTES.iter().filter(|route| !route.path.ends_with("/events")) {
            let Access::Role(needed) = route.access else { continue };
            let app = app_with_process();
            let request = with_body(route, request(route.method.name(), &path(route), token));
            let response = request.send(&app);
            if role >= needed {
                // An empty document may be refused, and a process that runs can't be resumed.
                let is_through = [200, 201, 202, 204, 409, 422].contains(&response.status);
                assert!(is_through, "{} {} {}", token, route.path, response.status);
            } else {
                response.expect_problem(403, "permission_denied");
                let log = app.backend().audit_log().join("\n");
                assert!(log.contains("permission_denied"), "refused changes are audited: {log}");
            }
        }
    }
}

// proves: A3
#[test]
fn a_viewer_changes_nothing() {
    let app = app_with_process();
    let before = get("/api/v1/processes/6").send(&app);
    for route in ROUTES
        .iter()
        .filter(|route| matches!(route.access, Access::Role(role) if role > Role::Viewer))
    {
        let request = with_body(route, request(route.method.name(), &path(route), VIEWER));
        request.send(&app).expect_problem(403, "permission_denied");
    }
    let after = get("/api/v1/processes/6").send(&app);
    assert_eq!(after.header("etag"), before.header("etag"));
    assert_ne!(after.json()["state"], "suspended");
    assert!(after.json()["exit"].is_null());
}

// proves: A3
#[test]
fn guessing_is_slowed_down_and_audited() {
    let app = app();
    let guess = request("GET", "/api/v1/system", "guess");
    let mut statuses = Vec::new();
    for _ in 0..12 {
        statuses.push(guess.send(&app).status);
    }
    assert_eq!(statuses, [[401; 10].as_slice(), &[429; 2]].concat());
    let refused = guess.send(&app);
    refused.expect_problem(429, "too_many_attempts");
    assert_eq!(refused.header("retry-after"), Some("1"));
    // Right ones are refused, too, or guessing would go on at full speed.
    get("/api/v1/system").send(&app).expect_problem(429, "too_many_attempts");
    app.backend().advance_ms(1000);
    assert_eq!(get("/api/v1/system").send(&app).status, 200);
    let log = app.backend().audit_log().join("\n");
    assert!(log.contains("- 192.0.2.1:40000 GET /api/v1/system 401 invalid_credentials"), "{log}");
}

// proves: A3
#[test]
fn a_session_is_not_disturbed_by_a_guesser_of_the_same_address() {
    let app = app();
    let sign_in = anonymous("POST", "/api/v1/sessions");
    let signed_in = sign_in.json(&format!(r#"{{"token":"{VIEWER}"}}"#)).send(&app);
    assert_eq!((signed_in.status, &signed_in.json()["role"]), (201, &"viewer".into()));
    let cookie = signed_in.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    for _ in 0..20 {
        request("GET", "/api/v1/system", "guess").send(&app);
    }
    let read = anonymous("GET", "/api/v1/system").header("Cookie", &cookie);
    assert_eq!(read.send(&app).status, 200);
    // A session ends when it is not used, and after its time in any case.
    app.backend().clock().advance_ms(2 * 3600 * 1000);
    read.send(&app).expect_problem(401, "invalid_credentials");
}

// proves: A3
#[test]
fn the_secret_of_the_link_works_once() {
    let app = app();
    let body = format!(r#"{{"secret":"{SECRET}"}}"#);
    let sign_in = anonymous("POST", "/api/v1/sessions").json(&body);
    assert_eq!(sign_in.send(&app).status, 201);
    sign_in.send(&app).expect_problem(401, "invalid_credentials");
}

// proves: A3
#[test]
fn sessions_are_bounded_and_differ() {
    let app = app();
    let body = format!(r#"{{"token":"{OPERATOR}"}}"#);
    let sign_in = anonymous("POST", "/api/v1/sessions").json(&body);
    let mut cookies = std::collections::BTreeSet::new();
    let mut first = String::new();
    for number in 0..100 {
        let response = sign_in.send(&app);
        let cookie = response.header("set-cookie").unwrap().split(';').next().unwrap();
        if number == 0 {
            cookie.clone_into(&mut first);
        }
        assert!(cookies.insert(cookie.to_owned()));
        app.backend().clock().advance_ms(1);
    }
    let oldest = anonymous("GET", "/api/v1/system").header("Cookie", &first).send(&app);
    oldest.expect_problem(401, "invalid_credentials");
    let newest = cookies
        .iter()
        .filter(|cookie| {
            anonymous("GET", "/api/v1/system").header("Cookie", cookie).send(&app).status == 200
        })
        .count();
    assert_eq!(newest, 64);
}

#[test]
fn credentials_in_other_forms_are_refused() {
    let app = app();
    for value in ["Bearer", "Bearer ", "Basic dmVyYTp0b2tlbg==", "viewer-token", "Bearer a b"] {
        let response = anonymous("GET", "/api/v1/system").header("Authorization", value).send(&app);
        response.expect_problem(401, "invalid_credentials");
        app.backend().clock().advance_ms(1000);
    }
    let lower = format!("bearer {VIEWER}");
    let response = anonymous("GET", "/api/v1/system").header("Authorization", &lower).send(&app);
    assert_eq!(response.status, 200);
    for cookie in ["multios_session=", "multios_session=x; a", "a=b", "multios_session"] {
        let response = anonymous("GET", "/api/v1/system").header("Cookie", cookie).send(&app);
        assert_eq!(response.status, 401);
    }
}
