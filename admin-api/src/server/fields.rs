//! Reading a JSON document field by field, so that every wrong field is named.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::types::FieldError;

use super::refusal::Refusal;

/// A JSON object that is being read, and what was wrong with it so far.
pub(crate) struct Fields {
    object: Map<String, Value>,
    errors: Vec<FieldError>,
}

impl Fields {
    /// Parses a body.
    ///
    /// # Errors
    /// 400 when it is no JSON, 422 when it is no object.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        let value = serde_json::from_slice::<Value>(body)
            .map_err(|error| Refusal::malformed_json(error.to_string()))?;
        match value {
            Value::Object(object) => Ok(Self { object, errors: Vec::new() }),
            _ => Err(Refusal::bad_fields(alloc::vec![FieldError {
                field: String::new(),
                message: "must be an object".to_owned(),
            }])),
        }
    }

    /// Takes a field that may be missing or `null`.
    pub(crate) fn optional<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        let value = self.object.remove(field).filter(|value| !value.is_null())?;
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(field, error.to_string());
                None
            }
        }
    }

    /// Takes a field that may be missing, which is `None`, or `null`, which is `Some(None)`.
    #[expect(clippy::option_option, reason = "missing, null, there")]
    pub(crate) fn settable<T: DeserializeOwned>(&mut self, field: &str) -> Option<Option<T>> {
        if self.object.get(field)?.is_null() {
            self.object.remove(field);
            return Some(None);
        }
        self.optional(field).map(Some)
    }

    /// Takes a field that must be there.
    pub(crate) fn required<T: DeserializeOwned>(&mut self, field: &str) -> Option<T> {
        if self.object.get(field).is_none_or(Value::is_null) {
            self.object.remove(field);
            self.error(field, "is missing");
            return None;
        }
        self.optional(field)
    }

    /// Takes a field that is an object, if it is there.
    pub(crate) fn object(&mut self, field: &str) -> Option<Self> {
        match self.optional(field)? {
            Value::Object(object) => Some(Self { object, errors: Vec::new() }),
            _ => {
                self.error(field, "must be an object");
                None
            }
        }
    }

    /// Takes a field that is a list of objects, if it is there; at most `most` of them.
    pub(crate) fn objects(&mut self, field: &str, most: usize) -> Vec<Self> {
        let values: Vec<Value> = self.optional(field).unwrap_or_default();
        if values.len() > most {
            self.error(field, format!("has too many items, at most {most}"));
            return Vec::new();
        }
        let mut objects = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Value::Object(object) => objects.push(Self { object, errors: Vec::new() }),
                _ => self.error(&format!("{field}.{index}"), "must be an object"),
            }
        }
        objects
    }

    /// Whether a field is there, be it `null`.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.object.contains_key(field)
    }

    /// Takes a field that is not looked at.
    pub(crate) fn ignore(&mut self, field: &str) {
        self.object.remove(field);
    }

    /// Takes a whole number from `least` to `most`, if it is there.
    pub(crate) fn number(&mut self, field: &str, least: u64, most: u64) -> Option<u64> {
        let value = self.object.remove(field).filter(|value| !value.is_null())?;
        let number = value.as_u64().filter(|number| (least..=most).contains(number));
        if number.is_none() {
            self.error(field, format!("must be a whole number from {least} to {most}"));
        }
        number
    }

    /// The same for numbers of 32 bits.
    pub(crate) fn number_u32(&mut self, field: &str, least: u32, most: u32) -> Option<u32> {
        self.number(field, least.into(), most.into()).and_then(|number| u32::try_from(number).ok())
    }

    /// Takes over what was wrong with an object of this document; fields that nobody took are unknown.
    pub(crate) fn take_errors(&mut self, field: &str, mut inner: Self) {
        inner.refuse_rest();
        for FieldError { field: name, message } in inner.errors {
            self.errors.push(FieldError { field: format!("{field}.{name}"), message });
        }
    }

    /// Notes what is wrong with a field.
    pub(crate) fn error(&mut self, field: &str, message: impl Into<String>) {
        self.errors.push(FieldError { field: field.to_owned(), message: message.into() });
    }

    /// Notes what is wrong with a field unless `is_valid`.
    pub(crate) fn check(&mut self, is_valid: bool, field: &str, message: &str) {
        if !is_valid {
            self.error(field, message);
        }
    }

    /// Whether something was wrong with this field.
    pub(crate) fn has_error(&self, field: &str) -> bool {
        self.errors.iter().any(|error| error.field == field)
    }

    /// Whether nothing was wrong so far.
    pub(crate) fn is_clean(&self) -> bool {
        self.errors.is_empty()
    }

    /// Everything that was wrong, unknown fields included.
    pub(crate) fn into_errors(mut self) -> Vec<FieldError> {
        self.refuse_rest();
        self.errors
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// 422 with everything that was wrong; fields that nobody took are unknown.
    pub(crate) fn finish(mut self) -> Result<(), Refusal> {
        self.refuse_rest();
        if self.errors.is_empty() { Ok(()) } else { Err(Refusal::bad_fields(self.errors)) }
    }

    fn refuse_rest(&mut self) {
        /// So many unknown fields are named; a document of nothing else shall not be echoed.
        const NAMED: usize = 16;
        for field in core::mem::take(&mut self.object).keys().take(NAMED) {
            let shown: String = field.chars().take(64).collect();
            self.error(&shown, "is unknown");
        }
    }
}
