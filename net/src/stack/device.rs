//! Devices as smoltcp sees them: one frame that was already looked at, and a counted real device.

use smoltcp::phy::{Checksum, Device, DeviceCapabilities, RxToken, TxToken};
use smoltcp::time::Instant;

use super::checksum::set_sum;
use super::statistics::InterfaceCounters;

/// Hands exactly one received frame to smoltcp, with the token to answer it.
pub(super) struct OneFrame<'frame, T> {
    frame: Option<(&'frame [u8], T)>,
    capabilities: &'frame DeviceCapabilities,
}

impl<'frame, T: TxToken> OneFrame<'frame, T> {
    pub(super) fn new(
        frame: &'frame [u8],
        answer: T,
        capabilities: &'frame DeviceCapabilities,
    ) -> Self {
        Self { frame: Some((frame, answer)), capabilities }
    }
}

impl<'frame, T: TxToken> Device for OneFrame<'frame, T> {
    type RxToken<'a>
        = Frame<'frame>
    where
        Self: 'a;
    type TxToken<'a>
        = T
    where
        Self: 'a;

    fn receive(&mut self, _: Instant) -> Option<(Frame<'frame>, T)> {
        self.frame.take().map(|(frame, answer)| (Frame(frame), answer))
    }

    /// Nothing but the answer is sent while a frame is taken in.
    fn transmit(&mut self, _: Instant) -> Option<T> {
        None
    }

    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

/// A frame that lies in the device's buffer.
pub(super) struct Frame<'frame>(&'frame [u8]);

impl RxToken for Frame<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

/// A device for sending, with its counters. TCP's checksums are the stack's own ([`super::checksum`]).
pub(super) struct Counted<'a, D> {
    pub(super) device: &'a mut D,
    pub(super) counters: &'a mut InterfaceCounters,
}

impl<D: Device> Device for Counted<'_, D> {
    type RxToken<'a>
        = D::RxToken<'a>
    where
        Self: 'a;
    type TxToken<'a>
        = CountedToken<'a, D::TxToken<'a>>
    where
        Self: 'a;

    /// Frames are received by the stack itself, which looks at them before smoltcp does.
    fn receive(&mut self, _: Instant) -> Option<(Self::RxToken<'_>, Self::TxToken<'_>)> {
        None
    }

    fn transmit(&mut self, timestamp: Instant) -> Option<Self::TxToken<'_>> {
        match self.device.transmit(timestamp) {
            Some(token) => Some(CountedToken { token, counters: self.counters }),
            None => {
                self.counters.sent_full += 1;
                None
            }
        }
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = self.device.capabilities();
        capabilities.checksum.tcp = Checksum::None;
        capabilities
    }
}

/// A token to send one frame, which counts it and gives a segment its checksum.
pub(super) struct CountedToken<'a, T> {
    pub(super) token: T,
    pub(super) counters: &'a mut InterfaceCounters,
}

impl<T: TxToken> TxToken for CountedToken<'_, T> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        self.counters.sent_packets += 1;
        self.counters.sent_bytes += len as u64;
        self.token.consume(len, |frame| {
            let outcome = f(frame);
            set_sum(frame);
            outcome
        })
    }

    fn set_meta(&mut self, meta: smoltcp::phy::PacketMeta) {
        self.token.set_meta(meta);
    }
}
