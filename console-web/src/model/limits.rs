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
    /// CPU time in all.
    CpuTime,
    /// Share of a CPU.
    CpuShare,
    /// Bytes read in a second.
    Reading,
    /// Bytes written in a second.
    Writing,
    /// Processes made in a second.
    Creation,
    /// None of them: the whole form.
    Form,
}

impl Field {
    /// The fields that can be typed into.
    pub const ALL: [Self; 9] = [
        Self::Memory,
        Self::Stack,
        Self::Files,
        Self::Processes,
        Self::CpuTime,
        Self::CpuShare,
        Self::Reading,
        Self::Writing,
        Self::Creation,
    ];
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
        (Field::CpuTime, limits.cpu_time_ns.map(show_time).unwrap_or_default()),
        (Field::CpuShare, count(limits.cpu_percent.map(u64::from))),
        (Field::Reading, size(limits.read_bytes_per_second)),
        (Field::Writing, size(limits.write_bytes_per_second)),
        (Field::Creation, count(limits.processes_per_second.map(u64::from))),
    ])
}

/// The change, of what was typed anew alone; nothing if all is as it was.
///
/// # Errors
/// What is wrong with which field. The system checks again, and knows more.
pub fn to_change(form: &LimitsForm, process: &Process) -> Result<Option<LimitsChange>, Errors> {
    let before = form_of(process);
    let mut errors = Errors::new();
    // What was typed into a field, if that is something new.
    let new = |field: Field| {
        let text = form.get(&field).map(|text| text.trim())?;
        before.get(&field).is_none_or(|before| before != text).then_some(text)
    };
    let mut typed = |field: Field, parse: fn(&str) -> Result<u64, &'static str>| {
        parse(new(field)?).map_err(|error| errors.insert(field, error.to_owned())).ok()
    };
    let memory_bytes = typed(Field::Memory, parse_size);
    let stack_bytes = typed(Field::Stack, parse_size);
    let small = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    let open_files = typed(Field::Files, parse_count).map(small);
    let processes = typed(Field::Processes, parse_count).map(small);
    // An empty field is no limit.
    let mut or_none = |field: Field, parse: fn(&str) -> Result<u64, &'static str>| {
        if new(field)?.is_empty() { Some(None) } else { typed(field, parse).map(Some) }
    };
    let cpu_time_ns = or_none(Field::CpuTime, parse_time);
    let cpu_percent = or_none(Field::CpuShare, parse_percent).map(|value| value.map(small));
    let read_bytes_per_second = or_none(Field::Reading, parse_size);
    let write_bytes_per_second = or_none(Field::Writing, parse_size);
    let processes_per_second = or_none(Field::Creation, parse_count).map(|value| value.map(small));
    if !errors.is_empty() {
        return Err(errors);
    }
    let change = LimitsChange {
        memory_bytes,
        stack_bytes,
        open_files,
        processes,
        cpu_time_ns,
        cpu_percent,
        read_bytes_per_second,
        write_bytes_per_second,
        processes_per_second,
    };
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
                "limits.cpu_time_ns" => Field::CpuTime,
                "limits.cpu_percent" => Field::CpuShare,
                "limits.read_bytes_per_second" => Field::Reading,
                "limits.write_bytes_per_second" => Field::Writing,
                "limits.processes_per_second" => Field::Creation,
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

fn parse_percent(text: &str) -> Result<u64, &'static str> {
    parse_count(text.strip_suffix('%').unwrap_or(text).trim_end())
        .map_err(|_| "A whole number, such as 50; 200 is two CPUs.")
}

/// Units of time in nanoseconds, the largest first.
const TIMES: [(&str, u64); 3] = [("s", 1_000_000_000), ("ms", 1_000_000), ("ns", 1)];

/// A time that loses nothing when it is read again: `90 s`, `1500 ms`.
fn show_time(ns: u64) -> String {
    let unit = TIMES.iter().find(|(_, unit)| ns.is_multiple_of(*unit));
    unit.map_or_else(|| ns.to_string(), |(name, unit)| format!("{} {name}", ns / unit))
}

fn parse_time(text: &str) -> Result<u64, &'static str> {
    const WRONG: &str = "A time such as 90 s, 500 ms or 2 min.";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    let unit = match unit.trim() {
        "" => "s",
        unit => unit,
    };
    let ns = match unit {
        "min" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        unit => TIMES.iter().find(|(name, _)| *name == unit).map(|(_, ns)| *ns).ok_or(WRONG)?,
    };
    number.checked_mul(ns).filter(|ns| *ns > 0).ok_or(WRONG)
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

    #[test]
    fn times_are_read_as_they_are_shown() {
        for (text, ns) in [
            ("90 s", 90_000_000_000),
            ("1500ms", 1_500_000_000),
            ("2 min", 120_000_000_000),
            ("7", 7_000_000_000),
        ] {
            assert_eq!(parse_time(text), Ok(ns), "{text}");
            assert_eq!(parse_time(&show_time(ns)), Ok(ns), "{text}");
        }
        for bad in ["", "s", "0", "-1 s", "1 year", "99999999999 h"] {
            assert!(parse_time(bad).is_err(), "{bad}");
        }
        assert_eq!((parse_percent("50 %"), parse_percent("150")), (Ok(50), Ok(150)));
        assert!(parse_percent("0").is_err());
    }
}
