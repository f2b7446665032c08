//! [`Console`]: what all pages share, and which of them is shown.

use admin_api::types::{Event, EventKind, SessionRequest};
use yew::prelude::*;

use crate::api::{Client, Outcome, Stream};
use crate::browser;
use crate::components::notice::{NoticeList, NoticeStore, Notices};
use crate::hooks::{Round, use_batch, use_poll, use_stream};
use crate::model::connection::ConnectionAction;
use crate::model::failure::Failure;
use crate::model::session::{SessionAction, SessionState};
use crate::pages::sign_in::SignIn;
use crate::read::from_text;
use crate::shell::Shell;
use crate::stores::{
    App, ConnectionStore, EventStore, LogStore, OverviewStore, QueryStore, SessionStore,
};

/// Properties of [`Console`].
#[derive(PartialEq, Properties)]
pub struct ConsoleProps {
    /// The one-time secret of the printed link, if the page was opened by it.
    pub secret: Option<AttrValue>,
}

/// The whole console.
#[component]
pub fn Console(props: &ConsoleProps) -> Html {
    let session = use_reducer_eq(SessionStore::default);
    let connection = use_reducer_eq(ConnectionStore::default);
    let overview = use_reducer_eq(OverviewStore::default);
    let events = use_reducer_eq(EventStore::default);
    let query = use_reducer_eq(QueryStore::default);
    let log = use_reducer_eq(LogStore::default);
    let notices = use_reducer_eq(NoticeStore::default);
    let retries = use_state_eq(|| 0_u32);

    let report = {
        let (session, connection) = (session.dispatcher(), connection.dispatcher());
        use_callback((), move |outcome: Outcome, ()| {
            let at_ms = browser::now_ms();
            let is_signed_out = outcome == Outcome::SignedOut;
            connection.dispatch(match outcome {
                Outcome::Unreachable(reason) => ConnectionAction::Failed { at_ms, reason },
                Outcome::Reached | Outcome::SignedOut => ConnectionAction::Reached { at_ms },
            });
            if is_signed_out {
                session.dispatch(SessionAction::Refused);
            }
        })
    };
    let anonymous = Client::new(report);
    let client = match session.0.session() {
        Some(known) => anonymous.within(known),
        None => anonymous.clone(),
    };
    use_effect_with(session.0.clone(), |session| match session {
        SessionState::Unknown => {}
        SessionState::SignedIn(_) => browser::remember_session(true),
        SessionState::SignedOut(_) => browser::remember_session(false),
    });
    use_first_session(anonymous, session.clone(), props.secret.clone(), *retries);
    use_events(client.clone(), &session.0, events.clone());

    let app = App {
        client,
        session: session.clone(),
        connection,
        overview,
        events,
        query,
        log,
        notices: Notices(notices.dispatcher()),
        retries,
    };
    let page = match &session.0 {
        SessionState::Unknown => starting(),
        SessionState::SignedOut(why) => html! { <SignIn why={*why} /> },
        SessionState::SignedIn(_) => html! { <Shell /> },
    };
    html! {
        <ContextProvider<App> context={app}>
            { page }
            <NoticeList store={notices} />
        </ContextProvider<App>>
    }
}

/// Until it is known whether there is a session: the same picture as before the module was loaded.
fn starting() -> Html {
    html! {
        <div class="boot" role="status">
            <crate::components::banner::ConnectionBanner />
            <span class="boot__mark" aria-hidden="true"></span>
            <p class="boot__text">{ "Asking the system" }</p>
        </div>
    }
}

/// Finds out who is signed in: by the secret of the link, else by the browser's cookie. Tries again
/// until the system answers.
#[hook]
fn use_first_session(
    client: Client,
    session: UseReducerHandle<SessionStore>,
    secret: Option<AttrValue>,
    retries: u32,
) {
    let secret = use_mut_ref(|| secret);
    let is_unknown = session.0 == SessionState::Unknown;
    use_poll(1000, (is_unknown, retries), move |_| {
        let (client, session, secret) = (client.clone(), session.dispatcher(), secret.clone());
        async move {
            if !is_unknown {
                return Round::Finished;
            }
            let by_link = secret.borrow().clone();
            let answer = match &by_link {
                Some(secret) => {
                    let secret = Some(secret.to_string());
                    client.sign_in(&SessionRequest { secret, ..SessionRequest::default() }).await
                }
                None if browser::may_have_session() => client.session().await,
                // Nothing to ask for, and no refusal in the browser's log.
                None => Err(Failure::SignedOut),
            };
            match answer {
                Ok(found) => session.dispatch(SessionAction::Began(Box::new(found))),
                Err(Failure::Unreachable(_)) => return Round::Failed,
                Err(_) if by_link.is_some() => {
                    // A link that was used before: there may still be the session that it began.
                    secret.borrow_mut().take();
                    match client.session().await {
                        Ok(found) => session.dispatch(SessionAction::Began(Box::new(found))),
                        Err(Failure::Unreachable(_)) => return Round::Failed,
                        Err(_) => session.dispatch(SessionAction::LinkRefused),
                    }
                }
                Err(_) => session.dispatch(SessionAction::Absent),
            }
            Round::Finished
        }
    });
}

/// Keeps the stream of events open while someone is signed in and the page can be seen.
#[hook]
fn use_events(client: Client, session: &SessionState, events: UseReducerHandle<EventStore>) {
    let is_wanted = session.session().is_some();
    let newest = events.0.newest();
    let names: Vec<&'static str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
    let flush = {
        let events = events.dispatcher();
        Callback::from(move |batch: Vec<Event>| events.dispatch(batch))
    };
    let take = use_batch(flush);
    use_stream(
        client,
        is_wanted,
        move |news| Stream::events(newest, &names, news),
        move |_, data| {
            if let Ok(event) = from_text::<Event>(data) {
                take.emit(event);
            }
        },
    );
}
