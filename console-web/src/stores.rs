//! The reducers of [`crate::model`] as Yew's: what the whole application shares.

use admin_api::types::Event;
use yew::prelude::*;

use crate::model::connection::{Connection, ConnectionAction};
use crate::model::events::RecentEvents;
use crate::model::list::{Query, QueryAction};
use crate::model::log::{LogAction, LogView};
use crate::model::overview::{Overview, Reading};
use crate::model::session::{SessionAction, SessionState};

/// Makes a reducer of Yew out of a state and how it changes.
macro_rules! store {
    ($(#[$doc:meta])* $vis:vis $name:ident($state:ty), $action:ty, $change:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Default)]
        $vis struct $name($vis $state);

        impl Reducible for $name {
            type Action = $action;

            fn reduce(self: std::rc::Rc<Self>, action: $action) -> std::rc::Rc<Self> {
                std::rc::Rc::new(Self(self.0.$change(action)))
            }
        }
    };
}

pub(crate) use store;

store! {
    /// Whether the system answers.
    pub ConnectionStore(Connection), ConnectionAction, reduce
}
store! {
    /// Who is signed in.
    pub SessionStore(SessionState), SessionAction, reduce
}
store! {
    /// The system's figures.
    pub OverviewStore(Overview), Reading, with
}
store! {
    /// The events of late.
    pub EventStore(RecentEvents), Vec<Event>, with
}
store! {
    /// What the process list shows.
    pub QueryStore(Query), QueryAction, reduce
}
store! {
    /// The log's lines and view.
    pub LogStore(LogView), LogAction, reduce
}

/// What every page can use.
#[derive(Clone, PartialEq)]
pub struct App {
    /// Sends requests.
    pub client: crate::api::Client,
    /// Who is signed in.
    pub session: UseReducerHandle<SessionStore>,
    /// Whether the system answers.
    pub connection: UseReducerHandle<ConnectionStore>,
    /// The system's figures.
    pub overview: UseReducerHandle<OverviewStore>,
    /// The events of late.
    pub events: UseReducerHandle<EventStore>,
    /// What the process list shows.
    pub query: UseReducerHandle<QueryStore>,
    /// The log.
    pub log: UseReducerHandle<LogStore>,
    /// Tells the user how something went.
    pub notices: crate::components::notice::Notices,
    /// Grows when the user asks to try again at once.
    pub retries: UseStateHandle<u32>,
}

/// The application's shared state.
#[hook]
pub fn use_app() -> Option<App> {
    use_context::<App>()
}
