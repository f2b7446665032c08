//! A simulated program and what became of it.

use sched_core::{CpuId, CpuSet, Instant, Key, Params, State};

use super::Random;

/// What a program does, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Behaviour {
    /// Runs for ever.
    Hog,
    /// Runs and sleeps in turns, each for a random time in a range.
    Sleeper { run: (u64, u64), sleep: (u64, u64) },
    /// Runs for a time, wakes the next one up, and sleeps until it is woken up itself.
    Relay { run: u64, next: usize },
    /// Runs for a random time in a range and yields, for ever.
    Yielder { run: (u64, u64) },
}

#[derive(Debug)]
pub(crate) enum Whereabouts {
    Sleeping(State),
    OnCpu(CpuId, Key),
    Moving,
}

pub(crate) struct Task {
    pub(crate) params: Params,
    pub(crate) affinity: CpuSet,
    pub(crate) affinity_since: Instant,
    pub(crate) behaviour: Behaviour,
    pub(crate) whereabouts: Whereabouts,
    /// Processor time received.
    pub(crate) served: u64,
    /// The longest time from runnable to running.
    pub(crate) longest_wait: u64,
    /// All such times together, and their number.
    pub(crate) waited: u64,
    pub(crate) waits: u64,
    pub(crate) migrations: u64,
    /// Time left until it sleeps or yields.
    pub(crate) run_left: u64,
    pub(crate) waiting_since: Option<Instant>,
    pub(crate) last_cpu: Option<CpuId>,
}

impl Task {
    pub(crate) fn new(
        params: Params,
        affinity: CpuSet,
        behaviour: Behaviour,
        random: &mut Random,
    ) -> Self {
        let mut task = Self {
            params,
            affinity,
            affinity_since: Instant::ZERO,
            behaviour,
            whereabouts: Whereabouts::Moving,
            served: 0,
            longest_wait: 0,
            waited: 0,
            waits: 0,
            migrations: 0,
            run_left: 0,
            waiting_since: None,
            last_cpu: None,
        };
        task.begin_run(random);
        task
    }

    pub(crate) fn begin_run(&mut self, random: &mut Random) {
        self.run_left = match self.behaviour {
            Behaviour::Hog => u64::MAX,
            Behaviour::Relay { run, .. } => run,
            Behaviour::Sleeper { run: (low, high), .. }
            | Behaviour::Yielder { run: (low, high) } => random.between(low, high),
        };
    }

    pub(crate) fn waits_since(&mut self, now: Instant) {
        self.waiting_since = Some(now);
    }

    pub(crate) fn runs_on(&mut self, cpu: CpuId, now: Instant) {
        assert!(self.affinity.contains(cpu), "{:?} runs on {cpu:?}", self.affinity);
        if let Some(since) = self.waiting_since.take() {
            let waited = now.since(since).as_nanos();
            self.longest_wait = self.longest_wait.max(waited);
            self.waited += waited;
            self.waits += 1;
        }
        if self.last_cpu.replace(cpu).is_some_and(|last| last != cpu) {
            self.migrations += 1;
        }
    }
}
