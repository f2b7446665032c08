//! [`IdempotencyKeys`]: a repeated `POST` that creates is answered, not done again.

use alloc::collections::VecDeque;

use crate::types::Text;

use super::credentials::SecretHash;

/// So many keys are remembered; one more forgets the oldest.
const CAPACITY: usize = 256;
/// A key is remembered for this time.
const LIFETIME_NS: u64 = 3600 * 1_000_000_000;
/// Longest key that is taken.
pub(crate) const MAX_KEY_BYTES: usize = 255;

struct Entry {
    user: Text,
    /// Of the key; a hash, so that each entry has the same size.
    key: SecretHash,
    /// Of the request's body.
    request: SecretHash,
    pid: u32,
    expires_ns: u64,
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: go ahead.
    Nothing,
    /// The same request made this process.
    Created(u32),
    /// Another request had this key.
    OtherRequest,
}

/// The keys of late.
#[derive(Default)]
pub(crate) struct IdempotencyKeys {
    entries: VecDeque<Entry>,
}

impl IdempotencyKeys {
    /// Looks a key up.
    pub(crate) fn find(&self, user: &str, key: &[u8], body: &[u8], now_ns: u64) -> Known {
        let hash = SecretHash::of(key);
        let entry = self.entries.iter().find(|entry| {
            entry.expires_ns > now_ns && entry.user == *user && entry.key.matches(&hash)
        });
        match entry {
            None => Known::Nothing,
            Some(entry) if entry.request.matches(&SecretHash::of(body)) => {
                Known::Created(entry.pid)
            }
            Some(_) => Known::OtherRequest,
        }
    }

    /// Remembers what a request made.
    pub(crate) fn remember(&mut self, user: Text, key: &[u8], body: &[u8], pid: u32, now_ns: u64) {
        if self.entries.len() >= CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            user,
            key: SecretHash::of(key),
            request: SecretHash::of(body),
            pid,
            expires_ns: now_ns.saturating_add(LIFETIME_NS),
        });
    }
}
