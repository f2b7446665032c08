//! What a CPU does when it has nothing to run: looks for work elsewhere, then sleeps.

use core::sync::atomic::Ordering;

use hal::thread::ThreadContext;
use sched_core::{CpuSet, Instant, choose_victim};

use super::cpu::{self, Cpu};
use super::now;
use super::run::{self, Leave};
use super::wake::{self, Transferred};

/// The idle loop of the calling CPU, from its first moment to its last.
pub fn idle_forever() -> ! {
    hal::interrupts::disable();
    let own = cpu::own();
    let context = ThreadContext::adopt_current();
    own.idle_context.call_once(|| context);
    // What the boot CPU did until now was the system's work; another one was not there.
    own.up_since.call_once(|| if own.id.index() == 0 { 0 } else { hal::time::now_ns() });
    loop {
        run_all(own);
        let look_again = steal(own);
        if own.must_reschedule.load(Ordering::Relaxed) {
            continue;
        }
        sleep(own, look_again);
    }
}

/// Runs what the queue holds until nothing in it may run: it is empty, or all that is left has used up
/// its share for now. Interrupts are disabled, also when it returns.
fn run_all(own: &Cpu) {
    loop {
        own.must_reschedule.store(false, Ordering::Relaxed);
        if !run::leave(Leave::Preempted) {
            return;
        }
    }
}

/// Takes work from another CPU. If there is some that is better left there for a while, says until
/// when.
fn steal(own: &Cpu) -> Option<Instant> {
    let mut tried = CpuSet::EMPTY;
    let mut look_again: Option<Instant> = None;
    while let Some(victim) = choose_victim(own.id, tried, cpu::topology(), cpu::view) {
        match wake::transfer(cpu::get(victim.index()), own, u64::MAX) {
            Transferred::One => return None,
            Transferred::HotUntil(until) => {
                look_again = Some(look_again.map_or(until, |soonest| soonest.min(until)));
            }
            Transferred::Nothing => {}
        }
        tried.insert(victim);
    }
    look_again
}

/// Halts until the next interrupt.
fn sleep(own: &Cpu, look_again: Option<Instant>) {
    // The bit before the last look: who enqueues sets the flag first and then reads the bit.
    cpu::set_idle(own.id, true);
    {
        let mut queue = own.queue.lock();
        let now = now();
        run::rearm(own, &mut queue, now);
        if let Some(until) = look_again
            && queue.armed.is_none_or(|armed| until < armed)
        {
            queue.armed = Some(until);
            hal::time::set_timer(Some(until.as_nanos()));
        }
    }
    if !own.must_reschedule.load(Ordering::SeqCst) {
        let start = hal::time::now_ns().max(1);
        own.idle_since.store(start, Ordering::Relaxed);
        let zero = start.saturating_sub(own.idle_clock.load(Ordering::Relaxed));
        own.idle_clock.store(cpu::IDLING | zero, Ordering::Relaxed);
        hal::cpu::wait_for_interrupt();
        hal::interrupts::disable();
        own.idle_since.store(0, Ordering::Relaxed);
        own.idle_clock.store(hal::time::now_ns().saturating_sub(zero), Ordering::Relaxed);
    }
    cpu::set_idle(own.id, false);
}
