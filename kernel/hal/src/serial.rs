//! The first serial port: where the log appears. 16550 UART, 115,200 baud, polled: nothing is lost
//! when interrupts are disabled or the kernel panics.

use core::fmt;

use ksync::Level;
use x86_64::instructions::port::Port;

use crate::interrupts::{SpinGuard, SpinLock};

const BASE: u16 = 0x3f8;
/// Bytes that the transmitter takes at once when it says that it is empty.
const FIFO_BYTES: usize = 16;
/// A port that is not there never gets ready: give up waiting for a byte after so many looks.
const PATIENCE: u32 = 100_000;

/// Level of the port's lock: a line is written with no other lock taken inside.
pub const SERIAL_LEVEL: Level = Level::new(250);

static PORT: SpinLock<Serial> = SpinLock::new(SERIAL_LEVEL, "serial", Serial(()));

/// The port. Writing to it never fails; without a port it goes nowhere.
#[derive(Debug)]
pub struct Serial(());

fn write_register(offset: u16, value: u8) {
    // SAFETY: COM1's ports exist on every PC or are ignored, and the driver owns them.
    unsafe { Port::new(BASE + offset).write(value) }
}

fn read_register(offset: u16) -> u8 {
    // SAFETY: as above.
    unsafe { Port::new(BASE + offset).read() }
}

/// Sets the port up. Once, first of all.
pub(crate) fn start() {
    for (offset, value) in [
        (1, 0x00), // no interrupts
        (3, 0x80), // the divisor's registers
        (0, 0x01), // 115,200 baud
        (1, 0x00),
        (3, 0x03), // 8 bits, no parity, one stop bit
        (2, 0xc7), // FIFOs on and empty
        (4, 0x0b), // ready
    ] {
        write_register(offset, value);
    }
}

/// The port, for as long as a message takes.
pub fn lock() -> SpinGuard<'static, Serial> {
    PORT.lock()
}

/// The port in a panic: waits a little for its holder, then takes it away.
pub(crate) fn lock_in_panic() -> SpinGuard<'static, Serial> {
    match PORT.try_lock_for(1_000_000) {
        Some(guard) => guard,
        // SAFETY: the other CPUs have been stopped and this one does not leave the panic.
        None => unsafe { PORT.steal() },
    }
}

impl Serial {
    /// Writes bytes as they are.
    pub fn write_bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(FIFO_BYTES) {
            for _ in 0..PATIENCE {
                if read_register(5) & 0x20 != 0 {
                    break;
                }
                core::hint::spin_loop();
            }
            for byte in chunk {
                write_register(0, *byte);
            }
        }
    }
}

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.split_inclusive('\n') {
            match line.strip_suffix('\n') {
                Some(line) => {
                    self.write_bytes(line.as_bytes());
                    self.write_bytes(b"\r\n");
                }
                None => self.write_bytes(line.as_bytes()),
            }
        }
        Ok(())
    }
}
