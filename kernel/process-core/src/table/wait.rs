//! What a wait finds: wait4(2) and waitid(2) as a question to the table.

use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::ids::Pid;
use crate::process::{ChildEvent, Process};
use crate::signal::Signal;
use crate::state::ProcessState;
use crate::table::ProcessTable;

/// Which children are waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitSelector {
    /// All.
    Any,
    /// This one.
    Child(Pid),
    /// Those in this group.
    Group(Pid),
}

/// Which news is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WaitEvents {
    /// A child's end (waitid's WEXITED; wait4 always asks for it).
    pub exited: bool,
    /// A stop by signal (WUNTRACED, WSTOPPED).
    pub stopped: bool,
    /// Going on after a stop (WCONTINUED).
    pub continued: bool,
}

/// What a wait finds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WaitOutcome {
    /// This child has ended. [`ProcessTable::reap`] takes it.
    Exited {
        /// The child.
        pid: Pid,
        /// How it ended.
        exit: ExitStatus,
    },
    /// This child was stopped. [`ProcessTable::take_wait_event`] marks that as seen.
    Stopped {
        /// The child.
        pid: Pid,
        /// By this signal.
        signal: Signal,
    },
    /// This child has gone on. [`ProcessTable::take_wait_event`] marks that as seen.
    Continued {
        /// The child.
        pid: Pid,
    },
    /// There are such children, without news: wait, or answer 0 for WNOHANG.
    NothingYet,
    /// There is no such child: ECHILD.
    NoChild,
}

impl<X> ProcessTable<X> {
    /// What a wait of this parent finds now. It changes nothing.
    ///
    /// Waiting for any child or for one costs a few steps, if the news is of a kind that is asked
    /// for; waiting for a group looks through the parent's children.
    pub fn find_waitable(
        &self,
        parent: Pid,
        selector: WaitSelector,
        events: WaitEvents,
    ) -> WaitOutcome {
        let answer = |process: &Process<X>| news_of(process, events);
        let first = match selector {
            WaitSelector::Child(pid) => {
                let child = self.get(pid).ok().filter(|child| child.parent == parent);
                return child.map_or(WaitOutcome::NoChild, |child| {
                    answer(child).unwrap_or(WaitOutcome::NothingYet)
                });
            }
            WaitSelector::Any => self.children_with_news(parent).find_map(answer),
            WaitSelector::Group(group) => self
                .children_with_news(parent)
                .filter(|child| child.group == group)
                .find_map(answer),
        };
        if let Some(found) = first {
            return found;
        }
        let is_asked_for = |child: &Process<X>| match selector {
            WaitSelector::Group(group) => child.group == group,
            _ => true,
        };
        if self.children(parent).any(is_asked_for) {
            WaitOutcome::NothingYet
        } else {
            WaitOutcome::NoChild
        }
    }

    fn children_with_news(&self, parent: Pid) -> impl Iterator<Item = &Process<X>> {
        self.children(parent).take_while(|child| child.has_news())
    }

    /// A wait has seen a child's stop or continuation.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn take_wait_event(&mut self, pid: Pid) -> Result<(), ProcessError> {
        self.update_news(pid, |process| process.event = None)
    }
}

fn news_of<X>(child: &Process<X>, events: WaitEvents) -> Option<WaitOutcome> {
    let pid = child.pid;
    if let ProcessState::Zombie { exit } = child.state {
        return events.exited.then_some(WaitOutcome::Exited { pid, exit });
    }
    match child.event? {
        ChildEvent::Stopped(signal) => {
            events.stopped.then_some(WaitOutcome::Stopped { pid, signal })
        }
        ChildEvent::Continued => events.continued.then_some(WaitOutcome::Continued { pid }),
    }
}
