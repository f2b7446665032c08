//! [`IdempotencyKeys`]: a repeated `POST` that creates is answered, not done again.

use alloc::collections::VecDeque;

use crate::types::Text;

use super::answer::Head;
use super::credentials::SecretHash;
use super::refusal::Refusal;

/// So many keys are remembered; one more forgets the oldest.
const CAPACITY: usize = 256;
/// A key is remembered for this time.
const LIFETIME_NS: u64 = 3600 * 1_000_000_000;
/// Longest key that is taken.
const MAX_KEY_BYTES: usize = 255;

struct Entry {
    user: Text,
    /// Of the key; a hash, so that each entry has the same size.
    key: SecretHash,
    /// Of the request's body.
    request: SecretHash,
    made: Made,
    expires_ns: u64,
}

/// What a request made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Made {
    /// A process.
    Process(u32),
    /// A service.
    Service(Text),
}

/// What is known of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: go ahead.
    Nothing,
    /// The same request made this.
    Made(Made),
    /// Another request had this key.
    OtherRequest,
}

/// The key that a request has.
///
/// # Errors
/// 400 when it has a wrong length.
pub(crate) fn key_of<'h>(head: &Head<'h>) -> Result<Option<&'h [u8]>, Refusal> {
    let key = head.header("idempotency-key");
    if key.is_some_and(|key| key.is_empty() || key.len() > MAX_KEY_BYTES) {
        return Err(Refusal::bad_header("Idempotency-Key", "must have 1 to 255 bytes"));
    }
    Ok(key.map(str::as_bytes))
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
                Known::Made(entry.made.clone())
            }
            Some(_) => Known::OtherRequest,
        }
    }

    /// Remembers what a request made.
    pub(crate) fn remember(
        &mut self,
        user: Text,
        key: &[u8],
        body: &[u8],
        made: Made,
        now_ns: u64,
    ) {
        if self.entries.len() >= CAPACITY {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry {
            user,
            key: SecretHash::of(key),
            request: SecretHash::of(body),
            made,
            expires_ns: now_ns.saturating_add(LIFETIME_NS),
        });
    }
}
