//! Fields of forms: [`TextField`], [`TextArea`], [`Select`]; each with its label, hint and error.

use web_sys::{HtmlInputElement, HtmlSelectElement, HtmlTextAreaElement};
use yew::prelude::*;

use super::icon::{self, icon};

/// Properties of the text fields.
#[derive(PartialEq, Properties)]
pub struct TextProps {
    /// The id, also `data-testid`.
    pub id: AttrValue,
    /// The label.
    pub label: AttrValue,
    /// The text.
    pub value: AttrValue,
    /// What is typed.
    pub oninput: Callback<String>,
    /// What belongs here.
    #[prop_or_default]
    pub hint: Option<AttrValue>,
    /// What is wrong with it.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// Whether it has to be filled in.
    #[prop_or_default]
    pub is_required: bool,
    /// Whether what is typed is hidden.
    #[prop_or_default]
    pub is_secret: bool,
    /// Whether the keyboard is here first.
    #[prop_or_default]
    pub has_focus: bool,
    /// Whether the text is code: a path, a command.
    #[prop_or_default]
    pub is_code: bool,
    /// An example, shown while it is empty.
    #[prop_or_default]
    pub placeholder: AttrValue,
}

/// One line of text.
#[component]
pub fn TextField(props: &TextProps) -> Html {
    let oninput = props
        .oninput
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlInputElement>().value());
    let control = html! {
        <span class={control_class(props)}>
            <input id={props.id.clone()} data-testid={props.id.clone()}
                class={classes!(props.is_code.then_some("mo-code"))}
                type={if props.is_secret { "password" } else { "text" }}
                autocomplete={if props.is_secret { "current-password" } else { "off" }}
                autocapitalize="off" spellcheck="false" value={props.value.clone()}
                placeholder={props.placeholder.clone()} required={props.is_required}
                autofocus={props.has_focus} aria-invalid={invalid(props)}
                aria-describedby={described_by(props)} {oninput} />
        </span>
    };
    group(props, control)
}

/// Several lines of text.
#[component]
pub fn TextArea(props: &TextProps) -> Html {
    let oninput = props
        .oninput
        .reform(|event: InputEvent| event.target_unchecked_into::<HtmlTextAreaElement>().value());
    let control = html! {
        <span class={classes!(control_class(props), "pf-m-textarea")}>
            <textarea id={props.id.clone()} data-testid={props.id.clone()} rows="3"
                class={classes!(props.is_code.then_some("mo-code"))}
                autocapitalize="off" spellcheck="false" value={props.value.clone()}
                placeholder={props.placeholder.clone()} aria-invalid={invalid(props)}
                aria-describedby={described_by(props)} {oninput} />
        </span>
    };
    group(props, control)
}

fn control_class(props: &TextProps) -> Classes {
    classes!("pf-v6-c-form-control", props.error.is_some().then_some("pf-m-error"))
}

fn invalid(props: &TextProps) -> Option<&'static str> {
    props.error.is_some().then_some("true")
}

fn described_by(props: &TextProps) -> Option<String> {
    (props.error.is_some() || props.hint.is_some()).then(|| format!("{}-help", props.id))
}

fn group(props: &TextProps, control: Html) -> Html {
    let help = match (&props.error, &props.hint) {
        (Some(error), _) => html! {
            <p class="mo-help mo-help--error" id={format!("{}-help", props.id)} data-testid={format!("{}-error", props.id)}>
                { icon(icon::BAD) } { error }
            </p>
        },
        (None, Some(hint)) => html! {
            <p class="mo-help" id={format!("{}-help", props.id)}>{ hint }</p>
        },
        (None, None) => Html::default(),
    };
    html! {
        <div class="mo-field">
            <label class="mo-field__label" for={props.id.clone()}>
                { &props.label }
                if props.is_required {
                    <span class="mo-field__required" aria-hidden="true">{ " *" }</span>
                }
            </label>
            { control }
            { help }
        </div>
    }
}

/// One choice of [`Select`].
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// Its value; unique.
    pub value: &'static str,
    /// What it says.
    pub text: AttrValue,
}

/// Properties of [`Select`].
#[derive(PartialEq, Properties)]
pub struct SelectProps {
    /// The id, also `data-testid`.
    pub id: AttrValue,
    /// The label.
    pub label: AttrValue,
    /// Whether only screen readers get the label.
    #[prop_or_default]
    pub is_label_hidden: bool,
    /// The value chosen.
    pub value: AttrValue,
    /// The choices.
    pub choices: Vec<Choice>,
    /// What is wrong with it.
    #[prop_or_default]
    pub error: Option<AttrValue>,
    /// Whether the keyboard is here first.
    #[prop_or_default]
    pub has_focus: bool,
    /// Another choice.
    pub onchange: Callback<String>,
}

/// One of a few choices.
#[component]
pub fn Select(props: &SelectProps) -> Html {
    let onchange = props
        .onchange
        .reform(|event: Event| event.target_unchecked_into::<HtmlSelectElement>().value());
    let options = props.choices.iter().map(|choice| {
        html! {
            <option value={choice.value} selected={props.value == choice.value}>{ &choice.text }</option>
        }
    });
    let label_class = if props.is_label_hidden { "pf-v6-screen-reader" } else { "mo-field__label" };
    html! {
        <div class="mo-field">
            <label class={label_class} for={props.id.clone()}>{ &props.label }</label>
            <span class={classes!("pf-v6-c-form-control", props.error.is_some().then_some("pf-m-error"))}>
                <select id={props.id.clone()} data-testid={props.id.clone()} autofocus={props.has_focus} {onchange}>
                    { for options }
                </select>
                <span class="pf-v6-c-form-control__utilities">
                    <span class="pf-v6-c-form-control__toggle-icon">{ icon(icon::DOWN) }</span>
                </span>
            </span>
            if let Some(error) = &props.error {
                <p class="mo-help mo-help--error">{ icon(icon::BAD) } { error }</p>
            }
        </div>
    }
}
