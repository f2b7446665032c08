//! Size classes: which sizes share a magazine.
//!
//! talc hands out multiples of 32 bytes less 8 for its tag. The classes are such sizes, so that no
//! request pays for a rounding twice; each power of two up to 2,048 lies closely below one.

use core::alloc::Layout;

/// talc's granule, and the alignment of every block it hands out.
pub(crate) const UNIT_BYTES: usize = 32;
const TAG_BYTES: usize = 8;

/// The classes, in units of talc's granule.
const UNITS: [u8; SizeClass::COUNT] = [1, 2, 3, 4, 5, 7, 9, 11, 13, 17, 25, 29, 33, 49, 65];
const MAX_UNITS: usize = 65;

/// The class for each number of units that a request needs.
const CLASS_OF_UNITS: [u8; MAX_UNITS + 1] = {
    let mut table = [0; MAX_UNITS + 1];
    let mut units = 0;
    let mut class = 0;
    while units <= MAX_UNITS {
        if units > UNITS[class as usize] as usize {
            class += 1;
        }
        table[units] = class;
        units += 1;
    }
    table
};

/// One of the sizes that magazines hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SizeClass(u8);

impl SizeClass {
    pub(crate) const COUNT: usize = 15;

    /// The class that serves this layout, if one does.
    pub(crate) fn of(layout: Layout) -> Option<Self> {
        if layout.align() > UNIT_BYTES {
            return None;
        }
        let units = layout.size().checked_add(TAG_BYTES)?.div_ceil(UNIT_BYTES);
        CLASS_OF_UNITS.get(units).copied().map(Self)
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..).take(Self::COUNT).map(Self)
    }

    /// The class's place in a table of all classes.
    pub(crate) fn index(self) -> usize {
        usize::from(self.0)
    }

    /// How many bytes a block of this class has for its user.
    pub(crate) fn size_bytes(self) -> usize {
        usize::from(UNITS[self.index()]) * UNIT_BYTES - TAG_BYTES
    }

    /// What is asked of talc for one block.
    pub(crate) fn layout(self) -> Layout {
        // Never fails: the alignment is a power of two and the size small. The fall-back, one word,
        // could only make talc's answer smaller than a class, so it is checked in the tests.
        Layout::from_size_align(self.size_bytes(), align_of::<usize>())
            .unwrap_or(Layout::new::<usize>())
    }

    /// How many blocks a magazine holds: 8 KiB worth, within bounds.
    pub(crate) fn capacity(self) -> usize {
        (8192 / self.size_bytes()).clamp(8, 128)
    }

    /// How many blocks move between a magazine and talc at once.
    pub(crate) fn batch(self) -> usize {
        self.capacity() / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_size_gets_the_smallest_class_that_holds_it() {
        let sizes: std::vec::Vec<usize> = SizeClass::all().map(SizeClass::size_bytes).collect();
        assert!(sizes.is_sorted());
        for size in 1..=2072 {
            let class = SizeClass::of(Layout::from_size_align(size, 8).unwrap()).unwrap();
            assert_eq!(Some(&class.size_bytes()), sizes.iter().find(|held| **held >= size));
            assert_eq!(class.layout().size(), class.size_bytes());
        }
        assert_eq!(SizeClass::of(Layout::from_size_align(2073, 8).unwrap()), None);
    }

    #[test]
    fn wide_alignments_are_left_to_talc() {
        assert!(SizeClass::of(Layout::from_size_align(64, 32).unwrap()).is_some());
        assert_eq!(SizeClass::of(Layout::from_size_align(64, 64).unwrap()), None);
    }

    #[test]
    fn one_cpu_keeps_little() {
        let kept: usize = SizeClass::all().map(|class| class.capacity() * class.size_bytes()).sum();
        assert!(kept <= 128 * 1024, "{kept} bytes");
    }
}
