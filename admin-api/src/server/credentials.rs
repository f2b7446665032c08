//! Secrets: tokens, sessions' cookies and the one-time secret, all kept as SHA-256 hashes and
//! compared in constant time.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::backend::Environment;
use crate::types::{Role, Text};

/// A SHA-256 hash of a secret.
#[derive(Clone, Copy, Debug)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// Hashes a secret.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// From a hash made elsewhere.
    #[must_use]
    pub const fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }

    /// The hash in hexadecimal.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hexadecimal(&self.0)
    }

    /// Compares in constant time.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// Who has a token.
#[derive(Clone, Debug)]
pub struct Credential {
    /// Name of the user.
    pub user: Text,
    /// What the user may do.
    pub role: Role,
    /// Hash of the token.
    pub token: SecretHash,
}

/// What the server starts with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The tokens; the first is the one made at boot.
    pub credentials: Vec<Credential>,
    /// Hash of the secret in the printed link, which works once and signs the first credential's
    /// user in.
    pub sign_in_secret: Option<SecretHash>,
}

/// The tokens and the one-time secret.
pub(crate) struct Credentials {
    credentials: Vec<Credential>,
    sign_in_secret: Cell<Option<SecretHash>>,
}

impl Credentials {
    pub(crate) fn new(config: Config) -> Self {
        let Config { credentials, sign_in_secret } = config;
        Self { credentials, sign_in_secret: Cell::new(sign_in_secret) }
    }

    /// Whose token this is. Looks at all of them, so that the time says nothing.
    pub(crate) fn by_token(&self, token: &str) -> Option<&Credential> {
        let hash = SecretHash::of(token.as_bytes());
        let mut found = None;
        for credential in &self.credentials {
            if credential.token.matches(&hash) {
                found = Some(credential);
            }
        }
        found
    }

    /// Whom the one-time secret signs in; it is used up by that.
    pub(crate) fn by_secret(&self, secret: &str) -> Option<&Credential> {
        let expected = self.sign_in_secret.get()?;
        let credential = self.credentials.first()?;
        if !expected.matches(&SecretHash::of(secret.as_bytes())) {
            return None;
        }
        self.sign_in_secret.set(None);
        Some(credential)
    }
}

/// A fresh secret of 256 bits in hexadecimal.
pub(crate) fn random_secret(environment: &impl Environment) -> String {
    let mut bytes = [0; 32];
    environment.fill_random(&mut bytes);
    hexadecimal(&bytes)
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|nibble| char::from_digit(nibble.into(), 16))
        .collect()
}
