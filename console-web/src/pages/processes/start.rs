//! The dialog that starts a program.

use admin_api::types::{Class, Isolation, NetworkRights, OnViolation, Priority};
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::dialogs::{class_choices, priority_choices};
use super::isolation::{isolation_choices, network_choices, violation_choices};
use crate::browser;
use crate::components::button::{Button, Look};
use crate::components::dialog::Dialog;
use crate::components::field::{Select, TextArea, TextField};
use crate::components::icon::{self, icon};
use crate::hooks::use_cpu_count;
use crate::model::start::{Errors, Field, StartForm, errors_of};
use crate::route::Route;
use crate::stores::use_app;

/// Properties of [`StartDialog`].
#[derive(PartialEq, Properties)]
pub(super) struct StartProps {
    pub(super) onclose: Callback<()>,
}

#[component]
pub(super) fn StartDialog(props: &StartProps) -> Html {
    let app = use_app();
    let cpu_count = use_cpu_count();
    let form = use_state_eq(StartForm::default);
    let errors = use_state_eq(Errors::new);
    let is_busy = use_state_eq(|| false);
    let shows_more = use_state_eq(|| false);

    // What is typed into a field, which by that is no longer known to be wrong.
    let edit = |field: Field, change: fn(&mut StartForm, String)| {
        let (form, errors) = (form.clone(), errors.clone());
        Callback::from(move |text: String| {
            let mut next = (*form).clone();
            change(&mut next, text);
            form.set(next);
            let mut left = (*errors).clone();
            left.remove(&field);
            left.remove(&Field::Form);
            errors.set(left);
        })
    };
    let start = |then_show: bool| {
        let (app, form, errors, is_busy) =
            (app.clone(), form.clone(), errors.clone(), is_busy.clone());
        let onclose = props.onclose.clone();
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            let request = match form.to_request(cpu_count) {
                Ok(request) => request,
                Err(wrong) => return show(&errors, wrong),
            };
            is_busy.set(true);
            let (errors, is_busy) = (errors.clone(), is_busy.clone());
            let onclose = onclose.clone();
            spawn_local(async move {
                match app.client.create_process(&request).await {
                    Ok(process) => {
                        app.notices
                            .good(format!("{} runs as process {}", process.name, process.pid));
                        onclose.emit(());
                        if then_show {
                            browser::go_to(&Route::Process { pid: process.pid });
                        }
                    }
                    Err(failure) => {
                        is_busy.set(false);
                        show(&errors, errors_of(&failure));
                    }
                }
            });
        })
    };
    let error = |field: Field| errors.get(&field).cloned().map(AttrValue::from);
    let has_hidden_error = [Field::Env, Field::Cwd, Field::Nice, Field::Cpus, Field::User]
        .iter()
        .any(|field| errors.contains_key(field));
    let is_open = *shows_more || has_hidden_error;
    let toggle = {
        let shows_more = shows_more.clone();
        Callback::from(move |_: MouseEvent| shows_more.set(!is_open))
    };
    let start_and_show = start(true);
    let footer = html! {
        <>
            <Button look={Look::Primary} label="Start" submits=true is_busy={*is_busy} testid="start-submit" />
            <Button look={Look::Secondary} label="Start and show" testid="start-and-show"
                is_disabled={*is_busy} onclick={start_and_show.reform(|_: MouseEvent| ())} />
            <Button look={Look::Link} label="Cancel" testid="dialog-cancel" onclick={props.onclose.reform(|_: MouseEvent| ())} />
        </>
    };
    html! {
        <Dialog title="Start a program" is_wide=true testid="start-dialog" onclose={props.onclose.clone()}
            onsubmit={start(false)} {footer}>
            if let Some(text) = errors.get(&Field::Form) {
                <p class="mo-health mo-health--bad" role="alert" data-testid="start-form-error">
                    { icon(icon::BAD) }<span>{ text }</span>
                </p>
            }
            <TextField id="start-program" label="Program" value={form.program.clone()} is_required=true
                has_focus=true is_code=true placeholder="/bin/sleep" error={error(Field::Program)}
                oninput={edit(Field::Program, |form, text| form.program = text)} />
            <TextField id="start-args" label="Arguments" value={form.args.clone()} is_code=true
                placeholder="60" hint="Separated by spaces; quotes as in a shell." error={error(Field::Args)}
                oninput={edit(Field::Args, |form, text| form.args = text)} />
            <div class="mo-fields-row">
                <Select id="start-priority" label="Priority" value={form.priority.name()} choices={priority_choices()}
                    error={error(Field::Priority)}
                    onchange={edit(Field::Priority, |form, text| form.priority = Priority::from_name(&text).unwrap_or(Priority::Normal))} />
                <Select id="start-class" label="Class" value={form.class.name()} choices={class_choices(form.class)}
                    error={error(Field::Class)}
                    onchange={edit(Field::Class, |form, text| form.class = Class::from_name(&text).unwrap_or(Class::User))} />
            </div>
            <Select id="start-isolation" label="Isolation" value={form.isolation.name()} choices={isolation_choices()}
                error={error(Field::Isolation)}
                onchange={edit(Field::Isolation, |form, text| form.isolation = Isolation::from_name(&text).unwrap_or(Isolation::Process))} />
            if form.isolation == Isolation::Sandbox {
                <TextField id="start-root" label="Root directory" value={form.root.clone()} is_required=true is_code=true
                    placeholder="/srv/box" hint="The program and its working directory are looked up below it."
                    error={error(Field::Root)} oninput={edit(Field::Root, |form, text| form.root = text)} />
                <div class="mo-fields-row">
                    <Select id="start-network" label="Network" value={form.network.name()} choices={network_choices()}
                        error={error(Field::Network)}
                        onchange={edit(Field::Network, |form, text| form.network = NetworkRights::from_name(&text).unwrap_or(NetworkRights::None))} />
                    <Select id="start-violation" label="Calls that are not allowed" value={form.on_violation.name()} choices={violation_choices()}
                        onchange={edit(Field::Form, |form, text| form.on_violation = OnViolation::from_name(&text).unwrap_or(OnViolation::Refuse))} />
                </div>
                <TextField id="start-calls" label="Allowed system calls" value={form.calls.clone()} is_code=true
                    placeholder="the usual ones" hint="Names, separated by spaces; empty for the usual ones."
                    error={error(Field::Calls)} oninput={edit(Field::Calls, |form, text| form.calls = text)} />
            }
            <button type="button" class="mo-disclosure" aria-expanded={if is_open { "true" } else { "false" }}
                aria-controls="start-more" data-testid="start-more-toggle" onclick={toggle}>
                { icon(if is_open { icon::DOWN } else { icon::RIGHT }) }
                <span>{ "Nice value, CPUs, working directory, user, environment" }</span>
            </button>
            <div id="start-more" class="mo-more" hidden={!is_open}>
                <div class="mo-fields-row">
                    <TextField id="start-nice" label="Nice value" value={form.nice.clone()} hint="From -20, the largest share, to 19."
                        error={error(Field::Nice)} oninput={edit(Field::Nice, |form, text| form.nice = text)} />
                    <TextField id="start-cpus" label="CPUs" value={form.cpus.clone()} placeholder="all" hint="Such as 0-3, 6; empty for all."
                        error={error(Field::Cpus)} oninput={edit(Field::Cpus, |form, text| form.cpus = text)} />
                </div>
                <TextField id="start-cwd" label="Working directory" value={form.cwd.clone()} is_code=true
                    error={error(Field::Cwd)} oninput={edit(Field::Cwd, |form, text| form.cwd = text)} />
                <TextField id="start-user" label="User" value={form.user.clone()} is_code=true placeholder="root"
                    hint="A name, a number, or UID:GID." error={error(Field::User)}
                    oninput={edit(Field::User, |form, text| form.user = text)} />
                <TextArea id="start-env" label="Environment" value={form.env.clone()} is_code=true
                    placeholder="NAME=VALUE" hint="One NAME=VALUE a line." error={error(Field::Env)}
                    oninput={edit(Field::Env, |form, text| form.env = text)} />
            </div>
        </Dialog>
    }
}

/// Shows what is wrong and gives the keyboard to the first wrong field.
fn show(errors: &UseStateHandle<Errors>, wrong: Errors) {
    let first = wrong.keys().next().copied();
    errors.set(wrong);
    let id = match first {
        Some(Field::Program) => "start-program",
        Some(Field::Args) => "start-args",
        Some(Field::Env) => "start-env",
        Some(Field::Cwd) => "start-cwd",
        Some(Field::Priority) => "start-priority",
        Some(Field::Class) => "start-class",
        Some(Field::Nice) => "start-nice",
        Some(Field::Cpus) => "start-cpus",
        Some(Field::User) => "start-user",
        Some(Field::Isolation) => "start-isolation",
        Some(Field::Root) => "start-root",
        Some(Field::Network) => "start-network",
        Some(Field::Calls) => "start-calls",
        Some(Field::Form) | None => return,
    };
    browser::focus_id(id);
}
