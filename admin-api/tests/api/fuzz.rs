//! Whatever is asked, the answer is a proper one and the server goes on.

use proptest::prelude::*;

use crate::harness::{ADMINISTRATOR, Wire, app, get, request, responses, run};

/// Paths that exist, and some that nearly do.
fn path() -> impl Strategy<Value = String> {
    let known: Vec<String> = admin_api::server::ROUTES
        .iter()
        .filter(|route| !route.path.ends_with("/events"))
        .map(|route| route.path.replace("{pid}", "6").replace("{id}", "1"))
        .collect();
    prop_oneof![
        8 => prop::sample::select(known.clone()),
        1 => (prop::sample::select(known), "[/a-z0-9.%]{0,8}").prop_map(|(path, tail)| path + &tail),
        1 => "/[!-~&&[^?# ]]{0,30}",
    ]
}

fn query() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "limit",
        "cursor",
        "sort",
        "state",
        "name",
        "mode",
        "grace_ms",
        "wait",
        "offset",
        "level",
        "after",
        "max_bytes",
        "kind",
        "x",
    ]);
    let value = prop_oneof![
        "[0-9]{1,22}",
        "[ps][0-9a-f]{1,17}(\\.[0-9]{1,21})?",
        "[a-z_,*-]{0,12}",
        "[!-~&&[^# ]]{0,12}",
        "(%[0-9a-fA-F]{2}){0,6}",
    ];
    let pair = (name, value).prop_map(|(name, value)| format!("{name}={value}"));
    prop::collection::vec(pair, 0..4).prop_map(|pairs| pairs.join("&"))
}

fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<String>().prop_map(Into::into),
        prop::sample::select(vec!["/bin/cat", "/bin/true", "SIGTERM", "high", "user"])
            .prop_map(Into::into),
    ];
    let value = leaf.prop_recursive(3, 24, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z]{1,6}", inner, 0..4)
                .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
        ]
    });
    let field = prop::sample::select(vec![
        "program", "args", "name", "env", "cwd", "priority", "class", "nice", "affinity", "signal",
        "token", "secret", "x",
    ]);
    prop_oneof![
        6 => prop::collection::btree_map(field.prop_map(str::to_owned), value.clone(), 0..6)
            .prop_map(|map| serde_json::Value::Object(map.into_iter().collect()).to_string()),
        1 => value.prop_map(|value| value.to_string()),
        1 => "\\PC{0,40}",
    ]
}

fn header() -> impl Strategy<Value = (String, String)> {
    let name = prop::sample::select(vec![
        "If-Match",
        "If-None-Match",
        "Last-Event-ID",
        "Cookie",
        "Idempotency-Key",
        "X-CSRF-Token",
        "Accept",
        "Authorization",
        "Content-Type",
    ]);
    (name.prop_map(str::to_owned), "[!-~ ]{0,40}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    // proves: A1, X3
    #[test]
    fn any_well_formed_request_gets_a_proper_answer(
        method in prop::sample::select(vec!["GET", "HEAD", "POST", "PATCH", "DELETE", "PUT"]),
        path in path(),
        query in query(),
        headers in prop::collection::vec(header(), 0..3),
        body in prop::option::of(json()),
        signed in prop::bool::weighted(0.9),
    ) {
        // Streams do not end by themselves.
        prop_assume!(!query.contains("follow"));
        let app = app();
        crate::harness::create(&app, "/bin/cat", &[]);
        let target = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut request = if signed {
            request(method, &target, ADMINISTRATOR)
        } else {
            crate::harness::anonymous(method, &target)
        };
        for (name, value) in &headers {
            request = request.header(name, value);
        }
        if let Some(body) = &body {
            request = request.json(body);
        }
        let response = request.send(&app);
        let is_known = [200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415, 422,
            429].contains(&response.status);
        prop_assert!(is_known, "{} {:?}", response.status, request);
        if response.status >= 400 && method != "HEAD" {
            prop_assert_eq!(response.header("content-type"), Some("application/problem+json"));
            prop_assert_eq!(&response.json()["status"], response.status);
        }
        prop_assert_eq!(get("/healthz").send(&app).status, 200);
    }

    /// The gate in front lets no such thing through; should one ever pass, nothing may panic.
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), cut in 0_usize..300) {
        let app = app();
        for input in [
            bytes.clone(),
            [&get("/api/v1/processes").bytes()[..], &bytes].concat(),
            get("/api/v1/processes").bytes().into_iter().take(cut).collect(),
        ] {
            let wire = Wire::default();
            wire.input.borrow_mut().extend(input);
            wire.is_closed.set(true);
            run(&app, &wire, |_| {
                app.backend().advance_ms(100);
                true
            });
        }
        let wire = Wire::default();
        wire.input.borrow_mut().extend(get("/healthz").bytes());
        wire.is_closed.set(true);
        run(&app, &wire, |_| true);
        prop_assert_eq!(responses(&wire.output.borrow())[0].status, 200);
    }
}
