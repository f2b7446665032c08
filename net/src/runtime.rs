//! One round of the network thread: device, tasks, device.
//!
//! ```text
//! loop {
//!     match turn(&stack, &mut executor, &mut wakes) {
//!         Turn::Again => {}
//!         Turn::Sleep(until) => park_until(until),   // an interrupt or `Unpark` ends it early
//!     }
//! }
//! ```

use crate::executor::Executor;
use crate::socket::SharedStack;
use crate::stack::WakeList;
use crate::time::Instant;

/// What the network thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// There is more to do at once.
    Again,
    /// Nothing to do until then (`None`: for ever), or until someone wakes the thread.
    Sleep(Option<Instant>),
}

/// Takes in what has arrived, runs the tasks that are ready, and sends what they wrote, joined.
/// `wakes` is scratch space that is kept from round to round.
pub fn turn<S: SharedStack>(stack: &S, executor: &mut Executor, wakes: &mut WakeList) -> Turn {
    let polled = stack.poll(wakes);
    let is_busy = executor.run_ready(stack.now());
    let stack_deadline =
        if stack.with(|stack| stack.wants_flush()) { stack.flush(wakes) } else { polled };
    let deadline = [stack_deadline, executor.next_deadline()].into_iter().flatten().min();
    let is_due = deadline.is_some_and(|at| at <= stack.now());
    if is_busy || is_due || executor.has_ready() { Turn::Again } else { Turn::Sleep(deadline) }
}
