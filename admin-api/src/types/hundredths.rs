//! [`Hundredths`]: a number with two places, without floating point where it is made.

use core::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A non-negative number counted in hundredths: `1250` is 12.50. On the wire it is a JSON number.
///
/// The kernel computes percentages and loads with integers; only writing them out uses a float.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hundredths(pub u32);

impl Hundredths {
    /// `part` of `whole` in percent; zero if there is no whole, capped at `u32::MAX` hundredths.
    #[must_use]
    pub fn percent(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self(0);
        }
        let hundredths = u128::from(part) * 10_000 / u128::from(whole);
        Self(u32::try_from(hundredths).unwrap_or(u32::MAX))
    }

    /// The number as a float, for display and arithmetic outside the kernel.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        f64::from(self.0) / 100.0
    }
}

impl fmt::Display for Hundredths {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl Serialize for Hundredths {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

impl<'de> Deserialize<'de> for Hundredths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = f64::deserialize(deserializer)?;
        let scaled = number * 100.0 + 0.5;
        if !(0.0..=f64::from(u32::MAX)).contains(&scaled) {
            return Err(D::Error::custom("not a number between 0 and 42949672.94"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the range was checked, and cutting the fraction off is what rounds"
        )]
        let hundredths = scaled as u32;
        Ok(Self(hundredths))
    }
}
