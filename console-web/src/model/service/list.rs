//! The list of services: what is known, what is shown, in which order.

use admin_api::types::{HealthState, Page, Service, ServiceState};

use crate::model::failure::Failure;

/// What the list is ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortKey {
    /// Those that need attention first, then by name.
    #[default]
    Attention,
    /// The name.
    Name,
    /// Memory, the largest first.
    Memory,
    /// CPU time of late, the largest first.
    Cpu,
    /// Restarts, the most first.
    Restarts,
}

/// What is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct View {
    /// What the name, the description or a tag contains.
    pub text: String,
    /// The state; any if there is none.
    pub state: Option<ServiceState>,
    /// The order.
    pub sort: SortKey,
}

/// The services.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ServiceList {
    /// What was read; nothing before the first answer.
    pub page: Option<Page<Service>>,
    /// When.
    pub at_ms: f64,
    /// What the last request ran into.
    pub failure: Option<Failure>,
}

impl ServiceList {
    /// Takes in an answer. What was known stays when there is none.
    #[must_use]
    pub fn with(&self, (at_ms, answer): (f64, Result<Page<Service>, Failure>)) -> Self {
        match answer {
            Ok(page) => Self { page: Some(page), at_ms, failure: None },
            Err(failure) => Self { failure: Some(failure), ..self.clone() },
        }
    }

    /// How many are in each state, of those that have any.
    #[must_use]
    pub fn counts(&self) -> Vec<(ServiceState, usize)> {
        let items = self.page.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
        let count = |state| items.iter().filter(|one| state_of(one) == state).count();
        let counts = ServiceState::ALL.iter().map(|state| (*state, count(*state)));
        counts.filter(|(_, count)| *count > 0).collect()
    }

    /// Those that are shown, in order.
    #[must_use]
    pub fn shown(&self, view: &View) -> Vec<&Service> {
        let items = self.page.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
        let text = view.text.trim().to_ascii_lowercase();
        let mut shown: Vec<&Service> = items
            .iter()
            .filter(|one| view.state.is_none_or(|state| state_of(one) == state))
            .filter(|one| {
                text.is_empty()
                    || one.name.contains(&text)
                    || one.description.to_ascii_lowercase().contains(&text)
                    || one.tags.iter().any(|tag| tag.to_ascii_lowercase().contains(&text))
            })
            .collect();
        // Equal ones stay in the order of their names, as they came.
        shown.sort_by_key(|one| {
            let status = one.status.as_ref();
            let falling = |value: u64| u64::MAX - value;
            match view.sort {
                SortKey::Attention => urgency(one),
                SortKey::Name => 0,
                SortKey::Memory => falling(status.map_or(0, |status| status.usage.memory_bytes)),
                SortKey::Cpu => {
                    falling(status.map_or(0, |status| status.usage.cpu.percent.0.into()))
                }
                SortKey::Restarts => falling(status.map_or(0, |status| status.restarts)),
            }
        });
        shown
    }
}

/// The state of a service; one without a status is stopped.
#[must_use]
pub fn state_of(service: &Service) -> ServiceState {
    service.status.as_ref().map_or(ServiceState::Stopped, |status| status.state)
}

fn urgency(service: &Service) -> u64 {
    let health = service.status.as_ref().map(|status| status.health);
    match state_of(service) {
        ServiceState::Failed => 0,
        _ if health == Some(HealthState::Unhealthy) => 1,
        ServiceState::Starting | ServiceState::Stopping => 2,
        ServiceState::Paused => 3,
        ServiceState::Running => 4,
        ServiceState::Stopped => 5,
        ServiceState::Disabled => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::ServiceStatus;

    fn service(name: &'static str, state: ServiceState, memory_bytes: u64) -> Service {
        let mut service = Service::named(name.into());
        let mut status: ServiceStatus = serde_json::from_str(
            r#"{"state":"running","detail":null,"since":"2026-01-01T00:00:00Z","health":"unknown",
            "ready_instances":0,"instances":[],"restarts":0,"last_exit":null,"last_exit_at":null,"last_exit_reason":null,
            "applied_revision":null,"operation":null,"usage":{"processes":0,
            "cpu":{"user_ns":0,"system_ns":0,"total_ns":0,"percent":0},"memory_bytes":0,
            "peak_memory_bytes":0,"io":{"read_bytes":0,"written_bytes":0,"read_operations":0,
            "write_operations":0},"open_files":0}}"#,
        )
        .unwrap();
        status.state = state;
        status.usage.memory_bytes = memory_bytes;
        service.status = Some(status);
        service
    }

    fn list() -> ServiceList {
        let items = vec![
            service("data", ServiceState::Running, 5),
            service("report", ServiceState::Failed, 0),
            service("slow", ServiceState::Starting, 7),
            service("web", ServiceState::Running, 9),
        ];
        let page = Page { items, next_cursor: None, total: 4 };
        ServiceList::default().with((1.0, Ok(page)))
    }

    fn names(list: &ServiceList, view: &View) -> Vec<String> {
        list.shown(view).iter().map(|one| one.name.to_string()).collect()
    }

    #[test]
    fn what_needs_attention_comes_first() {
        let list = list();
        assert_eq!(names(&list, &View::default()), ["report", "slow", "data", "web"]);
        let by_memory = View { sort: SortKey::Memory, ..View::default() };
        assert_eq!(names(&list, &by_memory), ["web", "slow", "data", "report"]);
        let some = View { state: Some(ServiceState::Running), text: "W".into(), ..View::default() };
        assert_eq!(names(&list, &some), ["web"]);
        let counts = list.counts();
        assert!(counts.contains(&(ServiceState::Running, 2)) && counts.len() == 3);
    }

    #[test]
    fn a_failure_leaves_what_was_known() {
        let failed = list().with((2.0, Err(Failure::Unreachable("x".into()))));
        assert_eq!(failed.shown(&View::default()).len(), 4);
        assert!(failed.failure.is_some());
        assert_eq!(failed.at_ms, 1.0);
    }
}
