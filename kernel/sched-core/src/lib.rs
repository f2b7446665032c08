//! Scheduling without hardware: run queue and policy, balance decisions, timer queue.
//!
//! The kernel has a [`RunQueue`] for each processor, under a lock of its own; it asks, unlocks, and
//! does what it was told. Time comes in as an [`Instant`]. What waits is ordered by [`Band`]:
//! Critical and RealTime in turns and within a budget ([`BUDGET`] of [`BUDGET_PERIOD`]), High,
//! Normal and Low by weight with EEVDF (`fair`, with the sources), Idle when nothing else can.
//! [`Params`] says what a task asks for; [`Params::weight`] is the mapping of priority and nice.
//!
//! The life of a thread, as the kernel drives it:
//!
//! | when | call |
//! |---|---|
//! | created | [`State::new`], `reserve` on the queues it may come to, [`choose_cpu`], [`RunQueue::enqueue`] with [`Arrival::New`] |
//! | timer fires | [`RunQueue::charge`], then `next_event` for the timer |
//! | an [`Effect::Preempt`] | [`RunQueue::pick_next`], switch to what it says, `next_event` for the timer |
//! | yields | [`RunQueue::put_back`] with [`PutBack::Yielded`], `pick_next` |
//! | blocks or exits | [`RunQueue::take_current`], keep its [`State`] in the thread, `pick_next` |
//! | wakes up | [`choose_cpu`], [`RunQueue::enqueue`] with [`Arrival::Woken`], do the [`Effect`] there |
//! | is suspended or killed while it waits | [`RunQueue::remove`] |
//! | processor idles | [`choose_victim`], [`RunQueue::steal`] there, `enqueue` here with [`Arrival::Migrated`] |
//! | once in a while on a busy one | [`rebalance`], paced by [`Pacer`] |
//!
//! ```
//! use sched_core::{
//!     Arrival, Class, CpuId, CpuSet, Effect, Entity, Instant, Params, Priority, RunQueue, State,
//! };
//!
//! let mut queue = RunQueue::new(CpuId::ZERO);
//! queue.reserve(2).unwrap();
//! let batch = State::new(Params::new(Priority::Normal, Class::Background), CpuSet::ALL).unwrap();
//! let shell = State::new(Params::new(Priority::Normal, Class::Interactive), CpuSet::ALL).unwrap();
//!
//! let boot = Instant::ZERO;
//! let batch = queue.enqueue(Entity::new("batch", batch), Arrival::New, boot).unwrap();
//! assert_eq!(batch.effect, Effect::Preempt, "the processor was idle");
//! assert_eq!(queue.pick_next(boot), Some(&"batch"));
//! assert_eq!(queue.next_event(boot), None, "alone: no timer");
//!
//! let later = Instant::from_nanos(2_000_000);
//! let shell = queue.enqueue(Entity::new("shell", shell), Arrival::New, later).unwrap();
//! assert_eq!(shell.effect, Effect::Preempt, "somebody is waiting for the shell");
//! assert_eq!(queue.pick_next(later), Some(&"shell"));
//! assert_eq!(queue.next_event(later), Some(Instant::from_nanos(3_500_000)), "its slice");
//!
//! let (_, sleeping) = queue.take_current(Instant::from_nanos(2_100_000)).unwrap().into_parts();
//! assert_eq!(sleeping.cpu_time().as_nanos(), 100_000);
//! ```
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod balance;
mod budget;
mod cpu;
mod entity;
mod fair;
mod list;
mod params;
mod run_queue;
mod share;
mod slab;
mod time;
mod timer_queue;
mod tree;
mod virtual_time;

pub use balance::{
    CpuView, MAX_NODES, Move, NodeId, Pacer, Topology, Wanted, choose_cpu, choose_victim, rebalance,
};
pub use budget::{BUDGET, BUDGET_PERIOD};
pub use cpu::{CpuId, CpuSet, MAX_CPUS};
pub use entity::{Entity, OutOfMemory, State};
pub use params::{
    Band, Class, IDLE_LOAD, NORMAL_WEIGHT, Nice, Params, Priority, TURN_LOAD, TURN_SLICE,
};
pub use run_queue::{
    Arrival, CACHE_HOT, Charged, Effect, Enqueued, NotQueued, Placement, PutBack, Rejected,
    Rejection, RunQueue, Stolen,
};
pub use share::{Allowance, CpuShare, SHARE_PERIOD};
pub use slab::{Key, Storage};
pub use time::{Duration, Instant};
pub use timer_queue::{TimerId, TimerQueue, TimerStorage};
