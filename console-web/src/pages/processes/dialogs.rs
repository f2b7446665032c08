//! The questions before something is done to a process.

use admin_api::types::{Class, Priority, Process, ProcessPatch, Signal};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::Termination;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::{Choice, Select};
use crate::model::failure::Failure;
use crate::model::words;
use crate::stores::{App, use_app};

/// How long a process has to end by itself after SIGTERM.
const GRACE_MS: u32 = 5000;

/// Properties of the dialogs.
#[derive(PartialEq, Properties)]
pub(super) struct DialogProps {
    pub(super) process: Process,
    pub(super) onclose: Callback<()>,
}

/// The buttons at a dialog's end.
fn footer(
    verb: &'static str,
    look: Look,
    is_busy: bool,
    testid: &'static str,
    onclose: &Callback<()>,
) -> Html {
    html! {
        <>
            <Button {look} label={verb} submits=true {is_busy} {testid} />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" has_focus={look == Look::Danger} onclick={onclose.reform(|_: MouseEvent| ())} />
        </>
    }
}

/// Runs `change`, tells how it went, and closes the dialog.
fn run<R>(
    app: Option<App>,
    busy: &UseStateHandle<bool>,
    onclose: &Callback<()>,
    verb: &'static str,
    done: String,
    change: impl FnOnce(App) -> R + 'static,
) where
    R: Future<Output = Result<(), Failure>> + 'static,
{
    let Some(app) = app.filter(|_| !**busy) else { return };
    busy.set(true);
    let onclose = onclose.clone();
    spawn_local(async move {
        let notices = app.notices.clone();
        match change(app).await {
            Ok(()) => notices.good(done),
            Err(failure) => notices.failed(verb, &failure),
        }
        onclose.emit(());
    });
}

/// Properties of [`TerminateDialog`].
#[derive(PartialEq, Properties)]
pub(super) struct TerminateProps {
    pub(super) process: Process,
    pub(super) by_force: bool,
    pub(super) onclose: Callback<()>,
}

#[component]
pub(super) fn TerminateDialog(props: &TerminateProps) -> Html {
    let app = use_app();
    let is_busy = use_state_eq(|| false);
    let process = &props.process;
    let (pid, name) = (process.pid, process.name.to_string());
    let (title, text, verb, how, done) = if props.by_force {
        (
            format!("Kill {name}?"),
            "It ends at once by SIGKILL. It cannot save anything.".to_owned(),
            "Kill",
            Termination::Force,
            format!("{name} ({pid}) is killed"),
        )
    } else {
        (
            format!("Terminate {name}?"),
            format!(
                "It gets SIGTERM and {} seconds to end by itself, then SIGKILL.",
                GRACE_MS / 1000
            ),
            "Terminate",
            Termination::Graceful { grace_ms: GRACE_MS },
            format!("{name} ({pid}) is being terminated"),
        )
    };
    let onsubmit = {
        let (is_busy, onclose) = (is_busy.clone(), props.onclose.clone());
        Callback::from(move |()| {
            run(app.clone(), &is_busy, &onclose, verb, done.clone(), move |app| async move {
                app.client.terminate(pid, how).await
            });
        })
    };
    html! {
        <Dialog {title} testid="terminate-dialog" onclose={props.onclose.clone()} {onsubmit}
            footer={footer(verb, Look::Danger, *is_busy, "terminate-confirm", &props.onclose)}>
            <p>{ text }</p>
            <p class="mo-dim mo-code">{ crate::format::command_line(&process.command) }{ format!(" · process {pid}") }</p>
        </Dialog>
    }
}

#[component]
pub(super) fn SignalDialog(props: &DialogProps) -> Html {
    /// What people send; the standard signals of signal(7).
    const HINTS: [(u8, &str); 10] = [
        (15, "SIGTERM: end, please"),
        (1, "SIGHUP: read the configuration anew"),
        (2, "SIGINT: interrupt"),
        (3, "SIGQUIT: quit"),
        (10, "SIGUSR1: the program's own meaning"),
        (12, "SIGUSR2: the program's own meaning"),
        (14, "SIGALRM: the alarm clock"),
        (18, "SIGCONT: go on"),
        (19, "SIGSTOP: stop"),
        (9, "SIGKILL: end at once"),
    ];
    let app = use_app();
    let is_busy = use_state_eq(|| false);
    let chosen = use_state_eq(|| Signal::TERM);
    let process = &props.process;
    let (pid, name) = (process.pid, process.name.to_string());
    let known = HINTS.iter().filter_map(|(number, text)| {
        Some(Choice { value: Signal::from_number(*number)?.name(), text: (*text).into() })
    });
    let others = Signal::all()
        .filter(|signal| HINTS.iter().all(|(number, _)| *number != signal.number()))
        .map(|signal| Choice { value: signal.name(), text: signal.name().into() });
    let choices: Vec<Choice> = known.chain(others).collect();
    let onchange = {
        let chosen = chosen.clone();
        Callback::from(move |name: String| {
            if let Ok(signal) = name.parse() {
                chosen.set(signal);
            }
        })
    };
    let onsubmit = {
        let (is_busy, onclose, signal) = (is_busy.clone(), props.onclose.clone(), *chosen);
        let done = format!("{signal} was sent to {name} ({pid})");
        Callback::from(move |()| {
            run(app.clone(), &is_busy, &onclose, "Sending", done.clone(), move |app| async move {
                app.client.signal(pid, signal).await
            });
        })
    };
    html! {
        <Dialog title={format!("Send a signal to {}", process.name)} testid="signal-dialog"
            onclose={props.onclose.clone()} {onsubmit}
            footer={footer("Send", Look::Primary, *is_busy, "signal-confirm", &props.onclose)}>
            <Select id="signal-name" has_focus=true label="Signal" value={chosen.name()} {choices} {onchange} />
        </Dialog>
    }
}

#[component]
pub(super) fn SettingsDialog(props: &DialogProps) -> Html {
    let app = use_app();
    let is_busy = use_state_eq(|| false);
    let process = &props.process;
    let priority = use_state_eq(|| process.priority);
    let class = use_state_eq(|| process.class);
    let (pid, name) = (process.pid, process.name.to_string());
    let on_priority = {
        let priority = priority.clone();
        Callback::from(move |name: String| {
            if let Some(value) = Priority::from_name(&name) {
                priority.set(value);
            }
        })
    };
    let on_class = {
        let class = class.clone();
        Callback::from(move |name: String| {
            if let Some(value) = Class::from_name(&name) {
                class.set(value);
            }
        })
    };
    let onsubmit = {
        let (is_busy, onclose) = (is_busy.clone(), props.onclose.clone());
        let patch = ProcessPatch {
            priority: (*priority != process.priority).then_some(*priority),
            class: (*class != process.class).then_some(*class),
            ..ProcessPatch::default()
        };
        let done = format!(
            "{name} ({pid}) has priority {} and class {}",
            words::priority(*priority),
            words::class(*class)
        );
        Callback::from(move |()| {
            if patch == ProcessPatch::default() {
                onclose.emit(());
                return;
            }
            let patch = patch.clone();
            run(app.clone(), &is_busy, &onclose, "Changing", done.clone(), move |app| async move {
                app.client.patch_process(pid, &patch).await
            });
        })
    };
    html! {
        <Dialog title={format!("Priority and class of {}", process.name)} testid="settings-dialog"
            onclose={props.onclose.clone()} {onsubmit}
            footer={footer("Change", Look::Primary, *is_busy, "settings-confirm", &props.onclose)}>
            <Select id="settings-priority" has_focus=true label="Priority" value={priority.name()}
                choices={priority_choices()} onchange={on_priority} />
            <Select id="settings-class" label="Class" value={class.name()}
                choices={class_choices(*class)} onchange={on_class} />
        </Dialog>
    }
}

/// All priorities with what they mean, the most urgent first.
pub(super) fn priority_choices() -> Vec<Choice> {
    Priority::ALL
        .iter()
        .rev()
        .map(|value| Choice {
            value: value.name(),
            text: format!("{}: {}", words::priority(*value), words::priority_hint(*value)).into(),
        })
        .collect()
}

/// The classes that a program can be given; the kernel's own only for what has it.
pub(super) fn class_choices(current: Class) -> Vec<Choice> {
    Class::ALL
        .iter()
        .filter(|value| **value != Class::System || current == Class::System)
        .map(|value| Choice { value: value.name(), text: words::class(*value).into() })
        .collect()
}
