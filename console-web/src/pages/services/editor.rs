//! [`Editor`]: a document as text, with line numbers and what is wrong with it.

use web_sys::{Element, HtmlTextAreaElement};
use yew::prelude::*;

use crate::components::icon::{self, icon};
use crate::model::service::document::Complaint;

/// Properties of [`Editor`].
#[derive(PartialEq, Properties)]
pub struct EditorProps {
    /// The text.
    pub text: AttrValue,
    /// What is typed.
    pub oninput: Callback<String>,
    /// What is wrong with it.
    pub complaints: Vec<Complaint>,
    /// Whether it can't be changed.
    #[prop_or_default]
    pub is_read_only: bool,
}

/// A text field for code.
#[component]
pub fn Editor(props: &EditorProps) -> Html {
    let gutter = use_node_ref();
    let area = use_node_ref();
    let onscroll = {
        let gutter = gutter.clone();
        Callback::from(move |event: Event| {
            let area = event.target_unchecked_into::<Element>();
            if let Some(gutter) = gutter.cast::<Element>() {
                gutter.set_scroll_top(area.scroll_top());
            }
        })
    };
    let oninput = props
        .oninput
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlTextAreaElement>().value());
    let is_wrong = |line: usize| props.complaints.iter().any(|one| one.line == Some(line));
    let lines = 1..=props.text.split('\n').count();
    let numbers = lines.map(|line| {
        let class = is_wrong(line).then_some("mo-editor__number--bad");
        html! { <span class={classes!("mo-editor__number", class)}>{ line }</span> }
    });
    let go_to = |line: usize| {
        let area = area.clone();
        Callback::from(move |_: MouseEvent| {
            if let Some(area) = area.cast::<HtmlTextAreaElement>() {
                select_line(&area, line);
            }
        })
    };
    let complaints = props.complaints.iter().map(|one| {
        let place = match (one.line, one.field.is_empty()) {
            (Some(line), true) => format!("Line {line}"),
            (Some(line), false) => format!("Line {line}, {}", one.field),
            (None, false) => one.field.clone(),
            (None, true) => String::new(),
        };
        let place = match one.line {
            _ if place.is_empty() => Html::default(),
            Some(line) => html! {
                <button type="button" class="mo-editor__place" onclick={go_to(line)}>{ place }</button>
            },
            None => html! { <strong>{ place }</strong> },
        };
        html! {
            <li data-field={one.field.clone()}>{ icon(icon::BAD) }<span>{ place }{ " " }{ &one.message }</span></li>
        }
    });
    html! {
        <div class="mo-editor">
            <div class="mo-editor__box">
                <div ref={gutter} class="mo-editor__gutter" aria-hidden="true">{ for numbers }</div>
                <textarea ref={area.clone()} class="mo-editor__text mo-code" id="document-text" data-testid="document-text"
                    aria-label="Document" wrap="off" spellcheck="false" autocapitalize="off" autocomplete="off"
                    readonly={props.is_read_only} aria-invalid={(!props.complaints.is_empty()).then_some("true")}
                    aria-describedby="document-errors" value={props.text.clone()} {oninput} {onscroll} />
            </div>
            <ul class="mo-editor__errors" id="document-errors" role="list" aria-live="polite" data-testid="document-errors">
                { for complaints }
            </ul>
        </div>
    }
}

fn select_line(area: &HtmlTextAreaElement, line: usize) {
    let text = area.value();
    // The browser counts in UTF-16.
    let length = |text: &str| u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX);
    let mut start = 0;
    for (index, content) in text.split('\n').enumerate() {
        let end = start + length(content);
        if index + 1 == line {
            // An element that is gone takes no focus.
            let _ = area.focus();
            let _ = area.set_selection_range(start, end);
            return;
        }
        start = end + 1;
    }
}
