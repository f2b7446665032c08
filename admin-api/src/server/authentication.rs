//! Who sends a request, and whether they may.

use alloc::string::String;
use core::net::SocketAddr;

use crate::backend::{Backend, Caller, NewEvent};
use crate::types::{AuthenticatedBy, EventKind, Session};

use super::answer::Head;
use super::credentials::Credential;
use super::documents;
use super::refusal::Refusal;
use super::reply::Reply;
use super::route::{Access, Method, Route};
use super::sessions::COOKIE;
use super::{App, Assets};

/// Who sent a request and how that was proved.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) caller: Caller,
    /// The session, if it was a cookie.
    pub(crate) session: Option<u64>,
}

impl<B: Backend, A: Assets> App<B, A> {
    /// Finds out who sent a request and whether they may use the route. `None` for a route that is
    /// open to everyone.
    ///
    /// # Errors
    /// 401, 403, 429.
    pub(crate) fn authorise(
        &self,
        route: &Route,
        head: &Head<'_>,
    ) -> Result<Option<Identity>, Refusal> {
        let Access::Role(needed) = route.access else { return Ok(None) };
        let identity = match head.header("authorization") {
            Some(authorization) => self.by_bearer(authorization, head.peer)?,
            None => self.by_cookie(route, head)?,
        };
        if identity.caller.role < needed {
            return Err(Refusal::role_too_low(needed.name()));
        }
        Ok(Some(identity))
    }

    fn by_bearer(&self, authorization: &str, peer: SocketAddr) -> Result<Identity, Refusal> {
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let credential = self.attempt(peer, || self.credentials.by_token(token?))?;
        let caller = Caller { user: credential.user.clone(), role: credential.role, address: peer };
        Ok(Identity { caller, session: None })
    }

    fn by_cookie(&self, route: &Route, head: &Head<'_>) -> Result<Identity, Refusal> {
        let cookie = head.cookie(COOKIE).ok_or_else(Refusal::credentials_missing)?;
        let now_ns = self.backend.uptime_ns();
        let mut sessions = self.sessions.borrow_mut();
        let found = sessions.find(cookie, now_ns).ok_or_else(Refusal::credentials_wrong)?;
        if route.method != Method::Get {
            let token = head.header("x-csrf-token").unwrap_or_default();
            if !sessions.has_csrf_token(found.number, now_ns, token.as_bytes()) {
                return Err(Refusal::csrf());
            }
        }
        let caller = Caller { user: found.user, role: found.role, address: head.peer };
        Ok(Identity { caller, session: Some(found.number) })
    }

    /// Checks a secret that may be guessed.
    fn attempt<'c>(
        &'c self,
        peer: SocketAddr,
        check: impl FnOnce() -> Option<&'c Credential>,
    ) -> Result<&'c Credential, Refusal> {
        let now_ns = self.backend.uptime_ns();
        self.throttle.borrow().check(peer.ip(), now_ns).map_err(Refusal::too_many_attempts)?;
        check().ok_or_else(|| {
            self.throttle.borrow_mut().note_failure(peer.ip(), now_ns);
            Refusal::credentials_wrong()
        })
    }

    /// `POST /sessions`.
    ///
    /// # Errors
    /// 400, 401, 422, 429.
    pub(crate) fn sign_in(&self, head: &Head<'_>, body: &[u8]) -> Result<Reply, Refusal> {
        let request = documents::session(body)?;
        let attempt = self.attempt(head.peer, || match (&request.token, &request.secret) {
            (Some(token), _) => self.credentials.by_token(token),
            (None, Some(secret)) => self.credentials.by_secret(secret),
            (None, None) => None,
        });
        let credential = attempt.inspect_err(|_| {
            self.publish_session(None, "Someone failed to sign in", head.peer);
        })?;
        let (secret, session) = self.sessions.borrow_mut().begin(&self.backend, credential);
        self.publish_session(Some(&session), "signed in", head.peer);
        // No `Secure`: there is no TLS yet, and a browser would not send it back.
        let cookie = alloc::format!("{COOKIE}={secret}; Path=/; HttpOnly; SameSite=Strict");
        let mut reply = Reply::json(201, &session)
            .with_header("Location", "/api/v1/sessions")
            .with_header("Set-Cookie", cookie);
        reply.actor = Some(session.user);
        Ok(reply)
    }

    /// `GET /sessions`.
    ///
    /// # Errors
    /// 401 when the session ended this moment.
    pub(crate) fn current_session(&self, identity: &Identity) -> Result<Reply, Refusal> {
        let session = match identity.session {
            Some(number) => self
                .sessions
                .borrow()
                .describe(number, self.backend.uptime_ns())
                .ok_or_else(Refusal::credentials_wrong)?,
            None => Session {
                user: identity.caller.user.clone(),
                role: identity.caller.role,
                authenticated_by: AuthenticatedBy::Token,
                csrf_token: None,
                created_at: None,
                expires_at: None,
            },
        };
        Ok(Reply::json(200, &session))
    }

    /// `DELETE /sessions`.
    pub(crate) fn sign_out(&self, identity: &Identity) -> Reply {
        if let Some(number) = identity.session {
            let session = self.sessions.borrow().describe(number, self.backend.uptime_ns());
            self.sessions.borrow_mut().end(number);
            self.publish_session(session.as_ref(), "signed out", identity.caller.address);
        }
        let gone = alloc::format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
        Reply::empty(204).with_header("Set-Cookie", gone)
    }

    fn publish_session(&self, session: Option<&Session>, what: &str, peer: SocketAddr) {
        let actor = session.map(|session| session.user.clone());
        let message: String = match &actor {
            Some(user) => alloc::format!("{user} {what} from {}", peer.ip()),
            None => alloc::format!("{what} from {}", peer.ip()),
        };
        self.backend.publish(NewEvent { kind: EventKind::SessionChanged, actor, message });
    }
}
