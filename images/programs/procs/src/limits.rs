//! Limits, as they are typed: `memory=67108864 files=64`.

use core::ffi::CStr;

use multios::{LimitValues, limit_bits};

/// The limits that these words name; none if one of them is wrong.
pub(crate) fn parse(words: impl Iterator<Item = &'static CStr>) -> Option<LimitValues> {
    let mut values = LimitValues::zeroed();
    for word in words {
        let (name, value) = word.to_str().ok()?.split_once('=')?;
        let value: u64 = value.parse().ok()?;
        let (bit, place) = match name {
            "memory" => (limit_bits::MEMORY, &mut values.memory_bytes),
            "stack" => (limit_bits::STACK, &mut values.stack_bytes),
            "files" => (limit_bits::OPEN_FILES, &mut values.open_files),
            "processes" => (limit_bits::PROCESSES, &mut values.processes),
            _ => return None,
        };
        *place = value;
        values.set |= bit;
    }
    Some(values)
}
