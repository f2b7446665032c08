//! Whether instances can be used and work: checks are made, answers counted, notices heard.

use alloc::string::String;
use alloc::sync::Arc;

use super::Manager;
use super::action::{Action, ReportKind, RunId};
use super::instance::{Instance, InstanceState, Run};
use crate::document::{Probe, ProbeKind, Purpose, ReadyWhen};
use crate::failure::Failure;
use crate::health::{CheckResult, Due, Health, Track};
use crate::time::Instant;

/// While an instance starts, it is looked at so often at least: who waits for it would else wait for an
/// interval that is meant for healthy ones.
const SOON_MS: u64 = 200;

/// The longest status that is kept.
const LONGEST_STATUS: usize = 256;

impl Manager {
    /// Makes the checks of a run that are due.
    pub(super) fn make_checks(&mut self, now: Instant, id: RunId) {
        for purpose in Purpose::ALL {
            self.make_check(now, id, *purpose);
        }
    }

    fn make_check(&mut self, now: Instant, id: RunId, purpose: Purpose) {
        let ticket = self.next_ticket;
        let Some(instance) = self.instance_of(id) else { return };
        if !instance.state.is_up() {
            return;
        }
        let Some(run) = instance.living_run(id.run) else { return };
        let document = Arc::clone(&run.document);
        let Some(probe) = document.probe(purpose) else { return };
        let last_beat = run.last_beat;
        let Some(track) = run.track_mut(purpose) else { return };
        match track.due(now) {
            None => {}
            Some(Due::Lost { asked_at }) => {
                let detail = "no answer came from the check itself".into();
                self.count(now, id, purpose, (false, asked_at), detail);
            }
            Some(Due::Ask) => match probe.kind {
                ProbeKind::Alive => {
                    self.count(now, id, purpose, (true, now), "the process lives".into());
                }
                ProbeKind::Heartbeat => {
                    let is_beating =
                        last_beat.is_some_and(|at| now.ms_since(at) <= probe.interval_ms);
                    let detail = if is_beating { "it beats" } else { "no heartbeat came" };
                    self.count(now, id, purpose, (is_beating, now), detail.into());
                }
                ProbeKind::Tcp | ProbeKind::Http | ProbeKind::Command => {
                    track.asked(ticket, probe, now);
                    self.next_ticket += 1;
                    self.actions.push(Action::Check { run: id, purpose, ticket, document });
                }
            },
        }
    }

    /// The answer to a check.
    pub(super) fn checked(
        &mut self,
        now: Instant,
        id: RunId,
        (ticket, purpose): (u64, Purpose),
        is_success: bool,
        detail: String,
    ) {
        let Some(instance) = self.instance_of(id) else { return };
        if !instance.state.is_up() {
            return;
        }
        let Some(run) = instance.living_run(id.run) else { return };
        let Some(track) = run.track(purpose).filter(|track| track.awaits(ticket)) else { return };
        let asked_at = track.asked_at().unwrap_or(now);
        self.count(now, id, purpose, (is_success, asked_at), detail);
        self.arm(id.service, id.index);
        self.marked.insert(id.service);
    }

    /// Counts a result, and does what follows from it.
    fn count(
        &mut self,
        now: Instant,
        id: RunId,
        purpose: Purpose,
        (is_success, asked_at): (bool, Instant),
        detail: String,
    ) {
        let Some(instance) = self.instance_of(id) else { return };
        let is_starting = !matches!(instance.state, InstanceState::Ready | InstanceState::Unready);
        let Some(run) = instance.living_run(id.run) else { return };
        let document = Arc::clone(&run.document);
        let Some(probe) = document.probe(purpose) else { return };
        let Some(track) = run.track_mut(purpose) else { return };
        track.count(probe, is_success);
        let verdict = track.verdict();
        if is_starting && probe.kind != ProbeKind::Heartbeat {
            let soon = Probe { interval_ms: probe.interval_ms.min(SOON_MS), ..probe.clone() };
            track.postpone(&soon, now);
        } else {
            track.postpone(probe, now);
        }
        instance.history.note(CheckResult {
            at: now,
            purpose: if is_starting { Purpose::StartUp } else { purpose },
            kind: probe.kind,
            is_success,
            took_ns: now.0.saturating_sub(asked_at.0),
            detail: detail.clone(),
        });
        // While it starts, only the time limit for that ends it.
        let is_bad = !is_success && verdict == Health::Unhealthy;
        let ends = is_bad && purpose == Purpose::Liveness && !is_starting;
        if ends {
            self.force(now, id, Failure::Unhealthy { detail });
        } else {
            self.judge_readiness(now, id);
        }
    }

    /// Whether a run can be used, after something has changed that it depends on.
    pub(super) fn judge_readiness(&mut self, now: Instant, id: RunId) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let has_port = service.has_port_open;
        let name = Arc::clone(&service.name);
        let weight = service.document().weight_of(id.index);
        let Some(instance) = service.instance_mut(id.index) else { return };
        let state = instance.state.clone();
        let Some(run) = instance.living_run(id.run) else { return };
        let is_ready = run.is_ready(&state);
        match (&state, is_ready) {
            (InstanceState::Starting | InstanceState::Unready, true) => {
                run.ready_since.get_or_insert(now);
                // What it failed while it started says nothing about the life that begins.
                if state == InstanceState::Starting
                    && let Some(liveness) = &mut run.liveness
                {
                    liveness.begin_anew();
                }
                instance.enter(now, InstanceState::Ready);
                if has_port {
                    self.actions.push(Action::Serve { run: id, weight });
                }
                self.report(&name, ReportKind::InstanceReady { index: id.index });
            }
            (InstanceState::Ready, false) => {
                let detail = instance.history.last().map(|result| result.detail.clone());
                let detail = detail.unwrap_or_default();
                instance.enter(now, InstanceState::Unready);
                if has_port {
                    self.actions.push(Action::Withhold(id));
                }
                self.report(&name, ReportKind::InstanceUnready { index: id.index, detail });
            }
            _ => return,
        }
        self.arm(id.service, id.index);
        self.marked.insert(id.service);
    }

    pub(super) fn said_ready(&mut self, now: Instant, id: RunId) {
        let Some(instance) = self.instance_of(id) else { return };
        let Some(run) = instance.living_run(id.run) else { return };
        run.has_said_ready = true;
        self.judge_readiness(now, id);
    }

    pub(super) fn beat(&mut self, now: Instant, id: RunId) {
        let Some(instance) = self.instance_of(id) else { return };
        let is_starting = instance.state == InstanceState::Starting;
        let Some(run) = instance.living_run(id.run) else { return };
        run.last_beat = Some(now);
        let listens = |probe: &Probe| probe.kind == ProbeKind::Heartbeat;
        // The first one says that it works: nobody need wait for the end of an interval.
        if is_starting && run.document.health.as_ref().is_some_and(listens) {
            self.count(now, id, Purpose::Liveness, (true, now), "it beats".into());
            self.arm(id.service, id.index);
        }
    }

    pub(super) fn said_status(&mut self, id: RunId, status: &str) {
        let Some(instance) = self.instance_of(id) else { return };
        if let Some(run) = instance.living_run(id.run) {
            // An empty one takes the last one back.
            run.status =
                (!status.is_empty()).then(|| status.chars().take(LONGEST_STATUS).collect());
        }
    }
}

impl Run {
    /// Whether it can be used, in that state.
    fn is_ready(&self, state: &InstanceState) -> bool {
        let was_ready = matches!(state, InstanceState::Ready | InstanceState::Unready);
        let verdict = |track: &Option<Track>| track.as_ref().map(Track::verdict);
        match (verdict(&self.readiness), self.document.start.ready_when) {
            (Some(Health::Unhealthy), _) => false,
            (_, ReadyWhen::Running) => true,
            (_, ReadyWhen::Notified) => self.has_said_ready,
            (Some(Health::Healthy), ReadyWhen::Healthy) => true,
            // Between its thresholds a check leaves things as they are.
            (Some(Health::Unknown), ReadyWhen::Healthy) => *state == InstanceState::Ready,
            // Later, the check for life ends what fails it.
            (None, ReadyWhen::Healthy) => {
                was_ready || verdict(&self.liveness) == Some(Health::Healthy)
            }
        }
    }
}

impl Instance {
    /// Checks that were under way when it was suspended say nothing.
    pub(super) fn forget_checks_asked(&mut self, now: Instant) {
        let Some(run) = &mut self.run else { return };
        let document = Arc::clone(&run.document);
        for purpose in Purpose::ALL {
            if let (Some(probe), Some(track)) = (document.probe(*purpose), run.track_mut(*purpose))
            {
                track.postpone(probe, now);
            }
        }
        // The limit for becoming ready begins anew.
        if self.state == InstanceState::Starting {
            run.launched_at = now;
        }
        run.last_beat = run.last_beat.map(|_| now);
    }
}
