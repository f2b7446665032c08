//! When processes' timers are due: one queue of all processes that have some, and one thread that
//! looks at them and sends their signals. What a timer is decides `process_core::ProcessTimers`.
//!
//! A process is in the queue once, for the first of its timers. Timers on CPU time cannot be
//! due before their process has run so long: until then nobody looks.

use alloc::boxed::Box;
use alloc::sync::Arc;

use hal::interrupts::SpinLock;
use ksync::Once;
use process_core::{
    BlockReason, Clocks, Countdown, Fired, Interval, PendingSignal, Priority, ProcessError,
    Resource, SignalCause, SignalTarget,
};
use sched_core::{Instant, TimerId, TimerQueue, TimerStorage};

use super::create::{CreateError, spawn_kernel_thread};
use super::{Process, sending};
use crate::levels;
use crate::scheduler::{self, Thread};

static QUEUE: SpinLock<TimerQueue<Arc<Process>>> =
    SpinLock::new(levels::ALARMS, "alarms", TimerQueue::new());
static SERVICE: Once<Arc<Thread>> = Once::new();

/// A process's place in the queue. Its lock is held while the place changes.
pub(super) type Place = SpinLock<Option<TimerId>>;

/// No place.
pub(super) const fn nowhere() -> Place {
    SpinLock::new(levels::ALARM_PLACE, "alarm place", None)
}

/// Starts the thread that sends timers' signals.
pub(super) fn start() -> Result<(), CreateError> {
    let service =
        spawn_kernel_thread("process-timers", Priority::High, 16 * 1024, Box::new(serve))?;
    SERVICE.call_once(|| service);
    Ok(())
}

fn serve() {
    loop {
        let now_ns = hal::time::now_ns();
        let (due, next) = {
            let mut queue = QUEUE.lock();
            let due = queue.pop_expired(Instant::from_nanos(now_ns));
            (due.map(|(_, process)| process), queue.next_deadline())
        };
        match (due, next) {
            (Some(process), _) => process.fire_timers(),
            (None, Some(deadline)) => {
                scheduler::park_until(BlockReason::Work, deadline.as_nanos());
            }
            (None, None) => scheduler::park(BlockReason::Work),
        }
    }
}

/// Sets one of the three timers that every process has; gives what it was.
///
/// # Errors
/// [`ProcessError::ResourceExhausted`]; the timer is as it was.
pub fn set_interval(
    process: &Arc<Process>,
    which: Interval,
    countdown: Countdown,
) -> Result<Countdown, ProcessError> {
    let old = process.signals.lock().timers_mut().set_interval(which, countdown);
    if let Err(error) = process.rearm_timers() {
        process.signals.lock().timers_mut().set_interval(which, old);
        return Err(error);
    }
    Ok(old)
}

/// Sets a timer that the program has created; gives what it was, none if there is no such timer.
///
/// # Errors
/// As `set_interval`.
pub fn set_timer(
    process: &Arc<Process>,
    id: i32,
    countdown: Countdown,
) -> Result<Option<Countdown>, ProcessError> {
    let old = process.signals.lock().timers_mut().set(id, countdown);
    if let (Err(error), Some(old)) = (process.rearm_timers(), old) {
        process.signals.lock().timers_mut().set(id, old);
        return Err(error);
    }
    Ok(old)
}

impl Process {
    /// What its timers count on.
    #[must_use]
    pub fn clocks(&self) -> Clocks {
        let cpu = self.usage().cpu;
        Clocks { monotonic_ns: hal::time::now_ns(), user_ns: cpu.user_ns, cpu_ns: cpu.total_ns() }
    }

    /// Sends what is due, and sets the next look.
    fn fire_timers(self: &Arc<Self>) {
        let clocks = self.clocks();
        loop {
            // The guard must not live on in the body, which takes the lock again.
            let fired = self.signals.lock().timers_mut().next_fired(&clocks);
            let Some(fired) = fired else { break };
            let (signal, target, cause) = match fired {
                Fired::Interval(which) => {
                    (which.signal(), SignalTarget::Process, SignalCause::Kernel)
                }
                Fired::Timer { id, signal, value, target, overruns } => {
                    (signal, target, SignalCause::Timer { id, overruns, value })
                }
            };
            // A thread that was to be told may be gone: then nobody is, as on Linux.
            let _ = sending::deliver_to(self, target, PendingSignal { signal, cause });
        }
        if self.rearm_timers().is_err() {
            // Its place in the queue was taken out a moment ago: there is room.
            crate::warning!("the timers of process {} are lost: no memory", self.pid);
        }
    }

    /// Puts the process where its first timer is due. After each change of a timer.
    pub(super) fn rearm_timers(self: &Arc<Self>) -> Result<(), ProcessError> {
        let mut place = self.alarm.lock();
        let next = if self.has_ended() || self.is_ending() {
            None
        } else {
            let clocks = self.clocks();
            let parallel = self.threads.lock().list.len().min(hal::cpu::online());
            self.signals.lock().timers().next_look_ns(&clocks, parallel as u64)
        };
        let old = place.take().and_then(|id| QUEUE.lock().cancel(id));
        let mut is_first = false;
        if let Some(deadline_ns) = next {
            let (id, first) = insert(Instant::from_nanos(deadline_ns), Arc::clone(self))?;
            *place = Some(id);
            is_first = first;
        }
        drop(place);
        // Dropped without the locks.
        drop(old);
        if is_first && let Some(service) = SERVICE.get() {
            service.unpark();
        }
        Ok(())
    }

    /// Takes the process out of the queue for good.
    pub(super) fn stop_timers(&self) {
        self.signals.lock().timers_mut().clear();
        let old = {
            let mut place = self.alarm.lock();
            place.take().and_then(|id| QUEUE.lock().cancel(id))
        };
        drop(old);
    }
}

/// Says also whether it comes first now.
fn insert(deadline: Instant, process: Arc<Process>) -> Result<(TimerId, bool), ProcessError> {
    let mut process = process;
    loop {
        let room = {
            let mut queue = QUEUE.lock();
            match queue.insert(deadline, process) {
                Ok(id) => return Ok((id, queue.next_deadline() == Some(deadline))),
                Err(back) => process = back,
            }
            queue.capacity()
        };
        let storage = TimerStorage::with_capacity(room.saturating_mul(2).max(64));
        let exhausted = ProcessError::ResourceExhausted { resource: Resource::Memory };
        let outgrown = QUEUE.lock().grow(storage.map_err(|_| exhausted)?);
        drop(outgrown);
    }
}
