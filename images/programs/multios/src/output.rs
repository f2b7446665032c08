//! Standard output and standard error, and the macros that write there.

use core::fmt::{self, Write};

use linux_abi::Errno;

use crate::system;

/// Collects what is written, so that a line is one call.
#[derive(Debug)]
pub struct Output {
    descriptor: u32,
    buffer: [u8; 512],
    length: usize,
}

impl Output {
    /// Standard output.
    #[must_use]
    pub const fn standard() -> Self {
        Self { descriptor: 1, buffer: [0; 512], length: 0 }
    }

    /// Standard error.
    #[must_use]
    pub const fn error() -> Self {
        Self { descriptor: 2, buffer: [0; 512], length: 0 }
    }

    /// Writes what has been collected.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> fmt::Result {
        let mut rest = self.buffer.get(..self.length).unwrap_or_default();
        while !rest.is_empty() {
            match system::write(self.descriptor, rest) {
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(_) => return Err(fmt::Error),
            }
        }
        self.length = 0;
        Ok(())
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if self.length == self.buffer.len() {
                self.flush()?;
            }
            if let Some(place) = self.buffer.get_mut(self.length) {
                *place = byte;
                self.length += 1;
            }
        }
        Ok(())
    }
}

/// Writes to an output, all at once; what cannot be written is lost.
pub fn write(mut to: Output, text: fmt::Arguments<'_>) {
    if to.write_fmt(text).is_ok() {
        let _ = to.flush();
    }
}

/// Writes a line to standard output.
#[macro_export]
macro_rules! println {
    ($($text:tt)*) => {
        $crate::output::write(
            $crate::output::Output::standard(),
            format_args!("{}\n", format_args!($($text)*)),
        )
    };
}

/// Writes a line to standard error.
#[macro_export]
macro_rules! eprintln {
    ($($text:tt)*) => {
        $crate::output::write(
            $crate::output::Output::error(),
            format_args!("{}\n", format_args!($($text)*)),
        )
    };
}
