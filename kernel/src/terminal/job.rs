//! Job control: sessions and their terminals, and what programs in the background may do.

use alloc::sync::Arc;

use linux_abi::Errno;
use process_core::{PendingSignal, Pid, Signal, SignalCause};

use super::pair::{self, Pair, signal_group};
use crate::{process, scheduler};

/// Who is asking: the running thread's process, with its group and session.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    pub(super) pid: Pid,
    pub(super) group: Pid,
    pub(super) session: Pid,
}

impl Asker {
    /// The running thread's.
    pub(super) fn current() -> Option<Self> {
        let thread = scheduler::current()?;
        let pid = thread.process().pid();
        let (group, session) = process::group_and_session_of(pid).ok()?;
        Some(Self { pid, group, session })
    }

    pub(super) fn is_leader(self) -> bool {
        self.pid == self.session
    }
}

/// The controlling terminal of the running thread's process.
pub(super) fn controlling_of_caller() -> Option<Arc<Pair>> {
    pair::of_session(Asker::current()?.session)
}

/// What a program in the background wants of its terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// To read: SIGTTIN, or EIO where that would not stop it.
    Read,
    /// To write or to change something: SIGTTOU, or it may where that would not stop it.
    Change,
}

impl Pair {
    /// Lets a program in the foreground, or of another session, go on; stops one in the background.
    ///
    /// # Errors
    /// ERESTARTSYS when the signal has been sent; EIO when it would stop nobody.
    pub(super) fn check_foreground(&self, wish: Wish) -> Result<(), Errno> {
        let Some(asker) = Asker::current() else { return Ok(()) };
        {
            let state = self.state.lock();
            let is_background = state.session == Some(asker.session)
                && state.foreground.is_some_and(|foreground| foreground != asker.group);
            if !is_background {
                return Ok(());
            }
        }
        let signal = if wish == Wish::Read { Signal::SIGTTIN } else { Signal::SIGTTOU };
        if process::disregards(signal) {
            return if wish == Wish::Read { Err(Errno::EIO) } else { Ok(()) };
        }
        if process::is_group_orphaned(asker.group) {
            return Err(Errno::EIO);
        }
        process::signal_group(asker.group, PendingSignal { signal, cause: SignalCause::Kernel });
        Err(Errno::ERESTARTSYS)
    }

    /// Whether it is the asker's controlling terminal.
    pub(super) fn controls(&self, asker: Asker) -> bool {
        self.state.lock().session == Some(asker.session)
    }

    /// Becomes the controlling terminal of a session leader that has none, as opening one does.
    pub(super) fn take_if_free(&self) {
        let Some(asker) = Asker::current() else { return };
        if asker.is_leader() && pair::of_session(asker.session).is_none() {
            let mut state = self.state.lock();
            if state.session.is_none() {
                state.session = Some(asker.session);
                state.foreground = Some(asker.group);
            }
        }
    }

    /// `TIOCSCTTY`.
    pub(super) fn take(&self, is_forced: bool) -> Result<(), Errno> {
        let asker = Asker::current().ok_or(Errno::EPERM)?;
        if asker.is_leader() && self.controls(asker) {
            return Ok(());
        }
        if !asker.is_leader() || pair::of_session(asker.session).is_some() {
            return Err(Errno::EPERM);
        }
        let may_force = is_forced
            && process::credentials_of(asker.pid)
                .is_ok_and(|it| it.is_capable(process_core::Capability::SysAdmin));
        let mut state = self.state.lock();
        if state.session.is_some() && !may_force {
            return Err(Errno::EPERM);
        }
        state.session = Some(asker.session);
        state.foreground = Some(asker.group);
        Ok(())
    }

    /// `TIOCNOTTY`: a session leader gives its terminal up for all of its session.
    pub(super) fn give_up(&self) -> Result<(), Errno> {
        let asker = Asker::current().ok_or(Errno::ENOTTY)?;
        if !self.controls(asker) {
            return Err(Errno::ENOTTY);
        }
        if asker.is_leader() {
            self.part();
        }
        Ok(())
    }

    /// `TIOCSPGRP`.
    pub(super) fn set_foreground(&self, group: i32) -> Result<(), Errno> {
        let asker = Asker::current().ok_or(Errno::ENOTTY)?;
        if !self.controls(asker) {
            return Err(Errno::ENOTTY);
        }
        self.check_foreground(Wish::Change)?;
        if group < 0 {
            return Err(Errno::EINVAL);
        }
        let group = Pid::new(i64::from(group)).map_err(|_| Errno::ESRCH)?;
        match process::session_of_group(group) {
            None => Err(Errno::ESRCH),
            Some(session) if session != asker.session => Err(Errno::EPERM),
            Some(_) => {
                self.state.lock().foreground = Some(group);
                Ok(())
            }
        }
    }

    /// Its session loses it: the foreground hears of it.
    fn part(&self) {
        let foreground = {
            let mut state = self.state.lock();
            state.session = None;
            state.foreground.take()
        };
        signal_group(foreground, Signal::SIGHUP);
        signal_group(foreground, Signal::SIGCONT);
    }

    /// The master is gone: the session's leader and the foreground hear of it.
    pub(super) fn hang_up(&self) {
        let session = {
            let mut state = self.state.lock();
            state.has_master = false;
            state.terminal.flush_input();
            state.session
        };
        if let Some(leader) = session {
            for signal in [Signal::SIGHUP, Signal::SIGCONT] {
                process::signal_by_kernel(leader, signal);
            }
        }
        self.part();
    }
}

/// A session's leader has ended: its terminal is nobody's.
pub fn leader_ended(session: Pid) {
    if let Some(pair) = pair::of_session(session) {
        pair.part();
    }
}
