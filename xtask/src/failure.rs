//! What a command ends with when it can't do its work: the problem, and what the user can do.
//!
//! The commands are a user interface: an error is read by a person, never matched on, so it is
//! carried as the sentences that person needs.

use std::fmt;
use std::io;
use std::path::Path;

/// Result of a command's step.
pub type Result<T> = std::result::Result<T, Failure>;

/// A problem and, where there is one, the way out.
#[derive(Debug)]
pub struct Failure {
    problem: String,
    advice: Option<String>,
    exit_code: u8,
}

impl Failure {
    /// A problem without an obvious way out.
    pub fn new(problem: impl Into<String>) -> Self {
        Self { problem: problem.into(), advice: None, exit_code: 1 }
    }

    /// A wrong command line. Exits with 2, as is the custom for usage errors.
    pub fn usage(problem: impl Into<String>) -> Self {
        let advice = "`cargo xtask help` lists the commands and their options".to_owned();
        Self { problem: problem.into(), advice: Some(advice), exit_code: 2 }
    }

    /// A file that could not be read or written.
    #[must_use]
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("{doing} {}: {error}", path.display()))
    }

    /// Adds what the user can do about it.
    #[must_use]
    pub fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }

    /// Sets the code that the process exits with.
    #[must_use]
    pub fn exit_code(mut self, code: u8) -> Self {
        self.exit_code = code;
        self
    }

    /// The code that the process exits with.
    #[must_use]
    pub fn code(&self) -> u8 {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.problem)?;
        match &self.advice {
            Some(advice) => write!(f, "\n  help: {advice}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Failure {}
