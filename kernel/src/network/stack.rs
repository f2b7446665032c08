//! The one TCP/IP stack, behind a lock: for the network thread, for programs' sockets, and for whoever
//! looks at it.
//!
//! A program's call does its work on its own thread: it takes the lock, writes or reads, and sends
//! what comes of it, so nothing waits for the network thread. That one takes in what arrives, and is
//! woken by a program only when it would sleep for longer than the stack wants ([`act`]).

use alloc::sync::Arc;
use core::task::{Context, Poll};

use drivers::machine::NetworkCard;
use ksync::Once;
use net::socket::SharedStack;
use net::stack::{ConnectionStatistics, DatagramStatistics, Stack, StackStatistics, WakeList};
use net::time::Instant;

use crate::scheduler::Thread;
use crate::sync::Mutex;

/// What the lock guards.
struct Held {
    stack: Stack<NetworkCard>,
    /// The network thread, and until when it sleeps; `None` for ever. May be out of date while it
    /// runs: it looks at the stack again before it sleeps.
    sleeper: Option<Sleeper>,
}

struct Sleeper {
    thread: Arc<Thread>,
    until: Option<Instant>,
}

static STACK: Once<Mutex<Held>> = Once::new();

pub(super) fn install(stack: Stack<NetworkCard>) {
    STACK.call_once(|| Mutex::new(Held { stack, sleeper: None }));
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
            Some(held) => {
                let mut held = held.lock();
                let outcome = f(&mut held.stack);
                // All that `f` has sent is told to the card at once.
                held.stack.device_mut().flush();
                outcome
            }
            None => panic!("the stack is used before there is one"),
        }
    }

    fn now(&self) -> Instant {
        now()
    }

    /// The network thread polls after its tasks have run, and only they use this handle.
    fn kick(&self) {}
}

/// The network thread is about to sleep until its own next event: says until when, at the most, if
/// there is nothing to do. The card's interrupts wake `context` from here on.
pub(super) fn rest(
    thread: &Arc<Thread>,
    context: &mut Context<'_>,
    own: Option<Instant>,
) -> Poll<Option<Instant>> {
    let Some(held) = STACK.get() else { return Poll::Ready(own) };
    let mut held = held.lock();
    // The thread wakes up where it went to sleep, if that CPU is idle then.
    if let Some(apic_id) = hal::cpu::apic_id(hal::cpu::current()) {
        held.stack.device_mut().steer(apic_id);
    }
    let now = now();
    let until = [own, held.stack.deadline(now)].into_iter().flatten().min();
    if until.is_some_and(|until| until <= now)
        || held.stack.device_mut().poll_idle(context).is_ready()
    {
        return Poll::Pending;
    }
    held.sleeper = Some(Sleeper { thread: Arc::clone(thread), until });
    Poll::Ready(until)
}

/// Does something with the stack for a program, sends what comes of it, and wakes who waited for it.
/// `None` when there is no network.
pub fn act<R>(f: impl FnOnce(&mut Stack<NetworkCard>, Instant) -> R) -> Option<R> {
    let mut wakes = WakeList::default();
    let mut late = None;
    let outcome = {
        let mut held = STACK.get()?.lock();
        let now = now();
        let outcome = f(&mut held.stack, now);
        if held.stack.wants_flush() {
            let next = held.stack.flush(now, &mut wakes);
            held.stack.device_mut().flush();
            let is_late = |sleeper: &mut Sleeper| {
                next.is_some_and(|next| sleeper.until.is_none_or(|until| next < until))
            };
            late = held.sleeper.take_if(is_late);
        }
        outcome
    };
    if let Some(sleeper) = late {
        sleeper.thread.unpark();
    }
    wakes.wake_all();
    Some(outcome)
}

/// Whether there is a stack.
#[must_use]
pub fn is_up() -> bool {
    STACK.get().is_some()
}

/// The stack's figures; none without a network card.
#[must_use]
pub fn statistics() -> Option<StackStatistics> {
    STACK.get().map(|held| held.lock().stack.statistics())
}

/// Every connection and every socket for datagrams.
#[must_use]
pub fn all_sockets() -> (alloc::vec::Vec<ConnectionStatistics>, alloc::vec::Vec<DatagramStatistics>)
{
    STACK.get().map_or_else(Default::default, |held| {
        let held = held.lock();
        (held.stack.connections(), held.stack.datagrams())
    })
}
