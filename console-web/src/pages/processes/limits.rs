//! The dialog that changes what a process may use.

use admin_api::types::ProcessPatch;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use super::dialogs::{DialogProps, footer};
use crate::components::button::Look;
use crate::components::dialog::Dialog;
use crate::components::field::TextField;
use crate::components::icon::{self, icon};
use crate::model::limits::{Errors, Field, errors_of, form_of, to_change};
use crate::stores::use_app;

#[component]
pub(super) fn LimitsDialog(props: &DialogProps) -> Html {
    let app = use_app();
    let is_busy = use_state_eq(|| false);
    let process = &props.process;
    // What it was when the dialog opened: the page reads on meanwhile.
    let before = use_memo((), |()| process.clone());
    let form = use_state_eq(|| form_of(process));
    let errors = use_state_eq(Errors::new);
    let (pid, name) = (process.pid, process.name.to_string());
    let onsubmit = {
        let (is_busy, onclose, errors) = (is_busy.clone(), props.onclose.clone(), errors.clone());
        let asked = to_change(&form, &before);
        Callback::from(move |()| {
            let Some(app) = app.clone().filter(|_| !*is_busy) else { return };
            let limits = match asked.clone() {
                Ok(None) => return onclose.emit(()),
                Ok(limits) => limits,
                Err(wrong) => return errors.set(wrong),
            };
            is_busy.set(true);
            let (is_busy, onclose, errors) = (is_busy.clone(), onclose.clone(), errors.clone());
            let done = format!("{name} ({pid}) has new limits");
            spawn_local(async move {
                let patch = ProcessPatch { limits, ..ProcessPatch::default() };
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
    let fields = Field::ALL.into_iter().map(|field| {
        let (id, label, hint) = match field {
            Field::Memory => ("limits-memory", "Memory", "Such as 64 MiB. What it has already stays."),
            Field::Stack => ("limits-stack", "Stack", "Holds for the next program it executes."),
            Field::Files => ("limits-files", "Open files", "What is open already stays."),
            Field::Processes | Field::Form => {
                ("limits-processes", "Processes and threads", "Of its user; root has no such limit.")
            }
            Field::CpuTime => {
                ("limits-cpu-time", "CPU time", "Such as 90 s; it is ended then. Empty for no limit.")
            }
            Field::CpuShare => {
                ("limits-cpu-share", "CPU share in %", "Of one CPU, over all its threads. Empty for no limit.")
            }
            Field::Reading => {
                ("limits-reading", "Reading a second", "Such as 1 MiB; calls wait. Empty for no limit.")
            }
            Field::Writing => {
                ("limits-writing", "Writing a second", "Such as 1 MiB; calls wait. Empty for no limit.")
            }
            Field::Creation => {
                ("limits-creation", "New processes a second", "More are refused. Empty for no limit.")
            }
        };
        let oninput = {
            let (form, errors) = (form.clone(), errors.clone());
            Callback::from(move |text: String| {
                let (mut next, mut left) = ((*form).clone(), (*errors).clone());
                next.insert(field, text);
                left.remove(&field);
                left.remove(&Field::Form);
                form.set(next);
                errors.set(left);
            })
        };
        html! {
            <TextField {id} {label} {hint} value={form.get(&field).cloned().unwrap_or_default()}
                error={errors.get(&field).cloned().map(AttrValue::from)} has_focus={field == Field::Memory} {oninput} />
        }
    });
    html! {
        <Dialog title={format!("Limits of {}", process.name)} testid="limits-dialog"
            onclose={props.onclose.clone()} {onsubmit}
            footer={footer("Change", Look::Primary, *is_busy, "limits-confirm", &props.onclose)}>
            if let Some(text) = errors.get(&Field::Form) {
                <p class="mo-health mo-health--bad" role="alert" data-testid="limits-form-error">
                    { icon(icon::BAD) }<span>{ text }</span>
                </p>
            }
            { for fields }
        </Dialog>
    }
}
