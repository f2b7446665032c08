//! The console's pages by their addresses. They stand behind `#`, so that the system serves one
//! page whatever the address.

use yew_router::prelude::*;

/// A page.
#[derive(Debug, Clone, PartialEq, Routable)]
pub enum Route {
    /// The system at a glance.
    #[at("/")]
    Overview,
    /// All processes.
    #[at("/processes")]
    Processes,
    /// One process.
    #[at("/processes/:pid")]
    Process {
        /// Its number.
        pid: u32,
    },
    /// A section of one process.
    #[at("/processes/:pid/:section")]
    ProcessSection {
        /// The process's number.
        pid: u32,
        /// The section's name.
        section: String,
    },
    /// All services.
    #[at("/services")]
    Services,
    /// The services as a graph.
    #[at("/services/graph")]
    ServiceGraph,
    /// One service.
    #[at("/services/:name")]
    Service {
        /// Its name.
        name: String,
    },
    /// A section of one service.
    #[at("/services/:name/:section")]
    ServiceSection {
        /// The service's name.
        name: String,
        /// The section's name.
        section: String,
    },
    /// Emergencies.
    #[at("/emergency")]
    Emergency,
    /// The log.
    #[at("/log")]
    Log,
    /// Any other address leads to the overview.
    #[not_found]
    #[at("/404")]
    NotFound,
}
