//! What each endpoint does, in words and schemas.

use serde_json::{Value, json};

use crate::server::Endpoint;
use crate::types::OperationKind;

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
    /// A document, or with `dry_run=true` a plan.
    JsonOrPlan(&'static str),
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

/// What the name of a service looks like.
pub(super) const SERVICE_NAME: &str = "^[a-z0-9]([a-z0-9-]*[a-z0-9])?$";

/// What a change that goes on may answer.
const BEGUN: &[(u16, Answer)] =
    &[(200, Answer::JsonOrPlan("Operation")), (202, Answer::Json("Operation"))];
/// What a change of a service may be refused with.
const REFUSED: &[u16] = &[404, 409, 412, 422, 503, 504, 507];

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
        Endpoint::Services => read(
            "services",
            "List services by their names",
            &[(200, Answer::Page("Service"))],
        ),
        Endpoint::RegisterService => read(
            "register_service",
            "Register a service",
            &[(200, Answer::Json("ServicePlan")), (201, Answer::Json("Service"))],
        )
        .taking("Service")
        .headers(&["Idempotency-Key"])
        .failing(REFUSED),
        Endpoint::Service => {
            read("service", "One service", &[(200, Answer::Json("Service"))]).failing(&[404])
        }
        Endpoint::UpdateService => read(
            "update_service",
            "Replace a service's document",
            &[(200, Answer::JsonOrPlan("Service"))],
        )
        .taking("Service")
        .headers(&["If-Match"])
        .failing(REFUSED),
        Endpoint::UnregisterService => read(
            "unregister_service",
            "Forget a service that is stopped",
            &[(200, Answer::Json("ServicePlan")), GONE],
        )
        .headers(&["If-Match"])
        .failing(REFUSED),
        Endpoint::ControlService(kind) => {
            let (id, summary) = control(kind);
            read(id, summary, BEGUN).headers(&["If-Match"]).failing(REFUSED)
        }
        Endpoint::ScaleService => read("scale_service", "Change the number of instances", BEGUN)
            .taking("ScaleRequest")
            .headers(&["If-Match"])
            .failing(REFUSED),
        Endpoint::RollBackService => read(
            "roll_back_service",
            "Go back to an earlier document",
            &[(200, Answer::JsonOrPlan("Service"))],
        )
        .taking("RollbackRequest")
        .headers(&["If-Match"])
        .failing(REFUSED),
        Endpoint::ServiceInstances => read(
            "service_instances",
            "Instances of a service",
            &[(200, Answer::Page("ServiceInstance"))],
        )
        .failing(&[404]),
        Endpoint::ServiceHealth => read(
            "service_health",
            "Health of a service, with its history",
            &[(200, Answer::Json("ServiceHealth"))],
        )
        .failing(&[404]),
        Endpoint::ServiceDependencies => read(
            "service_dependencies",
            "Whom a service uses, and who uses it",
            &[(200, Answer::Json("ServiceDependencies"))],
        )
        .failing(&[404]),
        Endpoint::ServiceOutput => read(
            "service_output",
            "Lines that the processes of a service wrote",
            &[(200, Answer::PageOrEvents("ServiceLine"))],
        )
        .headers(&["Last-Event-ID"])
        .failing(&[404, 503]),
        Endpoint::ResolveService => read(
            "resolve_service",
            "An instance, chosen as for a connection",
            &[(200, Answer::Json("Resolved"))],
        )
        .failing(&[404, 409, 503]),
        Endpoint::ExplainService => read(
            "explain_service",
            "Why a service is as it is, and what to do",
            &[(200, Answer::Json("ServiceExplanation"))],
        )
        .failing(&[404]),
        Endpoint::ServiceVersions => read(
            "service_versions",
            "The last documents of a service, the newest first",
            &[(200, Answer::Page("ServiceRevision"))],
        )
        .failing(&[404]),
        Endpoint::ServiceDifference => read(
            "service_difference",
            "What changed from one document of a service to another",
            &[(200, Answer::Json("ServiceDifference"))],
        )
        .failing(&[404]),
        Endpoint::ServiceGraph => read(
            "service_graph",
            "All services and the edges between them",
            &[(200, Answer::Json("ServiceGraph"))],
        ),
        Endpoint::Operation => {
            read("operation", "What a 202 started", &[(200, Answer::Json("Operation"))])
                .failing(&[404])
        }
        Endpoint::EmergencyTerminate => read(
            "emergency_terminate",
            "End one process, one service, or all that are not the system's, whatever state they are in",
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

/// Name and summary of what needs nothing but a service's name.
const fn control(kind: OperationKind) -> (&'static str, &'static str) {
    match kind {
        OperationKind::Start => ("start_service", "Start a service, with what it needs"),
        OperationKind::Stop => ("stop_service", "Stop a service, with what needs it"),
        OperationKind::Restart => {
            ("restart_service", "Replace the instances, one after the other if there are several")
        }
        OperationKind::Reload => ("reload_service", "Let a service read its settings again"),
        OperationKind::Pause => ("pause_service", "Suspend the processes of a service"),
        OperationKind::Resume => ("resume_service", "Let the processes of a service go on"),
        OperationKind::Enable => ("enable_service", "Let a service be started, at boot too"),
        _ => ("disable_service", "Stop a service, and keep it from being started"),
    }
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
        504 => "It took too long",
        _ => "No room left, or not ready",
    }
}
