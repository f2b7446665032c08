//! The secrets that a boot is given: the first token and the console link's one-time secret.

use crate::failure::{Failure, Result};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;

/// Shorter tokens can be guessed.
const SHORTEST_TOKEN: usize = 16;
/// Longer ones don't fit the kernel's command line with the rest.
const LONGEST_TOKEN: usize = 128;

/// 128 random bits in hexadecimal.
///
/// # Errors
/// When the host has no source of randomness.
pub fn random() -> Result<String> {
    let mut bytes = [0u8; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    read.map_err(|error| Failure::new(format!("can't read /dev/urandom: {error}")))?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// Takes a token that the user chose.
///
/// # Errors
/// When it is too short, too long, or has a character that can't stand on the kernel's command line
/// or in an HTTP header.
pub fn check_token(token: String) -> Result<String> {
    let fits = (SHORTEST_TOKEN..=LONGEST_TOKEN).contains(&token.len());
    // RFC 6750, section 2.1: what a bearer token is made of.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    if fits && token.chars().all(plain) {
        return Ok(token);
    }
    Err(Failure::usage(format!(
        "--token takes {SHORTEST_TOKEN} to {LONGEST_TOKEN} letters, digits or -._~+/= "
    )))
}

/// The kernel options that tell it both secrets.
#[must_use]
pub fn kernel_options(token: &str, link_secret: &str) -> String {
    format!("token={token} link_secret={link_secret}")
}

/// The console's link. The secret is in the fragment, which browsers don't send or log.
#[must_use]
pub fn link(port: u16, link_secret: &str) -> String {
    format!("http://127.0.0.1:{port}/#/sign-in?secret={link_secret}")
}

/// Prints how to get in: the link, the token and a line to paste.
pub fn introduce(port: u16, token: &str, link_secret: &str) {
    println!("console  {}", link(port, link_secret));
    println!("         (signs in once; after that, sign in with the token)");
    println!("token    {token}");
    println!(
        "curl     curl -sS -H 'Authorization: Bearer {token}' http://127.0.0.1:{port}/api/v1/system"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_the_same() {
        let (a, b) = (random().unwrap(), random().unwrap());
        assert_eq!(a.len(), 32);
        assert_ne!(a, b);
        assert_eq!(check_token(a.clone()).unwrap(), a);
    }
}
