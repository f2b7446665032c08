//! Looking at processes: owned copies, taken without stopping anyone for longer than a page of the
//! table takes to copy.

use alloc::sync::Arc;
use alloc::vec::Vec;

use process_core::{
    Credentials, DefunctProcess, Instant, Limits, Pid, ProcessError, ProcessState, Profile,
    StateCounts, ThreadActivity, Usage,
};
use sched_core::CpuSet;

use super::{Process, table};

/// A process as it was at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Its number.
    pub pid: Pid,
    /// Its parent's.
    pub parent: Pid,
    /// Its group's.
    pub group: Pid,
    /// Its session's.
    pub session: Pid,
    /// What it is.
    pub profile: Profile,
    /// What binds it: what its profile allows, or less where it has set less itself.
    pub limits: Limits,
    /// Who it acts for.
    pub credentials: Arc<Credentials>,
    /// Its state, as an observer sees it.
    pub state: ProcessState,
    /// How many threads it has.
    pub threads: u32,
    /// When it was made.
    pub started_at: Instant,
    /// When its last thread was gone.
    pub ended_at: Option<Instant>,
    /// What it has used.
    pub usage: Usage,
    /// CPU use of late, in hundredths of a percent of one CPU.
    pub cpu_hundredths: u32,
    /// The CPU that its first thread runs on or ran on last.
    pub cpu: Option<usize>,
    /// Where it may run.
    pub affinity: CpuSet,
    /// It, if it is in the table.
    pub process: Option<Arc<Process>>,
}

/// What is copied of a record under the table's lock.
struct Copied {
    snapshot: Snapshot,
    process: Arc<Process>,
}

fn copy(record: &process_core::Process<Arc<Process>>) -> Copied {
    let process = Arc::clone(&record.attachment);
    Copied {
        snapshot: Snapshot {
            pid: record.pid(),
            parent: record.parent(),
            group: record.group(),
            session: record.session(),
            profile: record.profile.clone(),
            limits: record.profile.limits,
            credentials: Arc::clone(record.credentials()),
            state: record.state(),
            threads: record.threads(),
            started_at: record.started_at(),
            ended_at: record.ended_at(),
            usage: record.final_usage(),
            cpu_hundredths: 0,
            cpu: None,
            affinity: CpuSet::EMPTY,
            process: None,
        },
        process,
    }
}

/// Adds what the process's own parts say, without the table's lock.
fn complete(copied: Copied) -> Snapshot {
    let Copied { mut snapshot, process } = copied;
    snapshot.affinity = *process.affinity.lock();
    snapshot.limits = process.resource_limits().in_force(&snapshot.profile.limits);
    if snapshot.ended_at.is_none() {
        snapshot.usage = process.usage();
        snapshot.cpu_hundredths = process.recent_cpu(snapshot.usage.cpu.total_ns());
        let activities: Vec<ThreadActivity> = {
            let threads = process.threads.lock();
            snapshot.cpu = threads.list.first().and_then(|thread| thread.last_cpu());
            threads.list.iter().map(|thread| thread.activity()).collect()
        };
        snapshot.state = snapshot.state.observed(activities);
    }
    snapshot.process = Some(process);
    snapshot
}

fn remembered(defunct: &DefunctProcess) -> Snapshot {
    Snapshot {
        pid: defunct.pid,
        parent: defunct.parent,
        group: defunct.group,
        session: defunct.session,
        profile: defunct.profile.clone(),
        limits: defunct.profile.limits,
        credentials: Arc::clone(&defunct.credentials),
        state: defunct.state,
        threads: 0,
        started_at: defunct.started_at,
        ended_at: Some(defunct.ended_at),
        usage: defunct.usage,
        cpu_hundredths: 0,
        cpu: None,
        affinity: CpuSet::EMPTY,
        process: None,
    }
}

/// One process, also one that is only remembered.
///
/// # Errors
/// [`ProcessError::ProcessNotFound`].
pub fn snapshot(pid: Pid) -> Result<Snapshot, ProcessError> {
    let copied = {
        let table = table().lock();
        match table.get(pid) {
            Ok(record) => copy(record),
            Err(error) => return table.history().get(pid).map(remembered).ok_or(error),
        }
    };
    let mut snapshot = complete(copied);
    if let (Some(space), None) =
        (snapshot.process.as_ref().and_then(|process| process.space()), snapshot.ended_at)
    {
        use vm_core::address_space::Kind;
        snapshot.usage.memory.stack_bytes = space.resident_of(|kind| matches!(kind, Kind::Stack));
        snapshot.usage.memory.heap_bytes = space.resident_of(|kind| matches!(kind, Kind::Heap));
    }
    Ok(snapshot)
}

/// Calls `visit` with up to `limit` processes of the table, the first being the one after `after`.
/// With the history, whose pids lie in between, in the order of pids.
pub fn rows_after(after: u32, limit: usize, mut visit: impl FnMut(Snapshot)) {
    let cursor = Pid::new(i64::from(after)).ok();
    let (copies, gone): (Vec<Copied>, Vec<Snapshot>) = {
        let table = table().lock();
        let copies: Vec<Copied> = table.page_after(cursor).take(limit).map(copy).collect();
        let mut gone: Vec<&DefunctProcess> = table
            .history()
            .iter()
            .filter(|defunct| defunct.pid.number() > after && table.get(defunct.pid).is_err())
            .collect();
        // Under the table's lock only those are put in order that the page can show. A number can be
        // there twice, hence the reserve.
        let key = |defunct: &&DefunctProcess| (defunct.pid, core::cmp::Reverse(defunct.ended_at));
        let enough = limit.saturating_mul(2);
        if enough < gone.len() {
            gone.select_nth_unstable_by_key(enough, key);
            gone.truncate(enough);
        }
        gone.sort_unstable_by_key(key);
        gone.dedup_by_key(|defunct| defunct.pid);
        (copies, gone.into_iter().take(limit).map(remembered).collect())
    };
    let mut gone = gone.into_iter().peekable();
    let mut visited = 0;
    for copied in copies {
        let pid = copied.snapshot.pid;
        while let Some(earlier) = gone.next_if(|gone| gone.pid < pid) {
            if visited == limit {
                return;
            }
            visit(earlier);
            visited += 1;
        }
        if visited == limit {
            return;
        }
        visit(complete(copied));
        visited += 1;
    }
    for rest in gone.take(limit - visited) {
        visit(rest);
    }
}

/// As `rows_after`: a full row costs no more.
pub fn snapshots_after(after: u32, limit: usize, visit: impl FnMut(Snapshot)) {
    rows_after(after, limit, visit);
}

/// How many processes were ever made, and the number of the one that was made last.
#[must_use]
pub fn made() -> (u64, u32) {
    let (made, last) = table().lock().entered();
    (made, last.map_or(0, Pid::number))
}

/// The numbers of up to `limit` processes after one, the remembered left out.
#[must_use]
pub fn pids_after(after: Option<u32>, limit: usize) -> Vec<u32> {
    let cursor = after.and_then(|after| Pid::new(i64::from(after)).ok());
    let mut pids = Vec::with_capacity(limit);
    pids.extend(table().lock().page_after(cursor).take(limit).map(|record| record.pid().number()));
    pids
}

/// How many processes are in each state, how many are remembered, and how many threads there are.
/// Costs a walk, in pages, because ready, running and blocked are the threads' states.
#[must_use]
pub fn counts() -> (StateCounts, usize) {
    let table = table().lock();
    (*table.counts(), table.history().len())
}

/// The CPU use of late of a process, in hundredths of a percent of one CPU.
#[must_use]
pub fn recent_cpu_of(pid: Pid) -> Option<u32> {
    let process = super::find(pid).ok()?;
    Some(process.recent_cpu(process.usage().cpu.total_ns()))
}
