//! Starts the console in the page.
#![forbid(unsafe_code)]

use console_web::app::{Console, ConsoleProps};
use console_web::browser;
use console_web::model::session::secret_of;

fn main() {
    let secret = browser::take_sign_in_fragment().and_then(|fragment| secret_of(&fragment));
    if let Some(root) = gloo_utils::document().get_element_by_id("app") {
        root.set_inner_html("");
        let secret = secret.map(Into::into);
        yew::Renderer::<Console>::with_root_and_props(root, ConsoleProps { secret }).render();
    }
}
