//! Instances are launched, asked to end, forced, and judged when they have ended.

use alloc::sync::Arc;

use super::Manager;
use super::action::{Action, ReportKind, RunId, ServiceId};
use super::instance::{Instance, InstanceState, Run, Then};
use super::service::{Goal, Phase};
use crate::document::{ProbeKind, Purpose};
use crate::failure::{End, Ending, Failure, Lost};
use crate::health::Track;
use crate::restart::{Ended, Verdict};
use crate::time::Instant;

impl Manager {
    pub(super) fn launch(&mut self, now: Instant, id: ServiceId, index: u32) {
        let number = self.next_run;
        let Some(service) = self.services.get_mut(&id) else { return };
        let document = Arc::clone(service.document());
        let revision = service.revision.number;
        let Some(instance) = service.instance_mut(index) else { return };
        self.next_run += 1;
        instance.run = Some(Run {
            number,
            document: Arc::clone(&document),
            revision,
            launched_at: now,
            ready_since: None,
            liveness: None,
            readiness: None,
            last_beat: None,
            has_said_ready: false,
            status: None,
            lost: None,
        });
        instance.enter(now, InstanceState::Launching);
        let run = RunId { service: id, index, run: number };
        self.actions.push(Action::Launch { run, document });
        self.arm(id, index);
    }

    pub(super) fn launched(&mut self, now: Instant, id: RunId) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let name = Arc::clone(&service.name);
        let Some(instance) = service.instance_mut(id.index) else { return };
        let Some(run) = instance.living_run(id.run) else { return };
        let document = Arc::clone(&run.document);
        let track = |purpose| {
            // A heartbeat has an interval to come in.
            document.probe(purpose).map(|probe| {
                let is_beat = probe.kind == ProbeKind::Heartbeat;
                Track::new(if is_beat { now.after_ms(probe.interval_ms) } else { now })
            })
        };
        run.liveness = track(Purpose::Liveness);
        run.readiness = track(Purpose::Readiness);
        if instance.state == InstanceState::Launching {
            instance.enter(now, InstanceState::Starting);
        }
        self.report(&name, ReportKind::InstanceStarted { index: id.index });
        self.judge_readiness(now, id);
        self.arm(id.service, id.index);
        self.marked.insert(id.service);
    }

    /// Asks an instance to end, after its connections have; `then` says what follows.
    pub(super) fn begin_stop(&mut self, now: Instant, id: ServiceId, index: u32, then: Then) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let has_port = service.has_port_open;
        let Some(run) = service.run_id(index) else { return };
        let Some(instance) = service.instance_mut(index) else { return };
        match &mut instance.state {
            state if state.is_up() => {}
            // Who is asked to stop for good does not start again because that was planned.
            InstanceState::Draining { then: planned, .. }
            | InstanceState::Stopping { then: planned, .. }
            | InstanceState::Killing { then: planned } => {
                if then == Then::Stay {
                    *planned = then;
                }
                return;
            }
            InstanceState::BackOff { .. } => {
                instance.enter(now, InstanceState::Down);
                self.arm(id, index);
                return;
            }
            _ => return,
        }
        let Some(document) = instance.run.as_ref().map(|run| Arc::clone(&run.document)) else {
            return;
        };
        let is_used = matches!(instance.state, InstanceState::Ready | InstanceState::Unready);
        if has_port && is_used && document.stop.drain_ms > 0 {
            let until = now.after_ms(document.stop.drain_ms);
            instance.enter(now, InstanceState::Draining { until, then });
            self.actions.push(Action::Drain(run));
            self.arm(id, index);
        } else {
            self.signal_end(now, id, index, then);
        }
    }

    fn signal_end(&mut self, now: Instant, id: ServiceId, index: u32, then: Then) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let has_port = service.has_port_open;
        let Some(run) = service.run_id(index) else { return };
        let Some(instance) = service.instance_mut(index) else { return };
        let Some(document) = instance.run.as_ref().map(|run| Arc::clone(&run.document)) else {
            return;
        };
        let kill_at = now.after_ms(document.stop.grace_ms);
        instance.enter(now, InstanceState::Stopping { kill_at, then });
        if has_port {
            self.actions.push(Action::Withhold(run));
        }
        self.actions.push(Action::Signal { run, signal: document.stop.signal.as_str().into() });
        self.arm(id, index);
    }

    /// Ends an instance by force.
    pub(super) fn kill(&mut self, now: Instant, id: ServiceId, index: u32, then: Then) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let has_port = service.has_port_open;
        let Some(run) = service.run_id(index) else { return };
        let Some(instance) = service.instance_mut(index) else { return };
        match &mut instance.state {
            state if !state.is_alive() => {
                if matches!(state, InstanceState::BackOff { .. }) && then == Then::Stay {
                    instance.enter(now, InstanceState::Down);
                }
            }
            InstanceState::Killing { then: planned } => {
                if then == Then::Stay {
                    *planned = then;
                }
            }
            _ => {
                instance.enter(now, InstanceState::Killing { then });
                if has_port {
                    self.actions.push(Action::Withhold(run));
                }
                self.actions.push(Action::Kill(run));
            }
        }
        self.arm(id, index);
    }

    /// Ends a run by force because of a failure; the policy decides what follows.
    pub(super) fn force(&mut self, now: Instant, id: RunId, failure: Failure) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let name = Arc::clone(&service.name);
        let Some(instance) = service.instance_mut(id.index) else { return };
        if instance.living_run(id.run).is_none() || !instance.state.is_up() {
            return;
        }
        let told = failure.clone();
        self.report(&name, ReportKind::InstanceForced { index: id.index, failure: told });
        self.kill(now, id.service, id.index, Then::Judge(failure));
        self.marked.insert(id.service);
    }

    pub(super) fn drained(&mut self, now: Instant, id: RunId) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let Some(instance) = service.instance_mut(id.index) else { return };
        if instance.living_run(id.run).is_some()
            && let InstanceState::Draining { then, .. } = &instance.state
        {
            let then = then.clone();
            self.signal_end(now, id.service, id.index, then);
            self.marked.insert(id.service);
        }
    }

    /// All of a run's processes are gone.
    pub(super) fn run_ended(&mut self, now: Instant, id: RunId, end: End) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let name = Arc::clone(&service.name);
        let is_wanted = service.goal == Goal::Running && service.phase == Phase::Up;
        let is_surplus = id.index >= service.document().instance_count();
        let policy = service.document().restart.clone();
        let Some(instance) = service.instance_mut(id.index) else { return };
        let Some(run) = instance.living_run(id.run) else { return };
        let ready_ms = run.ready_since.map(|since| now.ms_since(since));
        let lost = run.lost;
        let badly = |end: Failure| {
            Ended::Badly(match lost {
                Some(lost) => Failure::AfterLoss { end: end.into(), lost },
                None => end,
            })
        };
        let ended = match &instance.state {
            InstanceState::Draining { then, .. }
            | InstanceState::Stopping { then, .. }
            | InstanceState::Killing { then } => match then {
                Then::Stay | Then::Again => None,
                Then::Judge(failure) => Some(Ended::Badly(failure.clone())),
            },
            _ => Some(match &end {
                End::Code(code) if policy.success_codes.contains(code) => Ended::Well,
                End::Code(code) => badly(Failure::Exit(*code)),
                End::Signal(signal) => badly(Failure::Signal(signal)),
                End::MemoryQuota { bytes } => Ended::Badly(Failure::MemoryQuota { bytes: *bytes }),
                End::NotLaunched(why) => Ended::Badly(Failure::Launch(why.clone())),
            }),
        };
        let because = match &instance.state {
            InstanceState::Killing { then: Then::Judge(failure) } => Some(failure.clone()),
            _ => None,
        };
        instance.last_end = Some(Ending { at: now, end: end.clone(), because, lost });
        self.report(&name, ReportKind::InstanceEnded { index: id.index, end });
        match ended {
            Some(ended) if is_wanted && !is_surplus => {
                self.judge(now, id, &policy, ended, ready_ms);
            }
            _ => {
                if let Some(instance) = self.instance_of(id) {
                    instance.enter(now, InstanceState::Down);
                }
            }
        }
        self.arm(id.service, id.index);
        self.marked.insert(id.service);
    }

    /// A process of a run, but not its main one, was ended for the memory quota of its service.
    pub(super) fn lost_process(&mut self, id: RunId, pid: u32, quota_bytes: u64) {
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let name = Arc::clone(&service.name);
        let Some(instance) = service.instance_mut(id.index) else { return };
        let Some(run) = instance.living_run(id.run) else { return };
        let one = Lost { count: 1, quota_bytes };
        run.lost = Some(run.lost.map_or(one, |before| before.and(one)));
        self.report(&name, ReportKind::ProcessLost { index: id.index, pid, quota_bytes });
    }

    fn judge(
        &mut self,
        now: Instant,
        id: RunId,
        policy: &crate::document::Restart,
        ended: Ended,
        ready_ms: Option<u64>,
    ) {
        let failure = match &ended {
            Ended::Well => Failure::Exit(0),
            Ended::Badly(failure) => failure.clone(),
        };
        let Some(service) = self.services.get_mut(&id.service) else { return };
        let name = Arc::clone(&service.name);
        let random = &mut self.random;
        let Some(instance) = service.instance_mut(id.index) else { return };
        match instance.restarts.decide(policy, ended, ready_ms, now, random) {
            Verdict::Complete => instance.enter(now, InstanceState::Completed),
            Verdict::GiveUp(failure) => {
                instance.enter(now, InstanceState::Failed(failure.clone()));
                let kind = ReportKind::InstanceFailed { index: id.index, failure };
                self.report(&name, kind);
            }
            Verdict::Again(until) => {
                instance.enter(now, InstanceState::BackOff { until, failure });
                let delay_ms = until.ms_since(now);
                self.report(&name, ReportKind::RestartPlanned { index: id.index, delay_ms });
                self.supervise(now, &name);
            }
        }
    }

    /// An instance's timer has gone off.
    pub(super) fn instance_due(&mut self, now: Instant, id: ServiceId, index: u32) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let run = service.run_id(index);
        let Some(instance) = service.instance_mut(index) else { return };
        instance.timer = None;
        match &instance.state {
            InstanceState::BackOff { .. } => instance.enter(now, InstanceState::Down),
            InstanceState::Draining { then, .. } => {
                let then = then.clone();
                self.signal_end(now, id, index, then);
            }
            InstanceState::Stopping { then, .. } => {
                let then = then.clone();
                self.kill(now, id, index, then);
            }
            InstanceState::Launching | InstanceState::Starting => {
                let late = instance.run.as_ref().filter(|run| now >= run.start_deadline());
                let after_ms = late.map(|run| run.document.start.timeout_ms);
                match (after_ms, run) {
                    (Some(after_ms), Some(run)) => {
                        self.force(now, run, Failure::StartTimeout { after_ms });
                    }
                    (None, Some(run)) => self.make_checks(now, run),
                    _ => {}
                }
            }
            InstanceState::Ready | InstanceState::Unready => {
                if let Some(run) = run {
                    self.make_checks(now, run);
                }
            }
            _ => {}
        }
        self.arm(id, index);
    }

    pub(super) fn instance_of(&mut self, id: RunId) -> Option<&mut Instance> {
        self.services.get_mut(&id.service)?.instance_mut(id.index)
    }

    /// Sets an instance's timer to when it needs attention next.
    pub(super) fn arm(&mut self, id: ServiceId, index: u32) {
        let Some(service) = self.services.get_mut(&id) else { return };
        let is_paused = service.phase == Phase::Paused;
        let Some(instance) = service.instance_mut(index) else { return };
        let wanted = if is_paused { None } else { instance.next_due() };
        if instance.timer == wanted {
            return;
        }
        if let Some(at) = core::mem::replace(&mut instance.timer, wanted) {
            self.timers.remove(&(at, id, Some(index)));
        }
        if let Some(at) = wanted {
            self.timers.insert((at, id, Some(index)));
        }
    }
}
