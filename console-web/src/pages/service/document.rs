//! The document of a service: shown, checked and changed.

use admin_api::types::ServicePlan;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::Change;
use crate::components::button::{Button, Look};
use crate::components::icon::{self, icon};
use crate::model::service::document::{self, Complaint};
use crate::pages::services::change::plan_list;
use crate::pages::services::editor::Editor;
use crate::stores::use_app;

/// Properties of [`Document`].
#[derive(PartialEq, Properties)]
pub(super) struct DocumentProps {
    pub(super) name: AttrValue,
    /// The newest revision.
    pub(super) revision: u64,
    pub(super) may_change: bool,
    pub(super) on_changed: Callback<()>,
}

/// What is being edited.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Draft {
    /// As it was read.
    read: String,
    /// As it is now.
    text: String,
    /// The tag that it was read with.
    etag: String,
    /// The revision that it was read at.
    revision: u64,
}

#[component]
pub(super) fn Document(props: &DocumentProps) -> Html {
    let app = use_app();
    let draft = use_state_eq(|| None::<Draft>);
    let complaints = use_state_eq(Vec::<Complaint>::new);
    let plan = use_state_eq(|| None::<ServicePlan>);
    let is_busy = use_state_eq(|| false);
    let reads = use_state_eq(|| 0_u32);
    let is_touched = draft.as_ref().is_some_and(|draft| draft.text != draft.read);
    {
        // Read anew when it was changed elsewhere, but not under the hands of someone who types.
        let (app, draft, complaints) = (app.clone(), draft.clone(), complaints.clone());
        let (name, revision) = (props.name.clone(), props.revision);
        let wanted =
            if is_touched { draft.as_ref().map_or(0, |draft| draft.revision) } else { revision };
        use_effect_with((wanted, *reads), move |_| {
            if let Some(app) = app {
                spawn_local(async move {
                    match app.client.service_document(&name).await {
                        Ok((json, etag)) => {
                            let text = document::pretty(&json);
                            draft.set(Some(Draft { read: text.clone(), text, etag, revision }));
                            complaints.set(Vec::new());
                        }
                        Err(failure) => complaints.set(document::complaints("", &failure)),
                    }
                });
            }
        });
    }
    let Some(shown) = (*draft).clone() else {
        return html! { <p class="mo-dim" role="status">{ "Reading the document …" }</p> };
    };
    let oninput = {
        let (draft, complaints, plan, shown) =
            (draft.clone(), complaints.clone(), plan.clone(), shown.clone());
        Callback::from(move |text: String| {
            complaints.set(document::syntax(&text).into_iter().collect());
            plan.set(None);
            draft.set(Some(Draft { text, ..shown.clone() }));
        })
    };
    let discard = {
        let (draft, complaints, plan, reads) =
            (draft.clone(), complaints.clone(), plan.clone(), reads.clone());
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| {
            draft.set(Some(Draft { text: shown.read.clone(), ..shown.clone() }));
            complaints.set(Vec::new());
            plan.set(None);
            reads.set(reads.wrapping_add(1));
        })
    };
    let run = |is_dry_run: bool| {
        let (app, name, on_changed) = (app.clone(), props.name.clone(), props.on_changed.clone());
        let (draft, complaints, plan, is_busy) =
            (draft.clone(), complaints.clone(), plan.clone(), is_busy.clone());
        let shown = shown.clone();
        Callback::from(move |_: MouseEvent| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            if let Some(wrong) = document::syntax(&shown.text) {
                return complaints.set(vec![wrong]);
            }
            is_busy.set(true);
            let (draft, complaints, plan, is_busy) =
                (draft.clone(), complaints.clone(), plan.clone(), is_busy.clone());
            let (name, shown, on_changed) = (name.clone(), shown.clone(), on_changed.clone());
            spawn_local(async move {
                let change =
                    Change::Update { document: shown.text.clone(), etag: shown.etag.clone() };
                let answer = if is_dry_run {
                    app.client.plan_service_change(&name, &change).await.map(Some)
                } else {
                    app.client.change_service(&name, &change).await.map(|()| None)
                };
                is_busy.set(false);
                match answer {
                    Ok(Some(found)) => {
                        complaints.set(Vec::new());
                        plan.set(Some(found));
                    }
                    Ok(None) => {
                        app.notices.good(format!("{name} has a new document"));
                        complaints.set(Vec::new());
                        plan.set(None);
                        // Not touched any more: the new revision brings the text as it is kept.
                        draft.set(Some(Draft { read: shown.text.clone(), ..shown }));
                        on_changed.emit(());
                    }
                    Err(failure) => {
                        plan.set(None);
                        complaints.set(document::complaints(&shown.text, &failure));
                    }
                }
            });
        })
    };
    let is_outdated = is_touched && shown.revision != props.revision;
    html! {
        <div class="mo-document" data-testid="service-document">
            if is_outdated {
                <p class="mo-health mo-health--warning" role="alert">
                    { icon(icon::WARNING) }
                    <span>{ "The document was changed meanwhile. Discard your changes to see it." }</span>
                </p>
            }
            <Editor text={shown.text.clone()} {oninput} complaints={(*complaints).clone()} is_read_only={!props.may_change} />
            { plan.as_ref().map(plan_list).unwrap_or_default() }
            <div class="mo-actions">
                <Button look={Look::Primary} label="Save" testid="document-save" is_busy={*is_busy}
                    is_disabled={!is_touched || !props.may_change} onclick={run(false)} />
                <Button look={Look::Secondary} label="Check" testid="document-check"
                    is_disabled={*is_busy || !props.may_change} onclick={run(true)} />
                <Button look={Look::Secondary} label="Discard changes" testid="document-discard" is_disabled={!is_touched} onclick={discard} />
                <span class="mo-toolbar__space"></span>
                <span class="mo-dim">{ format!("Revision {}", shown.revision) }</span>
            </div>
        </div>
    }
}
