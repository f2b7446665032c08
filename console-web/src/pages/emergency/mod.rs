//! Emergencies: ending one program, one service, or all programs, whatever state they are in.

mod all;
mod one;

use admin_api::types::{EmergencyResult, Role};
use yew::prelude::*;

use crate::components::icon::{self, icon};
use crate::hooks::use_title;
use crate::model::emergency::outcome;
use crate::model::failure::Failure;
use crate::route::Route;
use crate::stores::use_app;

/// How an emergency termination stands.
#[derive(Debug, Clone, PartialEq, Default)]
enum Progress {
    /// Nothing was asked for.
    #[default]
    Idle,
    /// It is under way.
    Busy,
    /// It has come to an end.
    Done(EmergencyResult),
    /// It was refused, or its answer did not come.
    Failed(Failure),
}

/// The page.
#[component]
pub fn EmergencyPage() -> Html {
    use_title("Emergency".to_owned());
    let Some(app) = use_app() else { return Html::default() };
    let may_change = app.session.0.may(Role::Operator);
    html! {
        <div class="mo-page" data-testid="emergency">
            <header class="mo-page__head"><h1 class="mo-page__title">{ "Emergency" }</h1></header>
            <p class="mo-lead">
                { "For programs that answer to nothing else. They end at once, whatever state they are in: running, blocked, suspended, or zombies whose parent does not care. They cannot save anything. What is done here stands in the log." }
            </p>
            if !may_change {
                <p class="mo-health mo-health--warning" role="status" data-testid="emergency-role">
                    { icon(icon::WARNING) }<span>{ "This takes an operator. You may only look." }</span>
                </p>
            }
            <div class="mo-grid">
                <all::AllCard app={app.clone()} {may_change} />
                <one::OneCard app={app.clone()} {may_change} words={&one::PROCESS} />
                <one::OneCard app={app.clone()} {may_change} words={&one::SERVICE} />
            </div>
        </div>
    }
}

/// What is under way, or what came of it.
fn report(progress: &Progress, busy: String, testid: &str) -> Html {
    match progress {
        Progress::Idle => Html::default(),
        Progress::Busy => html! {
            <p class="mo-health mo-health--warning" role="status" data-testid={testid.to_owned()} data-state="busy">
                <span class="mo-spinner" aria-hidden="true"></span><span>{ busy }</span>
            </p>
        },
        Progress::Done(result) => {
            let (text, is_well) = outcome(result);
            let (class, shown) = if is_well {
                ("mo-health--good", icon::GOOD)
            } else {
                ("mo-health--bad", icon::BAD)
            };
            html! {
                <div class={classes!("mo-health", class)} role="status" data-testid={testid.to_owned()} data-state="done">
                    { icon(shown) }
                    <div>
                        <p>{ text }</p>
                        if !result.remaining_pids.is_empty() {
                            <p>{ "Still there: " }{ for result.remaining_pids.iter().map(|pid| html! {
                                <><a href={Route::Process { pid: *pid }.href()}>{ *pid }</a>{ " " }</>
                            }) }</p>
                        }
                    </div>
                </div>
            }
        }
        Progress::Failed(failure) => html! {
            <p class="mo-health mo-health--bad" role="alert" data-testid={testid.to_owned()} data-state="failed">
                { icon(icon::BAD) }<span>{ failure.message() }</span>
            </p>
        },
    }
}
