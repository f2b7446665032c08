//! The log's lines and what of them is shown: [`LogView`].

use std::collections::VecDeque;

use admin_api::types::{LogLevel, LogLine};

/// How many lines are kept.
pub const KEPT: usize = 2000;

/// Lines, and which of them to show.
#[derive(Debug, Clone, PartialEq)]
pub struct LogView {
    lines: VecDeque<LogLine>,
    /// The least serious level that is shown.
    pub level: LogLevel,
    /// What a line has to contain, in any case of letters.
    pub search: String,
    /// Whether new lines are shown as they come; else they wait, counted.
    pub is_following: bool,
    /// The newest line that is shown while not following.
    frozen_at: u64,
}

/// What happens to the log's view.
#[derive(Debug, Clone, PartialEq)]
pub enum LogAction {
    /// Lines came, in order.
    Lines(Vec<LogLine>),
    /// Another level.
    Level(LogLevel),
    /// Another search.
    Search(String),
    /// Follow, or pause.
    ToggleFollowing,
}

impl Default for LogView {
    fn default() -> Self {
        Self {
            lines: VecDeque::new(),
            level: LogLevel::Debug,
            search: String::new(),
            is_following: true,
            frozen_at: 0,
        }
    }
}

impl LogView {
    /// The state after the action.
    #[must_use]
    pub fn reduce(&self, action: LogAction) -> Self {
        let mut next = self.clone();
        match action {
            LogAction::Lines(lines) => next.take(lines),
            LogAction::Level(level) => next.level = level,
            LogAction::Search(search) => next.search = search,
            LogAction::ToggleFollowing => {
                next.is_following = !next.is_following;
                next.frozen_at = next.newest();
            }
        }
        next
    }

    fn take(&mut self, lines: Vec<LogLine>) {
        for line in lines {
            match self.lines.back() {
                Some(last) if line.sequence <= last.sequence => {
                    if self.lines.iter().any(|known| *known == line) {
                        continue;
                    }
                    // Numbers that begin again: the system booted anew.
                    self.lines.clear();
                    self.frozen_at = 0;
                }
                _ => {}
            }
            self.lines.push_back(line);
        }
        while self.lines.len() > KEPT {
            self.lines.pop_front();
        }
    }

    /// The number of the newest line, zero if there is none.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.lines.back().map_or(0, |line| line.sequence)
    }

    /// The lines to show, oldest first.
    #[must_use]
    pub fn shown(&self) -> Vec<&LogLine> {
        let search = self.search.trim().to_ascii_lowercase();
        self.lines
            .iter()
            .filter(|line| self.is_following || line.sequence <= self.frozen_at)
            .filter(|line| line.level <= self.level)
            .filter(|line| {
                search.is_empty()
                    || line.message.to_ascii_lowercase().contains(&search)
                    || line.source.to_ascii_lowercase().contains(&search)
            })
            .collect()
    }

    /// How many lines came since the view was paused.
    #[must_use]
    pub fn waiting(&self) -> usize {
        if self.is_following {
            return 0;
        }
        self.lines.iter().filter(|line| line.sequence > self.frozen_at).count()
    }

    /// How many lines are kept, shown or not.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.lines.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::Timestamp;

    fn line(sequence: u64, level: LogLevel, message: &'static str) -> LogLine {
        LogLine {
            sequence,
            at: Timestamp::from_unix_ms(sequence),
            uptime_ns: sequence,
            level,
            source: "net".into(),
            cpu: None,
            message: message.into(),
        }
    }

    fn view() -> LogView {
        LogView::default().reduce(LogAction::Lines(vec![
            line(1, LogLevel::Info, "link up"),
            line(2, LogLevel::Error, "no lease"),
            line(3, LogLevel::Debug, "Retransmit"),
        ]))
    }

    fn numbers(view: &LogView) -> Vec<u64> {
        view.shown().iter().map(|line| line.sequence).collect()
    }

    #[test]
    fn level_and_search_choose_lines() {
        let view = view();
        assert_eq!(numbers(&view), [1, 2, 3]);
        assert_eq!(numbers(&view.reduce(LogAction::Level(LogLevel::Info))), [1, 2]);
        assert_eq!(numbers(&view.reduce(LogAction::Search("RETRANS".to_owned()))), [3]);
        assert_eq!(numbers(&view.reduce(LogAction::Search("net".to_owned()))), [1, 2, 3]);
    }

    #[test]
    fn a_paused_view_stands_still_and_counts_what_waits() {
        let paused = view().reduce(LogAction::ToggleFollowing);
        let later = paused.reduce(LogAction::Lines(vec![line(4, LogLevel::Info, "new")]));
        assert_eq!((numbers(&later), later.waiting()), (vec![1, 2, 3], 1));
        let following = later.reduce(LogAction::ToggleFollowing);
        assert_eq!((numbers(&following), following.waiting()), (vec![1, 2, 3, 4], 0));
    }

    #[test]
    fn repeated_lines_are_dropped_and_a_new_boot_starts_afresh() {
        let again = view().reduce(LogAction::Lines(vec![line(3, LogLevel::Debug, "Retransmit")]));
        assert_eq!(again, view());
        let rebooted = view().reduce(LogAction::Lines(vec![line(1, LogLevel::Info, "hello")]));
        assert_eq!(numbers(&rebooted), [1]);
    }

    #[test]
    fn memory_is_bounded() {
        let lines = (1..=3000).map(|sequence| line(sequence, LogLevel::Info, "x")).collect();
        let view = LogView::default().reduce(LogAction::Lines(lines));
        assert_eq!((view.kept(), numbers(&view)[0]), (KEPT, 1001));
    }
}
