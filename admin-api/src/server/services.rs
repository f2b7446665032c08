//! Handlers of services: reading them, and changing them with or without waiting.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::future::poll_fn;

use picoserve::Timer;
use picoserve::time::Duration;

use crate::backend::{Backend, ServiceChange, ServiceError};
use crate::types::{
    Operation, OperationKind, OperationState, Page, Role, Service, ServiceKind, ServiceState, Text,
};

use super::answer::Request;
use super::assets::names_tag;
use super::authentication::Identity;
use super::idempotency::{Known, Made, key_of};
use super::json::to_json;
use super::process_filter::matches_pattern;
use super::query::Query;
use super::refusal::Refusal;
use super::reply::{Body, JSON, Reply};
use super::route::Endpoint;
use super::yielding::yield_now;
use super::{App, Assets, documents, service_document};

/// `wait=true` waits for so long unless the request says otherwise.
const WAIT_MS: u64 = 60_000;
/// Longest such time.
const MAX_WAIT_MS: u64 = 600_000;
/// Services looked at between two chances for other tasks.
const SCAN_STEP: usize = 64;
/// Stands for the value of a variable that a viewer may not see.
const HIDDEN: &str = "***";

/// The tag of a document: of its revision and of what it says, without what changes by itself.
fn etag(service: &Service) -> String {
    let document = Service { status: None, ..service.clone() };
    // FNV-1a: it only has to tell documents apart that one operator made after the other.
    let hash = to_json(&document).iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("\"{hash:016x}\"")
}

/// Programs are given secrets by their environment; who only reads is not shown them.
fn hide_secrets(service: &mut Service, role: Role) {
    if role < Role::Operator {
        service.env.values_mut().for_each(|value| *value = HIDDEN.into());
    }
}

fn described(status: u16, mut service: Service, role: Role) -> Reply {
    let etag = etag(&service);
    hide_secrets(&mut service, role);
    Reply::json(status, &service).with_header("ETag", etag)
}

fn location(name: &str) -> String {
    format!("/api/v1/services/{name}")
}

/// Which services a list shows. An empty list of words lets everything pass.
struct Filter {
    states: Vec<ServiceState>,
    kinds: Vec<ServiceKind>,
    tags: Vec<String>,
    name: Option<String>,
}

impl Filter {
    fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        Ok(Self {
            states: query.words("state", ServiceState::from_name)?,
            kinds: query.words("kind", ServiceKind::from_name)?,
            tags: query.words("tag", |word| Some(String::from(word)))?,
            name: query.get("name").map(String::from),
        })
    }

    fn matches(&self, service: &Service) -> bool {
        let state = service.status.as_ref().map(|status| status.state);
        (self.states.is_empty() || state.is_some_and(|state| self.states.contains(&state)))
            && (self.kinds.is_empty() || self.kinds.contains(&service.kind))
            && self.tags.iter().all(|tag| service.tags.iter().any(|other| *other == **tag))
            && self.name.as_ref().is_none_or(|pattern| matches_pattern(pattern, &service.name))
    }
}

/// What a change asks for beside itself.
struct Manner {
    is_dry_run: bool,
    is_awaited: bool,
    wait_ms: u64,
}

impl Manner {
    fn parse(query: &Query<'_>) -> Result<Self, Refusal> {
        let is_awaited = query.flag("wait")?;
        let time = query.number("timeout_ms", 1, MAX_WAIT_MS)?;
        if time.is_some() && !is_awaited {
            return Err(Refusal::bad_parameter("timeout_ms", "is for wait=true only"));
        }
        let wait_ms = time.unwrap_or(WAIT_MS);
        Ok(Self { is_dry_run: query.flag("dry_run")?, is_awaited, wait_ms })
    }
}

impl<B: Backend, A: Assets> App<B, A> {
    /// `GET /services`, in the order of their names.
    pub(crate) async fn services(
        &self,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let filter = Filter::parse(query)?;
        let cursor = query.get("cursor");
        if cursor.is_some_and(|cursor| !service_document::is_service_name(cursor)) {
            return Err(Refusal::bad_parameter("cursor", "is not one that this list gave"));
        }
        let (mut items, mut total, mut has_more) = (Vec::new(), 0, false);
        let mut after: Option<Text> = None;
        loop {
            let mut seen = 0;
            let mut last = None;
            self.backend.services_after(after.as_deref(), SCAN_STEP, &mut |service| {
                seen += 1;
                last = Some(service.name.clone());
                if !filter.matches(&service) {
                    return;
                }
                total += 1;
                if cursor.is_some_and(|cursor| service.name.as_str() <= cursor) {
                } else if items.len() < limit {
                    items.push(service);
                } else {
                    has_more = true;
                }
            });
            if seen < SCAN_STEP || last.is_none() {
                break;
            }
            after = last;
            yield_now().await;
        }
        let role = identity.caller.role;
        items.iter_mut().for_each(|service| hide_secrets(service, role));
        let last = items.last().filter(|_| has_more);
        let next_cursor = last.map(|service: &Service| String::from(service.name.as_str()));
        Ok(Reply::json(200, &Page { items, next_cursor, total }))
    }

    /// `GET /services/{name}`.
    pub(crate) fn service(
        &self,
        request: &Request<'_>,
        identity: &Identity,
    ) -> Result<Reply, Refusal> {
        let service = self.backend.service(request.parameter)?;
        Ok(described(200, service, identity.caller.role))
    }

    /// `POST /services`.
    pub(crate) async fn register_service<Runtime>(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, Refusal> {
        let manner = Manner::parse(query)?;
        let key = key_of(request.head)?.filter(|_| !manner.is_dry_run);
        let user = &identity.caller.user;
        let now_ns = self.backend.uptime_ns();
        if let Some(key) = key {
            let known = self.idempotency.borrow().find(user, key, request.body, now_ns);
            match known {
                Known::Nothing => {}
                Known::Made(Made::Service(name)) => return self.registered(&name, identity),
                Known::Made(Made::Process(_)) | Known::OtherRequest => {
                    return Err(Refusal::key_reused());
                }
            }
        }
        let document = service_document::service(request.body)?;
        let name = document.name.clone();
        let change = ServiceChange::Register(document);
        if manner.is_dry_run {
            return Ok(Reply::json(200, &self.backend.plan_service_change(&change)?));
        }
        let id = self.backend.change_service(&identity.caller, change, None).await?;
        if let Some(key) = key {
            let made = Made::Service(name.clone());
            self.idempotency.borrow_mut().remember(user.clone(), key, request.body, made, now_ns);
        }
        if manner.is_awaited {
            self.wait(id, manner.wait_ms, timer).await?;
        }
        self.registered(&name, identity)
    }

    fn registered(&self, name: &Text, identity: &Identity) -> Result<Reply, Refusal> {
        let service = self.backend.service(name)?;
        Ok(described(201, service, identity.caller.role).with_header("Location", location(name)))
    }

    /// Every change of a service that is there.
    pub(crate) async fn change_service<Runtime>(
        &self,
        endpoint: Endpoint,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, Refusal> {
        let manner = Manner::parse(query)?;
        let found = self.backend.service(request.parameter)?;
        let name = found.name.clone();
        let expected = match request.head.header("if-match") {
            None => None,
            Some(tags) if names_tag(tags, &etag(&found)) => found.revision,
            Some(_) => return Err(ServiceError::Stale.into()),
        };
        let change = change(endpoint, name.clone(), request.body)?;
        if manner.is_dry_run {
            return Ok(Reply::json(200, &self.backend.plan_service_change(&change)?));
        }
        let kind = change.kind();
        let id = self.backend.change_service(&identity.caller, change, expected).await?;
        let ended =
            if manner.is_awaited { self.wait(id, manner.wait_ms, timer).await? } else { None };
        match kind {
            // The document itself has changed already.
            OperationKind::Update | OperationKind::Rollback => {
                Ok(described(200, self.backend.service(&name)?, identity.caller.role))
            }
            OperationKind::Unregister => Ok(Reply::empty(204)),
            _ => match ended {
                Some(operation) => Ok(Reply::json(200, &operation)),
                None => {
                    let operation = self.backend.operation(id)?;
                    let location = format!("/api/v1/operations/{id}");
                    Ok(Reply::json(202, &operation).with_header("Location", location))
                }
            },
        }
    }

    /// Waits until an operation has ended; `None` when it has not within the time.
    ///
    /// # Errors
    /// The operation's own, when it failed.
    async fn wait<Runtime>(
        &self,
        id: u64,
        wait_ms: u64,
        timer: &impl Timer<Runtime>,
    ) -> Result<Option<Operation>, Refusal> {
        let ended = poll_fn(|context| self.backend.poll_operation_ended(context, id));
        let time = Duration::from_millis(wait_ms);
        // Whether it ended is read from the operation itself.
        let _ = timer.run_with_timeout(time, ended).await;
        let operation = self.backend.operation(id)?;
        match (operation.state, &operation.error) {
            (OperationState::Running, _) => Ok(None),
            (OperationState::Failed, Some(error)) => Err(Refusal::operation_failed(id, error)),
            _ => Ok(Some(operation)),
        }
    }

    /// `GET /operations/{id}`.
    pub(crate) fn operation(&self, request: &Request<'_>) -> Result<Reply, Refusal> {
        let text = request.parameter;
        let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
        let id = text.parse().ok().filter(|_| is_number);
        let id = id.ok_or_else(|| Refusal::invalid_handle(text))?;
        Ok(Reply::json(200, &self.backend.operation(id)?))
    }

    /// `GET /services/{name}/versions`, the newest first.
    pub(crate) fn service_versions(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let before = query.number("cursor", 0, u64::MAX)?;
        let mut items = self.backend.service_revisions(request.parameter)?;
        let total = u64::try_from(items.len()).unwrap_or(u64::MAX);
        items.retain(|item| before.is_none_or(|before| item.revision < before));
        let has_more = items.len() > limit;
        items.truncate(limit);
        let role = identity.caller.role;
        items.iter_mut().for_each(|item| hide_secrets(&mut item.document, role));
        let next_cursor =
            items.last().filter(|_| has_more).map(|last| format!("{}", last.revision));
        Ok(Reply::json(200, &Page { items, next_cursor, total }))
    }

    /// `GET /services/{name}/diff`.
    pub(crate) fn service_difference(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let revision = |name: &'static str| {
            query
                .number(name, 1, u64::MAX)?
                .ok_or_else(|| Refusal::bad_parameter(name, "is missing"))
        };
        let (from, to) = (revision("from")?, revision("to")?);
        let mut difference = self.backend.service_difference(request.parameter, from, to)?;
        if identity.caller.role < Role::Operator {
            let secret = |field: &Text| field == "env" || field.starts_with("env.");
            for change in difference.changes.iter_mut().filter(|change| secret(&change.field)) {
                for value in [&mut change.before, &mut change.after].into_iter().flatten() {
                    *value = HIDDEN.into();
                }
            }
        }
        Ok(Reply::json(200, &difference))
    }

    /// What is read of a service and has no parameters.
    pub(crate) fn service_part(
        &self,
        endpoint: Endpoint,
        request: &Request<'_>,
    ) -> Result<Reply, Refusal> {
        let (backend, name) = (&self.backend, request.parameter);
        let bytes = match endpoint {
            Endpoint::ServiceHealth => to_json(&backend.service_health(name)?),
            Endpoint::ServiceDependencies => to_json(&backend.service_dependencies(name)?),
            Endpoint::ExplainService => to_json(&backend.explain_service(name)?),
            Endpoint::ResolveService => to_json(&backend.resolve_service(name)?),
            Endpoint::ServiceGraph => to_json(&backend.service_graph()),
            _ => return Err(Refusal::no_such_path()),
        };
        Ok(Reply::new(200, Body::Owned { content_type: JSON, bytes }))
    }

    /// `GET /services/{name}/instances`.
    pub(crate) fn service_instances(
        &self,
        request: &Request<'_>,
        query: &Query<'_>,
    ) -> Result<Reply, Refusal> {
        let limit = usize::try_from(query.limit()?).unwrap_or(usize::MAX);
        let after = query.number("cursor", 0, u32::MAX.into())?;
        let status = self.backend.service(request.parameter)?.status;
        let instances = status.map(|status| status.instances).unwrap_or_default();
        let page = super::process_parts::page_by_number(instances, limit, after, |instance| {
            instance.number.into()
        });
        Ok(Reply::json(200, &page))
    }
}

/// The change that an endpoint asks for.
fn change(endpoint: Endpoint, name: Text, body: &[u8]) -> Result<ServiceChange, Refusal> {
    let kind = match endpoint {
        Endpoint::UpdateService => {
            let document = service_document::service(body)?;
            if document.name != name {
                return Err(Refusal::invalid_configuration(
                    [crate::types::FieldError {
                        field: "name".into(),
                        message: format!("must be {name}, the name in the path"),
                    }]
                    .into(),
                ));
            }
            return Ok(ServiceChange::Update(document));
        }
        Endpoint::RollBackService => {
            return Ok(ServiceChange::Rollback { name, revision: documents::rollback(body)? });
        }
        Endpoint::ScaleService => {
            return Ok(ServiceChange::Scale { name, count: documents::scale(body)? });
        }
        Endpoint::UnregisterService => return Ok(ServiceChange::Unregister { name }),
        Endpoint::ControlService(kind) => kind,
        _ => return Err(Refusal::no_such_path()),
    };
    Ok(ServiceChange::Plain { kind, name })
}
