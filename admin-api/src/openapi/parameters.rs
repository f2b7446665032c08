//! Query parameters, in words and schemas.

use serde_json::{Value, json};

use crate::server::Route;
use crate::types::{
    Class, EventKind, LogLevel, OutputStream, Priority, ProcessState, ServiceKind, ServiceState,
};

/// A query parameter; each name means the same on all routes.
pub(super) fn query_parameter(route: &Route, name: &str) -> Value {
    let number =
        |least: u64, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let words = |words: std::vec::Vec<&'static str>| json!({ "type": "array", "items": { "type": "string", "enum": words } });
    let text = || json!({ "type": "string" });
    let is_service = route.path.starts_with("/api/v1/services");
    let (description, schema) = match name {
        "state" if is_service => (
            "States, with commas between them.",
            words(ServiceState::ALL.iter().map(|word| word.name()).collect()),
        ),
        "kind" if is_service => (
            "Kinds of services, with commas between them.",
            words(ServiceKind::ALL.iter().map(|word| word.name()).collect()),
        ),
        "tag" => ("Tags that a service must have, with commas between them.", text()),
        "wait" if is_service => (
            "Answer when the operation has ended; when it fails, its error.",
            json!({ "type": "boolean" }),
        ),
        "timeout_ms" => ("How long `wait` waits; else 60000.", number(1, 600_000)),
        "dry_run" => ("Answer the plan of it, and change nothing.", json!({ "type": "boolean" })),
        "stream" => (
            "Streams, with commas between them.",
            words(OutputStream::ALL.iter().map(|word| word.name()).collect()),
        ),
        "instance" => (
            "Numbers of instances, with commas between them.",
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX } }),
        ),
        "search" => ("What lines must contain, in any case of letters.", text()),
        "from" => ("The earlier revision.", number(1, u64::MAX)),
        "to" => ("The later revision.", number(1, u64::MAX)),
        "limit" => ("Items of a page; else 100.", number(1, 1000)),
        "cursor" => ("The `next_cursor` of the page before.", text()),
        "sort" => ("A field; with `-` before it the order falls.", text()),
        "state" => (
            "States, with commas between them.",
            words(ProcessState::ALL.iter().map(|word| word.name()).collect()),
        ),
        "class" => (
            "Classes, with commas between them.",
            words(Class::ALL.iter().map(|word| word.name()).collect()),
        ),
        "priority" => (
            "Priorities, with commas between them.",
            words(Priority::ALL.iter().map(|word| word.name()).collect()),
        ),
        "kind" => (
            "Kinds of events, with commas between them.",
            words(EventKind::ALL.iter().map(|word| word.name()).collect()),
        ),
        "level" => (
            "Levels, with commas between them.",
            words(LogLevel::ALL.iter().map(|word| word.name()).collect()),
        ),
        "user" => ("Names or numbers of users, with commas between them.", text()),
        "name" => ("A name, in which `*` stands for any characters.", text()),
        "service" => ("Names of services, with commas between them.", text()),
        "parent_pid" => (
            "Numbers of parents, with commas between them; 0 for who has none.",
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX } }),
        ),
        "tree" => (
            "Each process right before its children, in place of `sort`.",
            json!({ "type": "boolean" }),
        ),
        "collapsed" => (
            "With `tree`: processes whose descendants are left out, with commas between them.",
            json!({ "type": "array", "items": { "type": "integer", "minimum": 0, "maximum": u32::MAX } }),
        ),
        "source" => ("What wrote the lines, with commas between them.", text()),
        "mode" => (
            "`graceful` (the default) sends SIGTERM, and SIGKILL after the grace period.",
            json!({ "type": "string", "enum": ["graceful", "force"] }),
        ),
        "permissions" => (
            "Permissions of what is made, as an octal number; else 644, and 755 for a directory.",
            json!({ "type": "string", "pattern": "^[0-7]{1,4}$" }),
        ),
        "grace_ms" => ("The grace period; else 5000.", number(0, 600_000)),
        "max_bytes" => ("Most bytes of output; else 65536.", number(4, 65_536)),
        "offset" => ("Where to begin; else at the oldest byte kept.", number(0, u64::MAX)),
        "after" => ("Only what has a higher sequence number.", number(0, u64::MAX)),
        "wait" => ("Answer when the process has ended.", json!({ "type": "boolean" })),
        _ => ("Go on as server-sent events.", json!({ "type": "boolean" })),
    };
    let mut parameter =
        json!({ "name": name, "in": "query", "description": description, "schema": schema });
    if schema_is_list(&parameter) {
        parameter["style"] = "form".into();
        parameter["explode"] = false.into();
    }
    parameter
}

fn schema_is_list(parameter: &Value) -> bool {
    parameter["schema"]["type"] == "array"
}
