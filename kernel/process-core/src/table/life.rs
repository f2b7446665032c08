//! A process's life in the table: made, started, suspended, ended, reaped.

use alloc::boxed::Box;
use alloc::sync::Arc;

use crate::credentials::Credentials;
use crate::error::ProcessError;
use crate::exit::ExitStatus;
use crate::fallible::FallibleBox;
use crate::history::DefunctProcess;
use crate::ids::{Instant, Pid};
use crate::process::{ChildEvent, ChildLists, Links, Process, Profile};
use crate::signal::Signal;
use crate::state::{ProcessState, StateName};
use crate::table::ProcessTable;
use crate::table::numbers::Reservation;
use crate::table::tree::Adopted;
use crate::usage::Usage;

/// A process that is ready to be entered. Building it allocates, so it is built without the lock.
pub struct NewProcess<X> {
    process: FallibleBox<Process<X>>,
    /// The process whose group and session it joins.
    maker: Option<Pid>,
}

impl<X> NewProcess<X> {
    /// A process for a reserved number. It gets a group and session of its own, unless
    /// [`Self::forked_by`] says otherwise; a kernel thread belongs to none.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`].
    pub fn new(
        reservation: &Reservation,
        parent: Pid,
        credentials: Arc<Credentials>,
        profile: Profile,
        attachment: X,
        now: Instant,
    ) -> Result<Self, ProcessError> {
        let pid = reservation.pid;
        FallibleBox::new(Process {
            pid,
            parent,
            group: pid,
            session: pid,
            state: ProcessState::New,
            started_at: now,
            ended_at: None,
            credentials,
            threads: 1,
            numbers_held: 1,
            exit_signal: Some(Signal::SIGCHLD),
            event: None,
            has_executed: false,
            is_subreaper: false,
            discards_children: false,
            children: ChildLists::default(),
            siblings: Links::default(),
            group_links: Links::default(),
            final_usage: None,
            profile,
            attachment,
        })
        .map(|process| Self { process, maker: None })
    }

    /// The process joins the group and session of the one that makes it, and waits for its own
    /// children as that one does: fork(2).
    #[must_use]
    pub fn forked_by(mut self, maker: Pid) -> Self {
        self.maker = Some(maker);
        self
    }

    /// The signal that tells the parent of its end; SIGCHLD if not set.
    #[must_use]
    pub fn with_exit_signal(mut self, signal: Option<Signal>) -> Self {
        self.process.exit_signal = signal;
        self
    }
}

/// Who takes a zombie's exit status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaper {
    /// This process, when it waits.
    Parent(Pid),
    /// The process manager: [`ProcessTable::next_unclaimed_zombie`] answers it.
    Manager,
}

/// What is to be done after a process's last thread is gone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ExitNotice {
    /// Who takes the exit status.
    pub reaper: Reaper,
    /// The parent whose waits are to be woken.
    pub wake_parent: Option<Pid>,
    /// The signal for that parent.
    pub signal: Option<Signal>,
    /// Where its last children went.
    pub adopted: Adopted,
}

/// A process that has left the table. To be dropped without the lock.
pub struct Reaped<X> {
    /// What the kernel had hung on it.
    pub attachment: X,
    /// How it ended.
    pub exit: ExitStatus,
    /// What it had used.
    pub usage: Usage,
    /// What the history has dropped in exchange.
    pub forgotten: Option<DefunctProcess>,
}

impl<X> ProcessTable<X> {
    /// Enters a process, in state New. If its parent has ended meanwhile, the adopter of orphans
    /// takes it.
    ///
    /// # Errors
    /// [`ProcessError::ResourceExhausted`], [`ProcessError::ProcessNotFound`] if its maker has ended
    /// meanwhile; the number is then free again.
    pub fn insert(
        &mut self,
        reservation: Reservation,
        process: NewProcess<X>,
    ) -> Result<Pid, ProcessError> {
        let pid = reservation.pid;
        let NewProcess { mut process, maker } = process;
        process.pid = pid;
        (process.group, process.session) =
            if process.is_kernel_thread() { (Pid::SYSTEM, Pid::SYSTEM) } else { (pid, pid) };
        if let Some(maker) = maker {
            match self.get(maker).ok().filter(|maker| maker.state.is_alive()) {
                Some(maker) => {
                    process.discards_children = maker.discards_children;
                    if !maker.group.is_system() {
                        (process.group, process.session) = (maker.group, maker.session);
                    }
                }
                // Whoever ends all that is in its group must not leave one that was just being made.
                None => {
                    self.release(reservation);
                    return Err(ProcessError::ProcessNotFound { pid: maker });
                }
            }
        }
        let has_parent = self.get(process.parent).is_ok_and(|parent| parent.state.is_alive());
        if !has_parent && !process.parent.is_system() {
            process.parent = self.adopter(process.parent);
        }
        let (group, session) = (process.group, process.session);
        if let Err(error) = self.processes.insert(pid.number(), process) {
            self.release(reservation);
            return Err(error);
        }
        self.numbers.reserved = self.numbers.reserved.saturating_sub(1);
        self.counts.enter(StateName::New);
        self.entered = self.entered.saturating_add(1);
        self.last = Some(pid);
        self.join_group(pid, group, session);
        self.link_child(pid);
        Ok(pid)
    }

    /// Stores a state that is legal after the present one.
    fn set_state(&mut self, pid: Pid, to: ProcessState) -> Result<(), ProcessError> {
        let from = self.get(pid)?.state;
        let to = from.become_state(pid, to)?;
        self.counts.leave(from.name());
        self.counts.enter(to.name());
        self.update_news(pid, |process| process.state = to)
    }

    /// New → Ready: its threads may be scheduled.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`].
    pub fn start(&mut self, pid: Pid) -> Result<(), ProcessError> {
        match self.get(pid)?.state {
            ProcessState::New => self.set_state(pid, ProcessState::Ready),
            from => Err(invalid(pid, from, StateName::Ready)),
        }
    }

    /// An operator suspends a process.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it has ended, has not
    /// begun or is held already; [`ProcessError::PermissionDenied`] for a kernel thread.
    pub fn suspend(&mut self, pid: Pid) -> Result<(), ProcessError> {
        let process = self.get(pid)?;
        if process.is_kernel_thread() {
            return Err(ProcessError::PermissionDenied { pid });
        }
        let to = process.state.suspended(pid, None)?;
        self.set_state(pid, to)
    }

    /// An operator resumes a process, whatever had suspended it.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it is not suspended.
    pub fn resume(&mut self, pid: Pid) -> Result<(), ProcessError> {
        match self.get(pid)?.state {
            ProcessState::Suspended { .. } => self.set_state(pid, ProcessState::Ready),
            from => Err(invalid(pid, from, StateName::Ready)),
        }
    }

    /// A stop signal takes effect. A parent that waits for stops is to be told.
    ///
    /// # Errors
    /// As [`Self::suspend`]; [`ProcessError::InvalidState`] too if a signal had stopped it.
    pub fn stop(&mut self, pid: Pid, signal: Signal) -> Result<(), ProcessError> {
        let to = self.get(pid)?.state.suspended(pid, Some(signal))?;
        self.set_state(pid, to)?;
        self.set_event(pid, ChildEvent::Stopped(signal))
    }

    /// SIGCONT takes effect: it lifts a stop by signal. The process is suspended still if an
    /// operator holds it too; answers whether it can run.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if no signal had stopped
    /// it.
    pub fn continue_stopped(&mut self, pid: Pid) -> Result<bool, ProcessError> {
        let from = self.get(pid)?.state;
        let to = match from {
            ProcessState::Suspended { suspension } if suspension.signal.is_some() => {
                from.continued(pid)?
            }
            _ => return Err(invalid(pid, from, StateName::Ready)),
        };
        self.set_state(pid, to)?;
        self.set_event(pid, ChildEvent::Continued)?;
        Ok(matches!(to, ProcessState::Ready))
    }

    fn set_event(&mut self, pid: Pid, event: ChildEvent) -> Result<(), ProcessError> {
        if self.get(pid)?.parent.is_system() {
            return Ok(());
        }
        self.update_news(pid, |process| process.event = Some(event))
    }

    /// The process ends: its threads are to leave, its resources to be released. The first caller
    /// decides how it ended.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it has ended already.
    pub fn terminate(&mut self, pid: Pid, exit: ExitStatus) -> Result<(), ProcessError> {
        self.set_state(pid, ProcessState::Terminated { exit })
    }

    /// Terminated → Zombie: all threads are gone and what it held is released. Of its usage that stays
    /// which says nothing about now ([`Usage::at_end`]).
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it has not ended.
    pub fn become_zombie(
        &mut self,
        pid: Pid,
        usage: impl Into<Box<Usage>>,
        now: Instant,
    ) -> Result<ExitNotice, ProcessError> {
        let from = self.get(pid)?.state;
        let ProcessState::Terminated { exit } = from else {
            return Err(invalid(pid, from, StateName::Zombie));
        };
        let adopted = self.give_up_children(pid, usize::MAX)?;
        let process = self.get_mut(pid)?;
        let mut usage = usage.into();
        *usage = usage.at_end();
        process.final_usage = Some(usage);
        process.ended_at = Some(now);
        let (parent, signal) = (process.parent, process.exit_signal);
        let is_discarded = self.get(parent).is_ok_and(|parent| parent.discards_children);
        if is_discarded {
            // The parent has said that it will not wait: the manager takes the child.
            let had_news = self.get(pid)?.has_news();
            self.unlink_child(pid, had_news);
            self.get_mut(pid)?.parent = Pid::SYSTEM;
            self.link_child(pid);
        }
        self.set_state(pid, ProcessState::Zombie { exit })?;
        let has_parent = !parent.is_system();
        Ok(ExitNotice {
            reaper: if has_parent && !is_discarded {
                Reaper::Parent(parent)
            } else {
                Reaper::Manager
            },
            wake_parent: has_parent.then_some(parent),
            signal: signal.filter(|_| has_parent),
            adopted,
        })
    }

    /// Zombie → Defunct: its exit status has been taken; it leaves the table for the history.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it is no zombie.
    pub fn reap(&mut self, pid: Pid, now: Instant) -> Result<Reaped<X>, ProcessError> {
        let from = self.get(pid)?.state;
        let exit = match from {
            ProcessState::Zombie { exit } => exit,
            _ => return Err(invalid(pid, from, StateName::Defunct)),
        };
        let state = from.become_state(pid, ProcessState::Defunct { exit })?;
        self.unlink_child(pid, true);
        self.leave_group(pid);
        let not_found = ProcessError::ProcessNotFound { pid };
        let process = self.processes.remove(pid.number()).ok_or(not_found)?.into_inner();
        self.counts.leave(from.name());
        if process.is_subreaper {
            self.count_subreaper(false);
        }
        self.numbers.uncount_tasks(process.credentials.real_uid, 1);
        self.numbers.disown(pid.number());
        let usage = process.final_usage();
        let forgotten = self.history.remember(DefunctProcess {
            pid,
            parent: process.parent,
            group: process.group,
            session: process.session,
            state,
            credentials: process.credentials,
            profile: process.profile,
            started_at: process.started_at,
            ended_at: process.ended_at.unwrap_or(now),
            reaped_at: now,
            usage,
        });
        Ok(Reaped { attachment: process.attachment, exit, usage, forgotten })
    }

    /// Whether the process has said that it will not wait for its children (SIGCHLD ignored, or
    /// SA_NOCLDWAIT): the manager reaps them then.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn set_discards_children(&mut self, pid: Pid, discards: bool) -> Result<(), ProcessError> {
        self.get_mut(pid)?.discards_children = discards;
        Ok(())
    }

    /// Whether the process adopts its descendants' orphans: prctl(2), `PR_SET_CHILD_SUBREAPER`.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn set_subreaper(&mut self, pid: Pid, is_subreaper: bool) -> Result<(), ProcessError> {
        let process = self.get_mut(pid)?;
        let before = core::mem::replace(&mut process.is_subreaper, is_subreaper);
        if before != is_subreaper {
            self.count_subreaper(is_subreaper);
        }
        Ok(())
    }

    /// The process acts for someone else from now on. Its tasks count for its new real user.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::ResourceExhausted`].
    pub fn set_credentials(
        &mut self,
        pid: Pid,
        credentials: Arc<Credentials>,
    ) -> Result<(), ProcessError> {
        let process = self.get(pid)?;
        let (old, new) = (process.credentials.real_uid, credentials.real_uid);
        let tasks = process.numbers_held;
        if old != new {
            self.numbers.count_tasks(new, tasks)?;
            self.numbers.uncount_tasks(old, tasks);
        }
        self.get_mut(pid)?.credentials = credentials;
        Ok(())
    }
}

fn invalid(pid: Pid, from: ProcessState, to: StateName) -> ProcessError {
    ProcessError::InvalidState { pid, from: from.name(), to }
}
