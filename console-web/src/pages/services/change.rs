//! The questions before a service is changed, with what the change would do.

use admin_api::types::{OperationKind, ServicePlan};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::parts;
use crate::api::Change;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::TextField;
use crate::components::icon::{self, icon};
use crate::model::failure::Failure;
use crate::model::service::words;
use crate::stores::use_app;

/// Properties of [`ChangeDialog`].
#[derive(PartialEq, Properties)]
pub struct ChangeProps {
    /// The service.
    pub name: AttrValue,
    /// What is done.
    pub kind: OperationKind,
    /// How.
    pub change: Change,
    /// Closes it.
    pub onclose: Callback<()>,
}

/// Asks before a change, and shows its plan.
#[component]
pub fn ChangeDialog(props: &ChangeProps) -> Html {
    let app = use_app();
    let plan = use_state_eq(|| None::<Result<ServicePlan, Failure>>);
    let is_busy = use_state_eq(|| false);
    {
        let (app, plan) = (app.clone(), plan.clone());
        use_effect_with((props.name.clone(), props.change.clone()), move |(name, change)| {
            let (name, change) = (name.clone(), change.clone());
            if let Some(app) = app {
                spawn_local(async move {
                    plan.set(Some(app.client.plan_service_change(&name, &change).await));
                });
            }
        });
    }
    let (verb, done) = words::change(props.kind);
    let onsubmit = {
        let (is_busy, onclose) = (is_busy.clone(), props.onclose.clone());
        let (name, change) = (props.name.clone(), props.change.clone());
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            is_busy.set(true);
            let (name, change, onclose) = (name.clone(), change.clone(), onclose.clone());
            spawn_local(async move {
                match app.client.change_service(&name, &change).await {
                    Ok(()) => app.notices.good(format!("{name} {done}")),
                    Err(failure) => app.notices.failed(verb, &failure),
                }
                onclose.emit(());
            });
        })
    };
    let is_danger = matches!(
        props.kind,
        OperationKind::Stop | OperationKind::Disable | OperationKind::Unregister
    );
    let look = if is_danger { Look::Danger } else { Look::Primary };
    let is_refused = matches!(&*plan, Some(Err(_)));
    let body = match &*plan {
        None => html! { <p class="mo-dim" role="status">{ "Working out what that means …" }</p> },
        Some(Err(failure)) => parts::problem(Some(failure)),
        Some(Ok(plan)) => plan_list(plan),
    };
    let cancel = props.onclose.reform(|_: MouseEvent| ());
    let footer = html! {
        <>
            <Button {look} label={verb} submits=true is_busy={*is_busy} is_disabled={is_refused} testid="change-confirm" />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" has_focus={is_danger} onclick={cancel} />
        </>
    };
    html! {
        <Dialog title={format!("{verb} {}?", props.name)} testid="change-dialog" onclose={props.onclose.clone()} {onsubmit} {footer}>
            { body }
        </Dialog>
    }
}

/// The steps of a plan, those of one level together.
pub fn plan_list(plan: &ServicePlan) -> Html {
    let warnings = plan.warnings.iter().map(|warning| {
        html! {
            <p class="mo-health mo-health--warning">{ icon(icon::WARNING) }<span>{ warning.as_str() }</span></p>
        }
    });
    let steps = plan.steps.iter().map(|step| {
        html! {
            <li class="mo-plan__step">
                <span class="mo-plan__level mo-figure">{ step.level + 1 }</span>
                <span><strong>{ words::action(step.action) }{ " " }{ step.service.as_str() }</strong>
                    <span class="mo-dim">{ format!(" – {}", step.reason) }</span></span>
            </li>
        }
    });
    html! {
        <div class="mo-plan" data-testid="plan">
            { for warnings }
            if plan.steps.is_empty() {
                <p class="mo-dim">{ "Nothing has to be done." }</p>
            } else {
                <ol class="mo-plan__list">{ for steps }</ol>
            }
        </div>
    }
}

/// Properties of [`ScaleDialog`].
#[derive(PartialEq, Properties)]
pub struct ScaleProps {
    /// The service.
    pub name: AttrValue,
    /// How many there are now.
    pub count: u32,
    /// Closes it.
    pub onclose: Callback<()>,
}

/// Asks how many instances are wanted.
#[component]
pub fn ScaleDialog(props: &ScaleProps) -> Html {
    let app = use_app();
    let text = use_state_eq(|| props.count.to_string());
    let error = use_state_eq(|| None::<AttrValue>);
    let is_busy = use_state_eq(|| false);
    let onsubmit = {
        let (text, error, is_busy) = (text.clone(), error.clone(), is_busy.clone());
        let (name, onclose) = (props.name.clone(), props.onclose.clone());
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            let Ok(count) = text.trim().parse::<u32>() else {
                return error.set(Some("A whole number from 1 to 1024.".into()));
            };
            is_busy.set(true);
            let (error, is_busy) = (error.clone(), is_busy.clone());
            let (name, onclose) = (name.clone(), onclose.clone());
            spawn_local(async move {
                match app.client.change_service(&name, &Change::Scale(count)).await {
                    Ok(()) => {
                        let word = if count == 1 { "instance" } else { "instances" };
                        app.notices.good(format!("{name} gets {count} {word}"));
                        onclose.emit(());
                    }
                    Err(failure) => {
                        is_busy.set(false);
                        error.set(Some(failure.message().into()));
                    }
                }
            });
        })
    };
    let step = |by: i64| {
        let text = text.clone();
        let next = text.trim().parse::<i64>().unwrap_or(1).saturating_add(by).clamp(1, 1024);
        Callback::from(move |_: MouseEvent| text.set(next.to_string()))
    };
    let oninput = {
        let (text, error) = (text.clone(), error.clone());
        Callback::from(move |typed: String| {
            text.set(typed);
            error.set(None);
        })
    };
    let footer = html! {
        <>
            <Button look={Look::Primary} label="Change" submits=true is_busy={*is_busy} testid="scale-confirm" />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" onclick={props.onclose.reform(|_: MouseEvent| ())} />
        </>
    };
    html! {
        <Dialog title={format!("Instances of {}", props.name)} testid="scale-dialog" onclose={props.onclose.clone()} {onsubmit} {footer}>
            <TextField id="scale-count" label="How many run" value={(*text).clone()} has_focus=true
                hint="While they change, the port in front of them stays open." error={(*error).clone()} {oninput} />
            <div class="mo-actions">
                <Button label="One less" testid="scale-less" is_small=true onclick={step(-1)} />
                <Button label="One more" testid="scale-more" is_small=true onclick={step(1)} />
            </div>
        </Dialog>
    }
}
