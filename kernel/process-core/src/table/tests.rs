//! The table's rules, one by one; the property tests stand in `src/tests/table.rs`.

use std::string::ToString;
use std::sync::Arc;
use std::vec::Vec;

use super::{NewProcess, ProcessTable, Reaper, TableConfig, WaitEvents, WaitOutcome, WaitSelector};
use crate::credentials::{Credentials, Gid, Uid};
use crate::error::{LimitKind, ProcessError, Resource};
use crate::exit::ExitStatus;
use crate::ids::{Instant, Pid};
use crate::image::{ProcessName, ProgramImage};
use crate::limits::Limits;
use crate::process::{Isolation, Profile};
use crate::scheduling::Scheduling;
use crate::signal::Signal;
use crate::state::{ProcessState, StateName};
use crate::usage::Usage;

type Table = ProcessTable<u64>;

const NOW: Instant = Instant::from_nanoseconds(5);
const ALL_EVENTS: WaitEvents = WaitEvents { exited: true, stopped: true, continued: true };

fn profile(isolation: Isolation) -> Profile {
    Profile {
        name: ProcessName::new(b"test"),
        image: Arc::new(ProgramImage::default()),
        working_directory: "/".into(),
        root_directory: "/".into(),
        isolation,
        sandbox: None,
        scheduling: Scheduling::default(),
        limits: Limits::default(),
        service: None,
    }
}

fn table(config: TableConfig) -> Table {
    ProcessTable::new(config).unwrap()
}

fn credentials(uid: u32) -> Arc<Credentials> {
    Arc::new(Credentials::for_user(Uid(uid), Gid(uid), Arc::new([])))
}

fn make(table: &mut Table, parent: Pid) -> Pid {
    let reservation = table.reserve(Uid(0), None).unwrap();
    let profile = profile(Isolation::Process);
    let new = NewProcess::new(&reservation, parent, credentials(0), profile, 1, NOW).unwrap();
    let new = if parent.is_system() { new } else { new.forked_by(parent) };
    let pid = table.insert(reservation, new).unwrap();
    table.start(pid).unwrap();
    pid
}

fn exit(table: &mut Table, pid: Pid) -> super::ExitNotice {
    table.terminate(pid, ExitStatus::Code(1)).unwrap();
    table.become_zombie(pid, Usage::default(), NOW).unwrap()
}

// proves: P4
#[test]
fn who_has_ended_holds_nothing_and_keeps_its_peak() {
    let mut table = table(TableConfig::default());
    let parent = make(&mut table, Pid::SYSTEM);
    let pid = make(&mut table, parent);
    let mut usage = Usage { open_files: 3, minor_faults: 5, ..Usage::default() };
    usage.memory.current_bytes = 4096;
    usage.memory.stack_bytes = 4096;
    usage.memory.heap_bytes = 4096;
    usage.memory.peak_bytes = 8192;
    table.terminate(pid, ExitStatus::Code(1)).unwrap();
    table.become_zombie(pid, usage, NOW).unwrap();
    let mut left = Usage { minor_faults: 5, ..Usage::default() };
    left.memory.peak_bytes = 8192;
    assert_eq!(table.get(pid).unwrap().final_usage(), left);
    table.reap(pid, NOW).unwrap();
    assert_eq!(table.history().get(pid).unwrap().usage, left);
}

// proves: P2
#[test]
fn a_life_from_new_to_defunct() {
    let mut table = table(TableConfig::default());
    let pid = make(&mut table, Pid::SYSTEM);
    table.suspend(pid).unwrap();
    assert_eq!(table.counts().of(StateName::Suspended), 1);
    table.resume(pid).unwrap();
    let refused = table.resume(pid);
    assert_eq!(
        refused,
        Err(ProcessError::InvalidState { pid, from: StateName::Ready, to: StateName::Ready })
    );
    assert!(table.reap(pid, NOW).is_err(), "a living process is not reaped");
    let notice = exit(&mut table, pid);
    assert_eq!(notice.reaper, Reaper::Manager);
    assert_eq!(table.next_unclaimed_zombie(), Some(pid));
    let reaped = table.reap(pid, NOW).unwrap();
    assert_eq!(reaped.exit, ExitStatus::Code(1));
    assert_eq!(table.next_unclaimed_zombie(), None);
    assert!(matches!(table.get(pid), Err(ProcessError::ProcessNotFound { .. })));
    let remembered = table.history().get(pid).unwrap();
    assert_eq!(remembered.state, ProcessState::Defunct { exit: ExitStatus::Code(1) });
    assert_eq!(table.tasks_of(Uid(0)), 0);
    assert!(table.is_empty());
}

#[test]
fn only_the_first_end_counts() {
    let mut table = table(TableConfig::default());
    let pid = make(&mut table, Pid::SYSTEM);
    let first = ExitStatus::by_signal(Signal::SIGKILL);
    table.terminate(pid, first).unwrap();
    let error = table.terminate(pid, ExitStatus::Code(0)).unwrap_err();
    assert_eq!(error.to_string(), "process 1 is terminated and cannot become terminated");
    assert_eq!(table.get(pid).unwrap().state().exit(), Some(first));
}

#[test]
fn the_history_forgets_the_oldest() {
    let mut table = table(TableConfig { history: 3, ..TableConfig::default() });
    let pids: Vec<Pid> = (0..5)
        .map(|_| {
            let pid = make(&mut table, Pid::SYSTEM);
            exit(&mut table, pid);
            table.reap(pid, NOW).unwrap();
            pid
        })
        .collect();
    let remembered: Vec<Pid> = table.history().iter().map(|defunct| defunct.pid).collect();
    assert_eq!(remembered, [pids[4], pids[3], pids[2]]);
    assert!(table.history().get(pids[1]).is_none());
}

#[test]
fn a_child_waits_for_its_parent_and_tells_it() {
    let mut table = table(TableConfig::default());
    let init = make(&mut table, Pid::SYSTEM);
    let parent = make(&mut table, init);
    let child = make(&mut table, parent);
    let find = |table: &Table, selector| table.find_waitable(parent, selector, ALL_EVENTS);
    assert_eq!(find(&table, WaitSelector::Any), WaitOutcome::NothingYet);
    table.stop(child, Signal::SIGSTOP).unwrap();
    let stopped = WaitOutcome::Stopped { pid: child, signal: Signal::SIGSTOP };
    assert_eq!(find(&table, WaitSelector::Any), stopped);
    table.take_wait_event(child).unwrap();
    assert_eq!(find(&table, WaitSelector::Child(child)), WaitOutcome::NothingYet);
    assert!(table.continue_stopped(child).unwrap());
    assert_eq!(find(&table, WaitSelector::Any), WaitOutcome::Continued { pid: child });
    let notice = exit(&mut table, child);
    assert_eq!(notice.reaper, Reaper::Parent(parent));
    assert_eq!(notice.signal, Some(Signal::SIGCHLD));
    let exited = WaitOutcome::Exited { pid: child, exit: ExitStatus::Code(1) };
    let group = table.get(parent).unwrap().group();
    assert_eq!(find(&table, WaitSelector::Group(group)), exited);
    assert_eq!(find(&table, WaitSelector::Group(child)), WaitOutcome::NoChild);
    table.reap(child, NOW).unwrap();
    assert_eq!(find(&table, WaitSelector::Any), WaitOutcome::NoChild);
}

#[test]
fn orphans_go_to_init_and_from_there_to_the_manager() {
    let mut table = table(TableConfig::default());
    let init = make(&mut table, Pid::SYSTEM);
    assert_eq!(init, Pid::INIT);
    let parent = make(&mut table, init);
    let children: Vec<Pid> = (0..4).map(|_| make(&mut table, parent)).collect();
    exit(&mut table, children[0]);
    table.terminate(parent, ExitStatus::Code(0)).unwrap();
    let first = table.give_up_children(parent, 2).unwrap();
    assert!(first.is_unfinished && first.has_news && first.moved == 2);
    let notice = table.become_zombie(parent, Usage::default(), NOW).unwrap();
    assert_eq!((notice.adopted.moved, notice.adopted.parent), (2, init));
    assert!(children.iter().all(|&child| table.get(child).unwrap().parent() == init));
    exit(&mut table, init);
    assert_eq!(table.get(children[1]).unwrap().parent(), Pid::SYSTEM);
    let mut reaped = 0;
    while let Some(zombie) = table.next_unclaimed_zombie() {
        table.reap(zombie, NOW).unwrap();
        reaped += 1;
    }
    assert_eq!(reaped, 3, "init, the parent and the child that had ended");
    assert_eq!(table.len(), 3);
}

#[test]
fn a_parent_that_discards_its_children_is_told_and_never_finds_one() {
    let mut table = table(TableConfig::default());
    let parent = make(&mut table, Pid::SYSTEM);
    let child = make(&mut table, parent);
    table.set_discards_children(parent, true).unwrap();
    let notice = exit(&mut table, child);
    assert_eq!((notice.reaper, notice.wake_parent), (Reaper::Manager, Some(parent)));
    assert_eq!(table.find_waitable(parent, WaitSelector::Any, ALL_EVENTS), WaitOutcome::NoChild);
    assert_eq!(table.next_unclaimed_zombie(), Some(child));
}

// proves: P5
#[test]
fn a_full_table_and_a_full_user_are_refused() {
    let mut table = table(TableConfig { max_processes: 2, ..TableConfig::default() });
    let first = table.reserve(Uid(7), Some(2)).unwrap();
    let thread = table.add_thread(first.pid(), Some(2));
    assert_eq!(thread, Err(ProcessError::ProcessNotFound { pid: first.pid() }));
    let profile = profile(Isolation::Process);
    let new = NewProcess::new(&first, Pid::SYSTEM, credentials(7), profile, 1, NOW).unwrap();
    let pid = table.insert(first, new).unwrap();
    let tid = table.add_thread(pid, Some(2)).unwrap();
    assert_eq!(table.process_of(tid), Ok(pid));
    let full = ProcessError::LimitExceeded { limit: LimitKind::Processes, maximum: 2 };
    assert_eq!(table.reserve(Uid(7), Some(2)).unwrap_err(), full);
    let second = table.reserve(Uid(8), Some(2)).unwrap();
    let exhausted = ProcessError::ResourceExhausted { resource: Resource::Processes };
    assert_eq!(table.reserve(Uid(9), Some(2)).unwrap_err(), exhausted);
    table.release(second);
    assert_eq!(table.remove_thread(tid), Ok(1));
    assert!(table.process_of(tid).is_err());
    assert_eq!((table.tasks_of(Uid(7)), table.tasks_of(Uid(8))), (1, 0));
}

#[test]
fn a_number_in_use_by_a_group_is_not_handed_out() {
    let mut table = table(TableConfig { number_limit: 4, ..TableConfig::default() });
    let leader = make(&mut table, Pid::SYSTEM);
    let member = make(&mut table, leader);
    exit(&mut table, leader);
    table.reap(leader, NOW).unwrap();
    assert_eq!(table.get(member).unwrap().group(), leader);
    let third = make(&mut table, Pid::SYSTEM);
    assert!(third != leader && third != member);
    let none_left = ProcessError::ResourceExhausted { resource: Resource::Numbers };
    assert_eq!(table.reserve(Uid(0), None).unwrap_err(), none_left);
    assert_eq!(table.tasks_of(Uid(0)), 2, "what failed is not counted");
    exit(&mut table, member);
    table.reap(member, NOW).unwrap();
    let mut free = [make(&mut table, Pid::SYSTEM), make(&mut table, Pid::SYSTEM)];
    free.sort();
    assert_eq!(free, [leader, member]);
}

#[test]
fn a_session_keeps_its_number_until_its_last_group_is_gone() {
    let mut table = table(TableConfig { number_limit: 3, ..TableConfig::default() });
    let leader = make(&mut table, Pid::SYSTEM);
    let job = make(&mut table, leader);
    table.set_group(leader, job, job).unwrap();
    for pid in [leader, job] {
        assert!(table.reserve(Uid(0), None).is_err());
        exit(&mut table, pid);
        table.reap(pid, NOW).unwrap();
    }
    let mut free = [make(&mut table, Pid::SYSTEM), make(&mut table, Pid::SYSTEM)];
    free.sort();
    assert_eq!(free, [leader, job]);
}

#[test]
fn groups_and_sessions_follow_setpgid_and_setsid() {
    let mut table = table(TableConfig::default());
    let shell = make(&mut table, Pid::SYSTEM);
    let job = make(&mut table, shell);
    let denied = |pid| Err(ProcessError::PermissionDenied { pid });
    assert!(table.is_orphaned(shell));
    assert_eq!(table.set_group(shell, shell, shell), denied(shell), "a session leader stays");
    table.set_group(shell, job, job).unwrap();
    assert!(!table.is_orphaned(job), "the shell looks after it");
    let helper = make(&mut table, job);
    assert_eq!(table.get(helper).unwrap().group(), job);
    assert_eq!(
        table.set_group(shell, helper, shell),
        Err(ProcessError::ProcessNotFound { pid: helper }),
        "a grandchild is not the caller's to move"
    );
    table.note_execution(job).unwrap();
    let refused = table.set_group(shell, job, shell);
    assert_eq!(refused, Err(ProcessError::AlreadyExecuted { pid: job }));
    table.start_session(helper).unwrap();
    assert_eq!(table.start_session(helper), denied(helper));
    assert_eq!(table.set_group(helper, helper, job), denied(helper));
    let members: Vec<Pid> = table.group_members(job).map(super::Process::pid).collect();
    assert_eq!(members, [job]);
}

#[test]
fn kernel_threads_are_in_no_group_and_cannot_be_suspended() {
    let mut table = table(TableConfig::default());
    let reservation = table.reserve(Uid(0), None).unwrap();
    let profile = profile(Isolation::Kernel);
    let new = NewProcess::new(&reservation, Pid::SYSTEM, credentials(0), profile, 1, NOW).unwrap();
    let pid = table.insert(reservation, new).unwrap();
    table.start(pid).unwrap();
    assert_eq!(table.get(pid).unwrap().group(), Pid::SYSTEM);
    assert_eq!(table.suspend(pid), Err(ProcessError::PermissionDenied { pid }));
    let program = make(&mut table, pid);
    assert_eq!(table.get(program).unwrap().session(), program, "there is none to inherit");
    exit(&mut table, program);
    table.reap(program, NOW).unwrap();
    exit(&mut table, pid);
    table.reap(pid, NOW).unwrap();
    assert!(table.is_empty());
}
