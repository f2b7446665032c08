//! Changing halves: what still counts is copied to the other one, which then is the one in use.

use alloc::vec::Vec;

use crate::error::StoreError;
use crate::format;
use crate::format::CHUNK_BYTES;
use crate::frame::{self, Label};
use crate::header::{self, Header};
use crate::record;
use crate::sectors::Sectors;
use crate::store::{Change, Store, count_of};

impl<D: Sectors> Store<D> {
    /// Commits a change by writing all that counts after it to the other half.
    pub(crate) fn compact(&mut self, change: Change<'_>) -> Result<(), StoreError<D::Error>> {
        let other = self.header.half.other();
        if !self.is_other_void {
            // Its data is about to be written over: no header may say that it counts.
            header::remove(&mut self.disk, other).map_err(StoreError::Disk)?;
            self.is_other_void = true;
        }
        let next = Header {
            generation: self.header.generation + 1,
            area: self.random.number(),
            half: other,
            ..self.header
        };
        let tail = self.copy(&next, change).map_err(StoreError::Disk)?;
        self.is_other_void = false;
        if let Err(error) = format::write(&mut self.disk, &next) {
            // It may have reached the disk. If it cannot be taken away nothing more may go to the old half,
            // because the new one may be what counts at the next start.
            if header::remove(&mut self.disk, other).is_ok() {
                self.is_other_void = true;
                return Err(StoreError::Disk(error));
            }
            self.must_compact = true;
            return Err(StoreError::Unsettled(error));
        }
        let old = core::mem::replace(&mut self.header, next).half;
        self.tail = tail;
        self.must_compact = false;
        self.compactions += 1;
        // Otherwise the next time.
        self.is_other_void = header::remove(&mut self.disk, old).is_ok();
        Ok(())
    }

    /// Writes the records to the half of `next`, and says where they end.
    fn copy(&mut self, next: &Header, change: Change<'_>) -> Result<u64, D::Error> {
        let mut waiting: Vec<u8> = Vec::new();
        let mut written = 0;
        let kept = self.values.iter().filter(|(key, _)| ***key != *change.key);
        let kept = kept.map(|(key, value)| (&**key, &**value));
        for (key, value) in kept.chain(change.value.map(|value| (change.key, value))) {
            // What is kept was not too long when it was put.
            let Some(bytes) = record::encode(key, Some(value)) else { continue };
            self.sequence += 1;
            let label = Label {
                area: next.area,
                sequence: self.sequence,
                salt: self.random.short(),
                count: count_of(&bytes),
            };
            frame::append(&mut waiting, label, &bytes);
            if waiting.len() >= CHUNK_BYTES {
                self.disk.write(next.start() + written, &waiting)?;
                written += sectors_in(&waiting);
                waiting.clear();
            }
        }
        if !waiting.is_empty() {
            self.disk.write(next.start() + written, &waiting)?;
            written += sectors_in(&waiting);
        }
        self.disk.flush()?;
        Ok(written)
    }
}

fn sectors_in(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len() / crate::sectors::SECTOR_BYTES).unwrap_or(u64::MAX)
}
