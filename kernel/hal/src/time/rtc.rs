//! The CMOS clock: the wall clock at boot, with a resolution of a second.
//! Source: Motorola MC146818A data sheet; the century is taken to be the 21st.

use x86_64::instructions::port::Port;

#[derive(Clone, Copy, PartialEq, Eq)]
struct Reading {
    second: u8,
    minute: u8,
    hour: u8,
    day: u8,
    month: u8,
    year: u8,
    status_b: u8,
}

/// Nanoseconds since 1970, or 0 if the clock gives no sensible date.
pub(super) fn read_ns() -> i64 {
    // Two equal readings in a row did not meet the update that happens once a second.
    let mut last = read();
    for _ in 0..16 {
        let next = read();
        if next == last {
            break;
        }
        last = next;
    }
    to_seconds(last).map_or(0, |seconds| seconds * 1_000_000_000)
}

fn register(index: u8) -> u8 {
    // SAFETY: the CMOS ports exist on every PC; the index selects a clock register, and the high
    // bit, which would mask NMIs, stays clear.
    unsafe {
        Port::<u8>::new(0x70).write(index);
    }
    // SAFETY: as above; reading has no effect.
    unsafe { Port::<u8>::new(0x71).read() }
}

fn read() -> Reading {
    Reading {
        second: register(0),
        minute: register(2),
        hour: register(4),
        day: register(7),
        month: register(8),
        year: register(9),
        status_b: register(11),
    }
}

fn to_seconds(reading: Reading) -> Option<i64> {
    let is_binary = reading.status_b & 4 != 0;
    let is_24_hours = reading.status_b & 2 != 0;
    let number =
        |value: u8| i64::from(if is_binary { value } else { (value >> 4) * 10 + (value & 15) });
    let mut hour = number(reading.hour & 0x7f);
    if !is_24_hours {
        hour = hour % 12 + if reading.hour & 0x80 != 0 { 12 } else { 0 };
    }
    let (year, month, day) =
        (2000 + number(reading.year), number(reading.month), number(reading.day));
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 {
        return None;
    }
    Some(
        days_since_1970(year, month, day) * 86_400
            + hour * 3600
            + number(reading.minute) * 60
            + number(reading.second),
    )
}

/// Days of the proleptic Gregorian calendar: years are counted from March, so that the leap day is
/// the last of its year.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days_before_month = (153 * month + 2) / 5;
    year * 365 + year / 4 - year / 100 + year / 400 + days_before_month + day - 1 - 719_468
}
