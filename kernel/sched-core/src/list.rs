//! The queue of a band that takes turns: a doubly linked list over the slots of the slab.

use crate::tree::NONE;

/// The neighbours of a task in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    previous: u32,
    next: u32,
}

impl Link {
    /// A link outside of any list.
    pub(crate) const fn new() -> Self {
        Self { previous: NONE, next: NONE }
    }
}

/// A list over a slice of links that every method gets anew: several lists share one slab.
#[derive(Debug)]
pub(crate) struct List {
    head: u32,
    tail: u32,
}

impl List {
    pub(crate) const fn new() -> Self {
        Self { head: NONE, tail: NONE }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.head == NONE
    }

    pub(crate) const fn front(&self) -> Option<u32> {
        if self.head == NONE { None } else { Some(self.head) }
    }

    pub(crate) fn push_back(&mut self, links: &mut [Link], at: u32) {
        links[at as usize] = Link { previous: self.tail, next: NONE };
        match self.tail {
            NONE => self.head = at,
            tail => links[tail as usize].next = at,
        }
        self.tail = at;
    }

    pub(crate) fn push_front(&mut self, links: &mut [Link], at: u32) {
        links[at as usize] = Link { previous: NONE, next: self.head };
        match self.head {
            NONE => self.tail = at,
            head => links[head as usize].previous = at,
        }
        self.head = at;
    }

    /// Unlinks `at`, which is in this list.
    pub(crate) fn remove(&mut self, links: &mut [Link], at: u32) {
        let Link { previous, next } = links[at as usize];
        match previous {
            NONE => self.head = next,
            previous => links[previous as usize].next = next,
        }
        match next {
            NONE => self.tail = previous,
            next => links[next as usize].previous = previous,
        }
    }

    /// The slots from front to back.
    pub(crate) fn iter<'a>(&self, links: &'a [Link]) -> impl Iterator<Item = u32> + use<'a> {
        let mut at = self.head;
        core::iter::from_fn(move || {
            let here = (at != NONE).then_some(at)?;
            at = links[here as usize].next;
            Some(here)
        })
    }
}
