//! The dialog that registers a service.

use admin_api::types::ServicePlan;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::change::plan_list;
use super::editor::Editor;
use crate::api::Change;
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::model::service::document::{self, Complaint, TEMPLATE};
use crate::route::Route;
use crate::stores::use_app;

/// Properties of [`RegisterDialog`].
#[derive(PartialEq, Properties)]
pub(super) struct RegisterProps {
    pub(super) onclose: Callback<()>,
}

#[component]
pub(super) fn RegisterDialog(props: &RegisterProps) -> Html {
    let app = use_app();
    let text = use_state_eq(|| TEMPLATE.to_owned());
    let complaints = use_state_eq(Vec::<Complaint>::new);
    let plan = use_state_eq(|| None::<ServicePlan>);
    let is_busy = use_state_eq(|| false);
    let oninput = {
        let (text, complaints, plan) = (text.clone(), complaints.clone(), plan.clone());
        Callback::from(move |typed: String| {
            complaints.set(document::syntax(&typed).into_iter().collect());
            plan.set(None);
            text.set(typed);
        })
    };
    let run = |is_dry_run: bool| {
        let (app, onclose) = (app.clone(), props.onclose.clone());
        let (text, complaints, plan, is_busy) =
            (text.clone(), complaints.clone(), plan.clone(), is_busy.clone());
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            let written = (*text).clone();
            if let Some(wrong) = document::syntax(&written) {
                return complaints.set(vec![wrong]);
            }
            is_busy.set(true);
            let (complaints, plan, is_busy) = (complaints.clone(), plan.clone(), is_busy.clone());
            let onclose = onclose.clone();
            spawn_local(async move {
                let name = document::name_of(&written).unwrap_or_default();
                let change = Change::Register { document: written.clone() };
                let answer = if is_dry_run {
                    app.client.plan_service_change(&name, &change).await.map(Some)
                } else {
                    app.client.change_service(&name, &change).await.map(|()| None)
                };
                match answer {
                    Ok(Some(found)) => {
                        complaints.set(Vec::new());
                        plan.set(Some(found));
                        is_busy.set(false);
                    }
                    Ok(None) => {
                        app.notices.good(format!("{name} is registered"));
                        onclose.emit(());
                        browser::go_to(&Route::Service { name });
                    }
                    Err(failure) => {
                        plan.set(None);
                        complaints.set(document::complaints(&written, &failure));
                        is_busy.set(false);
                    }
                }
            });
        })
    };
    let check = run(true).reform(|_: MouseEvent| ());
    let cancel = props.onclose.reform(|_: MouseEvent| ());
    let footer = html! {
        <>
            <Button look={Look::Primary} label="Register" submits=true is_busy={*is_busy} testid="register-submit" />
            <Button look={Look::Secondary} label="Check" testid="register-check" is_disabled={*is_busy} onclick={check} />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" onclick={cancel} />
        </>
    };
    html! {
        <Dialog title="Register a service" is_wide=true testid="register-dialog" onclose={props.onclose.clone()}
            onsubmit={run(false)} {footer}>
            <Editor text={(*text).clone()} {oninput} complaints={(*complaints).clone()} />
            { plan.as_ref().map(plan_list).unwrap_or_default() }
        </Dialog>
    }
}
