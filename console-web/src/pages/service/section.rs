//! The sections of a service's page, and the way between them.

use yew::prelude::*;

use crate::route::Route;

/// A section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Overview,
    Health,
    Output,
    Dependencies,
    Document,
    Versions,
}

impl Section {
    const ALL: [Self; 6] = [
        Self::Overview,
        Self::Health,
        Self::Output,
        Self::Dependencies,
        Self::Document,
        Self::Versions,
    ];

    /// Its name in the address, and its title.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Overview => ("", "Overview"),
            Self::Health => ("health", "Health"),
            Self::Output => ("output", "Output"),
            Self::Dependencies => ("dependencies", "Dependencies"),
            Self::Document => ("document", "Document"),
            Self::Versions => ("versions", "Versions"),
        }
    }

    /// The section of this name; one that is unknown is the first.
    pub(super) fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|section| section.words().0 == name).unwrap_or(Self::Overview)
    }
}

/// Links to all sections.
pub(super) fn links(name: &str, current: Section) -> Html {
    let items = Section::ALL.into_iter().map(|section| {
        let is_current = section == current;
        let class = classes!("mo-tabs__link", is_current.then_some("mo-tabs__link--current"));
        let (word, title) = section.words();
        let name = name.to_owned();
        let to = if word.is_empty() {
            Route::Service { name }
        } else {
            Route::ServiceSection { name, section: word.to_owned() }
        };
        let testid = if word.is_empty() { "overview" } else { word };
        html! {
            <li aria-current={is_current.then_some("page")} data-testid={format!("section-{testid}")}>
                <a href={to.href()} {class}>{ title }</a>
            </li>
        }
    });
    html! {
        <nav class="mo-tabs" aria-label="Sections of this service">
            <ul class="mo-tabs__list">{ for items }</ul>
        </nav>
    }
}
