//! Sharing by weight: EEVDF, earliest eligible virtual deadline first.
//!
//! I. Stoica and H. Abdel-Wahab, "Earliest Eligible Virtual Deadline First: A Flexible and Accurate
//! Mechanism for Proportional Share Resource Allocation", Old Dominion University TR-95-22, 1995.
//!
//! Every member has a weight `w` and a runtime `v` in virtual time. The virtual time of the queue is
//! their weighted mean, `V = sum(w * v) / sum(w)`: where every member would be, had all been served
//! at once in proportion to their weights. A member's *lag*, `w * (V - v)`, is the service that it
//! is owed; lags add up to zero. A member is *eligible* if its lag is not negative. It asks for
//! requests of one slice `r`, each with the virtual deadline `v + r / w`; of the eligible members the
//! one with the earliest deadline runs. Then no lag leaves the bounds of one slice (theorem 1 of the
//! paper), which is as near to the ideal as any scheduler with that slice can come.
//!
//! A member that leaves takes its lag along and brings it back, so that sleeping or moving neither
//! earns nor loses anything (the paper's section 3.2; `join` compensates for the shift of `V`
//! that the arrival itself causes, as Linux's `place_entity` does).
//!
//! A member that blocks in debt would, by leaving, take from the others what it owes them; a stream
//! of short runs could so starve them. So it stays in the books as *absent*, with its weight and
//! runtime, until virtual time has passed what the absent had too much: they pay by waiting, as if
//! they had stayed (the aim of Linux's delayed dequeue, here without keeping the tasks).

use crate::{
    slab::Slab,
    tree::Tree,
    virtual_time::{VirtualTime, aged},
};

/// How far runtimes may get ahead of the base before it follows.
const MAX_DRIFT: i64 = 1 << 50;

/// The members of a sharing band: the running one, if it is of this band, and the tree of the others.
#[derive(Debug)]
pub(crate) struct Fair {
    pub(crate) tree: Tree,
    /// A point near the virtual time that `total` is relative to.
    base: VirtualTime,
    /// `sum(weight * (runtime - base))` over all members, absent ones included; exact, so no error
    /// builds up.
    total: i128,
    weight: u64,
    /// The part of `total` and `weight` that is of absent members.
    absent_total: i128,
    absent_weight: u64,
    /// Counts how often the absent were struck off.
    epoch: u32,
}

/// How a member that left in debt stands in the books.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Absence {
    epoch: u32,
    runtime: VirtualTime,
    weight: u32,
}

impl Fair {
    pub(crate) const fn new() -> Self {
        Self {
            tree: Tree::new(),
            base: VirtualTime::ZERO,
            total: 0,
            weight: 0,
            absent_total: 0,
            absent_weight: 0,
            epoch: 0,
        }
    }

    /// The sum of the members' weights.
    pub(crate) const fn weight(&self) -> u64 {
        self.weight
    }

    /// The weighted mean of the runtimes; moves the base there.
    pub(crate) fn virtual_time(&mut self) -> VirtualTime {
        if self.weight != 0 && self.total != 0 {
            let mean = match i64::try_from(self.total) {
                Ok(total) => total.div_euclid(self.weight.cast_signed()),
                // A mean is within the range of what it is a mean of.
                Err(_) => i64::try_from(self.total.div_euclid(i128::from(self.weight)))
                    .unwrap_or_default(),
            };
            self.base = self.base.moved(mean);
            self.total -= i128::from(mean) * i128::from(self.weight);
            self.absent_total -= i128::from(mean) * i128::from(self.absent_weight);
        }
        self.base
    }

    /// Whether a member with this runtime has a lag of zero or more.
    pub(crate) fn is_eligible(&self, runtime: VirtualTime) -> bool {
        i128::from(runtime.ahead_of(self.base)) * i128::from(self.weight) <= self.total
    }

    /// Whether virtual time has passed `deadline`.
    pub(crate) fn is_late(&self, deadline: VirtualTime) -> bool {
        i128::from(deadline.ahead_of(self.base)) * i128::from(self.weight) < self.total
    }

    /// Makes `at` a member that is owed `lag`, with a request of `request` service.
    pub(crate) fn join<T>(
        &mut self,
        slab: &mut Slab<T>,
        at: u32,
        weight: u32,
        lag: i64,
        request: i64,
    ) {
        let runtime = self.runtime_for(lag, weight);
        self.weight += u64::from(weight);
        self.add(runtime.ahead_of(self.base), weight);
        self.strike_off();
        let node = slab.node_mut(at);
        node.runtime = runtime;
        node.deadline = runtime.moved(aged(request, weight));
    }

    /// Where somebody of weight `weight` has to come in to have the lag `lag` then: further from the
    /// mean than that, as the mean follows.
    fn runtime_for(&mut self, lag: i64, weight: u32) -> VirtualTime {
        let mean = self.virtual_time();
        if self.weight == 0 {
            return mean;
        }
        let behind = (lag / i64::from(weight)).saturating_add(lag / self.weight.cast_signed());
        mean.moved(behind.saturating_neg())
    }

    /// Ends the membership of `at`, which is not in the tree; returns its lag.
    pub(crate) fn leave<T>(&mut self, slab: &Slab<T>, at: u32, weight: u32) -> i64 {
        let mean = self.virtual_time();
        let ahead = slab.node(at).runtime.ahead_of(mean);
        self.add(ahead.saturating_neg(), weight);
        self.weight = self.weight.saturating_sub(u64::from(weight));
        if self.weight <= self.absent_weight {
            self.clear();
        }
        self.strike_off();
        ahead.saturating_neg().saturating_mul(i64::from(weight))
    }

    /// As [`Fair::leave`], for a member that blocks: if it has had too much, and there is somebody
    /// who had less, it stays in the books as absent, with a debt of `max_debt` service at the most.
    pub(crate) fn block<T>(
        &mut self,
        slab: &Slab<T>,
        at: u32,
        weight: u32,
        max_debt: i64,
    ) -> (i64, Option<Absence>) {
        let lag = self.leave(slab, at, weight);
        if lag >= 0 || self.weight == 0 {
            return (lag, None);
        }
        let runtime = self.runtime_for(lag.max(-max_debt), weight);
        let ahead = runtime.ahead_of(self.base);
        self.add(ahead, weight);
        self.weight += u64::from(weight);
        self.absent_total += i128::from(ahead) * i128::from(weight);
        self.absent_weight += u64::from(weight);
        (lag, Some(Absence { epoch: self.epoch, runtime, weight }))
    }

    /// Ends an absence; returns the lag, which is zero (the debt is paid) or negative.
    pub(crate) fn come_back(&mut self, absence: Absence) -> i64 {
        let Absence { epoch, runtime, weight } = absence;
        if epoch != self.epoch || self.absent_weight < u64::from(weight) {
            return 0;
        }
        let ahead = runtime.ahead_of(self.virtual_time());
        let distance = i128::from(ahead) * i128::from(weight);
        self.total -= distance;
        self.weight -= u64::from(weight);
        self.absent_total -= distance;
        self.absent_weight -= u64::from(weight);
        self.strike_off();
        ahead.max(0).saturating_neg().saturating_mul(i64::from(weight))
    }

    /// Strikes off the absent once all together have no debt any more. As long as they have one,
    /// those present are owed it, so one of them is eligible.
    fn strike_off(&mut self) {
        let (weight, absent) = (i128::from(self.weight), i128::from(self.absent_weight));
        if self.absent_weight != 0 && self.absent_total * weight <= absent * self.total {
            self.total -= self.absent_total;
            self.weight -= self.absent_weight;
            self.absent_total = 0;
            self.absent_weight = 0;
            self.epoch = self.epoch.wrapping_add(1);
        }
    }

    /// Nobody is left: nobody owes or is owed anything.
    const fn clear(&mut self) {
        self.total = 0;
        self.weight = 0;
        self.absent_total = 0;
        self.absent_weight = 0;
        self.epoch = self.epoch.wrapping_add(1);
    }

    /// Makes the member `at`, which is not in the tree, older by `distance`.
    pub(crate) fn advance<T>(&mut self, slab: &mut Slab<T>, at: u32, weight: u32, distance: i64) {
        let node = slab.node_mut(at);
        node.runtime = node.runtime.moved(distance);
        let drift = node.runtime.ahead_of(self.base);
        self.add(distance, weight);
        self.strike_off();
        if drift > MAX_DRIFT {
            self.virtual_time();
        }
    }

    /// The member in the tree that EEVDF runs next; `None` if none there is eligible, which is
    /// only so while a member runs.
    pub(crate) fn earliest<T>(&self, slab: &Slab<T>) -> Option<u32> {
        self.tree.earliest_eligible(slab.nodes(), |runtime| self.is_eligible(runtime))
    }

    fn add(&mut self, distance: i64, weight: u32) {
        self.total += i128::from(distance) * i128::from(weight);
    }
}

#[cfg(test)]
impl Fair {
    /// Checks the sums against the runtimes and weights of all members that are present.
    pub(crate) fn assert_books(&self, members: &[(VirtualTime, u32)]) {
        let weight: u64 = members.iter().map(|(_, weight)| u64::from(*weight)).sum();
        assert_eq!(self.weight - self.absent_weight, weight);
        assert!(weight > 0 || self.absent_weight == 0, "absent from nothing");
        let distance = |runtime: VirtualTime| i128::from(runtime.ahead_of(self.base));
        let total: i128 =
            members.iter().map(|(at, weight)| distance(*at) * i128::from(*weight)).sum();
        assert_eq!(self.total - self.absent_total, total);
    }

    /// `sum(weight * (other - runtime))` over the absent.
    pub(crate) fn absent_ahead_of(&self, runtime: VirtualTime) -> i128 {
        self.absent_total - i128::from(runtime.ahead_of(self.base)) * i128::from(self.absent_weight)
    }
}
