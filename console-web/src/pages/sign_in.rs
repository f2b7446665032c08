//! Signing in with a token.

use admin_api::types::SessionRequest;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

use crate::components::banner::ConnectionBanner;
use crate::components::button::{Button, Look};
use crate::components::field::TextField;
use crate::components::icon::mark;
use crate::hooks::use_title;
use crate::model::failure::Failure;
use crate::model::session::{SessionAction, SignedOut};
use crate::stores::use_app;

/// Properties of [`SignIn`].
#[derive(PartialEq, Properties)]
pub struct SignInProps {
    /// Why nobody is signed in.
    pub why: SignedOut,
}

/// The page for signing in. The address stays, so that one comes to where one was.
#[component]
pub fn SignIn(props: &SignInProps) -> Html {
    use_title("Sign in".to_owned());
    let app = use_app();
    let token = use_state_eq(String::new);
    let error = use_state_eq(|| None::<String>);
    let is_busy = use_state_eq(|| false);

    let oninput = {
        let (token, error) = (token.clone(), error.clone());
        Callback::from(move |text: String| {
            token.set(text);
            error.set(None);
        })
    };
    let onsubmit = {
        let (token, error, is_busy) = (token.clone(), error.clone(), is_busy.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            let Some(app) = app.clone() else { return };
            let given = token.trim().to_owned();
            if given.is_empty() {
                error.set(Some("Enter the token.".to_owned()));
                return;
            }
            let (error, is_busy) = (error.clone(), is_busy.clone());
            is_busy.set(true);
            spawn_local(async move {
                let request = SessionRequest { token: Some(given), ..SessionRequest::default() };
                match app.client.sign_in(&request).await {
                    Ok(session) => app.session.dispatch(SessionAction::Began(Box::new(session))),
                    Err(failure) => {
                        error.set(Some(explain(&failure)));
                        is_busy.set(false);
                    }
                }
            });
        })
    };
    let note = match props.why {
        SignedOut::Fresh => None,
        SignedOut::Expired => Some("Your session has ended. Sign in to go on where you were."),
        SignedOut::Left => Some("You are signed out."),
        SignedOut::LinkUsed => {
            Some("This link was used before or is from an earlier boot. Sign in with the token.")
        }
    };
    html! {
        <main class="mo-sign-in">
            <ConnectionBanner />
            <section class="pf-v6-c-card mo-sign-in__card" aria-labelledby="sign-in-title">
                <div class="mo-sign-in__brand">
                    { mark() }
                    <span class="mo-head__name">{ "MultiOS" }</span>
                </div>
                <h1 class="mo-sign-in__title" id="sign-in-title">{ "Sign in to this system" }</h1>
                if let Some(note) = note {
                    <p class="mo-sign-in__note" role="status" data-testid="sign-in-note">{ note }</p>
                }
                <form {onsubmit} novalidate=true>
                    <TextField id="sign-in-token" label="Token" value={(*token).clone()} {oninput}
                        is_secret=true is_required=true has_focus=true is_code=true
                        hint="Printed on the serial console when the system starts."
                        error={(*error).clone().map(AttrValue::from)} />
                    <div class="mo-sign-in__action">
                        <Button look={Look::Primary} label="Sign in" submits=true is_busy={*is_busy} testid="sign-in-submit" />
                    </div>
                </form>
            </section>
        </main>
    }
}

fn explain(failure: &Failure) -> String {
    match failure {
        Failure::SignedOut => "This token is not valid here.".to_owned(),
        Failure::Refused(problem) if problem.status == 429 => {
            "Too many attempts. Wait a moment and try again.".to_owned()
        }
        other => other.message(),
    }
}
