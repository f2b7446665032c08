//! The console's pages by their addresses. They stand behind `#`, so that the system serves one
//! page whatever the address, and so that a link is a plain `<a>`: the browser follows it itself.

use std::fmt;

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// The system at a glance; any unknown address leads here.
    Overview,
    /// All processes.
    Processes,
    /// One process.
    Process {
        /// Its number.
        pid: u32,
    },
    /// A section of one process.
    ProcessSection {
        /// The process's number.
        pid: u32,
        /// The section's name.
        section: String,
    },
    /// All services.
    Services,
    /// The services as a graph.
    ServiceGraph,
    /// One service.
    Service {
        /// Its name.
        name: String,
    },
    /// A section of one service.
    ServiceSection {
        /// The service's name.
        name: String,
        /// The section's name.
        section: String,
    },
    /// Emergencies.
    Emergency,
    /// The log.
    Log,
}

impl Route {
    /// The page of an address's fragment, with or without its `#`.
    #[must_use]
    pub fn of_fragment(fragment: &str) -> Self {
        let mut parts = fragment.trim_start_matches('#').split('/').filter(|part| !part.is_empty());
        let (first, second, third) = (parts.next(), parts.next(), parts.next());
        if parts.next().is_some() {
            return Self::Overview;
        }
        match (first, second, third) {
            (Some("processes"), None, None) => Self::Processes,
            (Some("processes"), Some(pid), section) => match (pid.parse(), section) {
                (Ok(pid), None) => Self::Process { pid },
                (Ok(pid), Some(section)) => Self::ProcessSection { pid, section: section.into() },
                (Err(_), _) => Self::Overview,
            },
            (Some("services"), None, None) => Self::Services,
            (Some("services"), Some("graph"), None) => Self::ServiceGraph,
            (Some("services"), Some(name), None) => Self::Service { name: name.into() },
            (Some("services"), Some(name), Some(section)) => {
                Self::ServiceSection { name: name.into(), section: section.into() }
            }
            (Some("emergency"), None, None) => Self::Emergency,
            (Some("log"), None, None) => Self::Log,
            _ => Self::Overview,
        }
    }

    /// The address to link to: the fragment with its `#`.
    #[must_use]
    pub fn href(&self) -> String {
        self.to_string()
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overview => f.write_str("#/"),
            Self::Processes => f.write_str("#/processes"),
            Self::Process { pid } => write!(f, "#/processes/{pid}"),
            Self::ProcessSection { pid, section } => write!(f, "#/processes/{pid}/{section}"),
            Self::Services => f.write_str("#/services"),
            Self::ServiceGraph => f.write_str("#/services/graph"),
            Self::Service { name } => write!(f, "#/services/{name}"),
            Self::ServiceSection { name, section } => write!(f, "#/services/{name}/{section}"),
            Self::Emergency => f.write_str("#/emergency"),
            Self::Log => f.write_str("#/log"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_found_at_its_own_address() {
        let name = || "web.front".to_owned();
        let section = || "output".to_owned();
        for route in [
            Route::Overview,
            Route::Processes,
            Route::Process { pid: 7 },
            Route::ProcessSection { pid: 7, section: section() },
            Route::Services,
            Route::ServiceGraph,
            Route::Service { name: name() },
            Route::ServiceSection { name: name(), section: section() },
            Route::Emergency,
            Route::Log,
        ] {
            assert_eq!(Route::of_fragment(&route.href()), route);
        }
    }

    #[test]
    fn an_unknown_address_leads_to_the_overview() {
        for fragment in ["", "#", "#/x", "#/processes/x", "#/processes/-1", "#/log/x", "#/a/b/c/d"]
        {
            assert_eq!(Route::of_fragment(fragment), Route::Overview, "{fragment}");
        }
        assert_eq!(Route::of_fragment("#/services/"), Route::Services);
    }
}
