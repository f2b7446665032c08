//! Options that every socket has.

use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use linux_abi::Errno;
use linux_abi::layout::{Linger, Timeval};
use linux_abi::socket::option;

/// An option's value, as a program reads it.
#[derive(Clone, Copy, Debug)]
pub struct OptionValue {
    bytes: [u8; 32],
    length: usize,
}

impl OptionValue {
    /// An `int`.
    #[must_use]
    pub fn int(value: i32) -> Self {
        Self::bytes(&value.to_le_bytes())
    }

    /// A structure of up to 32 bytes.
    #[must_use]
    pub fn bytes(value: &[u8]) -> Self {
        let mut bytes = [0; 32];
        let length = value.len().min(32);
        bytes[..length].copy_from_slice(&value[..length]);
        Self { bytes, length }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// Options that are kept, whatever the family does with them.
#[derive(Debug)]
pub struct CommonOptions {
    /// How long a read waits, in nanoseconds; 0 for as long as it takes.
    receive_timeout_ns: AtomicU64,
    send_timeout_ns: AtomicU64,
    receive_buffer: AtomicI32,
    send_buffer: AtomicI32,
    low_water: AtomicI32,
    priority: AtomicI32,
    linger_seconds: AtomicI32,
    /// A bit for each option that is on, by its number.
    switches: AtomicU64,
}

/// Options that are on or off.
const SWITCHES: [i32; 8] = [
    option::REUSEADDR,
    option::DONTROUTE,
    option::BROADCAST,
    option::KEEPALIVE,
    option::OOBINLINE,
    option::LINGER,
    option::REUSEPORT,
    option::PASSCRED,
];
/// The smallest and largest buffers: twice what a program asks for is kept, socket(7).
const BUFFER_LEAST: i32 = 2304;
const BUFFER_MOST: i32 = 425_984;
/// The usual size: `net.core.wmem_default`.
const BUFFER_USUAL: i32 = 212_992;

impl Default for CommonOptions {
    fn default() -> Self {
        Self {
            receive_timeout_ns: 0.into(),
            send_timeout_ns: 0.into(),
            receive_buffer: BUFFER_USUAL.into(),
            send_buffer: BUFFER_USUAL.into(),
            low_water: 1.into(),
            priority: 0.into(),
            linger_seconds: 0.into(),
            switches: 0.into(),
        }
    }
}

impl CommonOptions {
    /// Whether the option with this number is on; for those that are on or off.
    #[must_use]
    pub fn is_on(&self, name: i32) -> bool {
        // Relaxed, as all of these: nothing else depends on their order.
        self.switches.load(Ordering::Relaxed) & (1 << (name & 63)) != 0
    }

    /// Until when a read that begins now may wait.
    #[must_use]
    pub fn receive_deadline_ns(&self) -> Option<u64> {
        deadline(&self.receive_timeout_ns)
    }

    /// Until when a write, or a connect, that begins now may wait.
    #[must_use]
    pub fn send_deadline_ns(&self) -> Option<u64> {
        deadline(&self.send_timeout_ns)
    }

    /// Bytes of the buffer for receiving.
    #[must_use]
    pub fn receive_buffer(&self) -> usize {
        usize::try_from(self.receive_buffer.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// Bytes of the buffer for sending.
    #[must_use]
    pub fn send_buffer(&self) -> usize {
        usize::try_from(self.send_buffer.load(Ordering::Relaxed)).unwrap_or(0)
    }

    /// How long a close waits for what is not sent, in seconds, if it does.
    #[must_use]
    pub fn linger_seconds(&self) -> Option<i32> {
        self.is_on(option::LINGER).then(|| self.linger_seconds.load(Ordering::Relaxed))
    }

    /// A new socket that was accepted has these of its listener's.
    pub fn inherit(&self, from: &Self) {
        let copy = |to: &AtomicI32, from: &AtomicI32| {
            to.store(from.load(Ordering::Relaxed), Ordering::Relaxed);
        };
        copy(&self.receive_buffer, &from.receive_buffer);
        copy(&self.send_buffer, &from.send_buffer);
        copy(&self.low_water, &from.low_water);
        copy(&self.priority, &from.priority);
        copy(&self.linger_seconds, &from.linger_seconds);
        self.switches.store(from.switches.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Sets an option of level `SOL_SOCKET`. Says whether it is one that is kept here.
    ///
    /// # Errors
    /// EINVAL for a value that is too short, EDOM for a time that cannot be.
    pub fn set(&self, name: i32, value: &[u8]) -> Result<bool, Errno> {
        let int = || {
            let bytes = value.first_chunk::<4>().ok_or(Errno::EINVAL)?;
            Ok::<i32, Errno>(i32::from_le_bytes(*bytes))
        };
        match name {
            option::RCVTIMEO | option::RCVTIMEO_NEW => {
                self.receive_timeout_ns.store(timeout(value)?, Ordering::Relaxed);
            }
            option::SNDTIMEO | option::SNDTIMEO_NEW => {
                self.send_timeout_ns.store(timeout(value)?, Ordering::Relaxed);
            }
            option::RCVBUF | option::RCVBUFFORCE => set_buffer(&self.receive_buffer, int()?),
            option::SNDBUF | option::SNDBUFFORCE => set_buffer(&self.send_buffer, int()?),
            option::RCVLOWAT => self.low_water.store(int()?.max(1), Ordering::Relaxed),
            option::PRIORITY => self.priority.store(int()?, Ordering::Relaxed),
            option::LINGER => {
                let linger = Linger::from_bytes(value.first_chunk().ok_or(Errno::EINVAL)?);
                self.linger_seconds.store(linger.seconds, Ordering::Relaxed);
                self.switch(name, linger.is_on != 0);
            }
            name if SWITCHES.contains(&name) => self.switch(name, int()? != 0),
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn switch(&self, name: i32, is_on: bool) {
        let bit = 1 << (name & 63);
        if is_on {
            self.switches.fetch_or(bit, Ordering::Relaxed);
        } else {
            self.switches.fetch_and(!bit, Ordering::Relaxed);
        }
    }

    /// Reads an option of level `SOL_SOCKET`, if it is one that is kept here.
    #[must_use]
    pub fn get(&self, name: i32) -> Option<OptionValue> {
        let int = |value: &AtomicI32| OptionValue::int(value.load(Ordering::Relaxed));
        Some(match name {
            option::RCVTIMEO | option::RCVTIMEO_NEW => time(&self.receive_timeout_ns),
            option::SNDTIMEO | option::SNDTIMEO_NEW => time(&self.send_timeout_ns),
            option::RCVBUF => int(&self.receive_buffer),
            option::SNDBUF => int(&self.send_buffer),
            option::RCVLOWAT => int(&self.low_water),
            option::PRIORITY => int(&self.priority),
            option::LINGER => {
                let seconds = self.linger_seconds.load(Ordering::Relaxed);
                let linger = Linger { is_on: self.is_on(name).into(), seconds };
                OptionValue::bytes(&linger.to_bytes())
            }
            name if SWITCHES.contains(&name) => OptionValue::int(self.is_on(name).into()),
            _ => return None,
        })
    }
}

fn deadline(timeout_ns: &AtomicU64) -> Option<u64> {
    match timeout_ns.load(Ordering::Relaxed) {
        0 => None,
        timeout => Some(hal::time::now_ns().saturating_add(timeout)),
    }
}

fn timeout(value: &[u8]) -> Result<u64, Errno> {
    let time = Timeval::from_bytes(value.first_chunk().ok_or(Errno::EINVAL)?);
    if !(0..1_000_000).contains(&time.microseconds) {
        return Err(Errno::EDOM);
    }
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    let microseconds = u64::try_from(time.microseconds).unwrap_or(0);
    Ok(seconds.saturating_mul(1_000_000_000).saturating_add(microseconds * 1000))
}

fn time(timeout_ns: &AtomicU64) -> OptionValue {
    let time = Timeval::from_nanoseconds(timeout_ns.load(Ordering::Relaxed));
    OptionValue::bytes(&time.to_bytes())
}

fn set_buffer(buffer: &AtomicI32, wanted: i32) {
    let size = wanted.saturating_mul(2).clamp(BUFFER_LEAST, BUFFER_MOST);
    buffer.store(size, Ordering::Relaxed);
}
