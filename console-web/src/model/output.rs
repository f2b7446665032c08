//! What a process wrote, as far as it was read: [`Output`].

use admin_api::types::ProcessOutput;

/// How much text is kept and drawn. More makes the page slow, and nobody reads it here.
const KEPT_BYTES: usize = 256 * 1024;

/// The end of a process's output.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Output {
    /// The text, escape sequences of terminals removed.
    pub text: String,
    /// Where to go on reading.
    pub next_offset: u64,
    /// Whether earlier output is missing here.
    pub is_cut: bool,
    /// Whether nothing will follow.
    pub has_ended: bool,
}

impl Output {
    /// Takes in a further part.
    #[must_use]
    pub fn with(&self, part: &ProcessOutput) -> Self {
        let mut text = self.text.clone();
        let mut is_cut = self.is_cut || part.offset > self.next_offset;
        if part.next_offset > self.next_offset || part.offset > self.next_offset {
            text.push_str(&plain(&part.text));
        }
        if text.len() > KEPT_BYTES {
            let least = text.len() - KEPT_BYTES;
            let cut = (least..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(least);
            // From a line's beginning, if there is one near.
            let line = text[cut..].find('\n').map_or(cut, |at| cut + at + 1);
            text.drain(..line);
            is_cut = true;
        }
        let next_offset = part.next_offset.max(self.next_offset);
        Self { text, next_offset, is_cut, has_ended: part.ended }
    }
}

/// The text without escape sequences and control characters that only a terminal understands.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' if chars.next_if_eq(&'[').is_some() => {
                // CSI: parameters, then one final character (ECMA-48, 5.4).
                while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {}
            }
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(offset: u64, text: &str) -> ProcessOutput {
        ProcessOutput {
            pid: 1,
            first_offset: 0,
            offset,
            next_offset: offset + text.len() as u64,
            ended: false,
            text: text.to_owned(),
        }
    }

    #[test]
    fn parts_are_joined_and_a_repeated_part_is_not_shown_twice() {
        let output = Output::default().with(&part(0, "one\n")).with(&part(4, "two\n"));
        assert_eq!(output.text, "one\ntwo\n");
        assert_eq!(output.with(&part(4, "two\n")), output);
        assert_eq!(output.next_offset, 8);
    }

    #[test]
    fn a_hole_is_told() {
        let output = Output::default().with(&part(100, "late\n"));
        assert!(output.is_cut);
        assert_eq!(output.text, "late\n");
    }

    #[test]
    fn endless_output_is_bounded_and_cut_at_a_line() {
        let mut output = Output::default();
        let line = "héllo wörld\n".repeat(1000);
        for _ in 0..100 {
            let next = part(output.next_offset, &line);
            output = output.with(&next);
        }
        assert!(output.text.len() <= KEPT_BYTES && output.is_cut);
        assert!(output.text.starts_with("héllo"));
    }

    #[test]
    fn terminals_escapes_are_removed() {
        assert_eq!(plain("\u{1b}[1;31mred\u{1b}[0m\r\n\tx\u{7}"), "red\n\tx");
        assert_eq!(plain("\u{1b}["), "");
    }
}
