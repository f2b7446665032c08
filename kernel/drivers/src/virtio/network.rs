//! The network card: virtio-net (VIRTIO 1.2, 5.1) as smoltcp's device.
//!
//! Whoever owns the [`VirtioNetwork`] (the kernel's network thread) polls smoltcp with it as long as
//! there is work, with the card's interrupts off; then it calls [`VirtioNetwork::poll_idle`], which
//! turns them on, looks once more, and leaves the task's waker for the interrupt handler. So a busy
//! card is polled and an idle one costs nothing.
//!
//! Frames are handed to smoltcp where the card has put them, and written by smoltcp where the card
//! reads them.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::task::{Context, Poll};

use ksync::{Counter, WakerCell};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::time::Instant;
use virtio_drivers::Hal;
use virtio_drivers::transport::{DeviceType, Transport};
use virtio_queues::{Buffer, Completed, DeviceError, Malformed, NetQueues};

use super::doorbell::Doorbell;
use super::{PciTransport, VirtioError};
use crate::pci::{Function, MsiTarget, Msix};
use crate::registers::{Machine, Registers};

/// Buffers in each direction. The card is told of frames once a turn, so there is room for what some
/// connections send in one; only what was ever needed at once is taken from a small guest.
const QUEUE_SIZE: usize = 128;
/// An Ethernet frame without its checksum.
const MAX_FRAME_BYTES: usize = 1514;
/// MSI-X entry of the receive queue.
const RECEIVE_ENTRY: u16 = 0;
/// MSI-X entry of the transmit queue: masked but for when a sender waits for a free buffer.
const SEND_ENTRY: u16 = 1;
/// The transmit queue.
const SEND_QUEUE: u16 = 1;
/// Offset of the link's status in the device's registers, and its bit for "up" (5.1.4).
const LINK_STATUS: usize = 6;
const LINK_UP: u16 = 1;

/// What has gone through the card; read from anywhere.
#[derive(Debug, Default)]
pub struct NetworkCounters {
    /// Frames received.
    pub received_frames: Counter,
    /// Bytes in them.
    pub received_bytes: Counter,
    /// Received frames that were impossibly long or short.
    pub received_dropped: Counter,
    /// Frames sent.
    pub sent_frames: Counter,
    /// Bytes in them.
    pub sent_bytes: Counter,
    /// Frames given up because they did not fit or the card is out of use.
    pub sent_dropped: Counter,
    /// Interrupts.
    pub interrupts: Counter,
}

/// The interrupt handler's end.
#[derive(Debug, Default)]
pub struct NetworkSignal {
    waker: WakerCell,
    counters: NetworkCounters,
}

impl NetworkSignal {
    /// The card has interrupted: wakes the task that polls it. For the interrupt handler.
    pub fn interrupt(&self) {
        self.counters.interrupts.increment();
        self.waker.wake();
    }

    /// The card's counters.
    #[must_use]
    pub fn counters(&self) -> &NetworkCounters {
        &self.counters
    }
}

/// What [`VirtioNetwork::rest`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// Nothing to do: the next event interrupts.
    Resting,
    /// Something has come meanwhile, for which there may be no interrupt: poll again.
    HasWork,
}

/// A network card.
pub struct VirtioNetwork<H: Hal, T: Transport, R: Registers> {
    queues: NetQueues<H, T, QUEUE_SIZE>,
    /// Buffers that smoltcp has read and the card does not have back yet.
    used: Vec<Buffer>,
    registers: R,
    msix: Msix<R>,
    /// Where both queues' interrupts go; none as long as nobody has said so.
    target: Option<MsiTarget>,
    signal: Arc<NetworkSignal>,
    /// Tells the card of frames to send; none where the transport tells it of each.
    bell: Option<Doorbell<R>>,
    /// A sender found no buffer: the transmit queue's interrupt is wanted.
    is_sender_waiting: bool,
    are_interrupts_on: bool,
    /// The transmit queue's interrupt is let through.
    is_send_unmasked: bool,
}

impl<H: Hal, R: Registers> VirtioNetwork<H, PciTransport<R>, R> {
    /// Starts the card. Both its queues interrupt `target`; nothing does before the first
    /// [`rest`](Self::rest) or [`poll_idle`](Self::poll_idle).
    ///
    /// # Errors
    /// When the card cannot be used.
    pub fn start<M: Machine<Registers = R>>(
        machine: &M,
        function: &Function,
        target: MsiTarget,
    ) -> Result<Self, VirtioError> {
        let msix = Msix::enable(machine, function)?;
        msix.set(RECEIVE_ENTRY, target)?;
        msix.set(SEND_ENTRY, target)?;
        let vectors = [Some(RECEIVE_ENTRY), Some(SEND_ENTRY)];
        let mut transport = PciTransport::new(machine, function, DeviceType::Network, vectors)?;
        let registers = transport.device_registers()?;
        let bell = Some(transport.gather(SEND_QUEUE));
        let mut card = Self::assemble(NetQueues::new(transport)?, registers, msix, bell);
        card.target = Some(target);
        Ok(card)
    }
}

impl<H: Hal, T: Transport, R: Registers> VirtioNetwork<H, T, R> {
    fn assemble(
        mut queues: NetQueues<H, T, QUEUE_SIZE>,
        registers: R,
        msix: Msix<R>,
        bell: Option<Doorbell<R>>,
    ) -> Self {
        queues.disable_interrupts();
        msix.unmask(RECEIVE_ENTRY);
        Self {
            queues,
            used: Vec::with_capacity(QUEUE_SIZE),
            registers,
            msix,
            target: None,
            signal: Arc::default(),
            bell,
            is_sender_waiting: false,
            are_interrupts_on: false,
            is_send_unmasked: false,
        }
    }

    /// Has the interrupts go to the CPU with this APIC id: where the task is that they wake, so that none
    /// other is woken on the way. A CPU that cannot be addressed changes nothing.
    pub fn steer(&mut self, apic_id: u32) {
        let Some(target) = self.target.filter(|target| target.apic_id != apic_id) else { return };
        let target = MsiTarget { apic_id, ..target };
        // An interrupt that is raised meanwhile is remembered by its entry, which is masked.
        if self.msix.set(RECEIVE_ENTRY, target).is_err() {
            return;
        }
        self.msix.unmask(RECEIVE_ENTRY);
        // The same CPU, so it can be addressed, too.
        let _ = self.msix.set(SEND_ENTRY, target);
        if self.is_send_unmasked {
            self.msix.unmask(SEND_ENTRY);
        }
        self.target = Some(target);
    }

    /// The hardware address.
    #[must_use]
    pub fn mac_address(&self) -> [u8; 6] {
        self.queues.mac_address()
    }

    /// Whether the link is up.
    #[must_use]
    pub fn is_link_up(&self) -> bool {
        self.registers.read_u16(LINK_STATUS) & LINK_UP != 0
    }

    /// What the interrupt handler calls, and where the counters are.
    #[must_use]
    pub fn signal(&self) -> Arc<NetworkSignal> {
        Arc::clone(&self.signal)
    }

    /// What the card did wrong, if it did: it is out of use then.
    #[must_use]
    pub fn error(&self) -> Option<DeviceError> {
        self.queues.error()
    }

    /// Tells the card of the frames that were queued since the last time. To be called when there
    /// are no more for the moment; [`rest`](Self::rest) does it, too.
    pub fn flush(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// Turns the card's interrupts on and looks once more. Taking in what has arrived turns them off again.
    pub fn rest(&mut self) -> Idle {
        self.give_back();
        self.flush();
        self.are_interrupts_on = true;
        if self.is_sender_waiting {
            // One that was raised while masked comes now.
            self.unmask_send();
        }
        let has_work =
            self.queues.enable_interrupts() || self.is_sender_waiting && self.queues.can_send();
        if has_work {
            self.wake_up();
            return Idle::HasWork;
        }
        Idle::Resting
    }

    /// Ready when there is work for smoltcp. Else the card's next event wakes the task.
    pub fn poll_idle(&mut self, context: &mut Context<'_>) -> Poll<()> {
        // Registered first: an interrupt from here on finds the waker.
        self.signal.waker.register(context.waker());
        match self.rest() {
            Idle::HasWork => Poll::Ready(()),
            Idle::Resting => Poll::Pending,
        }
    }

    /// Turns the card's interrupts off: there is work, and it will be looked for.
    fn wake_up(&mut self) {
        if core::mem::replace(&mut self.are_interrupts_on, false) {
            self.queues.disable_interrupts();
            self.mask_send();
        }
    }

    // Accesses to the device, so only when they change something.
    fn mask_send(&mut self) {
        if core::mem::replace(&mut self.is_send_unmasked, false) {
            self.msix.mask(SEND_ENTRY);
        }
    }

    fn unmask_send(&mut self) {
        if !core::mem::replace(&mut self.is_send_unmasked, true) {
            self.msix.unmask(SEND_ENTRY);
        }
    }

    /// Gives the card the buffers that smoltcp has read.
    fn give_back(&mut self) {
        for buffer in self.used.drain(..) {
            self.queues.recycle(buffer);
        }
    }

    fn can_send(&mut self) -> bool {
        let can_send = self.queues.can_send();
        self.is_sender_waiting = !can_send;
        if can_send {
            self.mask_send();
            return true;
        }
        // It cannot return buffers that it does not know of.
        self.flush();
        if !self.are_interrupts_on {
            return false;
        }
        // Whoever rests wants to hear when there is room; which may have come meanwhile.
        self.unmask_send();
        self.queues.can_send()
    }

    /// The next whole frame.
    fn next_frame(&mut self) -> Option<Completed> {
        loop {
            match self.queues.receive() {
                Some(Ok(frame)) => return Some(frame),
                Some(Err(Malformed(buffer))) => {
                    self.signal.counters.received_dropped.increment();
                    self.used.push(buffer);
                }
                None => return None,
            }
        }
    }
}

impl<H: Hal, T: Transport, R: Registers> Device for VirtioNetwork<H, T, R> {
    type RxToken<'a>
        = ReceivedFrame<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = FrameToSend<'a, H, T>
    where
        Self: 'a;

    fn receive(&mut self, _now: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        self.wake_up();
        self.give_back();
        // A frame may want an answer, so without a buffer for one it waits.
        if !self.can_send() {
            return None;
        }
        let frame = Some(self.next_frame()?);
        let counters = &self.signal.counters;
        let received = ReceivedFrame { frame, used: &mut self.used, counters };
        Some((received, FrameToSend { queues: &mut self.queues, counters }))
    }

    /// Leaves the card's interrupts as they are: what is sent by others than the one who rests does
    /// not keep it from hearing of what arrives.
    fn transmit(&mut self, _now: Instant) -> Option<Self::TxToken<'_>> {
        let can_send = self.can_send();
        can_send.then(|| FrameToSend { queues: &mut self.queues, counters: &self.signal.counters })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        capabilities.max_transmission_unit = MAX_FRAME_BYTES;
        capabilities
    }
}

impl<H: Hal, T: Transport, R: Registers> fmt::Debug for VirtioNetwork<H, T, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtioNetwork").field("queues", &self.queues).finish_non_exhaustive()
    }
}

/// A frame where the card has put it.
#[derive(Debug)]
pub struct ReceivedFrame<'a> {
    /// There until it is consumed.
    frame: Option<Completed>,
    used: &'a mut Vec<Buffer>,
    counters: &'a NetworkCounters,
}

impl RxToken for ReceivedFrame<'_> {
    fn consume<O, F: FnOnce(&[u8]) -> O>(self, read: F) -> O {
        let bytes = self.frame.as_ref().map(Completed::frame).unwrap_or_default();
        self.counters.received_frames.increment();
        self.counters.received_bytes.add(bytes.len() as u64);
        read(bytes)
    }
}

impl Drop for ReceivedFrame<'_> {
    fn drop(&mut self) {
        // Read or not, the card gets its buffer back.
        self.used.extend(self.frame.take().map(Completed::into_buffer));
    }
}

/// A place for a frame where the card reads it.
#[derive(Debug)]
pub struct FrameToSend<'a, H: Hal, T: Transport> {
    queues: &'a mut NetQueues<H, T, QUEUE_SIZE>,
    counters: &'a NetworkCounters,
}

impl<H: Hal, T: Transport> TxToken for FrameToSend<'_, H, T> {
    fn consume<O, F: FnOnce(&mut [u8]) -> O>(self, len: usize, write: F) -> O {
        match self.queues.send(len, write) {
            Ok(outcome) => {
                self.counters.sent_frames.increment();
                self.counters.sent_bytes.add(len as u64);
                outcome
            }
            // The token's buffer was there when it was made, so the frame is too long or the card is
            // out of use. smoltcp wants its closure called all the same.
            Err(write) => {
                self.counters.sent_dropped.increment();
                write(&mut alloc::vec![0; len])
            }
        }
    }
}

#[cfg(test)]
mod tests;
