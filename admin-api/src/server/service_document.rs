//! Reading the document of a service: every wrong field is named.
//!
//! Here is what can be said without knowing the system. Whether versions and dependencies fit is for the
//! service manager, which the kernel hands the result.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::types::{
    BalanceStrategy, Class, Dependency, FieldError, HealthCheck, HealthKind, Isolation, ReadyWhen,
    ReloadRule, RestartRule, Service, ServiceCondition, ServiceGroup, ServiceKind, ServiceLimits,
    ServicePort, Signal, StartRule, StopRule, SupervisionStrategy, Text,
};

use super::documents::sandbox;
use super::fields::Fields;
use super::json::to_json;
use super::refusal::Refusal;

/// Longest document that is read.
pub(crate) const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// Most instances of a service.
pub(crate) const MAX_INSTANCES: u32 = 1024;
/// Most items of a list in a document.
const MAX_ITEMS: usize = 256;
/// Longest text in a document: a path, an argument.
const MAX_TEXT_BYTES: usize = 4096;
/// Longest time: a day.
const MAX_MS: u32 = 86_400_000;
/// Names that stand for something else in paths of the API.
const RESERVED: [&str; 1] = ["graph"];

/// Reads a document as it is kept in the image and as `POST /services` takes it.
///
/// # Errors
/// The fields that are wrong; one with an empty name when it is no JSON, or no object.
pub fn read_service(document: &[u8]) -> Result<Service, Vec<FieldError>> {
    if document.len() > MAX_DOCUMENT_BYTES {
        let message = format!("is too long, at most {MAX_DOCUMENT_BYTES} bytes");
        return Err([FieldError { field: String::new(), message }].into());
    }
    let fields = Fields::parse(document).map_err(Refusal::into_errors)?;
    read_fields(fields)
}

/// Writes a document as [`read_service`] reads it, without what is the system's.
#[must_use]
pub fn write_service(document: &Service) -> Vec<u8> {
    let document = Service { revision: None, status: None, ..document.clone() };
    to_json(&document)
}

/// Whether this can be the name of a service.
#[must_use]
pub fn is_service_name(name: &str) -> bool {
    let is_inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(is_inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !RESERVED.contains(&name)
}

/// Reads the body of a request.
///
/// # Errors
/// 400 when it is no JSON, 422 with the wrong fields.
pub(crate) fn service(body: &[u8]) -> Result<Service, Refusal> {
    read_fields(Fields::parse(body)?).map_err(Refusal::invalid_configuration)
}

fn read_fields(mut fields: Fields) -> Result<Service, Vec<FieldError>> {
    let name = name_of(&mut fields, "name", true).unwrap_or_default();
    let mut service = Service::named(name);
    service.description = text(&mut fields, "description").unwrap_or_default();
    service.kind = fields.optional("kind").unwrap_or(ServiceKind::User);
    service.version = text(&mut fields, "version").unwrap_or(service.version);
    service.tags = texts(&mut fields, "tags");
    if let Some(index) = service.tags.iter().position(|tag| !is_tag(tag)) {
        fields.error(
            &format!("tags.{index}"),
            "must have 1 to 63 bytes, none of them a comma or a space",
        );
    }
    program(&mut fields, &mut service);
    service.cwd = text(&mut fields, "cwd").unwrap_or(service.cwd);
    fields.check(service.cwd.starts_with('/'), "cwd", "must be an absolute path");
    service.user = text(&mut fields, "user").unwrap_or(service.user);
    fields.check(!service.user.is_empty(), "user", "must not be empty");
    service.priority = fields.optional("priority").unwrap_or(service.priority);
    service.class = fields.optional("class").unwrap_or(service.class);
    fields.check(service.class != Class::System, "class", "system is for the kernel's own threads");
    let (isolation, sandbox) = sandbox::read(&mut fields);
    service.isolation = match &sandbox {
        Some(_) => Isolation::Sandbox,
        None => isolation.unwrap_or(service.isolation),
    };
    service.sandbox = sandbox;
    if service.kind == ServiceKind::Group && service.isolation == Isolation::Sandbox {
        fields.error("isolation", "a group has no processes");
    }
    service.enabled = fields.optional("enabled").unwrap_or(true);
    service.instances = fields.number_u32("instances", 1, MAX_INSTANCES).unwrap_or(1);
    service.port = port(&mut fields);
    service.dependencies = dependencies(&mut fields, &service.name);
    service.after = names(&mut fields, "after", &service.name);
    service.conflicts = names(&mut fields, "conflicts", &service.name);
    service.conditions = conditions(&mut fields);
    service.limits = limits(&mut fields);
    service.restart = restart(&mut fields);
    let has_port = service.port.is_some();
    service.health = check(&mut fields, "health", has_port);
    service.readiness = check(&mut fields, "readiness", has_port);
    let has_check = service.health.is_some() || service.readiness.is_some();
    service.start = start(&mut fields, has_check);
    service.reload = reload(&mut fields);
    service.stop = stop(&mut fields);
    service.group = group(&mut fields, &service);
    fields.ignore("revision");
    fields.ignore("status");
    let errors = fields.into_errors();
    if errors.is_empty() { Ok(service) } else { Err(errors) }
}

fn text(fields: &mut Fields, field: &str) -> Option<Text> {
    let text: Text = fields.optional(field)?;
    let is_fine = text.len() <= MAX_TEXT_BYTES && !text.contains('\0');
    fields.check(is_fine, field, "must have at most 4096 bytes, none of them NUL");
    Some(text)
}

fn texts(fields: &mut Fields, field: &str) -> Vec<Text> {
    let texts: Vec<Text> = fields.optional(field).unwrap_or_default();
    fields.check(texts.len() <= MAX_ITEMS, field, "has too many items, at most 256");
    let is_wrong = |text: &Text| text.len() > MAX_TEXT_BYTES || text.contains('\0');
    if let Some(index) = texts.iter().position(is_wrong) {
        let message = "must have at most 4096 bytes, none of them NUL";
        fields.error(&format!("{field}.{index}"), message);
    }
    texts
}

fn is_tag(tag: &Text) -> bool {
    (1..=63).contains(&tag.len())
        && !tag.contains(|character: char| {
            character == ',' || character.is_whitespace() || character.is_control()
        })
}

const NAME_RULE: &str =
    "must have 1 to 63 of a-z, 0-9 and -, begin and end with none of -, and not be graph";

fn name_of(fields: &mut Fields, field: &str, is_required: bool) -> Option<Text> {
    let name: Option<Text> =
        if is_required { fields.required(field) } else { fields.optional(field) };
    if let Some(name) = &name {
        fields.check(is_service_name(name), field, NAME_RULE);
    }
    name
}

fn names(fields: &mut Fields, field: &str, own: &Text) -> Vec<Text> {
    let names = texts(fields, field);
    for (index, name) in names.iter().enumerate() {
        let at = format!("{field}.{index}");
        fields.check(is_service_name(name), &at, NAME_RULE);
        fields.check(name != own, &at, "is the service itself");
        fields.check(!names[..index].contains(name), &at, "is given twice");
    }
    names
}

fn program(fields: &mut Fields, service: &mut Service) {
    service.program = text(fields, "program");
    service.args = texts(fields, "args");
    let env: BTreeMap<String, Text> = fields.optional("env").unwrap_or_default();
    fields.check(env.len() <= MAX_ITEMS, "env", "has too many items, at most 256");
    for (name, value) in &env {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']) && name.len() <= 256;
        let is_value = !value.contains('\0') && value.len() <= MAX_TEXT_BYTES;
        if !is_name || !is_value {
            let shown: String = name.chars().take(64).collect();
            let message = "names must not be empty or contain =, and nothing may contain NUL";
            fields.error(&format!("env.{shown}"), message);
        }
    }
    service.env = env;
    match (&service.program, service.kind) {
        (Some(_), ServiceKind::Group) => fields.error("program", "a group has none"),
        (None, ServiceKind::Group) => {}
        (None, _) if fields.has_error("program") => {}
        (None, _) => fields.error("program", "is missing"),
        (Some(program), _) => {
            let is_path = program.starts_with('/');
            fields.check(is_path, "program", "must be an absolute path");
        }
    }
}

fn port(fields: &mut Fields) -> Option<ServicePort> {
    let mut inner = fields.object("port")?;
    if !inner.has("listen") {
        inner.error("listen", "is missing");
    }
    let listen = inner.number("listen", 1, 65_535);
    let strategy = inner.optional("strategy").unwrap_or(BalanceStrategy::RoundRobin);
    let weights: Vec<u32> = inner.optional("weights").unwrap_or_default();
    inner.check(
        weights.is_empty() || strategy == BalanceStrategy::Weighted,
        "weights",
        "are for the strategy weighted only",
    );
    inner.check(weights.len() <= MAX_ITEMS, "weights", "has too many items, at most 256");
    if let Some(index) = weights.iter().position(|weight| !(1..=1000).contains(weight)) {
        inner.error(&format!("weights.{index}"), "must be from 1 to 1000");
    }
    fields.take_errors("port", inner);
    let listen = u16::try_from(listen?).ok()?;
    Some(ServicePort { listen, strategy, weights })
}

fn dependencies(fields: &mut Fields, own: &Text) -> Vec<Dependency> {
    let mut dependencies: Vec<Dependency> = Vec::new();
    for (index, mut inner) in fields.objects("dependencies", MAX_ITEMS).into_iter().enumerate() {
        let service = name_of(&mut inner, "service", true).unwrap_or_default();
        let is_own = !service.is_empty() && service == *own;
        inner.check(!is_own, "service", "is the service itself");
        let is_new = dependencies.iter().all(|known| known.service != service);
        inner.check(is_new, "service", "is given twice");
        let required = inner.optional("required").unwrap_or(true);
        let version = text(&mut inner, "version");
        let timeout_ms = inner.number_u32("timeout_ms", 1, MAX_MS).unwrap_or(30_000);
        fields.take_errors(&format!("dependencies.{index}"), inner);
        dependencies.push(Dependency { service, required, version, timeout_ms });
    }
    dependencies
}

fn conditions(fields: &mut Fields) -> Vec<ServiceCondition> {
    let mut conditions = Vec::new();
    for (index, mut inner) in fields.objects("conditions", MAX_ITEMS).into_iter().enumerate() {
        let kind = inner.required("kind");
        let path: Option<Text> = inner.required("path");
        let is_path = path.as_ref().is_none_or(|path| path.starts_with('/'));
        inner.check(is_path, "path", "must be an absolute path");
        fields.take_errors(&format!("conditions.{index}"), inner);
        if let (Some(kind), Some(path)) = (kind, path) {
            conditions.push(ServiceCondition { kind, path });
        }
    }
    conditions
}

fn limits(fields: &mut Fields) -> ServiceLimits {
    const MOST_BYTES: u64 = 1 << 47;
    let Some(mut inner) = fields.object("limits") else { return ServiceLimits::default() };
    let limits = ServiceLimits {
        memory_bytes: inner.number("memory_bytes", 64 * 1024, MOST_BYTES),
        processes: inner.number_u32("processes", 1, 1 << 22),
        open_files: inner.number_u32("open_files", 1, 1 << 20),
        cpu_percent: inner.number_u32("cpu_percent", 1, 1_000_000),
        read_bytes_per_second: inner.number("read_bytes_per_second", 1, MOST_BYTES),
        write_bytes_per_second: inner.number("write_bytes_per_second", 1, MOST_BYTES),
    };
    fields.take_errors("limits", inner);
    limits
}

fn restart(fields: &mut Fields) -> RestartRule {
    let usual = RestartRule::default();
    let Some(mut inner) = fields.object("restart") else { return usual };
    let rule = RestartRule {
        policy: inner.optional("policy").unwrap_or(usual.policy),
        delay_ms: inner.number_u32("delay_ms", 1, MAX_MS).unwrap_or(usual.delay_ms),
        max_delay_ms: inner.number_u32("max_delay_ms", 1, MAX_MS).unwrap_or(usual.max_delay_ms),
        max_restarts: inner.number_u32("max_restarts", 0, 1_000_000).unwrap_or(usual.max_restarts),
        window_ms: inner.number_u32("window_ms", 1, MAX_MS).unwrap_or(usual.window_ms),
        reset_after_ms: inner
            .number_u32("reset_after_ms", 1, MAX_MS)
            .unwrap_or(usual.reset_after_ms),
        success_codes: inner.optional("success_codes").unwrap_or(usual.success_codes),
    };
    if !inner.has_error("delay_ms") && !inner.has_error("max_delay_ms") {
        let is_ordered = rule.delay_ms <= rule.max_delay_ms;
        inner.check(is_ordered, "max_delay_ms", "must not be below delay_ms");
    }
    let has_room = rule.success_codes.len() <= MAX_ITEMS;
    inner.check(has_room, "success_codes", "has too many items, at most 256");
    fields.take_errors("restart", inner);
    rule
}

fn check(fields: &mut Fields, field: &str, has_port: bool) -> Option<HealthCheck> {
    let mut inner = fields.object(field)?;
    let kind: Option<HealthKind> = inner.required("kind");
    let mut check = HealthCheck::of_kind(kind.unwrap_or(HealthKind::Alive));
    check.path = text(&mut inner, "path");
    check.port = inner.number("port", 1, 65_535).and_then(|port| u16::try_from(port).ok());
    check.command = texts(&mut inner, "command");
    check.interval_ms = inner.number_u32("interval_ms", 10, MAX_MS).unwrap_or(check.interval_ms);
    check.timeout_ms = inner.number_u32("timeout_ms", 1, MAX_MS).unwrap_or(check.timeout_ms);
    check.healthy_after = inner.number_u32("healthy_after", 1, 1000).unwrap_or(1);
    check.unhealthy_after = inner.number_u32("unhealthy_after", 1, 1000).unwrap_or(3);
    let is_http = kind.is_none_or(|kind| kind == HealthKind::Http);
    inner.check(check.path.is_none() || is_http, "path", "is for the kind http only");
    let is_path = check.path.as_ref().is_none_or(|path| {
        path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic())
    });
    inner.check(is_path, "path", "must begin with / and have printable ASCII only");
    let is_network = kind.is_none_or(|kind| matches!(kind, HealthKind::Http | HealthKind::Tcp));
    inner.check(check.port.is_none() || is_network, "port", "is for the kinds tcp and http only");
    let needs_port = matches!(kind, Some(HealthKind::Http | HealthKind::Tcp));
    if needs_port && check.port.is_none() && !has_port && !inner.has_error("port") {
        inner.error("port", "is missing, and the service has no port of its own");
    }
    let is_command = kind.is_none_or(|kind| kind == HealthKind::Command);
    inner.check(check.command.is_empty() || is_command, "command", "is for the kind command only");
    if kind == Some(HealthKind::Command) {
        let is_path = check.command.first().is_some_and(|program| program.starts_with('/'));
        inner.check(is_path, "command", "must begin with the absolute path of a program");
    }
    fields.take_errors(field, inner);
    kind.map(|_| check)
}

fn start(fields: &mut Fields, has_check: bool) -> StartRule {
    let usual = if has_check { ReadyWhen::Healthy } else { ReadyWhen::Running };
    let Some(mut inner) = fields.object("start") else {
        return StartRule { ready_when: usual, ..StartRule::default() };
    };
    let ready_when = inner.optional("ready_when").unwrap_or(usual);
    let has_cause = ready_when != ReadyWhen::Healthy || has_check;
    inner.check(has_cause, "ready_when", "is healthy, and there is neither health nor readiness");
    let timeout_ms = inner.number_u32("timeout_ms", 1, MAX_MS).unwrap_or(30_000);
    fields.take_errors("start", inner);
    StartRule { ready_when, timeout_ms }
}

fn reload(fields: &mut Fields) -> Option<ReloadRule> {
    let mut inner = fields.object("reload")?;
    let signal: Option<Signal> = inner.required("signal");
    let is_catchable = signal.is_none_or(|signal| signal != Signal::KILL && signal != Signal::STOP);
    inner.check(is_catchable, "signal", "can't be caught");
    fields.take_errors("reload", inner);
    Some(ReloadRule { signal: signal? })
}

fn stop(fields: &mut Fields) -> StopRule {
    let usual = StopRule::default();
    let Some(mut inner) = fields.object("stop") else { return usual };
    let rule = StopRule {
        signal: inner.optional("signal").unwrap_or(usual.signal),
        grace_ms: inner.number_u32("grace_ms", 0, 600_000).unwrap_or(usual.grace_ms),
        drain_ms: inner.number_u32("drain_ms", 0, 600_000).unwrap_or(usual.drain_ms),
    };
    fields.take_errors("stop", inner);
    rule
}

fn group(fields: &mut Fields, service: &Service) -> Option<ServiceGroup> {
    let is_group = service.kind == ServiceKind::Group;
    if is_group && !fields.has("group") {
        fields.error("group", "is missing; a group has members");
    }
    let mut inner = fields.object("group")?;
    let strategy = inner.optional("strategy").unwrap_or(SupervisionStrategy::OneForOne);
    let members = names(&mut inner, "members", &service.name);
    inner.check(!members.is_empty(), "members", "must name at least one service");
    fields.take_errors("group", inner);
    fields.check(is_group, "group", "is for the kind group only");
    Some(ServiceGroup { strategy, members })
}
