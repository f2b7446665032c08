//! Ending one program, or the programs of one service.

use admin_api::types::{EmergencyRequest, EmergencyScope, ProcessState};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{Progress, report};
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::dialog::Dialog;
use crate::components::field::TextField;
use crate::components::label;
use crate::format;
use crate::model::emergency::{parse_pid, parse_service};
use crate::pages::services::parts;
use crate::stores::App;

#[derive(PartialEq, Properties)]
pub(super) struct OneProps {
    pub(super) app: App,
    pub(super) may_change: bool,
    pub(super) words: &'static Words,
}

/// What a card says.
#[derive(PartialEq)]
pub(super) struct Words {
    scope: EmergencyScope,
    title: &'static str,
    about: &'static str,
    field: &'static str,
    example: &'static str,
    button: &'static str,
    end: &'static str,
    busy: &'static str,
    /// The id of the field, and what the other ids begin with.
    id: &'static str,
    testid: &'static str,
}

pub(super) const PROCESS: Words = Words {
    scope: EmergencyScope::Process,
    title: "End one program",
    about: "One process ends; its children go on. A zombie is taken away in its parent's place.",
    field: "Number of the process",
    example: "42",
    button: "End it",
    end: "It ends at once. It cannot save anything.",
    busy: "Ending it",
    id: "emergency-pid",
    testid: "emergency-one",
};

pub(super) const SERVICE: Words = Words {
    scope: EmergencyScope::Service,
    title: "Terminate service",
    about: "All processes of one service end, and it is not started again by itself. Services that need it stop with it.",
    field: "Name of the service",
    example: "web",
    button: "Terminate service",
    end: "All of them end at once. They cannot save anything.",
    busy: "Ending it",
    id: "emergency-name",
    testid: "emergency-service",
};

/// What is asked about before it ends.
#[derive(Clone, PartialEq)]
struct Found {
    title: String,
    state: Html,
    detail: String,
    request: EmergencyRequest,
}

async fn find_process(app: &App, typed: &str) -> Result<Found, String> {
    let pid = parse_pid(typed)?;
    let process = app.client.process(pid).await.map_err(|failure| failure.message())?;
    if process.state == ProcessState::Defunct {
        return Err(format!("{} ({pid}) is gone already.", process.name));
    }
    Ok(Found {
        title: format!("End {} ({pid})?", process.name),
        state: label::state_and_detail(&process),
        detail: format::command_line(&process.command),
        request: EmergencyRequest { scope: PROCESS.scope, pid: Some(pid), service: None },
    })
}

async fn find_service(app: &App, typed: &str) -> Result<Found, String> {
    let name = parse_service(typed)?;
    let service = app.client.service(name).await.map_err(|failure| failure.message())?;
    let processes = service.status.as_ref().map_or(0, |status| status.usage.processes);
    Ok(Found {
        title: format!("Terminate {name}?"),
        state: parts::state(&service),
        detail: match processes {
            1 => "1 process".to_owned(),
            more => format!("{more} processes"),
        },
        request: EmergencyRequest {
            scope: SERVICE.scope,
            pid: None,
            service: Some(name.to_owned()),
        },
    })
}

#[component]
pub(super) fn OneCard(props: &OneProps) -> Html {
    let words = props.words;
    let typed = use_state_eq(String::new);
    let error = use_state_eq(|| None::<AttrValue>);
    let found = use_state_eq(|| None::<Found>);
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
            let (app, typed, error, found) =
                (app.clone(), (*typed).clone(), error.clone(), found.clone());
            spawn_local(async move {
                let answer = match words.scope {
                    EmergencyScope::Service => find_service(&app, &typed).await,
                    EmergencyScope::Process | EmergencyScope::All => {
                        find_process(&app, &typed).await
                    }
                };
                match answer {
                    Ok(one) => found.set(Some(one)),
                    Err(wrong) => {
                        error.set(Some(wrong.into()));
                        crate::browser::focus_id(words.id);
                    }
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
            let Some(request) = found.as_ref().map(|one| one.request.clone()) else { return };
            found.set(None);
            progress.set(Progress::Busy);
            let (app, progress) = (app.clone(), progress.clone());
            spawn_local(async move {
                progress.set(match app.client.emergency(&request).await {
                    Ok(result) => Progress::Done(result),
                    Err(failure) => Progress::Failed(failure),
                });
            });
        })
    };
    let dialog = (*found).as_ref().map(|one| {
        let footer = html! {
            <>
                <Button look={Look::Danger} label={words.button} submits=true testid={format!("{}-confirm", words.testid)} />
                <Button look={Look::Link} label="Cancel" testid="dialog-cancel" has_focus=true
                    onclick={close.reform(|_: MouseEvent| ())} />
            </>
        };
        html! {
            <Dialog title={one.title.clone()} testid="emergency-dialog"
                onclose={close.clone()} onsubmit={confirm.clone()} {footer}>
                <p>{ one.state.clone() }</p>
                <p class={(words.scope == EmergencyScope::Process).then_some("mo-code mo-wrap")}>{ &one.detail }</p>
                <p>{ words.end }</p>
            </Dialog>
        }
    });
    html! {
        <Card title={words.title} class="mo-w-3" testid={words.testid}>
            <p>{ words.about }</p>
            <form class="mo-form" novalidate=true {onsubmit}>
                <TextField id={words.id} label={words.field} value={(*typed).clone()}
                    placeholder={words.example} error={(*error).clone()} {oninput} />
                <div>
                    <Button look={Look::Danger} label={format!("{} …", words.button)} submits=true {is_busy}
                        testid={format!("{}-submit", words.testid)} is_disabled={!props.may_change} />
                </div>
            </form>
            { report(&progress, format!("{} …", words.busy), &format!("{}-result", words.testid)) }
            { dialog }
        </Card>
    }
}
