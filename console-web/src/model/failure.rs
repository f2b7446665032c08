//! What can come of a request instead of an answer: [`Failure`].

use admin_api::types::Problem;

/// Why a request brought no answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Failure {
    /// The system could not be reached, or did not answer in time.
    Unreachable(String),
    /// Nobody is signed in, or no longer.
    SignedOut,
    /// The system said no, and why.
    Refused(Box<Problem>),
    /// The answer was not what the console understands.
    Malformed(String),
}

impl Failure {
    /// What to tell the user: one sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Unreachable(reason) => format!("The system does not answer: {reason}."),
            Self::SignedOut => "The session has ended.".to_owned(),
            Self::Refused(problem) => {
                let mut text = problem.detail.to_string();
                for error in &problem.errors {
                    text.push_str(&format!(" {}: {}.", error.field, error.message));
                }
                text
            }
            Self::Malformed(reason) => {
                format!("The system's answer was not understood: {reason}.")
            }
        }
    }

    /// Whether the thing that was asked about does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused(problem) if problem.status == 404)
    }
}
