//! Ending all programs.

use admin_api::types::{EmergencyRequest, EmergencyScope};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::{Progress, report};
use crate::components::button::{Button, Look};
use crate::components::card::Card;
use crate::components::field::TextField;
use crate::format;
use crate::hooks::{Round, use_live_poll};
use crate::model::emergency::{PHRASE, is_confirmed};
use crate::model::failure::Failure;
use crate::stores::App;

/// How often the programs are counted, and how often while they are being ended.
const INTERVAL_MS: u32 = 2000;
const BUSY_INTERVAL_MS: u32 = 400;

#[derive(PartialEq, Properties)]
pub(super) struct CardProps {
    pub(super) app: App,
    pub(super) may_change: bool,
}

#[component]
pub(super) fn AllCard(props: &CardProps) -> Html {
    let typed = use_state_eq(String::new);
    let error = use_state_eq(|| None::<AttrValue>);
    let count = use_state_eq(|| None::<u64>);
    let progress = use_state_eq(Progress::default);
    let is_busy = *progress == Progress::Busy;
    {
        let count = count.clone();
        let interval_ms = if is_busy { BUSY_INTERVAL_MS } else { INTERVAL_MS };
        use_live_poll(interval_ms, is_busy, move |app: App, wish| {
            let count = count.clone();
            async move {
                let answer = app.client.program_count().await;
                match answer {
                    _ if !wish.holds() => Round::Finished,
                    Ok(number) => {
                        count.set(Some(number));
                        Round::Done
                    }
                    Err(Failure::SignedOut) => Round::Finished,
                    Err(_) => Round::Failed,
                }
            }
        });
    }
    let oninput = {
        let (typed, error) = (typed.clone(), error.clone());
        Callback::from(move |text: String| {
            typed.set(text);
            error.set(None);
        })
    };
    let onsubmit = {
        let (app, typed, error, progress) =
            (props.app.clone(), typed.clone(), error.clone(), progress.clone());
        let may_change = props.may_change;
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if *progress == Progress::Busy || !may_change {
                return;
            }
            if !is_confirmed(&typed) {
                error.set(Some(format!("Type “{PHRASE}” to go on.").into()));
                crate::browser::focus_id("emergency-phrase");
                return;
            }
            typed.set(String::new());
            progress.set(Progress::Busy);
            let (app, progress) = (app.clone(), progress.clone());
            spawn_local(async move {
                let request =
                    EmergencyRequest { scope: EmergencyScope::All, pid: None, service: None };
                progress.set(match app.client.emergency(&request).await {
                    Ok(result) => Progress::Done(result),
                    Err(failure) => Progress::Failed(failure),
                });
            });
        })
    };
    let concerned = match *count {
        None => "Counting the programs …".to_owned(),
        Some(0) => "No program runs now.".to_owned(),
        Some(1) => "This concerns 1 program.".to_owned(),
        Some(more) => format!("This concerns {} programs.", format::count(more)),
    };
    let busy = match *count {
        Some(left) => format!("Ending all programs: {} left …", format::count(left)),
        None => "Ending all programs …".to_owned(),
    };
    html! {
        <Card title="End all programs" class="mo-w-3" testid="emergency-all">
            <p>{ "Every program ends, at most 10 seconds from now. The threads of the kernel, this console and the admin API stay. No program can be started in the meantime." }</p>
            <p role="status" data-testid="emergency-count"><strong>{ concerned }</strong></p>
            <form class="mo-form" novalidate=true {onsubmit}>
                <TextField id="emergency-phrase" label={format!("Type “{PHRASE}” to confirm")} value={(*typed).clone()}
                    error={(*error).clone()} {oninput} />
                <div>
                    <Button look={Look::Danger} label="End all programs" submits=true {is_busy} testid="emergency-submit"
                        is_disabled={!props.may_change || !is_confirmed(&typed)} />
                </div>
            </form>
            { report(&progress, busy, "emergency-result") }
        </Card>
    }
}
