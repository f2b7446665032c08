//! What can be done to a process, as a menu; used by the list and by the process's own page.

use admin_api::types::{Isolation, Process, ProcessState};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::dialogs::{SettingsDialog, SignalDialog, TerminateDialog};
use super::limits::LimitsDialog;
use crate::components::icon;
use crate::components::menu::{Command, Menu};
use crate::model::words;
use crate::stores::{App, use_app};

/// Properties of [`ProcessActions`].
#[derive(PartialEq, Properties)]
pub struct ProcessActionsProps {
    /// The process.
    pub process: Process,
    /// Whether the user may change processes.
    pub may_change: bool,
    /// Whether the menu's button has words.
    #[prop_or_default]
    pub shows_label: bool,
    /// Called when something was done.
    pub on_changed: Callback<()>,
    /// Told when the menu or a dialog opens and closes.
    #[prop_or_default]
    pub on_menu: Callback<bool>,
}

/// What is being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Signal,
    Settings,
    Limits,
    Terminate,
    Kill,
}

/// The menu and its dialogs.
#[component]
pub fn ProcessActions(props: &ProcessActionsProps) -> Html {
    let app = use_app();
    let asked = use_state_eq(|| None::<Asked>);
    let Some(app) = app else { return Html::default() };
    let process = &props.process;
    let blocked = why_not(process, props.may_change);
    let ask = |what: Asked| {
        let (asked, on_menu) = (asked.clone(), props.on_menu.clone());
        Callback::from(move |()| {
            on_menu.emit(true);
            asked.set(Some(what));
        })
    };
    let close = {
        let (asked, on_menu, on_changed) =
            (asked.clone(), props.on_menu.clone(), props.on_changed.clone());
        Callback::from(move |()| {
            asked.set(None);
            on_menu.emit(false);
            on_changed.emit(());
        })
    };
    let suspend_or_resume = if process.state == ProcessState::Suspended {
        Command::new("Resume", "action-resume", resume(&app, process, &props.on_changed))
    } else {
        Command::new("Suspend", "action-suspend", suspend(&app, process, &props.on_changed))
    };
    let commands = vec![
        suspend_or_resume.blocked_by(blocked),
        Command::new("Scheduling …", "action-settings", ask(Asked::Settings)).blocked_by(blocked),
        Command::new("Limits …", "action-limits", ask(Asked::Limits)).blocked_by(blocked),
        Command::new("Send a signal …", "action-signal", ask(Asked::Signal)).blocked_by(blocked),
        Command::new("Terminate …", "action-terminate", ask(Asked::Terminate))
            .danger()
            .blocked_by(blocked),
        Command::new("Kill …", "action-kill", ask(Asked::Kill)).danger().blocked_by(blocked),
    ];
    let label = if props.shows_label {
        "Actions".to_owned()
    } else {
        format!("Actions for {}, process {}", process.name, process.pid)
    };
    let shown = if props.shows_label { icon::DOWN } else { icon::MORE };
    let dialog = match *asked {
        None => Html::default(),
        Some(Asked::Signal) => html! { <SignalDialog process={process.clone()} onclose={close} /> },
        Some(Asked::Settings) => {
            html! { <SettingsDialog process={process.clone()} onclose={close} /> }
        }
        Some(Asked::Limits) => html! { <LimitsDialog process={process.clone()} onclose={close} /> },
        Some(Asked::Terminate) => {
            html! { <TerminateDialog process={process.clone()} by_force=false onclose={close} /> }
        }
        Some(Asked::Kill) => {
            html! { <TerminateDialog process={process.clone()} by_force=true onclose={close} /> }
        }
    };
    html! {
        <>
            <Menu {label} icon={shown} shows_label={props.shows_label} {commands}
                testid={format!("actions-{}", process.pid)} on_toggle={props.on_menu.clone()} />
            { dialog }
        </>
    }
}

/// Why nothing can be done to this process by this user.
#[must_use]
pub fn why_not(process: &Process, may_change: bool) -> Option<&'static str> {
    if !may_change {
        Some("Needs an operator")
    } else if process.isolation == Isolation::Kernel {
        Some("Part of the kernel")
    } else if !words::is_alive(process.state) {
        Some("It has ended")
    } else {
        None
    }
}

/// Suspends a process and says how it went.
#[must_use]
pub fn suspend(app: &App, process: &Process, on_changed: &Callback<()>) -> Callback<()> {
    let (app, on_changed, pid, name) =
        (app.clone(), on_changed.clone(), process.pid, process.name.to_string());
    Callback::from(move |()| {
        let (app, on_changed, name) = (app.clone(), on_changed.clone(), name.clone());
        spawn_local(async move {
            match app.client.suspend(pid).await {
                Ok(()) => app.notices.good(format!("{name} ({pid}) is suspended")),
                Err(failure) => app.notices.failed("Suspending", &failure),
            }
            on_changed.emit(());
        });
    })
}

/// Resumes a process and says how it went.
#[must_use]
pub fn resume(app: &App, process: &Process, on_changed: &Callback<()>) -> Callback<()> {
    let (app, on_changed, pid, name) =
        (app.clone(), on_changed.clone(), process.pid, process.name.to_string());
    Callback::from(move |()| {
        let (app, on_changed, name) = (app.clone(), on_changed.clone(), name.clone());
        spawn_local(async move {
            match app.client.resume(pid).await {
                Ok(()) => app.notices.good(format!("{name} ({pid}) goes on")),
                Err(failure) => app.notices.failed("Resuming", &failure),
            }
            on_changed.emit(());
        });
    })
}
