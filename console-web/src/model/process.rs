//! One process in detail and how its figures went: [`Detail`].

use admin_api::types::Process;

use super::failure::Failure;
use crate::series::Series;

const KEPT: usize = 300;

/// What is known of one process.
#[derive(Debug, Clone, PartialEq)]
pub struct Detail {
    /// The newest figures.
    pub process: Option<Process>,
    /// When they were read.
    pub at_ms: f64,
    /// What the last request ran into.
    pub failure: Option<Failure>,
    /// CPU time of one CPU, in percent.
    pub cpu: Series,
    /// Memory, in bytes.
    pub memory: Series,
}

impl Default for Detail {
    fn default() -> Self {
        Self {
            process: None,
            at_ms: 0.0,
            failure: None,
            cpu: Series::new(KEPT),
            memory: Series::new(KEPT),
        }
    }
}

impl Detail {
    /// Takes in an answer. What was known stays when there is none.
    #[must_use]
    pub fn with(&self, at_ms: f64, answer: Result<Process, Failure>) -> Self {
        let mut next = self.clone();
        match answer {
            Ok(process) => {
                // A process that has ended measures nothing any more.
                if process.ended_at.is_none() {
                    next.cpu.push(at_ms, process.usage.cpu.percent.as_f64());
                    next.memory.push(at_ms, process.usage.memory.current_bytes as f64);
                }
                next.process = Some(process);
                next.at_ms = at_ms;
                next.failure = None;
            }
            Err(failure) => next.failure = Some(failure),
        }
        next
    }
}
