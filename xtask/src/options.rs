//! Reads a command's options: `--name VALUE` or `--name=VALUE`, and everything after `--`.

use crate::failure::{Failure, Result};
use std::str::FromStr;

/// The words of a command line that are still to be read.
#[derive(Debug)]
pub struct Words {
    words: std::vec::IntoIter<String>,
    attached: Option<String>,
}

/// One word, as a command sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// `--name`, without the dashes.
    Option(String),
    /// A word that is no option.
    Plain(String),
    /// What follows `--`.
    Rest(Vec<String>),
}

impl Words {
    /// Reads from `words`.
    #[must_use]
    pub fn new(words: Vec<String>) -> Self {
        Self { words: words.into_iter(), attached: None }
    }

    /// The next word; `None` at the end.
    ///
    /// # Errors
    /// When the option before was given a value that it does not take.
    pub fn take(&mut self) -> Result<Option<Word>> {
        if let Some(value) = self.attached.take() {
            return Err(Failure::usage(format!("`{value}` is given to an option without a value")));
        }
        let Some(word) = self.words.next() else { return Ok(None) };
        if word == "--" {
            return Ok(Some(Word::Rest(self.words.by_ref().collect())));
        }
        let Some(option) = word.strip_prefix("--") else { return Ok(Some(Word::Plain(word))) };
        match option.split_once('=') {
            None => Ok(Some(Word::Option(option.to_owned()))),
            Some((name, value)) => {
                self.attached = Some(value.to_owned());
                Ok(Some(Word::Option(name.to_owned())))
            }
        }
    }

    /// The value of the option `name` that was just taken.
    ///
    /// # Errors
    /// When there is none.
    pub fn value(&mut self, name: &str) -> Result<String> {
        let value = self.attached.take().or_else(|| self.words.next());
        value.ok_or_else(|| Failure::usage(format!("--{name} needs a value")))
    }

    /// The value of the option `name` as a number in `range`.
    ///
    /// # Errors
    /// When there is none, or it is not such a number.
    pub fn number<T>(&mut self, name: &str, range: std::ops::RangeInclusive<T>) -> Result<T>
    where
        T: FromStr + PartialOrd + std::fmt::Display,
    {
        let text = self.value(name)?;
        match text.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            _ => Err(Failure::usage(format!(
                "--{name} takes a number from {} to {}, not `{text}`",
                range.start(),
                range.end()
            ))),
        }
    }
}

/// The error for a word that a command has no use for.
#[must_use]
pub fn unexpected(word: &Word) -> Failure {
    match word {
        Word::Option(name) => Failure::usage(format!("there is no option --{name} here")),
        Word::Plain(word) => Failure::usage(format!("`{word}` is not expected here")),
        Word::Rest(_) => Failure::usage("`--` is not expected here"),
    }
}

/// Refuses any word: for commands without options.
///
/// # Errors
/// When there is a word.
pub fn none(mut words: Words) -> Result<()> {
    match words.take()? {
        None => Ok(()),
        Some(word) => Err(unexpected(&word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Words {
        Words::new(line.split_whitespace().map(ToOwned::to_owned).collect())
    }

    #[test]
    fn both_forms_of_a_value_are_read() {
        let mut words = words("--cpus 2 --port=0 plain -- --cpus x");
        assert_eq!(words.take().unwrap(), Some(Word::Option("cpus".into())));
        assert_eq!(words.number("cpus", 1..=8).unwrap(), 2);
        assert_eq!(words.take().unwrap(), Some(Word::Option("port".into())));
        assert_eq!(words.number("port", 0..=u16::MAX).unwrap(), 0);
        assert_eq!(words.take().unwrap(), Some(Word::Plain("plain".into())));
        let rest = vec!["--cpus".to_owned(), "x".to_owned()];
        assert_eq!(words.take().unwrap(), Some(Word::Rest(rest)));
        assert_eq!(words.take().unwrap(), None);
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (line, part) in [("--n", "needs a value"), ("--n 9", "1 to 8"), ("--n=x", "`x`")] {
            let mut words = words(line);
            words.take().unwrap();
            let failure = words.number("n", 1..=8).unwrap_err();
            assert!(failure.to_string().contains(part), "{failure}");
            assert_eq!(failure.code(), 2);
        }
    }

    #[test]
    fn a_value_for_an_option_without_one_is_refused() {
        let mut words = words("--gdb=1 x");
        assert_eq!(words.take().unwrap(), Some(Word::Option("gdb".into())));
        assert!(words.take().is_err());
    }
}
