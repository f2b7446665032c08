//! Processors that run what a share belongs to, with timers that are late by chance.

use std::vec;
use std::vec::Vec;

use super::*;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

#[derive(Clone, Copy)]
enum Doing {
    /// Since then, looked at then.
    Runs(u64, u64),
    /// Until then.
    Waits(u64),
}

const SECOND_NS: u64 = 1_000_000_000;

/// What hungry threads on so many processors get in so many seconds, and the longest that they waited.
fn simulate(percent: u32, processors: usize, late_ns: u64, seconds: u64, seed: u64) -> (u64, u64) {
    let mut random = Random(seed | 1);
    let start = 7 * SECOND_NS + random.below(SECOND_NS);
    let end = start + seconds * SECOND_NS;
    let mut share = CpuShare::new(percent, Instant::from_nanos(start));
    let mut all: Vec<Doing> = vec![Doing::Waits(start); processors];
    let (mut used, mut longest) = (0, 0);
    loop {
        let due = |doing: &Doing| match *doing {
            Doing::Runs(_, look) => look,
            Doing::Waits(until) => until,
        };
        let (who, now_ns) =
            all.iter().map(due).enumerate().min_by_key(|(_, at)| *at).expect("a processor");
        if now_ns >= end {
            return (used, longest);
        }
        let now = Instant::from_nanos(now_ns);
        if let Doing::Runs(since, _) = all[who] {
            share.charge(Duration::from_nanos(now_ns - since), now);
            used += now_ns - since;
        }
        all[who] = match share.allowance(now, processors) {
            Allowance::Until(look) => {
                assert!(look > now, "time stands still");
                Doing::Runs(now_ns, look.as_nanos() + random.below(late_ns))
            }
            Allowance::SpentUntil(until) => {
                assert!(until > now, "waits for the past");
                longest = longest.max(until.as_nanos() - now_ns);
                Doing::Waits(until.as_nanos() + random.below(late_ns))
            }
        };
    }
}

// proves: P5
#[test]
fn hungry_threads_get_their_share_and_no_more() {
    for seed in 1..20 {
        for (percent, processors) in
            [(1, 1), (5, 1), (25, 1), (50, 1), (20, 4), (150, 2), (250, 4), (90, 16), (1000, 64)]
        {
            let late_ns = 200_000;
            let (used, _) = simulate(percent, processors, late_ns, 10, seed * 7919);
            let fair = u64::from(percent) * SECOND_NS / 10;
            let period = u64::from(percent) * 1_000_000;
            let what = std::format!("{percent} % on {processors}, seed {seed}: {used} of {fair}");
            // One period more at the start, and what all overran the last one by.
            assert!(used <= fair + period + processors as u64 * 1_200_000, "{what}");
            assert!(used + period + fair / 50 >= fair, "{what}");
        }
    }
}

#[test]
fn late_timers_are_paid_back() {
    // Timers that are late by more than the share of a period.
    let (used, _) = simulate(5, 4, 20_000_000, 60, 42);
    let fair = 3 * SECOND_NS;
    assert!(used <= fair + fair / 20, "{used}");
}

#[test]
fn what_has_used_nothing_waits_for_nothing() {
    let mut share = CpuShare::new(50, Instant::ZERO);
    let hour = Instant::from_nanos(3_600 * SECOND_NS);
    assert!(matches!(share.allowance(hour, 1), Allowance::Until(look)
        if look.since(hour) == Duration::from_millis(50)));
    // A rest of an hour is worth one period.
    share.charge(Duration::from_millis(50), hour);
    let Allowance::SpentUntil(until) = share.allowance(hour, 1) else { panic!("unspent") };
    assert!(until.since(hour) <= SHARE_PERIOD);
    // As much as 20 periods too much takes 20 periods.
    share.charge(Duration::from_millis(1000), hour);
    let Allowance::SpentUntil(until) = share.allowance(hour, 1) else { panic!("unspent") };
    let wait = until.since(hour).as_nanos();
    assert!((2_000_000_000..=2_200_000_000).contains(&wait), "{wait}");
}

#[test]
fn what_ran_before_there_was_a_limit_is_free() {
    let start = Instant::from_nanos(60 * SECOND_NS);
    let mut share = CpuShare::new(5, start);
    let soon = start.after(Duration::from_millis(1));
    // It had been running for a minute.
    share.charge(soon.since(Instant::ZERO), soon);
    assert!(matches!(share.allowance(soon, 1), Allowance::Until(_)));
}

#[test]
fn clocks_that_jump_do_no_harm() {
    let mut share = CpuShare::new(u32::MAX, Instant::MAX);
    share.charge(Duration::from_nanos(u64::MAX), Instant::ZERO);
    let _ = share.allowance(Instant::MAX, usize::MAX);
    let mut share = CpuShare::new(1, Instant::ZERO);
    share.charge(Duration::from_nanos(u64::MAX), Instant::MAX);
    let _ = share.allowance(Instant::MAX, 0);
    let _ = share.allowance(Instant::ZERO, 1);
}
