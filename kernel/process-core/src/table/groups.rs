//! Process groups and sessions: setpgid(2), setsid(2).

use crate::error::ProcessError;
use crate::ids::Pid;
use crate::process::{Links, Process};
use crate::table::ProcessTable;
use crate::table::numbers::Group;

impl<X> ProcessTable<X> {
    /// Puts a process into a group, which is made if need be. The number exists: a process, a
    /// group or a session has it.
    pub(super) fn join_group(&mut self, pid: Pid, group: Pid, session: Pid) {
        if group.is_system() {
            return;
        }
        let Some(number) = self.numbers.get_mut(group) else { return };
        let is_new = number.group.is_none();
        let entry = number.group.get_or_insert(Group { session, first_member: None });
        let next = entry.first_member.replace(pid);
        if is_new && let Some(number) = self.numbers.get_mut(session) {
            number.session_groups += 1;
        }
        if let Ok(process) = self.get_mut(pid) {
            process.group = group;
            process.session = session;
            process.group_links = Links { next, previous: None };
        }
        if let Some(next) = next
            && let Ok(next) = self.get_mut(next)
        {
            next.group_links.previous = Some(pid);
        }
    }

    /// Takes a process out of its group; an empty group is gone, and so is an empty session.
    pub(super) fn leave_group(&mut self, pid: Pid) {
        let Ok(process) = self.get_mut(pid) else { return };
        let (group, session) = (process.group, process.session);
        let Links { next, previous } = core::mem::take(&mut process.group_links);
        if let Some(next) = next
            && let Ok(next) = self.get_mut(next)
        {
            next.group_links.previous = previous;
        }
        if let Some(previous) = previous {
            if let Ok(previous) = self.get_mut(previous) {
                previous.group_links.next = next;
            }
            return;
        }
        let Some(number) = self.numbers.get_mut(group) else { return };
        if next.is_some() {
            if let Some(entry) = &mut number.group {
                entry.first_member = next;
            }
            return;
        }
        number.group = None;
        if let Some(number) = self.numbers.get_mut(session) {
            number.session_groups = number.session_groups.saturating_sub(1);
        }
        self.numbers.free_if_unused(group);
        self.numbers.free_if_unused(session);
    }

    /// The members of a group.
    pub fn group_members(&self, group: Pid) -> impl Iterator<Item = &Process<X>> {
        let mut next = self
            .numbers
            .get(group)
            .and_then(|number| number.group.as_ref())
            .and_then(|group| group.first_member);
        core::iter::from_fn(move || {
            let process = self.get(next?).ok()?;
            next = process.group_links.next;
            Some(process)
        })
    }

    /// The session that a group belongs to, if there is such a group.
    pub fn session_of_group(&self, group: Pid) -> Option<Pid> {
        Some(self.numbers.get(group)?.group.as_ref()?.session)
    }

    /// Moves a process into a group: setpgid(2), called by `caller`.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`] unless `pid` is the caller or a child of it;
    /// [`ProcessError::AlreadyExecuted`] for a child that has executed a program;
    /// [`ProcessError::PermissionDenied`] for a session leader, another session, or a group that is
    /// not there.
    pub fn set_group(&mut self, caller: Pid, pid: Pid, group: Pid) -> Result<(), ProcessError> {
        let session = self.get(caller)?.session;
        let process = self.get(pid)?;
        if pid != caller {
            if process.parent != caller {
                return Err(ProcessError::ProcessNotFound { pid });
            }
            if process.session == session && process.has_executed {
                return Err(ProcessError::AlreadyExecuted { pid });
            }
        }
        if process.session != session || process.session == pid || process.is_kernel_thread() {
            return Err(ProcessError::PermissionDenied { pid });
        }
        if group != pid && self.session_of_group(group) != Some(session) {
            return Err(ProcessError::PermissionDenied { pid: group });
        }
        if process.group != group {
            self.leave_group(pid);
            self.join_group(pid, group, session);
        }
        Ok(())
    }

    /// Makes a process the leader of a session and group of its own: setsid(2).
    ///
    /// # Errors
    /// [`ProcessError::PermissionDenied`] if there is a group with its number.
    pub fn start_session(&mut self, pid: Pid) -> Result<(), ProcessError> {
        let process = self.get(pid)?;
        if process.is_kernel_thread() || self.session_of_group(pid).is_some() {
            return Err(ProcessError::PermissionDenied { pid });
        }
        self.leave_group(pid);
        self.join_group(pid, pid, pid);
        Ok(())
    }

    /// Notes that a process has executed a program: its parent can no longer move it to another
    /// group.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`].
    pub fn note_execution(&mut self, pid: Pid) -> Result<(), ProcessError> {
        self.get_mut(pid)?.has_executed = true;
        Ok(())
    }

    /// Whether no member of a group has a parent in another group of the same session: such a
    /// group has nobody who would let it go on, and its terminal stops are ignored.
    pub fn is_orphaned(&self, group: Pid) -> bool {
        let has_supervisor = |member: &Process<X>| {
            member.state.is_alive()
                && self
                    .get(member.parent)
                    .is_ok_and(|parent| parent.group != group && parent.session == member.session)
        };
        !self.group_members(group).any(has_supervisor)
    }
}
