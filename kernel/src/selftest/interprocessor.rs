//! Interrupts between CPUs: reschedule, and TLB shoot-downs.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use hal::cpu::{CpuStatistics, statistics};
use hal::paging::Writing;
use hal::trap::RESCHEDULE_VECTOR;
use hal::user::copy_from;

use super::Test;
use super::paging::{WRITE, space_with};
use super::support::{
    MS, Outcome, PATIENCE_MS, Worker, check, eventually, join_all, need_several_cpus,
};

pub(super) const TESTS: &[Test] = &[
    ("interprocessor_reschedule_is_answered", reschedule_is_answered),
    ("interprocessor_unmapping_reaches_every_cpu", unmapping_reaches_every_cpu),
    ("interprocessor_many_shoot_downs_at_once", many_at_once),
];

fn of(cpu: usize) -> Result<&'static CpuStatistics, alloc::string::String> {
    statistics(cpu).ok_or_else(|| alloc::format!("CPU {cpu} has no statistics"))
}

// proves: K1, K5
fn reschedule_is_answered() -> Outcome {
    need_several_cpus()?;
    let sender = hal::cpu::online() - 1;
    for (from, to) in (0..sender).map(|cpu| (sender, cpu)).chain([(0, sender)]) {
        let worker = Worker::on(from, move || {
            let answered = &of(to)?.vectors[usize::from(RESCHEDULE_VECTOR)];
            for round in 0..20 {
                let (sent, before) = (of(from)?.ipis_sent.get(), answered.get());
                hal::apic::send_reschedule(to);
                check!(of(from)?.ipis_sent.get() > sent, "the sender counts nothing");
                let is_answered = eventually(2_000, || answered.get() > before);
                check!(is_answered, "CPU {to} does not answer CPU {from} in round {round}");
            }
            Ok(())
        })?;
        worker.go();
        worker.join(PATIENCE_MS * 4)?;
    }
    Ok(())
}

/// Every CPU has the page in its TLB; after it is gone none can read it, not even once.
// proves: K1, K5, K6
fn unmapping_reaches_every_cpu() -> Outcome {
    const PAGE: u64 = 0x40_0000;
    need_several_cpus()?;
    for round in 0..20 {
        let space = space_with(PAGE, WRITE)?;
        let readers = Arc::new(AtomicUsize::new(0));
        let is_gone = Arc::new(AtomicBool::new(false));
        let shared = (Arc::clone(&space), Arc::clone(&readers), Arc::clone(&is_gone));
        let workers = Worker::on_each(move |cpu| {
            let (space, readers, is_gone) = &shared;
            space.load();
            let deadline = hal::time::now_ns() + PATIENCE_MS * MS;
            let mut byte = [1];
            check!(copy_from(PAGE, &mut byte).is_ok(), "CPU {cpu} cannot read the page");
            readers.fetch_add(1, Ordering::Release);
            loop {
                // Acquire pairs with the release below: the unmapping was over before.
                let was_gone = is_gone.load(Ordering::Acquire);
                let can_read = copy_from(PAGE, &mut byte).is_ok();
                check!(!(was_gone && can_read), "CPU {cpu} reads a page that is gone");
                if was_gone {
                    return Ok(());
                }
                check!(hal::time::now_ns() < deadline, "CPU {cpu} waits in vain");
            }
        })?;
        let all = workers.len();
        workers.iter().for_each(Worker::go);
        let have_come = eventually(PATIENCE_MS, || readers.load(Ordering::Acquire) == all);
        let received =
            || (0..all).filter_map(statistics).map(|s| s.shootdowns_received.get()).sum();
        let before: u64 = received();
        let unmapped = space.unmap(PAGE, PAGE + 4096);
        is_gone.store(true, Ordering::Release);
        let served = received() - before;
        let joined = join_all(&workers, PATIENCE_MS);
        space.retire();
        joined?;
        check!(have_come, "not all CPUs read the page in round {round}");
        check!(unmapped == 1, "{unmapped} pages were unmapped");
        // The one that unmaps needs no interrupt.
        check!(served + 1 >= all as u64, "{served} shoot-downs for {all} CPUs");
    }
    Ok(())
}

/// All CPUs ask all others at once: nobody waits for ever.
// proves: K1
fn many_at_once() -> Outcome {
    need_several_cpus()?;
    const FIRST: u64 = 0x40_0000;
    let space = space_with(FIRST, WRITE)?;
    let shared = Arc::clone(&space);
    let workers = Worker::on_each(move |cpu| {
        shared.load();
        let page = FIRST + (1 + cpu as u64) * 4096;
        for round in 0..50 {
            let frame = hal::frame::SharedFrame::allocate();
            let frame = frame.map_err(super::support::failed("a frame"))?;
            shared
                .map(page, frame, WRITE, Writing::ToFrame)
                .map_err(super::support::failed("map"))?;
            let mut byte = [0];
            check!(copy_from(page, &mut byte).is_ok(), "round {round}: an unreadable page");
            check!(shared.unmap(page, page + 4096) == 1, "round {round}: unmap");
            check!(copy_from(page, &mut byte).is_err(), "round {round}: a stale page");
        }
        Ok(())
    })?;
    let said = super::support::run_all(&workers, 2 * PATIENCE_MS);
    space.retire();
    Ok(said?)
}
