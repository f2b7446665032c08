//! One instance of a service: its states, its run, its past.

use alloc::string::String;
use alloc::sync::Arc;

use crate::document::{Document, Purpose};
use crate::failure::{Ending, Failure, Lost};
use crate::health::{Health, History, Tally, Track};
use crate::restart::Restarts;
use crate::time::Instant;

/// Where an instance is between two launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// It does not run.
    Down,
    /// Its program is being started.
    Launching,
    /// It runs and is not ready yet.
    Starting,
    /// It can be used.
    Ready,
    /// It ran well, and cannot be used for now.
    Unready,
    /// It gets no new connections, and keeps those that it has until then.
    Draining {
        /// The longest.
        until: Instant,
        /// What follows.
        then: Then,
    },
    /// It has been asked to end; then comes force.
    Stopping {
        /// When.
        kill_at: Instant,
        /// What follows.
        then: Then,
    },
    /// It is ended by force.
    Killing {
        /// What follows.
        then: Then,
    },
    /// It has failed and is started again then.
    BackOff {
        /// When.
        until: Instant,
        /// Why it failed.
        failure: Failure,
    },
    /// It has done what it was for.
    Completed,
    /// It has failed, and is not started again.
    Failed(Failure),
}

/// What follows when an instance that is being stopped has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// Nothing.
    Stay,
    /// It is started again, when it is wanted.
    Again,
    /// What the policy says about this failure.
    Judge(Failure),
}

impl InstanceState {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Down => "stopped",
            Self::Launching | Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Unready => "unready",
            Self::Draining { .. } => "draining",
            Self::Stopping { .. } | Self::Killing { .. } => "stopping",
            Self::BackOff { .. } => "back_off",
            Self::Completed => "completed",
            Self::Failed(_) => "failed",
        }
    }

    /// Whether it has processes.
    #[must_use]
    pub const fn is_alive(&self) -> bool {
        !matches!(self, Self::Down | Self::BackOff { .. } | Self::Completed | Self::Failed(_))
    }

    /// Whether it has processes that have not been asked to end.
    #[must_use]
    pub const fn is_up(&self) -> bool {
        matches!(self, Self::Launching | Self::Starting | Self::Ready | Self::Unready)
    }
}

/// One instance.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) state: InstanceState,
    pub(super) since: Instant,
    /// Its present run, or the last one.
    pub(super) run: Option<Run>,
    pub(super) restarts: Restarts,
    pub(super) history: History,
    pub(super) last_end: Option<Ending>,
    /// When its timer goes off.
    pub(super) timer: Option<Instant>,
}

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) document: Arc<Document>,
    pub(super) revision: u64,
    pub(super) launched_at: Instant,
    pub(super) ready_since: Option<Instant>,
    pub(super) liveness: Option<Track>,
    pub(super) readiness: Option<Track>,
    pub(super) last_beat: Option<Instant>,
    pub(super) has_said_ready: bool,
    /// What it says that it does.
    pub(super) status: Option<String>,
    /// Processes that it has lost to the memory quota.
    pub(super) lost: Option<Lost>,
}

impl Instance {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            state: InstanceState::Down,
            since: now,
            run: None,
            restarts: Restarts::default(),
            history: History::default(),
            last_end: None,
            timer: None,
        }
    }

    pub(super) fn enter(&mut self, now: Instant, state: InstanceState) {
        self.state = state;
        self.since = now;
    }

    /// The run of this number, if it is the present one and has not ended.
    pub(super) fn living_run(&mut self, number: u64) -> Option<&mut Run> {
        if !self.state.is_alive() {
            return None;
        }
        self.run.as_mut().filter(|run| run.number == number)
    }

    /// When it needs attention next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        match &self.state {
            InstanceState::Down | InstanceState::Killing { .. } => None,
            InstanceState::Completed | InstanceState::Failed(_) => None,
            InstanceState::Draining { until, .. } | InstanceState::BackOff { until, .. } => {
                Some(*until)
            }
            InstanceState::Stopping { kill_at, .. } => Some(*kill_at),
            InstanceState::Launching => self.run.as_ref().map(Run::start_deadline),
            InstanceState::Starting => {
                let run = self.run.as_ref()?;
                let deadline = run.start_deadline();
                Some(run.next_check().map_or(deadline, |at| at.min(deadline)))
            }
            InstanceState::Ready | InstanceState::Unready => self.run.as_ref()?.next_check(),
        }
    }

    pub(super) fn health(&self) -> Health {
        match (&self.state, &self.run) {
            (InstanceState::Failed(_) | InstanceState::BackOff { .. }, _) => Health::Unhealthy,
            (state, Some(run)) if state.is_alive() => run.health(),
            _ => Health::Unknown,
        }
    }
}

impl Run {
    pub(super) fn start_deadline(&self) -> Instant {
        self.launched_at.after_ms(self.document.start.timeout_ms)
    }

    pub(super) fn track(&self, purpose: Purpose) -> Option<&Track> {
        match purpose {
            Purpose::StartUp => None,
            Purpose::Liveness => self.liveness.as_ref(),
            Purpose::Readiness => self.readiness.as_ref(),
        }
    }

    pub(super) fn track_mut(&mut self, purpose: Purpose) -> Option<&mut Track> {
        match purpose {
            Purpose::StartUp => None,
            Purpose::Liveness => self.liveness.as_mut(),
            Purpose::Readiness => self.readiness.as_mut(),
        }
    }

    fn next_check(&self) -> Option<Instant> {
        let tracks = self.liveness.iter().chain(&self.readiness);
        tracks.map(Track::due_at).min()
    }

    fn health(&self) -> Health {
        self.decisive().map_or(Health::Unknown, Track::verdict)
    }

    pub(super) fn tally(&self) -> Option<Tally> {
        self.decisive().map(Track::tally)
    }

    fn decisive(&self) -> Option<&Track> {
        self.liveness.as_ref().or(self.readiness.as_ref())
    }
}
