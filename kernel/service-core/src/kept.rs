//! What is kept of a service over a boot, as bytes: its documents, or that it was removed.
//!
//! Documents are in whatever format the kernel reads and writes; here they are bytes.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The version of this layout.
const VERSION: u8 = 1;
/// Stands for no name.
const NOBODY: u16 = u16::MAX;

/// What an operator made of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The digest of the image's document at that time, if the image had one.
    pub image: Option<[u8; 32]>,
    /// Its documents, the oldest first, the present one last; none when it was removed.
    pub revisions: Vec<KeptRevision>,
}

/// One of its documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptRevision {
    /// Its number.
    pub number: u64,
    /// When it was written, by the wall clock.
    pub wall_ns: i64,
    /// Who wrote it; nobody for the image's own.
    pub actor: Option<String>,
    /// The document.
    pub document: Vec<u8>,
}

/// Bytes that are no [`Kept`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptError {
    /// Of another version.
    Version(u8),
    /// They end too early, go on too long, or a name is no text.
    Malformed,
}

impl fmt::Display for KeptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => {
                write!(f, "it was written by another system, in version {version}")
            }
            Self::Malformed => f.write_str("it is not what this system writes"),
        }
    }
}

impl Kept {
    /// As bytes. A name that is longer than a name can be is left out.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[VERSION, u8::from(self.image.is_some())]);
        bytes.extend_from_slice(&self.image.unwrap_or_default());
        bytes.extend_from_slice(&count(self.revisions.len()));
        for revision in &self.revisions {
            bytes.extend_from_slice(&revision.number.to_le_bytes());
            bytes.extend_from_slice(&revision.wall_ns.to_le_bytes());
            let actor = revision.actor.as_deref().unwrap_or_default();
            let len = revision.actor.as_ref().and_then(|actor| u16::try_from(actor.len()).ok());
            bytes.extend_from_slice(&len.unwrap_or(NOBODY).to_le_bytes());
            if len.is_some_and(|len| len != NOBODY) {
                bytes.extend_from_slice(actor.as_bytes());
            }
            bytes.extend_from_slice(&count(revision.document.len()));
            bytes.extend_from_slice(&revision.document);
        }
        bytes
    }

    /// From bytes.
    ///
    /// # Errors
    /// When they are none.
    pub fn decode(bytes: &[u8]) -> Result<Self, KeptError> {
        let mut reader = Reader(bytes);
        let [version, has_image] = reader.array()?;
        if version != VERSION {
            return Err(KeptError::Version(version));
        }
        let image = reader.array()?;
        let mut kept = Self { image: (has_image == 1).then_some(image), revisions: Vec::new() };
        for _ in 0..u32::from_le_bytes(reader.array()?) {
            let number = u64::from_le_bytes(reader.array()?);
            let wall_ns = i64::from_le_bytes(reader.array()?);
            let actor = match u16::from_le_bytes(reader.array()?) {
                NOBODY => None,
                len => {
                    let name = reader.take(len.into())?.to_vec();
                    Some(String::from_utf8(name).map_err(|_| KeptError::Malformed)?)
                }
            };
            let len = u32::from_le_bytes(reader.array()?);
            let document = reader.take(usize::try_from(len).unwrap_or(usize::MAX))?.to_vec();
            kept.revisions.push(KeptRevision { number, wall_ns, actor, document });
        }
        if reader.0.is_empty() { Ok(kept) } else { Err(KeptError::Malformed) }
    }
}

fn count(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes()
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, len: usize) -> Result<&'b [u8], KeptError> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or(KeptError::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], KeptError> {
        self.take(N)?.try_into().map_err(|_| KeptError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    fn sample() -> Kept {
        let revision = |number, actor: Option<&str>| KeptRevision {
            number,
            wall_ns: 1 << 60,
            actor: actor.map(Into::into),
            document: b"{}".repeat(usize::try_from(number).unwrap()),
        };
        Kept {
            image: Some([7; 32]),
            revisions: [revision(1, None), revision(2, Some("admin")), revision(3, Some(""))]
                .into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for kept in [sample(), Kept::default(), Kept { image: Some([0; 32]), revisions: [].into() }]
        {
            assert_eq!(Kept::decode(&kept.encode()), Ok(kept));
        }
    }

    #[test]
    fn every_cut_and_every_tail_is_refused() {
        let bytes = sample().encode();
        for len in 0..bytes.len() {
            assert_eq!(Kept::decode(&bytes[..len]), Err(KeptError::Malformed), "{len}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert_eq!(Kept::decode(&longer), Err(KeptError::Malformed));
        let mut newer = bytes;
        newer[0] = 2;
        assert_eq!(Kept::decode(&newer), Err(KeptError::Version(2)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>, at: usize, byte: u8) {
            let _ = Kept::decode(&bytes);
            let mut bytes = sample().encode();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Kept::decode(&bytes);
        }
    }
}
