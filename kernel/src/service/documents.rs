//! Documents in the API's words, and in the manager's.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use admin_api::types::{
    BalanceStrategy, Class, ConditionKind, Dependency, FieldError, HealthCheck, HealthKind,
    Isolation, Priority, ReadyWhen, ReloadRule, RestartPolicy, RestartRule, Service,
    ServiceCondition, ServiceGroup, ServiceKind, ServiceLimits, ServicePort, Signal, StartRule,
    StopRule, SupervisionStrategy, Text,
};
use service_core as core_words;
use service_core::{BadVersion, Document};

use super::confined;

/// The value of the one enumeration that has the same word in the other.
pub(super) fn same<A: Copy, B: Copy>(
    value: A,
    name: fn(A) -> &'static str,
    all: fn(&str) -> Option<B>,
    else_: B,
) -> B {
    all(name(value)).unwrap_or(else_)
}

fn texts(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.as_str().to_string()).collect()
}

fn text(text: &str) -> Text {
    String::from(text).into()
}

fn to_texts(texts: &[String]) -> Vec<Text> {
    texts.iter().map(|string| text(string)).collect()
}

fn milliseconds(ms: u64) -> u32 {
    u32::try_from(ms).unwrap_or(u32::MAX)
}

/// The document that the API means.
///
/// # Errors
/// The fields that have no meaning here.
pub fn document_of(service: &Service) -> Result<Document, Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: String, message: String| errors.push(FieldError { field, message });
    let version = service.version.as_str().parse().unwrap_or_else(|error: BadVersion| {
        wrong("version".into(), format!("{error}"));
        core_words::Version::ZERO
    });
    let mut document =
        Document::new(&service.name, service.program.as_deref().unwrap_or(""), version);
    document.description = service.description.as_str().into();
    document.kind =
        same(service.kind, ServiceKind::name, core_words::Kind::from_name, document.kind);
    document.tags = texts(&service.tags);
    document.args = texts(&service.args);
    document.env =
        service.env.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    document.cwd = service.cwd.as_str().into();
    document.user = Some(service.user.as_str().into());
    document.priority =
        same(service.priority, Priority::name, core_words::Priority::from_name, document.priority);
    document.class = same(service.class, Class::name, core_words::Class::from_name, document.class);
    document.isolation = same(
        service.isolation,
        Isolation::name,
        core_words::Isolation::from_name,
        core_words::Isolation::Process,
    );
    if let Some(sandbox) = &service.sandbox {
        confined::unknown_calls(sandbox).for_each(|(field, message)| wrong(field, message));
        document.sandbox = Some(confined::from_request(sandbox));
    }
    document.enabled = service.enabled;
    document.instances = service.instances;
    document.port = service.port.as_ref().map(|port| core_words::Port {
        listen: port.listen,
        strategy: same(
            port.strategy,
            BalanceStrategy::name,
            core_words::Strategy::from_name,
            core_words::Strategy::RoundRobin,
        ),
        weights: port.weights.clone(),
    });
    for (index, dependency) in service.dependencies.iter().enumerate() {
        let version = dependency.version.as_deref().unwrap_or("*");
        let version = version.parse().unwrap_or_else(|error: BadVersion| {
            wrong(format!("dependencies.{index}.version"), format!("{error}"));
            core_words::Requirement::any()
        });
        document.dependencies.push(core_words::Dependency {
            service: dependency.service.as_str().into(),
            required: dependency.required,
            version,
            timeout_ms: dependency.timeout_ms.into(),
        });
    }
    document.conflicts = texts(&service.conflicts);
    document.after = texts(&service.after);
    document.conditions = service.conditions.iter().map(condition).collect();
    if let Some(group) = &service.group {
        document.members = texts(&group.members);
        document.supervision = same(
            group.strategy,
            SupervisionStrategy::name,
            core_words::Supervision::from_name,
            document.supervision,
        );
    }
    document.limits = quotas(&service.limits);
    document.start = core_words::Start {
        ready_when: same(
            service.start.ready_when,
            ReadyWhen::name,
            core_words::ReadyWhen::from_name,
            core_words::ReadyWhen::Running,
        ),
        timeout_ms: service.start.timeout_ms.into(),
    };
    let codes = &service.restart.success_codes;
    if let Some(index) = codes.iter().position(|code| u8::try_from(*code).is_err()) {
        wrong(format!("restart.success_codes.{index}"), "must be 0 to 255".into());
    }
    document.restart = restart(&service.restart);
    document.health = service.health.as_ref().map(probe);
    document.readiness = service.readiness.as_ref().map(probe);
    document.reload = service.reload.map(|reload| reload.signal.to_string());
    document.stop = core_words::Stop {
        signal: service.stop.signal.to_string(),
        grace_ms: service.stop.grace_ms.into(),
        drain_ms: service.stop.drain_ms.into(),
    };
    if errors.is_empty() { Ok(document) } else { Err(errors) }
}

fn condition(condition: &ServiceCondition) -> core_words::Condition {
    core_words::Condition {
        kind: same(
            condition.kind,
            ConditionKind::name,
            core_words::ConditionKind::from_name,
            core_words::ConditionKind::PathExists,
        ),
        path: condition.path.as_str().into(),
    }
}

fn quotas(limits: &ServiceLimits) -> core_words::Quotas {
    core_words::Quotas {
        memory_bytes: limits.memory_bytes,
        processes: limits.processes,
        open_files: limits.open_files,
        cpu_percent: limits.cpu_percent,
        read_bytes_per_second: limits.read_bytes_per_second,
        write_bytes_per_second: limits.write_bytes_per_second,
    }
}

fn restart(rule: &RestartRule) -> core_words::Restart {
    let default = core_words::Restart::default();
    core_words::Restart {
        policy: same(
            rule.policy,
            RestartPolicy::name,
            core_words::RestartPolicy::from_name,
            default.policy,
        ),
        delay_ms: rule.delay_ms.into(),
        max_delay_ms: rule.max_delay_ms.into(),
        max_restarts: rule.max_restarts,
        window_ms: rule.window_ms.into(),
        reset_after_ms: rule.reset_after_ms.into(),
        success_codes: rule
            .success_codes
            .iter()
            .filter_map(|code| u8::try_from(*code).ok())
            .collect(),
    }
}

fn probe(check: &HealthCheck) -> core_words::Probe {
    let kind = same(
        check.kind,
        HealthKind::name,
        core_words::ProbeKind::from_name,
        core_words::ProbeKind::Alive,
    );
    core_words::Probe {
        port: check.port,
        path: check.path.as_deref().unwrap_or("/").into(),
        command: texts(&check.command),
        interval_ms: check.interval_ms.into(),
        timeout_ms: check.timeout_ms.into(),
        healthy_after: check.healthy_after,
        unhealthy_after: check.unhealthy_after,
        ..core_words::Probe::new(kind)
    }
}

/// The manager's document in the API's words.
#[must_use]
pub fn from_document(document: &Document) -> Service {
    let mut service = Service::named(text(&document.name));
    service.description = text(&document.description);
    service.kind =
        same(document.kind, core_words::Kind::name, ServiceKind::from_name, service.kind);
    service.version = document.version.to_string().into();
    service.tags = to_texts(&document.tags);
    service.program = (!document.program.is_empty()).then(|| text(&document.program));
    service.args = to_texts(&document.args);
    service.env = document.env.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    service.cwd = text(&document.cwd);
    service.user = text(document.user.as_deref().unwrap_or("root"));
    service.priority =
        same(document.priority, core_words::Priority::name, Priority::from_name, service.priority);
    service.class = same(document.class, core_words::Class::name, Class::from_name, service.class);
    service.isolation = same(
        document.isolation,
        core_words::Isolation::name,
        Isolation::from_name,
        Isolation::Process,
    );
    service.sandbox = document.sandbox.as_ref().map(confined::to_request);
    service.enabled = document.enabled;
    service.instances = document.instances;
    service.port = document.port.as_ref().map(|port| ServicePort {
        listen: port.listen,
        strategy: same(
            port.strategy,
            core_words::Strategy::name,
            BalanceStrategy::from_name,
            BalanceStrategy::RoundRobin,
        ),
        weights: port.weights.clone(),
    });
    service.dependencies = document.dependencies.iter().map(from_dependency).collect();
    service.conflicts = to_texts(&document.conflicts);
    service.after = to_texts(&document.after);
    service.conditions = document
        .conditions
        .iter()
        .map(|condition| ServiceCondition {
            kind: same(
                condition.kind,
                core_words::ConditionKind::name,
                ConditionKind::from_name,
                ConditionKind::PathExists,
            ),
            path: text(&condition.path),
        })
        .collect();
    service.limits = ServiceLimits {
        memory_bytes: document.limits.memory_bytes,
        processes: document.limits.processes,
        open_files: document.limits.open_files,
        cpu_percent: document.limits.cpu_percent,
        read_bytes_per_second: document.limits.read_bytes_per_second,
        write_bytes_per_second: document.limits.write_bytes_per_second,
    };
    service.start = StartRule {
        ready_when: same(
            document.start.ready_when,
            core_words::ReadyWhen::name,
            ReadyWhen::from_name,
            ReadyWhen::Running,
        ),
        timeout_ms: milliseconds(document.start.timeout_ms),
    };
    service.restart = from_restart(&document.restart);
    service.health = document.health.as_ref().map(from_probe);
    service.readiness = document.readiness.as_ref().map(from_probe);
    service.reload = document.reload.as_deref().map(|name| ReloadRule { signal: signal(name) });
    service.stop = StopRule {
        signal: signal(&document.stop.signal),
        grace_ms: milliseconds(document.stop.grace_ms),
        drain_ms: milliseconds(document.stop.drain_ms),
    };
    service.group = (!document.members.is_empty()).then(|| ServiceGroup {
        strategy: same(
            document.supervision,
            core_words::Supervision::name,
            SupervisionStrategy::from_name,
            SupervisionStrategy::OneForOne,
        ),
        members: to_texts(&document.members),
    });
    service
}

fn from_dependency(dependency: &core_words::Dependency) -> Dependency {
    let version = dependency.version.to_string();
    Dependency {
        service: text(&dependency.service),
        required: dependency.required,
        version: (version != "*").then(|| version.into()),
        timeout_ms: milliseconds(dependency.timeout_ms),
    }
}

fn from_restart(restart: &core_words::Restart) -> RestartRule {
    RestartRule {
        policy: same(
            restart.policy,
            core_words::RestartPolicy::name,
            RestartPolicy::from_name,
            RestartPolicy::OnFailure,
        ),
        delay_ms: milliseconds(restart.delay_ms),
        max_delay_ms: milliseconds(restart.max_delay_ms),
        max_restarts: restart.max_restarts,
        window_ms: milliseconds(restart.window_ms),
        reset_after_ms: milliseconds(restart.reset_after_ms),
        success_codes: restart.success_codes.iter().map(|code| i32::from(*code)).collect(),
    }
}

fn from_probe(probe: &core_words::Probe) -> HealthCheck {
    let kind =
        same(probe.kind, core_words::ProbeKind::name, HealthKind::from_name, HealthKind::Alive);
    HealthCheck {
        path: (probe.kind == core_words::ProbeKind::Http).then(|| text(&probe.path)),
        port: probe.port,
        command: to_texts(&probe.command),
        interval_ms: milliseconds(probe.interval_ms),
        timeout_ms: milliseconds(probe.timeout_ms),
        healthy_after: probe.healthy_after,
        unhealthy_after: probe.unhealthy_after,
        ..HealthCheck::of_kind(kind)
    }
}

fn signal(name: &str) -> Signal {
    name.parse().unwrap_or(Signal::TERM)
}
