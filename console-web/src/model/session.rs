//! Who is signed in: [`SessionState`], and the secret of the printed link.

use admin_api::types::{Role, Session};

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum SessionState {
    /// Not yet asked.
    #[default]
    Unknown,
    /// Nobody.
    SignedOut(SignedOut),
    /// Someone.
    SignedIn(Box<Session>),
}

/// Why nobody is signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignedOut {
    /// There was no session.
    Fresh,
    /// There was one until now.
    Expired,
    /// The user left.
    Left,
    /// The printed link was used before, or is from an earlier boot.
    LinkUsed,
}

/// News of the session.
#[derive(Debug, Clone, PartialEq)]
pub enum SessionAction {
    /// A session began or was found.
    Began(Box<Session>),
    /// There is none.
    Absent,
    /// The system refused the session.
    Refused,
    /// The user signed out.
    Left,
    /// The secret of the printed link was refused.
    LinkRefused,
}

impl SessionState {
    /// The state after the news.
    #[must_use]
    pub fn reduce(&self, action: SessionAction) -> Self {
        match (self, action) {
            (_, SessionAction::Began(session)) => Self::SignedIn(session),
            (Self::SignedIn(_), SessionAction::Refused) => Self::SignedOut(SignedOut::Expired),
            // Further refusals of requests that were under way say nothing new.
            (Self::SignedOut(why), SessionAction::Refused | SessionAction::Absent) => {
                Self::SignedOut(*why)
            }
            (_, SessionAction::Left) => Self::SignedOut(SignedOut::Left),
            (_, SessionAction::LinkRefused) => Self::SignedOut(SignedOut::LinkUsed),
            (_, SessionAction::Refused | SessionAction::Absent) => {
                Self::SignedOut(SignedOut::Fresh)
            }
        }
    }

    /// The session, if someone is signed in.
    #[must_use]
    pub fn session(&self) -> Option<&Session> {
        match self {
            Self::SignedIn(session) => Some(session),
            Self::Unknown | Self::SignedOut(_) => None,
        }
    }

    /// Whether the one who is signed in may do what this role may.
    #[must_use]
    pub fn may(&self, role: Role) -> bool {
        self.session().is_some_and(|session| session.role >= role)
    }
}

/// The one-time secret in the fragment of the printed link, `#/sign-in?secret=SECRET`.
#[must_use]
pub fn secret_of(fragment: &str) -> Option<String> {
    let (path, query) = fragment.trim_start_matches('#').split_once('?')?;
    if path != "/sign-in" {
        return None;
    }
    let secret = query.split('&').find_map(|pair| pair.strip_prefix("secret="))?;
    (!secret.is_empty()).then(|| secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use admin_api::types::AuthenticatedBy;

    fn session(role: Role) -> SessionAction {
        SessionAction::Began(Box::new(Session {
            user: "admin".into(),
            role,
            authenticated_by: AuthenticatedBy::Session,
            csrf_token: Some("c".to_owned()),
            created_at: None,
            expires_at: None,
        }))
    }

    #[test]
    fn a_refused_session_has_expired_and_stays_so() {
        let state = SessionState::default().reduce(session(Role::Operator));
        assert!(state.may(Role::Viewer) && !state.may(Role::Administrator));
        let expired = state.reduce(SessionAction::Refused);
        assert_eq!(expired, SessionState::SignedOut(SignedOut::Expired));
        assert_eq!(expired.reduce(SessionAction::Refused), expired);
        assert!(!expired.may(Role::Viewer));
    }

    #[test]
    fn without_a_session_there_is_nothing_to_expire() {
        let state = SessionState::default().reduce(SessionAction::Absent);
        assert_eq!(state, SessionState::SignedOut(SignedOut::Fresh));
    }

    #[test]
    fn the_secret_is_taken_from_the_printed_link_only() {
        assert_eq!(secret_of("#/sign-in?secret=abc"), Some("abc".to_owned()));
        assert_eq!(secret_of("#/sign-in?x=1&secret=abc"), Some("abc".to_owned()));
        for other in ["", "#/", "#/sign-in", "#/sign-in?secret=", "#/processes?secret=abc"] {
            assert_eq!(secret_of(other), None, "{other}");
        }
    }
}
