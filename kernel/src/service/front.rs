//! The port of a service, which the network shares among its instances, and its name.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use net::dns::ServiceAddress;
use net::stack::{
    Candidate, Choose, FrontConfig, FrontFigures, FrontId, ListenError, MemberState, Observer,
    Ready,
};
use service_core::{Balancer, Document, Event, RunId, ServiceId, Strategy};

use super::{State, wake};
use crate::network::{act, publish_name, withdraw_name};

/// Chooses as a document says.
struct ByStrategy {
    strategy: Strategy,
    balancer: Balancer,
}

impl Choose for ByStrategy {
    fn choose(&mut self, candidates: &[Candidate]) -> Option<u64> {
        let candidates: Vec<_> = candidates
            .iter()
            .map(|candidate| service_core::Candidate {
                member: candidate.member,
                weight: candidate.weight,
                connections: candidate.connections,
            })
            .collect();
        self.balancer.choose(self.strategy, &candidates)
    }
}

/// Has the thread look when the last connection of one that drains has ended.
#[derive(Debug)]
struct Drained;

impl Observer for Drained {
    fn changed(&self, _: Ready) {
        wake();
    }
}

/// Opens the port of a service.
pub(super) fn open(state: &mut State, id: ServiceId, document: &Document) {
    let Some(port) = &document.port else { return };
    let chooser = ByStrategy { strategy: port.strategy, balancer: Balancer::default() };
    let config = FrontConfig::new(port.listen);
    let opened = act(|stack, _| {
        let front = stack.open_front(&config, Box::new(chooser))?;
        stack.observe_front(front, Arc::new(Drained));
        Ok::<_, ListenError>(front)
    });
    match opened {
        Some(Ok(front)) => {
            state.fronts.insert(id, front);
        }
        Some(Err(error)) => {
            let why = format!("port {}: {error:?}", port.listen);
            state.step(Event::PortFailed { service: id, why });
        }
        None => {
            let why = String::from("there is no network");
            state.step(Event::PortFailed { service: id, why });
        }
    }
}

/// Closes it.
pub(super) fn close(state: &mut State, id: ServiceId) {
    if let Some(front) = state.fronts.remove(&id) {
        act(|stack, _| stack.close_front(front));
    }
}

/// A run may bind the port, and gets connections as `member` says.
pub(super) fn set_member(state: &State, run: RunId, member: MemberState, weight: u32) {
    if let Some(front) = state.fronts.get(&run.service).copied() {
        act(|stack, _| stack.set_member(front, run.run, member, weight));
    }
}

/// A run is gone.
pub(super) fn remove_member(state: &mut State, run: RunId) {
    state.draining.remove(&run);
    if let Some(front) = state.fronts.get(&run.service).copied() {
        act(|stack, _| stack.remove_member(front, run.run));
    }
}

/// A run gets no new connections; the thread is woken when it has none left, and looks.
pub(super) fn drain(state: &mut State, run: RunId) {
    set_member(state, run, MemberState::Draining, 1);
    state.draining.insert(run);
    // Who has none to begin with is not told of.
    look_at_draining(state);
}

/// Whoever drains and has no connections left is told so.
pub(super) fn look_at_draining(state: &mut State) {
    let is_idle = |run: &RunId| connections(state, *run).is_none_or(|(open, _)| open == 0);
    let idle: Vec<RunId> = state.draining.iter().copied().filter(is_idle).collect();
    for run in idle {
        state.draining.remove(&run);
        state.step(Event::Drained(run));
    }
}

/// What the network knows of a service's port.
fn figures(state: &State, id: ServiceId) -> Option<FrontFigures> {
    let front = state.fronts.get(&id).copied()?;
    act(|stack, _| stack.front_figures(front)).flatten()
}

/// Connections of a run that are open or wait for it, and those that it has ever had.
pub fn connections(state: &State, run: RunId) -> Option<(u64, u64)> {
    let figures = figures(state, run.service)?;
    let member = figures.members.iter().find(|member| member.member == run.run)?;
    let open = u64::try_from(member.open + member.queued).unwrap_or(u64::MAX);
    Some((open, member.accepted))
}

/// An instance of a service, as for a connection.
///
/// # Errors
/// [`service_core::ServiceError::NotFound`]; [`service_core::ServiceError::Discovery`] if none is ready.
pub fn choose(state: &mut State, name: &str) -> Result<RunId, service_core::ServiceError> {
    let view = state.manager.view(name)?;
    let runs = view.instances.iter().filter_map(|instance| instance.run);
    let open = |run: RunId| (run, connections(state, run).map_or(0, |(open, _)| open));
    let open: BTreeMap<_, _> = runs.map(open).collect();
    let of = |run: RunId| open.get(&run).map_or(0, |open| u32::try_from(*open).unwrap_or(u32::MAX));
    state.manager.resolve(name, of)
}

/// The front and the number by which a check reaches this very run.
pub(super) fn member_of(state: &State, run: RunId) -> Option<(FrontId, u64)> {
    state.fronts.get(&run.service).map(|front| (*front, run.run))
}

/// `NAME.service` can be found.
pub(super) fn publish(document: &Document) {
    let port = document.port.as_ref().map(|port| port.listen);
    let addresses = [IpAddr::V4(Ipv4Addr::LOCALHOST)].into();
    publish_name(&document.name, ServiceAddress { addresses, port });
}

/// It cannot any more.
pub(super) fn withdraw(name: &str) {
    withdraw_name(name);
}
