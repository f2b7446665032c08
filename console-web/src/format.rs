//! Figures as people read them. Everything here is text in, text out: no clock, no locale.

const KIB: f64 = 1024.0;

/// A number of bytes in binary units, three significant digits: `512 B`, `1.50 MiB`, `64.0 GiB`.
#[must_use]
pub fn bytes(value: u64) -> String {
    bytes_f64(value as f64)
}

/// A rate in bytes a second: `1.20 KiB/s`.
#[must_use]
pub fn bytes_per_second(value: f64) -> String {
    format!("{}/s", bytes_f64(value))
}

/// The same as [`bytes`] for a measured value.
#[must_use]
pub fn bytes_f64(value: f64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if value < 999.5 {
        return format!("{value:.0} B");
    }
    let mut scaled = value / KIB;
    let mut unit = UNITS[0];
    for larger in &UNITS[1..] {
        if scaled < 999.5 {
            break;
        }
        scaled /= KIB;
        unit = larger;
    }
    format!("{} {unit}", three_digits(scaled))
}

/// A share in percent: one place below ten, none from ten on, so that the width stays the same.
#[must_use]
pub fn percent(value: f64) -> String {
    if value < 9.95 { format!("{value:.1} %") } else { format!("{value:.0} %") }
}

/// A whole number with thin spaces between groups of three digits.
#[must_use]
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3 * 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push('\u{202f}');
        }
        out.push(digit);
    }
    out
}

/// A long duration by its two largest units: `42 s`, `3 min 5 s`, `2 h 10 min`, `12 d 4 h`.
#[must_use]
pub fn duration_ns(value: u64) -> String {
    let seconds = value / 1_000_000_000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if hours > 0 {
        format!("{hours} h {minutes} min")
    } else if minutes > 0 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds} s")
    }
}

/// A short time: `0.7 ms`, `42 ms`, `1.2 s`.
#[must_use]
pub fn short_time_ns(value: u64) -> String {
    let ms = value as f64 / 1e6;
    if ms < 10.0 {
        format!("{ms:.1} ms")
    } else if ms < 1000.0 {
        format!("{ms:.0} ms")
    } else {
        format!("{:.1} s", ms / 1000.0)
    }
}

/// CPU time: `0.42 s`, `12.3 s`, `4:05 min`, `1:02:03 h`.
#[must_use]
pub fn cpu_time_ns(value: u64) -> String {
    let seconds = value / 1_000_000_000;
    if seconds < 60 {
        return format!("{} s", three_digits(value as f64 / 1e9));
    }
    if seconds < 3600 {
        return format!("{}:{:02} min", seconds / 60, seconds % 60);
    }
    format!("{}:{:02}:{:02} h", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// How long ago something was: `now`, `12 s ago`, `5 min ago`, `3 h ago`, `2 d ago`.
#[must_use]
pub fn ago_ms(elapsed_ms: f64) -> String {
    let seconds = (elapsed_ms / 1000.0).max(0.0).floor();
    if seconds < 1.0 {
        "now".to_owned()
    } else if seconds < 60.0 {
        format!("{seconds:.0} s ago")
    } else if seconds < 3600.0 {
        format!("{:.0} min ago", (seconds / 60.0).floor())
    } else if seconds < 86_400.0 {
        format!("{:.0} h ago", (seconds / 3600.0).floor())
    } else {
        format!("{:.0} d ago", (seconds / 86_400.0).floor())
    }
}

/// The time of day, `14:03:09`, of a moment in milliseconds since 1970, `offset_minutes` east of
/// Greenwich.
#[must_use]
pub fn time_of_day(unix_ms: u64, offset_minutes: i32) -> String {
    let minutes = i64::from(offset_minutes);
    let ms = i64::try_from(unix_ms).unwrap_or(i64::MAX).saturating_add(minutes * 60_000);
    let seconds = ms.div_euclid(1000).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A command line as one would type it; arguments with spaces or quotes are quoted.
#[must_use]
pub fn command_line<T: AsRef<str>>(words: &[T]) -> String {
    let quoted = words.iter().map(|word| {
        let word = word.as_ref();
        let is_plain = !word.is_empty()
            && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,+@%^[]".contains(c));
        if is_plain { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

fn three_digits(value: f64) -> String {
    if value < 9.995 {
        format!("{value:.2}")
    } else if value < 99.95 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_keep_three_digits_and_change_units_before_a_fourth() {
        for (value, text) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "0.98 KiB"),
            (1536, "1.50 KiB"),
            (10 << 20, "10.0 MiB"),
            (512 << 20, "512 MiB"),
            (1000 << 20, "0.98 GiB"),
            (u64::MAX, "16384 PiB"),
        ] {
            assert_eq!(bytes(value), text, "{value}");
        }
    }

    #[test]
    fn percents_are_steady_in_width() {
        assert_eq!(percent(0.0), "0.0 %");
        assert_eq!(percent(9.94), "9.9 %");
        assert_eq!(percent(9.96), "10 %");
        assert_eq!(percent(100.0), "100 %");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(65_536), "65\u{202f}536");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
    }

    #[test]
    fn durations_show_two_units() {
        let second = 1_000_000_000;
        assert_eq!(duration_ns(59 * second), "59 s");
        assert_eq!(duration_ns(185 * second), "3 min 5 s");
        assert_eq!(duration_ns(7_800 * second), "2 h 10 min");
        assert_eq!(duration_ns(1_051_200 * second), "12 d 4 h");
        assert_eq!(cpu_time_ns(420_000_000), "0.42 s");
        assert_eq!(cpu_time_ns(245 * second), "4:05 min");
        assert_eq!(cpu_time_ns(3723 * second), "1:02:03 h");
    }

    #[test]
    fn elapsed_times_never_run_backwards() {
        // Two clocks that disagree must not give "-3 s ago".
        assert_eq!(ago_ms(-3000.0), "now");
        assert_eq!(ago_ms(59_999.0), "59 s ago");
        assert_eq!(ago_ms(7_200_000.0), "2 h ago");
    }

    #[test]
    fn time_of_day_respects_the_offset() {
        assert_eq!(time_of_day(0, 0), "00:00:00");
        assert_eq!(time_of_day(0, -60), "23:00:00");
        assert_eq!(time_of_day(86_399_000, 330), "05:29:59");
    }

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        assert_eq!(command_line(&["/bin/sleep", "60"]), "/bin/sleep 60");
        assert_eq!(command_line(&["/bin/echo", "it's me", ""]), "/bin/echo 'it'\\''s me' ''");
    }
}
