//! Services: what the API's [`Services`] asks of `crate::service`.

mod changes;
mod describe;
mod errors;
mod graph;

use alloc::string::String;
use alloc::vec::Vec;
use core::task::{Context, Poll};

use admin_api::backend::{Caller, SequenceRange, ServiceChange, ServiceError, Services};
use admin_api::types::{
    Operation, Resolved, Service, ServiceCounts, ServiceDependencies, ServiceDifference,
    ServiceExplanation, ServiceGraph, ServiceHealth, ServiceLine, ServicePlan, ServiceRevision,
    ServiceState, Text,
};
use process_core::Pid;
use service_core::StateName;

use super::{KernelBackend, streams};
use crate::service::{self, State};

/// Looks at the manager, which has been started before the server.
fn with<R>(f: impl FnOnce(&mut State) -> Result<R, ServiceError>) -> Result<R, ServiceError> {
    service::with(f).unwrap_or_else(|| Err(not_started()))
}

fn not_started() -> ServiceError {
    ServiceError::ResourceExhausted("The service manager has not started.".into())
}

fn text(text: &str) -> Text {
    String::from(text).into()
}

/// Services by state.
pub(super) fn counts() -> ServiceCounts {
    let mut counts = ServiceCounts::default();
    let by_state = service::with(|state| state.manager.counts()).unwrap_or_default();
    for (state, count) in by_state {
        for _ in 0..count {
            counts.add(describe::state(state));
        }
    }
    counts
}

impl Services for KernelBackend {
    fn services_after(&self, after: Option<&str>, limit: usize, visit: &mut dyn FnMut(Service)) {
        let views = service::with(|state| {
            let views = state.manager.views_after(after.unwrap_or(""), limit);
            views.iter().map(|view| describe::service(state, view)).collect::<Vec<_>>()
        });
        views.unwrap_or_default().into_iter().for_each(visit);
    }

    fn service(&self, name: &str) -> Result<Service, ServiceError> {
        with(|state| {
            let view = state.manager.view(name).map_err(errors::of)?;
            Ok(describe::service(state, &view))
        })
    }

    fn plan_service_change(&self, change: &ServiceChange) -> Result<ServicePlan, ServiceError> {
        changes::plan(change)
    }

    fn change_service(
        &self,
        caller: &Caller,
        change: ServiceChange,
        expected: Option<u64>,
    ) -> impl Future<Output = Result<u64, ServiceError>> {
        changes::make(caller.user.as_str().into(), change, expected)
    }

    fn operation(&self, id: u64) -> Result<Operation, ServiceError> {
        with(|state| changes::operation(state, id))
    }

    fn poll_operation_ended(&self, context: &mut Context<'_>, id: u64) -> Poll<()> {
        streams::poll(context, &service::NEWS, || {
            let has_ended = |state: &mut State| {
                state.manager.operation(id).is_none_or(|operation| operation.ended.is_some())
            };
            service::with(has_ended).unwrap_or(true)
        })
    }

    fn service_health(&self, name: &str) -> Result<ServiceHealth, ServiceError> {
        with(|state| describe::health(state, name))
    }

    fn service_dependencies(&self, name: &str) -> Result<ServiceDependencies, ServiceError> {
        with(|state| graph::dependencies(state, name))
    }

    fn service_graph(&self) -> ServiceGraph {
        service::with(|state| graph::graph(state)).unwrap_or_default()
    }

    fn explain_service(&self, name: &str) -> Result<ServiceExplanation, ServiceError> {
        with(|state| describe::explanation(state, name))
    }

    fn service_revisions(&self, name: &str) -> Result<Vec<ServiceRevision>, ServiceError> {
        with(|state| describe::revisions(state, name))
    }

    fn service_difference(
        &self,
        name: &str,
        from: u64,
        to: u64,
    ) -> Result<ServiceDifference, ServiceError> {
        with(|state| describe::difference(state, name, from, to))
    }

    fn resolve_service(&self, name: &str) -> Result<Resolved, ServiceError> {
        with(|state| {
            let view = state.manager.view(name).map_err(errors::of)?;
            if !matches!(view.state, StateName::Running) {
                let state = describe::state(view.state);
                return Err(ServiceError::NotRunning { name: text(name), state });
            }
            let run = service::choose(state, name).map_err(errors::of)?;
            let Some(pid) = state.main_process(run) else {
                let why = alloc::format!("No instance of {name} is ready.");
                return Err(ServiceError::LoadBalancer(why.into()));
            };
            Ok(Resolved {
                service: text(name),
                instance: run.index,
                pid: pid.number(),
                address: "127.0.0.1".into(),
                port: view.document.port.as_ref().map(|port| port.listen),
            })
        })
    }

    fn service_output_range(&self, name: &str) -> Result<SequenceRange, ServiceError> {
        with(|state| {
            let (first, last) = describe::lines(state, name)?.map_or((1, 0), |lines| lines.range());
            Ok(SequenceRange { first, last })
        })
    }

    fn service_output_after(&self, name: &str, after: u64, limit: usize) -> Vec<ServiceLine> {
        let lines = with(|state| describe::lines(state, name)).ok().flatten();
        let lines = lines.map(|lines| lines.after(after, limit)).unwrap_or_default();
        lines.iter().map(describe::line).collect()
    }

    fn poll_service_output(&self, context: &mut Context<'_>, name: &str, after: u64) -> Poll<()> {
        match with(|state| describe::lines(state, name)) {
            Ok(Some(lines)) => streams::poll(context, &lines.news, || lines.range().1 > after),
            // What it writes first makes the lines.
            Ok(None) => streams::poll(context, &service::NEWS, || {
                with(|state| describe::lines(state, name)).map_or(true, |lines| lines.is_some())
            }),
            Err(_) => Poll::Ready(()),
        }
    }

    fn service_processes(
        &self,
        name: &str,
        after: u32,
        limit: usize,
    ) -> Result<Vec<u32>, ServiceError> {
        with(|state| {
            let ids = changes::with_members(state, name)?;
            let sets = ids.iter().filter_map(|id| state.belongings.get(id));
            let pids = sets.flat_map(|belongings| belongings.set.members());
            let mut numbers: Vec<_> = pids.map(Pid::number).filter(|pid| *pid > after).collect();
            numbers.sort_unstable();
            numbers.truncate(limit);
            Ok(numbers)
        })
    }

    fn hold_service(
        &self,
        caller: &Caller,
        name: &str,
        is_held: bool,
    ) -> Result<u64, ServiceError> {
        changes::hold(caller, name, is_held)
    }
}

/// Whether the state of a service forbids what was asked.
fn forbids(name: &str, state: ServiceState, operation: &'static str) -> ServiceError {
    ServiceError::InvalidState { name: text(name), state, operation }
}
