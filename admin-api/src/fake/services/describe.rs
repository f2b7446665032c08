//! What the fake service manager tells.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::Value;

use crate::fake::state::FakeBackend;
use crate::types::{
    DependencyState, EdgeKind, FieldChange, HealthState, InstanceHealth, Service, ServiceCounts,
    ServiceDependencies, ServiceEdge, ServiceErrorCode, ServiceExplanation, ServiceGraph,
    ServiceHealth, ServiceNode, ServiceReason, ServiceState, ServiceStatus, ServiceUsage, Text,
    Timestamp,
};

use super::graph;
use super::state::{FakeService, FakeServices, count, how};

impl FakeBackend {
    pub(super) fn describe_service(&self, all: &FakeServices, service: &FakeService) -> Service {
        let name = &service.document.name;
        let boot_ms = self.clock.now().unix_ms() - self.clock.uptime_ns() / 1_000_000;
        let boot = Timestamp::from_unix_ms(boot_ms);
        let has_port = service.document.port.is_some();
        let operation = all.operations.iter().rev().find(|(_, operation)| {
            operation.ended_at.is_none() && operation.steps.iter().any(|step| step.service == *name)
        });
        let status = ServiceStatus {
            state: service.state,
            detail: service.detail.clone(),
            since: service.since,
            health: service.health(),
            ready_instances: service.ready_instances(),
            instances: service.instances.iter().map(|one| one.describe(has_port, boot)).collect(),
            restarts: service.restarts,
            last_exit: service.last_exit.map(|(exit, _)| exit),
            last_exit_at: service.last_exit.map(|(_, at)| at),
            last_exit_reason: service.last_exit.map(|(exit, _)| how(exit).into()),
            applied_revision: service.applied_revision,
            operation: operation.map(|(id, _)| *id),
            usage: self.service_usage(name),
        };
        Service { status: Some(status), ..service.document.clone() }
    }

    pub(in crate::fake) fn service_counts(&self) -> ServiceCounts {
        let mut counts = ServiceCounts::default();
        let all = self.services.borrow();
        all.services.values().for_each(|service| counts.add(service.state));
        counts
    }

    fn service_usage(&self, name: &Text) -> ServiceUsage {
        let state = self.state.borrow();
        let mut usage = ServiceUsage::default();
        let is_own = |process: &&crate::types::Process| process.service.as_ref() == Some(name);
        for process in state.processes.values().map(|fake| &fake.process).filter(is_own) {
            usage.processes += 1;
            usage.cpu.user_ns += process.usage.cpu.user_ns;
            usage.cpu.system_ns += process.usage.cpu.system_ns;
            usage.cpu.total_ns += process.usage.cpu.total_ns;
            usage.cpu.percent.0 += process.usage.cpu.percent.0;
            usage.memory_bytes += process.usage.memory.current_bytes;
            usage.peak_memory_bytes += process.usage.memory.peak_bytes;
            usage.open_files += process.usage.open_files;
            usage.io.read_bytes += process.usage.io.read_bytes;
            usage.io.written_bytes += process.usage.io.written_bytes;
        }
        usage
    }
}

impl FakeServices {
    fn is_satisfied(&self, kind: EdgeKind, to: &Text, wanted: Option<&Text>) -> bool {
        let Some(other) = self.services.get(to) else {
            return matches!(kind, EdgeKind::Conflict | EdgeKind::After);
        };
        match kind {
            EdgeKind::Conflict => !other.is_up(),
            _ => {
                other.state == ServiceState::Running
                    && wanted.is_none_or(|wanted| {
                        graph::will_do(wanted, &other.document.version) == Some(true)
                    })
            }
        }
    }

    fn wanted_version(&self, from: &Service, to: &Text) -> Option<Text> {
        let uses = from.dependencies.iter().find(|dependency| dependency.service == *to);
        uses.and_then(|dependency| dependency.version.clone())
    }

    pub(super) fn graph(&self) -> ServiceGraph {
        let documents = self.documents();
        let names: Vec<Text> = self.services.keys().cloned().collect();
        let start_order = graph::levels(&documents, &names, |_| true);
        let level = |name: &Text| {
            count(start_order.iter().position(|names| names.contains(name)).unwrap_or(0))
        };
        let mut graph = ServiceGraph::default();
        for (name, service) in &self.services {
            graph.nodes.push(ServiceNode {
                name: name.clone(),
                kind: service.document.kind,
                state: service.state,
                health: service.health(),
                ready_instances: service.ready_instances(),
                instances: service.document.instances,
                level: level(name),
            });
            for (kind, to) in graph::edges(&service.document) {
                let wanted = self.wanted_version(&service.document, &to);
                let satisfied = self.is_satisfied(kind, &to, wanted.as_ref());
                graph.edges.push(ServiceEdge { from: name.clone(), to, kind, satisfied });
            }
        }
        graph.start_order = start_order;
        graph
    }

    pub(super) fn dependencies(&self, service: &FakeService) -> ServiceDependencies {
        let own = &service.document;
        let state = |from: &Service, kind: EdgeKind, to: &Text, shown: &Text| {
            let wanted_version = self.wanted_version(from, to);
            let other = self.services.get(shown);
            DependencyState {
                service: shown.clone(),
                kind,
                satisfied: self.is_satisfied(kind, to, wanted_version.as_ref()),
                wanted_version,
                found_version: other.map(|other| other.document.version.clone()),
                state: other.map(|other| other.state),
            }
        };
        let uses = graph::edges(own);
        let dependencies = uses.iter().map(|(kind, to)| state(own, *kind, to, to)).collect();
        let others = self.services.values().flat_map(|other| {
            let edges = graph::edges(&other.document).into_iter();
            edges.filter(|(_, to)| *to == own.name).map(|(kind, _)| (kind, &other.document))
        });
        let dependants = others.map(|(kind, other)| state(other, kind, &own.name, &other.name));
        let is_taken =
            |kind| matches!(kind, EdgeKind::Required | EdgeKind::Optional | EdgeKind::Member);
        ServiceDependencies {
            service: own.name.clone(),
            dependencies,
            dependants: dependants.collect(),
            start_order: graph::levels(
                &self.documents(),
                std::slice::from_ref(&own.name),
                is_taken,
            ),
        }
    }

    pub(super) fn explain(&self, service: &FakeService) -> ServiceExplanation {
        let mut chain = Vec::new();
        let mut advice: Vec<Text> = Vec::new();
        let mut at = service;
        while at.state != ServiceState::Running && chain.len() <= self.services.len() {
            let name = &at.document.name;
            let message = match (&at.detail, at.state) {
                (Some(detail), _) => format!("{name} is {}: {detail}", at.state),
                (None, ServiceState::Stopped) => format!("{name} is stopped; nobody started it"),
                (None, state) => format!("{name} is {state}"),
            };
            chain.push(ServiceReason {
                service: name.clone(),
                state: Some(at.state),
                code: at.failure.filter(|_| at.state == ServiceState::Failed),
                message: message.into(),
                since: Some(at.since),
            });
            let is_missing = |name: &Text| {
                self.services.get(name).is_none_or(|one| one.state != ServiceState::Running)
            };
            let needs = at.document.dependencies.iter().filter(|one| one.required);
            let next = needs.map(|one| &one.service).find(|name| is_missing(name));
            let waits = matches!(at.state, ServiceState::Starting)
                || at.failure == Some(ServiceErrorCode::DependencyError);
            match next.filter(|_| waits).map(|name| (name, self.services.get(name))) {
                None => {
                    advice.extend(advise(at));
                    break;
                }
                Some((name, None)) => {
                    let message = format!("there is no service {name}").into();
                    let code = Some(ServiceErrorCode::ServiceNotFound);
                    chain.push(ServiceReason {
                        service: name.clone(),
                        state: None,
                        code,
                        message,
                        since: None,
                    });
                    advice.push(format!("Register {name}.").into());
                    break;
                }
                Some((_, Some(other))) => at = other,
            }
        }
        let summary = match (chain.first(), chain.last()) {
            (Some(_), Some(last)) => format!("{}.", last.message),
            _ => format!("{} runs.", service.document.name),
        };
        ServiceExplanation {
            service: service.document.name.clone(),
            state: service.state,
            summary: summary.into(),
            chain,
            advice,
        }
    }
}

/// What to do about a first cause.
fn advise(service: &FakeService) -> Vec<Text> {
    let name = &service.document.name;
    match (service.state, service.failure) {
        (ServiceState::Failed, Some(ServiceErrorCode::ConfigurationError)) => {
            [format!("Correct the document of {name}.").into()].into()
        }
        (ServiceState::Failed, _) => [
            format!("Read the output of {name}: it says why it ended.").into(),
            format!("Start {name} again when the cause is gone.").into(),
        ]
        .into(),
        (ServiceState::Stopped, _) => [format!("Start {name}.").into()].into(),
        (ServiceState::Disabled, _) => [format!("Enable {name}, then start it.").into()].into(),
        (ServiceState::Paused, _) => [format!("Let {name} go on.").into()].into(),
        _ => Vec::new(),
    }
}

pub(super) fn health(service: &FakeService) -> ServiceHealth {
    let instances = service.instances.iter().map(|one| InstanceHealth {
        instance: one.number,
        health: one.health,
        ready: one.is_ready(),
        good_in_a_row: one.good_in_a_row,
        bad_in_a_row: one.bad_in_a_row,
        good_total: one.good_total,
        bad_total: one.bad_total,
    });
    ServiceHealth {
        service: service.document.name.clone(),
        health: if service.is_up() { service.health() } else { HealthState::Unknown },
        instances: instances.collect(),
        history: service.checks.iter().cloned().collect(),
    }
}

/// The fields that differ between two documents.
pub(super) fn differences(before: &Service, after: &Service) -> Vec<FieldChange> {
    let value = |document: &Service| {
        let document = Service { revision: None, status: None, ..document.clone() };
        serde_json::to_value(document).unwrap_or_default()
    };
    let mut changes = Vec::new();
    differ("", Some(&value(before)), Some(&value(after)), &mut changes);
    changes
}

fn differ(
    path: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    changes: &mut Vec<FieldChange>,
) {
    if before == after {
        return;
    }
    if let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) {
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        for name in names {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            differ(&path, old.get(name), new.get(name), changes);
        }
        return;
    }
    let text = |value: Option<&Value>| value.map(|value| Text::from(value.to_string()));
    let field = String::from(path).into();
    changes.push(FieldChange { field, before: text(before), after: text(after) });
}
