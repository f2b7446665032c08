//! Light and dark: the system's preference until the user chooses. `web/early.js` does the same
//! before the first paint, with the same key and class.

use gloo_utils::{document_element, window};
use yew::prelude::*;

use crate::browser;

const KEY: &str = "multios-theme";
const DARK_CLASS: &str = "pf-v6-theme-dark";

/// A theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Theme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Light => Self::Dark,
            Self::Dark => Self::Light,
        }
    }
}

fn chosen() -> Option<Theme> {
    match browser::storage()?.get_item(KEY).ok().flatten()?.as_str() {
        "dark" => Some(Theme::Dark),
        "light" => Some(Theme::Light),
        _ => None,
    }
}

fn preferred() -> Theme {
    let query = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
    if query.is_some_and(|query| query.matches()) { Theme::Dark } else { Theme::Light }
}

fn apply(theme: Theme) {
    // The element has no other class.
    document_element().set_class_name(if theme == Theme::Dark { DARK_CLASS } else { "" });
}

/// The theme, and what changes and remembers it.
#[hook]
pub fn use_theme() -> (Theme, Callback<Theme>) {
    let theme = use_state_eq(|| chosen().unwrap_or_else(preferred));
    {
        let theme = theme.clone();
        use_effect_with((), move |()| {
            let query = window().match_media("(prefers-color-scheme: dark)").ok().flatten();
            let listener = query.map(|query| {
                gloo_events::EventListener::new(&query, "change", move |_| {
                    if chosen().is_none() {
                        apply(preferred());
                        theme.set(preferred());
                    }
                })
            });
            || drop(listener)
        });
    }
    let set = {
        let theme = theme.clone();
        Callback::from(move |wanted: Theme| {
            if let Some(storage) = browser::storage() {
                // A full or denied storage forgets the choice with the page.
                let _ = storage.set_item(KEY, wanted.name());
            }
            apply(wanted);
            theme.set(wanted);
        })
    };
    (*theme, set)
}
