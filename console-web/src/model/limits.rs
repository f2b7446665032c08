//! The form that changes what a process may use: [`LimitsForm`].

use std::collections::BTreeMap;

use admin_api::types::{FieldError, LimitsChange, Process};

use super::failure::Failure;
use super::start::sentence;

/// A field of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Memory.
    Memory,
    /// Stack.
    Stack,
    /// Open files.
    Files,
    /// Processes and threads.
    Processes,
    /// None of them: the whole form.
    Form,
}

impl Field {
    /// The fields that can be typed into.
    pub const ALL: [Self; 4] = [Self::Memory, Self::Stack, Self::Files, Self::Processes];
}

/// The fields as they were typed.
pub type LimitsForm = BTreeMap<Field, String>;
/// What is wrong, by field.
pub type Errors = BTreeMap<Field, String>;

/// The limits that hold for a process now, as one would type them.
#[must_use]
pub fn form_of(process: &Process) -> LimitsForm {
    let limits = &process.limits;
    let size = |value: Option<u64>| value.map(show_size).unwrap_or_default();
    let count = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    LimitsForm::from([
        (Field::Memory, size(limits.memory_bytes)),
        (Field::Stack, size(limits.stack_bytes)),
        (Field::Files, count(limits.open_files)),
        (Field::Processes, count(limits.processes)),
    ])
}

/// The change, of what was typed anew alone; nothing if all is as it was.
///
/// # Errors
/// What is wrong with which field. The system checks again, and knows more.
pub fn to_change(form: &LimitsForm, process: &Process) -> Result<Option<LimitsChange>, Errors> {
    let before = form_of(process);
    let mut errors = Errors::new();
    let mut typed = |field: Field, parse: fn(&str) -> Result<u64, &'static str>| {
        let text = form.get(&field).map(|text| text.trim())?;
        if before.get(&field).is_some_and(|before| before == text) {
            return None;
        }
        parse(text).map_err(|error| errors.insert(field, error.to_owned())).ok()
    };
    let memory_bytes = typed(Field::Memory, parse_size);
    let stack_bytes = typed(Field::Stack, parse_size);
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let open_files = typed(Field::Files, parse_count).map(small);
    let processes = typed(Field::Processes, parse_count).map(small);
    if !errors.is_empty() {
        return Err(errors);
    }
    let change = LimitsChange { memory_bytes, stack_bytes, open_files, processes };
    Ok(Some(change).filter(|change| *change != LimitsChange::default()))
}

/// The errors of a refused change, by field.
#[must_use]
pub fn errors_of(failure: &Failure) -> Errors {
    let mut errors = Errors::new();
    if let Failure::Refused(problem) = failure {
        for FieldError { field, message } in &problem.errors {
            let place = match field.as_str() {
                "limits.memory_bytes" => Field::Memory,
                "limits.stack_bytes" => Field::Stack,
                "limits.open_files" => Field::Files,
                "limits.processes" => Field::Processes,
                _ => Field::Form,
            };
            errors.entry(place).or_insert_with(|| sentence(message));
        }
    }
    if errors.is_empty() {
        errors.insert(Field::Form, failure.message());
    }
    errors
}

/// Units by which sizes are typed and shown, the largest first.
const UNITS: [(&str, u32); 3] = [("GiB", 30), ("MiB", 20), ("KiB", 10)];

/// A size that loses nothing when it is read again: `256 MiB`, `1234`.
fn show_size(bytes: u64) -> String {
    let unit = UNITS.iter().find(|(_, shift)| bytes > 0 && bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| bytes.to_string(), |(name, shift)| format!("{} {name}", bytes >> shift))
}

fn parse_size(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "A size such as 64 MiB, 512 KiB or a number of bytes.";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        _ => return Err(WRONG),
    };
    number.checked_mul(1 << shift).ok_or("That is more than there can be.")
}

fn parse_count(text: &str) -> Result<u64, &'static str> {
    text.parse::<u32>()
        .ok()
        .filter(|count| *count > 0)
        .map(u64::from)
        .ok_or("A whole number, at least 1.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_shown() {
        for (text, bytes) in
            [("64 MiB", 64 << 20), ("1g", 1 << 30), ("512k", 512 << 10), ("1234", 1234), ("5 B", 5)]
        {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(parse_size(&show_size(bytes)), Ok(bytes), "{text}");
        }
        for bad in ["", "x", "-1", "1.5 MiB", "1 TB", "99999999999 GiB"] {
            assert!(parse_size(bad).is_err(), "{bad}");
        }
        assert_eq!(show_size(256 << 20), "256 MiB");
        assert!(parse_count("0").is_err() && parse_count("7") == Ok(7));
    }
}
