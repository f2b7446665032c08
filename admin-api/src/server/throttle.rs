//! [`Throttle`]: slows guessing of credentials down.
//!
//! Each address, and all addresses together, may be wrong a few times at once and then once in a
//! while; beyond that every attempt is refused unread, right or wrong, or guessing would go on at full speed.
//! Sessions that exist are not attempts, so a signed-in console is not disturbed by a guesser that
//! shares its address (behind QEMU's user-mode network all clients do).

use alloc::vec::Vec;
use core::net::IpAddr;

/// So many addresses are remembered; one more takes the place of the most innocent.
const CAPACITY: usize = 256;
/// Wrong attempts at once.
const BURST_PER_ADDRESS: u64 = 10;
const BURST_IN_ALL: u64 = 100;
/// Time after which one more is allowed.
const REFILL_PER_ADDRESS_NS: u64 = 1_000_000_000;
const REFILL_IN_ALL_NS: u64 = 50_000_000;

/// The time up to which the allowance is used up, as in the generic cell rate algorithm: each failure
/// moves it on by one refill; it may run ahead of the clock by the burst.
#[derive(Clone, Copy, Default)]
struct Allowance {
    used_until_ns: u64,
}

impl Allowance {
    /// How long until another attempt is allowed; zero when it is now.
    fn wait_ns(self, now_ns: u64, burst: u64, refill_ns: u64) -> u64 {
        let ahead_ns = self.used_until_ns.saturating_sub(now_ns);
        (ahead_ns + refill_ns).saturating_sub(burst * refill_ns)
    }

    fn spend(&mut self, now_ns: u64, refill_ns: u64) {
        self.used_until_ns = self.used_until_ns.max(now_ns).saturating_add(refill_ns);
    }
}

/// What is remembered of failed attempts.
#[derive(Default)]
pub(crate) struct Throttle {
    in_all: Allowance,
    addresses: Vec<(IpAddr, Allowance)>,
}

impl Throttle {
    /// Whether an attempt from `address` may be looked at.
    ///
    /// # Errors
    /// Seconds to wait.
    pub(crate) fn check(&self, address: IpAddr, now_ns: u64) -> Result<(), u64> {
        let own = self.addresses.iter().find(|(other, _)| *other == address);
        let own_ns = own.map_or(0, |(_, allowance)| {
            allowance.wait_ns(now_ns, BURST_PER_ADDRESS, REFILL_PER_ADDRESS_NS)
        });
        let wait_ns = own_ns.max(self.in_all.wait_ns(now_ns, BURST_IN_ALL, REFILL_IN_ALL_NS));
        if wait_ns == 0 { Ok(()) } else { Err(wait_ns.div_ceil(1_000_000_000)) }
    }

    /// Notes that an attempt from `address` was wrong.
    pub(crate) fn note_failure(&mut self, address: IpAddr, now_ns: u64) {
        self.in_all.spend(now_ns, REFILL_IN_ALL_NS);
        if let Some((_, own)) = self.addresses.iter_mut().find(|(other, _)| *other == address) {
            own.spend(now_ns, REFILL_PER_ADDRESS_NS);
            return;
        }
        self.addresses.retain(|(_, allowance)| allowance.used_until_ns > now_ns);
        if self.addresses.len() >= CAPACITY {
            let innocent =
                self.addresses.iter().enumerate().min_by_key(|(_, (_, own))| own.used_until_ns);
            if let Some((index, _)) = innocent {
                self.addresses.swap_remove(index);
            }
        }
        let mut own = Allowance::default();
        own.spend(now_ns, REFILL_PER_ADDRESS_NS);
        self.addresses.push((address, own));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::net::Ipv4Addr;

    const SECOND: u64 = 1_000_000_000;

    fn address(number: u32) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from(number))
    }

    // proves: A3
    #[test]
    fn an_address_gets_a_burst_and_then_one_a_second() {
        let mut throttle = Throttle::default();
        for _ in 0..BURST_PER_ADDRESS {
            assert_eq!(throttle.check(address(1), SECOND), Ok(()));
            throttle.note_failure(address(1), SECOND);
        }
        assert_eq!(throttle.check(address(1), SECOND), Err(1));
        assert_eq!(throttle.check(address(2), SECOND), Ok(()));
        assert_eq!(throttle.check(address(1), 2 * SECOND), Ok(()));
        throttle.note_failure(address(1), 2 * SECOND);
        assert_eq!(throttle.check(address(1), 2 * SECOND), Err(1));
        assert_eq!(throttle.check(address(1), 20 * SECOND), Ok(()));
    }

    // proves: A3
    #[test]
    fn many_addresses_are_slowed_together_and_the_table_is_bounded() {
        let mut throttle = Throttle::default();
        for number in 0..10_000 {
            throttle.note_failure(address(number), SECOND);
        }
        assert!(throttle.check(address(77_777), SECOND).is_err());
        assert!(throttle.addresses.len() <= CAPACITY);
        assert_eq!(throttle.check(address(77_777), 1000 * SECOND), Ok(()));
    }
}
