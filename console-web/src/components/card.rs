//! [`Card`]: a titled part of a page.

use yew::prelude::*;

/// Properties of [`Card`].
#[derive(PartialEq, Properties)]
pub struct CardProps {
    /// The title.
    pub title: AttrValue,
    /// At the end of the title's line.
    #[prop_or_default]
    pub aside: Html,
    /// Further classes.
    #[prop_or_default]
    pub class: Classes,
    /// `data-testid`.
    #[prop_or_default]
    pub testid: Option<AttrValue>,
    /// The content.
    #[prop_or_default]
    pub children: Html,
}

/// A card.
#[component]
pub fn Card(props: &CardProps) -> Html {
    html! {
        <section class={classes!("pf-v6-c-card", "mo-card", props.class.clone())}
            aria-label={props.title.clone()} data-testid={props.testid.clone()}>
            <div class="mo-card__head">
                <h2 class="mo-card__title">{ &props.title }</h2>
                <div class="mo-card__aside">{ props.aside.clone() }</div>
            </div>
            <div class="mo-card__body">{ props.children.clone() }</div>
        </section>
    }
}
