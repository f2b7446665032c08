//! What is given out by the second: CPU time, bytes read and written, new processes. Each process has
//! a [`Budget`] of its own, and each set of processes has one that they share (`process_set`); who
//! takes something takes it from all that it belongs to, and waits for the one that has least. The
//! rules are `sched_core::CpuShare` and `process_core::Pace`.
//!
//! A violation of any limit is counted with the process and told as an event ([`Process::met`]).

use core::fmt;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use hal::interrupts::SpinLock;
use process_core::{
    BlockReason, LimitCounts, LimitKind, Limits, Pace, ProcessError, Quotas, is_violation_told,
};
use sched_core::{Allowance, CpuShare, Duration, Instant};

use super::Process;
use crate::events::{self, Kind};
use crate::levels;
use crate::scheduler::{self, Thread};

/// Rates; `None` is "no limit".
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    cpu_percent: Option<u32>,
    read: Option<u64>,
    write: Option<u64>,
    creation: Option<u32>,
}

impl From<&Limits> for Rates {
    fn from(limits: &Limits) -> Self {
        Self {
            cpu_percent: limits.cpu_percent,
            read: limits.read_bytes_per_second,
            write: limits.write_bytes_per_second,
            creation: limits.processes_per_second,
        }
    }
}

impl From<&Quotas> for Rates {
    fn from(quotas: &Quotas) -> Self {
        Self {
            cpu_percent: quotas.cpu_percent,
            read: quotas.read_bytes_per_second,
            write: quotas.write_bytes_per_second,
            creation: quotas.processes_per_second,
        }
    }
}

/// What a process, or a set of them, may use of each rate, and how far it has.
#[derive(Debug)]
pub(super) struct Budget {
    /// In percent of one CPU; 0 for no limit. Beside the share, so that each switch costs one load.
    cpu_percent: AtomicU32,
    share: SpinLock<CpuShare>,
    read: Flow,
    write: Flow,
    creation: Flow,
}

/// A rate, 0 for none, and what has been taken of it.
#[derive(Debug)]
struct Flow {
    per_second: AtomicU64,
    pace: SpinLock<Pace>,
}

impl Flow {
    fn new(per_second: Option<u64>) -> Self {
        Self {
            per_second: AtomicU64::new(per_second.unwrap_or(0)),
            pace: SpinLock::new(levels::PROCESS, "pace", Pace::new()),
        }
    }

    fn limit(&self) -> Option<u64> {
        match self.per_second.load(Ordering::Relaxed) {
            0 => None,
            per_second => Some(per_second),
        }
    }

    /// A debt that was run up at another rate is forgotten.
    fn set(&self, per_second: Option<u64>) {
        let new = per_second.unwrap_or(0);
        if self.per_second.swap(new, Ordering::Relaxed) != new {
            *self.pace.lock() = Pace::new();
        }
    }

    fn wait_until(&self, now_ns: u64) -> Option<u64> {
        self.limit()?;
        self.pace.lock().bytes_wait_until(now_ns)
    }

    fn take_bytes(&self, now_ns: u64, bytes: u64) {
        if let Some(per_second) = self.limit() {
            self.pace.lock().take_bytes(now_ns, bytes, per_second);
        }
    }

    /// Takes one, if there is room; the limit if there is none.
    fn try_take_one(&self, now_ns: u64) -> Result<(), u64> {
        let Some(per_second) = self.limit() else { return Ok(()) };
        let small = u32::try_from(per_second).unwrap_or(u32::MAX);
        let mut pace = self.pace.lock();
        if !pace.has_room_for_one(now_ns, small) {
            return Err(per_second);
        }
        pace.take_one(now_ns, small);
        Ok(())
    }
}

impl Budget {
    pub(super) fn new(rates: &Rates) -> Self {
        let share = CpuShare::new(rates.cpu_percent.unwrap_or(0), now());
        Self {
            cpu_percent: AtomicU32::new(rates.cpu_percent.unwrap_or(0)),
            share: SpinLock::new(levels::CPU_SHARE, "CPU share", share),
            read: Flow::new(rates.read),
            write: Flow::new(rates.write),
            creation: Flow::new(rates.creation.map(u64::from)),
        }
    }

    /// Changes the rates. The threads that run are to look at their share again.
    pub(super) fn set(&self, rates: &Rates) {
        let percent = rates.cpu_percent.unwrap_or(0);
        if self.cpu_percent.load(Ordering::Relaxed) != percent {
            *self.share.lock() = CpuShare::new(percent, now());
            self.cpu_percent.store(percent, Ordering::Relaxed);
        }
        self.read.set(rates.read);
        self.write.set(rates.write);
        self.creation.set(rates.creation.map(u64::from));
    }

    fn is_cpu_limited(&self) -> bool {
        self.cpu_percent.load(Ordering::Relaxed) != 0
    }

    fn flow(&self, direction: Direction) -> &Flow {
        match direction {
            Direction::Read => &self.read,
            Direction::Write => &self.write,
        }
    }
}

fn now() -> Instant {
    Instant::from_nanos(hal::time::now_ns())
}

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    /// To the program.
    Read,
    /// From the program.
    Write,
}

impl Direction {
    const fn limit(self) -> LimitKind {
        match self {
            Self::Read => LimitKind::ReadRate,
            Self::Write => LimitKind::WriteRate,
        }
    }
}

impl Process {
    /// The budgets that it takes from.
    fn budgets(&self) -> impl Iterator<Item = &Budget> {
        core::iter::once(&self.budget).chain(self.set.as_ref().map(|set| set.budget()))
    }

    /// Charges its share of CPU time, if it has one, for a run that ended at `now`; says whether more
    /// of it may run. With the run queue's lock held.
    pub fn charge_cpu(&self, ran: Duration, now: Instant) -> Option<Allowance> {
        let processors = hal::cpu::online();
        let limited = self.budgets().filter(|budget| budget.is_cpu_limited());
        limited.fold(None, |all, budget| {
            let mut share = budget.share.lock();
            share.charge(ran, now);
            let one = share.allowance(now, processors);
            Some(match (all, one) {
                (Some(Allowance::Until(a)), Allowance::Until(b)) => Allowance::Until(a.min(b)),
                // The one that is spent, or of two the one that is for longer.
                (Some(other), one) => other.max(one),
                (None, one) => one,
            })
        })
    }

    /// Has a thread of it, the running one, wait until there is CPU time for it again; may return
    /// before. At the border to the program, where it holds nothing that others wait for.
    pub(super) fn await_cpu_share(&self, thread: &Thread) {
        // Set again by the scheduler if it is so still when the thread runs next.
        thread.set_over_share(false);
        let spent = self.charge_cpu(Duration::ZERO, now());
        if let Some(Allowance::SpentUntil(until)) = spent {
            self.met(LimitKind::CpuPercent, format_args!("its threads wait"));
            scheduler::park_until(BlockReason::Throttle, until.as_nanos());
        }
    }

    /// Whether nothing limits how fast its bytes move that way: asked at each transfer, a load or two.
    #[inline]
    #[must_use]
    pub fn moves_freely(&self, direction: Direction) -> bool {
        self.budgets().all(|budget| budget.flow(direction).limit().is_none())
    }

    /// Until when the next bytes have to wait; none if they may move now.
    #[must_use]
    pub fn bytes_wait_until(&self, direction: Direction) -> Option<u64> {
        let now_ns = hal::time::now_ns();
        let waits = self.budgets().filter_map(|budget| budget.flow(direction).wait_until(now_ns));
        let until = waits.max()?;
        self.met(direction.limit(), format_args!("the call waits"));
        Some(until)
    }

    /// Bytes have moved that something limits.
    pub fn charge_bytes(&self, direction: Direction, bytes: u64) {
        let now_ns = hal::time::now_ns();
        self.budgets().for_each(|budget| budget.flow(direction).take_bytes(now_ns, bytes));
    }

    /// It is about to make a process.
    ///
    /// # Errors
    /// [`ProcessError::LimitExceeded`] if it makes too many a second.
    pub(super) fn charge_creation(&self) -> Result<(), ProcessError> {
        let now_ns = hal::time::now_ns();
        for budget in self.budgets() {
            if let Err(maximum) = budget.creation.try_take_one(now_ns) {
                return Err(ProcessError::LimitExceeded {
                    limit: LimitKind::CreationRate,
                    maximum,
                });
            }
        }
        Ok(())
    }

    /// It has met a limit, with this effect: counts that, and tells it as an event if it is the first
    /// time of late. Not under a spin lock.
    pub fn met(&self, limit: LimitKind, effect: fmt::Arguments<'_>) {
        // Relaxed: a count.
        let count = self.limits_met[limit as usize].fetch_add(1, Ordering::Relaxed);
        let count = count.saturating_add(1);
        if !is_violation_told(count) {
            return;
        }
        let text = format_args!("{}: {effect}", limit.name());
        if count == 1 {
            events::publish(Kind::LimitExceeded, Some(self.pid), None, text);
        } else {
            let text = format_args!("{text}, for the {count}th time");
            events::publish(Kind::LimitExceeded, Some(self.pid), None, text);
        }
    }

    /// As `met`, if that is what an error says.
    pub(super) fn note_refusal(&self, error: &ProcessError) {
        if let ProcessError::LimitExceeded { limit, .. } = error {
            self.met(*limit, format_args!("refused"));
        }
    }

    /// How often it has met each limit.
    pub(super) fn limits_met(&self) -> LimitCounts {
        let mut counts = LimitCounts::default();
        for kind in LimitKind::ALL {
            counts.add(kind, self.limits_met[kind as usize].load(Ordering::Relaxed));
        }
        counts
    }

    /// Has the CPUs that run its threads look at its share of CPU time: it was changed.
    pub(super) fn look_at_share(&self) {
        let threads = self.threads.lock().list.clone();
        for thread in threads {
            thread.reconsider();
        }
    }
}

/// Counts of a process that has met no limit.
pub(super) type LimitsMet = [AtomicU32; LimitKind::ALL.len()];

pub(super) const fn none_met() -> LimitsMet {
    [const { AtomicU32::new(0) }; LimitKind::ALL.len()]
}
