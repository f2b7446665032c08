//! What a task asks for ([`Params`]: priority, class, nice) and what that means to the run queue:
//! its band, its weight, its slice and whether it preempts when it wakes up.

use crate::time::Duration;

/// The six priority levels, in ascending urgency.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Priority {
    /// Runs when nothing else can.
    Idle,
    /// Shares by weight, a quarter of Normal.
    Low,
    /// Shares by weight.
    #[default]
    Normal,
    /// Shares by weight, four times Normal.
    High,
    /// Runs before everything that shares, in turns, within the real-time budget.
    RealTime,
    /// Runs first, in turns, within the same budget.
    Critical,
}

impl Priority {
    /// Every one, in ascending urgency.
    pub const ALL: [Self; 6] =
        [Self::Idle, Self::Low, Self::Normal, Self::High, Self::RealTime, Self::Critical];
}

/// The five classes: how long a task runs in one go, and whether waking it up interrupts others.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Class {
    /// Parts of the system: kernel threads.
    System,
    /// Programs that users start.
    #[default]
    User,
    /// Supervised services.
    Service,
    /// Bulk work: long slices, never preempts at wake-up.
    Background,
    /// Somebody is waiting: short slices, preempts at wake-up.
    Interactive,
}

/// A nice level, -20 (most) to 19 (least); one step is a factor of 1.25 in weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nice(i8);

impl Nice {
    /// The largest share, -20.
    pub const MIN: Self = Self(-20);
    /// The smallest share, 19.
    pub const MAX: Self = Self(19);

    /// The level `value`; `None` outside of -20 to 19.
    #[must_use]
    pub const fn new(value: i8) -> Option<Self> {
        if value >= Self::MIN.0 && value <= Self::MAX.0 { Some(Self(value)) } else { None }
    }

    /// The level nearest to `value`, as `setpriority(2)` clamps.
    #[must_use]
    pub fn clamped(value: i32) -> Self {
        let value = value.clamp(i32::from(Self::MIN.0), i32::from(Self::MAX.0));
        i8::try_from(value).map_or(Self::MAX, Self)
    }

    /// The level as a number.
    #[must_use]
    pub const fn get(self) -> i8 {
        self.0
    }
}

/// What a task asks of the scheduler.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Params {
    /// The priority level.
    pub priority: Priority,
    /// The class.
    pub class: Class,
    /// The nice level; weighs only within Idle, Low, Normal and High.
    pub nice: Nice,
}

/// What runs before what, most urgent first. Within a band tasks take turns or share by weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Band {
    /// Priority Critical: in turns.
    Critical,
    /// Priority RealTime: in turns.
    RealTime,
    /// Priorities High, Normal and Low: by weight.
    Sharing,
    /// Priority Idle: by weight, when no other band can run.
    Idle,
}

/// The weight of Normal at nice 0; weights are ratios to it.
pub const NORMAL_WEIGHT: u32 = 4_096;

/// What a task of Critical or RealTime counts for when the loads of processors are compared: it
/// takes a processor to itself while it runs, so more than any mix of ordinary tasks.
pub const TURN_LOAD: u32 = 16 * NORMAL_WEIGHT;

/// What a task of priority Idle counts for in comparisons of load: next to nothing, as it gives way.
pub const IDLE_LOAD: u32 = NORMAL_WEIGHT / 256;

/// How long a Critical or RealTime task runs before the next one of its level has its turn.
pub const TURN_SLICE: Duration = Duration::from_millis(10);

const LEVEL_FACTOR: u64 = 4;
const NICE_LEVELS: usize = 40;

/// Weight of Low at each nice level from -20 on: `NORMAL_WEIGHT / 4 * 1.25^-nice`, rounded.
///
/// The same idea as the table in Linux's `kernel/sched/core.c`: one step changes the share of two
/// competing tasks by about 10 percentage points.
const LOW_WEIGHTS: [u32; NICE_LEVELS] = nice_weights();

const fn nice_weights() -> [u32; NICE_LEVELS] {
    const FRACTION: u32 = 32;
    const HALF: u64 = 1 << (FRACTION - 1);
    let at_zero = (NORMAL_WEIGHT as u64 / LEVEL_FACTOR) << FRACTION;
    let mut table = [0; NICE_LEVELS];
    let mut exact = at_zero;
    let mut index = 20;
    while index > 0 {
        exact = exact / 4 * 5;
        index -= 1;
        table[index] = ((exact + HALF) >> FRACTION) as u32;
    }
    exact = at_zero;
    index = 20;
    while index < NICE_LEVELS {
        table[index] = ((exact + HALF) >> FRACTION) as u32;
        exact = exact / 5 * 4;
        index += 1;
    }
    table
}

impl Params {
    /// Parameters at nice 0.
    #[must_use]
    pub const fn new(priority: Priority, class: Class) -> Self {
        Self { priority, class, nice: Nice(0) }
    }

    /// The band that `priority` runs in.
    #[must_use]
    pub const fn band(self) -> Band {
        match self.priority {
            Priority::Critical => Band::Critical,
            Priority::RealTime => Band::RealTime,
            Priority::High | Priority::Normal | Priority::Low => Band::Sharing,
            Priority::Idle => Band::Idle,
        }
    }

    /// The share: `NORMAL_WEIGHT * level * 1.25^-nice` with a level of 4 for High, 1 for Normal and
    /// 1/4 for Low (six nice steps are about one level). Idle tasks share among themselves like
    /// Low ones. From 15 (Low, nice 19) to 1,421,088 (High, nice -20).
    #[must_use]
    pub fn weight(self) -> u32 {
        let step = usize::from((self.nice.0 - Nice::MIN.0).unsigned_abs());
        let low = LOW_WEIGHTS[step.min(NICE_LEVELS - 1)];
        match self.priority {
            Priority::High => low * 16,
            Priority::Normal | Priority::RealTime | Priority::Critical => low * 4,
            Priority::Low | Priority::Idle => low,
        }
    }

    /// What the task counts for when the loads of processors are compared.
    #[must_use]
    pub fn load(self) -> u32 {
        match self.band() {
            Band::Critical | Band::RealTime => TURN_LOAD,
            Band::Sharing => self.weight(),
            Band::Idle => IDLE_LOAD,
        }
    }

    /// How long the task runs in one go while others want the processor.
    #[must_use]
    pub const fn slice(self) -> Duration {
        match self.band() {
            Band::Critical | Band::RealTime => TURN_SLICE,
            Band::Sharing | Band::Idle => self.class.slice(),
        }
    }
}

impl Class {
    /// How long a task of this class runs in one go while others want the processor.
    #[must_use]
    pub const fn slice(self) -> Duration {
        match self {
            Self::Interactive => Duration::from_micros(1_500),
            Self::System | Self::Service => Duration::from_millis(3),
            Self::User => Duration::from_millis(4),
            Self::Background => Duration::from_millis(24),
        }
    }
}

#[cfg(test)]
mod tests;
