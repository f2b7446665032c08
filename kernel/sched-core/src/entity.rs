//! A task as the scheduler knows it: [`Entity`], the handle together with its [`State`].

use alloc::{boxed::Box, vec::Vec};

use crate::{
    cpu::{CpuId, CpuSet},
    fair::Absence,
    params::{Band, Params},
    time::{Duration, Instant},
};

/// What the scheduler remembers of a task, wherever it is: parameters, affinity, lag, time used.
///
/// It lives in one allocation of its own, made when the task is, so that moving a task between
/// queues moves two words.
#[derive(Debug)]
pub struct State(Box<[Inner; 1]>);

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) params: Params,
    pub(crate) weight: u32,
    pub(crate) affinity: CpuSet,
    /// Service that the task is owed (negative: owes) while it is in no queue.
    pub(crate) lag: i64,
    /// Service left of the current request while the task is in no queue.
    pub(crate) request_left: i64,
    /// How it still stands in the books of the queue of `last_cpu`, in this band.
    pub(crate) absence: Option<(Band, Absence)>,
    /// Time left of the current turn, for Critical and RealTime.
    pub(crate) turn_left: Duration,
    pub(crate) cpu_time: Duration,
    /// When it last gave up a processor.
    pub(crate) last_ran: Instant,
    /// When it last left a queue.
    pub(crate) left_at: Instant,
    pub(crate) last_cpu: Option<CpuId>,
}

/// There was no memory for a task's scheduling state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OutOfMemory;

/// A task outside of every queue: `T` is the kernel's handle of it, such as an `Arc` of a thread.
///
/// It moves into a queue by `enqueue` and out of it by `take_current`, `remove` or `steal`. While a
/// thread sleeps, the kernel may keep handle and state apart: see [`Entity::into_parts`].
#[derive(Debug)]
pub struct Entity<T> {
    pub(crate) task: T,
    pub(crate) state: State,
}

impl State {
    /// The state of a new task: one allocation.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is no memory for it.
    pub fn new(params: Params, affinity: CpuSet) -> Result<Self, OutOfMemory> {
        let inner = Inner {
            params,
            weight: params.weight(),
            affinity,
            lag: 0,
            request_left: 0,
            absence: None,
            turn_left: params.slice(),
            cpu_time: Duration::ZERO,
            last_ran: Instant::ZERO,
            left_at: Instant::ZERO,
            last_cpu: None,
        };
        // `Box::new` would abort without memory, and `Box::try_new` is not stable.
        let mut place = Vec::new();
        place.try_reserve_exact(1).map_err(|_| OutOfMemory)?;
        place.push(inner);
        let place: Box<[Inner; 1]> =
            place.into_boxed_slice().try_into().map_err(|_| OutOfMemory)?;
        Ok(Self(place))
    }

    /// The parameters in force.
    #[must_use]
    pub fn params(&self) -> Params {
        self.inner().params
    }

    /// Changes the parameters of a task that is in no queue.
    pub fn set_params(&mut self, params: Params) {
        let inner = self.inner_mut();
        let has_new_slice = params.slice() != inner.params.slice();
        inner.params = params;
        inner.weight = params.weight();
        if has_new_slice {
            inner.turn_left = params.slice();
            inner.request_left = 0;
        }
    }

    /// Where the task may run.
    #[must_use]
    pub fn affinity(&self) -> CpuSet {
        self.inner().affinity
    }

    /// Changes where a task that is in no queue may run.
    pub fn set_affinity(&mut self, affinity: CpuSet) {
        self.inner_mut().affinity = affinity;
    }

    /// The processor time used so far, as charged.
    #[must_use]
    pub fn cpu_time(&self) -> Duration {
        self.inner().cpu_time
    }

    /// Where the task last ran or waited; `None` for a new one.
    #[must_use]
    pub fn last_cpu(&self) -> Option<CpuId> {
        self.inner().last_cpu
    }

    /// The service that the task is owed, in nanoseconds (negative: had too much), while it is in
    /// no queue.
    #[must_use]
    pub fn lag_nanos(&self) -> i64 {
        self.inner().lag >> crate::virtual_time::SERVICE_BITS
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0[0]
    }

    pub(crate) fn inner_mut(&mut self) -> &mut Inner {
        &mut self.0[0]
    }

    pub(crate) fn band(&self) -> Band {
        self.inner().params.band()
    }
}

impl<T> Entity<T> {
    /// Joins a handle with its state.
    #[must_use]
    pub const fn new(task: T, state: State) -> Self {
        Self { task, state }
    }

    /// Takes handle and state apart, so that a sleeping thread can own its state without owning
    /// itself.
    #[must_use]
    pub fn into_parts(self) -> (T, State) {
        (self.task, self.state)
    }

    /// The kernel's handle.
    #[must_use]
    pub const fn task(&self) -> &T {
        &self.task
    }

    /// The scheduling state.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The scheduling state, to be changed while the task is in no queue.
    #[must_use]
    pub const fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }
}
