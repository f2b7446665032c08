//! What the pages of services have in common.

use admin_api::types::{HealthState, Service, ServiceState};
use yew::prelude::*;

use crate::components::icon::{self, icon};
use crate::components::label::label;
use crate::hooks::Round;
use crate::model::failure::Failure;
use crate::model::service::list::state_of;
use crate::model::service::words;
use crate::model::words::Tone;

/// How a poll goes on after an answer.
pub fn round<T>(answer: &Result<T, Failure>) -> Round {
    match answer {
        Err(Failure::Unreachable(_)) => Round::Failed,
        Err(Failure::SignedOut) => Round::Finished,
        _ => Round::Done,
    }
}

/// A tone as the end of a class's name.
pub fn tone_name(tone: Tone) -> &'static str {
    match tone {
        Tone::Neutral => "neutral",
        Tone::Active => "active",
        Tone::Good => "good",
        Tone::Warning => "warning",
        Tone::Bad => "bad",
    }
}

/// What a request was refused for; a lost connection is shown by the shell.
pub fn problem(failure: Option<&Failure>) -> Html {
    match failure {
        Some(failure @ (Failure::Refused(_) | Failure::Malformed(_))) => html! {
            <p class="mo-health mo-health--bad" role="alert">
                { icon(icon::BAD) }<span>{ failure.message() }</span>
            </p>
        },
        _ => Html::default(),
    }
}

/// A service's state; with its health where that says more.
pub fn state(service: &Service) -> Html {
    let value = state_of(service);
    let (text, tone) = words::state(value);
    let health = service.status.as_ref().map(|status| status.health);
    let is_worse = value == ServiceState::Running && health == Some(HealthState::Unhealthy);
    html! {
        <span class="mo-state">
            { label(text, tone, None) }
            if is_worse {
                { label("Unhealthy", Tone::Bad, None) }
            }
        </span>
    }
}

/// How many instances are ready of how many, with a dot for each when there are few.
pub fn instances(service: &Service) -> Html {
    const FEW: usize = 8;
    if service.group.is_some() {
        return html! { <span class="mo-dim">{ "–" }</span> };
    }
    let all = service.status.as_ref().map(|status| status.instances.as_slice());
    let all = all.unwrap_or_default();
    let ready = all.iter().filter(|one| one.ready).count();
    let dots = all.iter().take(FEW).map(|one| {
        let tone = if one.state == admin_api::types::InstanceState::Running && !one.ready {
            Tone::Bad
        } else {
            words::instance(one.state).1
        };
        html! { <i class={format!("mo-dot mo-dot--{}", tone_name(tone))}></i> }
    });
    html! {
        <span class="mo-instances">
            <span class="mo-figure">{ format!("{ready} / {}", service.instances) }</span>
            <span class="mo-instances__dots" aria-hidden="true">{ for dots }</span>
        </span>
    }
}
