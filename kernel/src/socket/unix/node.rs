//! One end: what it is joined to, and what it has been sent.

mod figures;
mod traffic;

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use hal::interrupts::SpinLock;
use ksync::Counter;
use linux_abi::Errno;
use linux_abi::layout::UCred;
use linux_abi::socket::{Shutdown, SocketType, UnixName};

use super::rights::Rights;
use crate::fs::{Held, Readiness, WatchList, next_inode};
use crate::levels;
use crate::process::sandbox;
use crate::scheduler;
use crate::socket::{CommonOptions, FileKey};

/// What a message costs beside its bytes.
const MESSAGE_COST: usize = 256;
/// The most messages that wait at one end.
const MOST_MESSAGES: usize = 2048;
/// The most others that are told when there is room again; those beyond look when they are told
/// something else.
const MOST_WAITING: usize = 1024;
/// Whose credentials are not known: unix(7).
const NOBODY: UCred = UCred { pid: 0, uid: u32::MAX, gid: u32::MAX };

/// Something that was sent.
struct Message {
    bytes: Vec<u8>,
    /// Bytes of it that have been received.
    start: usize,
    from: UnixName,
    credentials: Option<UCred>,
    /// The run of a service that the sender belongs to, if the receiver wants to know who that is.
    instance: u64,
    rights: Rights,
}

impl Message {
    fn left(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }
}

/// How far an end has come.
#[derive(Default)]
enum Phase {
    /// It is joined to nobody, and never was.
    #[default]
    Apart,
    /// It lets others connect.
    Listens { backlog: usize, queue: VecDeque<Arc<Node>> },
    /// It is being connected.
    Connects,
    /// It is joined to the peer; gone or not.
    Joined { peer: Weak<Node> },
}

#[derive(Default)]
struct State {
    phase: Phase,
    name: Option<UnixName>,
    file: Option<FileKey>,
    /// Keeps that file, so that no other gets its number.
    held: Option<Arc<Held>>,
    peer_name: Option<UnixName>,
    peer_credentials: Option<UCred>,
    inbox: VecDeque<Message>,
    /// Bytes in the inbox.
    bytes: usize,
    /// It receives no more, sends no more; nobody sends to it any more.
    is_deaf: bool,
    is_mute: bool,
    is_ended: bool,
    is_closed: bool,
    error: Option<Errno>,
    /// Who waits for room in the inbox, or in the queue.
    waiting: Vec<Weak<Node>>,
}

impl State {
    fn cost(&self) -> usize {
        self.bytes.saturating_add(self.inbox.len().saturating_mul(MESSAGE_COST))
    }

    fn waits(&mut self, who: &Arc<Node>) {
        let is_known = |known: &Weak<Node>| core::ptr::eq(known.as_ptr(), Arc::as_ptr(who));
        if self.waiting.iter().any(is_known) {
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            self.waiting.retain(|known| known.strong_count() > 0);
        }
        if self.waiting.len() < MOST_WAITING && self.waiting.try_reserve(1).is_ok() {
            self.waiting.push(Arc::downgrade(who));
        }
    }

    fn peer(&self) -> Option<Arc<Node>> {
        match &self.phase {
            Phase::Joined { peer } => peer.upgrade(),
            _ => None,
        }
    }
}

/// Who closes an end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// Its program.
    Accepted,
    /// Its listener, before any program had it.
    Unaccepted,
}

/// Who made an end.
#[derive(Clone, Copy)]
pub(super) struct Maker {
    /// The process; 0 for the kernel.
    pub(super) pid: u32,
    /// The sandbox that it was in.
    pub(super) sandbox: Option<u64>,
}

/// One end.
pub(super) struct Node {
    pub(super) kind: SocketType,
    /// The number of its file.
    pub(super) number: u64,
    pub(super) maker: Maker,
    received_bytes: Counter,
    sent_bytes: Counter,
    pub(super) options: CommonOptions,
    pub(super) watchers: WatchList,
    state: SpinLock<State>,
}

impl core::fmt::Debug for Node {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Node {}", self.number)
    }
}

/// Tells those who wait that there is room.
fn tell(waiting: &[Weak<Node>]) {
    for node in waiting.iter().filter_map(Weak::upgrade) {
        node.watchers.notify(Readiness::OUT);
    }
}

impl Node {
    /// A new one of the running thread's process.
    pub(super) fn new(kind: SocketType) -> Arc<Self> {
        let thread = scheduler::current().filter(|thread| thread.process().is_program());
        let pid = thread.map_or(0, |thread| thread.process().pid().number());
        Self::made_by(Maker { pid, sandbox: sandbox::own_id() }, kind)
    }

    fn made_by(maker: Maker, kind: SocketType) -> Arc<Self> {
        Arc::new(Self {
            kind,
            maker,
            received_bytes: Counter::new(),
            sent_bytes: Counter::new(),
            number: next_inode(),
            options: CommonOptions::default(),
            watchers: WatchList::new(),
            state: SpinLock::new(levels::FILES, "unix socket", State::default()),
        })
    }

    /// Joins it to `peer`; the other direction is the other's.
    pub(super) fn join(&self, peer: &Arc<Self>, peer_name: UnixName, credentials: UCred) {
        let mut state = self.state.lock();
        state.phase = Phase::Joined { peer: Arc::downgrade(peer) };
        state.peer_name = Some(peer_name);
        state.peer_credentials = Some(credentials);
    }

    pub(super) fn name(&self) -> UnixName {
        self.state.lock().name.unwrap_or(UnixName::NONE)
    }

    pub(super) fn set_name(&self, name: UnixName) {
        self.state.lock().name = Some(name);
    }

    pub(super) fn file(&self) -> Option<FileKey> {
        self.state.lock().file
    }

    pub(super) fn set_file(&self, key: FileKey, held: Option<Arc<Held>>) {
        let mut state = self.state.lock();
        state.file = Some(key);
        state.held = held;
    }

    pub(super) fn peer_name(&self) -> UnixName {
        self.state.lock().peer_name.unwrap_or(UnixName::NONE)
    }

    pub(super) fn peer_credentials(&self) -> UCred {
        self.state.lock().peer_credentials.unwrap_or(NOBODY)
    }

    pub(super) fn peer(&self) -> Option<Arc<Self>> {
        self.state.lock().peer()
    }

    pub(super) fn is_joined(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Joined { .. })
    }

    pub(super) fn is_listening(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Listens { .. })
    }

    pub(super) fn take_error(&self) -> Option<Errno> {
        self.state.lock().error.take()
    }

    /// Bytes that can be received: of the first message only where there are messages.
    pub(super) fn waiting_bytes(&self) -> usize {
        let state = self.state.lock();
        match self.kind {
            SocketType::Stream => state.bytes,
            _ => state.inbox.front().map_or(0, |message| message.left().len()),
        }
    }

    pub(super) fn listen(&self, backlog: u32, credentials: UCred) -> Result<(), Errno> {
        let mut state = self.state.lock();
        if state.name.is_none() {
            return Err(Errno::EINVAL);
        }
        let new = usize::try_from(backlog).unwrap_or(usize::MAX);
        match &mut state.phase {
            Phase::Apart => {
                state.phase = Phase::Listens { backlog: new, queue: VecDeque::new() };
            }
            Phase::Listens { backlog, .. } => *backlog = new,
            Phase::Connects | Phase::Joined { .. } => return Err(Errno::EINVAL),
        }
        state.peer_credentials = Some(credentials);
        Ok(())
    }

    pub(super) fn accept(&self) -> Result<Arc<Self>, Errno> {
        let (node, waiting) = {
            let mut state = self.state.lock();
            let is_deaf = state.is_deaf;
            let Phase::Listens { queue, .. } = &mut state.phase else { return Err(Errno::EINVAL) };
            if queue.is_empty() && is_deaf {
                return Err(Errno::EINVAL);
            }
            let node = queue.pop_front().ok_or(Errno::EAGAIN)?;
            (node, core::mem::take(&mut state.waiting))
        };
        tell(&waiting);
        Ok(node)
    }

    /// Connects to a listener.
    pub(super) fn connect(
        self: &Arc<Self>,
        listener: &Arc<Self>,
        credentials: UCred,
    ) -> Result<(), Errno> {
        let own_name = {
            let mut state = self.state.lock();
            match state.phase {
                Phase::Apart => {}
                Phase::Joined { .. } => return Err(Errno::EISCONN),
                Phase::Connects => return Err(Errno::EALREADY),
                Phase::Listens { .. } => return Err(Errno::EINVAL),
            }
            state.phase = Phase::Connects;
            state.name.unwrap_or(UnixName::NONE)
        };
        let server = Self::made_by(listener.maker, self.kind);
        server.options.inherit(&listener.options);
        server.join(self, own_name, credentials);
        match listener.queue(self, &server) {
            Ok((name, its_credentials)) => {
                self.join(&server, name, its_credentials);
                listener.watchers.notify(Readiness::IN);
                self.watchers.notify(Readiness::OUT);
                Ok(())
            }
            Err(error) => {
                self.state.lock().phase = Phase::Apart;
                Err(error)
            }
        }
    }

    /// Enters a connection that is to be accepted; gives the listener's name and credentials.
    fn queue(&self, client: &Arc<Self>, server: &Arc<Self>) -> Result<(UnixName, UCred), Errno> {
        let mut state = self.state.lock();
        let name = state.name;
        let is_deaf = state.is_deaf;
        let is_full = match &mut state.phase {
            Phase::Listens { backlog, queue } if !is_deaf => {
                // One more than the backlog says, like Linux.
                let is_full = queue.len() > *backlog;
                if !is_full {
                    queue.try_reserve(1).map_err(|_| Errno::ENOMEM)?;
                    server.state.lock_nested().name = name;
                    queue.push_back(Arc::clone(server));
                }
                is_full
            }
            _ => return Err(Errno::ECONNREFUSED),
        };
        if is_full {
            state.waits(client);
            return Err(Errno::EAGAIN);
        }
        Ok((name.unwrap_or(UnixName::NONE), state.peer_credentials.unwrap_or(NOBODY)))
    }

    /// Datagrams go there from now on, and come from there only.
    pub(super) fn aim_at(self: &Arc<Self>, other: &Arc<Self>) -> Result<(), Errno> {
        let name = other.name();
        {
            let aims_elsewhere = match &other.state.lock().phase {
                Phase::Joined { peer } => !core::ptr::eq(peer.as_ptr(), Arc::as_ptr(self)),
                _ => false,
            };
            if aims_elsewhere {
                return Err(Errno::EPERM);
            }
        }
        let phase = Phase::Joined { peer: Arc::downgrade(other) };
        self.change_aim(phase, Some(name), Some(other));
        Ok(())
    }

    /// Datagrams go nowhere from now on.
    pub(super) fn part(self: &Arc<Self>) {
        self.change_aim(Phase::Apart, None, None);
    }

    /// Leaves the former peer: what came from there is lost, and it is told if it still aims here.
    fn change_aim(self: &Arc<Self>, phase: Phase, name: Option<UnixName>, new: Option<&Arc<Self>>) {
        let (old, lost) = {
            let mut state = self.state.lock();
            let old = core::mem::replace(&mut state.phase, phase);
            state.peer_name = name;
            let old = match old {
                Phase::Joined { peer } => peer.upgrade(),
                _ => None,
            };
            let old = old.filter(|old| new.is_none_or(|new| !Arc::ptr_eq(old, new)));
            if old.is_some() {
                state.bytes = 0;
            }
            let lost =
                if old.is_some() { core::mem::take(&mut state.inbox) } else { VecDeque::new() };
            (old, lost)
        };
        if let Some(old) = old.filter(|_| !lost.is_empty()) {
            {
                let mut state = old.state.lock();
                let aims_here = match &state.phase {
                    Phase::Joined { peer } => core::ptr::eq(peer.as_ptr(), Arc::as_ptr(self)),
                    _ => false,
                };
                if aims_here {
                    state.error = Some(Errno::ECONNRESET);
                }
            }
            old.watchers.notify(Readiness::ERR | Readiness::READ_WRITE);
        }
        drop(lost);
    }

    /// Where what is sent without an address goes.
    pub(super) fn target(&self) -> Result<Arc<Self>, Errno> {
        let mut state = self.state.lock();
        if let Some(error) = state.error.take() {
            return Err(error);
        }
        match &state.phase {
            Phase::Joined { peer } => peer.upgrade().ok_or(match self.kind {
                SocketType::Datagram => Errno::ECONNREFUSED,
                _ => Errno::EPIPE,
            }),
            _ => Err(Errno::ENOTCONN),
        }
    }

    pub(super) fn shutdown(&self, what: Shutdown) {
        let (peer, waiting) = {
            let mut state = self.state.lock();
            state.is_deaf |= what.receives;
            state.is_mute |= what.sends;
            (state.peer(), core::mem::take(&mut state.waiting))
        };
        if let Some(peer) = peer.filter(|_| self.kind != SocketType::Datagram) {
            {
                let mut state = peer.state.lock();
                state.is_ended |= what.sends;
                state.is_mute |= what.receives;
            }
            peer.watchers.notify(Readiness::READ_WRITE | Readiness::HUP | Readiness::RDHUP);
        }
        self.watchers.notify(Readiness::READ_WRITE | Readiness::HUP | Readiness::RDHUP);
        tell(&waiting);
    }

    /// The end is closed: its peer finds that out, what it has not received is gone, and so are
    /// connections that nobody has accepted.
    pub(super) fn close(node: &Arc<Self>, how: Closing) {
        let (phase, inbox, waiting, held) = {
            let mut state = node.state.lock();
            state.is_closed = true;
            state.bytes = 0;
            let phase = core::mem::take(&mut state.phase);
            let inbox = core::mem::take(&mut state.inbox);
            (phase, inbox, core::mem::take(&mut state.waiting), state.held.take())
        };
        let lost_something = !inbox.is_empty() || how == Closing::Unaccepted;
        // Without the lock, as all that may close files.
        drop((inbox, held));
        match phase {
            Phase::Joined { peer } if node.kind != SocketType::Datagram => {
                if let Some(peer) = peer.upgrade() {
                    {
                        let mut state = peer.state.lock();
                        state.is_ended = true;
                        state.is_mute = true;
                        if lost_something {
                            state.error = Some(Errno::ECONNRESET);
                        }
                    }
                    let gone = Readiness::READ_WRITE | Readiness::HUP | Readiness::RDHUP;
                    peer.watchers.notify(gone);
                }
            }
            Phase::Listens { queue, .. } => {
                for server in queue {
                    Self::close(&server, Closing::Unaccepted);
                }
            }
            _ => {}
        }
        tell(&waiting);
    }

    pub(super) fn readiness(self: &Arc<Self>) -> Readiness {
        let state = self.state.lock();
        let is_connected = matches!(state.phase, Phase::Joined { .. });
        let is_listening = matches!(state.phase, Phase::Listens { .. });
        let can_read = match &state.phase {
            Phase::Listens { queue, .. } => !queue.is_empty(),
            _ => !state.inbox.is_empty(),
        };
        let hears_no_more = state.is_deaf || state.is_ended;
        let is_apart = self.kind != SocketType::Datagram && !is_connected && !is_listening;
        let ready = Readiness::NONE
            .with_if(state.error.is_some(), Readiness::ERR)
            .with_if(can_read || hears_no_more, Readiness::IN)
            .with_if(hears_no_more, Readiness::RDHUP)
            .with_if(hears_no_more && state.is_mute || is_apart, Readiness::HUP);
        let peer = state.peer();
        drop(state);
        let has_room = peer.is_none_or(|peer| {
            let limit = self.options.send_buffer();
            let mut state = peer.state.lock();
            let has_room = state.cost() <= limit / 2 && state.inbox.len() < MOST_MESSAGES;
            if !has_room {
                // Whoever asks may be about to wait for it.
                state.waits(self);
            }
            has_room
        });
        ready.with_if(has_room && !is_listening, Readiness::OUT)
    }
}
