//! A rate that is kept: [`Pace`], for bytes and for new processes.
//!
//! A token bucket, written as the one moment at which it will be full again (the "generic cell rate
//! algorithm" of ITU-T I.371): what is taken moves that moment on by the time that it is worth, and
//! nothing may be taken while it lies further ahead than the burst that is allowed.

const SECOND_NS: u64 = 1_000_000_000;

/// Bytes may come in bursts of so much of a second's worth.
const FLOW_BURST_NS: u64 = SECOND_NS / 10;

/// How far something has used its rate up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pace {
    /// When all that was taken will have been earned, in nanoseconds.
    earned_at_ns: u64,
}

impl Pace {
    /// Nothing taken yet.
    pub const fn new() -> Self {
        Self { earned_at_ns: 0 }
    }

    /// Takes bytes that have moved already: it may run into debt, which those who come next wait
    /// off.
    pub fn take_bytes(&mut self, now_ns: u64, bytes: u64, per_second: u64) {
        let worth = u128::from(bytes) * u128::from(SECOND_NS);
        let worth_ns = worth.div_ceil(u128::from(per_second.max(1)));
        self.take(now_ns, u64::try_from(worth_ns).unwrap_or(u64::MAX));
    }

    /// Until when bytes have to wait; `None` if they may move now.
    pub fn bytes_wait_until(&self, now_ns: u64) -> Option<u64> {
        let ready_ns = self.earned_at_ns.saturating_sub(FLOW_BURST_NS);
        (ready_ns > now_ns).then_some(ready_ns)
    }

    /// Whether one more may come into being now: a second's worth may at once.
    pub fn has_room_for_one(&self, now_ns: u64, per_second: u32) -> bool {
        let burst_ns = SECOND_NS.saturating_sub(worth_of_one_ns(per_second));
        self.earned_at_ns <= now_ns.saturating_add(burst_ns)
    }

    /// One comes into being.
    pub fn take_one(&mut self, now_ns: u64, per_second: u32) {
        self.take(now_ns, worth_of_one_ns(per_second));
    }

    fn take(&mut self, now_ns: u64, worth_ns: u64) {
        self.earned_at_ns = self.earned_at_ns.max(now_ns).saturating_add(worth_ns);
    }
}

/// The time in which one is earned.
fn worth_of_one_ns(per_second: u32) -> u64 {
    SECOND_NS / u64::from(per_second.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that takes pieces of any size as soon as it may, for ten seconds.
    fn read(per_second: u64, piece: impl Fn(u64) -> u64) -> u64 {
        let (mut pace, mut now_ns, mut done, mut calls) = (Pace::new(), SECOND_NS * 7, 0, 0);
        let end_ns = now_ns + 10 * SECOND_NS;
        while now_ns < end_ns {
            if let Some(until_ns) = pace.bytes_wait_until(now_ns) {
                assert!(until_ns > now_ns);
                now_ns = until_ns;
                continue;
            }
            let bytes = piece(calls);
            pace.take_bytes(now_ns, bytes, per_second);
            (done, calls) = (done + bytes, calls + 1);
            now_ns += 1_000;
        }
        done
    }

    // proves: P5
    #[test]
    fn bytes_keep_their_rate_whatever_the_pieces() {
        for per_second in [1_000, 65_536, 1 << 20, 1 << 30] {
            for largest in [1, 512, 4096, 65_536] {
                // A piece takes a microsecond at the least: more is not asked for.
                let most_asked = (largest / 2 + 1) * 10_000_000;
                let done = read(per_second, |call| 1 + call.wrapping_mul(2_654_435_761) % largest);
                let (fair, burst) = (per_second * 10, per_second / 10);
                assert!(
                    done <= fair + burst + largest,
                    "{per_second} in pieces up to {largest}: {done}"
                );
                if most_asked > 2 * fair {
                    assert!(
                        done + done / 50 >= fair.min(most_asked),
                        "{per_second}, {largest}: {done}"
                    );
                }
            }
        }
    }

    #[test]
    fn rest_is_not_saved_up() {
        let mut pace = Pace::new();
        let now_ns = 3_600 * SECOND_NS;
        assert_eq!(pace.bytes_wait_until(now_ns), None);
        pace.take_bytes(now_ns, 1_000, 1_000);
        assert_eq!(pace.bytes_wait_until(now_ns), Some(now_ns + SECOND_NS - FLOW_BURST_NS));
        pace.take_bytes(now_ns, u64::MAX, 1);
        assert!(pace.bytes_wait_until(now_ns).is_some());
    }

    // proves: P5
    #[test]
    fn a_second_creates_no_more_than_its_rate() {
        for per_second in [1, 2, 10, 1_000] {
            let (mut pace, mut now_ns, mut made) = (Pace::new(), 5 * SECOND_NS, 0_u32);
            let at_once = (0..2 * per_second)
                .filter(|_| {
                    let may = pace.has_room_for_one(now_ns, per_second);
                    if may {
                        pace.take_one(now_ns, per_second);
                    }
                    may
                })
                .count();
            assert_eq!(at_once, per_second as usize);
            for _ in 0..10_000 {
                now_ns += SECOND_NS / 1_000;
                if pace.has_room_for_one(now_ns, per_second) {
                    pace.take_one(now_ns, per_second);
                    made += 1;
                }
            }
            assert!((per_second * 10 - 1..=per_second * 10 + 1).contains(&made), "{made}");
        }
    }
}
