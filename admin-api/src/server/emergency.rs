//! `POST /emergency/terminate`: one process, or all that are not the system's own.
//!
//! Works in steps between which other tasks run, and in passes: what was made while a pass went by is
//! found by the next one. Then each process is waited for. All of it within [`LONGEST_MS`].

use core::cell::Cell;
use core::future::poll_fn;

use alloc::format;
use alloc::vec::Vec;

use picoserve::Timer;
use picoserve::time::Duration;

use crate::backend::{ApiError, Backend, NewEvent};
use crate::types::{EmergencyRequest, EmergencyResult, EmergencyScope, EventKind};

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
        let EmergencyRequest { scope, pid } = documents::emergency(request.body)?;
        let backend = &self.backend;
        let began_ns = backend.uptime_ns();
        let ended = Cell::new(0);
        let time = Duration::from_millis(LONGEST_MS);
        let what = match (scope, pid) {
            (EmergencyScope::Process, Some(pid)) => {
                backend.process(pid)?;
                format!("process {pid}")
            }
            _ => "all programs".into(),
        };
        self.announce(identity, &format!("emergency: terminate {what}"));
        let remaining_pids = match pid.filter(|_| scope == EmergencyScope::Process) {
            Some(pid) => {
                let is_gone = timer.run_with_timeout(time, end_one(backend, pid, &ended)).await;
                match is_gone {
                    Ok(Err(error)) => return Err(error.into()),
                    Ok(Ok(())) => Vec::new(),
                    Err(_) => [pid].into(),
                }
            }
            None => {
                let held = Held::new(backend);
                // What is left is looked for below, whether the time was enough or not.
                let _ = timer.run_with_timeout(time, end_all(backend, &ended)).await;
                drop(held);
                backend.emergency_targets(0, usize::MAX)
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
struct Held<'b, B: Backend>(&'b B);

impl<'b, B: Backend> Held<'b, B> {
    fn new(backend: &'b B) -> Self {
        backend.hold_new_processes(true);
        Self(backend)
    }
}

impl<B: Backend> Drop for Held<'_, B> {
    fn drop(&mut self) {
        self.0.hold_new_processes(false);
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

/// Ends all programs, until there are none.
async fn end_all<B: Backend>(backend: &B, ended: &Cell<u64>) {
    loop {
        let mut after = 0;
        let mut last = None;
        loop {
            let targets = backend.emergency_targets(after, STEP);
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
        while let Some(pid) = backend.emergency_targets(after, 1).pop() {
            poll_fn(|context| backend.poll_process_ended(context, pid)).await;
            after = pid;
            yield_now().await;
        }
    }
}
