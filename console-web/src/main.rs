//! Entry of the web console.
use yew as _; use patternfly_yew as _; use gloo_net as _; use yew_router as _;
fn main() {}
