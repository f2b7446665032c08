//! Why a service is as it is: a chain that ends with the first cause.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::Manager;
use super::halt::{Halt, Means};
use super::instance::InstanceState;
use super::reconcile::Gate;
use super::service::{Goal, Phase, Service, StateName};
use crate::error::ServiceError;
use crate::failure::{Failure, Lost, QUOTA_ADVICE};
use crate::time::Instant;

/// One link of the chain.
#[derive(Clone, Debug, PartialEq)]
pub struct Because {
    /// The service.
    pub service: Arc<str>,
    /// The state it is in.
    pub state: StateName,
    /// Why.
    pub reason: Reason,
}

/// Why a service is in its state.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// It can be used.
    Works,
    /// Some of its instances cannot be used: so many of how many can.
    PartlyWorks {
        /// Those that can.
        ready: usize,
        /// All.
        wanted: usize,
    },
    /// It can be used, but lost processes to its memory quota.
    LostProcesses(Lost),
    /// Nobody has started it.
    NotStarted,
    /// It has done what it was for.
    Done,
    /// Nobody has started it, and it is not started at boot.
    NotEnabled,
    /// It waits for another one.
    WaitsFor(Arc<str>),
    /// Its conditions are being looked at.
    ChecksConditions,
    /// It runs and is not ready yet.
    Starts {
        /// What the last check said.
        last_check: Option<String>,
    },
    /// It failed, and is started again.
    BackOff {
        /// In this time.
        in_ms: u64,
        /// Why it failed.
        failure: Failure,
    },
    /// An operator suspended it.
    Suspended,
    /// It is being stopped: by whom, if somebody asked for that.
    Stops(Option<Halt>),
    /// It was stopped.
    Stopped(Halt),
    /// It has failed.
    Failed(Failure),
}

impl Reason {
    /// What an operator can do: nothing only if all is well.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Works => "",
            Self::Done => "Start it if it is to do that again.",
            Self::ChecksConditions | Self::Stops(_) => "Wait a moment.",
            Self::Stopped(halt) => halt.advice(),
            Self::LostProcesses(_) => QUOTA_ADVICE,
            Self::PartlyWorks { .. } => "Look at the instances that are not ready.",
            Self::NotStarted => "Start it.",
            Self::NotEnabled => "Start it; enable it to have it started at boot, too.",
            Self::WaitsFor(service) => return format!("Wait, or look at {service}."),
            Self::Starts { .. } => "Wait, or read its output.",
            Self::BackOff { failure, .. } | Self::Failed(failure) => return failure.advice(),
            Self::Suspended => "Resume it.",
        }
        .to_string()
    }

    /// The reason, told of a service by its name, or of "it".
    fn tell(&self, service: Option<&str>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let it = service.unwrap_or("it");
        let fails = |failure: &Failure, f: &mut fmt::Formatter<'_>| match service {
            Some(service) => write!(f, "{}", failure.of(service)),
            None => write!(f, "{failure}"),
        };
        match self {
            Self::Works => write!(f, "{it} runs and is ready"),
            Self::PartlyWorks { ready, wanted } => {
                let verb = if *ready == 1 { "is" } else { "are" };
                write!(f, "{it} runs, but only {ready} of {wanted} instances {verb} ready")
            }
            Self::NotStarted => write!(f, "{it} was not started by anybody"),
            Self::Done => write!(f, "{it} has done what it was for"),
            Self::NotEnabled => {
                write!(f, "{it} was not started by anybody, and is not started at boot")
            }
            Self::WaitsFor(other) => write!(f, "{it} waits for {other}"),
            Self::ChecksConditions => write!(f, "{it} waits until its conditions are checked"),
            Self::Starts { last_check: None } => write!(f, "{it} is not ready yet"),
            Self::Starts { last_check: Some(check) } => write!(f, "{it} is not ready yet: {check}"),
            Self::BackOff { in_ms, failure } => {
                fails(failure, f)?;
                write!(f, "; it is started again in {in_ms} ms")
            }
            Self::Suspended => write!(f, "{it} was paused by an operator"),
            Self::Stops(None) => write!(f, "{it} is being stopped"),
            Self::Stops(Some(halt)) => write!(f, "{it} is being {halt}"),
            Self::Stopped(halt) => write!(f, "{it} was {halt}"),
            Self::LostProcesses(lost) => write!(f, "{it} runs, but {lost}"),
            Self::Failed(failure) => fails(failure, f),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tell(None, f)
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.tell(Some(&self.service), f)
    }
}

/// A chain in one sentence or two: what is so, and its first cause if that is another link.
pub fn summary(chain: &[Because]) -> String {
    match chain {
        [] => String::new(),
        [only] => format!("{only}."),
        [first, .., last] => format!("{first}. The first cause: {last}."),
    }
}

impl Manager {
    /// What there is to say about the state of a service, beside its name; as about "it".
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn detail(&self, now: Instant, name: &str) -> Result<Option<String>, ServiceError> {
        let service = self.by_name(name).ok_or_else(|| ServiceError::NotFound(name.into()))?;
        let reason = self.reason(now, service);
        let said = service.words();
        Ok(match reason {
            // What it says itself; that all is well is in its state.
            Reason::Works => said,
            Reason::Starts { .. } => match said {
                Some(said) => Some(format!("{reason}; it says: {said}")),
                None => Some(reason.to_string()),
            },
            Reason::Stopped(Halt { means: Means::Emergency, .. }) => {
                Some(format!("{reason}. {}", reason.advice()))
            }
            // These are what somebody wanted: `explain` says who.
            Reason::Stops(None | Some(Halt { means: Means::Request, .. }))
            | Reason::Stopped(_)
            | Reason::NotStarted
            | Reason::NotEnabled
            | Reason::Done
            | Reason::Suspended => None,
            _ => Some(reason.to_string()),
        })
    }

    /// Why a service is in its state; the last link is the first cause.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`].
    pub fn explain(&self, now: Instant, name: &str) -> Result<Vec<Because>, ServiceError> {
        self.id(name)?;
        let mut chain: Vec<Because> = Vec::new();
        let mut next: Option<Arc<str>> = Some(name.into());
        while let Some(name) = next.take() {
            // Conflicts may point at each other.
            if chain.iter().any(|link| link.service == name) {
                break;
            }
            let Some(service) = self.by_name(&name) else { break };
            let reason = self.reason(now, service);
            next = match &reason {
                Reason::WaitsFor(other) => Some(Arc::clone(other)),
                Reason::Failed(failure) => failure.cause().cloned(),
                _ => None,
            };
            chain.push(Because { service: name, state: service.state(), reason });
        }
        Ok(chain)
    }

    fn reason(&self, now: Instant, service: &Service) -> Reason {
        match &service.phase {
            Phase::Down if service.goal == Goal::Running => Reason::Starts { last_check: None },
            Phase::Down => match &service.halt {
                Some(halt) => Reason::Stopped(halt.clone()),
                None if service.document().enabled => Reason::NotStarted,
                None => Reason::NotEnabled,
            },
            Phase::Completed => Reason::Done,
            Phase::Checking => Reason::ChecksConditions,
            Phase::Paused => Reason::Suspended,
            Phase::Stopping { then: Some(failure) } | Phase::Failed(failure) => {
                Reason::Failed(failure.clone())
            }
            Phase::Stopping { then: None } => Reason::Stops(service.halt.clone()),
            Phase::Waiting { since } => match self.gate(service.id, *since, now) {
                Gate::Wait { service, .. } => Reason::WaitsFor(service),
                Gate::Shut(failure) => Reason::Failed(failure),
                Gate::Open => Reason::Starts { last_check: None },
            },
            Phase::Up => self.reason_while_up(now, service),
        }
    }

    fn reason_while_up(&self, now: Instant, service: &Service) -> Reason {
        let (ready, wanted) = (service.ready_count(), service.instances.len());
        if service.is_satisfied() {
            if ready != wanted {
                return Reason::PartlyWorks { ready, wanted };
            }
            let runs = service.instances.iter().filter_map(|instance| instance.run.as_ref());
            let lost = runs.filter_map(|run| run.lost).reduce(Lost::and);
            return lost.map_or(Reason::Works, Reason::LostProcesses);
        }
        for instance in &service.instances {
            match &instance.state {
                InstanceState::BackOff { until, failure } => {
                    let in_ms = until.ms_since(now);
                    return Reason::BackOff { in_ms, failure: failure.clone() };
                }
                InstanceState::Down => {
                    if let Gate::Wait { service, .. } = self.gate(service.id, now, now) {
                        return Reason::WaitsFor(service);
                    }
                }
                _ => {}
            }
        }
        let last = service.instances.iter().find_map(|instance| instance.history.last());
        Reason::Starts { last_check: last.map(|result| result.detail.clone()) }
    }
}
