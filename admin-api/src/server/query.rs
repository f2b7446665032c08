//! The query of a request: percent-decoding and the checks that all routes share.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::types::FieldError;

use super::refusal::Refusal;

/// Most items that a page may have.
pub(crate) const MAX_LIMIT: u32 = 1000;
/// Items of a page when the request does not say.
pub(crate) const DEFAULT_LIMIT: u32 = 100;

/// Decoded query parameters, each at most once.
#[derive(Debug, Default)]
pub(crate) struct Query<'q> {
    pairs: Vec<(Cow<'q, str>, Cow<'q, str>)>,
}

impl<'q> Query<'q> {
    /// Parses a query, of which only the parameters in `known` are allowed.
    ///
    /// # Errors
    /// 400 that names every parameter that is unknown, repeated or not UTF-8.
    pub(crate) fn parse(query: &'q str, known: &[&str]) -> Result<Self, Refusal> {
        let mut pairs: Vec<(Cow<'q, str>, Cow<'q, str>)> = Vec::new();
        let mut errors = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let mut refuse = |field: &str, message: &str| {
                let field = field.chars().take(64).collect();
                errors.push(FieldError { field, message: message.into() });
            };
            match (decode(name), decode(value)) {
                (Some(name), _) if !known.contains(&name.as_ref()) => refuse(&name, "is unknown"),
                (Some(name), _) if pairs.iter().any(|(other, _)| *other == name) => {
                    refuse(&name, "is given twice");
                }
                (Some(name), Some(value)) => pairs.push((name, value)),
                (_, _) => refuse(name, "is not percent-encoded UTF-8"),
            }
            if errors.len() >= 16 {
                break;
            }
        }
        if errors.is_empty() { Ok(Self { pairs }) } else { Err(Refusal::bad_parameters(errors)) }
    }

    /// A parameter's text.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_ref())
    }

    /// A parameter as a number between `least` and `most`.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub(crate) fn number(&self, name: &str, least: u64, most: u64) -> Result<Option<u64>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(None) };
        // No sign: `parse` would take a plus.
        let number = if text.starts_with('+') { None } else { text.parse().ok() };
        match number.filter(|number| (least..=most).contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let message = format!("must be a whole number from {least} to {most}");
                Err(Refusal::bad_parameter(name, message))
            }
        }
    }

    /// The number of items of a page.
    ///
    /// # Errors
    /// 400 when it is no number from 1 to [`MAX_LIMIT`].
    pub(crate) fn limit(&self) -> Result<u32, Refusal> {
        let limit = self.number("limit", 1, MAX_LIMIT.into())?;
        Ok(limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DEFAULT_LIMIT))
    }

    /// A parameter that is `true` or `false`.
    ///
    /// # Errors
    /// 400 when it is something else.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.get(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::bad_parameter(name, "must be true or false")),
        }
    }

    /// A parameter that is a list of words with commas between them; empty when it is not given.
    ///
    /// # Errors
    /// 400 when a word is unknown.
    pub(crate) fn words<T>(
        &self,
        name: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, Refusal> {
        let Some(text) = self.get(name) else { return Ok(Vec::new()) };
        text.split(',')
            .map(|word| {
                parse(word).ok_or_else(|| {
                    let shown: String = word.chars().take(64).collect();
                    Refusal::bad_parameter(name, format!("{shown} is not a known word"))
                })
            })
            .collect()
    }
}

/// Decodes `%41` and `+`; `None` when it is malformed or not UTF-8.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(rest.next()?).to_digit(16)?;
                let low = char::from(rest.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_and_refuses() {
        let query = Query::parse("name=a%20b+%C3%A4&limit=5", &["name", "limit"]).unwrap();
        assert_eq!(query.get("name"), Some("a b ä"));
        assert_eq!(query.limit().unwrap(), 5);
        for bad in ["x=1", "name=%", "name=%f", "name=%ff", "name=%+1", "name=1&name=2"] {
            assert_eq!(Query::parse(bad, &["name"]).unwrap_err().status, 400, "{bad}");
        }
        for bad in ["limit=0", "limit=1001", "limit=+5", "limit=", "limit=-1", "limit=1e3"] {
            assert!(Query::parse(bad, &["limit"]).unwrap().limit().is_err(), "{bad}");
        }
    }
}
