//! Limits, as they are typed: `memory=67108864 files=64`.

use core::ffi::CStr;

use multios::{LimitValues, limit_bits};

/// The limits that these words name; none if one of them is wrong.
pub(crate) fn parse(words: impl Iterator<Item = &'static CStr>) -> Option<LimitValues> {
    let mut values = LimitValues::zeroed();
    for word in words {
        let (name, value) = word.to_str().ok()?.split_once('=')?;
        let value: u64 = if value == "none" { u64::MAX } else { value.parse().ok()? };
        let (bit, place) = match name {
            "memory" => (limit_bits::MEMORY, &mut values.memory_bytes),
            "stack" => (limit_bits::STACK, &mut values.stack_bytes),
            "files" => (limit_bits::OPEN_FILES, &mut values.open_files),
            "processes" => (limit_bits::PROCESSES, &mut values.processes),
            "cpu_ns" => (limit_bits::CPU_TIME, &mut values.cpu_time_ns),
            "cpu_percent" => (limit_bits::CPU_PERCENT, &mut values.cpu_percent),
            "read_rate" => (limit_bits::READ_RATE, &mut values.read_bytes_per_second),
            "write_rate" => (limit_bits::WRITE_RATE, &mut values.write_bytes_per_second),
            "creation_rate" => (limit_bits::CREATION_RATE, &mut values.processes_per_second),
            _ => return None,
        };
        *place = value;
        values.set |= bit;
    }
    Some(values)
}
