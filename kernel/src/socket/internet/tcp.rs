//! TCP sockets.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;

use linux_abi::Errno;
use linux_abi::socket::{MessageFlags, Shutdown, SocketAddress, SocketType, family, level, option};
use net::stack::{
    ConnectError, ConnectionId, IoError, IpVersion, ListenConfig, ListenError, ListenerId,
    LocalAddress, PortSpace, Ready, Reservation, Sharing, SocketOptions, Tuning,
};
use vfs_core::Metadata;

use super::options::{Options, ip, ipv6, tcp};
use super::{
    Place, Watch, act, address, bind_errno, control, may_bind, member, owner, readiness, watch,
};
use crate::fs::{File, Readiness, Transfer, WatchList};
use crate::socket::{
    Accepted, CommonOptions, Incoming, Named, OptionValue, Outgoing, Socket, described, metadata,
};
use crate::sync::Mutex;

/// How long a connection attempt takes at the most: six SYNs, tcp(7).
const CONNECT_TIME: Duration = Duration::from_secs(127);
/// How long a peer may be silent while it owes an answer: `tcp_retries2`.
const SILENCE: Duration = Duration::from_secs(924);
/// Bytes of one buffer.
const BUFFER: core::ops::RangeInclusive<usize> = 4 * 1024..=128 * 1024;
/// Connections that may wait to be accepted, whatever the program asks for: each has its buffers.
const MOST_WAITING: usize = 128;

/// What a socket is at.
#[derive(Clone, Copy, Debug)]
enum State {
    /// Nothing; perhaps bound.
    Idle,
    /// A listener.
    Listening(ListenerId),
    /// A connection is being made.
    Connecting(ConnectionId),
    /// There is a connection, or was.
    Connected(ConnectionId),
}

/// A TCP socket.
#[derive(Debug)]
pub(super) struct TcpSocket {
    version: IpVersion,
    common: CommonOptions,
    options: Options,
    watch: Arc<Watch>,
    state: Mutex<(State, Option<Reservation>)>,
    /// `shutdown` has ended receiving.
    is_deaf: AtomicBool,
    /// `shutdown` has ended sending.
    is_mute: AtomicBool,
    /// Why the connection ended was told.
    is_told: AtomicBool,
    _place: Place,
}

impl TcpSocket {
    pub(super) fn new(version: IpVersion) -> Result<Self, Errno> {
        Ok(Self::with(version, State::Idle, watch(), Place::take()?))
    }

    fn with(version: IpVersion, state: State, watch: Arc<Watch>, place: Place) -> Self {
        Self {
            version,
            common: CommonOptions::default(),
            options: Options::new(),
            watch,
            state: Mutex::new((state, None)),
            is_deaf: AtomicBool::new(false),
            is_mute: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            _place: place,
        }
    }

    fn state(&self) -> State {
        self.state.lock().0
    }

    fn is_v6_only(&self) -> bool {
        self.version == IpVersion::Ipv6 && self.options.is_on(level::IPV6, ipv6::V6ONLY)
    }

    fn sharing(&self) -> Sharing {
        Sharing {
            address: self.common.is_on(option::REUSEADDR),
            port: self.common.is_on(option::REUSEPORT),
            member: member(),
        }
    }

    fn tuning(&self) -> Tuning {
        let seconds = |name| {
            let value = self.options.get(level::TCP, name).unwrap_or(0);
            Duration::from_secs(u64::try_from(value).unwrap_or(0))
        };
        let keeps_alive = self.common.is_on(option::KEEPALIVE);
        let count = self.options.get(level::TCP, tcp::KEEPCNT).unwrap_or(9);
        let probes = seconds(tcp::KEEPINTVL).saturating_mul(u32::try_from(count).unwrap_or(9));
        let user = self.options.get(level::TCP, tcp::USER_TIMEOUT).unwrap_or(0);
        let dead_after = match u64::try_from(user) {
            Ok(1..) => Duration::from_millis(user.unsigned_abs().into()),
            _ if keeps_alive => seconds(tcp::KEEPIDLE).saturating_add(probes),
            _ => SILENCE,
        };
        Tuning {
            is_eager: self.options.is_on(level::TCP, tcp::NODELAY),
            keep_alive: keeps_alive.then(|| seconds(tcp::KEEPIDLE)),
            dead_after: Some(dead_after),
        }
    }

    fn socket_options(&self) -> SocketOptions {
        let bytes = |kept: usize| (kept / 4).clamp(*BUFFER.start(), *BUFFER.end());
        let tuning = self.tuning();
        SocketOptions {
            receive_buffer_bytes: bytes(self.common.receive_buffer()),
            send_buffer_bytes: bytes(self.common.send_buffer()),
            keep_alive: tuning.keep_alive,
            dead_after: tuning.dead_after,
            is_eager: tuning.is_eager,
            owner: owner(),
        }
    }

    fn retune(&self) {
        if let State::Connected(id) = self.state() {
            let tuning = self.tuning();
            // Without a network there is nothing to tune.
            let _ = act(|stack, _| stack.tune(id, &tuning));
        }
    }

    /// A port of its own choice, for who needs one and has none.
    fn reserve_any(&self) -> Result<Reservation, Errno> {
        let any = match self.version {
            IpVersion::Ipv4 => LocalAddress::AnyV4,
            IpVersion::Ipv6 if self.is_v6_only() => LocalAddress::AnyV6,
            IpVersion::Ipv6 => LocalAddress::Any,
        };
        let sharing = self.sharing();
        act(|stack, _| stack.reserve(PortSpace::Tcp, any, 0, sharing))?.map_err(bind_errno)
    }

    /// The connection, or why there is none.
    fn connection(&self, without: Errno) -> Result<ConnectionId, Errno> {
        match self.state() {
            State::Connected(id) => Ok(id),
            State::Connecting(_) => match self.finish_connect() {
                Ok(()) => self.connection(without),
                Err(error) => Err(error),
            },
            State::Idle | State::Listening(_) => Err(without),
        }
    }

    /// An error of the connection's, told once.
    fn told_once(&self, error: IoError, afterwards: Errno) -> Errno {
        match error {
            IoError::WouldBlock => return Errno::EAGAIN,
            IoError::Closed => return Errno::EPIPE,
            IoError::Refused | IoError::Reset | IoError::TimedOut => {}
        }
        // Relaxed: of several threads any may be the one that is told.
        if self.is_told.swap(true, Ordering::Relaxed) { afterwards } else { errno(error) }
    }
}

fn errno(error: IoError) -> Errno {
    match error {
        IoError::WouldBlock => Errno::EAGAIN,
        IoError::Refused => Errno::ECONNREFUSED,
        IoError::Closed => Errno::EPIPE,
        IoError::Reset => Errno::ECONNRESET,
        IoError::TimedOut => Errno::ETIMEDOUT,
    }
}

impl File for TcpSocket {
    fn transfer(&self) -> Transfer {
        Transfer::Stream
    }

    fn read(&self, _at: u64, buffer: &mut [u8]) -> Result<usize, Errno> {
        self.receive(buffer, MessageFlags::NONE).map(|incoming| incoming.count)
    }

    fn write(&self, _at: u64, bytes: &[u8]) -> Result<usize, Errno> {
        self.send(bytes, &mut Outgoing::default())
    }

    fn metadata(&self) -> Result<Metadata, Errno> {
        Ok(metadata(self.watch.identity.inode))
    }

    fn ioctl(&self, request: u32, argument: u64) -> Result<u64, Errno> {
        control::ioctl(request, argument, || {
            let id = match self.state() {
                State::Connected(id) => id,
                State::Listening(_) => return Err(Errno::EINVAL),
                State::Idle | State::Connecting(_) => return Ok((0, 0)),
            };
            Ok(act(|stack, _| stack.queued_bytes(id))?.unwrap_or((0, 0)))
        })
    }

    fn readiness(&self) -> Readiness {
        let ready = match self.state() {
            State::Idle => return Readiness::OUT | Readiness::HUP,
            State::Listening(id) => {
                act(|stack, _| Ready::NONE.with_if(stack.has_waiting(id), Ready::READ))
            }
            State::Connecting(id) | State::Connected(id) => act(|stack, _| stack.readiness(id)),
        };
        let ready = readiness(ready.unwrap_or(Ready::HANG_UP));
        let is_deaf = self.is_deaf.load(Ordering::Relaxed);
        let ready = ready.with_if(is_deaf, Readiness::IN | Readiness::RDHUP);
        let is_mute = self.is_mute.load(Ordering::Relaxed);
        let ready = ready.with_if(is_mute, Readiness::OUT);
        if self.is_told.load(Ordering::Relaxed) {
            return Readiness::from_bits(ready.bits() & !Readiness::ERR.bits());
        }
        ready
    }

    fn watch_list(&self) -> Option<&WatchList> {
        Some(&self.watch.list)
    }

    fn as_socket(&self) -> Option<&dyn Socket> {
        Some(self)
    }

    fn describe(&self) -> String {
        described(self.watch.identity.inode)
    }
}

impl Socket for TcpSocket {
    fn options(&self) -> &CommonOptions {
        &self.common
    }

    fn family(&self) -> u16 {
        match self.version {
            IpVersion::Ipv4 => family::INET,
            IpVersion::Ipv6 => family::INET6,
        }
    }

    fn kind(&self) -> SocketType {
        SocketType::Stream
    }

    fn protocol(&self) -> i32 {
        super::TCP
    }

    fn bind(&self, name: &Named) -> Result<(), Errno> {
        let (local, port) = address::local(self.version, self.is_v6_only(), &name.address)?;
        let mut state = self.state.lock();
        if !matches!(*state, (State::Idle, None)) {
            return Err(Errno::EINVAL);
        }
        may_bind(port)?;
        let sharing = self.sharing();
        let reserved = act(|stack, _| stack.reserve(PortSpace::Tcp, local, port, sharing))?;
        state.1 = Some(reserved.map_err(bind_errno)?);
        Ok(())
    }

    fn listen(&self, backlog: u32) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let backlog = usize::try_from(backlog).unwrap_or(usize::MAX);
        // As Linux, which lets one more wait than was asked for.
        let backlog = backlog.saturating_add(1).min(MOST_WAITING);
        match state.0 {
            State::Listening(id) => return act(|stack, _| stack.set_backlog(id, backlog)),
            State::Connecting(_) | State::Connected(_) => return Err(Errno::EINVAL),
            State::Idle => {}
        }
        let reservation = match state.1 {
            Some(reservation) => reservation,
            None => self.reserve_any()?,
        };
        state.1 = Some(reservation);
        let config = ListenConfig {
            backlog,
            options: self.socket_options(),
            shares_port: self.sharing().port,
            ..ListenConfig::new(reservation.port)
        };
        let observer = Arc::clone(&self.watch);
        let listening = act(|stack, _| stack.listen_at(reservation, config, observer))?;
        state.0 = State::Listening(listening.map_err(|error| match error {
            ListenError::InUse { .. } => Errno::EADDRINUSE,
            ListenError::Invalid => Errno::EINVAL,
        })?);
        Ok(())
    }

    fn is_listening(&self) -> bool {
        matches!(self.state(), State::Listening(_))
    }

    fn accept(&self) -> Result<Accepted, Errno> {
        let State::Listening(id) = self.state() else { return Err(Errno::EINVAL) };
        let place = Place::take()?;
        let observer = watch();
        let taken = act(|stack, _| {
            if !stack.has_waiting(id) {
                return Err(IoError::WouldBlock);
            }
            stack.accept(id, observer.clone())
        })?;
        let (connection, peer) = match taken {
            Ok(taken) => taken,
            Err(IoError::WouldBlock) => return Err(Errno::EAGAIN),
            Err(_) => return Err(Errno::EINVAL),
        };
        let socket = Self::with(self.version, State::Connected(connection), observer, place);
        socket.common.inherit(&self.common);
        socket.options.inherit(&self.options);
        socket.retune();
        let peer = address::shown(self.version, peer);
        Ok(Accepted { socket: Box::new(socket), peer })
    }

    fn connect(&self, name: &Named) -> Result<(), Errno> {
        match self.state() {
            State::Listening(_) => return Err(Errno::EISCONN),
            State::Connected(_) if name.address != SocketAddress::Unspecified => {
                return Err(Errno::EISCONN);
            }
            State::Connecting(_) => {
                return match self.finish_connect() {
                    Err(Errno::EAGAIN) => Err(Errno::EALREADY),
                    other => other,
                };
            }
            State::Idle | State::Connected(_) => {}
        }
        let mut state = self.state.lock();
        if name.address == SocketAddress::Unspecified {
            if let State::Connected(id) = state.0 {
                act(|stack, _| {
                    stack.abort(id);
                    stack.release(id);
                })?;
            }
            state.0 = State::Idle;
            return Ok(());
        }
        if !matches!(state.0, State::Idle) {
            return Err(Errno::EALREADY);
        }
        let remote = address::remote(self.version, self.is_v6_only(), &name.address)?;
        if remote.port == 0 {
            return Err(Errno::ECONNREFUSED);
        }
        let options = SocketOptions { dead_after: Some(CONNECT_TIME), ..self.socket_options() };
        let (from, observer) = (state.1, Arc::clone(&self.watch));
        let opened = act(|stack, now| stack.connect_from(remote, from, &options, observer, now))?;
        let id = opened.map_err(|error| match error {
            ConnectError::Unreachable => Errno::ENETUNREACH,
            ConnectError::Refused => Errno::ECONNREFUSED,
            ConnectError::Exhausted => Errno::EADDRNOTAVAIL,
        })?;
        self.is_told.store(false, Ordering::Relaxed);
        state.0 = State::Connecting(id);
        // One to the machine itself is made, or refused, already; as on Linux, it is told afterwards.
        Err(Errno::EINPROGRESS)
    }

    fn finish_connect(&self) -> Result<(), Errno> {
        let mut state = self.state.lock();
        let State::Connecting(id) = state.0 else { return Ok(()) };
        match act(|stack, now| stack.connected(id, now))? {
            Ok(()) => {
                state.0 = State::Connected(id);
                drop(state);
                self.retune();
                Ok(())
            }
            Err(IoError::WouldBlock) => Err(Errno::EAGAIN),
            Err(error) => {
                state.0 = State::Idle;
                act(|stack, _| stack.release(id))?;
                Err(errno(error))
            }
        }
    }

    fn local_address(&self) -> Result<SocketAddress, Errno> {
        let (state, reservation) = *self.state.lock();
        if let State::Connecting(id) | State::Connected(id) = state
            && let Some((local, _)) = act(|stack, _| stack.endpoints(id))?
        {
            return Ok(address::shown(self.version, local));
        }
        let (local, port) =
            reservation.map_or((LocalAddress::Any, 0), |held| (held.address, held.port));
        Ok(address::shown_local(self.version, local, port))
    }

    fn peer_address(&self) -> Result<SocketAddress, Errno> {
        let State::Connected(id) = self.state() else { return Err(Errno::ENOTCONN) };
        let ends = act(|stack, _| stack.endpoints(id))?;
        ends.map(|(_, remote)| address::shown(self.version, remote)).ok_or(Errno::ENOTCONN)
    }

    fn send(&self, bytes: &[u8], outgoing: &mut Outgoing<'_>) -> Result<usize, Errno> {
        if outgoing.flags.contains(MessageFlags::OOB) {
            return Err(Errno::EOPNOTSUPP);
        }
        let id = self.connection(Errno::EPIPE)?;
        if self.is_mute.load(Ordering::Relaxed) {
            return Err(Errno::EPIPE);
        }
        if bytes.is_empty() {
            return Ok(0);
        }
        let written = act(|stack, now| stack.write(id, now, bytes))?;
        written.map_err(|error| self.told_once(error, Errno::EPIPE))
    }

    fn receive(&self, buffer: &mut [u8], flags: MessageFlags) -> Result<Incoming, Errno> {
        if flags.contains(MessageFlags::OOB) {
            return Err(Errno::EINVAL);
        }
        if flags.contains(MessageFlags::ERRQUEUE) {
            return Err(Errno::EAGAIN);
        }
        let id = self.connection(Errno::ENOTCONN)?;
        if buffer.is_empty() {
            return Ok(Incoming::default());
        }
        let takes = !flags.contains(MessageFlags::PEEK);
        let count = match act(|stack, now| stack.read(id, now, buffer, takes))? {
            Ok(count) => count,
            Err(IoError::WouldBlock) if self.is_deaf.load(Ordering::Relaxed) => 0,
            Err(IoError::WouldBlock) => return Err(Errno::EAGAIN),
            Err(IoError::Closed) => 0,
            Err(error) if !self.is_told.swap(true, Ordering::Relaxed) => return Err(errno(error)),
            Err(_) => 0,
        };
        Ok(Incoming { count, length: count, ..Incoming::default() })
    }

    fn shutdown(&self, what: Shutdown) -> Result<(), Errno> {
        let state = self.state();
        match state {
            State::Connected(id) => {
                if what.sends && !self.is_mute.swap(true, Ordering::Relaxed) {
                    act(|stack, _| stack.close_write(id))?;
                }
            }
            // Who waits for a connection is told that none comes.
            State::Listening(id) if what.receives => {
                act(|stack, _| stack.stop_listening(id))?;
                self.state.lock().0 = State::Idle;
                self.watch.list.notify(Readiness::IN | Readiness::HUP);
                return Ok(());
            }
            State::Idle | State::Connecting(_) | State::Listening(_) => {
                return Err(Errno::ENOTCONN);
            }
        }
        if what.receives {
            self.is_deaf.store(true, Ordering::Relaxed);
        }
        let news = Readiness::NONE
            .with_if(what.receives, Readiness::IN | Readiness::RDHUP)
            .with_if(what.sends, Readiness::OUT)
            .with_if(what.receives && what.sends, Readiness::HUP);
        self.watch.list.notify(news);
        Ok(())
    }

    fn take_error(&self) -> Option<Errno> {
        match self.state() {
            State::Connecting(_) => {
                self.finish_connect().err().filter(|error| *error != Errno::EAGAIN)
            }
            State::Connected(id) => {
                let has_failed = act(|stack, _| stack.readiness(id).has(Ready::ERROR)).ok()?;
                if !has_failed || self.is_told.swap(true, Ordering::Relaxed) {
                    return None;
                }
                let why = act(|stack, now| stack.write(id, now, &[])).ok()?;
                why.err().map(errno)
            }
            State::Idle | State::Listening(_) => None,
        }
    }

    fn set_option(&self, at: i32, name: i32, value: &[u8]) -> Result<(), Errno> {
        match (at, name) {
            (level::SOCKET, option::KEEPALIVE) => {}
            (level::SOCKET, _) => return Err(Errno::ENOPROTOOPT),
            (level::IPV6, _) if self.version == IpVersion::Ipv4 => return Err(Errno::ENOPROTOOPT),
            (level::IPV6, ipv6::V6ONLY) if self.state.lock().1.is_some() => {
                return Err(Errno::EINVAL);
            }
            (level::TCP | level::IP | level::IPV6, _) => {
                self.options.set(at, name, value)?;
                if matches!((at, name), (level::IP, ip::TTL) | (level::IPV6, ipv6::UNICAST_HOPS)) {
                    return Ok(());
                }
            }
            _ => return Err(Errno::ENOPROTOOPT),
        }
        self.retune();
        Ok(())
    }

    fn option(&self, at: i32, name: i32) -> Result<OptionValue, Errno> {
        match (at, name) {
            (level::TCP, tcp::INFO) => {
                // The first byte of `struct tcp_info` is the state; what follows is not known.
                let state = match self.state() {
                    State::Connecting(id) | State::Connected(id) => {
                        act(|stack, _| stack.state_number(id))?.unwrap_or(7)
                    }
                    State::Listening(_) => 10,
                    State::Idle => 7,
                };
                Ok(OptionValue::bytes(&[state, 0, 0, 0, 0, 0, 0, 0]))
            }
            (level::TCP | level::IP, _) => self.options.shown(at, name),
            (level::IPV6, _) if self.version == IpVersion::Ipv6 => self.options.shown(at, name),
            (level::SOCKET, _) => Err(Errno::ENOPROTOOPT),
            _ => Err(Errno::EOPNOTSUPP),
        }
    }
}

impl Drop for TcpSocket {
    fn drop(&mut self) {
        let (state, reservation) = *self.state.lock();
        let resets = self.common.linger_seconds() == Some(0);
        // Without a network there is nothing to close.
        let _ = act(|stack, _| {
            match state {
                State::Listening(id) => stack.stop_listening(id),
                State::Connecting(id) | State::Connected(id) => {
                    if resets {
                        stack.abort(id);
                    }
                    stack.release(id);
                }
                State::Idle => {}
            }
            if let Some(reservation) = reservation {
                stack.give_back(reservation);
            }
        });
    }
}
