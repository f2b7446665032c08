//! The table of routes: what exists, who may use it, and what it takes.
//!
//! Matching, authorisation, the `Allow` header of a 405, the check of query parameters, the OpenAPI
//! document and the tests all read [`ROUTES`]; a route that is not in it does not exist.

use crate::types::{OperationKind, Role};

/// A request method that some route has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads; HEAD is answered alike, without the body.
    Get,
    /// Creates or does.
    Post,
    /// Makes or replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Removes.
    Delete,
}

impl Method {
    /// The method's name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    fn matches(self, name: &str) -> bool {
        self.name() == name || (self == Self::Get && name == "HEAD")
    }
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everyone.
    Open,
    /// Whoever has this role or a higher one.
    Role(Role),
}

/// What a route takes as body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRule {
    /// None.
    None,
    /// JSON of at most this many bytes.
    Json {
        /// The bound.
        max_bytes: usize,
    },
    /// Any bytes, of any length, which are not collected.
    Bytes,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Liveness.
    Health,
    /// Readiness.
    Readiness,
    /// OpenMetrics.
    Metrics,
    /// The OpenAPI document.
    OpenApi,
    /// Begin a session.
    SignIn,
    /// The current session.
    CurrentSession,
    /// End the current session.
    SignOut,
    /// The system.
    System,
    /// Switch off.
    Shutdown,
    /// Start again.
    Reboot,
    /// All CPUs.
    Cpus,
    /// One CPU.
    Cpu,
    /// Memory.
    Memory,
    /// NUMA nodes.
    Numa,
    /// Interrupts.
    Interrupts,
    /// Network.
    Network,
    /// List processes.
    Processes,
    /// Create a process.
    CreateProcess,
    /// One process.
    Process,
    /// Change a process.
    PatchProcess,
    /// Terminate a process.
    TerminateProcess,
    /// Send a signal.
    SignalProcess,
    /// Suspend.
    SuspendProcess,
    /// Resume.
    ResumeProcess,
    /// Output of a process.
    ProcessOutput,
    /// Threads of a process.
    ProcessThreads,
    /// Memory of a process.
    ProcessMemoryMap,
    /// What a process does about signals.
    ProcessSignals,
    /// Descriptors of a process.
    ProcessFiles,
    /// Sockets of a process.
    ProcessSockets,
    /// All sockets.
    Sockets,
    /// Children of a process.
    ProcessChildren,
    /// List services.
    Services,
    /// Register a service.
    RegisterService,
    /// One service.
    Service,
    /// Replace a service's document.
    UpdateService,
    /// Forget a service.
    UnregisterService,
    /// Start, stop and the like.
    ControlService(OperationKind),
    /// Change the number of instances.
    ScaleService,
    /// Go back to an earlier document.
    RollBackService,
    /// Instances of a service.
    ServiceInstances,
    /// Health of a service.
    ServiceHealth,
    /// Whom a service uses, and who uses it.
    ServiceDependencies,
    /// Lines that a service wrote.
    ServiceOutput,
    /// An instance for a connection.
    ResolveService,
    /// Why a service does not run.
    ExplainService,
    /// Documents of a service.
    ServiceVersions,
    /// What changed between two of them.
    ServiceDifference,
    /// All services and their edges.
    ServiceGraph,
    /// One operation.
    Operation,
    /// End processes whatever state they are in.
    EmergencyTerminate,
    /// A file's contents, or a directory's entries.
    GetFile,
    /// Make or replace a file, or make a directory.
    PutFile,
    /// Remove a file or an empty directory.
    DeleteFile,
    /// Events.
    Events,
    /// Log lines.
    Logs,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: Method,
    /// The path; at most one segment is a parameter in braces.
    pub path: &'static str,
    /// Who may use it.
    pub access: Access,
    /// What it takes as body.
    pub body: BodyRule,
    /// The query parameters it knows.
    pub parameters: &'static [&'static str],
    /// What it does.
    pub endpoint: Endpoint,
}

const VIEWER: Access = Access::Role(Role::Viewer);
const OPERATOR: Access = Access::Role(Role::Operator);
const ADMINISTRATOR: Access = Access::Role(Role::Administrator);

/// Largest JSON body of a request that needs only a few words.
const SMALL_BODY: BodyRule = BodyRule::Json { max_bytes: 4 * 1024 };
/// Largest JSON body of all; what a process may get as arguments and environment.
const LARGE_BODY: BodyRule = BodyRule::Json { max_bytes: 64 * 1024 };

/// What every change of a service knows.
const CHANGE: &[&str] = &["wait", "timeout_ms", "dry_run"];

const fn control(path: &'static str, kind: OperationKind) -> Route {
    post(path, Endpoint::ControlService(kind), OPERATOR, BodyRule::None).with(CHANGE)
}

const fn get(path: &'static str, endpoint: Endpoint, access: Access) -> Route {
    Route { method: Method::Get, path, access, body: BodyRule::None, parameters: &[], endpoint }
}

const fn post(path: &'static str, endpoint: Endpoint, access: Access, body: BodyRule) -> Route {
    Route { method: Method::Post, path, access, body, parameters: &[], endpoint }
}

impl Route {
    const fn with(self, parameters: &'static [&'static str]) -> Self {
        Self { parameters, ..self }
    }

    /// Compares a path with this route's; the parameter is empty when the route has none.
    fn matches_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        let Some((before, rest)) = self.path.split_once('{') else {
            return (self.path == path).then_some("");
        };
        let (name, after) = rest.split_once('}')?;
        // A path of a file goes to the end, with its slashes, and may be the root's.
        if name == "path" {
            return path.strip_prefix(before);
        }
        let parameter = path.strip_prefix(before)?.strip_suffix(after)?;
        (!parameter.is_empty() && !parameter.contains('/')).then_some(parameter)
    }
}

/// Every route.
pub const ROUTES: &[Route] = &[
    get("/healthz", Endpoint::Health, Access::Open),
    get("/readyz", Endpoint::Readiness, Access::Open),
    get("/metrics", Endpoint::Metrics, VIEWER),
    get("/api/v1/openapi.json", Endpoint::OpenApi, VIEWER),
    post("/api/v1/sessions", Endpoint::SignIn, Access::Open, SMALL_BODY),
    get("/api/v1/sessions", Endpoint::CurrentSession, VIEWER),
    Route {
        method: Method::Delete,
        path: "/api/v1/sessions",
        access: VIEWER,
        body: BodyRule::None,
        parameters: &[],
        endpoint: Endpoint::SignOut,
    },
    get("/api/v1/system", Endpoint::System, VIEWER),
    post("/api/v1/system/shutdown", Endpoint::Shutdown, ADMINISTRATOR, BodyRule::None),
    post("/api/v1/system/reboot", Endpoint::Reboot, ADMINISTRATOR, BodyRule::None),
    get("/api/v1/cpus", Endpoint::Cpus, VIEWER).with(&["limit", "cursor"]),
    get("/api/v1/cpus/{id}", Endpoint::Cpu, VIEWER),
    get("/api/v1/memory", Endpoint::Memory, VIEWER),
    get("/api/v1/numa", Endpoint::Numa, VIEWER),
    get("/api/v1/interrupts", Endpoint::Interrupts, VIEWER).with(&["limit", "cursor"]),
    get("/api/v1/network", Endpoint::Network, VIEWER),
    get("/api/v1/processes", Endpoint::Processes, VIEWER).with(&[
        "limit",
        "cursor",
        "sort",
        "tree",
        "collapsed",
        "state",
        "class",
        "priority",
        "user",
        "name",
        "service",
        "parent_pid",
    ]),
    post("/api/v1/processes", Endpoint::CreateProcess, OPERATOR, LARGE_BODY),
    get("/api/v1/processes/{pid}", Endpoint::Process, VIEWER),
    Route {
        method: Method::Patch,
        path: "/api/v1/processes/{pid}",
        access: OPERATOR,
        // A set of CPUs may name thousands of them.
        body: LARGE_BODY,
        parameters: &[],
        endpoint: Endpoint::PatchProcess,
    },
    Route {
        method: Method::Delete,
        path: "/api/v1/processes/{pid}",
        access: OPERATOR,
        body: BodyRule::None,
        parameters: &["mode", "grace_ms", "wait"],
        endpoint: Endpoint::TerminateProcess,
    },
    post("/api/v1/processes/{pid}/signals", Endpoint::SignalProcess, OPERATOR, SMALL_BODY),
    post("/api/v1/processes/{pid}/suspend", Endpoint::SuspendProcess, OPERATOR, BodyRule::None),
    post("/api/v1/processes/{pid}/resume", Endpoint::ResumeProcess, OPERATOR, BodyRule::None),
    get("/api/v1/processes/{pid}/output", Endpoint::ProcessOutput, VIEWER).with(&[
        "offset",
        "max_bytes",
        "follow",
    ]),
    get("/api/v1/processes/{pid}/threads", Endpoint::ProcessThreads, VIEWER)
        .with(&["limit", "cursor"]),
    get("/api/v1/processes/{pid}/files", Endpoint::ProcessFiles, VIEWER).with(&["limit", "cursor"]),
    get("/api/v1/processes/{pid}/memory-map", Endpoint::ProcessMemoryMap, VIEWER)
        .with(&["limit", "cursor"]),
    get("/api/v1/processes/{pid}/signals", Endpoint::ProcessSignals, VIEWER),
    get("/api/v1/processes/{pid}/sockets", Endpoint::ProcessSockets, VIEWER)
        .with(&["limit", "cursor"]),
    get("/api/v1/network/sockets", Endpoint::Sockets, VIEWER).with(&["limit", "cursor"]),
    get("/api/v1/processes/{pid}/children", Endpoint::ProcessChildren, VIEWER)
        .with(&["limit", "cursor", "sort"]),
    get("/api/v1/services", Endpoint::Services, VIEWER)
        .with(&["limit", "cursor", "state", "kind", "tag", "name"]),
    post("/api/v1/services", Endpoint::RegisterService, OPERATOR, LARGE_BODY).with(CHANGE),
    get("/api/v1/services/graph", Endpoint::ServiceGraph, VIEWER),
    get("/api/v1/services/{name}", Endpoint::Service, VIEWER),
    Route {
        method: Method::Put,
        path: "/api/v1/services/{name}",
        access: OPERATOR,
        body: LARGE_BODY,
        parameters: CHANGE,
        endpoint: Endpoint::UpdateService,
    },
    Route {
        method: Method::Delete,
        path: "/api/v1/services/{name}",
        access: OPERATOR,
        body: BodyRule::None,
        parameters: CHANGE,
        endpoint: Endpoint::UnregisterService,
    },
    control("/api/v1/services/{name}/start", OperationKind::Start),
    control("/api/v1/services/{name}/stop", OperationKind::Stop),
    control("/api/v1/services/{name}/restart", OperationKind::Restart),
    control("/api/v1/services/{name}/reload", OperationKind::Reload),
    control("/api/v1/services/{name}/pause", OperationKind::Pause),
    control("/api/v1/services/{name}/resume", OperationKind::Resume),
    control("/api/v1/services/{name}/enable", OperationKind::Enable),
    control("/api/v1/services/{name}/disable", OperationKind::Disable),
    Route {
        method: Method::Put,
        path: "/api/v1/services/{name}/instances",
        access: OPERATOR,
        body: SMALL_BODY,
        parameters: CHANGE,
        endpoint: Endpoint::ScaleService,
    },
    post("/api/v1/services/{name}/rollback", Endpoint::RollBackService, OPERATOR, SMALL_BODY)
        .with(CHANGE),
    get("/api/v1/services/{name}/instances", Endpoint::ServiceInstances, VIEWER)
        .with(&["limit", "cursor"]),
    get("/api/v1/services/{name}/health", Endpoint::ServiceHealth, VIEWER),
    get("/api/v1/services/{name}/dependencies", Endpoint::ServiceDependencies, VIEWER),
    get("/api/v1/services/{name}/output", Endpoint::ServiceOutput, VIEWER)
        .with(&["limit", "cursor", "sort", "after", "follow", "stream", "instance", "search"]),
    get("/api/v1/services/{name}/resolve", Endpoint::ResolveService, VIEWER),
    get("/api/v1/services/{name}/explain", Endpoint::ExplainService, VIEWER),
    get("/api/v1/services/{name}/versions", Endpoint::ServiceVersions, VIEWER)
        .with(&["limit", "cursor"]),
    get("/api/v1/services/{name}/diff", Endpoint::ServiceDifference, VIEWER).with(&["from", "to"]),
    get("/api/v1/operations/{id}", Endpoint::Operation, VIEWER),
    post("/api/v1/emergency/terminate", Endpoint::EmergencyTerminate, OPERATOR, SMALL_BODY),
    get("/api/v1/files/{path}", Endpoint::GetFile, ADMINISTRATOR).with(&["limit", "cursor"]),
    Route {
        method: Method::Put,
        path: "/api/v1/files/{path}",
        access: ADMINISTRATOR,
        body: BodyRule::Bytes,
        parameters: &["permissions"],
        endpoint: Endpoint::PutFile,
    },
    Route {
        method: Method::Delete,
        path: "/api/v1/files/{path}",
        access: ADMINISTRATOR,
        body: BodyRule::None,
        parameters: &[],
        endpoint: Endpoint::DeleteFile,
    },
    get("/api/v1/events", Endpoint::Events, VIEWER).with(&["kind", "after"]),
    get("/api/v1/logs", Endpoint::Logs, VIEWER)
        .with(&["limit", "cursor", "sort", "level", "source", "follow", "after"]),
];

/// What a request's method and path lead to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Matched<'p> {
    /// A route, and the parameter in its path.
    Route(&'static Route, &'p str),
    /// The path exists, but not with this method.
    OtherMethods,
    /// There is no such path.
    Nothing,
}

/// Finds the route of a request.
pub(crate) fn find<'p>(method: &str, path: &'p str) -> Matched<'p> {
    let mut exists = false;
    // A path of its own hides one with a parameter.
    let is_own = ROUTES.iter().any(|route| route.path == path);
    for route in ROUTES.iter().filter(|route| !is_own || route.path == path) {
        if let Some(parameter) = route.matches_path(path) {
            if route.method.matches(method) {
                return Matched::Route(route, parameter);
            }
            exists = true;
        }
    }
    if exists { Matched::OtherMethods } else { Matched::Nothing }
}

/// The largest body that any request with this method and path may have; for the gate in front, which
/// refuses a longer one before it is read.
#[must_use]
pub fn max_body_bytes(method: &str, path: &str) -> u64 {
    match find(method, path) {
        Matched::Route(Route { body: BodyRule::Json { max_bytes }, .. }, _) => {
            u64::try_from(*max_bytes).unwrap_or(u64::MAX)
        }
        // What fits is known when it is there; that much can be counted on every machine.
        Matched::Route(Route { body: BodyRule::Bytes, .. }, _) => i64::MAX.unsigned_abs(),
        // Enough that a small body that does not belong there is answered by a clear error.
        _ => 4 * 1024,
    }
}

/// The value of `Allow` for a path that exists.
pub(crate) fn allowed(path: &str) -> alloc::string::String {
    let mut allow = alloc::string::String::new();
    // A path of its own hides one with a parameter.
    let is_own = ROUTES.iter().any(|route| route.path == path);
    let is_here = |route: &&Route| {
        if is_own { route.path == path } else { route.matches_path(path).is_some() }
    };
    for route in ROUTES.iter().filter(is_here) {
        if !allow.is_empty() {
            allow.push_str(", ");
        }
        allow.push_str(route.method.name());
        if route.method == Method::Get {
            allow.push_str(", HEAD");
        }
    }
    allow
}
