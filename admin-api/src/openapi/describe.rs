//! What each endpoint does, in words and schemas.

use serde_json::{Value, json};

use crate::server::Endpoint;
use crate::types::{Class, EventKind, LogLevel, Priority, ProcessState};

/// A good answer's body.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// A document of this schema.
    Json(&'static str),
    /// A page of this schema.
    Page(&'static str),
    /// Some document.
    AnyJson,
    /// Text of this type.
    Text(&'static str),
    /// A page, or a stream with `follow=true`.
    PageOrEvents(&'static str),
    /// A document, or a stream with `follow=true`.
    JsonOrEvents(&'static str),
    /// A page, or any bytes.
    PageOrBytes(&'static str),
    /// None.
    Nothing,
}

/// What an endpoint does.
pub(super) struct Description {
    pub(super) id: &'static str,
    pub(super) summary: &'static str,
    /// Schema of the body.
    pub(super) request: Option<&'static str>,
    /// Headers that it looks at.
    pub(super) headers: &'static [&'static str],
    /// Good answers by status.
    pub(super) answers: &'static [(u16, Answer)],
    /// Statuses of its own errors, beyond those that all routes of its kind have.
    pub(super) errors: &'static [u16],
}

const fn read(
    id: &'static str,
    summary: &'static str,
    answers: &'static [(u16, Answer)],
) -> Description {
    Description { id, summary, request: None, headers: &[], answers, errors: &[] }
}

impl Description {
    const fn taking(self, schema: &'static str) -> Self {
        Self { request: Some(schema), ..self }
    }

    const fn headers(self, headers: &'static [&'static str]) -> Self {
        Self { headers, ..self }
    }

    const fn failing(self, errors: &'static [u16]) -> Self {
        Self { errors, ..self }
    }
}

const PROCESS: (u16, Answer) = (200, Answer::Json("Process"));
const GONE: (u16, Answer) = (204, Answer::Nothing);

/// What an endpoint does.
pub(super) const fn describe(endpoint: Endpoint) -> Description {
    match endpoint {
        Endpoint::Health => {
            read("health", "Whether the server answers", &[(200, Answer::Json("Health"))])
        }
        Endpoint::Readiness => read(
            "readiness",
            "Whether the system does all that it is meant to",
            &[(200, Answer::Json("Health"))],
        )
        .failing(&[503]),
        Endpoint::Metrics => read(
            "metrics",
            "Figures as OpenMetrics",
            &[(200, Answer::Text("application/openmetrics-text"))],
        ),
        Endpoint::OpenApi => read("openapi", "This document", &[(200, Answer::AnyJson)]),
        Endpoint::SignIn => read("sign_in", "Begin a session", &[(201, Answer::Json("Session"))])
            .taking("SessionRequest")
            .failing(&[401, 429]),
        Endpoint::CurrentSession => {
            read("current_session", "Who is signed in", &[(200, Answer::Json("Session"))])
        }
        Endpoint::SignOut => read("sign_out", "End the session", &[GONE]),
        Endpoint::System => {
            read("system", "The system as a whole", &[(200, Answer::Json("System"))])
        }
        Endpoint::Shutdown => read(
            "shutdown",
            "Stop everything and switch off",
            &[(202, Answer::Json("PowerAnswer"))],
        )
        .failing(&[409, 500]),
        Endpoint::Reboot => {
            read("reboot", "Stop everything and start again", &[(202, Answer::Json("PowerAnswer"))])
                .failing(&[409, 500])
        }
        Endpoint::Cpus => read("cpus", "All CPUs", &[(200, Answer::Page("Cpu"))]),
        Endpoint::Cpu => read("cpu", "One CPU", &[(200, Answer::Json("Cpu"))]).failing(&[404]),
        Endpoint::Memory => read("memory", "Memory", &[(200, Answer::Json("Memory"))]),
        Endpoint::Numa => read("numa", "NUMA nodes", &[(200, Answer::Json("Numa"))]),
        Endpoint::Interrupts => {
            read("interrupts", "Interrupts by vector", &[(200, Answer::Page("InterruptLine"))])
        }
        Endpoint::Network => read("network", "The network", &[(200, Answer::Json("Network"))]),
        Endpoint::Processes => {
            read("processes", "List processes", &[(200, Answer::Page("Process"))])
        }
        Endpoint::CreateProcess => {
            read("create_process", "Start a program", &[(201, Answer::Json("Process"))])
                .taking("CreateProcess")
                .headers(&["Idempotency-Key"])
                .failing(&[500])
        }
        Endpoint::Process => read("process", "One process", &[PROCESS]).failing(&[404]),
        Endpoint::PatchProcess => {
            read("patch_process", "Change priority, class, nice value, CPUs or limits", &[PROCESS])
                .taking("ProcessPatch")
                .headers(&["If-Match"])
                .failing(&[404, 409, 412])
        }
        Endpoint::TerminateProcess => read(
            "terminate_process",
            "Terminate a process",
            &[PROCESS, (202, Answer::Json("Process")), GONE],
        )
        .headers(&["If-Match"])
        .failing(&[404, 409, 412]),
        Endpoint::SignalProcess => read("signal_process", "Send a signal", &[PROCESS, GONE])
            .taking("SignalRequest")
            .headers(&["If-Match"])
            .failing(&[404, 409, 412]),
        Endpoint::SuspendProcess => read("suspend_process", "Suspend a process", &[PROCESS, GONE])
            .headers(&["If-Match"])
            .failing(&[404, 409, 412]),
        Endpoint::ResumeProcess => {
            read("resume_process", "Let a suspended process go on", &[PROCESS, GONE])
                .headers(&["If-Match"])
                .failing(&[404, 409, 412])
        }
        Endpoint::ProcessThreads => {
            read("process_threads", "Threads of a process", &[(200, Answer::Page("Thread"))])
                .failing(&[404])
        }
        Endpoint::ProcessFiles => {
            read("process_files", "Descriptors of a process", &[(200, Answer::Page("OpenFile"))])
                .failing(&[404, 503])
        }
        Endpoint::ProcessMemoryMap => read(
            "process_memory_map",
            "Areas of a process's memory, by address",
            &[(200, Answer::Page("MemoryArea"))],
        )
        .failing(&[404, 503]),
        Endpoint::ProcessSignals => read(
            "process_signals",
            "What a process does about signals",
            &[(200, Answer::Json("ProcessSignals"))],
        )
        .failing(&[404]),
        Endpoint::ProcessSockets => {
            read("process_sockets", "Sockets of a process", &[(200, Answer::Page("Socket"))])
                .failing(&[404])
        }
        Endpoint::Sockets => {
            read("sockets", "All sockets, with their owners", &[(200, Answer::Page("Socket"))])
        }
        Endpoint::ProcessChildren => {
            read("process_children", "Children of a process", &[(200, Answer::Page("Process"))])
                .failing(&[404, 503])
        }
        Endpoint::EmergencyTerminate => read(
            "emergency_terminate",
            "End one process, or all that are not the system's, whatever state they are in",
            &[(200, Answer::Json("EmergencyResult"))],
        )
        .taking("EmergencyRequest")
        .failing(&[404, 409]),
        Endpoint::ProcessOutput => read(
            "process_output",
            "What a process wrote",
            &[(200, Answer::JsonOrEvents("ProcessOutput"))],
        )
        .headers(&["Last-Event-ID"])
        .failing(&[404, 503]),
        Endpoint::GetFile => read(
            "get_file",
            "A file's contents, or a directory's entries",
            &[(200, Answer::PageOrBytes("FileEntry"))],
        )
        .failing(&[404, 409, 422]),
        Endpoint::PutFile => read(
            "put_file",
            "Make or replace a file; with a slash at the end, make a directory",
            &[(201, Answer::Nothing), GONE],
        )
        .failing(&[404, 409, 422, 503, 507]),
        Endpoint::DeleteFile => read("delete_file", "Remove a file or an empty directory", &[GONE])
            .failing(&[404, 409, 422]),
        Endpoint::Events => {
            read("events", "Events as they happen", &[(200, Answer::Text("text/event-stream"))])
                .headers(&["Last-Event-ID"])
                .failing(&[503])
        }
        Endpoint::Logs => read("logs", "The log", &[(200, Answer::PageOrEvents("LogLine"))])
            .headers(&["Last-Event-ID"])
            .failing(&[503]),
    }
}

/// A query parameter; each name means the same on all routes.
pub(super) fn query_parameter(name: &str) -> Value {
    let number =
        |least: u64, most: u64| json!({ "type": "integer", "minimum": least, "maximum": most });
    let words = |words: std::vec::Vec<&'static str>| json!({ "type": "array", "items": { "type": "string", "enum": words } });
    let text = || json!({ "type": "string" });
    let (description, schema) = match name {
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

/// What a header may hold.
pub(super) fn header_schema(name: &str) -> Value {
    match name {
        "Idempotency-Key" => {
            json!({ "type": "string", "pattern": "^[!-~]+$", "maxLength": 255 })
        }
        "Last-Event-ID" => json!({ "type": "integer", "minimum": 0, "maximum": u64::MAX }),
        _ => json!({ "type": "string" }),
    }
}

fn schema_is_list(parameter: &Value) -> bool {
    parameter["schema"]["type"] == "array"
}

/// A status in words.
pub(super) const fn status_name(status: u16) -> &'static str {
    match status {
        200 => "Done",
        201 => "Created",
        202 => "Begun",
        204 => "Done, and there is nothing to show",
        400 => "Malformed request",
        401 => "Not authenticated",
        403 => "Not allowed",
        404 => "Not found",
        409 => "The state forbids it",
        412 => "Changed since",
        413 => "Body too long",
        415 => "Not JSON",
        422 => "A value is wrong",
        429 => "Too many attempts",
        500 => "It failed inside the system",
        _ => "No room left, or not ready",
    }
}
