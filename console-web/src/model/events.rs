//! The events of late: [`RecentEvents`].

use std::collections::VecDeque;

use admin_api::types::Event;

/// How many events are kept.
const KEPT: usize = 200;

/// The newest events, newest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RecentEvents {
    events: VecDeque<Event>,
}

impl RecentEvents {
    /// Takes in events, in order. One that is known already (the stream was resumed) changes nothing; one
    /// with a lower number than the newest means that the system booted anew, and starts afresh.
    #[must_use]
    pub fn with(&self, new: Vec<Event>) -> Self {
        let mut events = self.events.clone();
        for event in new {
            if events.iter().any(|known| *known == event) {
                continue;
            }
            if events.front().is_some_and(|newest| event.sequence <= newest.sequence) {
                events.clear();
            }
            events.push_front(event);
            events.truncate(KEPT);
        }
        Self { events }
    }

    /// Newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.events.iter()
    }

    /// Whether nothing has happened yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The number of the newest event, zero if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.events.front().map_or(0, |event| event.sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::{EventKind, Timestamp};

    fn event(sequence: u64, message: &'static str) -> Event {
        Event {
            sequence,
            at: Timestamp::from_unix_ms(sequence),
            kind: EventKind::ProcessCreated,
            pid: None,
            service: None,
            actor: None,
            message: message.into(),
        }
    }

    #[test]
    fn newest_first_each_once_and_bounded() {
        let mut recent = RecentEvents::default();
        for sequence in 1..=300 {
            recent = recent.with(vec![event(sequence, "a"), event(sequence, "a")]);
        }
        let numbers: Vec<u64> = recent.iter().map(|event| event.sequence).collect();
        assert_eq!((numbers.len(), numbers[0], numbers[199]), (KEPT, 300, 101));
    }

    #[test]
    fn numbers_that_begin_again_mean_another_boot() {
        let recent = RecentEvents::default().with(vec![event(7, "old"), event(1, "new")]);
        assert_eq!(recent.iter().count(), 1);
        assert_eq!(recent.newest(), 1);
    }
}
