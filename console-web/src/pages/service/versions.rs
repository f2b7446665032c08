//! The last documents of a service: what changed, and the way back.

use admin_api::types::{OperationKind, Page, ServiceDifference, ServiceRevision};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::Change;
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::label::label;
use crate::hooks::use_live_poll;
use crate::model::failure::Failure;
use crate::model::words::Tone;
use crate::pages::services::change::ChangeDialog;
use crate::pages::services::parts;
use crate::stores::{App, use_app};

/// How often the list is read, besides whenever there is a new revision.
const INTERVAL_MS: u32 = 10_000;

/// Properties of [`Versions`].
#[derive(PartialEq, Properties)]
pub(super) struct VersionsProps {
    pub(super) name: AttrValue,
    /// The newest revision.
    pub(super) revision: u64,
    pub(super) may_change: bool,
    pub(super) on_changed: Callback<()>,
}

#[component]
pub(super) fn Versions(props: &VersionsProps) -> Html {
    let app = use_app();
    let known = use_state_eq(|| None::<Result<Page<ServiceRevision>, Failure>>);
    let chosen = use_state_eq(|| None::<u64>);
    let difference = use_state_eq(|| None::<Result<ServiceDifference, Failure>>);
    let is_asking = use_state_eq(|| false);
    {
        let (known, name) = (known.clone(), props.name.clone());
        use_live_poll(INTERVAL_MS, props.revision, move |app: App, wish| {
            let (known, name) = (known.clone(), name.clone());
            async move {
                let answer = app.client.service_versions(&name).await;
                let round = parts::round(&answer);
                if wish.holds() && round == crate::hooks::Round::Done {
                    known.set(Some(answer));
                }
                round
            }
        });
    }
    {
        let (app, difference, name) = (app.clone(), difference.clone(), props.name.clone());
        use_effect_with((*chosen, props.revision), move |(chosen, newest)| {
            let (chosen, newest) = (*chosen, *newest);
            if let (Some(app), Some(chosen)) = (app, chosen) {
                spawn_local(async move {
                    let answer = app.client.service_difference(&name, chosen, newest).await;
                    difference.set(Some(answer));
                });
            }
        });
    }
    let page = match &*known {
        None => return html! { <p class="mo-dim" role="status">{ "Reading …" }</p> },
        Some(Err(failure)) => return parts::problem(Some(failure)),
        Some(Ok(page)) => page,
    };
    let rows = page.items.iter().map(|one| {
        let revision = one.revision;
        let is_chosen = *chosen == Some(revision);
        let choose = {
            let (chosen, difference) = (chosen.clone(), difference.clone());
            Callback::from(move |_: MouseEvent| {
                difference.set(None);
                chosen.set(Some(revision));
            })
        };
        html! {
            <li key={revision} class={classes!("mo-version", is_chosen.then_some("mo-version--chosen"))} data-testid="version-row">
                <button type="button" class="mo-version__button" aria-pressed={if is_chosen { "true" } else { "false" }}
                    disabled={one.current} data-testid={format!("version-{revision}")} onclick={choose}>
                    <strong>{ format!("Revision {revision}") }</strong>
                    <span class="mo-dim mo-figure">{ browser::local_date_time(one.at.unix_ms()) }</span>
                    <span class="mo-dim">{ format!("version {}", one.document.version) }</span>
                    <span class="mo-dim">{ one.actor.as_ref().map_or_else(|| "of the image".to_owned(), |actor| format!("by {actor}")) }</span>
                    if one.current { { label("Current", Tone::Good, None) } }
                </button>
            </li>
        }
    });
    let comparison = match (*chosen, &*difference) {
        (None, _) => {
            html! { <p class="mo-dim">{ "Choose an earlier revision to see what has changed since." }</p> }
        }
        (Some(_), None) => html! { <p class="mo-dim" role="status">{ "Comparing …" }</p> },
        (Some(_), Some(Err(failure))) => parts::problem(Some(failure)),
        (Some(revision), Some(Ok(found))) => {
            let ask = {
                let is_asking = is_asking.clone();
                Callback::from(move |_: MouseEvent| is_asking.set(true))
            };
            html! {
                <>
                    { changes(found) }
                    <div class="mo-actions">
                        <Button look={Look::Secondary} label={format!("Roll back to revision {revision}")} testid="rollback"
                            is_disabled={!props.may_change} onclick={ask} />
                    </div>
                </>
            }
        }
    };
    let close = {
        let (is_asking, chosen, on_changed) =
            (is_asking.clone(), chosen.clone(), props.on_changed.clone());
        Callback::from(move |()| {
            is_asking.set(false);
            chosen.set(None);
            on_changed.emit(());
        })
    };
    html! {
        <div class="mo-grid">
            <Card title="Documents" class="mo-w-2"><ol class="mo-versions" data-testid="versions">{ for rows }</ol></Card>
            <Card title="Changes since" class="mo-w-4">{ comparison }</Card>
            if let Some(revision) = chosen.filter(|_| *is_asking) {
                <ChangeDialog name={props.name.clone()} kind={OperationKind::Rollback} change={Change::Rollback(revision)} onclose={close} />
            }
        </div>
    }
}

fn changes(found: &ServiceDifference) -> Html {
    if found.changes.is_empty() {
        return html! { <p class="mo-dim" data-testid="diff-none">{ "They say the same." }</p> };
    }
    let rows = found.changes.iter().map(|one| {
        let value = |value: &Option<admin_api::types::Text>, sign: &'static str, class: &'static str| {
            value.as_ref().map(|value| {
                html! { <code class={classes!("mo-diff__value", class)}><span aria-hidden="true">{ sign }</span>{ value.as_str() }</code> }
            })
        };
        html! {
            <li class="mo-diff__row" data-testid="diff-row" data-field={one.field.to_string()}>
                <span class="mo-diff__field">{ one.field.as_str() }</span>
                { for value(&one.before, "− ", "mo-diff__value--before") }
                { for value(&one.after, "+ ", "mo-diff__value--after") }
            </li>
        }
    });
    html! { <ul class="mo-diff" role="list" data-testid="diff">{ for rows }</ul> }
}
