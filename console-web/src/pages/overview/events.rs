//! What happened of late.

use admin_api::types::{Event, EventKind};
use yew::prelude::*;

use crate::browser;
use crate::components::card::Card;
use crate::components::label::label;
use crate::model::words;
use crate::route::Route;
use crate::stores::use_app;

/// So many are shown.
const SHOWN: usize = 12;

#[component]
pub(super) fn EventCard() -> Html {
    let Some(app) = use_app() else { return Html::default() };
    let events = &app.events.0;
    let body = if events.is_empty() {
        html! { <p class="mo-dim">{ "Nothing has happened since the console was opened." }</p> }
    } else {
        html! {
            <ol class="mo-events" data-testid="events">
                { for events.iter().take(SHOWN).map(row) }
            </ol>
        }
    };
    html! { <Card title="Recent events" class="mo-w-4">{ body }</Card> }
}

fn row(event: &Event) -> Html {
    let (text, tone) = words::event(event.kind);
    let message = match event.pid {
        None if event.service.is_some() => {
            let name = event.service.as_ref().map(ToString::to_string).unwrap_or_default();
            html! {
                <a href={Route::Service { name }.href()} class="mo-events__link">{ event.message.as_str() }</a>
            }
        }
        // Who has been reaped long ago is still in the history; the page says so if not.
        Some(pid) if event.kind != EventKind::SessionChanged => html! {
            <a href={Route::Process { pid }.href()} class="mo-events__link">{ event.message.as_str() }</a>
        },
        _ => html! { <span>{ event.message.as_str() }</span> },
    };
    html! {
        <li class="mo-events__row" key={event.sequence}>
            <time class="mo-dim mo-figure">{ browser::local_time(event.at.unix_ms()) }</time>
            <span class="mo-events__kind">{ label(text, tone, None) }</span>
            <span class="mo-events__text">
                { message }
                if let Some(actor) = event.actor.as_ref().filter(|actor| !event.message.contains(actor.as_str())) {
                    <span class="mo-dim">{ format!(" by {actor}") }</span>
                }
            </span>
        </li>
    }
}
