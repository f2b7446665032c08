//! What operators need: emergencies, and names that mean the same on both sides of the API.

use process_core::{ExitStatus, Signal};

use super::Test;
use super::support::{Outcome, PATIENCE_MS, check, failed, probe, program, start, wait_for};
use crate::process;

pub(super) const TESTS: &[Test] = &[
    ("administration_emergency_ends_whatever_state", emergency_ends_whatever_state),
    ("administration_signals_are_named_alike", signals_are_named_alike),
];

// proves: P10
fn emergency_ends_whatever_state() -> Outcome {
    let spinning = start(&probe(&["spin"])?)?;
    let sleeping = start(&program(&["/bin/sleep", "1000"])?)?;
    let held = start(&program(&["/bin/sleep", "1001"])?)?;
    process::suspend(held, None).map_err(failed("suspend"))?;
    let programs = process::programs_after(0, usize::MAX);
    for pid in [spinning, sleeping, held] {
        check!(programs.contains(&pid), "{pid} is not seen as a program");
        let (_, threads) = process::threads(pid).map_err(failed("threads"))?;
        check!(threads.len() == 1, "{pid} has {} threads", threads.len());
        check!(process::end_in_emergency(pid) == Ok(true), "{pid} was not ended");
    }
    for pid in [spinning, sleeping, held] {
        let exit = wait_for(pid, PATIENCE_MS)?.exit;
        check!(exit == ExitStatus::by_signal(Signal::SIGKILL), "{pid} ended with {exit:?}");
        check!(process::end_in_emergency(pid).is_err(), "{pid} can be ended again");
    }
    if let Some(own) = crate::scheduler::current().map(|thread| thread.process().pid()) {
        check!(!process::programs_after(0, usize::MAX).contains(&own), "a kernel thread is listed");
        check!(process::end_in_emergency(own).is_err(), "a kernel thread was ended");
    }
    Ok(())
}

/// The API and the process manager have a table of names each, because neither may know the other.
fn signals_are_named_alike() -> Outcome {
    for number in 1..=64_u8 {
        let theirs = admin_api::types::Signal::from_number(number).map(|signal| signal.name());
        let ours = Signal::new(i64::from(number)).ok().map(Signal::name);
        check!(ours.is_some() && ours == theirs, "{number} is {ours:?} here and {theirs:?} there");
    }
    check!(admin_api::types::Signal::from_number(65).is_none(), "the API knows a signal 65");
    check!(Signal::new(65).is_err(), "there is a signal 65");
    Ok(())
}
