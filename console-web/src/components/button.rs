//! [`Button`].

use yew::prelude::*;

use super::icon::{Icon, icon};

/// How a button looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Look {
    /// The one thing to do here.
    Primary,
    /// Something else to do here.
    #[default]
    Secondary,
    /// Something that destroys.
    Danger,
    /// Like a link.
    Link,
    /// An icon alone.
    Plain,
}

impl Look {
    fn class(self) -> &'static str {
        match self {
            Self::Primary => "pf-m-primary",
            Self::Secondary => "pf-m-secondary",
            Self::Danger => "pf-m-danger",
            Self::Link => "pf-m-link",
            Self::Plain => "pf-m-plain",
        }
    }
}

/// Properties of [`Button`].
#[derive(PartialEq, Properties)]
pub struct ButtonProps {
    /// What it says.
    #[prop_or_default]
    pub label: AttrValue,
    /// What it says to a screen reader, if the label does not say it.
    #[prop_or_default]
    pub name: Option<AttrValue>,
    /// In front of the label.
    #[prop_or_default]
    pub icon: Option<Icon>,
    /// How it looks.
    #[prop_or_default]
    pub look: Look,
    /// Whether it is small.
    #[prop_or_default]
    pub is_small: bool,
    /// Whether it cannot be used now.
    #[prop_or_default]
    pub is_disabled: bool,
    /// Whether what it began is still under way.
    #[prop_or_default]
    pub is_busy: bool,
    /// Whether it is a switch that is on.
    #[prop_or_default]
    pub is_pressed: Option<bool>,
    /// Whether it sends the form that it is in.
    #[prop_or_default]
    pub submits: bool,
    /// Whether the keyboard is here first.
    #[prop_or_default]
    pub has_focus: bool,
    /// `data-testid`.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// What it does.
    #[prop_or_default]
    pub onclick: Callback<MouseEvent>,
}

/// A button.
#[component]
pub fn Button(props: &ButtonProps) -> Html {
    let class = classes!(
        "pf-v6-c-button",
        props.look.class(),
        props.is_small.then_some("pf-m-small"),
        props.is_busy.then_some("mo-is-busy"),
    );
    let kind = if props.submits { "submit" } else { "button" };
    let pressed = props.is_pressed.map(|is_pressed| if is_pressed { "true" } else { "false" });
    html! {
        <button {class} type={kind} disabled={props.is_disabled || props.is_busy}
            aria-label={props.name.clone()} title={props.name.clone()} aria-pressed={pressed}
            autofocus={props.has_focus} aria-busy={props.is_busy.then_some("true")} data-testid={props.testid.clone()}
            onclick={props.onclick.clone()}>
            if let Some(shown) = props.icon {
                <span class={classes!("pf-v6-c-button__icon", (!props.label.is_empty()).then_some("pf-m-start"))}>
                    { icon(shown) }
                </span>
            }
            if !props.label.is_empty() {
                <span class="pf-v6-c-button__text">{ &props.label }</span>
            }
        </button>
    }
}
