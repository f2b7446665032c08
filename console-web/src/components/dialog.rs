//! [`Dialog`]: the browser's own modal dialog, which keeps the keyboard inside, closes with Escape
//! and gives the keyboard back to where it was.

use gloo_events::EventListener;
use wasm_bindgen::JsCast as _;
use web_sys::HtmlDialogElement;
use yew::prelude::*;

use super::button::{Button, Look};
use super::icon;

/// Properties of [`Dialog`].
#[derive(PartialEq, Properties)]
pub struct DialogProps {
    /// The title.
    pub title: AttrValue,
    /// Whether it is wide.
    #[prop_or_default]
    pub is_wide: bool,
    /// Closes it.
    pub onclose: Callback<()>,
    /// The buttons at the end.
    pub footer: Html,
    /// `data-testid`.
    pub testid: AttrValue,
    /// What Enter does in one of its fields.
    #[prop_or_default]
    pub onsubmit: Callback<()>,
    /// The content.
    pub children: Html,
}

/// A modal dialog, open as long as it is there.
#[component]
pub fn Dialog(props: &DialogProps) -> Html {
    let node = use_node_ref();
    {
        let node = node.clone();
        let onclose = props.onclose.clone();
        use_effect_with((), move |()| {
            let dialog = node.cast::<HtmlDialogElement>();
            let listeners = dialog.as_ref().map(|dialog| {
                // Fails only for one that is open or has left the page.
                let _ = dialog.show_modal();
                let cancel = onclose.clone();
                let options = gloo_events::EventListenerOptions::enable_prevent_default();
                let on_cancel =
                    EventListener::new_with_options(dialog, "cancel", options, move |event| {
                        event.prevent_default();
                        cancel.emit(());
                    });
                let outside = dialog.clone();
                let on_click = EventListener::new(dialog, "mousedown", move |event| {
                    // The dialog itself is hit only outside its content: on the backdrop.
                    let target = event.target();
                    let is_outside = target.is_some_and(|target| {
                        target.dyn_ref::<HtmlDialogElement>() == Some(&outside)
                    });
                    if is_outside {
                        onclose.emit(());
                    }
                });
                (on_cancel, on_click)
            });
            move || {
                drop(listeners);
                if let Some(dialog) = dialog {
                    dialog.close();
                }
            }
        });
    }
    let onsubmit = {
        let onsubmit = props.onsubmit.clone();
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            onsubmit.emit(());
        })
    };
    let width = if props.is_wide { "mo-dialog--wide" } else { "mo-dialog--narrow" };
    let close = props.onclose.reform(|_: MouseEvent| ());
    html! {
        <dialog ref={node} class={classes!("mo-dialog", width)} aria-labelledby="dialog-title"
            data-testid={props.testid.clone()}>
            <form class="mo-dialog__box" method="dialog" novalidate=true {onsubmit}>
                <header class="mo-dialog__head">
                    <h1 class="mo-dialog__title" id="dialog-title">{ &props.title }</h1>
                    <Button look={Look::Plain} icon={icon::CLOSE} name="Close" onclick={close} />
                </header>
                <div class="mo-dialog__body">{ props.children.clone() }</div>
                <footer class="mo-dialog__foot">{ props.footer.clone() }</footer>
            </form>
        </dialog>
    }
}
