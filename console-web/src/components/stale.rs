//! Marks what is shown as old while the system does not answer.

use yew::prelude::*;

use crate::browser;
use crate::stores::use_app;

/// Properties of [`Stale`].
#[derive(PartialEq, Properties)]
pub struct StaleProps {
    /// When the content was read; nothing if it never was.
    pub at_ms: Option<f64>,
    /// The content.
    pub children: Html,
}

/// Shows its content, greyed and with its time when it is old.
#[component]
pub fn Stale(props: &StaleProps) -> Html {
    let is_up = use_app().is_none_or(|app| app.connection.0.is_up());
    let note = props.at_ms.filter(|_| !is_up).map(|at_ms| {
        html! {
            <p class="mo-stale__note" data-testid="stale-note">
                { format!("As of {}", browser::local_time_f64(at_ms)) }
            </p>
        }
    });
    html! {
        <div class={classes!("mo-stale", (!is_up).then_some("mo-is-stale"))}>
            { note }
            { props.children.clone() }
        </div>
    }
}
