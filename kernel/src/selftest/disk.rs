//! The disk: what is put there is there, and its thread sleeps meanwhile.

use alloc::vec;
use alloc::vec::Vec;

use super::Test;
use super::support::{Outcome, Stop, check, failed};
use crate::disk::{self, Condition, Foreign};

pub(super) const TESTS: &[Test] = &[("disk_keeps_what_is_put", keeps_what_is_put)];

/// The values of the test: of a few bytes, and of several requests.
fn value(number: usize) -> Vec<u8> {
    vec![number.to_le_bytes()[0]; 1 + number * 1777]
}

// proves: S1
fn keeps_what_is_put() -> Outcome {
    const COUNT: usize = 40;
    disk::start(Foreign::Leave).map_err(failed("start the disk"))?;
    // Waits until it is known whether there is a disk.
    let before = disk::take_contents();
    let state = disk::state();
    if state.condition == Condition::Absent {
        return Err(Stop::Skipped("there is no disk"));
    }
    check!(state.condition == Condition::InUse, "the disk is not used: {:?}", state.reason);
    check!(before.is_empty(), "a new disk holds {} records", before.len());
    let Some(counters) = disk::counters() else { return Err(failed("count")(()).into()) };
    let (flushes, interrupts) = (counters.flushes.get(), counters.interrupts.get());
    for number in 0..COUNT {
        let put = disk::submit(move |store| store.put(&number.to_le_bytes(), &value(number)));
        let answer = put.wait();
        check!(answer == Some(Ok(())), "value {number} was not put: {answer:?}");
    }
    let wrong = disk::submit(|store| {
        (0..COUNT).find(|number| store.get(&number.to_le_bytes()) != Some(&value(*number)[..]))
    });
    let wrong = wrong.wait();
    check!(wrong == Some(None), "a value is missing: {wrong:?}");
    let flushed = counters.flushes.get() - flushes;
    check!(flushed >= COUNT as u64, "{flushed} flushes for {COUNT} values");
    // Writes and flushes: an interrupt each, because one is under way at a time.
    let interrupted = counters.interrupts.get() - interrupts;
    check!(interrupted >= 2 * COUNT as u64, "{interrupted} interrupts for {COUNT} values");
    check!(counters.errors.get() == 0, "{} requests failed", counters.errors.get());
    let records = disk::state().figures.records;
    check!(records == COUNT as u64, "{records} records for {COUNT} values");
    Ok(())
}
