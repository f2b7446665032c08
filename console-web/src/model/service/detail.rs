//! One service and how its figures went: [`ServiceDetail`].

use admin_api::types::{Service, ServiceExplanation};

use crate::model::failure::Failure;
use crate::series::Series;

const KEPT: usize = 300;

/// What is known of one service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceDetail {
    /// The newest figures.
    pub service: Option<Service>,
    /// Why it is as it is.
    pub explanation: Option<ServiceExplanation>,
    /// When they were read.
    pub at_ms: f64,
    /// What the last request ran into.
    pub failure: Option<Failure>,
    /// CPU time of one CPU, in percent.
    pub cpu: Series,
    /// Memory, in bytes.
    pub memory: Series,
}

impl Default for ServiceDetail {
    fn default() -> Self {
        Self {
            service: None,
            explanation: None,
            at_ms: 0.0,
            failure: None,
            cpu: Series::new(KEPT),
            memory: Series::new(KEPT),
        }
    }
}

/// What was read, and when.
pub type Reading = (f64, Result<(Service, Option<ServiceExplanation>), Failure>);

impl ServiceDetail {
    /// Takes in an answer. What was known stays when there is none.
    #[must_use]
    pub fn with(&self, (at_ms, answer): Reading) -> Self {
        let mut next = self.clone();
        match answer {
            Ok((service, explanation)) => {
                if let Some(status) = &service.status {
                    next.cpu.push(at_ms, status.usage.cpu.percent.as_f64());
                    next.memory.push(at_ms, status.usage.memory_bytes as f64);
                }
                next.service = Some(service);
                next.explanation = explanation;
                next.at_ms = at_ms;
                next.failure = None;
            }
            Err(failure) => next.failure = Some(failure),
        }
        next
    }
}

/// One quota: what it is, how much is used, how much may be, both as text, and the share in percent.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// What it is.
    pub name: &'static str,
    /// Used.
    pub used: String,
    /// Allowed; nothing without a limit.
    pub limit: Option<String>,
    /// How much of the limit is used.
    pub percent: Option<f64>,
}

/// Usage against quota, whatever of it is measured at one moment.
#[must_use]
pub fn quotas(service: &Service) -> Vec<Quota> {
    let Some(status) = &service.status else { return Vec::new() };
    let (usage, limits) = (&status.usage, &service.limits);
    let share = |used: f64, limit: f64| if limit > 0.0 { used / limit * 100.0 } else { 0.0 };
    let count = |name, used: u32, limit: Option<u32>| Quota {
        name,
        used: crate::format::count(used.into()),
        limit: limit.map(|limit| crate::format::count(limit.into())),
        percent: limit.map(|limit| share(used.into(), limit.into())),
    };
    let cpu = usage.cpu.percent.as_f64();
    vec![
        Quota {
            name: "Memory",
            used: crate::format::bytes(usage.memory_bytes),
            limit: limits.memory_bytes.map(crate::format::bytes),
            percent: limits
                .memory_bytes
                .map(|limit| share(usage.memory_bytes as f64, limit as f64)),
        },
        Quota {
            name: "CPU",
            used: crate::format::percent(cpu),
            limit: limits.cpu_percent.map(|limit| format!("{limit} %")),
            percent: limits.cpu_percent.map(|limit| share(cpu, limit.into())),
        },
        count("Processes", usage.processes, limits.processes),
        count("Open files", usage.open_files, limits.open_files),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_what_was_known() {
        let service = Service::named("x".into());
        let known = ServiceDetail::default().with((1.0, Ok((service, None))));
        let failed = known.with((2.0, Err(Failure::SignedOut)));
        assert_eq!(failed.service, known.service);
        assert_eq!((failed.at_ms, failed.failure.is_some()), (1.0, true));
        assert!(quotas(failed.service.as_ref().unwrap()).is_empty());
    }
}
