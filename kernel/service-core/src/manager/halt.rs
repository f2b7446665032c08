//! Who had a service stopped, and how: what operators are told of one that does not run any more.

use alloc::sync::Arc;
use core::fmt;

/// Who had a service stopped, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Who; nobody for the system itself.
    pub actor: Option<Arc<str>>,
    /// The service that this was asked of, if it was not this one: one that it goes down with.
    pub with: Option<Arc<str>>,
    /// How.
    pub means: Means,
}

/// How a service is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// It is asked to end.
    Request,
    /// It is ended by force, at once.
    Emergency,
}

impl Halt {
    /// What an operator can do.
    pub(super) const fn advice(&self) -> &'static str {
        match self.means {
            Means::Request => "Start it.",
            Means::Emergency => "Find out what led to that, and start it.",
        }
    }
}

/// As what comes after "it was" or "it is being".
impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actor = self.actor.as_deref().unwrap_or("the system");
        match (self.means, &self.with) {
            (Means::Request, None) => write!(f, "stopped by {actor}"),
            (Means::Request, Some(other)) => write!(f, "stopped by {actor}, together with {other}"),
            (Means::Emergency, None) => write!(f, "ended by {actor} in an emergency"),
            (Means::Emergency, Some(other)) => {
                write!(f, "stopped by {actor}, because {other} was ended in an emergency")
            }
        }
    }
}
