//! Hearing of what becomes ready: for sockets that many may wait for in many ways, where a waker for
//! each direction will not do.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt::Debug;
use core::ops::BitOr;
use core::task::Waker;

/// What a socket is, or has become, ready for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// There is something to read, or to accept, or the end.
    pub const READ: Self = Self(1);
    /// There is room for something to send; a connection is made.
    pub const WRITE: Self = Self(2);
    /// The peer sends no more.
    pub const END: Self = Self(4);
    /// Nothing goes in either direction any more.
    pub const HANG_UP: Self = Self(8);
    /// Something failed.
    pub const ERROR: Self = Self(16);

    /// Whether the two have something in common.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// With `other` if `condition` holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, other: Self) -> Self {
        if condition { Self(self.0 | other.0) } else { self }
    }
}

impl BitOr for Ready {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Which of the programs' sockets one is, for who lists them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// The number of its file; 0 for what no program has open.
    pub inode: u64,
    /// The user who made it.
    pub uid: u32,
}

/// Who hears what becomes of a socket.
pub trait Observer: Send + Sync + Debug {
    /// The socket has just become ready for this. Called when nobody holds the stack.
    fn changed(&self, ready: Ready);

    /// Which socket it hears of. Called while the stack is held.
    fn identity(&self) -> Identity {
        Identity::default()
    }
}

/// Wake-ups to run after the stack's lock was released.
#[derive(Default, Debug)]
pub struct WakeList {
    wakers: Vec<Waker>,
    news: Vec<(Arc<dyn Observer>, Ready)>,
}

impl WakeList {
    /// Wakes everybody; the list can be used again.
    pub fn wake_all(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
        for (observer, ready) in self.news.drain(..) {
            observer.changed(ready);
        }
    }

    /// Whether there is nobody to wake.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wakers.is_empty() && self.news.is_empty()
    }

    pub(super) fn push(&mut self, waker: Option<Waker>) {
        self.wakers.extend(waker);
    }

    pub(super) fn tell(&mut self, observer: Option<&Arc<dyn Observer>>, ready: Ready) {
        if let Some(observer) = observer
            && ready != Ready::NONE
        {
            self.news.push((Arc::clone(observer), ready));
        }
    }

    pub(super) fn append(&mut self, other: &mut Self) {
        self.wakers.append(&mut other.wakers);
        self.news.append(&mut other.news);
    }
}
