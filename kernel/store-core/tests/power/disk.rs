//! A disk whose power is cut, whose sectors fail and whose bits flip, as the test wants it.

use std::cell::RefCell;
use std::rc::Rc;

use store_core::{SECTOR_BYTES, Sectors};

use super::random::Random;

type Sector = [u8; SECTOR_BYTES];

#[derive(Debug)]
struct State {
    /// What is on the disk for good.
    durable: Vec<Sector>,
    /// What was written since the last flush.
    pending: Vec<(usize, Sector)>,
    /// Sectors that can be written until the power is cut.
    budget: Option<usize>,
    has_power: bool,
    /// Of 100 writes and flushes, so many fail.
    failing_percent: u64,
    random: Random,
    writes: usize,
}

/// A handle on the disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk(Rc<RefCell<State>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    NoPower,
    Io,
    OutOfRange,
}

impl Disk {
    pub(crate) fn new(sectors: usize, seed: u64) -> Self {
        Self(Rc::new(RefCell::new(State {
            durable: vec![[0; SECTOR_BYTES]; sectors],
            pending: Vec::new(),
            budget: None,
            has_power: true,
            failing_percent: 0,
            random: Random::new(seed),
            writes: 0,
        })))
    }

    /// Cuts the power after so many more sectors.
    pub(crate) fn cut_after(&self, sectors: usize) {
        self.0.borrow_mut().budget = Some(sectors);
    }

    pub(crate) fn fail(&self, percent: u64) {
        self.0.borrow_mut().failing_percent = percent;
    }

    /// The power comes back: of what was not flushed, some is there, some is torn, some is not there.
    pub(crate) fn restore_power(&self) {
        let mut state = self.0.borrow_mut();
        let state = &mut *state;
        for (at, sector) in state.pending.drain(..) {
            let torn = state.random.below(SECTOR_BYTES as u64) as usize;
            match state.random.below(3) {
                0 => state.durable[at] = sector,
                1 => state.durable[at][..torn].copy_from_slice(&sector[..torn]),
                _ => {}
            }
        }
        state.has_power = true;
        state.budget = None;
    }

    /// Sectors written so far.
    pub(crate) fn writes(&self) -> usize {
        self.0.borrow().writes
    }

    pub(crate) fn flip(&self, sector: usize, bit: usize) {
        self.0.borrow_mut().durable[sector][bit / 8] ^= 1 << (bit % 8);
    }

    pub(crate) fn fill(&self, sector: usize, byte: u8) {
        self.0.borrow_mut().durable[sector] = [byte; SECTOR_BYTES];
    }

    pub(crate) fn resize(&self, sectors: usize) {
        self.0.borrow_mut().durable.resize(sectors, [0; SECTOR_BYTES]);
    }

    pub(crate) fn content(&self) -> Vec<Sector> {
        self.0.borrow().durable.clone()
    }

    pub(crate) fn set_content(&self, content: &[Sector]) {
        self.0.borrow_mut().durable = content.to_vec();
    }

    /// Sectors that hold anything.
    pub(crate) fn written_sectors(&self) -> Vec<usize> {
        let state = self.0.borrow();
        let is_written = |sector: &Sector| sector.iter().any(|byte| *byte != 0);
        (0..state.durable.len()).filter(|at| is_written(&state.durable[*at])).collect()
    }
}

impl State {
    fn may_fail(&mut self) -> Result<(), Failure> {
        if !self.has_power {
            return Err(Failure::NoPower);
        }
        if self.failing_percent > 0 && self.random.below(100) < self.failing_percent {
            return Err(Failure::Io);
        }
        Ok(())
    }

    fn range(&self, first: u64, bytes: usize) -> Result<usize, Failure> {
        assert_eq!(bytes % SECTOR_BYTES, 0);
        let first = usize::try_from(first).unwrap();
        if first + bytes / SECTOR_BYTES > self.durable.len() {
            return Err(Failure::OutOfRange);
        }
        Ok(first)
    }
}

impl Sectors for Disk {
    type Error = Failure;

    fn count(&self) -> u64 {
        self.0.borrow().durable.len() as u64
    }

    fn read(&mut self, first: u64, into: &mut [u8]) -> Result<(), Failure> {
        let state = self.0.borrow();
        if !state.has_power {
            return Err(Failure::NoPower);
        }
        let first = state.range(first, into.len())?;
        for (offset, bytes) in into.chunks_mut(SECTOR_BYTES).enumerate() {
            let at = first + offset;
            let newest = state.pending.iter().rev().find(|(place, _)| *place == at);
            bytes.copy_from_slice(newest.map_or(&state.durable[at], |(_, sector)| sector));
        }
        Ok(())
    }

    fn write(&mut self, first: u64, bytes: &[u8]) -> Result<(), Failure> {
        let mut state = self.0.borrow_mut();
        let failure = state.may_fail();
        if failure == Err(Failure::NoPower) {
            return failure;
        }
        let first = state.range(first, bytes.len())?;
        for (offset, sector) in bytes.chunks(SECTOR_BYTES).enumerate() {
            if state.budget == Some(0) {
                state.has_power = false;
                return Err(Failure::NoPower);
            }
            state.budget = state.budget.map(|left| left - 1);
            state.writes += 1;
            // A write that fails may have been done all the same, or in part.
            if failure.is_err() && state.random.below(2) == 0 {
                continue;
            }
            state.pending.push((first + offset, sector.try_into().unwrap()));
        }
        failure
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let mut state = self.0.borrow_mut();
        // A cut at the budget's end may also hit the flush that follows.
        if state.budget == Some(0) && state.random.below(2) == 0 {
            state.has_power = false;
        }
        state.may_fail()?;
        let state = &mut *state;
        for (at, sector) in state.pending.drain(..) {
            state.durable[at] = sector;
        }
        Ok(())
    }
}
