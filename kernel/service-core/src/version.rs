//! Versions and what dependants ask of them: [Semantic Versioning 2.0.0](https://semver.org), with the
//! comparators that `cargo` and `npm` know.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// A version: `1.2.3`, `1.2.3-rc.1`, `1.2.3+build`. What is missing at the end counts as 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    /// Dot-separated identifiers; none for a release.
    pre_release: Vec<Identifier>,
    /// How it was written.
    text: String,
}

/// A part of what follows the hyphen. Numbers come before words (semver 11.4).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Number(u64),
    Word(String),
}

/// The text is no version, or no requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadVersion {
    /// It is empty.
    Empty,
    /// It is longer than 64 bytes.
    TooLong,
    /// A part is no number, has a leading zero, or does not fit.
    BadNumber,
    /// There are more than three numbers, or what follows them is malformed.
    BadForm,
    /// No version can satisfy the requirement, as with `>2, <1`.
    Unsatisfiable,
}

impl fmt::Display for BadVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "is empty",
            Self::TooLong => "is longer than 64 bytes",
            Self::BadNumber => "has a part that is no number without leading zeros",
            Self::BadForm => "is not of the form 1.2.3",
            Self::Unsatisfiable => "cannot be satisfied by any version",
        })
    }
}

const LONGEST: usize = 64;

impl FromStr for Version {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        Partial::parse(text).map(|partial| partial.version)
    }
}

/// A version as it was written, with how many numbers it had.
struct Partial {
    version: Version,
    numbers: usize,
}

impl Partial {
    fn parse(text: &str) -> Result<Self, BadVersion> {
        if text.is_empty() {
            return Err(BadVersion::Empty);
        }
        if text.len() > LONGEST {
            return Err(BadVersion::TooLong);
        }
        let (rest, build) = split_at(text, '+');
        let (core, pre_release) = split_at(rest, '-');
        if let Some(build) = build {
            identifiers(build, |_| Ok(()))?;
        }
        let mut numbers = [0; 3];
        let mut count = 0;
        for part in core.split('.') {
            *numbers.get_mut(count).ok_or(BadVersion::BadForm)? = number(part)?;
            count += 1;
        }
        let mut words = Vec::new();
        if let Some(pre_release) = pre_release {
            identifiers(pre_release, |part| {
                words.push(match part.bytes().all(|byte| byte.is_ascii_digit()) {
                    true => Identifier::Number(number(part)?),
                    false => Identifier::Word(part.into()),
                });
                Ok(())
            })?;
        }
        let [major, minor, patch] = numbers;
        let version = Version { major, minor, patch, pre_release: words, text: text.into() };
        Ok(Self { version, numbers: count })
    }
}

fn split_at(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

fn identifiers(
    text: &str,
    mut each: impl FnMut(&str) -> Result<(), BadVersion>,
) -> Result<(), BadVersion> {
    for part in text.split('.') {
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if part.is_empty() || !part.bytes().all(is_good) {
            return Err(BadVersion::BadForm);
        }
        each(part)?;
    }
    Ok(())
}

fn number(text: &str) -> Result<u64, BadVersion> {
    let has_leading_zero = text.len() > 1 && text.starts_with('0');
    if text.is_empty() || has_leading_zero || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(BadVersion::BadNumber);
    }
    text.parse().map_err(|_| BadVersion::BadNumber)
}

impl Version {
    /// The lowest release.
    pub const ZERO: Self =
        Self { major: 0, minor: 0, patch: 0, pre_release: Vec::new(), text: String::new() };

    fn numbers(&self) -> [u64; 3] {
        [self.major, self.minor, self.patch]
    }

    fn release(major: u64, minor: u64, patch: u64) -> Self {
        let text = alloc::format!("{major}.{minor}.{patch}");
        Self { major, minor, patch, pre_release: Vec::new(), text }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.precedence(other))
    }
}

impl Version {
    /// The order of semver 11: a pre-release comes before its release; what was built how does not
    /// count, so that two versions may be of one rank without being equal.
    #[must_use]
    pub fn precedence(&self, other: &Self) -> Ordering {
        self.numbers().cmp(&other.numbers()).then_with(|| {
            match (self.pre_release.is_empty(), other.pre_release.is_empty()) {
                (true, false) => Ordering::Greater,
                (false, true) => Ordering::Less,
                _ => self.pre_release.cmp(&other.pre_release),
            }
        })
    }
}

/// What a dependant asks of a version: comparators that all have to hold, separated by commas.
/// `>=1.0`, `>1, <3`, `=1.2.3`, `^1.2` (no breaking change; what a bare `1.2` means), `~1.2` (only fixes),
/// `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// What it comes down to: at least this one, and how far.
    lower: Version,
    lower_is_included: bool,
    upper: Option<(Version, bool)>,
    text: String,
}

impl FromStr for Requirement {
    type Err = BadVersion;

    fn from_str(text: &str) -> Result<Self, BadVersion> {
        if text.len() > LONGEST {
            return Err(BadVersion::TooLong);
        }
        let mut all = Self { text: text.trim().to_string(), ..Self::any() };
        for part in text.split(',') {
            all.narrow(part.trim())?;
        }
        let is_possible = all.upper.as_ref().is_none_or(|(upper, is_included)| {
            match all.lower.precedence(upper) {
                Ordering::Less => true,
                Ordering::Equal => all.lower_is_included && *is_included,
                Ordering::Greater => false,
            }
        });
        if is_possible { Ok(all) } else { Err(BadVersion::Unsatisfiable) }
    }
}

impl Requirement {
    /// Any version at all.
    #[must_use]
    pub fn any() -> Self {
        let lowest = Version {
            pre_release: alloc::vec![Identifier::Number(0)],
            ..Version::release(0, 0, 0)
        };
        Self { lower: lowest, lower_is_included: true, upper: None, text: "*".into() }
    }

    /// Whether `version` will do. A pre-release will only where it lies in between, as any other.
    #[must_use]
    pub fn accepts(&self, version: &Version) -> bool {
        let is_high_enough = match version.precedence(&self.lower) {
            Ordering::Less => false,
            Ordering::Equal => self.lower_is_included,
            Ordering::Greater => true,
        };
        let is_low_enough = self.upper.as_ref().is_none_or(|(upper, is_included)| {
            match version.precedence(upper) {
                Ordering::Less => !is_pre_release_of(version, upper) || *is_included,
                Ordering::Equal => *is_included,
                Ordering::Greater => false,
            }
        });
        is_high_enough && is_low_enough
    }

    fn narrow(&mut self, part: &str) -> Result<(), BadVersion> {
        const OPERATORS: [&str; 7] = [">=", "<=", ">", "<", "=", "^", "~"];
        if part == "*" {
            return Ok(());
        }
        let operator = OPERATORS.into_iter().find(|operator| part.starts_with(operator));
        let rest = operator.map_or(part, |operator| &part[operator.len()..]).trim_start();
        let Partial { version, numbers } = Partial::parse(rest)?;
        match operator.unwrap_or("^") {
            ">=" => self.at_least(version, true),
            ">" if numbers < 3 => self.at_least(next(&version, numbers)?, true),
            ">" => self.at_least(version, false),
            "<" => self.at_most(version, false),
            "<=" if numbers < 3 => self.at_most(next(&version, numbers)?, false),
            "<=" => self.at_most(version, true),
            "=" if numbers < 3 => {
                self.at_most(next(&version, numbers)?, false);
                self.at_least(version, true);
            }
            "=" => {
                self.at_most(version.clone(), true);
                self.at_least(version, true);
            }
            "~" => {
                self.at_most(next(&version, numbers.min(2))?, false);
                self.at_least(version, true);
            }
            _ => {
                // The first number that is not 0, among those that were given, may not change.
                let first = version.numbers()[..numbers].iter().position(|number| *number > 0);
                let fixed = first.map_or(numbers, |index| index + 1);
                self.at_most(next(&version, fixed)?, false);
                self.at_least(version, true);
            }
        }
        Ok(())
    }

    fn at_least(&mut self, version: Version, is_included: bool) {
        let replaces = match version.precedence(&self.lower) {
            Ordering::Less => false,
            Ordering::Equal => !is_included,
            Ordering::Greater => true,
        };
        if replaces {
            self.lower = version;
            self.lower_is_included = is_included;
        }
    }

    fn at_most(&mut self, version: Version, is_included: bool) {
        let replaces =
            self.upper.as_ref().is_none_or(|(upper, _)| match version.precedence(upper) {
                Ordering::Less => true,
                Ordering::Equal => !is_included,
                Ordering::Greater => false,
            });
        if replaces {
            self.upper = Some((version, is_included));
        }
    }
}

/// `<2.0.0` does not mean 2.0.0-rc.1, although that comes before it.
fn is_pre_release_of(version: &Version, release: &Version) -> bool {
    release.pre_release.is_empty()
        && !version.pre_release.is_empty()
        && version.numbers() == release.numbers()
}

/// The first release that differs in one of the first `numbers` numbers.
fn next(version: &Version, numbers: usize) -> Result<Version, BadVersion> {
    let up = |number: u64| number.checked_add(1).ok_or(BadVersion::BadNumber);
    let Version { major, minor, patch, .. } = *version;
    Ok(match numbers {
        0 | 1 => Version::release(up(major)?, 0, 0),
        2 => Version::release(major, up(minor)?, 0),
        _ => Version::release(major, minor, up(patch)?),
    })
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
