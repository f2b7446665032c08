//! The questions before something is done to a process.

use admin_api::types::{Class, Priority, Process, ProcessPatch, Signal};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::api::Termination;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::{Choice, Select, TextField};
use crate::components::icon::{self, icon};
use crate::hooks::use_cpu_count;
use crate::model::failure::Failure;
use crate::model::settings::{SettingsErrors, SettingsForm, errors_of};
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
pub(super) fn footer(
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
    let cpu_count = use_cpu_count();
    let is_busy = use_state_eq(|| false);
    let process = &props.process;
    // What it was when the dialog opened: the page reads on meanwhile.
    let before = use_memo((), |()| process.clone());
    let form = use_state_eq(|| SettingsForm::of(process));
    let errors = use_state_eq(SettingsErrors::default);
    let (pid, name) = (process.pid, process.name.to_string());
    let edit = |change: fn(&mut SettingsForm, &mut SettingsErrors, String)| {
        let (form, errors) = (form.clone(), errors.clone());
        Callback::from(move |text: String| {
            let (mut next, mut left) = ((*form).clone(), (*errors).clone());
            change(&mut next, &mut left, text);
            left.form = None;
            form.set(next);
            errors.set(left);
        })
    };
    let onsubmit = {
        let (is_busy, onclose, errors) = (is_busy.clone(), props.onclose.clone(), errors.clone());
        let asked = form.to_patch(&before, cpu_count);
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            let patch = match asked.clone() {
                Ok(patch) if patch == ProcessPatch::default() => return onclose.emit(()),
                Ok(patch) => patch,
                Err(wrong) => return errors.set(wrong),
            };
            is_busy.set(true);
            let (is_busy, onclose, errors) = (is_busy.clone(), onclose.clone(), errors.clone());
            let done = format!("{name} ({pid}) is scheduled anew");
            spawn_local(async move {
                match app.client.patch_process(pid, &patch).await {
                    Ok(()) => {
                        app.notices.good(done);
                        onclose.emit(());
                    }
                    Err(failure) => {
                        is_busy.set(false);
                        errors.set(errors_of(&failure));
                    }
                }
            });
        })
    };
    let shown = |error: &Option<String>| error.clone().map(AttrValue::from);
    html! {
        <Dialog title={format!("How {} is scheduled", process.name)} testid="settings-dialog"
            onclose={props.onclose.clone()} {onsubmit}
            footer={footer("Change", Look::Primary, *is_busy, "settings-confirm", &props.onclose)}>
            if let Some(text) = &errors.form {
                <p class="mo-health mo-health--bad" role="alert" data-testid="settings-form-error">
                    { icon(icon::BAD) }<span>{ text }</span>
                </p>
            }
            <Select id="settings-priority" has_focus=true label="Priority" value={form.priority.name()}
                choices={priority_choices()} error={shown(&errors.priority)}
                onchange={edit(|form, errors, name| {
                    form.priority = Priority::from_name(&name).unwrap_or(form.priority);
                    errors.priority = None;
                })} />
            <Select id="settings-class" label="Class" value={form.class.name()}
                choices={class_choices(form.class)} error={shown(&errors.class)}
                onchange={edit(|form, errors, name| {
                    form.class = Class::from_name(&name).unwrap_or(form.class);
                    errors.class = None;
                })} />
            <TextField id="settings-nice" label="Nice value" value={form.nice.clone()} error={shown(&errors.nice)}
                hint="From -20, the largest share, to 19, the smallest."
                oninput={edit(|form, errors, text| { form.nice = text; errors.nice = None; })} />
            <TextField id="settings-cpus" label="CPUs" value={form.cpus.clone()} error={shown(&errors.cpus)}
                placeholder="all" hint="Such as 0-3, 6; empty for all."
                oninput={edit(|form, errors, text| { form.cpus = text; errors.cpus = None; })} />
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
