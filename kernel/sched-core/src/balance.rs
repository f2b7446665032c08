//! Where tasks run: [`choose_cpu`] for a task that wakes up or is new, [`choose_victim`] for an idle
//! processor that looks for work, [`rebalance`] for a busy one from time to time ([`Pacer`]).
//!
//! All of them read what processors publish ([`CpuView`], one word each) without any lock; what they
//! say is a proposal that the queue which is then locked confirms or not.

use crate::{
    cpu::{CpuId, CpuSet, MAX_CPUS},
    params::{Band, NORMAL_WEIGHT},
    run_queue::Arrival,
    time::{Duration, Instant},
};

/// How many NUMA nodes the scheduler can tell apart.
pub const MAX_NODES: usize = 64;

/// A NUMA node, dense from zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct NodeId(u8);

/// Which processors there are, and which are near each other.
#[derive(Clone, Debug)]
pub struct Topology {
    online: CpuSet,
    nodes: [NodeId; MAX_CPUS],
    members: [CpuSet; MAX_NODES],
}

/// What other processors need to know of one: [`crate::RunQueue::view`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct CpuView {
    /// The sum of the loads of its tasks.
    pub load: u64,
    /// How many waiting tasks may run elsewhere.
    pub movable: u32,
    /// The band of the running task; `None` if it idles.
    pub running: Option<Band>,
}

/// A task that needs a processor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Wanted {
    /// What it will compete as.
    pub band: Band,
    /// How it comes: a new task has nothing in any cache, so it does not stick to `last`.
    pub arrival: Arrival,
    /// Where it may run.
    pub affinity: CpuSet,
    /// Where it ran last, or where its creator runs: what is near that is preferred.
    pub last: CpuId,
    /// The processor of a waker that is about to block: it is as good as idle if the waker is alone
    /// there, and has what the waker wrote in its cache.
    pub handing_over: Option<CpuId>,
}

/// What a busy processor should do about the others.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Move {
    /// Wake this idle processor up: it can steal from this one.
    Kick(CpuId),
    /// Steal tasks for this processor from the own queue, whose load is at most `max_load`.
    Push {
        /// Whom to enqueue them for.
        to: CpuId,
        /// The load that may move in all.
        max_load: u64,
    },
    /// Steal from this processor tasks whose load is at most `max_load`.
    Pull {
        /// Whom to steal from.
        from: CpuId,
        /// The load that may move in all.
        max_load: u64,
    },
    /// All is well.
    Nothing,
}

/// When a processor with waiting tasks looks at the others next: soon after more tasks wait or some
/// moved, ever more rarely while nothing is to be done.
#[derive(Clone, Debug)]
pub struct Pacer {
    interval: Duration,
    next: Instant,
    movable: u32,
}

const SHORTEST_INTERVAL: Duration = Duration::from_millis(2);
/// No multiple of a slice: or else every look could fall on the end of one, when what waits is hot.
const LONGEST_INTERVAL: Duration = Duration::from_millis(61);

impl NodeId {
    /// The node with number `index`; `None` from [`MAX_NODES`] on.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index).ok().filter(|_| index < MAX_NODES).map(Self)
    }

    /// The number, for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl Topology {
    /// The processors `online`, all on node 0.
    #[must_use]
    pub const fn single_node(online: CpuSet) -> Self {
        let mut members = [CpuSet::EMPTY; MAX_NODES];
        members[0] = online;
        Self { online, nodes: [NodeId(0); MAX_CPUS], members }
    }

    /// Puts `cpu`, which is online from now on, on `node`.
    pub fn set_node(&mut self, cpu: CpuId, node: NodeId) {
        self.members[self.node(cpu).index()].remove(cpu);
        self.members[node.index()].insert(cpu);
        self.nodes[cpu.index()] = node;
        self.online.insert(cpu);
    }

    /// The processors that run tasks.
    #[must_use]
    pub const fn online(&self) -> CpuSet {
        self.online
    }

    /// The node of `cpu`.
    #[must_use]
    pub fn node(&self, cpu: CpuId) -> NodeId {
        self.nodes[cpu.index()]
    }

    /// The processors on the node of `cpu`.
    #[must_use]
    pub fn near(&self, cpu: CpuId) -> CpuSet {
        self.members[self.node(cpu).index()]
    }
}

impl CpuView {
    const LOAD_BITS: u32 = 40;
    const MOVABLE_BITS: u32 = 20;

    /// The view as one word, to be published with one store; what does not fit saturates.
    #[must_use]
    pub fn to_bits(self) -> u64 {
        let load = self.load.min((1 << Self::LOAD_BITS) - 1);
        let movable = u64::from(self.movable).min((1 << Self::MOVABLE_BITS) - 1);
        let running = match self.running {
            None => 0,
            Some(Band::Idle) => 1,
            Some(Band::Sharing) => 2,
            Some(Band::RealTime) => 3,
            Some(Band::Critical) => 4,
        };
        load | movable << Self::LOAD_BITS | running << (Self::LOAD_BITS + Self::MOVABLE_BITS)
    }

    /// The view that [`CpuView::to_bits`] packed.
    #[must_use]
    pub fn from_bits(bits: u64) -> Self {
        let movable = (bits >> Self::LOAD_BITS) & ((1 << Self::MOVABLE_BITS) - 1);
        Self {
            load: bits & ((1 << Self::LOAD_BITS) - 1),
            movable: u32::try_from(movable).unwrap_or(u32::MAX),
            running: match bits >> (Self::LOAD_BITS + Self::MOVABLE_BITS) {
                1 => Some(Band::Idle),
                2 => Some(Band::Sharing),
                3 => Some(Band::RealTime),
                4 => Some(Band::Critical),
                _ => None,
            },
        }
    }

    /// Whether a task of `band` would run at once and take nothing from anybody who shares.
    fn is_free_for(&self, band: Band) -> bool {
        self.movable == 0
            && match self.running {
                None => true,
                Some(running) => band < Band::Idle && running == Band::Idle,
            }
    }

    /// What running there would mean for a task of `band`: first how urgent the present work is (for
    /// a task that takes turns), then how much of it there is.
    fn cost_for(&self, band: Band) -> (bool, u64) {
        let is_blocked = self.running.is_some_and(|running| running <= band.min(Band::RealTime));
        (is_blocked, self.load)
    }
}

/// The processor that a new or woken task is to be enqueued on: that of a waker which hands over,
/// else the last one if it idles, else an idle one of the same node, else any idle one, else the least loaded (the last one unless another
/// has less than three quarters of its load; for a task that was woken up, on the same node unless
/// real-time work is in its way everywhere there). `idle` are the processors that run nothing, as far as
/// known. `None` if the affinity allows no processor that is online.
pub fn choose_cpu(
    wanted: &Wanted,
    topology: &Topology,
    idle: CpuSet,
    view: impl Fn(CpuId) -> CpuView,
) -> Option<CpuId> {
    let allowed = wanted.affinity & topology.online();
    let last = wanted.last;
    let may_stay = allowed.contains(last);
    // One task there, the waker, which is about to go: what it leaves is an idle processor, and one
    // that need not be woken up.
    let is_alone = |cpu: &CpuId| {
        let view = view(*cpu);
        view.movable == 0 && view.load <= u64::from(NORMAL_WEIGHT) * 4
    };
    if let Some(waker) = wanted.handing_over.filter(|cpu| allowed.contains(*cpu)).filter(is_alone) {
        return Some(waker);
    }
    if may_stay && (idle.contains(last) || view(last).is_free_for(wanted.band)) {
        return Some(last);
    }
    let free = allowed & idle;
    if let Some(near) = (free & topology.near(last)).next_from(last) {
        return Some(near);
    }
    if let Some(far) = free.next_from(last) {
        return Some(far);
    }
    let cost = |cpu: CpuId| view(cpu).cost_for(wanted.band);
    let near = topology.near(last);
    let cheapest = |cpus: CpuSet| {
        // A loop: `min_by_key` over the set costs four times as much.
        let mut best: Option<((bool, u64), CpuId)> = None;
        for cpu in cpus.iter() {
            let cost = cost(cpu);
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, cpu));
            }
        }
        best
    };
    let best_near = cheapest(allowed & near);
    // What was woken up stays near its memory if it can run there soon; `rebalance` evens out nodes.
    let settles = wanted.arrival == Arrival::Woken
        && best_near.is_some_and(|((is_blocked, _), _)| !is_blocked);
    let best_far = if settles { None } else { cheapest(allowed & !near) };
    let best = match (best_near, best_far) {
        (Some(here), Some(there)) if there.0 < here.0 => there,
        (here, there) => here.or(there)?,
    };
    let ((best_blocked, best_load), best) = best;
    let (last_blocked, last_load) = cost(last);
    let is_last_good_enough = may_stay
        && wanted.arrival != Arrival::New
        && last_blocked == best_blocked
        && best_load.saturating_mul(4) >= last_load.saturating_mul(3);
    Some(if is_last_good_enough { last } else { best })
}

/// The processor that the idle `thief` should steal from: the most loaded one with movable tasks,
/// on its own node if there is one. `tried` are those that had nothing for it; `None` when no
/// other is worth a try.
pub fn choose_victim(
    thief: CpuId,
    tried: CpuSet,
    topology: &Topology,
    view: impl Fn(CpuId) -> CpuView,
) -> Option<CpuId> {
    let candidates = topology.online() & !tried & !CpuSet::single(thief);
    let near = topology.near(thief);
    let most_loaded = |cpus: CpuSet| {
        let loaded = cpus.iter().map(|cpu| (view(cpu), cpu)).filter(|(view, _)| view.movable > 0);
        loaded.max_by_key(|(view, _)| view.load).map(|(_, cpu)| cpu)
    };
    most_loaded(candidates & near).or_else(|| most_loaded(candidates & !near))
}

/// What the busy processor `cpu` should do, once in a while ([`Pacer`]) while tasks wait in its queue;
/// processors without waiting tasks need not look around. `wanted` is
/// [`crate::RunQueue::wanted_cpus`] of its own queue.
///
/// Load moves when one processor has a quarter more than the other (half more if they are on
/// different nodes), and at most five eighths of the difference: so that of two equal tasks one can
/// move to a processor with next to nothing, and none ever goes back.
pub fn rebalance(
    cpu: CpuId,
    wanted: CpuSet,
    topology: &Topology,
    idle: CpuSet,
    view: impl Fn(CpuId) -> CpuView,
) -> Move {
    let own = view(cpu);
    let near = topology.near(cpu);
    let others = topology.online() & !CpuSet::single(cpu);
    if own.movable > 0 {
        let free = idle & wanted & others;
        if let Some(sleeper) = (free & near).next_from(cpu).or_else(|| free.next_from(cpu)) {
            return Move::Kick(sleeper);
        }
    }
    let threshold = |load: u64, percent: u64| load.saturating_mul(percent) / 100;
    for (cpus, percent) in [(others & near, 125), (others & !near, 150)] {
        let views = || cpus.iter().map(|other| (view(other), other));
        if let Some((lightest, to)) =
            views().filter(|(_, to)| wanted.contains(*to)).min_by_key(|(other, _)| other.load)
            && own.movable > 0
            && own.load > threshold(lightest.load, percent)
        {
            return Move::Push { to, max_load: most_of(own.load - lightest.load) };
        }
        if let Some((heaviest, from)) =
            views().filter(|(other, _)| other.movable > 0).max_by_key(|(other, _)| other.load)
            && heaviest.load > threshold(own.load, percent)
        {
            return Move::Pull { from, max_load: most_of(heaviest.load - own.load) };
        }
    }
    Move::Nothing
}

/// What may move to even out a difference in load.
fn most_of(difference: u64) -> u64 {
    difference / 8 * 5
}

impl Pacer {
    /// Looks for the first time soon after `now`.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self { interval: SHORTEST_INTERVAL, next: now.after(SHORTEST_INTERVAL), movable: 0 }
    }

    /// When to look next, for the timer; `None` while no task waits that could move. To be asked,
    /// with the queue's present `movable`, whenever the timer is set.
    pub fn next(&mut self, movable: u32, now: Instant) -> Option<Instant> {
        if movable > self.movable {
            self.hurry(now);
        }
        self.movable = movable;
        (movable > 0).then_some(self.next.max(now))
    }

    /// Whether it is time to look.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.movable > 0 && now >= self.next
    }

    /// Something changed: look soon. To be called when the affinity of a waiting task changes.
    pub fn hurry(&mut self, now: Instant) {
        self.interval = SHORTEST_INTERVAL;
        self.next = self.next.min(now.after(self.interval));
    }

    /// It was looked, and something was to be done: look again soon.
    pub fn moved(&mut self, now: Instant) {
        self.interval = SHORTEST_INTERVAL;
        self.next = now.after(self.interval);
    }

    /// What could move is cache hot until then: look again at that time.
    pub fn found_hot(&mut self, until: Instant) {
        self.next = until;
    }

    /// It was looked, and nothing was to be done: take more time.
    pub fn found_nothing(&mut self, now: Instant) {
        self.interval = self.interval.plus(self.interval).min(LONGEST_INTERVAL);
        self.next = now.after(self.interval);
    }
}

#[cfg(test)]
mod tests;
