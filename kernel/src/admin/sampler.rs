//! What can only be measured over time: how busy each CPU is, and the load averages. A kernel thread
//! looks once a second.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use admin_api::types::{Hundredths, Load};
use hal::cpu::MAX_CPUS;
use process_core::{BlockReason, Priority};

use crate::process::{self, CreateError};
use crate::scheduler;

const PERIOD_NS: u64 = 1_000_000_000;
/// Bits behind the binary point of the averages.
const FRACTION_BITS: u32 = 32;
/// What is left of an average after one period: `exp(-1 s / t)` for one, five and fifteen minutes,
/// times 2^32.
const DECAYS: [u64; 3] = [4_223_977_731, 4_280_674_573, 4_290_197_760];
/// After so many periods without a look nothing is left of what was before.
const MOST_PERIODS: u64 = 3600;
const STACK_BYTES: u64 = 16 * 1024;

/// How busy each CPU was in the last period, in hundredths of a percent.
static BUSY: [AtomicU32; MAX_CPUS] = [const { AtomicU32::new(0) }; MAX_CPUS];
/// The averages, times 2^32.
static LOAD: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

/// Starts the thread. Once, when all CPUs have been started and processes can be made.
///
/// # Errors
/// When there is no memory for it.
pub(super) fn start() -> Result<(), CreateError> {
    process::spawn_kernel_thread("sampler", Priority::Low, STACK_BYTES, Box::new(run)).map(drop)
}

/// How busy a CPU was of late.
pub(super) fn busy_percent(cpu: usize) -> Hundredths {
    Hundredths(BUSY.get(cpu).map_or(0, |busy| busy.load(Ordering::Relaxed)))
}

/// The load averages.
pub(super) fn load() -> Load {
    let [one_minute, five_minutes, fifteen_minutes] = [0, 1, 2].map(|index: usize| {
        let hundredths = (LOAD[index].load(Ordering::Relaxed) * 100) >> FRACTION_BITS;
        Hundredths(u32::try_from(hundredths).unwrap_or(u32::MAX))
    });
    Load { one_minute, five_minutes, fifteen_minutes }
}

/// What was seen of a CPU at the last look.
struct Seen {
    at_ns: u64,
    idle_ns: u64,
}

fn run() {
    let look = |cpu| Seen {
        at_ns: hal::time::now_ns(),
        idle_ns: scheduler::figures(cpu).map_or(0, |figures| figures.idle_ns),
    };
    let mut seen: Vec<Seen> = (0..hal::cpu::online()).map(look).collect();
    let mut last_ns = hal::time::now_ns();
    loop {
        while scheduler::park_until(BlockReason::Work, last_ns + PERIOD_NS) {}
        let mut wanted = 0;
        for (cpu, before) in seen.iter_mut().enumerate() {
            let now = look(cpu);
            BUSY[cpu].store(busy(before, &now), Ordering::Relaxed);
            *before = now;
            wanted += scheduler::figures(cpu).map_or(0, |figures| figures.run_queue_length as u64);
        }
        // This thread runs only to look.
        average(wanted.saturating_sub(1), (hal::time::now_ns() - last_ns) / PERIOD_NS);
        last_ns = hal::time::now_ns();
    }
}

/// The part of the time between two looks in which a CPU was not idle.
fn busy(before: &Seen, now: &Seen) -> u32 {
    let span_ns = now.at_ns.saturating_sub(before.at_ns);
    let idle_ns = now.idle_ns.saturating_sub(before.idle_ns).min(span_ns);
    Hundredths::percent(span_ns - idle_ns, span_ns).0
}

/// Takes `wanted` threads, seen for `periods`, into the averages.
fn average(wanted: u64, periods: u64) {
    let wanted = u128::from(wanted) << FRACTION_BITS;
    for (load, decay) in LOAD.iter().zip(DECAYS) {
        let decay = u128::from(decay);
        let mut value = u128::from(load.load(Ordering::Relaxed));
        for _ in 0..periods.min(MOST_PERIODS) {
            value = (value * decay + wanted * ((1 << FRACTION_BITS) - decay)) >> FRACTION_BITS;
        }
        load.store(u64::try_from(value).unwrap_or(u64::MAX), Ordering::Relaxed);
    }
}
