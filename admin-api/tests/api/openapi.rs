//! What the server answers is what the OpenAPI document says.

use serde_json::Value;

use crate::harness::{
    ADMINISTRATOR, Response, TestApp, anonymous, app, create, get, post, request,
};

/// Checks a value against a schema of the document: as much of JSON Schema as the document uses.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("a target");
        return check(document, target, value, at);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let fits = choices.iter().any(|one| check(document, one, value, at).is_ok());
        return if fits { Ok(()) } else { Err(format!("{at}: no choice fits {value}")) };
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fits = choices.iter().filter(|one| check(document, one, value, at).is_ok()).count();
        return if fits == 1 { Ok(()) } else { Err(format!("{at}: {fits} choices fit {value}")) };
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        return Err(format!("{at}: {value} is not one of {words:?}"));
    }
    let is_type = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        other => panic!("{at}: type {other}"),
    };
    let is_known = match &schema["type"] {
        Value::String(name) => is_type(name),
        Value::Array(names) => names.iter().any(|name| is_type(name.as_str().unwrap())),
        _ => true,
    };
    if !is_known {
        return Err(format!("{at}: {value} is not {}", schema["type"]));
    }
    if let (Some(number), Some(least)) = (value.as_f64(), schema["minimum"].as_f64())
        && number < least
    {
        return Err(format!("{at}: {number} is below {least}"));
    }
    if let (Some(number), Some(most)) = (value.as_f64(), schema["maximum"].as_f64())
        && number > most
    {
        return Err(format!("{at}: {number} is above {most}"));
    }
    for name in schema["required"].as_array().into_iter().flatten() {
        if value.get(name.as_str().unwrap()).is_none() {
            return Err(format!("{at}: {name} is missing"));
        }
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        let known = &schema["properties"][name];
        if !known.is_null() {
            check(document, known, member, &format!("{at}.{name}"))?;
        } else if schema["properties"].is_object() {
            return Err(format!("{at}.{name} is not described"));
        }
    }
    if schema["items"].is_object() {
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            check(document, &schema["items"], item, &format!("{at}[{index}]"))?;
        }
    }
    Ok(())
}

/// Checks an answer against what the document says of its route.
#[track_caller]
fn expect_described(document: &Value, method: &str, path: &str, response: &Response) {
    let operation = &document["paths"][path][method.to_lowercase()];
    let described = &operation["responses"][response.status.to_string()];
    assert!(described.is_object(), "{method} {path}: {} is not described", response.status);
    let Some(content_type) = response.header("content-type") else { return };
    let media_type = content_type.split(';').next().unwrap();
    let schema = &described["content"][media_type]["schema"];
    assert!(schema.is_object(), "{method} {path}: {media_type} is not described");
    if media_type.ends_with("json") && !response.body.is_empty() {
        check(document, schema, &response.json(), path).unwrap();
    }
}

fn document() -> Value {
    serde_json::from_str(&admin_api::openapi::document()).unwrap()
}

fn busy_app() -> TestApp {
    let app = app();
    for (program, args) in [("/bin/sleep", &["99"][..]), ("/bin/yes", &[]), ("/bin/true", &[])] {
        create(&app, program, args);
    }
    for document in [
        r#"{"name":"data","program":"/bin/data","version":"1.2.0"}"#,
        r#"{"name":"web","program":"/bin/httpd","instances":2,"port":{"listen":8080},
            "health":{"kind":"http"},"dependencies":[{"service":"data","version":">=1"}]}"#,
        r#"{"name":"crash","program":"/bin/crash","restart":{"max_restarts":0}}"#,
    ] {
        crate::harness::register(&app, document);
    }
    app.backend().advance_ms(2500);
    app
}

// proves: A1
#[test]
fn what_is_read_is_described() {
    let (document, app) = (document(), busy_app());
    for route in admin_api::server::ROUTES
        .iter()
        .filter(|route| route.method.name() == "GET" && !route.path.ends_with("/events"))
    {
        for (pid, name) in [("6", "web"), ("8", "crash"), ("4711", "nothing")] {
            let path =
                route.path.replace("{pid}", pid).replace("{id}", pid).replace("{name}", name);
            let response = request("GET", &path, ADMINISTRATOR).send(&app);
            expect_described(&document, "GET", route.path, &response);
            let refused = request("GET", &(path.clone() + "?unknown=1"), ADMINISTRATOR).send(&app);
            expect_described(&document, "GET", route.path, &refused);
            let anonymous = anonymous("GET", &path).send(&app);
            expect_described(&document, "GET", route.path, &anonymous);
        }
    }
    let ended = get("/api/v1/processes?state=defunct").send(&app);
    assert_eq!(ended.json()["total"], 2);
    expect_described(&document, "GET", "/api/v1/processes", &ended);
}

// proves: A1
#[test]
fn what_is_changed_is_described() {
    let (document, app) = (document(), busy_app());
    for (method, path, route, body) in [
        ("POST", "/api/v1/processes", "/api/v1/processes", r#"{"program":"/bin/cat"}"#),
        ("POST", "/api/v1/processes", "/api/v1/processes", r#"{"program":7}"#),
        ("POST", "/api/v1/processes", "/api/v1/processes", "{"),
        ("PATCH", "/api/v1/processes/6", "/api/v1/processes/{pid}", r#"{"nice":3}"#),
        ("PATCH", "/api/v1/processes/8", "/api/v1/processes/{pid}", r#"{"nice":3}"#),
        (
            "POST",
            "/api/v1/processes/6/signals",
            "/api/v1/processes/{pid}/signals",
            r#"{"signal":"SIGWINCH"}"#,
        ),
        ("POST", "/api/v1/processes/6/suspend", "/api/v1/processes/{pid}/suspend", ""),
        ("POST", "/api/v1/processes/6/suspend", "/api/v1/processes/{pid}/suspend", ""),
        ("POST", "/api/v1/processes/6/resume", "/api/v1/processes/{pid}/resume", ""),
        ("DELETE", "/api/v1/processes/6?wait=true", "/api/v1/processes/{pid}", ""),
        (
            "POST",
            "/api/v1/emergency/terminate",
            "/api/v1/emergency/terminate",
            r#"{"scope":"all"}"#,
        ),
        ("POST", "/api/v1/emergency/terminate", "/api/v1/emergency/terminate", r#"{"scope":1}"#),
        ("POST", "/api/v1/services", "/api/v1/services", r#"{"name":"x","program":"/bin/sh"}"#),
        ("POST", "/api/v1/services", "/api/v1/services", r#"{"name":"x","program":"/bin/sh"}"#),
        (
            "POST",
            "/api/v1/services?dry_run=true",
            "/api/v1/services",
            r#"{"name":"y","program":"/bin/sh"}"#,
        ),
        ("POST", "/api/v1/services", "/api/v1/services", r#"{"name":"X"}"#),
        (
            "PUT",
            "/api/v1/services/x",
            "/api/v1/services/{name}",
            r#"{"name":"x","program":"/bin/cat"}"#,
        ),
        (
            "PUT",
            "/api/v1/services/x?dry_run=true",
            "/api/v1/services/{name}",
            r#"{"name":"x","program":"/bin/cat"}"#,
        ),
        (
            "PUT",
            "/api/v1/services/x/instances",
            "/api/v1/services/{name}/instances",
            r#"{"count":3}"#,
        ),
        (
            "POST",
            "/api/v1/services/x/rollback",
            "/api/v1/services/{name}/rollback",
            r#"{"revision":1}"#,
        ),
        ("POST", "/api/v1/services/x/stop?wait=true", "/api/v1/services/{name}/stop", ""),
        ("POST", "/api/v1/services/x/stop", "/api/v1/services/{name}/stop", ""),
        ("POST", "/api/v1/services/x/start?dry_run=true", "/api/v1/services/{name}/start", ""),
        ("POST", "/api/v1/services/x/start", "/api/v1/services/{name}/start", ""),
        ("POST", "/api/v1/services/nothing/start", "/api/v1/services/{name}/start", ""),
        ("DELETE", "/api/v1/services/x", "/api/v1/services/{name}", ""),
        (
            "POST",
            "/api/v1/emergency/terminate",
            "/api/v1/emergency/terminate",
            r#"{"scope":"service","service":"x"}"#,
        ),
        ("DELETE", "/api/v1/services/x?dry_run=true", "/api/v1/services/{name}", ""),
        ("DELETE", "/api/v1/services/x", "/api/v1/services/{name}", ""),
        ("DELETE", "/api/v1/processes/1", "/api/v1/processes/{pid}", ""),
        ("DELETE", "/api/v1/processes/7", "/api/v1/processes/{pid}", ""),
        ("POST", "/api/v1/sessions", "/api/v1/sessions", r#"{"token":"viewer-token"}"#),
        ("POST", "/api/v1/sessions", "/api/v1/sessions", r#"{"token":"guess"}"#),
        ("DELETE", "/api/v1/sessions", "/api/v1/sessions", ""),
        ("POST", "/api/v1/system/shutdown", "/api/v1/system/shutdown", ""),
        ("POST", "/api/v1/system/reboot", "/api/v1/system/reboot", ""),
    ] {
        let mut request = request(method, path, ADMINISTRATOR);
        if !body.is_empty() {
            request = request.json(body);
        }
        expect_described(&document, method, route, &request.send(&app));
    }
    let plain = post("/api/v1/processes").body(b"x").send(&app);
    expect_described(&document, "POST", "/api/v1/processes", &plain);
}
