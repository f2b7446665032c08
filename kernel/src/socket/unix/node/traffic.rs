//! What goes from end to end.

use alloc::sync::Arc;
use alloc::vec::Vec;

use linux_abi::Errno;
use linux_abi::socket::{SocketAddress, SocketType, UnixName, option};

use super::{MOST_MESSAGES, Message, NOBODY, Node, Phase, State, tell};
use crate::fs::Readiness;
use crate::socket::unix::rights::Rights;
use crate::socket::{Incoming, Outgoing, own_credentials, own_instance};

/// Whether what is received is taken away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::socket::unix) enum Receiving {
    Take,
    Look,
}

impl From<bool> for Receiving {
    fn from(is_look: bool) -> Self {
        if is_look { Self::Look } else { Self::Take }
    }
}

impl Node {
    /// Sends to `to`.
    pub(in crate::socket::unix) fn send(
        self: &Arc<Self>,
        to: &Arc<Self>,
        bytes: &[u8],
        outgoing: &mut Outgoing<'_>,
    ) -> Result<usize, Errno> {
        let limit = self.options.send_buffer();
        let is_stream = self.kind == SocketType::Stream;
        if !is_stream && bytes.len() > limit.saturating_sub(32) {
            return Err(Errno::EMSGSIZE);
        }
        let (from, is_mute) = {
            let mut state = self.state.lock();
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            (state.name.unwrap_or(UnixName::NONE), state.is_mute)
        };
        if is_mute {
            return Err(Errno::EPIPE);
        }
        if is_stream && bytes.is_empty() {
            return Ok(0);
        }
        let wants = |node: &Self| node.options.is_on(option::PASSCRED);
        let instance = if wants(to) { own_instance() } else { 0 };
        let credentials =
            outgoing.credentials.or_else(|| (wants(self) || wants(to)).then(own_credentials));
        let room = {
            let mut state = to.state.lock();
            if state.is_closed || state.is_deaf {
                return Err(match (self.kind, state.is_closed) {
                    (SocketType::Datagram, true) => Errno::ECONNREFUSED,
                    _ => Errno::EPIPE,
                });
            }
            if let (SocketType::Datagram, Phase::Joined { peer }) = (self.kind, &state.phase)
                && !core::ptr::eq(peer.as_ptr(), Arc::as_ptr(self))
            {
                return Err(Errno::EPERM);
            }
            let is_full = state.inbox.len() >= MOST_MESSAGES;
            let room = if is_full { 0 } else { limit.saturating_sub(state.cost()) };
            let is_too_little = if is_stream {
                room == 0
            } else {
                room < bytes.len() && state.cost() > 0 || is_full
            };
            if is_too_little {
                state.waits(self);
                return Err(Errno::EAGAIN);
            }
            room
        };
        let count = if is_stream { bytes.len().min(room) } else { bytes.len() };
        // Copied without the lock, because interrupts are disabled under it.
        let mut copy = Vec::new();
        copy.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
        copy.extend_from_slice(&bytes[..count]);
        let rights = Rights::take(&mut outgoing.rights)?;
        let message = Message { bytes: copy, start: 0, from, credentials, instance, rights };
        let refused = {
            let mut state = to.state.lock();
            if state.is_closed || state.inbox.try_reserve(1).is_err() {
                Some((message, state.is_closed))
            } else {
                state.bytes = state.bytes.saturating_add(count);
                state.inbox.push_back(message);
                None
            }
        };
        if let Some((message, is_closed)) = refused {
            outgoing.rights = message.rights.arrive();
            return Err(if is_closed { Errno::EPIPE } else { Errno::ENOMEM });
        }
        self.sent_bytes.add(count as u64);
        to.watchers.notify(Readiness::IN);
        Ok(count)
    }

    /// Receives what is first.
    pub(in crate::socket::unix) fn receive(
        &self,
        buffer: &mut [u8],
        receiving: Receiving,
    ) -> Result<Incoming, Errno> {
        let wants_credentials = self.options.is_on(option::PASSCRED);
        let mut incoming = Incoming::default();
        let mut used = None;
        let mut waiting = Vec::new();
        {
            let mut state = self.state.lock();
            if let Some(error) = state.error.take() {
                return Err(error);
            }
            match (&state.phase, self.kind) {
                (Phase::Joined { .. }, _) | (_, SocketType::Datagram) => {}
                (_, SocketType::Stream) => return Err(Errno::EINVAL),
                _ => return Err(Errno::ENOTCONN),
            }
            let State { inbox, bytes, .. } = &mut *state;
            let Some(message) = inbox.front_mut() else {
                let is_over = state.is_deaf || state.is_ended;
                return if is_over { Ok(incoming) } else { Err(Errno::EAGAIN) };
            };
            if self.kind == SocketType::Stream && buffer.is_empty() {
                return Ok(incoming);
            }
            let count = message.left().len().min(buffer.len());
            buffer[..count].copy_from_slice(&message.left()[..count]);
            incoming.count = count;
            incoming.length =
                if self.kind == SocketType::Stream { count } else { message.left().len() };
            incoming.credentials =
                wants_credentials.then_some(message.credentials.unwrap_or(NOBODY));
            incoming.instance = message.instance;
            if self.kind == SocketType::Datagram && !message.from.is_none() {
                incoming.from = Some(SocketAddress::Unix(message.from));
            }
            if receiving == Receiving::Look {
                incoming.rights = message.rights.look()?;
                incoming.rights_sandbox = message.rights.sandbox();
                return Ok(incoming);
            }
            let is_used = self.kind != SocketType::Stream || count == message.left().len();
            let taken = if is_used { message.left().len() } else { count };
            message.start += count;
            if !message.rights.is_empty() {
                incoming.rights_sandbox = message.rights.sandbox();
                incoming.rights = core::mem::take(&mut message.rights).arrive();
            }
            *bytes = bytes.saturating_sub(taken);
            if is_used {
                used = inbox.pop_front();
            }
            // Not for every byte: when half of it is free.
            if state.cost() <= self.options.send_buffer() / 2 {
                waiting = core::mem::take(&mut state.waiting);
            }
        }
        drop(used);
        tell(&waiting);
        self.gather(buffer, &mut incoming, receiving);
        self.received_bytes.add(incoming.count as u64);
        Ok(incoming)
    }

    /// Takes further bytes of a stream while there is room for them and they come alone.
    fn gather(&self, buffer: &mut [u8], incoming: &mut Incoming, receiving: Receiving) {
        if self.kind != SocketType::Stream || receiving == Receiving::Look {
            return;
        }
        while incoming.count < buffer.len() && incoming.rights.is_empty() {
            let used = {
                let mut state = self.state.lock();
                let State { inbox, bytes, .. } = &mut *state;
                let Some(message) = inbox.front_mut() else { return };
                let has_other_sender = incoming.credentials.is_some()
                    && incoming.credentials != Some(message.credentials.unwrap_or(NOBODY));
                if !message.rights.is_empty() || has_other_sender {
                    return;
                }
                let place = &mut buffer[incoming.count..];
                let count = message.left().len().min(place.len());
                place[..count].copy_from_slice(&message.left()[..count]);
                message.start += count;
                incoming.count += count;
                incoming.length += count;
                *bytes = bytes.saturating_sub(count);
                if message.left().is_empty() { inbox.pop_front() } else { None }
            };
            drop(used);
        }
        let waiting = {
            let mut state = self.state.lock();
            if state.cost() > self.options.send_buffer() / 2 {
                return;
            }
            core::mem::take(&mut state.waiting)
        };
        tell(&waiting);
    }
}
