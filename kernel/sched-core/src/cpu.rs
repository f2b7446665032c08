//! Processors by number, and sets of them: [`CpuId`], [`CpuSet`].

use core::ops::{BitAnd, BitOr, Not};

/// How many processors the scheduler can tell apart.
pub const MAX_CPUS: usize = 256;

const WORD_BITS: usize = 64;
const WORDS: usize = MAX_CPUS / WORD_BITS;

/// A logical processor number, dense from zero (not an APIC id). Every value is below [`MAX_CPUS`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct CpuId(u8);

impl CpuId {
    /// The first processor.
    pub const ZERO: Self = Self(0);

    /// The processor with number `index`; `None` from [`MAX_CPUS`] on.
    #[must_use]
    pub fn new(index: usize) -> Option<Self> {
        u8::try_from(index).ok().map(Self)
    }

    /// The number, for indexing.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// This processor's bit in a set folded to 64 bits: exact up to 64 processors.
    pub(crate) const fn folded(self) -> u64 {
        1 << (self.0 % 64)
    }
}

impl From<u8> for CpuId {
    fn from(number: u8) -> Self {
        Self(number)
    }
}

/// A set of processors: 32 bytes, copied freely, without a heap.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct CpuSet([u64; WORDS]);

impl CpuSet {
    /// No processor.
    pub const EMPTY: Self = Self([0; WORDS]);
    /// Every processor there can be.
    pub const ALL: Self = Self([u64::MAX; WORDS]);

    /// Only `cpu`.
    #[must_use]
    pub fn single(cpu: CpuId) -> Self {
        let mut set = Self::EMPTY;
        set.insert(cpu);
        set
    }

    /// The processors 0 to `count` - 1 (all of them if `count` is larger than [`MAX_CPUS`]).
    #[must_use]
    pub fn first_n(count: usize) -> Self {
        (0..count.min(MAX_CPUS)).filter_map(CpuId::new).collect()
    }

    /// The set whose bit `n` of word `n / 64` stands for processor `n`, as Linux's affinity masks.
    #[must_use]
    pub const fn from_words(words: [u64; 4]) -> Self {
        Self(words)
    }

    /// The set as words, bit `n % 64` of word `n / 64` for processor `n`.
    #[must_use]
    pub const fn words(&self) -> [u64; 4] {
        self.0
    }

    /// Adds `cpu`.
    pub fn insert(&mut self, cpu: CpuId) {
        self.0[cpu.index() / WORD_BITS] |= cpu.folded();
    }

    /// Takes `cpu` out.
    pub fn remove(&mut self, cpu: CpuId) {
        self.0[cpu.index() / WORD_BITS] &= !cpu.folded();
    }

    /// Whether `cpu` is in the set.
    #[must_use]
    pub fn contains(&self, cpu: CpuId) -> bool {
        self.0[cpu.index() / WORD_BITS] & cpu.folded() != 0
    }

    /// Whether no processor is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == [0; WORDS]
    }

    /// How many processors are in the set.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }

    /// The processor with the lowest number.
    #[must_use]
    pub fn first(&self) -> Option<CpuId> {
        self.iter().next()
    }

    /// The first processor at or after `start`, going round: `start` itself if it is in the set.
    #[must_use]
    pub fn next_from(&self, start: CpuId) -> Option<CpuId> {
        let word = start.index() / WORD_BITS;
        let at_or_after = u64::MAX << (start.index() % WORD_BITS);
        let mut upper = Self::EMPTY;
        for (index, bits) in upper.0.iter_mut().enumerate() {
            *bits = match index {
                _ if index < word => 0,
                _ if index == word => self.0[index] & at_or_after,
                _ => self.0[index],
            };
        }
        upper.first().or_else(|| self.first())
    }

    /// The processors in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = CpuId> + use<> {
        let words = self.0;
        let (mut word, mut bits) = (0, words[0]);
        core::iter::from_fn(move || {
            while bits == 0 {
                word += 1;
                bits = *words.get(word)?;
            }
            let cpu = CpuId::new(word * WORD_BITS + bits.trailing_zeros() as usize);
            bits &= bits - 1;
            cpu
        })
    }

    /// The set folded to 64 bits, processor `n` on bit `n % 64`.
    pub(crate) fn folded(&self) -> u64 {
        self.0.iter().fold(0, |all, word| all | word)
    }
}

impl FromIterator<CpuId> for CpuSet {
    fn from_iter<I: IntoIterator<Item = CpuId>>(cpus: I) -> Self {
        let mut set = Self::EMPTY;
        for cpu in cpus {
            set.insert(cpu);
        }
        set
    }
}

impl BitAnd for CpuSet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(core::array::from_fn(|word| self.0[word] & other.0[word]))
    }
}

impl BitOr for CpuSet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(core::array::from_fn(|word| self.0[word] | other.0[word]))
    }
}

impl Not for CpuSet {
    type Output = Self;
    fn not(self) -> Self {
        Self(core::array::from_fn(|word| !self.0[word]))
    }
}

#[cfg(test)]
mod tests;
