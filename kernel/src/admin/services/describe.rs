//! Services, their instances, health and past, as the API tells them.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use admin_api::backend::ServiceError;
use admin_api::types::{
    CpuUsage, Exit, FieldChange, HealthKind, HealthPurpose, HealthRecord, HealthState, Hundredths,
    InstanceConnections, InstanceHealth, InstanceState, IoUsage, OutputStream, Service,
    ServiceDifference, ServiceExplanation, ServiceHealth, ServiceInstance, ServiceLine,
    ServiceReason, ServiceRevision, ServiceState, ServiceStatus, ServiceUsage, Signal, Timestamp,
};
use process_core::Pid;
use service_core::{
    End, Health, InstanceState as From, InstanceView, Instant, Reason, ServiceView, StateName,
};

use super::{errors, text};
use crate::admin::convert;
use crate::process;
use crate::service::{self, Line, Lines, State};

pub(super) fn moment(at: Instant) -> Timestamp {
    convert::timestamp(hal::time::wall_at_ns(at.0))
}

pub(super) const fn state(state: StateName) -> ServiceState {
    match state {
        StateName::Stopped => ServiceState::Stopped,
        StateName::Starting => ServiceState::Starting,
        StateName::Running => ServiceState::Running,
        StateName::Stopping => ServiceState::Stopping,
        StateName::Failed => ServiceState::Failed,
        StateName::Disabled => ServiceState::Disabled,
        StateName::Paused => ServiceState::Paused,
    }
}

pub(super) const fn health_state(health: Health) -> HealthState {
    match health {
        Health::Healthy => HealthState::Healthy,
        Health::Unknown => HealthState::Unknown,
        Health::Unhealthy => HealthState::Unhealthy,
    }
}

fn exit(end: &End) -> Option<Exit> {
    match end {
        End::Code(code) => Some(Exit::Code((*code).into())),
        End::MemoryQuota { .. } => Some(Exit::Signal { signal: Signal::KILL, core: false }),
        End::Signal(name) => {
            let signal = name.parse().unwrap_or(Signal::KILL);
            Some(Exit::Signal { signal, core: false })
        }
        End::NotLaunched(_) => None,
    }
}

/// A service with its status.
pub(super) fn service(state: &State, view: &ServiceView) -> Service {
    let mut service = service::from_document(&view.document);
    service.revision = Some(view.revision);
    service.status = Some(status(state, view));
    service
}

fn status(known: &State, view: &ServiceView) -> ServiceStatus {
    let name = view.document.name.as_str();
    let detail = known.manager.detail(service::now(), name).ok().flatten().map(Into::into);
    ServiceStatus {
        state: state(view.state),
        detail,
        since: moment(view.since),
        health: health_state(view.health),
        ready_instances: view.ready,
        instances: view.instances.iter().map(|one| instance(known, view, one)).collect(),
        restarts: view.restarts,
        last_exit: view.last_end.as_ref().and_then(|last| exit(&last.end)),
        last_exit_at: view.last_end.as_ref().map(|last| moment(last.at)),
        last_exit_reason: view.last_end.as_ref().map(|last| last.to_string().into()),
        applied_revision: view.instances.iter().filter_map(|one| one.revision).min(),
        operation: known.manager.open_operations(name).last().copied(),
        usage: usage(known, name),
    }
}

fn usage(state: &State, name: &str) -> ServiceUsage {
    let id = state.manager.id_of(name);
    let Some(belongings) = id.and_then(|id| state.belongings.get(&id)) else {
        return ServiceUsage::default();
    };
    let used = belongings.set.usage();
    let percent = belongings.set.members().into_iter().filter_map(process::recent_cpu_of).sum();
    ServiceUsage {
        processes: used.processes,
        cpu: CpuUsage {
            user_ns: used.usage.cpu.user_ns,
            system_ns: used.usage.cpu.system_ns,
            total_ns: used.usage.cpu.total_ns(),
            percent: Hundredths(percent),
        },
        memory_bytes: used.usage.memory.current_bytes,
        peak_memory_bytes: used.usage.memory.peak_bytes,
        io: IoUsage {
            read_bytes: used.usage.io.read_bytes,
            written_bytes: used.usage.io.written_bytes,
            read_operations: used.usage.io.read_operations,
            write_operations: used.usage.io.write_operations,
        },
        open_files: used.usage.open_files,
    }
}

fn instance(known: &State, of: &ServiceView, view: &InstanceView) -> ServiceInstance {
    let is_paused = of.state == StateName::Paused && view.state.is_alive();
    let state = match &view.state {
        _ if is_paused => InstanceState::Paused,
        From::Down | From::Completed => InstanceState::Stopped,
        From::Launching | From::Starting => InstanceState::Starting,
        From::Ready | From::Unready => InstanceState::Running,
        From::Draining { .. } | From::Stopping { .. } | From::Killing { .. } => {
            InstanceState::Stopping
        }
        From::BackOff { .. } => InstanceState::Waiting,
        From::Failed(_) => InstanceState::Failed,
    };
    let next_start_at = match &view.state {
        From::BackOff { until, .. } => Some(moment(*until)),
        _ => None,
    };
    let connections = view.run.and_then(|run| service::connections(known, run));
    let connections = connections.map(|(open, total)| InstanceConnections { open, total });
    ServiceInstance {
        number: view.index,
        state,
        since: moment(view.since),
        pid: view.run.and_then(|run| known.main_process(run)).map(Pid::number),
        ready: view.state == From::Ready,
        status: view.status.clone().map(Into::into),
        health: health_state(view.health),
        restarts: view.restarts,
        last_exit: view.last_end.as_ref().and_then(|last| exit(&last.end)),
        last_exit_at: view.last_end.as_ref().map(|last| moment(last.at)),
        last_exit_reason: view.last_end.as_ref().map(|last| last.to_string().into()),
        next_start_at,
        connections,
    }
}

/// The health of a service, with its history.
pub(super) fn health(state: &State, name: &str) -> Result<ServiceHealth, ServiceError> {
    let view = state.manager.view(name).map_err(errors::of)?;
    let instances = view.instances.iter().map(|one| InstanceHealth {
        instance: one.index,
        health: health_state(one.health),
        ready: one.state == From::Ready,
        good_in_a_row: one.tally.successes_in_a_row,
        bad_in_a_row: one.tally.failures_in_a_row,
        good_total: one.tally.successes,
        bad_total: one.tally.failures,
    });
    let mut history = Vec::new();
    for one in &view.instances {
        for result in state.manager.checks_of(name, one.index).map_err(errors::of)? {
            history.push(HealthRecord {
                at: moment(result.at),
                instance: one.index,
                purpose: HealthPurpose::from_name(result.purpose.name())
                    .unwrap_or(HealthPurpose::Liveness),
                kind: HealthKind::from_name(result.kind.name()).unwrap_or(HealthKind::Alive),
                good: result.is_success,
                duration_ns: result.took_ns,
                detail: result.detail.into(),
            });
        }
    }
    history.sort_by_key(|record| core::cmp::Reverse(record.at));
    Ok(ServiceHealth {
        service: text(name),
        health: health_state(view.health),
        instances: instances.collect(),
        history,
    })
}

/// Why a service is as it is.
pub(super) fn explanation(known: &State, name: &str) -> Result<ServiceExplanation, ServiceError> {
    let view = known.manager.view(name).map_err(errors::of)?;
    let chain = known.manager.explain(service::now(), name).map_err(errors::of)?;
    let summary = service_core::summary(&chain);
    let mut advice = Vec::new();
    // What is to be done about the first cause comes first.
    for link in chain.iter().rev() {
        let words = link.reason.advice();
        if !words.is_empty() {
            advice.push(alloc::format!("{}: {words}", link.service).into());
        }
    }
    let links = chain.iter().filter(|link| link.reason != Reason::Works).map(|link| {
        let since = known.manager.view(&link.service).ok().map(|view| moment(view.since));
        let code = match &link.reason {
            Reason::Failed(failure) | Reason::BackOff { failure, .. } => {
                Some(errors::code(failure))
            }
            _ => None,
        };
        ServiceReason {
            service: text(&link.service),
            state: Some(state(link.state)),
            code,
            message: link.to_string().into(),
            since,
        }
    });
    Ok(ServiceExplanation {
        service: text(name),
        state: state(view.state),
        summary: summary.into(),
        chain: links.collect(),
        advice,
    })
}

/// The documents of a service, the newest first.
pub(super) fn revisions(state: &State, name: &str) -> Result<Vec<ServiceRevision>, ServiceError> {
    let revisions = state.manager.revisions(name).map_err(errors::of)?;
    let last = revisions.last().map(|revision| revision.number);
    let revision = |revision: &service_core::Revision| ServiceRevision {
        revision: revision.number,
        at: convert::timestamp(service::wall_ns(revision)),
        actor: revision.actor.as_deref().map(text),
        current: last == Some(revision.number),
        document: service::from_document(&revision.document),
    };
    Ok(revisions.iter().rev().map(revision).collect())
}

/// What changed between two of them.
pub(super) fn difference(
    state: &State,
    name: &str,
    from: u64,
    to: u64,
) -> Result<ServiceDifference, ServiceError> {
    for revision in [from, to] {
        state.manager.revision(name, revision).map_err(|error| match error {
            service_core::ServiceError::InvalidHandle(revision) => {
                ServiceError::RevisionNotFound { name: text(name), revision }
            }
            other => errors::of(other),
        })?;
    }
    let changes = state.manager.changes(name, from, to).map_err(errors::of)?;
    let change = |change: service_core::FieldChange| FieldChange {
        field: errors::path(&change.field).into(),
        before: change.before.map(Into::into),
        after: change.after.map(Into::into),
    };
    let changes = changes.into_iter().map(change).collect();
    Ok(ServiceDifference { service: text(name), from, to, changes })
}

/// The lines of a service, if it has written any.
pub(super) fn lines(state: &State, name: &str) -> Result<Option<Arc<Lines>>, ServiceError> {
    let id = state.manager.id_of(name).ok_or_else(|| ServiceError::NotFound(text(name)))?;
    Ok(state.belongings.get(&id).map(|belongings| Arc::clone(&belongings.lines)))
}

/// One of them.
pub(super) fn line(line: &Line) -> ServiceLine {
    ServiceLine {
        sequence: line.sequence,
        at: convert::timestamp(line.wall_ns),
        instance: line.instance,
        pid: line.pid.map(Pid::number),
        stream: match line.stream {
            Some(process::OutputStream::Standard) => OutputStream::Stdout,
            Some(process::OutputStream::Error) => OutputStream::Stderr,
            None => OutputStream::Manager,
        },
        text: String::from(String::from_utf8_lossy(&line.text)).into(),
        truncated: line.is_cut,
    }
}
