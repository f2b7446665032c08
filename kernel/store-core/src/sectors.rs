//! What the store needs of a disk.

/// Bytes of a sector.
pub const SECTOR_BYTES: usize = 512;

/// A disk.
///
/// A write reaches the disk whole, torn within a sector, or not at all, in any order, until
/// [`flush`](Sectors::flush) has returned: then all of it has.
pub trait Sectors {
    /// Why the disk did not do what it was asked for.
    type Error;

    /// How many sectors there are.
    fn count(&self) -> u64;

    /// Reads whole sectors, from `first` on.
    ///
    /// # Errors
    /// When the disk fails, or the range goes beyond its end.
    fn read(&mut self, first: u64, into: &mut [u8]) -> Result<(), Self::Error>;

    /// Writes whole sectors, from `first` on.
    ///
    /// # Errors
    /// As [`read`](Sectors::read); what is on the disk there is not known then.
    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Makes everything that was written last.
    ///
    /// # Errors
    /// When the disk fails: what was written may be lost.
    fn flush(&mut self) -> Result<(), Self::Error>;
}
