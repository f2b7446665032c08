//! [`Sessions`]: the console's sessions, a bounded table.

use alloc::string::String;
use alloc::vec::Vec;

use subtle::ConstantTimeEq;

use crate::backend::Environment;
use crate::types::{AuthenticatedBy, Role, Session, Text, Timestamp};

use super::credentials::{Credential, SecretHash, random_secret};

/// So many sessions at once; one more ends the one that was idle for longest.
const CAPACITY: usize = 64;
/// A session ends after this time in any case.
const LIFETIME_NS: u64 = 12 * 3600 * 1_000_000_000;
/// A session ends when it was not used for this time.
const IDLE_NS: u64 = 2 * 3600 * 1_000_000_000;
/// The cookie's name.
pub(crate) const COOKIE: &str = "multios_session";

/// One session.
struct Entry {
    number: u64,
    secret: SecretHash,
    csrf_token: String,
    user: Text,
    role: Role,
    created_at: Timestamp,
    ends_ns: u64,
    last_used_ns: u64,
}

impl Entry {
    fn is_alive(&self, now_ns: u64) -> bool {
        now_ns < self.ends_ns && now_ns.saturating_sub(self.last_used_ns) < IDLE_NS
    }

    fn describe(&self) -> Session {
        Session {
            user: self.user.clone(),
            role: self.role,
            authenticated_by: AuthenticatedBy::Session,
            csrf_token: Some(self.csrf_token.clone()),
            created_at: Some(self.created_at),
            expires_at: Some(Timestamp::from_unix_ms(
                self.created_at.unix_ms() + LIFETIME_NS / 1_000_000,
            )),
        }
    }
}

/// What a valid cookie says.
pub(crate) struct Found {
    /// Names the session while it lives; never used again.
    pub(crate) number: u64,
    pub(crate) user: Text,
    pub(crate) role: Role,
}

/// The table of sessions.
#[derive(Default)]
pub(crate) struct Sessions {
    entries: Vec<Entry>,
    last_number: u64,
}

impl Sessions {
    /// Begins a session; the cookie's value is given out only here.
    pub(crate) fn begin(
        &mut self,
        environment: &impl Environment,
        credential: &Credential,
    ) -> (String, Session) {
        let now_ns = environment.uptime_ns();
        self.entries.retain(|entry| entry.is_alive(now_ns));
        if self.entries.len() >= CAPACITY {
            let idle = self.entries.iter().enumerate().min_by_key(|(_, entry)| entry.last_used_ns);
            if let Some((index, _)) = idle {
                self.entries.swap_remove(index);
            }
        }
        let secret = random_secret(environment);
        self.last_number += 1;
        let entry = Entry {
            number: self.last_number,
            secret: SecretHash::of(secret.as_bytes()),
            csrf_token: random_secret(environment),
            user: credential.user.clone(),
            role: credential.role,
            created_at: environment.now(),
            ends_ns: now_ns.saturating_add(LIFETIME_NS),
            last_used_ns: now_ns,
        };
        let session = entry.describe();
        self.entries.push(entry);
        (secret, session)
    }

    /// The session of a cookie, which counts as a use.
    pub(crate) fn find(&mut self, cookie: &str, now_ns: u64) -> Option<Found> {
        let hash = SecretHash::of(cookie.as_bytes());
        let mut found = None;
        for entry in self.entries.iter_mut().filter(|entry| entry.is_alive(now_ns)) {
            if entry.secret.matches(&hash) {
                entry.last_used_ns = now_ns;
                found = Some(Found {
                    number: entry.number,
                    user: entry.user.clone(),
                    role: entry.role,
                });
            }
        }
        found
    }

    fn get(&self, number: u64, now_ns: u64) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.number == number && entry.is_alive(now_ns))
    }

    /// Whether a session still lives; an open stream counts as a use of it.
    pub(crate) fn touch(&mut self, number: u64, now_ns: u64) -> bool {
        let mut entries = self.entries.iter_mut();
        let found = entries.find(|entry| entry.number == number && entry.is_alive(now_ns));
        found.map(|entry| entry.last_used_ns = now_ns).is_some()
    }

    /// Describes a session.
    pub(crate) fn describe(&self, number: u64, now_ns: u64) -> Option<Session> {
        self.get(number, now_ns).map(Entry::describe)
    }

    /// Whether this is the session's CSRF token.
    pub(crate) fn has_csrf_token(&self, number: u64, now_ns: u64, token: &[u8]) -> bool {
        self.get(number, now_ns)
            .is_some_and(|entry| entry.csrf_token.as_bytes().ct_eq(token).into())
    }

    /// Ends a session.
    pub(crate) fn end(&mut self, number: u64) {
        self.entries.retain(|entry| entry.number != number);
    }
}
