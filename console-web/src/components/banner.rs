//! [`ConnectionBanner`]: says that the system does not answer, since when, and when it is asked again.

use yew::prelude::*;

use super::button::{Button, Look};
use super::icon::{self, icon};
use crate::browser;
use crate::hooks::use_clock;
use crate::stores::use_app;

/// The banner; nothing while the system answers.
#[component]
pub fn ConnectionBanner() -> Html {
    let app = use_app();
    let is_lost = app.as_ref().is_some_and(|app| !app.connection.0.is_up());
    let now = use_clock(is_lost);
    let Some(app) = app else { return Html::default() };
    let Some(lost) = &app.connection.0.lost else { return Html::default() };
    let seconds = ((lost.retry_ms - now) / 1000.0).ceil();
    let next = if seconds >= 1.0 {
        format!("Trying again in {seconds:.0} s.")
    } else {
        "Trying again …".to_owned()
    };
    let retries = app.retries.clone();
    let onclick = Callback::from(move |_| retries.set(retries.wrapping_add(1)));
    html! {
        <div class="mo-banner" role="alert" data-testid="connection-banner">
            <span class="mo-banner__icon">{ icon(icon::OFFLINE) }</span>
            <p class="mo-banner__text">
                <strong>
                    { format!("No connection since {}. ", browser::local_time_f64(lost.since_ms)) }
                </strong>
                { "What is shown is from before. " }
                <span aria-live="off">{ next }</span>
            </p>
            <Button look={Look::Secondary} is_small=true label="Try now" testid="connection-retry" {onclick} />
        </div>
    }
}
