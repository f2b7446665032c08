//! What a lock needs of the CPU it runs on.

use crate::HeldLocks;

/// The calling CPU's interrupts, as a lock sees them.
///
/// The hal implements this once, for the machine; host tests implement it for threads. Memory
/// safety does not depend on an implementation: a wrong one costs deadlocks, not data races.
pub trait Interrupts: 'static {
    /// What [`disable`](Self::disable) found, to be restored later.
    type State: Copy;

    /// Disables the calling CPU's interrupts and says how they were before.
    fn disable() -> Self::State;

    /// Puts the calling CPU's interrupts back as `state` says.
    fn restore(state: Self::State);

    /// The calling CPU's record of held locks, if it has one already. Only asked for with interrupts
    /// disabled, and only in builds that check levels.
    fn held() -> Option<&'static HeldLocks> {
        None
    }

    /// Called in each turn of a waiting loop.
    fn relax() {
        core::hint::spin_loop();
    }
}
