//! `POST /emergency/terminate`: one process, one service, or all that are not the system's own.
//!
//! Works in steps between which other tasks run, and in passes: what was made while a pass went by is
//! found by the next one. Then each process is waited for. All of it within [`LONGEST_MS`].

use core::cell::Cell;
use core::future::poll_fn;

use alloc::format;
use alloc::vec::Vec;

use picoserve::Timer;
use picoserve::time::Duration;

use crate::backend::{ApiError, Backend, Caller, NewEvent};
use crate::types::{EmergencyRequest, EmergencyResult, EventKind};

use super::answer::Request;
use super::authentication::Identity;
use super::refusal::Refusal;
use super::reply::Reply;
use super::yielding::yield_now;
use super::{App, Assets, documents};

/// The answer comes after so long at the latest; requirement P10 gives 10 seconds for all of it.
const LONGEST_MS: u64 = 9500;
/// Processes ended between two chances for other tasks.
const STEP: usize = 64;
/// Pids that are named when they are still there.
const NAMED: usize = 100;

impl<B: Backend, A: Assets> App<B, A> {
    /// `POST /emergency/terminate`.
    pub(crate) async fn emergency_terminate<Runtime>(
        &self,
        request: &Request<'_>,
        identity: &Identity,
        timer: &impl Timer<Runtime>,
    ) -> Result<Reply, Refusal> {
        let EmergencyRequest { scope, pid, service } = documents::emergency(request.body)?;
        let backend = &self.backend;
        let began_ns = backend.uptime_ns();
        let ended = Cell::new(0);
        let time = Duration::from_millis(LONGEST_MS);
        let targets = match (pid, service.as_deref()) {
            (Some(pid), _) => Targets::Process(pid),
            (None, Some(name)) => Targets::Service(name),
            (None, None) => Targets::All,
        };
        let what = match targets {
            Targets::Process(pid) => {
                backend.process(pid)?;
                format!("process {pid}")
            }
            Targets::Service(name) => {
                backend.service(name)?;
                format!("service {name}")
            }
            Targets::All => "all programs".into(),
        };
        self.announce(identity, &format!("emergency: terminate {what}"));
        let remaining_pids = match targets {
            Targets::Process(pid) => {
                let is_gone = timer.run_with_timeout(time, end_one(backend, pid, &ended)).await;
                match is_gone {
                    Ok(Err(error)) => return Err(error.into()),
                    Ok(Ok(())) => Vec::new(),
                    Err(_) => [pid].into(),
                }
            }
            Targets::Service(_) | Targets::All => {
                let held = Held::new(backend, &identity.caller, targets, &ended)?;
                // What is left is looked for below, whether the time was enough or not.
                let _ = timer.run_with_timeout(time, end_all(backend, targets, &ended)).await;
                drop(held);
                targets.after(backend, 0, usize::MAX)
            }
        };
        let remaining = u64::try_from(remaining_pids.len()).unwrap_or(u64::MAX);
        let duration_ms = backend.uptime_ns().saturating_sub(began_ns) / 1_000_000;
        let ended = ended.get();
        self.announce(
            identity,
            &format!("emergency: {ended} ended, {remaining} left, after {duration_ms} ms"),
        );
        let remaining_pids = remaining_pids.into_iter().take(NAMED).collect();
        let result = EmergencyResult { scope, ended, remaining, remaining_pids, duration_ms };
        Ok(Reply::json(200, &result))
    }

    fn announce(&self, identity: &Identity, message: &str) {
        self.backend.publish(NewEvent {
            kind: EventKind::Emergency,
            actor: Some(identity.caller.user.clone()),
            message: message.into(),
        });
    }
}

/// Keeps programs from being made as long as it is there: also when the request is given up.
struct Held<'b, B: Backend> {
    backend: &'b B,
    caller: &'b Caller,
    targets: Targets<'b>,
}

impl<'b, B: Backend> Held<'b, B> {
    fn new(
        backend: &'b B,
        caller: &'b Caller,
        targets: Targets<'b>,
        ended: &Cell<u64>,
    ) -> Result<Self, Refusal> {
        ended.set(match targets {
            Targets::Service(name) => backend.hold_service(caller, name, true)?,
            Targets::Process(_) | Targets::All => backend.hold_new_processes(caller, true),
        });
        Ok(Self { backend, caller, targets })
    }
}

impl<B: Backend> Drop for Held<'_, B> {
    fn drop(&mut self) {
        match self.targets {
            // One that was unregistered meanwhile has nothing to be let go.
            Targets::Service(name) => {
                drop(self.backend.hold_service(self.caller, name, false));
            }
            Targets::Process(_) | Targets::All => {
                self.backend.hold_new_processes(self.caller, false);
            }
        }
    }
}

/// Whom an emergency concerns.
#[derive(Clone, Copy)]
enum Targets<'t> {
    Process(u32),
    Service(&'t str),
    All,
}

impl Targets<'_> {
    /// Up to `limit` of them above `after`, by number.
    fn after<B: Backend>(self, backend: &B, after: u32, limit: usize) -> Vec<u32> {
        match self {
            Self::Process(pid) => [pid].into(),
            // None of a service that was unregistered meanwhile.
            Self::Service(name) => {
                backend.service_processes(name, after, limit).unwrap_or_default()
            }
            Self::All => backend.emergency_targets(after, limit),
        }
    }
}

/// Ends one process and waits until it is gone.
async fn end_one<B: Backend>(backend: &B, pid: u32, ended: &Cell<u64>) -> Result<(), ApiError> {
    if backend.emergency_end(pid)? {
        ended.set(ended.get() + 1);
    }
    poll_fn(|context| backend.poll_process_ended(context, pid)).await;
    // Its parent may leave it a zombie; one that is gone already is what is wanted.
    let _ = backend.emergency_end(pid);
    Ok(())
}

/// Ends all of them, until there are none.
async fn end_all<B: Backend>(backend: &B, whom: Targets<'_>, ended: &Cell<u64>) {
    loop {
        let mut after = 0;
        let mut last = None;
        loop {
            let targets = whom.after(backend, after, STEP);
            for pid in &targets {
                // One that is gone meanwhile is what is wanted.
                if backend.emergency_end(*pid) == Ok(true) {
                    ended.set(ended.get() + 1);
                }
            }
            let Some(pid) = targets.last() else { break };
            (after, last) = (*pid, Some(*pid));
            yield_now().await;
        }
        if last.is_none() {
            return;
        }
        // All of them are ending by now. Whoever is waited for next has had the longest time.
        let mut after = 0;
        while let Some(pid) = whom.after(backend, after, 1).pop() {
            poll_fn(|context| backend.poll_process_ended(context, pid)).await;
            after = pid;
            yield_now().await;
        }
    }
}
