//! The transition matrix, and what an observer sees.

use std::vec::Vec;

use super::{BlockReason, ProcessState, StateName, Suspension, ThreadActivity};
use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::ids::Pid;
use crate::signal::Signal;

const EXIT: ExitStatus = ExitStatus::Code(3);

fn example(name: StateName) -> ProcessState {
    match name {
        StateName::New => ProcessState::New,
        StateName::Ready => ProcessState::Ready,
        StateName::Running => ProcessState::Running,
        StateName::Blocked => ProcessState::Blocked { reason: BlockReason::Sleep },
        StateName::Suspended => ProcessState::Suspended { suspension: Suspension::default() },
        StateName::Terminated => ProcessState::Terminated { exit: EXIT },
        StateName::Zombie => ProcessState::Zombie { exit: EXIT },
        StateName::Defunct => ProcessState::Defunct { exit: EXIT },
    }
}

// proves: P2
#[test]
fn exactly_the_listed_transitions_are_legal() {
    // Rows: from; columns: to, both in the order of StateName::ALL.
    let legal = [
        "·R···T··", // New
        "··R·ST··", // Ready
        "·R·BST··", // Running
        "·R··ST··", // Blocked
        "·R··ST··", // Suspended
        "······Z·", // Terminated
        "·······D", // Zombie
        "········", // Defunct
    ];
    for (row, &from) in legal.iter().zip(StateName::ALL) {
        let cells: Vec<char> = row.chars().collect();
        assert_eq!(cells.len(), StateName::ALL.len());
        for (cell, &to) in cells.iter().zip(StateName::ALL) {
            let pid = Pid::from_number(7);
            let result = example(from).become_state(pid, example(to));
            if *cell == '·' {
                assert_eq!(result, Err(ProcessError::InvalidState { pid, from, to }));
            } else {
                assert_eq!(result, Ok(example(to)), "{from} -> {to}");
            }
        }
    }
}

#[test]
fn both_reasons_of_a_suspension_must_be_lifted() {
    let pid = Pid::from_number(7);
    let stopped = ProcessState::Ready.suspended(pid, Some(Signal::SIGTSTP)).unwrap();
    let held = stopped.suspended(pid, None).unwrap();
    assert!(held.suspended(pid, None).is_err());
    assert!(held.suspended(pid, Some(Signal::SIGSTOP)).is_err());
    let still_held = held.continued(pid).unwrap();
    assert_eq!(
        still_held,
        ProcessState::Suspended { suspension: Suspension { signal: None, by_operator: true } }
    );
    assert!(still_held.continued(pid).is_err(), "SIGCONT does not lift an operator's hold");
    assert_eq!(stopped.continued(pid), Ok(ProcessState::Ready));
}

#[test]
fn a_process_is_as_its_liveliest_thread() {
    let blocked = |reason| ThreadActivity::Blocked { reason };
    let see = |threads: &[ThreadActivity]| ProcessState::Ready.observed(threads.iter().copied());
    let (sleep, read) = (blocked(BlockReason::Sleep), blocked(BlockReason::Read));
    assert_eq!(see(&[sleep, read]), ProcessState::Blocked { reason: BlockReason::Sleep });
    assert_eq!(see(&[sleep, ThreadActivity::Ready]), ProcessState::Ready);
    assert_eq!(
        see(&[sleep, ThreadActivity::Ready, ThreadActivity::Running]),
        ProcessState::Running
    );
    for name in [StateName::New, StateName::Suspended, StateName::Zombie] {
        assert_eq!(example(name).observed([ThreadActivity::Running]), example(name));
    }
}

#[test]
fn activities_survive_their_codes() {
    let all = BlockReason::ALL.iter().map(|&reason| ThreadActivity::Blocked { reason });
    for activity in all.chain([ThreadActivity::Ready, ThreadActivity::Running]) {
        assert_eq!(ThreadActivity::from_code(activity.code()), activity);
    }
    assert_eq!(ThreadActivity::from_code(u8::MAX), ThreadActivity::Ready);
}
