//! What the manager wants done is done: by the thread `services`, without the lock where it takes long.

use alloc::format;
use alloc::sync::Arc;

use net::stack::MemberState;
use process_core::Signal;
use service_core::{Action, ConditionKind, Document, End, Event, RunId, ServiceId};

use super::{State, checks, front, runs, with};
use crate::{fs, process};

/// Carries out all that is to be done. Says whether there was anything.
pub(super) fn carry_out_all() -> bool {
    let mut has_done = false;
    while let Some(Some(action)) = with(|state| state.work.pop_front()) {
        has_done = true;
        carry_out(action);
    }
    has_done
}

fn carry_out(action: Action) {
    match action {
        Action::Launch { run, document } => launch(run, &document),
        Action::Signal { run, signal } => send(run, &signal),
        Action::Kill(run) => {
            with(|state| runs::end_by_force(state, run));
        }
        Action::Suspend(run) => {
            with(|state| runs::with_set(state, run, |set| set.suspend_instance(run.run)));
        }
        Action::Resume(run) => {
            with(|state| runs::with_set(state, run, |set| set.resume_instance(run.run)));
        }
        Action::CheckConditions { service, document } => {
            let unmet = unmet_condition(&document);
            with(|state| state.step(Event::Conditions { service, unmet }));
        }
        Action::Check { run, purpose, ticket, document } => {
            checks::begin(run, purpose, ticket, &document);
        }
        Action::Serve { run, weight } => {
            with(|state| front::set_member(state, run, MemberState::Ready, weight));
        }
        Action::Withhold(run) => {
            with(|state| front::set_member(state, run, MemberState::Waiting, 1));
        }
        Action::Drain(run) => {
            with(|state| front::drain(state, run));
        }
        Action::OpenPort { service, document } => {
            with(|state| front::open(state, service, &document));
        }
        Action::ClosePort(service) => {
            with(|state| front::close(state, service));
        }
        // `take_in` has told it.
        Action::Report(_) => {}
        Action::AllStopped => {
            with(|state| state.has_stopped = true);
            super::NEWS.wake_all();
        }
    }
}

fn launch(run: RunId, document: &Arc<Document>) {
    with(|state| front::set_member(state, run, MemberState::Waiting, 1));
    let started = runs::start(run, document);
    with(|state| match started {
        Ok(pid) => {
            state.runs.insert(run.run, runs::Run::new(run, pid));
            state.step(Event::Launched(run));
        }
        Err(why) => {
            front::remove_member(state, run);
            state.step(Event::Ended { run, end: End::NotLaunched(why) });
        }
    });
}

fn send(run: RunId, signal: &str) {
    let main = with(|state| state.runs.get(&run.run).map(runs::Run::main)).flatten();
    let Some(main) = main else { return };
    // Documents are checked for signals that there are.
    let signal = Signal::from_name(signal);
    // It may have ended, and be about to be noticed.
    let _ = process::signal(main, signal.unwrap_or(Signal::SIGTERM), None);
}

/// The first condition that does not hold, in words.
fn unmet_condition(document: &Document) -> Option<alloc::string::String> {
    document.conditions.iter().find_map(|condition| {
        let is_there = fs::exists(condition.path.as_bytes());
        match condition.kind {
            ConditionKind::PathExists if !is_there => {
                Some(format!("there is nothing at {}", condition.path))
            }
            ConditionKind::PathMissing if is_there => {
                Some(format!("there is something at {}", condition.path))
            }
            _ => None,
        }
    })
}

/// What a service that was unregistered leaves behind is let go of.
pub(super) fn forget(state: &mut State, id: ServiceId) {
    state.belongings.remove(&id);
}
