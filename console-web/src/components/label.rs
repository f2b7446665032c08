//! Coloured words: [`label`], and the same for a process's state and priority.

use admin_api::types::{Priority, Process, ProcessState};
use yew::prelude::*;

use crate::model::words::{self, Tone};

/// The class that colours a label.
#[must_use]
pub fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "pf-m-grey",
        Tone::Active => "pf-m-blue",
        Tone::Good => "pf-m-green",
        Tone::Warning => "pf-m-orange",
        Tone::Bad => "pf-m-red",
    }
}

/// A word on a coloured ground.
pub fn label(text: &str, tone: Tone, hint: Option<&str>) -> Html {
    html! {
        <span class={classes!("pf-v6-c-label", "pf-m-compact", tone_class(tone))}
            title={hint.map(str::to_owned)}>
            <span class="pf-v6-c-label__content">
                <span class="pf-v6-c-label__text">{ text }</span>
            </span>
        </span>
    }
}

/// A process's state.
pub fn state(state: ProcessState) -> Html {
    let (text, tone) = words::state(state);
    label(text, tone, Some(words::state_hint(state)))
}

/// A process's state and what it waits for.
pub fn state_and_detail(process: &Process) -> Html {
    state_with(process.state, process.state_detail.as_deref())
}

/// A state and what is waited for.
pub fn state_with(value: ProcessState, detail: Option<&str>) -> Html {
    html! {
        <span class="mo-state">
            { state(value) }
            if let Some(detail) = detail {
                <span class="mo-dim mo-state__detail">{ detail.to_owned() }</span>
            }
        </span>
    }
}

/// A priority: coloured only where it goes before others.
pub fn priority(value: Priority) -> Html {
    match value {
        Priority::RealTime | Priority::Critical => {
            label(words::priority(value), Tone::Warning, Some(words::priority_hint(value)))
        }
        _ => html! { <span title={words::priority_hint(value)}>{ words::priority(value) }</span> },
    }
}
