//! When no memory is left for programs: one of them ends, so that the others and the kernel go on.
//! Who that is says `process_core::choose_victim`.
//!
//! Programs leave a reserve to the kernel (`memory::is_short`). Who meets it waits here until there
//! is memory again: one victim is chosen at a time, and the next one only when the last has freed
//! what it had.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};

use hal::interrupts::SpinLock;
use process_core::{BlockReason, Candidate, ExitStatus, Signal, choose_victim};

use super::{Process, control, table};
use crate::events::{self, Kind};
use crate::levels;
use crate::memory::is_short;
use crate::scheduler::{self, Thread};

struct Shortage {
    /// Who was told to end last.
    victim: Option<Arc<Process>>,
    waiting: Vec<Arc<Thread>>,
}

static SHORTAGE: SpinLock<Shortage> =
    SpinLock::new(levels::SERVICES, "shortage", Shortage { victim: None, waiting: Vec::new() });
/// Whether somebody waits, so that ends of processes cost one load.
static IS_AWAITED: AtomicBool = AtomicBool::new(false);

/// Waits until there is memory again, and ends a program for it if need be. False if the process
/// itself is to end, or nothing can be done.
pub fn make_room(thread: &Arc<Thread>, process: &Process) -> bool {
    /// In case that memory comes from elsewhere, or there was none to note who waits.
    const LOOK_AGAIN_NS: u64 = 50_000_000;
    loop {
        if process.is_ending() {
            return false;
        }
        if !is_short() {
            return true;
        }
        let Some((victim, is_new)) = current_victim() else { return false };
        if is_new {
            end(&victim);
            continue;
        }
        {
            let mut shortage = SHORTAGE.lock();
            if shortage.waiting.try_reserve(1).is_ok() {
                shortage.waiting.push(Arc::clone(thread));
            }
            IS_AWAITED.store(true, Ordering::SeqCst);
        }
        // Sequentially consistent with `memory_was_freed`: either that sees the flag, or this the end.
        if !victim.has_ended() && is_short() {
            let deadline = hal::time::now_ns().saturating_add(LOOK_AGAIN_NS);
            scheduler::park_until(BlockReason::Lock, deadline);
        }
        SHORTAGE.lock().waiting.retain(|other| !Arc::ptr_eq(other, thread));
    }
}

/// The program that is ending for the others, and whether it was chosen just now.
fn current_victim() -> Option<(Arc<Process>, bool)> {
    let mut shortage = SHORTAGE.lock();
    if let Some(victim) = &shortage.victim
        && !victim.has_ended()
    {
        return Some((Arc::clone(victim), false));
    }
    let victim = choose()?.1;
    shortage.victim = Some(Arc::clone(&victim));
    Some((victim, true))
}

/// Who would be ended if memory ran out now. In pages: the table is not held for all of the walk.
fn choose() -> Option<(Candidate, Arc<Process>)> {
    const PAGE: usize = 256;
    let (mut best, mut cursor) = (None, None);
    loop {
        let table = table().lock();
        let mut seen = 0;
        let page = table.page_after(cursor).take(PAGE).inspect(|record| {
            (cursor, seen) = (Some(record.pid()), seen + 1);
        });
        best = choose_victim(best.into_iter().chain(page.filter_map(candidate)));
        if seen < PAGE {
            let chosen = best?;
            let process = Arc::clone(&table.get(chosen.pid).ok()?.attachment);
            return Some((chosen, process));
        }
    }
}

/// A process as one that could be ended, if it could.
fn candidate(record: &process_core::Process<Arc<Process>>) -> Option<Candidate> {
    let process = &record.attachment;
    if record.is_kernel_thread() || !record.state().is_alive() || process.is_ending() {
        return None;
    }
    Some(Candidate {
        pid: process.pid,
        resident_bytes: process.space()?.figures().resident_bytes,
        class: record.profile.scheduling.class,
        started_at: record.started_at(),
    })
}

/// The program that would end if memory ran out now.
#[must_use]
pub fn next_victim() -> Option<Candidate> {
    choose().map(|(candidate, _)| candidate)
}

fn end(victim: &Process) {
    let bytes = victim.space().map_or(0, |space| space.figures().resident_bytes);
    let pid = victim.pid;
    crate::warning!("no memory is left: process {pid} ends, which has {bytes} bytes");
    let text = format_args!("no memory is left, and it had the most: {bytes} bytes");
    events::publish(Kind::LimitExceeded, Some(pid), None, text);
    control::end_own(victim, ExitStatus::by_signal(Signal::SIGKILL));
}

/// A process has freed its memory: who waits for that looks again.
pub(super) fn memory_was_freed() {
    if !IS_AWAITED.swap(false, Ordering::SeqCst) {
        return;
    }
    let (waiting, victim) = {
        let mut shortage = SHORTAGE.lock();
        // The last victim's record is not kept for longer than it takes.
        let has_ended = shortage.victim.as_ref().is_some_and(|victim| victim.has_ended());
        let victim = if has_ended { shortage.victim.take() } else { None };
        (core::mem::take(&mut shortage.waiting), victim)
    };
    for thread in waiting {
        thread.unpark();
    }
    drop(victim);
}
