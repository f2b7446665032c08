//! The one TCP/IP stack, behind a lock: for the network thread, and for whoever looks at it.

use drivers::machine::NetworkCard;
use ksync::Once;
use net::socket::SharedStack;
use net::stack::{Stack, StackStatistics};
use net::time::Instant;

use crate::sync::Mutex;

static STACK: Once<Mutex<Stack<NetworkCard>>> = Once::new();

pub(super) fn install(stack: Stack<NetworkCard>) {
    STACK.call_once(|| Mutex::new(stack));
}

pub(super) fn now() -> Instant {
    Instant::from_nanos(hal::time::now_ns())
}

/// A handle on the stack.
#[derive(Clone, Copy, Debug)]
pub struct KernelStack;

impl SharedStack for KernelStack {
    type Device = NetworkCard;

    fn with<R>(&self, f: impl FnOnce(&mut Stack<NetworkCard>) -> R) -> R {
        match STACK.get() {
            Some(stack) => {
                let mut stack = stack.lock();
                let outcome = f(&mut stack);
                // All that `f` has sent is told to the card at once.
                stack.device_mut().flush();
                outcome
            }
            None => panic!("the stack is used before there is one"),
        }
    }

    fn now(&self) -> Instant {
        now()
    }

    /// The network thread polls after its tasks have run; nobody else uses the stack yet.
    fn kick(&self) {}
}

/// The stack's figures; none without a network card.
#[must_use]
pub fn statistics() -> Option<StackStatistics> {
    STACK.get().map(|stack| stack.lock().statistics())
}
