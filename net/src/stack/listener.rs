//! Listeners: a port, a queue of established connections, and how many may be on their way.

use alloc::collections::VecDeque;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::task::Waker;
use core::time::Duration;

use smoltcp::wire::IpAddress;

use super::connection::{ConnectionId, SocketOptions};
use super::front::{FrontId, Membership};
use super::local::LocalAddress;
use super::observer::Observer;

/// What happens to a SYN when the backlog is full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BacklogFull {
    /// It is dropped; the client tries again, as with Linux.
    #[default]
    Drop,
    /// It is answered with a reset.
    Reset,
}

/// What to listen for.
#[derive(Clone, Copy, Debug)]
pub struct ListenConfig {
    /// The TCP port.
    pub port: u16,
    /// Only connections to these addresses.
    pub address: LocalAddress,
    /// Others that want this too may listen there as well; they take turns.
    pub shares_port: bool,
    /// Connections that wait for `accept` or for the end of their handshake, together.
    pub backlog: usize,
    /// What happens to a SYN beyond that.
    pub when_full: BacklogFull,
    /// How long a handshake may take.
    pub handshake_timeout: Duration,
    /// What the connections' sockets are made with.
    pub options: SocketOptions,
}

impl ListenConfig {
    /// Listens on `port` of every address with a backlog of 256.
    #[must_use]
    pub fn new(port: u16) -> Self {
        Self {
            port,
            address: LocalAddress::Any,
            shares_port: false,
            backlog: 256,
            when_full: BacklogFull::default(),
            handshake_timeout: Duration::from_secs(10),
            options: SocketOptions::default(),
        }
    }
}

/// Why a port can't be listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListenError {
    /// Another listener has this port and address.
    InUse {
        /// The port.
        port: u16,
    },
    /// Port 0, a backlog of 0, or buffers smoltcp can't use.
    Invalid,
}

impl core::fmt::Display for ListenError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InUse { port } => write!(f, "port {port} is in use"),
            Self::Invalid => f.write_str("invalid listener configuration"),
        }
    }
}

impl core::error::Error for ListenError {}

/// Names a listener; never again used for another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListenerId(pub(super) u64);

/// Counts of one listener, from its start.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ListenerCounters {
    pub(super) accepted: u64,
    pub(super) refused_backlog: u64,
    pub(super) refused_limit: u64,
    pub(super) refused_memory: u64,
    pub(super) handshake_timeouts: u64,
    pub(super) handshake_resets: u64,
    pub(super) queue_resets: u64,
    /// A front's: no member came in time.
    pub(super) wait_timeouts: u64,
    pub(super) backlog_peak: usize,
}

/// What stands behind a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// Whoever accepts.
    Plain,
    /// The members of this front.
    Front(FrontId),
    /// One of a front's members, which takes the handshakes.
    Member(Membership),
}

/// One listener.
pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) config: ListenConfig,
    pub(super) role: Role,
    /// Handshakes that are under way.
    pub(super) half_open: usize,
    /// Established and not yet accepted.
    pub(super) queue: VecDeque<ConnectionId>,
    pub(super) acceptors: Vec<Waker>,
    pub(super) observer: Option<Arc<dyn Observer>>,
    pub(super) counters: ListenerCounters,
}

impl Listener {
    pub(super) fn backlog_used(&self) -> usize {
        self.half_open + self.queue.len()
    }
}

/// All listeners. They are few, and only a SYN looks for one.
#[derive(Default)]
pub(super) struct Listeners {
    all: Vec<Listener>,
    next_id: u64,
}

impl Listeners {
    pub(super) fn add(&mut self, config: ListenConfig) -> Result<ListenerId, ListenError> {
        self.add_observed(config, None)
    }

    pub(super) fn add_observed(
        &mut self,
        config: ListenConfig,
        observer: Option<Arc<dyn Observer>>,
    ) -> Result<ListenerId, ListenError> {
        let ListenConfig { port, address, backlog, options, .. } = config;
        let largest = 1 << 30;
        if port == 0
            || backlog == 0
            || !(1..=largest).contains(&options.receive_buffer_bytes)
            || !(1..=largest).contains(&options.send_buffer_bytes)
        {
            return Err(ListenError::Invalid);
        }
        let overlaps = |other: &Listener| {
            other.config.port == port
                && other.config.address.overlaps(address)
                // Programs may share ports, and an address of one's own goes before any address:
                // whether they may was asked when the port was taken.
                && (other.config.options.owner == 0 || options.owner == 0)
        };
        if self.all.iter().any(overlaps) {
            return Err(ListenError::InUse { port });
        }
        let id = ListenerId(self.next_id);
        self.next_id += 1;
        self.all.push(Listener {
            id,
            config,
            role: Role::Plain,
            half_open: 0,
            queue: VecDeque::new(),
            acceptors: Vec::new(),
            observer,
            counters: ListenerCounters::default(),
        });
        Ok(id)
    }

    pub(super) fn remove(&mut self, id: ListenerId) -> Option<Listener> {
        let at = self.all.iter().position(|listener| listener.id == id)?;
        Some(self.all.swap_remove(at))
    }

    pub(super) fn get(&self, id: ListenerId) -> Option<&Listener> {
        self.all.iter().find(|listener| listener.id == id)
    }

    pub(super) fn set_role(&mut self, id: ListenerId, role: Role) {
        if let Some(listener) = self.get_mut(id) {
            listener.role = role;
        }
    }

    pub(super) fn get_mut(&mut self, id: ListenerId) -> Option<&mut Listener> {
        self.all.iter_mut().find(|listener| listener.id == id)
    }

    /// The listener for a SYN to this address and port: one for this very address before one for
    /// many. Of several that share the port, `turn` chooses.
    pub(super) fn for_syn(
        &mut self,
        local: IpAddress,
        port: u16,
        turn: u16,
    ) -> Option<&mut Listener> {
        let is_meant = |listener: &&Listener| {
            listener.config.port == port
                && listener.config.address.takes(local)
                && !matches!(listener.role, Role::Member(_))
        };
        let is_exact = |listener: &Listener| listener.config.address.one().is_some();
        let best = self.all.iter().filter(is_meant).any(is_exact);
        let fits = |listener: &Listener| is_meant(&listener) && is_exact(listener) == best;
        let count = self.all.iter().filter(|listener| fits(listener)).count();
        let chosen = usize::from(turn).checked_rem(count)?;
        let at = self.all.iter().enumerate().filter(|(_, listener)| fits(listener)).nth(chosen)?.0;
        self.all.get_mut(at)
    }

    /// Whether the kernel itself listens on this port.
    pub(super) fn is_kernels(&self, port: u16) -> bool {
        let is_it = |listener: &Listener| {
            listener.config.port == port && listener.config.options.owner == 0
        };
        self.all.iter().any(is_it)
    }

    pub(super) fn has_port(&self, port: u16) -> bool {
        self.all.iter().any(|listener| listener.config.port == port)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Listener> {
        self.all.iter()
    }
}
