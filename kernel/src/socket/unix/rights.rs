//! Open files that are on their way from one program to another.
//!
//! They are bounded in number, because a socket can be sent through itself, and nobody would ever
//! close it. And they are closed one after the other, not from within each other, however sockets
//! that hold sockets are packed into one another.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicUsize, Ordering};

use hal::interrupts::SpinLock;
use linux_abi::Errno;

use crate::fs::OpenFile;
use crate::levels;

/// The most that are on their way in the whole system.
const MOST: usize = 16_384;

static ON_THE_WAY: AtomicUsize = AtomicUsize::new(0);

/// Open files in a message; they count as long as this is there.
#[derive(Debug, Default)]
pub(super) struct Rights {
    files: Vec<Arc<OpenFile>>,
    /// The sandbox of who sent them.
    sandbox: Option<u64>,
}

impl Rights {
    /// Takes the files.
    ///
    /// # Errors
    /// ETOOMANYREFS; the files stay.
    pub(super) fn take(files: &mut Vec<Arc<OpenFile>>) -> Result<Self, Errno> {
        // Relaxed: a number and nothing else.
        let before = ON_THE_WAY.fetch_add(files.len(), Ordering::Relaxed);
        if before.saturating_add(files.len()) > MOST {
            ON_THE_WAY.fetch_sub(files.len(), Ordering::Relaxed);
            return Err(Errno::ETOOMANYREFS);
        }
        Ok(Self { files: core::mem::take(files), sandbox: crate::process::sandbox::own_id() })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The sandbox of who sent them, if that was in one.
    pub(super) fn sandbox(&self) -> Option<u64> {
        self.sandbox
    }

    /// The files have arrived.
    pub(super) fn arrive(mut self) -> Vec<Arc<OpenFile>> {
        ON_THE_WAY.fetch_sub(self.files.len(), Ordering::Relaxed);
        core::mem::take(&mut self.files)
    }

    /// The same files once more, for who only looks.
    ///
    /// # Errors
    /// ENOMEM.
    pub(super) fn look(&self) -> Result<Vec<Arc<OpenFile>>, Errno> {
        let mut files = Vec::new();
        files.try_reserve_exact(self.files.len()).map_err(|_| Errno::ENOMEM)?;
        files.extend_from_slice(&self.files);
        Ok(files)
    }
}

impl Drop for Rights {
    fn drop(&mut self) {
        ON_THE_WAY.fetch_sub(self.files.len(), Ordering::Relaxed);
        close(core::mem::take(&mut self.files));
    }
}

#[derive(Default)]
struct Closing {
    files: Vec<Arc<OpenFile>>,
    /// Someone is at it.
    is_going_on: bool,
}

static CLOSING: SpinLock<Closing> =
    SpinLock::new(levels::FILES, "closing", Closing { files: Vec::new(), is_going_on: false });

/// Closes files that never arrived, in any order.
pub fn close(mut files: Vec<Arc<OpenFile>>) {
    if files.is_empty() {
        return;
    }
    {
        let mut closing = CLOSING.lock();
        closing.files.append(&mut files);
        if core::mem::replace(&mut closing.is_going_on, true) {
            return;
        }
    }
    loop {
        let file = {
            let mut closing = CLOSING.lock();
            let file = closing.files.pop();
            closing.is_going_on = file.is_some();
            file
        };
        match file {
            Some(file) => drop(file),
            None => return,
        }
    }
}
