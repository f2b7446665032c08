//! Limits that are kept by waiting, and sets of processes that have quotas together.

use alloc::string::String;
use alloc::sync::Arc;

use process_core::{
    BlockReason, ExitStatus, LimitKind, Limits, LimitsChange, Pid, ProcessState, Quotas, Signal,
};

use super::Test;
use super::support::{
    Account, MS, Outcome, PATIENCE_MS, check, eventually, failed, fill_histories, probe, program,
    run, sleep_ms, start, wait_for,
};
use crate::process::{self, NewProgram, ProcessSet};

pub(super) const TESTS: &[Test] = &[
    ("limits_cpu_share_is_hard", cpu_share_is_hard),
    ("limits_cpu_time_ends", cpu_time_ends),
    ("limits_reading_and_writing_wait", reading_and_writing_wait),
    ("limits_creation_is_refused", creation_is_refused),
    ("limits_set_shares_cpu", set_shares_cpu),
    ("limits_set_is_inherited_and_ends", set_is_inherited_and_ends),
    ("limits_set_bounds_memory", set_bounds_memory),
    ("limits_set_bounds_tasks_and_files", set_bounds_tasks_and_files),
    ("limits_sets_leave_nothing_behind", sets_leave_nothing_behind),
];

const KILLED: ExitStatus = ExitStatus::by_signal(Signal::SIGKILL);

fn with_limits(program: NewProgram, limits: Limits) -> NewProgram {
    NewProgram { limits, ..program }
}

fn cpu_ns(pid: Pid) -> u64 {
    process::snapshot(pid).map_or(0, |snapshot| snapshot.usage.cpu.total_ns())
}

fn met(pid: Pid, kind: LimitKind) -> u32 {
    process::snapshot(pid).map_or(0, |snapshot| snapshot.usage.limits_met.of(kind))
}

fn kill(pid: Pid) -> Result<(), String> {
    process::terminate(pid, None).map_err(failed("kill"))?;
    wait_for(pid, PATIENCE_MS).map(drop)
}

/// Percent of one CPU that something uses in the next second; the least of several looks, because
/// the host may stop all of it for a while and charge whoever runs then.
fn percent_of(used_ns: impl Fn() -> u64) -> u64 {
    let (from, before) = (hal::time::now_ns(), used_ns());
    sleep_ms(1_000);
    (used_ns() - before) * 100 / (hal::time::now_ns() - from)
}

/// Whether the share that is measured is within these bounds at least once in some looks.
fn settles_between(low: u64, high: u64, used_ns: impl Fn() -> u64) -> Outcome {
    const LOOKS: usize = 6;
    let mut seen = [0; LOOKS];
    for look in &mut seen {
        *look = percent_of(&used_ns);
        if (low..=high).contains(look) {
            return Ok(());
        }
    }
    check!(false, "between {low} and {high} percent were wanted, {seen:?} seen");
    Ok(())
}

// proves: P5
fn cpu_share_is_hard() -> Outcome {
    let limits = Limits { cpu_percent: Some(20), ..Limits::default() };
    let pid = start(&with_limits(probe(&["spin"])?, limits))?;
    let outcome = cpu_share_of(pid);
    kill(pid)?;
    outcome
}

fn cpu_share_of(pid: Pid) -> Outcome {
    settles_between(17, 22, || cpu_ns(pid))?;
    let throttled = ProcessState::Blocked { reason: BlockReason::Throttle };
    let is_shown = eventually(PATIENCE_MS, || {
        process::snapshot(pid).is_ok_and(|snapshot| snapshot.state == throttled)
    });
    check!(is_shown, "it is never shown as throttled");
    check!(met(pid, LimitKind::CpuPercent) > 2, "the limit was met, and not counted");
    let change =
        |cpu_percent| LimitsChange { cpu_percent: Some(cpu_percent), ..LimitsChange::default() };
    process::change_limits(pid, &change(Some(50))).map_err(failed("change"))?;
    settles_between(45, 53, || cpu_ns(pid))?;
    process::change_limits(pid, &change(None)).map_err(failed("lift"))?;
    settles_between(80, 101, || cpu_ns(pid))?;
    process::change_limits(pid, &change(Some(5))).map_err(failed("limit"))?;
    settles_between(3, 7, || cpu_ns(pid))
}

// proves: P5
fn cpu_time_ends() -> Outcome {
    const LIMIT_NS: u64 = 300 * MS;
    let limits = Limits { cpu_time_ns: Some(LIMIT_NS), ..Limits::default() };
    let ended = run(&with_limits(probe(&["spin"])?, limits))?;
    check!(ended.exit == KILLED, "it ended with {:?}", ended.exit);
    let used = ended.last.usage.cpu.total_ns();
    check!(used >= LIMIT_NS, "it ended after {used} ns already");
    check!(used < LIMIT_NS * 2, "it ended after {used} ns only");
    check!(ended.last.usage.limits_met.of(LimitKind::CpuTime) == 1, "it was not counted");
    // Of one that runs already.
    let pid = start(&probe(&["spin"])?)?;
    let change = LimitsChange { cpu_time_ns: Some(Some(1)), ..LimitsChange::default() };
    process::change_limits(pid, &change).map_err(failed("change"))?;
    let exit = wait_for(pid, PATIENCE_MS)?.exit;
    check!(exit == KILLED, "it ended with {exit:?}");
    Ok(())
}

// proves: P5
fn reading_and_writing_wait() -> Outcome {
    const RATE: u64 = 1 << 20;
    let copy = ["/bin/dd", "if=/dev/zero", "of=/dev/null", "bs=16k", "count=64"];
    for kind in [LimitKind::ReadRate, LimitKind::WriteRate] {
        let mut limits = Limits::default();
        match kind {
            LimitKind::ReadRate => limits.read_bytes_per_second = Some(RATE),
            _ => limits.write_bytes_per_second = Some(RATE),
        }
        let before = hal::time::now_ns();
        let ended = run(&with_limits(program(&copy)?, limits))?;
        let took_ms = (hal::time::now_ns() - before) / MS;
        check!(ended.exit == ExitStatus::Code(0), "dd ended with {:?}", ended.exit);
        // A second's worth, of which a tenth may come at once, and the last piece is not waited off.
        check!(took_ms >= 850, "{kind:?}: {RATE} bytes took {took_ms} ms");
        let met = ended.last.usage.limits_met.of(kind);
        check!(met >= 10, "{kind:?}: met {met} times");
    }
    // Who waits for hours can be ended.
    let limits = Limits { read_bytes_per_second: Some(1), ..Limits::default() };
    let pid = start(&with_limits(program(&copy)?, limits))?;
    let throttled = ProcessState::Blocked { reason: BlockReason::Throttle };
    let waits = eventually(PATIENCE_MS, || {
        process::snapshot(pid).is_ok_and(|snapshot| snapshot.state == throttled)
    });
    kill(pid)?;
    check!(waits, "it does not wait");
    Ok(())
}

const FORKS: &str = "i=0; while [ $i -lt 20 ]; do /bin/true; i=$((i+1)); done; echo done";

// proves: P5
fn creation_is_refused() -> Outcome {
    let shell = program(&["/bin/sh", "-c", FORKS])?;
    let limits = Limits { processes_per_second: Some(3), ..Limits::default() };
    let ended = run(&with_limits(shell.clone(), limits))?;
    check!(ended.exit != ExitStatus::Code(0), "it made all its processes");
    let met = ended.last.usage.limits_met.of(LimitKind::CreationRate);
    check!(met >= 1, "met {met} times");
    let limits = Limits { processes_per_second: Some(1_000), ..Limits::default() };
    let ended = run(&with_limits(shell, limits))?;
    check!(ended.exit == ExitStatus::Code(0), "it ended with {:?}", ended.exit);
    Ok(())
}

fn set(quotas: &Quotas) -> Result<Arc<ProcessSet>, String> {
    ProcessSet::new(Arc::from("selftest"), quotas).map_err(failed("a set"))
}

fn within(set: &Arc<ProcessSet>, program: NewProgram) -> NewProgram {
    NewProgram { set: Some(Arc::clone(set)), ..program }
}

/// Ends a set and waits until it is empty.
fn end(set: &ProcessSet) -> Result<(), String> {
    set.end_all();
    if eventually(PATIENCE_MS, || set.is_empty()) {
        Ok(())
    } else {
        Err(alloc::format!("the set is not empty: {:?}", set.members()))
    }
}

const TWO_SPIN: &str = "while :; do :; done & while :; do :; done";

// proves: P5
fn set_shares_cpu() -> Outcome {
    let set = set(&Quotas { cpu_percent: Some(30), ..Quotas::default() })?;
    start(&within(&set, program(&["/bin/sh", "-c", TWO_SPIN])?))?;
    start(&within(&set, probe(&["spin"])?))?;
    let used = || set.usage().usage.cpu.total_ns();
    let outcome = settles_between(26, 33, used).and_then(|()| {
        let more = Quotas { cpu_percent: Some(60), ..Quotas::default() };
        set.set_quotas(&more).map_err(failed("quotas"))?;
        settles_between(53, 64, used)
    });
    check!(set.usage().usage.limits_met.of(LimitKind::CpuPercent) > 2, "it was not counted");
    end(&set)?;
    outcome
}

const GENERATIONS: &str = "(sleep 1000 & sleep 1000) & (sh -c 'sleep 1000; :'; :) & wait; :";

fn set_is_inherited_and_ends() -> Outcome {
    let set = set(&Quotas::default())?;
    check!(set.is_empty() && set.members().is_empty(), "a new set has members");
    let shell = within(&set, program(&["/bin/sh", "-c", GENERATIONS])?);
    let first = start(&shell)?;
    let all_there = eventually(PATIENCE_MS, || set.members().len() >= 6);
    let members = set.members();
    check!(all_there, "only {members:?} are members");
    check!(members.contains(&first), "the first is none of {members:?}");
    for pid in &members {
        let service = process::snapshot(*pid).ok().and_then(|it| it.profile.service);
        check!(service.as_deref() == Some("selftest"), "process {pid} belongs to {service:?}");
    }
    let usage = set.usage();
    check!(usage.processes as usize == members.len(), "{} of {members:?}", usage.processes);
    check!(usage.threads as usize == members.len(), "{} of {members:?}", usage.threads);
    check!(usage.usage.memory.current_bytes > 0, "without memory");
    set.suspend_all();
    let is_held = |pid: &Pid| {
        process::snapshot(*pid).is_ok_and(|it| matches!(it.state, ProcessState::Suspended { .. }))
    };
    check!(members.iter().all(is_held), "not all are suspended");
    set.resume_all();
    check!(!members.iter().any(is_held), "not all were resumed");
    let before = set.usage().usage.cpu.total_ns();
    end(&set)?;
    check!(set.usage().usage.cpu.total_ns() >= before, "what was used is forgotten");
    check!(set.usage().usage.memory.current_bytes == 0, "{:?} are left", set.usage().usage.memory);
    check!(set.usage().usage.memory.peak_bytes > 0, "there was a peak");
    check!(set.usage().threads == 0, "threads are left");
    // Nobody stays in a set that has been ended, until it is opened again.
    let pid = start(&shell)?;
    let exit = wait_for(pid, PATIENCE_MS)?.exit;
    check!(exit == KILLED, "a process in a closed set ended with {exit:?}");
    check!(set.is_closed(), "it opened by itself");
    set.open();
    let pid = start(&within(&set, probe(&["nothing"])?))?;
    let exit = wait_for(pid, PATIENCE_MS)?.exit;
    check!(exit == ExitStatus::Code(0), "a process in an opened set ended with {exit:?}");
    // Asked to end rather than ended.
    let pid = start(&within(&set, program(&["/bin/sleep", "1000"])?))?;
    set.signal_all(Signal::SIGTERM);
    let exit = wait_for(pid, PATIENCE_MS)?.exit;
    check!(exit == ExitStatus::by_signal(Signal::SIGTERM), "it ended with {exit:?}");
    Ok(())
}

fn set_bounds_memory() -> Outcome {
    let set = set(&Quotas { memory_bytes: Some(16 << 20), ..Quotas::default() })?;
    // Two that fit, and one that does not fit beside them: the largest ends.
    let small = within(&set, probe(&["hold", "4"])?);
    let smalls = [start(&small)?, start(&small)?];
    let are_there = eventually(PATIENCE_MS, || set.usage().usage.memory.current_bytes > 8 << 20);
    check!(are_there, "they do not take their memory: {:?}", set.usage().usage.memory);
    let large = start(&within(&set, probe(&["hold", "12"])?))?;
    let ended = wait_for(large, PATIENCE_MS)?;
    check!(ended.exit == KILLED, "it ended with {:?}", ended.exit);
    check!(ended.last.usage.limits_met.of(LimitKind::Memory) == 1, "it was not counted");
    check!(set.members() == smalls, "the others went, too: {:?}", set.members());
    let peak = set.usage().usage.memory.peak_bytes;
    check!(peak <= (16 << 20) + (256 << 10), "it had {peak} bytes");
    end(&set)?;
    check!(set.usage().usage.memory.current_bytes == 0, "memory is left");
    Ok(())
}

fn set_bounds_tasks_and_files() -> Outcome {
    let set = set(&Quotas { processes: Some(3), ..Quotas::default() })?;
    let many = "for i in 1 2 3 4 5; do sleep 1000 & done; echo all";
    let ended = run(&within(&set, program(&["/bin/sh", "-c", many])?))?;
    check!(ended.exit != ExitStatus::Code(0), "it made five children of two");
    check!(set.usage().threads <= 3, "{} are there", set.usage().threads);
    check!(ended.last.usage.limits_met.of(LimitKind::Processes) >= 1, "it was not counted");
    end(&set)?;
    set.open();
    let files = Quotas { open_files: Some(6), ..Quotas::default() };
    set.set_quotas(&files).map_err(failed("quotas"))?;
    let open = "exec 3</dev/null; exec 4</dev/null; exec 5</dev/null; exec 6</dev/null; echo all";
    let ended = run(&within(&set, program(&["/bin/sh", "-c", open])?))?;
    check!(ended.exit != ExitStatus::Code(0), "it opened seven files of six");
    check!(ended.last.usage.limits_met.of(LimitKind::OpenFiles) >= 1, "it was not counted");
    set.set_quotas(&Quotas::default()).map_err(failed("quotas"))?;
    let ended = run(&within(&set, program(&["/bin/sh", "-c", open])?))?;
    check!(ended.exit == ExitStatus::Code(0), "without a quota it ended with {:?}", ended.exit);
    end(&set)?;
    Ok(())
}

fn sets_leave_nothing_behind() -> Outcome {
    let shell = program(&["/bin/sh", "-c", GENERATIONS])?;
    let round = || -> Result<(), String> {
        let set = set(&Quotas { cpu_percent: Some(400), ..Quotas::default() })?;
        start(&within(&set, shell.clone()))?;
        eventually(20, || set.members().len() >= 6);
        end(&set)
    };
    fill_histories()?;
    for _ in 0..5 {
        round()?;
    }
    let before = Account::now();
    for _ in 0..20 {
        round()?;
    }
    Ok(before.is_settled(256 << 10)?)
}
