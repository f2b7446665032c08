//! Sets of CPUs as people write them: `0-3, 6`.

/// The CPUs of a text; none for an empty one, which stands for all. `cpu_count` is how many there are,
/// if that is known.
///
/// # Errors
/// What is wrong with it.
pub fn parse(text: &str, cpu_count: Option<u32>) -> Result<Vec<u32>, String> {
    /// More than there can be.
    const MOST: u32 = 4096;
    let cpu_count = cpu_count.unwrap_or(MOST);
    let mut cpus = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let (Some(first), Some(last)) = (number(first), number(last)) else {
            return Err(format!("“{part}” is neither a CPU nor a range such as 0-3."));
        };
        if first > last {
            return Err(format!("“{part}” runs backwards."));
        }
        if last >= cpu_count {
            return Err(format!(
                "There is no CPU {last}; the last one is {}.",
                cpu_count.saturating_sub(1)
            ));
        }
        cpus.extend(first..=last);
    }
    cpus.sort_unstable();
    cpus.dedup();
    Ok(cpus)
}

/// A set of CPUs, ascending, as text.
#[must_use]
pub fn show(cpus: &[u32]) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut rest = cpus.iter().copied().peekable();
    while let Some(first) = rest.next() {
        let mut last = first;
        while let Some(next) = rest.next_if(|next| *next == last + 1) {
            last = next;
        }
        parts.push(if first == last { first.to_string() } else { format!("{first}-{last}") });
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_are_read_and_shown() {
        for (text, cpus, shown) in [
            ("", vec![], ""),
            ("2", vec![2], "2"),
            ("0-3", vec![0, 1, 2, 3], "0-3"),
            (" 5, 0 - 1,1,", vec![0, 1, 5], "0-1, 5"),
        ] {
            let read = parse(text, Some(8)).unwrap();
            assert_eq!((&read, show(&read).as_str()), (&cpus, shown), "{text}");
        }
        for bad in ["x", "1-", "-1", "3-2", "8", "0-4294967295", "99999999999"] {
            assert!(parse(bad, Some(8)).is_err(), "{bad}");
        }
    }
}
