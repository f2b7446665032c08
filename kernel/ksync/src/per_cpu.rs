//! Values that each CPU has for itself, and counters made of them.
//!
//! Statistics are counted where they arise and summed when they are read, so that counting never
//! moves a cache line between CPUs.

use core::ops::{Deref, Index};
use core::sync::atomic::{AtomicU64, Ordering};

/// A value with a cache line to itself. 128 bytes, because processors fetch lines in pairs.
#[repr(align(128))]
#[derive(Debug, Default)]
pub struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    /// Pads the value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// One `T` for each of at most `CPUS` CPUs, each on a cache line of its own.
///
/// Any CPU may look at any CPU's value; what is written from several CPUs is atomic or locked by
/// `T`'s own means.
#[derive(Debug)]
pub struct PerCpu<T, const CPUS: usize> {
    values: [CachePadded<T>; CPUS],
}

impl<T, const CPUS: usize> PerCpu<T, CPUS> {
    /// From one value for each CPU: `PerCpu::new([const { CachePadded::new(Counter::new()) }; 64])`.
    pub const fn new(values: [CachePadded<T>; CPUS]) -> Self {
        Self { values }
    }

    /// The value of the CPU with this index, if the index is in range.
    pub fn get(&self, cpu: usize) -> Option<&T> {
        self.values.get(cpu).map(Deref::deref)
    }

    /// All CPUs' values, in the order of the CPUs.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.values.iter().map(Deref::deref)
    }

    /// The sum of one figure over all CPUs. Not a snapshot: CPUs go on counting meanwhile.
    pub fn sum_of(&self, figure: impl Fn(&T) -> u64) -> u64 {
        self.iter().map(figure).fold(0, u64::wrapping_add)
    }
}

impl<const CPUS: usize> PerCpu<Counter, CPUS> {
    /// Counters at zero.
    #[must_use]
    pub const fn counters() -> Self {
        Self::new([const { CachePadded::new(Counter::new()) }; CPUS])
    }

    /// The sum over all CPUs; see [`sum_of`](Self::sum_of).
    pub fn sum(&self) -> u64 {
        self.sum_of(Counter::get)
    }
}

impl<T, const CPUS: usize> Index<usize> for PerCpu<T, CPUS> {
    type Output = T;

    /// # Panics
    /// When `cpu` is not below `CPUS`.
    fn index(&self, cpu: usize) -> &T {
        &self.values[cpu]
    }
}

/// A count that may be read from anywhere while it grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// A counter at zero.
    #[must_use]
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `amount`. An atomic addition even though one CPU counts: an interrupt handler of that CPU
    /// may count in between a load and a store.
    pub fn add(&self, amount: u64) {
        // Relaxed: a statistic orders nothing; it has no partner.
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// The count so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        // Relaxed: a statistic orders nothing; it has no partner.
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // proves: K5 (statistics are counted per CPU and summed on reading)
    #[test]
    fn counts_of_all_cpus_are_summed() {
        static COUNTS: PerCpu<Counter, 4> = PerCpu::counters();
        std::thread::scope(|scope| {
            for cpu in 0..4 {
                scope.spawn(move || (0..1000).for_each(|_| COUNTS[cpu].increment()));
            }
        });
        assert_eq!(COUNTS.sum(), 4000);
        assert_eq!(COUNTS.get(3).map(Counter::get), Some(1000));
        assert!(COUNTS.get(4).is_none());
    }

    #[test]
    fn neighbours_share_no_cache_line() {
        let counts = PerCpu::<Counter, 2>::counters();
        let distance = (&raw const counts[1]).addr() - (&raw const counts[0]).addr();
        assert!(distance >= 64);
    }
}
