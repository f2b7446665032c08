//! Whether the system answers: [`Connection`].

/// What is known of the connection.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connection {
    /// When the system answered last.
    pub reached_ms: Option<f64>,
    /// What is wrong; nothing while the system answers.
    pub lost: Option<Lost>,
}

/// A connection that is lost.
#[derive(Debug, Clone, PartialEq)]
pub struct Lost {
    /// Since when: the last answer, or the first failure if there never was one.
    pub since_ms: f64,
    /// Failed attempts in a row.
    pub attempts: u32,
    /// When the next attempt is due.
    pub retry_ms: f64,
    /// What the last attempt ran into.
    pub reason: String,
}

/// News of the connection.
#[derive(Debug, Clone, PartialEq)]
pub enum ConnectionAction {
    /// The system answered, whatever it said.
    Reached {
        /// When.
        at_ms: f64,
    },
    /// The system could not be reached.
    Failed {
        /// When.
        at_ms: f64,
        /// Why, in words.
        reason: String,
    },
}

impl Connection {
    /// The state after the news.
    #[must_use]
    pub fn reduce(&self, action: ConnectionAction) -> Self {
        match action {
            ConnectionAction::Reached { at_ms } => Self { reached_ms: Some(at_ms), lost: None },
            ConnectionAction::Failed { at_ms, reason } => {
                let (since_ms, attempts) = match &self.lost {
                    // Requests that fail together are one attempt.
                    Some(lost) if at_ms < lost.retry_ms => (lost.since_ms, lost.attempts),
                    Some(lost) => (lost.since_ms, lost.attempts.saturating_add(1)),
                    None => (self.reached_ms.unwrap_or(at_ms), 1),
                };
                let retry_ms = at_ms + backoff_ms(attempts);
                Self {
                    lost: Some(Lost { since_ms, attempts, retry_ms, reason }),
                    reached_ms: self.reached_ms,
                }
            }
        }
    }

    /// Whether the system answers, as far as is known.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.lost.is_none()
    }
}

/// How long to wait after so many failures in a row: doubling from half a second to ten. A system
/// that reboots is back within a second, so the first attempts come quickly.
#[must_use]
pub fn backoff_ms(attempts: u32) -> f64 {
    (500.0 * 2.0_f64.powi(i32::try_from(attempts.saturating_sub(1)).unwrap_or(30).min(30)))
        .min(10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(at_ms: f64) -> ConnectionAction {
        ConnectionAction::Failed { at_ms, reason: "refused".to_owned() }
    }

    #[test]
    fn a_lost_connection_remembers_since_when_and_counts_attempts() {
        let up = Connection::default().reduce(ConnectionAction::Reached { at_ms: 1000.0 });
        assert!(up.is_up());
        let first = up.reduce(failed(3000.0));
        let second = first.reduce(failed(3600.0));
        let lost = second.lost.as_ref().unwrap();
        assert_eq!((lost.since_ms, lost.attempts, lost.retry_ms), (1000.0, 2, 4600.0));
        assert!(second.reduce(ConnectionAction::Reached { at_ms: 5000.0 }).is_up());
    }

    #[test]
    fn requests_that_fail_together_count_once() {
        let lost = Connection::default().reduce(failed(0.0)).reduce(failed(10.0));
        assert_eq!(lost.lost.unwrap().attempts, 1);
    }

    #[test]
    fn waiting_times_double_up_to_a_limit() {
        let waits: Vec<f64> = (1..8).map(backoff_ms).collect();
        assert_eq!(waits, [500.0, 1000.0, 2000.0, 4000.0, 8000.0, 10_000.0, 10_000.0]);
        assert_eq!(backoff_ms(u32::MAX), 10_000.0);
    }
}
