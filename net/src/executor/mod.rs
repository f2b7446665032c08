//! A small executor for `!Send` futures: one thread runs it, wakers may come from anywhere.
//!
//! A task lives in a slot. Waking it sets its bit in a shared set of ready bits, which takes no lock
//! and allocates nothing, so an interrupt handler may do it. The number of slots is fixed when the
//! executor is made: it is the bound on tasks.
//!
//! Neighbours: [`Timers`] for deadlines; the kernel's network thread calls [`Executor::run_ready`].

mod ready;
#[cfg(test)]
mod tests;
mod timers;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Waker};

pub use ready::Unpark;
use ready::{ReadySet, TaskWaker};
pub use timers::{Sleep, Timers};

use crate::time::Instant;

type Task = Pin<Box<dyn Future<Output = ()>>>;

/// All slots are taken, or the executor is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpawnError;

impl core::fmt::Display for SpawnError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no free task slot")
    }
}

impl core::error::Error for SpawnError {}

/// What tasks and the executor share on its thread.
#[derive(Default)]
struct Spawned {
    /// Tasks that have not got a slot yet.
    queue: RefCell<VecDeque<Task>>,
    /// Tasks with a slot and in the queue.
    alive: Cell<usize>,
    capacity: usize,
}

/// Starts tasks on the executor of this thread.
#[derive(Clone)]
pub struct Spawner(Rc<Spawned>);

impl Spawner {
    /// Starts a task; it first runs in the executor's next round.
    ///
    /// # Errors
    /// [`SpawnError`] when the bound on tasks is reached.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Result<(), SpawnError> {
        if self.0.alive.get() >= self.0.capacity {
            return Err(SpawnError);
        }
        self.0.alive.set(self.0.alive.get() + 1);
        self.0.queue.borrow_mut().push_back(Box::pin(task));
        Ok(())
    }

    /// Tasks that are alive now.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.0.alive.get()
    }
}

/// A slot: the task in it, and the waker every task of this slot uses.
struct Slot {
    task: Option<Task>,
    waker: Waker,
}

/// Runs `!Send` futures on the thread that owns it.
pub struct Executor {
    slots: Vec<Slot>,
    free: Vec<usize>,
    ready: Arc<ReadySet>,
    spawned: Rc<Spawned>,
    timers: Timers,
}

impl Executor {
    /// An executor for at most `max_tasks` tasks; `unpark` is called when a task becomes ready
    /// while none was, from whatever context woke it.
    #[must_use]
    pub fn new(max_tasks: usize, unpark: Arc<dyn Unpark>) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            ready: Arc::new(ReadySet::new(max_tasks, unpark)),
            spawned: Rc::new(Spawned { capacity: max_tasks, ..Spawned::default() }),
            timers: Timers::new(),
        }
    }

    /// A handle that starts tasks.
    #[must_use]
    pub fn spawner(&self) -> Spawner {
        Spawner(self.spawned.clone())
    }

    /// The timers of this executor.
    #[must_use]
    pub fn timers(&self) -> Timers {
        self.timers.clone()
    }

    /// Runs every task that is ready at `now`, each at most once, and the ones they spawn.
    /// Returns whether tasks are ready again, so that the caller can serve the device in between.
    pub fn run_ready(&mut self, now: Instant) -> bool {
        self.timers.expire(now);
        self.place_spawned();
        let mut index = 0;
        while let Some(next) = self.ready.take_from(index) {
            index = next + 1;
            self.run_task(next);
            self.place_spawned();
        }
        self.has_ready()
    }

    /// Whether a task could run now.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.ready.any() || !self.spawned.queue.borrow().is_empty()
    }

    /// When the next timer expires.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.timers.next_deadline()
    }

    fn run_task(&mut self, index: usize) {
        let Some(slot) = self.slots.get_mut(index) else { return };
        let Some(task) = slot.task.as_mut() else { return };
        let mut context = Context::from_waker(&slot.waker);
        if task.as_mut().poll(&mut context).is_ready() {
            slot.task = None;
            self.free.push(index);
            self.spawned.alive.set(self.spawned.alive.get().saturating_sub(1));
        }
    }

    fn place_spawned(&mut self) {
        loop {
            // The borrow ends before a slot is filled: dropping a task may spawn another.
            let next = self.spawned.queue.borrow_mut().pop_front();
            let Some(task) = next else { return };
            let index = self.free.pop().unwrap_or_else(|| {
                let index = self.slots.len();
                let waker = Waker::from(Arc::new(TaskWaker::new(index, self.ready.clone())));
                self.slots.push(Slot { task: None, waker });
                index
            });
            if let Some(slot) = self.slots.get_mut(index) {
                slot.task = Some(task);
            }
            self.ready.mark(index);
        }
    }
}
