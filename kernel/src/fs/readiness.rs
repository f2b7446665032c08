//! What a file is ready for, in poll(2)'s bits.

use core::ops::{BitAnd, BitOr, BitOrAssign};

/// A set of things that a file is ready for; the bits are those of `POLL*` and `EPOLL*`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness(u16);

impl Readiness {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// A read, or an accept, does not wait.
    pub const IN: Self = Self(0x01);
    /// Something urgent can be read.
    pub const PRI: Self = Self(0x02);
    /// A write does not wait; a connection is made.
    pub const OUT: Self = Self(0x04);
    /// Something failed, or nobody is left who could read what is written.
    pub const ERR: Self = Self(0x08);
    /// The other side is gone.
    pub const HUP: Self = Self(0x10);
    /// The descriptor stands for no file.
    pub const INVALID: Self = Self(0x20);
    /// `POLLRDNORM`, which comes with `IN`.
    pub const READ_NORMAL: Self = Self(0x40);
    /// `POLLWRNORM`, which comes with `OUT`.
    pub const WRITE_NORMAL: Self = Self(0x100);
    /// The other side writes no more.
    pub const RDHUP: Self = Self(0x2000);
    /// What is always waited for, whether it is asked for or not.
    pub const ALWAYS: Self = Self(Self::ERR.0 | Self::HUP.0);
    /// What regular files are at all times.
    pub const READ_WRITE: Self = Self(Self::IN.0 | Self::OUT.0);

    /// These bits.
    #[must_use]
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The bits.
    #[must_use]
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// Nothing at all.
    #[must_use]
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }

    /// Whether the two have something in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// With `other` if `condition` holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, other: Self) -> Self {
        if condition { Self(self.0 | other.0) } else { self }
    }

    /// Without these.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// As files tell of it: `IN` for `RDNORM`, `OUT` for `WRNORM`.
    #[must_use]
    pub const fn without_normal(self) -> Self {
        self.with_if(self.intersects(Self::READ_NORMAL), Self::IN)
            .with_if(self.intersects(Self::WRITE_NORMAL), Self::OUT)
    }

    /// With the `RDNORM` and `WRNORM` that come with `IN` and `OUT`: as poll(2) answers.
    #[must_use]
    pub const fn with_normal(self) -> Self {
        self.with_if(self.intersects(Self::IN), Self::READ_NORMAL)
            .with_if(self.intersects(Self::OUT), Self::WRITE_NORMAL)
    }
}

impl BitOr for Readiness {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Readiness {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl BitAnd for Readiness {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}
