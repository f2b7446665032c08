//! Ending one program.

use admin_api::types::{EmergencyRequest, EmergencyScope, Process};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::all::CardProps;
use super::{Progress, report};
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::dialog::Dialog;
use crate::components::field::TextField;
use crate::components::label;
use crate::format;
use crate::model::emergency::parse_pid;

#[component]
pub(super) fn OneCard(props: &CardProps) -> Html {
    let typed = use_state_eq(String::new);
    let error = use_state_eq(|| None::<AttrValue>);
    let found = use_state_eq(|| None::<Process>);
    let progress = use_state_eq(Progress::default);
    let is_busy = *progress == Progress::Busy;
    let oninput = {
        let (typed, error) = (typed.clone(), error.clone());
        Callback::from(move |text: String| {
            typed.set(text);
            error.set(None);
        })
    };
    let onsubmit = {
        let (app, typed, error, found) =
            (props.app.clone(), typed.clone(), error.clone(), found.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let pid = match parse_pid(&typed) {
                Ok(pid) => pid,
                Err(wrong) => {
                    error.set(Some(wrong.into()));
                    return crate::browser::focus_id("emergency-pid");
                }
            };
            let (app, error, found) = (app.clone(), error.clone(), found.clone());
            spawn_local(async move {
                match app.client.process(pid).await {
                    Ok(process)
                        if process.ended_at.is_some()
                            && process.exit.is_some()
                            && process.state == admin_api::types::ProcessState::Defunct =>
                    {
                        error
                            .set(Some(format!("{} ({pid}) is gone already.", process.name).into()));
                    }
                    Ok(process) => found.set(Some(process)),
                    Err(failure) => error.set(Some(failure.message().into())),
                }
            });
        })
    };
    let close = {
        let found = found.clone();
        Callback::from(move |()| found.set(None))
    };
    let confirm = {
        let (app, found, progress) = (props.app.clone(), found.clone(), progress.clone());
        Callback::from(move |()| {
            let Some(pid) = found.as_ref().map(|process| process.pid) else { return };
            found.set(None);
            progress.set(Progress::Busy);
            let (app, progress) = (app.clone(), progress.clone());
            spawn_local(async move {
                let request = EmergencyRequest {
                    scope: EmergencyScope::Process,
                    pid: Some(pid),
                    service: None,
                };
                progress.set(match app.client.emergency(&request).await {
                    Ok(result) => Progress::Done(result),
                    Err(failure) => Progress::Failed(failure),
                });
            });
        })
    };
    let dialog = (*found).as_ref().map(|process| {
        let footer = html! {
            <>
                <Button look={Look::Danger} label="End it" submits=true testid="emergency-one-confirm" />
                <Button look={Look::Link} label="Cancel" testid="dialog-cancel" has_focus=true
                    onclick={close.reform(|_: MouseEvent| ())} />
            </>
        };
        html! {
            <Dialog title={format!("End {} ({})?", process.name, process.pid)} testid="emergency-dialog"
                onclose={close.clone()} onsubmit={confirm.clone()} {footer}>
                <p>{ label::state_and_detail(process) }</p>
                <p class="mo-code mo-wrap">{ format::command_line(&process.command) }</p>
                <p>{ "It ends at once. It cannot save anything." }</p>
            </Dialog>
        }
    });
    html! {
        <Card title="End one program" class="mo-w-3" testid="emergency-one">
            <p>{ "One process ends; its children go on. A zombie is taken away in its parent's place." }</p>
            <form class="mo-form" novalidate=true {onsubmit}>
                <TextField id="emergency-pid" label="Number of the process" value={(*typed).clone()}
                    placeholder="42" error={(*error).clone()} {oninput} />
                <div>
                    <Button look={Look::Danger} label="End it …" submits=true {is_busy} testid="emergency-one-submit"
                        is_disabled={!props.may_change} />
                </div>
            </form>
            { report(&progress, "Ending it …".to_owned(), "emergency-one-result") }
            { dialog }
        </Card>
    }
}
