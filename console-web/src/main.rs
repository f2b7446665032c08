//! Entry of the web console.
use gloo_net as _;
use patternfly_yew as _;
use yew as _;
use yew_router as _;
fn main() {}
