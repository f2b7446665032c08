//! The tasks: one for datagrams, one that accepts connections, and one for each question that somebody
//! else has to answer.

use alloc::collections::BTreeSet;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use smoltcp::wire::{IpEndpoint, IpVersion};

use super::answer::{Carrier, answer, complaint, pass_on};
use super::exchange::{Exchange, read_message, within_time, write_message};
use super::local::{Known, ServiceNames, look_up};
use super::query::{Query, ResponseCode};
use crate::datagram::UdpSocket;
use crate::executor::{SpawnError, Spawner, Timers};
use crate::socket::{SharedStack, TcpListener, TcpStream};
use crate::stack::{BindError, ListenConfig, ListenError, LocalAddress};

/// Questions that wait for another server's answer, at once.
const MOST_WAITING: usize = 32;
/// Programs' connections at once.
const MOST_CONNECTIONS: usize = 8;
/// How long a program's connection may say nothing, or take nothing.
const IDLE: Duration = Duration::from_secs(5);
/// The longest question; names end at 255 bytes.
const MOST_QUESTION_BYTES: usize = 4096;

/// Why there is no name server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    /// The port cannot be had.
    Bind(BindError),
    /// The port cannot be listened on.
    Listen(ListenError),
    /// There is no place for its tasks.
    Spawn(SpawnError),
}

/// What the name server has done, counted by itself and read by anyone.
#[derive(Debug, Default)]
pub struct ResolverCounters {
    queries: AtomicU64,
    malformed: AtomicU64,
    local: AtomicU64,
    forwarded: AtomicU64,
    unanswered: AtomicU64,
    refused: AtomicU64,
}

/// [`ResolverCounters`] at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResolverFigures {
    /// Messages from programs.
    pub queries: u64,
    /// Of these, what was no question.
    pub malformed: u64,
    /// Questions that were answered from what is known here.
    pub local: u64,
    /// Questions that went to other servers.
    pub forwarded: u64,
    /// Of these, what none of them answered.
    pub unanswered: u64,
    /// Questions that were turned away because too many waited.
    pub refused: u64,
}

impl ResolverCounters {
    /// The figures now.
    #[must_use]
    pub fn figures(&self) -> ResolverFigures {
        // Relaxed: numbers, on which nothing else depends.
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ResolverFigures {
            queries: read(&self.queries),
            malformed: read(&self.malformed),
            local: read(&self.local),
            forwarded: read(&self.forwarded),
            unanswered: read(&self.unanswered),
            refused: read(&self.refused),
        }
    }
}

fn count(counter: &AtomicU64) {
    // Relaxed: as in `figures`.
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The name server.
pub struct Resolver<S: SharedStack, N> {
    /// The stack that it listens on and asks by.
    pub stack: S,
    /// The executor's timers.
    pub timers: Timers,
    /// Where its tasks go.
    pub spawner: Spawner,
    /// Who knows the services.
    pub names: N,
    /// Numbers that nobody can guess.
    pub random: fn() -> u64,
    /// What is counted.
    pub counters: Arc<ResolverCounters>,
}

/// What becomes of a message.
enum Step {
    Nothing,
    Answer(Vec<u8>),
    Forward(Query),
}

/// The resolver, and what its tasks share.
struct Server<S: SharedStack, N> {
    resolver: Resolver<S, N>,
    /// Who waits for another server's answer to what: who asks again gets one answer.
    waiting: RefCell<BTreeSet<(IpEndpoint, u16, u16)>>,
    connections: Cell<usize>,
}

impl<S, N> Resolver<S, N>
where
    S: SharedStack + 'static,
    N: ServiceNames + 'static,
{
    /// Starts to answer at `at`, by datagrams and by connections.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn start(self, at: IpEndpoint) -> Result<(), StartError> {
        let address = LocalAddress::One(at.addr);
        let socket = UdpSocket::open(&self.stack, IpVersion::Ipv4)
            .ok_or(StartError::Bind(BindError::Exhausted))?;
        socket.bind(address, at.port).map_err(StartError::Bind)?;
        let config = ListenConfig { address, backlog: 32, ..ListenConfig::new(at.port) };
        let listener = TcpListener::bind(&self.stack, config).map_err(StartError::Listen)?;
        let spawner = self.spawner.clone();
        let server = Rc::new(Server {
            resolver: self,
            waiting: RefCell::default(),
            connections: Cell::new(0),
        });
        spawner
            .spawn(Rc::clone(&server).serve_datagrams(Rc::new(socket)))
            .and_then(|()| spawner.spawn(server.serve_connections(listener)))
            .map_err(StartError::Spawn)
    }
}

impl<S, N> Server<S, N>
where
    S: SharedStack + 'static,
    N: ServiceNames + 'static,
{
    async fn serve_datagrams(self: Rc<Self>, socket: Rc<UdpSocket<S>>) {
        let mut buffer = vec![0; MOST_QUESTION_BYTES];
        loop {
            // What could not be delivered is its receiver's business.
            let Ok(info) = socket.receive(&mut buffer).await else { continue };
            let message = buffer.get(..info.count).unwrap_or_default();
            match self.step(message, Carrier::Datagram) {
                Step::Nothing => {}
                Step::Answer(bytes) => send(&socket, info.from, &bytes),
                Step::Forward(query) => self.forward(&socket, info.from, query),
            }
        }
    }

    /// Has a question answered by others, in a task of its own.
    fn forward(self: &Rc<Self>, socket: &Rc<UdpSocket<S>>, from: IpEndpoint, query: Query) {
        let key = (from, query.id, query.kind);
        let count_waiting = self.waiting.borrow().len();
        if self.waiting.borrow().contains(&key) {
            return;
        }
        let refusal = answer(&query, ResponseCode::ServerFailure, &[], None, Carrier::Datagram);
        if count_waiting < MOST_WAITING {
            self.waiting.borrow_mut().insert(key);
            let (server, socket) = (Rc::clone(self), Rc::clone(socket));
            let task = async move {
                let bytes = server.ask_others(&query, Carrier::Datagram).await;
                server.waiting.borrow_mut().remove(&key);
                send(&socket, from, &bytes);
            };
            if self.resolver.spawner.spawn(task).is_ok() {
                return;
            }
            self.waiting.borrow_mut().remove(&key);
        }
        count(&self.resolver.counters.refused);
        send(socket, from, &refusal);
    }

    async fn serve_connections(self: Rc<Self>, listener: TcpListener<S>) {
        while let Ok((stream, _)) = listener.accept().await {
            // Who comes when there are too many is let go: dropping the stream closes it.
            if self.connections.get() >= MOST_CONNECTIONS {
                count(&self.resolver.counters.refused);
                continue;
            }
            self.connections.set(self.connections.get() + 1);
            let server = Rc::clone(&self);
            let task = async move {
                server.serve_connection(stream).await;
                server.connections.set(server.connections.get().saturating_sub(1));
            };
            if self.resolver.spawner.spawn(task).is_err() {
                self.connections.set(self.connections.get().saturating_sub(1));
            }
        }
    }

    async fn serve_connection(&self, mut stream: TcpStream<S>) {
        loop {
            let reading = read_message(&mut stream, MOST_QUESTION_BYTES);
            let Some(Some(message)) = within_time(&self.resolver.timers, IDLE, reading).await
            else {
                return;
            };
            let bytes = match self.step(&message, Carrier::Stream) {
                Step::Nothing => return,
                Step::Answer(bytes) => bytes,
                Step::Forward(query) => self.ask_others(&query, Carrier::Stream).await,
            };
            let writing = write_message(&mut stream, &bytes);
            let Some(Some(())) = within_time(&self.resolver.timers, IDLE, writing).await else {
                return;
            };
        }
    }

    /// What is to be done with a message.
    fn step(&self, message: &[u8], carrier: Carrier) -> Step {
        let counters = &self.resolver.counters;
        count(&counters.queries);
        let query = match Query::read(message) {
            Ok(query) => query,
            Err(malformed) => {
                count(&counters.malformed);
                return complaint(malformed).map_or(Step::Nothing, Step::Answer);
            }
        };
        let (code, records, zone) = match look_up(&query, &self.resolver.names) {
            Some(Known::Records(records, zone)) => (ResponseCode::NoError, records, zone),
            Some(Known::NoSuchName(zone)) => (ResponseCode::NoSuchName, Vec::new(), zone),
            None => return Step::Forward(query),
        };
        count(&counters.local);
        Step::Answer(answer(&query, code, &records, Some(&zone), carrier))
    }

    /// The other servers' answer, or that there is none.
    async fn ask_others(&self, query: &Query, carrier: Carrier) -> Vec<u8> {
        let Resolver { stack, timers, counters, .. } = &self.resolver;
        count(&counters.forwarded);
        let servers = stack.with(|stack| stack.dns_servers().to_vec());
        let exchange = Exchange { stack, timers, random: self.resolver.random };
        match exchange.ask(&servers, query, carrier).await {
            Some(message) => pass_on(message, query, carrier),
            None => {
                count(&counters.unanswered);
                answer(query, ResponseCode::ServerFailure, &[], None, carrier)
            }
        }
    }
}

fn send<S: SharedStack>(socket: &UdpSocket<S>, to: IpEndpoint, bytes: &[u8]) {
    // Without room it is lost, as datagrams may be; programs ask again.
    let _ = socket.send_to(to, bytes);
}
