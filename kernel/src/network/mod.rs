//! The network: one thread that owns the card's interrupts, polls the stack, and runs the admin
//! server's connections as tasks of its own. It sleeps when there is nothing to do.

mod card;
mod checks;
mod resolver;
mod server;
mod stack;
mod tables;

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::task::Wake;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::{Context, Poll, Waker};

use net::executor::{Executor, Unpark};
use net::runtime::{Turn, turn};
use net::socket::SharedStack;
use net::stack::{Stack, StackConfig, WakeList};
use process_core::{BlockReason, Priority};

pub use checks::{PortCheck, check_port};
pub use resolver::{publish_name, resolver_figures, withdraw_name};
pub use server::{HttpFigures, Secrets, http_figures};
pub use stack::{KernelStack, act, all_sockets, is_up, statistics};
pub use tables::{Table, text};

use crate::broadcast::Broadcast;
use crate::options::Options;
use crate::process::{self, CreateError};
use crate::random;
use crate::scheduler::{self, Thread};

/// Connections of the admin server and everything else that runs beside them.
const MAX_TASKS: usize = 640;
/// Programs' connections may have this part of the memory for their buffers.
const SHARE: u64 = 8;
/// Bytes of the network thread's kernel stack: the server's handlers run on it.
const STACK_BYTES: u64 = 128 * 1024;

/// Starts the network thread, if there is a network card.
///
/// # Errors
/// When there is no memory for it.
pub fn start(options: &Options, secrets: Secrets) -> Result<(), CreateError> {
    let shown = options.shown.clone();
    let (ipv4, port) = (options.ipv4, options.port);
    let dns_servers = options.dns_servers.clone();
    process::spawn_kernel_thread(
        "network",
        Priority::High,
        STACK_BYTES,
        Box::new(move || {
            let Some(card) = card::start() else {
                has_started();
                return;
            };
            let mac = card.mac_address();
            let memory = hal::frame::figures().total_bytes;
            let config = StackConfig {
                ipv4,
                dns_servers,
                max_program_bytes: usize::try_from(memory / SHARE).unwrap_or(usize::MAX),
                ..StackConfig::new(mac, random::number())
            };
            stack::install(Stack::new(&config, card, stack::now()));
            has_started();
            run(port, secrets, shown);
        }),
    )?;
    Ok(())
}

/// Whether it is known if there is a network.
static HAS_STARTED: AtomicBool = AtomicBool::new(false);
static STARTED: Broadcast = Broadcast::new();

fn has_started() {
    // Release pairs with the acquire in `await_start`.
    HAS_STARTED.store(true, Ordering::Release);
    STARTED.wake_all();
}

/// Waits until programs can use the network, or it is known that there is none.
pub fn await_start() {
    let Some(thread) = scheduler::current() else { return };
    let waker = Waker::from(Arc::new(NetworkThread(thread)));
    loop {
        STARTED.register(&waker);
        if HAS_STARTED.load(Ordering::Acquire) {
            return;
        }
        scheduler::park(BlockReason::Work);
    }
}

/// The thread that is to run when there is work.
struct NetworkThread(Arc<Thread>);

impl Unpark for NetworkThread {
    fn unpark(&self) {
        self.0.unpark();
    }
}

impl Wake for NetworkThread {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.unpark();
    }
}

fn run(port: u16, secrets: Secrets, shown: String) {
    let Some(thread) = scheduler::current() else { return };
    let own = Arc::clone(&thread);
    let thread = Arc::new(NetworkThread(thread));
    let waker = Waker::from(Arc::clone(&thread));
    let mut executor = Executor::new(MAX_TASKS, thread);
    if let Err(error) = server::start(&executor, port, secrets, shown) {
        crate::error!("the admin server cannot listen on port {port}: {error:?}");
    }
    resolver::start(&executor);
    checks::start(&executor);
    let mut wakes = WakeList::default();
    let mut address = None;
    loop {
        let next = turn(&KernelStack, &mut executor, &mut wakes);
        let now_has = KernelStack.with(|stack| stack.ipv4_address());
        if now_has != address {
            address = now_has;
            announce(address, port);
        }
        let Turn::Sleep(until) = next else {
            scheduler::preempt();
            continue;
        };
        let mut context = Context::from_waker(&waker);
        // The card's interrupts go on, and it is looked at once more.
        let Poll::Ready(until) = stack::rest(&own, &mut context, until) else { continue };
        match until {
            Some(until) => {
                scheduler::park_until(BlockReason::Device, until.as_nanos());
            }
            None => scheduler::park(BlockReason::Device),
        }
    }
}

fn announce(address: Option<net::stack::Ipv4Address>, port: u16) {
    use crate::events::{Kind, publish};
    match address {
        Some(address) => {
            crate::info!("network: {address}, the admin server listens on port {port}");
            publish(Kind::NetworkChanged, None, None, format_args!("the address is {address}"));
        }
        None => {
            crate::warning!("network: the address is lost");
            publish(Kind::NetworkChanged, None, None, format_args!("the address is lost"));
        }
    }
}
