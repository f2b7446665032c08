//! The macro that makes a type of a set of flag bits.

/// Makes a newtype over an integer with a constant for each flag, and the few operations needed.
macro_rules! flags {
    (
        $(#[$doc:meta])*
        pub struct $name:ident($bits:ty) {
            $($(#[$flag_doc:meta])* $flag:ident = $value:expr,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name($bits);

        impl $name {
            $($(#[$flag_doc])* pub const $flag: Self = Self($value);)*

            /// No flag.
            pub const NONE: Self = Self(0);
            /// All flags that have a name here.
            pub const KNOWN: Self = Self(0 $(| $value)*);

            /// The flags of these bits; `None` if one of them has no name here.
            #[must_use]
            pub const fn from_bits(bits: $bits) -> Option<Self> {
                if bits & !Self::KNOWN.0 == 0 { Some(Self(bits)) } else { None }
            }

            /// The flags of these bits, without those that have no name here.
            #[must_use]
            pub const fn from_bits_truncate(bits: $bits) -> Self {
                Self(bits & Self::KNOWN.0)
            }

            /// The bits.
            #[must_use]
            pub const fn bits(self) -> $bits {
                self.0
            }

            /// Whether all of these flags are set.
            #[must_use]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// Whether one of these flags is set.
            #[must_use]
            pub const fn intersects(self, flags: Self) -> bool {
                self.0 & flags.0 != 0
            }
        }

        impl core::ops::BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }
    };
}

pub(crate) use flags;
