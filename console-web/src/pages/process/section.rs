//! The sections of a process's page, and the way between them.

use yew::prelude::*;

use crate::route::Route;

/// A section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Output,
    Threads,
    Files,
    Memory,
    Signals,
    Children,
}

impl Section {
    const ALL: [Self; 7] = [
        Self::Overview,
        Self::Output,
        Self::Threads,
        Self::Files,
        Self::Memory,
        Self::Signals,
        Self::Children,
    ];

    /// Its name in the address.
    fn name(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Output => "output",
            Self::Threads => "threads",
            Self::Files => "files",
            Self::Memory => "memory",
            Self::Signals => "signals",
            Self::Children => "children",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Output => "Output",
            Self::Threads => "Threads",
            Self::Files => "Files",
            Self::Memory => "Memory map",
            Self::Signals => "Signals",
            Self::Children => "Children",
        }
    }

    /// The section of this name; one that is unknown is the first.
    pub(super) fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|section| section.name() == name).unwrap_or(Self::Overview)
    }

    fn route(self, pid: u32) -> Route {
        match self {
            Self::Overview => Route::Process { pid },
            other => Route::ProcessSection { pid, section: other.name().to_owned() },
        }
    }
}

/// Links to all sections.
pub(super) fn links(pid: u32, current: Section) -> Html {
    let items = Section::ALL.into_iter().map(|section| {
        let is_current = section == current;
        let class = classes!("mo-tabs__link", is_current.then_some("mo-tabs__link--current"));
        let testid = if section == Section::Overview { "overview" } else { section.name() };
        html! {
            <li aria-current={is_current.then_some("page")} data-testid={format!("section-{testid}")}>
                <a href={section.route(pid).href()} {class}>{ section.title() }</a>
            </li>
        }
    });
    html! {
        <nav class="mo-tabs" aria-label="Sections of this process">
            <ul class="mo-tabs__list">{ for items }</ul>
        </nav>
    }
}
