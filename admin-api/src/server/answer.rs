//! From a request to its [`Reply`]: route, credentials, role, body, handler, audit.

use alloc::format;
use alloc::vec::Vec;
use core::net::SocketAddr;

use picoserve::Timer;
use picoserve::io::Read;
use picoserve::request::{Headers, RequestBodyConnection};

use crate::backend::{AuditRecord, Backend};
use crate::types::{Health, HealthStatus, PowerAction};

use super::authentication::Identity;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::{Body, JSON, Reply};
use super::route::{self, BodyRule, Endpoint, Matched, Method, Route};
use super::{App, Assets, assets, metrics};

/// The head of a request.
#[derive(Clone, Copy)]
pub(crate) struct Head<'r> {
    pub(crate) method: &'r str,
    pub(crate) path: &'r str,
    pub(crate) query: &'r str,
    pub(crate) headers: Headers<'r>,
    pub(crate) peer: SocketAddr,
}

impl<'r> Head<'r> {
    /// A header's value, if it is there and UTF-8.
    pub(crate) fn header(&self, name: &str) -> Option<&'r str> {
        self.headers.get(name)?.as_str().ok().map(str::trim)
    }

    /// A cookie's value.
    pub(crate) fn cookie(&self, name: &str) -> Option<&'r str> {
        self.header("cookie")?
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(other, _)| *other == name)
            .map(|(_, value)| value)
    }

    /// Whether the answer is to have no body.
    pub(crate) fn is_head(&self) -> bool {
        self.method == "HEAD"
    }
}

impl<B: Backend, A: Assets> App<B, A> {
    /// Answers a request.
    ///
    /// # Errors
    /// Only when the connection fails while the body is read.
    pub(crate) async fn answer<R: Read, Runtime>(
        &self,
        head: &Head<'_>,
        connection: &mut RequestBodyConnection<'_, R>,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, R::Error> {
        let (route, parameter) = match route::find(head.method, head.path) {
            Matched::Route(route, parameter) => (route, parameter),
            Matched::OtherMethods => {
                let allow = route::allowed(head.path);
                return Ok(Refusal::method_not_allowed(head.method, allow).into_reply(head.path));
            }
            Matched::Nothing => return Ok(self.asset(head)),
        };
        let identity = match self.authorise(route, head) {
            Ok(identity) => identity,
            Err(refusal) => {
                let is_attempt = head.header("authorization").is_some();
                let reply = refusal.into_reply(head.path);
                if is_attempt || route.method != Method::Get {
                    self.record(head, None, &reply);
                }
                return Ok(reply);
            }
        };
        if let (Endpoint::PutFile, Some(identity)) = (route.endpoint, &identity) {
            let query = Query::parse(head.query, route.parameters);
            let result = self.put_file(parameter, query, identity, connection).await?;
            let reply = result.unwrap_or_else(|refusal| refusal.into_reply(head.path));
            self.record(head, Some(identity), &reply);
            return Ok(reply);
        }
        let result = match read_body(route, head, connection).await? {
            Ok(body) => {
                let request = Request { head, parameter, body: &body, identity: identity.as_ref() };
                self.handle(route, &request, timer).await
            }
            Err(refusal) => Err(refusal),
        };
        let reply = result.unwrap_or_else(|refusal| refusal.into_reply(head.path));
        if route.method != Method::Get {
            self.record(head, identity.as_ref(), &reply);
        }
        Ok(reply)
    }

    /// A file of the console, or a refusal: nothing else has this path.
    fn asset(&self, head: &Head<'_>) -> Reply {
        let accepts_html = head.header("accept").is_some_and(|types| types.contains("text/html"));
        let Some(asset) = assets::find(&self.assets, head.path, accepts_html) else {
            return Refusal::no_such_path().into_reply(head.path);
        };
        if head.method != "GET" && !head.is_head() {
            return Refusal::method_not_allowed(head.method, "GET, HEAD".into())
                .into_reply(head.path);
        }
        assets::reply(&asset, head.header("if-none-match"))
    }

    /// Writes a change, or the attempt, into the audit log.
    fn record(&self, head: &Head<'_>, identity: Option<&Identity>, reply: &Reply) {
        let user =
            identity.map(|identity| identity.caller.user.as_str()).or(reply.actor.as_deref());
        self.backend.audit(&AuditRecord {
            at: self.backend.now(),
            user,
            address: head.peer,
            action: &format!("{} {}", head.method, head.path),
            status: reply.status,
            error: reply.error.as_deref(),
        });
    }

    async fn handle<Runtime>(
        &self,
        route: &Route,
        request: &Request<'_>,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, Refusal> {
        let query = Query::parse(request.head.query, route.parameters)?;
        let backend = &self.backend;
        let Some(identity) = request.identity else {
            return match route.endpoint {
                Endpoint::SignIn => self.sign_in(request.head, request.body),
                Endpoint::Readiness => match backend.readiness() {
                    Ok(()) => Ok(Reply::json(200, &Health { status: HealthStatus::Ok })),
                    Err(missing) => Err(Refusal::not_ready(missing)),
                },
                Endpoint::Health => Ok(Reply::json(200, &Health { status: HealthStatus::Ok })),
                // Every other route has a role, so that it is not reached without an identity.
                _ => Err(Refusal::credentials_missing()),
            };
        };
        match route.endpoint {
            Endpoint::SignIn | Endpoint::Health | Endpoint::Readiness => {
                // Open routes have no identity, and were answered above.
                Err(Refusal::no_such_path())
            }
            Endpoint::CurrentSession => self.current_session(identity),
            Endpoint::SignOut => Ok(self.sign_out(identity)),
            Endpoint::Metrics => {
                let bytes = metrics::render(backend).into_bytes();
                let body = Body::Owned { content_type: metrics::CONTENT_TYPE, bytes };
                Ok(Reply::new(200, body))
            }
            Endpoint::OpenApi => {
                let body = Body::Static { content_type: JSON, bytes: self.openapi };
                Ok(Reply::new(200, body))
            }
            Endpoint::System => Ok(Reply::json(200, &backend.system())),
            Endpoint::Shutdown => self.power(identity, PowerAction::Shutdown),
            Endpoint::Reboot => self.power(identity, PowerAction::Reboot),
            Endpoint::Cpus => self.cpus(&query),
            Endpoint::Cpu => self.cpu(request.parameter),
            Endpoint::Memory => Ok(Reply::json(200, &backend.memory())),
            Endpoint::Numa => Ok(Reply::json(200, &backend.numa())),
            Endpoint::Interrupts => self.interrupts(&query),
            Endpoint::Network => Ok(Reply::json(200, &backend.network())),
            Endpoint::Processes => self.processes(&query).await,
            Endpoint::CreateProcess => self.create_process(request, identity),
            Endpoint::Process => self.process(request, identity),
            Endpoint::ProcessThreads => self.process_threads(request, &query),
            Endpoint::ProcessSignals => self.process_signals(request),
            Endpoint::ProcessFiles => self.process_files(request, &query),
            Endpoint::ProcessMemoryMap => self.process_memory_map(request, &query),
            Endpoint::ProcessSockets => self.process_sockets(request, &query),
            Endpoint::Sockets => self.sockets(&query),
            Endpoint::ProcessChildren => self.process_children(request, &query).await,
            Endpoint::Services => self.services(identity, &query).await,
            Endpoint::RegisterService => {
                self.register_service(request, identity, &query, timer).await
            }
            Endpoint::Service => self.service(request, identity),
            Endpoint::UpdateService
            | Endpoint::UnregisterService
            | Endpoint::ControlService(_)
            | Endpoint::ScaleService
            | Endpoint::RollBackService => {
                self.change_service(route.endpoint, request, identity, &query, timer).await
            }
            Endpoint::ServiceInstances => self.service_instances(request, &query),
            Endpoint::ServiceHealth
            | Endpoint::ServiceDependencies
            | Endpoint::ResolveService
            | Endpoint::ExplainService
            | Endpoint::ServiceGraph => self.service_part(route.endpoint, request),
            Endpoint::ServiceOutput => self.service_output(request, identity, &query).await,
            Endpoint::ServiceVersions => self.service_versions(request, identity, &query),
            Endpoint::ServiceDifference => self.service_difference(request, identity, &query),
            Endpoint::Operation => self.operation(request),
            Endpoint::EmergencyTerminate => {
                self.emergency_terminate(request, identity, timer).await
            }
            Endpoint::PatchProcess => self.patch_process(request, identity),
            Endpoint::TerminateProcess => {
                self.terminate_process(request, identity, &query, timer).await
            }
            Endpoint::SignalProcess => self.signal_process(request, identity),
            Endpoint::SuspendProcess => self.suspend_process(request, identity),
            Endpoint::ResumeProcess => self.resume_process(request, identity),
            Endpoint::ProcessOutput => self.process_output(request, identity, &query),
            Endpoint::GetFile => self.get_file(request.parameter, &query),
            Endpoint::DeleteFile => self.delete_file(request.parameter, identity),
            // Answered before its body was read.
            Endpoint::PutFile => Err(Refusal::no_such_path()),
            Endpoint::Events => self.events(request, identity, &query),
            Endpoint::Logs => self.logs(request, identity, &query).await,
        }
    }
}

/// A request that was let through.
pub(crate) struct Request<'r> {
    pub(crate) head: &'r Head<'r>,
    /// The parameter in the path.
    pub(crate) parameter: &'r str,
    pub(crate) body: &'r [u8],
    /// Who sent it; `None` on open routes.
    pub(crate) identity: Option<&'r Identity>,
}

/// Reads the body that a route takes.
async fn read_body<R: Read>(
    route: &Route,
    head: &Head<'_>,
    connection: &mut RequestBodyConnection<'_, R>,
) -> Result<Result<Vec<u8>, Refusal>, R::Error> {
    let length = connection.content_length();
    let max_bytes = match route.body {
        BodyRule::None if length == 0 => return Ok(Ok(Vec::new())),
        // Bytes are not collected: their route reads them itself.
        BodyRule::None | BodyRule::Bytes => return Ok(Err(Refusal::unexpected_body())),
        BodyRule::Json { max_bytes } => max_bytes,
    };
    if length > max_bytes {
        return Ok(Err(Refusal::body_too_long(max_bytes)));
    }
    if !is_json(head.header("content-type").unwrap_or_default(), route.method) {
        return Ok(Err(Refusal::media_type()));
    }
    let mut body = Vec::new();
    if body.try_reserve_exact(length).is_err() {
        return Ok(Err(Refusal::out_of_memory()));
    }
    body.resize(length, 0);
    let mut reader = connection.body().reader();
    let mut filled = 0;
    while filled < length {
        match reader.read(&mut body[filled..]).await? {
            0 => return Ok(Err(Refusal::body_cut_short())),
            read => filled += read,
        }
    }
    Ok(Ok(body))
}

/// Whether a type is JSON in UTF-8; for PATCH also a merge patch (RFC 7396), which it is.
fn is_json(content_type: &str, method: Method) -> bool {
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_type = |name: &str| media_type.trim().eq_ignore_ascii_case(name);
    let is_utf8 = parameters.split(';').map(str::trim).all(|parameter| {
        parameter.is_empty()
            || parameter.eq_ignore_ascii_case("charset=utf-8")
            || parameter.eq_ignore_ascii_case("charset=\"utf-8\"")
    });
    let is_media_type = is_type("application/json")
        || (method == Method::Patch && is_type("application/merge-patch+json"));
    is_media_type && is_utf8
}
