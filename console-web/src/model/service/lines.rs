//! The output of a service, as far as it was read: [`Lines`].

use std::collections::VecDeque;

use admin_api::types::{OutputStream, ServiceLine};

/// So many lines are kept and looked through.
const KEPT: usize = 5000;
/// So many are drawn. More makes the page slow, and nobody reads it.
pub const DRAWN: usize = 1000;

/// What happens to the lines.
#[derive(Debug, Clone, PartialEq)]
pub enum LinesAction {
    /// Further lines, in order.
    Add(Vec<ServiceLine>),
    /// Another text to search for.
    Search(String),
    /// Lines of this stream alone, or of all.
    Stream(Option<OutputStream>),
    /// Lines of this instance alone, or of all.
    Instance(Option<u32>),
    /// Follow, or stop following.
    Follow(bool),
}

/// The lines and what is shown of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    kept: VecDeque<ServiceLine>,
    /// What a line has to contain, in any case of letters.
    pub search: String,
    /// The stream; all if there is none.
    pub stream: Option<OutputStream>,
    /// The instance; all if there is none.
    pub instance: Option<u32>,
    /// Whether the newest line is kept in view.
    pub is_following: bool,
}

impl Default for Lines {
    fn default() -> Self {
        Self {
            kept: VecDeque::new(),
            search: String::new(),
            stream: None,
            instance: None,
            is_following: true,
        }
    }
}

impl Lines {
    /// Changes.
    #[must_use]
    pub fn reduce(&self, action: LinesAction) -> Self {
        let mut next = self.clone();
        match action {
            LinesAction::Add(lines) => {
                for line in lines {
                    // Known lines come again when the stream was resumed.
                    if line.sequence > next.newest() {
                        next.kept.push_back(line);
                    }
                }
                let excess = next.kept.len().saturating_sub(KEPT);
                next.kept.drain(..excess);
            }
            LinesAction::Search(text) => next.search = text,
            LinesAction::Stream(stream) => next.stream = stream,
            LinesAction::Instance(instance) => next.instance = instance,
            LinesAction::Follow(is_following) => next.is_following = is_following,
        }
        next
    }

    /// The number of the newest line, zero if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.kept.back().map_or(0, |line| line.sequence)
    }

    /// How many are kept.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// The lines that match, the last of them, oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<&ServiceLine> {
        let search = self.search.to_ascii_lowercase();
        let matches = |line: &&ServiceLine| {
            self.stream.is_none_or(|stream| stream == line.stream)
                && self.instance.is_none_or(|instance| Some(instance) == line.instance)
                && (search.is_empty() || line.text.to_ascii_lowercase().contains(&search))
        };
        let mut shown: Vec<&ServiceLine> =
            self.kept.iter().rev().filter(matches).take(DRAWN).collect();
        shown.reverse();
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::Timestamp;

    fn line(sequence: u64, instance: u32, stream: OutputStream, text: &'static str) -> ServiceLine {
        let at = Timestamp::from_unix_ms(sequence);
        let (instance, pid) = (Some(instance), None);
        ServiceLine { sequence, at, instance, pid, stream, text: text.into(), truncated: false }
    }

    fn lines() -> Lines {
        let all = vec![
            line(1, 0, OutputStream::Stdout, "Hello"),
            line(2, 1, OutputStream::Stderr, "oh no"),
            line(3, 0, OutputStream::Manager, "ready"),
        ];
        Lines::default().reduce(LinesAction::Add(all))
    }

    #[test]
    fn lines_come_once_and_the_oldest_go() {
        let again = lines().reduce(LinesAction::Add(vec![line(3, 0, OutputStream::Stdout, "x")]));
        assert_eq!((again.kept(), again.newest()), (3, 3));
        let many = (4..=6000).map(|at| line(at, 0, OutputStream::Stdout, "x")).collect();
        let many = again.reduce(LinesAction::Add(many));
        assert_eq!((many.kept(), many.shown().len(), many.newest()), (KEPT, DRAWN, 6000));
        assert_eq!(many.shown().last().unwrap().sequence, 6000);
    }

    #[test]
    fn filters_work_together() {
        let found = lines().reduce(LinesAction::Search("HELLO".into()));
        assert_eq!(found.shown().len(), 1);
        let none = found.reduce(LinesAction::Stream(Some(OutputStream::Stderr)));
        assert!(none.shown().is_empty());
        let first = lines().reduce(LinesAction::Instance(Some(0)));
        assert_eq!(first.shown().len(), 2);
    }
}
