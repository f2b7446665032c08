//! What becomes of a call that a signal has interrupted: [`Restart`]; signal(7), "Interruption of
//! system calls and library functions by signal handlers".
//!
//! A call that waits and finds a signal answers with one of four error numbers that no program ever
//! sees, as in Linux (`include/linux/errno.h`). The border to the program makes EINTR of it, or has
//! the call made again.

use crate::errno::Errno;

impl Errno {
    /// Interrupted; made again unless a handler without `SA_RESTART` runs: read, write, wait,
    /// futex, accept, …
    pub const ERESTARTSYS: Self = Self::internal(200);
    /// Interrupted; made again if no handler runs at all: pause, sigsuspend, poll, select, epoll.
    pub const ERESTARTNOHAND: Self = Self::internal(201);
    /// Interrupted before it did anything: made again in any case.
    pub const ERESTARTNOINTR: Self = Self::internal(202);
    /// Interrupted; if no handler runs, what is left of it goes on by `restart_syscall`: nanosleep
    /// and other calls with a relative time.
    pub const ERESTART_RESTARTBLOCK: Self = Self::internal(203);

    /// How the call that answered this goes on; none if it has simply failed.
    #[must_use]
    pub const fn restart(self) -> Option<Restart> {
        Some(match self {
            Self::ERESTARTSYS => Restart::IfAsked,
            Self::ERESTARTNOHAND => Restart::WithoutHandler,
            Self::ERESTARTNOINTR => Restart::Always,
            Self::ERESTART_RESTARTBLOCK => Restart::Remainder,
            _ => return None,
        })
    }
}

/// How an interrupted call goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restart {
    /// Again, unless a handler runs that does not ask for that.
    IfAsked,
    /// Again, unless a handler runs.
    WithoutHandler,
    /// Again.
    Always,
    /// What is left of it, unless a handler runs.
    Remainder,
}

/// What the program finds when it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resumption {
    /// EINTR.
    Interrupted,
    /// It makes the same call again.
    Again,
    /// It makes `restart_syscall`.
    Remainder,
}

impl Restart {
    /// When a handler runs, which has asked for restarts (`SA_RESTART`) or has not.
    #[must_use]
    pub const fn with_handler(self, has_asked: HasAsked) -> Resumption {
        match (self, has_asked) {
            (Self::Always, _) | (Self::IfAsked, HasAsked::Yes) => Resumption::Again,
            _ => Resumption::Interrupted,
        }
    }

    /// When no handler runs.
    #[must_use]
    pub const fn without_handler(self) -> Resumption {
        match self {
            Self::Remainder => Resumption::Remainder,
            _ => Resumption::Again,
        }
    }
}

/// Whether a handler has `SA_RESTART`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasAsked {
    /// It has.
    Yes,
    /// It has not.
    No,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode_result;

    // proves: P6
    #[test]
    fn calls_go_on_as_the_manual_says() {
        use Resumption::{Again, Interrupted, Remainder};
        let table = [
            (Errno::ERESTARTSYS, Again, Interrupted, Again),
            (Errno::ERESTARTNOHAND, Interrupted, Interrupted, Again),
            (Errno::ERESTARTNOINTR, Again, Again, Again),
            (Errno::ERESTART_RESTARTBLOCK, Interrupted, Interrupted, Remainder),
        ];
        for (errno, asked, not_asked, none) in table {
            let restart = errno.restart().unwrap();
            assert_eq!(restart.with_handler(HasAsked::Yes), asked);
            assert_eq!(restart.with_handler(HasAsked::No), not_asked);
            assert_eq!(restart.without_handler(), none);
            // Should one slip through, the program sees what it knows.
            assert_eq!(encode_result(Err(errno)), encode_result(Err(Errno::EINTR)));
        }
        assert_eq!(Errno::EINTR.restart(), None);
    }
}
