//! Domain names as they stand on the wire (RFC 1035, section 3.1).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

const MOST_BYTES: usize = 255;
const MOST_LABEL_BYTES: usize = 63;

/// A name, in lengths and labels up to the root's. Names are equal whatever the case of their letters.
#[derive(Clone, Debug)]
pub struct Name(Vec<u8>);

impl Name {
    /// Reads a name from the start of `bytes`; says how many bytes it has there. `None` for one that
    /// is cut, too long, or compressed: a question has nothing before it to point to.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut at = 0;
        loop {
            let length = usize::from(*bytes.get(at)?);
            if length > MOST_LABEL_BYTES || at + 1 + length > MOST_BYTES {
                return None;
            }
            at += 1 + length;
            if length == 0 {
                return Some((Self(bytes.get(..at)?.to_vec()), at));
            }
        }
    }

    /// A name from text with dots between its labels; one at the end may be there. `None` where a
    /// label is empty or too long.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let mut bytes = Vec::with_capacity(text.len() + 2);
        let labels = text.strip_suffix('.').unwrap_or(text);
        for label in labels.split('.').filter(|_| !labels.is_empty()) {
            let length = u8::try_from(label.len()).ok()?;
            if length == 0 || label.len() > MOST_LABEL_BYTES {
                return None;
            }
            bytes.push(length);
            bytes.extend_from_slice(label.as_bytes());
        }
        bytes.push(0);
        (bytes.len() <= MOST_BYTES).then_some(Self(bytes))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// As text in lower case, without the last dot. What is no letter, digit, hyphen or underscore
    /// becomes a backslash and three digits, so that a dot is always between two labels.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(self.0.len());
        // Cannot fail: it is a string.
        let _ = write!(text, "{self}");
        text
    }

    fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        core::iter::from_fn(move || {
            let (&length, after) = rest.split_first()?;
            let (label, after) = after.split_at_checked(usize::from(length))?;
            rest = after;
            (!label.is_empty()).then_some(label)
        })
    }
}

impl Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, label) in self.labels().enumerate() {
            if number > 0 {
                f.write_char('.')?;
            }
            for &byte in label {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => {
                        f.write_char(char::from(byte.to_ascii_lowercase()))?;
                    }
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        // Lengths are below the letters, so they stay what they are.
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Name {}
