//! Parents and children.
//!
//! Each parent has two lists of children: those with something to report to a wait, and the rest.
//! So a wait for any child looks at one list head, and the process manager finds what it has to
//! reap without a search. Orphans go to init if it is alive, else to the process manager.

use crate::error::ProcessError;
use crate::ids::Pid;
use crate::process::{ChildLists, Links, Process};
use crate::state::{ProcessState, StateName};
use crate::table::ProcessTable;

/// What became of a process's children.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Adopted {
    /// Their new parent.
    pub parent: Pid,
    /// How many went there.
    pub moved: usize,
    /// Whether one of them has something to report: the new parent is to be told as of a child's
    /// end.
    pub has_news: bool,
    /// Whether there are more to move.
    pub is_unfinished: bool,
}

impl<X> ProcessTable<X> {
    fn child_lists(&mut self, parent: Pid) -> Option<&mut ChildLists> {
        if parent.is_system() {
            Some(&mut self.system_children)
        } else {
            self.processes.get_mut(parent.number()).map(|process| &mut process.children)
        }
    }

    fn list_head(&mut self, parent: Pid, with_news: bool) -> Option<&mut Option<Pid>> {
        let lists = self.child_lists(parent)?;
        Some(if with_news { &mut lists.with_news } else { &mut lists.quiet })
    }

    /// Puts a process into its parent's list.
    pub(super) fn link_child(&mut self, pid: Pid) {
        let Ok(child) = self.get(pid) else { return };
        let (parent, has_news) = (child.parent, child.has_news());
        let Some(head) = self.list_head(parent, has_news) else { return };
        let next = head.replace(pid);
        if let Ok(child) = self.get_mut(pid) {
            child.siblings = Links { next, previous: None };
        }
        if let Some(next) = next
            && let Ok(next) = self.get_mut(next)
        {
            next.siblings.previous = Some(pid);
        }
    }

    /// Takes a process out of its parent's list; `had_news` says in which one it is.
    pub(super) fn unlink_child(&mut self, pid: Pid, had_news: bool) {
        let Ok(child) = self.get_mut(pid) else { return };
        let parent = child.parent;
        let Links { next, previous } = core::mem::take(&mut child.siblings);
        match previous {
            Some(previous) => {
                if let Ok(previous) = self.get_mut(previous) {
                    previous.siblings.next = next;
                }
            }
            None => {
                if let Some(head) = self.list_head(parent, had_news) {
                    *head = next;
                }
            }
        }
        if let Some(next) = next
            && let Ok(next) = self.get_mut(next)
        {
            next.siblings.previous = previous;
        }
    }

    /// Changes a process, and moves it between its parent's lists if it got or lost news.
    pub(super) fn update_news(
        &mut self,
        pid: Pid,
        change: impl FnOnce(&mut Process<X>),
    ) -> Result<(), ProcessError> {
        let process = self.get_mut(pid)?;
        let had_news = process.has_news();
        change(process);
        if process.has_news() != had_news {
            self.unlink_child(pid, had_news);
            self.link_child(pid);
        }
        Ok(())
    }

    pub(super) fn count_subreaper(&mut self, is_one_more: bool) {
        self.subreapers = if is_one_more {
            self.subreapers.saturating_add(1)
        } else {
            self.subreapers.saturating_sub(1)
        };
    }

    /// Who adopts the orphans of a process: its next ancestor that wants to, else init, else the
    /// process manager.
    pub(super) fn adopter(&self, of: Pid) -> Pid {
        let mut next = if self.subreapers == 0 { None } else { self.get(of).ok() };
        while let Some(ancestor) = next.and_then(|process| self.get(process.parent).ok()) {
            if ancestor.is_subreaper && ancestor.state.is_alive() {
                return ancestor.pid;
            }
            next = Some(ancestor);
        }
        let has_init =
            self.get(Pid::INIT).is_ok_and(|init| init.state.is_alive() && !init.is_kernel_thread());
        if has_init { Pid::INIT } else { Pid::SYSTEM }
    }

    /// Gives up to `at_most` children of an exiting process to their new parent.
    ///
    /// Called in turns with the lock released between them, this bounds how long a process with
    /// very many children holds the table; [`Self::become_zombie`] moves whatever is left.
    ///
    /// # Errors
    /// [`ProcessError::ProcessNotFound`], [`ProcessError::InvalidState`] if it has not ended.
    pub fn give_up_children(&mut self, pid: Pid, at_most: usize) -> Result<Adopted, ProcessError> {
        let state = self.get(pid)?.state;
        if state.is_alive() {
            let (from, to) = (state.name(), StateName::Zombie);
            return Err(ProcessError::InvalidState { pid, from, to });
        }
        let parent = self.adopter(pid);
        let mut adopted = Adopted { parent, moved: 0, has_news: false, is_unfinished: false };
        loop {
            let lists = self.get(pid)?.children;
            let Some(child) = lists.with_news.or(lists.quiet) else { return Ok(adopted) };
            if adopted.moved == at_most {
                adopted.is_unfinished = true;
                return Ok(adopted);
            }
            let had_news = lists.with_news.is_some();
            self.unlink_child(child, had_news);
            let orphan = self.get_mut(child)?;
            orphan.parent = parent;
            if parent.is_system() {
                // The manager has no interest in stops, only in the end.
                orphan.event = None;
            }
            adopted.has_news |= orphan.has_news();
            adopted.moved += 1;
            self.link_child(child);
        }
    }

    /// A process's children, newest of each list first; [`Pid::SYSTEM`]'s are those without a
    /// parent program.
    pub fn children(&self, parent: Pid) -> impl Iterator<Item = &Process<X>> {
        let lists = if parent.is_system() {
            self.system_children
        } else {
            self.get(parent).map_or(ChildLists::default(), |process| process.children)
        };
        self.list(lists.with_news).chain(self.list(lists.quiet))
    }

    fn list(&self, head: Option<Pid>) -> impl Iterator<Item = &Process<X>> {
        let mut next = head;
        core::iter::from_fn(move || {
            let process = self.get(next?).ok()?;
            next = process.siblings.next;
            Some(process)
        })
    }

    /// The next zombie that the process manager itself has to reap.
    pub fn next_unclaimed_zombie(&self) -> Option<Pid> {
        let pid = self.system_children.with_news?;
        matches!(self.get(pid).ok()?.state, ProcessState::Zombie { .. }).then_some(pid)
    }
}
