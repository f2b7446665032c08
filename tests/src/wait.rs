//! Waiting for something to become true, with a deadline instead of a fixed sleep.

use std::time::{Duration, Instant};

/// How long a machine may take for anything that is not meant to take time. Generous: the host of
/// the tests may be busy with several emulated machines.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `probe` again and again until it answers with something.
///
/// # Panics
/// When it has not after `PATIENCE`; the message says `what` was waited for.
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, probe)
}

/// The same with another limit.
///
/// # Panics
/// When the limit passes first.
pub fn until_within<T>(limit: Duration, what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(started.elapsed() < limit, "waited {limit:?} in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Whether `condition` comes to hold before `PATIENCE` is over; for messages that say more.
pub fn holds(mut condition: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !condition() {
        if started.elapsed() >= PATIENCE {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}
