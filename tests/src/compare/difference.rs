//! Says in which lines two outcomes differ.

use super::Did;
use std::fmt::Write as _;

/// Equal lines shown before and after a difference.
const CONTEXT: usize = 3;
/// Different lines shown of each side.
const SHOWN: usize = 30;

/// What `guest` did otherwise than `linux`; `None` when they did the same. `-` marks what only Linux
/// wrote, `+` what only the guest wrote.
#[must_use]
pub fn difference(linux: &Did, guest: &Did) -> Option<String> {
    if linux == guest {
        return None;
    }
    let mut text = String::new();
    if linux.end != guest.end {
        let _ = writeln!(text, "- {}\n+ {}", linux.end, guest.end);
    }
    if linux.output != guest.output {
        lines(&linux.output, &guest.output, &mut text);
    }
    Some(text)
}

fn lines(linux: &str, guest: &str, text: &mut String) {
    let split = |output: &str| -> Vec<String> {
        output.split_inclusive('\n').map(|line| format!("{line:?}")).collect()
    };
    let (linux, guest) = (split(linux), split(guest));
    let shorter = linux.len().min(guest.len());
    let front = linux.iter().zip(&guest).take_while(|(a, b)| a == b).count();
    let back = linux.iter().rev().zip(guest.iter().rev()).take_while(|(a, b)| a == b).count();
    let back = back.min(shorter - front);
    for line in &linux[front.saturating_sub(CONTEXT)..front] {
        let _ = writeln!(text, "  {line}");
    }
    for (sign, side) in [('-', &linux), ('+', &guest)] {
        let differing = &side[front..side.len() - back];
        for line in differing.iter().take(SHOWN) {
            let _ = writeln!(text, "{sign} {line}");
        }
        if differing.len() > SHOWN {
            let _ = writeln!(text, "{sign} ... {} more lines", differing.len() - SHOWN);
        }
    }
    for line in linux[linux.len() - back..].iter().take(CONTEXT) {
        let _ = writeln!(text, "  {line}");
    }
}

#[cfg(test)]
mod tests {
    use super::super::End;
    use super::*;

    fn did(output: &str, status: i32) -> Did {
        Did { output: output.to_owned(), end: End::Status(status) }
    }

    #[test]
    fn equal_outcomes_have_no_difference() {
        assert_eq!(difference(&did("a\n", 0), &did("a\n", 0)), None);
    }

    #[test]
    fn the_lines_that_differ_are_shown_with_their_neighbours() {
        let text = difference(&did("a\nb\nc\n", 0), &did("a\nx\ny\nc\n", 1)).unwrap();
        let expected = "- exit status 0\n+ exit status 1\n  \"a\\n\"\n- \"b\\n\"\n+ \"x\\n\"\n\
                        + \"y\\n\"\n  \"c\\n\"\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_repeated_line_is_not_counted_twice() {
        let text = difference(&did("a\na\n", 0), &did("a\na\na\n", 0)).unwrap();
        assert_eq!(text, "  \"a\\n\"\n  \"a\\n\"\n+ \"a\\n\"\n");
        assert_eq!(difference(&did("", 0), &did("a", 0)).unwrap(), "+ \"a\"\n");
    }
}
