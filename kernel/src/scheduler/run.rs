//! What the running thread does with its CPU: gives it up, for a moment, until it is woken up, or
//! for good; and the switch itself.

use alloc::sync::Arc;
use core::sync::atomic::Ordering;

use hal::thread::ThreadContext;
use hal::user::UserClocks;
use process_core::{BlockReason, ThreadActivity};
use sched_core::{Arrival, Instant, PutBack};

use super::cpu::{self, Cpu, Queue};
use super::thread::{Place, Thread, count};
use super::{now, share, wake};

/// Why the running thread gives its CPU up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// Another is to run.
    Preempted,
    /// It lets others go first.
    Yielded,
    /// It waits until it is unparked.
    Parks(BlockReason),
    /// It has ended.
    Exits,
}

/// The thread that runs on this CPU; none in the idle loop and before the first switch.
#[must_use]
pub fn current() -> Option<Arc<Thread>> {
    hal::interrupts::without(|| cpu::own().queue.lock().current.clone())
}

/// Waits until another thread calls `unpark` on the running one. Returns at once if that has
/// happened since the last `park`, and may return without reason: callers check what they wait for.
pub fn park(reason: BlockReason) {
    hal::interrupts::without(|| {
        leave(Leave::Parks(reason));
    });
}

/// As `park`, but not beyond `deadline_ns` of the monotonic clock. Gives false if that has passed.
pub fn park_until(reason: BlockReason, deadline_ns: u64) -> bool {
    if hal::time::now_ns() >= deadline_ns {
        return false;
    }
    let Some(thread) = current() else { return false };
    let timer = wake::set_alarm(thread, deadline_ns);
    park(reason);
    wake::cancel_alarm(&timer);
    hal::time::now_ns() < deadline_ns
}

/// Lets other threads that wait for this CPU go first.
pub fn yield_now() {
    hal::interrupts::without(|| {
        leave(Leave::Yielded);
    });
}

/// Gives the CPU up if another thread is to run. Interrupts may be enabled or not; they must not be
/// disabled because a lock is held.
pub fn preempt() {
    hal::interrupts::without(|| {
        let own = cpu::own();
        // The idle loop looks by itself when its sleep has ended, and before it there is no switching.
        let is_idle = own.idle_since.load(Ordering::Relaxed) != 0;
        if own.must_reschedule.load(Ordering::Relaxed)
            && !is_idle
            && own.idle_context.is_completed()
        {
            leave(Leave::Preempted);
        }
    });
}

/// Whether another thread is to run on this CPU. Interrupts are disabled.
#[must_use]
pub fn is_preemption_due() -> bool {
    cpu::own().must_reschedule.load(Ordering::Relaxed)
}

/// The clocks of the running thread's and of this CPU's time in programs. Interrupts are disabled, and stay so
/// while a clock runs in the kernel.
pub fn user_clocks(thread: &Thread) -> UserClocks<'_> {
    UserClocks { thread: &thread.figures.user, cpu: &cpu::own().user }
}

/// Ends the running thread. What its frames own is not dropped: callers have returned from
/// everything.
pub fn exit() -> ! {
    hal::interrupts::disable();
    leave(Leave::Exits);
    panic!("a thread that has ended was switched to");
}

/// Chooses who runs next on this CPU and switches to it. Interrupts are disabled. Says whether there
/// was another to switch to; then the thread is running again, perhaps on another CPU.
pub(super) fn leave(why: Leave) -> bool {
    let own = cpu::own();
    match choose(own, why) {
        Some(next) => {
            own.switches.increment();
            next.switch();
            true
        }
        None => false,
    }
}

/// Takes the running thread off and puts the next one on, in the books; none if it stays the same.
/// Nothing that the caller owns remains when it returns: after `Exits` nobody would drop it.
fn choose(own: &Cpu, why: Leave) -> Option<ThreadContext> {
    let now = now();
    let mut retired = None;
    let mut displaced = None;
    let mut queue = own.queue.lock();
    if queue.current.is_none() && why != Leave::Preempted {
        // The idle loop neither waits nor ends.
        return None;
    }
    share::charge(&mut queue, now);
    if why == Leave::Yielded && queue.run.is_alone() && !is_misplaced(&queue, own) {
        // There is nobody to go first.
        return None;
    }
    let was_asked = own.must_reschedule.swap(false, Ordering::Relaxed);
    match why {
        // Its affinity has changed, and it may not stay.
        Leave::Preempted | Leave::Yielded if is_misplaced(&queue, own) => {
            let (thread, state) = queue.run.take_current(now)?.into_parts();
            thread.place.lock().place = Place::Moving;
            displaced = Some((thread, state));
        }
        Leave::Preempted => {}
        Leave::Yielded => queue.run.put_back(PutBack::Yielded, now),
        Leave::Parks(reason) => {
            let running = queue.current.clone()?;
            let mut position = running.place.lock();
            if core::mem::take(&mut position.is_notified) {
                // It goes on, so whoever wanted the CPU still waits for it.
                own.must_reschedule.fetch_or(was_asked, Ordering::Relaxed);
                return None;
            }
            own.learn_handover(&running, now);
            let (thread, state) = queue.run.take_current(now)?.into_parts();
            // Before anybody can find it parked and make it ready: it may run elsewhere at once.
            count_leaving(&thread, why, now);
            thread.set_activity(ThreadActivity::Blocked { reason });
            position.place = Place::Parked(state);
            drop(position);
            retired = Some(thread);
        }
        Leave::Exits => {
            let (thread, state) = queue.run.take_current(now)?.into_parts();
            thread.place.lock().place = Place::Gone;
            drop(state);
            retired = Some(thread);
        }
    }
    let next = queue.run.pick_next(now).cloned();
    own.publish(&queue);
    let before = core::mem::replace(&mut queue.current, next.clone());
    let is_same = match (&before, &next) {
        (Some(before), Some(next)) => Arc::ptr_eq(before, next),
        (None, None) => true,
        _ => false,
    };
    if !is_same {
        account(own, before.as_deref(), next.as_deref(), why, now);
        share::begin(&mut queue, now);
        own.expect_handover(next.as_deref());
    }
    rearm(own, &mut queue, now);
    drop(queue);
    if let Some((thread, state)) = displaced {
        // Another CPU may choose it at once; it waits there until this one has saved its registers.
        wake::place(&thread, state, Arrival::Migrated);
    }
    // Dropped without the lock; the thread's own context is kept alive by its CPU.
    drop((before, retired));
    if is_same {
        return None;
    }
    match next {
        Some(next) => {
            // A program's thread finds its memory wherever it goes on; a kernel thread needs none and
            // leaves what is loaded.
            next.process().load_space();
            Some(next.context.clone())
        }
        None => own.idle_context.get().cloned(),
    }
}

/// Whether the running thread's affinity excludes this CPU.
fn is_misplaced(queue: &Queue, own: &Cpu) -> bool {
    queue.run.current().is_some_and(|entity| !entity.state().affinity().contains(own.id))
}

/// Figures of a switch.
fn account(own: &Cpu, before: Option<&Thread>, next: Option<&Thread>, why: Leave, now: Instant) {
    match (before, why) {
        // Counted when it parked.
        (None, _) | (Some(_), Leave::Parks(_)) => {}
        (Some(thread), Leave::Exits) => count_leaving(thread, why, now),
        (Some(thread), Leave::Preempted | Leave::Yielded) => {
            count_leaving(thread, why, now);
            thread.set_activity(ThreadActivity::Ready);
        }
    }
    if let Some(thread) = next {
        thread.set_activity(ThreadActivity::Running);
        thread.figures.cpu.begin(now.as_nanos());
        let here = u32::try_from(own.id.index()).unwrap_or(0) + 1;
        let last = thread.figures.last_cpu.swap(here, Ordering::Relaxed);
        if last != 0 && last != here {
            count(&thread.figures.migrations, 1);
        }
    }
}

/// Figures of a thread that loses its CPU.
fn count_leaving(thread: &Thread, why: Leave, now: Instant) {
    thread.figures.cpu.end(now.as_nanos());
    match why {
        Leave::Preempted => count(&thread.figures.involuntary_switches, 1),
        Leave::Yielded | Leave::Parks(_) => count(&thread.figures.voluntary_switches, 1),
        Leave::Exits => {}
    }
}

/// Sets the CPU's timer to what comes first: a thread's timer, the policy's next event, the next look
/// at the running thread's share, or at the other CPUs while threads wait here. One that is set for earlier stays: it fires once
/// for nothing, which is cheaper than an access to the APIC with each switch to a thread and back.
pub(super) fn rearm(own: &Cpu, queue: &mut Queue, now: Instant) {
    let timer = own.timers.lock().next_deadline();
    let movable = queue.run.view().movable;
    let balance = queue.pacer.next(movable, now);
    let looks = [timer, queue.run.next_event(now), balance, queue.share_look];
    let next = looks.into_iter().flatten().min();
    if let Some(next) = next
        && queue.armed.is_none_or(|armed| next < armed)
    {
        queue.armed = Some(next);
        hal::time::set_timer(Some(next.as_nanos()));
    }
}
