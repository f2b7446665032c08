//! [`facts`]: terms and what they are, as PatternFly's description list.

use yew::prelude::*;

/// A list of terms, each with its description beside it.
pub fn facts(rows: Vec<(&'static str, Html)>) -> Html {
    let groups = rows.into_iter().map(|(term, description)| {
        html! {
            <div class="mo-facts__row">
                <dt class="mo-facts__term">{ term }</dt>
                <dd class="mo-facts__text">{ description }</dd>
            </div>
        }
    });
    html! { <dl class="mo-facts">{ for groups }</dl> }
}
