//! Services: `service_core` decides, this carries out.
//!
//! The manager lies in the [`State`] under a lock that sleeps. Whoever asks for something (the API, a
//! system call) takes the lock, asks, and leaves what is to be done to the thread `services`, which
//! starts and ends processes without holding it. What happens elsewhere (a process has ended, a check
//! has its answer) comes by the inbox, which may be written under no lock but from everywhere.
//!
//! - `actions`: what the manager wants done. `runs`: processes by instance. `output`: their lines.
//! - `checks`: health. `notices`: what programs say about themselves. `documents`: the API's words.
//! - `confined`: users and sandboxes. `reports`: what operators are told. `boot`: the documents of the image
//!   and of the disk.
//! - `change`: what operators ask for. `kept`: what lasts over a boot.

mod actions;
mod boot;
mod change;
mod checks;
pub mod confined;
mod documents;
mod front;
mod kept;
mod notices;
mod output;
mod reports;
mod runs;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering};
use core::task::Waker;

use hal::interrupts::SpinLock;
use ksync::Once;
use net::stack::FrontId;
use process_core::{BlockReason, ExitStatus, Pid, Priority};
use service_core::{Action, Event, Instant, Manager, Purpose, Request, RunId, ServiceId};

use crate::broadcast::Broadcast;
use crate::options::ServicesAtBoot;
use crate::process::{self, CreateError, ProcessSet};
use crate::scheduler::{self, Thread};
use crate::sync::Mutex;
use crate::sync::promise::promise;
use crate::{levels, random};
use runs::Run;

pub use change::{ChangeError, Wish, change, change_for_program};
pub use documents::{document_of, from_document};
pub use front::{choose, connections};
pub use kept::wall_ns;
pub use notices::{Notice, is_own_name as is_notify_socket, say};
pub use output::{Line, Lines};

/// Bytes of the thread's stack: documents are read on it, which nest as deep as their reader lets them.
const STACK_BYTES: u64 = 128 * 1024;
/// How long the services may take to stop before the machine goes down all the same.
const LONGEST_SHUTDOWN_NS: u64 = 60_000_000_000;

/// All that the kernel knows of services.
pub struct State {
    /// Who decides.
    pub manager: Manager,
    /// What belongs to each service beside its decisions.
    pub belongings: BTreeMap<ServiceId, Belongings>,
    /// Runs that have processes, by number.
    runs: BTreeMap<u64, Run>,
    /// Checks by a command, by the number that their processes have as instance.
    commands: BTreeMap<u64, checks::Command>,
    work: VecDeque<Action>,
    /// The ports of services, as the network knows them.
    fronts: BTreeMap<ServiceId, FrontId>,
    /// Runs that are to have no connections left.
    draining: BTreeSet<RunId>,
    /// Services for which an emergency goes on, with how many.
    held: BTreeMap<ServiceId, u32>,
    /// The image's documents, by name.
    image: BTreeMap<String, kept::DocumentDigest>,
    has_stopped: bool,
}

/// What belongs to a service.
#[derive(Clone, Debug)]
pub struct Belongings {
    /// Its processes.
    pub set: Arc<ProcessSet>,
    /// What they wrote.
    pub lines: Arc<Lines>,
}

/// Something that has happened elsewhere.
#[derive(Debug)]
enum Note {
    Ended { instance: u64, pid: Pid, exit: ExitStatus, is_for_quota: bool },
    Checked { run: RunId, ticket: u64, purpose: Purpose, is_success: bool, detail: String },
    Said { instance: u64, notice: notices::Notice },
    Shutdown,
    Asked(Job),
}

/// Something that another thread has done by this one.
struct Job(Box<dyn FnOnce() + Send>);

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

static STATE: Once<Mutex<State>> = Once::new();
static INBOX: SpinLock<VecDeque<Note>> =
    SpinLock::new(levels::RINGS, "service inbox", VecDeque::new());
static THREAD: Once<Arc<Thread>> = Once::new();
/// Woken when anything about services has changed.
pub static NEWS: Broadcast = Broadcast::new();

/// Starts the service manager, with the documents of the image. Once.
///
/// # Errors
/// When there is no memory for it.
pub fn start(at_boot: ServicesAtBoot) -> Result<(), CreateError> {
    STATE.call_once(|| {
        Mutex::new(State {
            manager: Manager::new(random::number()),
            belongings: BTreeMap::new(),
            runs: BTreeMap::new(),
            commands: BTreeMap::new(),
            work: VecDeque::new(),
            fronts: BTreeMap::new(),
            draining: BTreeSet::new(),
            held: BTreeMap::new(),
            image: BTreeMap::new(),
            has_stopped: false,
        })
    });
    let main = Box::new(move || main(at_boot));
    let thread = process::spawn_kernel_thread("services", Priority::High, STACK_BYTES, main)?;
    THREAD.call_once(|| thread);
    notices::start()
}

/// The present, for the manager.
#[must_use]
pub fn now() -> Instant {
    Instant(hal::time::now_ns())
}

/// Looks at the state, or asks the manager for something; what is to be done is done by the thread.
/// None before the manager has been started.
pub fn with<R>(f: impl FnOnce(&mut State) -> R) -> Option<R> {
    let mut state = STATE.get()?.lock();
    let answer = f(&mut state);
    let has_work = !state.work.is_empty();
    drop(state);
    if has_work {
        wake();
    }
    Some(answer)
}

impl State {
    /// Takes in what the manager wants done. Operators are told at once, of the rest the thread takes
    /// care.
    pub fn take_in(&mut self, actions: alloc::vec::Vec<Action>) {
        for action in actions {
            match action {
                Action::Report(report) => reports::tell(self, &report),
                other => self.work.push_back(other),
            }
        }
    }

    /// Whether an emergency goes on for a service.
    #[must_use]
    pub fn is_held(&self, name: &str) -> bool {
        self.manager.id_of(name).is_some_and(|id| self.held.contains_key(&id))
    }

    /// An emergency begins for a service, or ends: until then nobody stays in it. Says how many of its
    /// processes this ended.
    pub fn hold(&mut self, id: ServiceId, is_held: bool) -> u64 {
        let count = self.held.entry(id).or_default();
        *count = if is_held { count.saturating_add(1) } else { count.saturating_sub(1) };
        let is_over = *count == 0;
        if is_over {
            self.held.remove(&id);
        }
        let Some(belongings) = self.belongings.get(&id) else { return 0 };
        if is_over {
            belongings.set.open();
            return 0;
        }
        belongings.set.end_all()
    }

    fn step(&mut self, event: Event) {
        let actions = self.manager.step(now(), event);
        self.take_in(actions);
    }

    /// What belongs to a service, which is made when it is first needed.
    ///
    /// # Errors
    /// When its quotas are impossible.
    fn belongings_of(
        &mut self,
        id: ServiceId,
        document: &service_core::Document,
    ) -> Result<Belongings, process_core::ProcessError> {
        let quotas = runs::quotas(&document.limits);
        if let Some(known) = self.belongings.get(&id) {
            if known.set.quotas() != quotas {
                known.set.set_quotas(&quotas)?;
            }
            return Ok(known.clone());
        }
        let set = ProcessSet::new(document.name.as_str().into(), &quotas)?;
        let new = Belongings { set, lines: Arc::new(Lines::new()) };
        self.belongings.insert(id, new.clone());
        Ok(new)
    }
}

fn wake() {
    if let Some(thread) = THREAD.get() {
        thread.unpark();
    }
}

fn post(note: Note) {
    INBOX.lock().push_back(note);
    wake();
}

/// Has something done by the services' thread, and sleeps until it is. None before that was started.
fn ask<R: Send + 'static>(job: impl FnOnce() -> R + Send + 'static) -> Option<R> {
    THREAD.get()?;
    let (answer, promise) = promise();
    post(Note::Asked(Job(Box::new(move || answer.give(job())))));
    promise.wait()
}

/// A process that belongs to an instance has ended; by force, if it is for the service's memory quota.
pub fn process_ended(instance: u64, pid: Pid, exit: ExitStatus, is_for_quota: bool) {
    post(Note::Ended { instance, pid, exit, is_for_quota });
}

/// Ends all services by force: an emergency concerns everything. Says how many processes this ended.
pub fn terminate_all(actor: Option<&str>) -> u64 {
    let ended = with(|state| {
        let mut ended = 0;
        for name in state.manager.names() {
            let request = Request::Terminate(Arc::clone(&name));
            // What does not run has nothing to end.
            let Ok((_, actions)) = state.manager.request(now(), &request, actor) else { continue };
            state.take_in(actions);
            let id = state.manager.id_of(&name);
            if let Some(belongings) = id.and_then(|id| state.belongings.get(&id)) {
                ended += belongings.set.end_members();
            }
        }
        ended
    });
    ended.unwrap_or(0)
}

/// Stops all services, in the reverse order of their dependencies, and waits until they have; not
/// without end.
pub fn stop_all() {
    if STATE.get().is_none() {
        return;
    }
    post(Note::Shutdown);
    let deadline_ns = hal::time::now_ns().saturating_add(LONGEST_SHUTDOWN_NS);
    let Some(thread) = scheduler::current() else { return };
    let waker = Waker::from(thread);
    loop {
        NEWS.register(&waker);
        let has_stopped = with(|state| state.has_stopped).unwrap_or(true);
        if has_stopped || !scheduler::park_until(BlockReason::Work, deadline_ns) {
            return;
        }
    }
}

/// Whether the documents of the image and the disk have been registered.
static ARE_REGISTERED: AtomicBool = AtomicBool::new(false);

fn registered() {
    // Release pairs with the acquire in `await_registered`.
    ARE_REGISTERED.store(true, Ordering::Release);
    NEWS.wake_all();
}

/// Waits for that: what is asked for before is asked of services that are there.
fn await_registered() {
    let Some(thread) = scheduler::current() else { return };
    let waker = Waker::from(thread);
    loop {
        NEWS.register(&waker);
        if ARE_REGISTERED.load(Ordering::Acquire) {
            return;
        }
        scheduler::park(BlockReason::Work);
    }
}

/// The thread: what has happened, then what is to be done, then sleep.
fn main(at_boot: ServicesAtBoot) {
    crate::network::await_start();
    boot::start(at_boot);
    loop {
        let notes = core::mem::take(&mut *INBOX.lock());
        let has_notes = !notes.is_empty();
        for note in notes {
            match note {
                Note::Asked(Job(job)) => job(),
                note => {
                    with(|state| take_note(state, note));
                }
            }
        }
        let has_work = actions::carry_out_all();
        let next = with(|state| {
            checks::end_late_commands(state);
            front::look_at_draining(state);
            let is_due = state.manager.next_tick().is_some_and(|at| at <= now());
            if is_due {
                state.step(Event::Tick);
            }
            let ticks = [state.manager.next_tick(), checks::next_deadline(state)];
            (is_due || !state.work.is_empty(), ticks.into_iter().flatten().min())
        });
        let Some((is_busy, next)) = next else { return };
        if has_notes || has_work || is_busy {
            NEWS.wake_all();
            continue;
        }
        match next {
            Some(at) => {
                scheduler::park_until(BlockReason::Work, at.0);
            }
            None => scheduler::park(BlockReason::Work),
        }
    }
}

fn take_note(state: &mut State, note: Note) {
    match note {
        Note::Ended { instance, pid, exit, is_for_quota } => {
            let end = runs::Exit { status: exit, is_for_quota };
            runs::process_ended(state, instance, pid, end);
        }
        Note::Checked { run, ticket, purpose, is_success, detail } => {
            state.step(Event::Checked { run, ticket, purpose, is_success, detail });
        }
        Note::Said { instance, notice } => notices::heard(state, instance, notice),
        Note::Shutdown => state.step(Event::Shutdown),
        // Done without the lock.
        Note::Asked(_) => {}
    }
}
