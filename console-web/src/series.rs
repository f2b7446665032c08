//! Measured values over time, as many as a chart shows: [`Series`].

use std::collections::VecDeque;

/// A ring of samples in the order of their times. The oldest goes when it is full.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    capacity: usize,
    samples: VecDeque<Sample>,
}

/// One measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// When, in milliseconds of the browser's clock.
    pub at_ms: f64,
    /// What was measured.
    pub value: f64,
}

impl Series {
    /// An empty series that keeps up to `capacity` samples.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity, samples: VecDeque::with_capacity(capacity) }
    }

    /// Adds a sample. One that is not later than the last replaces it: the clock was set back, or
    /// two answers came at once.
    pub fn push(&mut self, at_ms: f64, value: f64) {
        while self.samples.back().is_some_and(|last| last.at_ms >= at_ms) {
            self.samples.pop_back();
        }
        if self.samples.len() == self.capacity {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample { at_ms, value });
    }

    /// The samples, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Sample> + '_ {
        self.samples.iter().copied()
    }

    /// The newest sample.
    #[must_use]
    pub fn last(&self) -> Option<Sample> {
        self.samples.back().copied()
    }

    /// Time between the oldest and the newest sample.
    #[must_use]
    pub fn span_ms(&self) -> f64 {
        match (self.samples.front(), self.samples.back()) {
            (Some(first), Some(last)) => last.at_ms - first.at_ms,
            _ => 0.0,
        }
    }

    /// The largest value kept, zero if there is none.
    #[must_use]
    pub fn max(&self) -> f64 {
        self.iter().map(|sample| sample.value).fold(0.0, f64::max)
    }

    /// The sample nearest to a moment.
    #[must_use]
    pub fn nearest(&self, at_ms: f64) -> Option<Sample> {
        self.iter().min_by(|a, b| (a.at_ms - at_ms).abs().total_cmp(&(b.at_ms - at_ms).abs()))
    }
}

/// Turns a counter that only grows into a rate a second.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    last: Option<(f64, u64)>,
}

impl Rate {
    /// Takes a reading; answers the rate since the one before, if there is one to compare with. A
    /// counter that went back was reset (the system booted anew), and counts from there.
    pub fn update(&mut self, at_ms: f64, reading: u64) -> Option<f64> {
        let before = self.last.replace((at_ms, reading));
        let (before_ms, before_reading) = before?;
        let seconds = (at_ms - before_ms) / 1000.0;
        if seconds <= 0.0 || reading < before_reading {
            return None;
        }
        Some((reading - before_reading) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sample_goes_first() {
        let mut series = Series::new(3);
        for at in 0..5 {
            series.push(f64::from(at), f64::from(at) * 10.0);
        }
        let kept: Vec<f64> = series.iter().map(|sample| sample.value).collect();
        assert_eq!(kept, [20.0, 30.0, 40.0]);
        assert_eq!(series.max(), 40.0);
    }

    #[test]
    fn times_only_rise_even_if_the_clock_is_set_back() {
        let mut series = Series::new(4);
        for (at, value) in [(10.0, 1.0), (20.0, 2.0), (30.0, 3.0), (15.0, 4.0)] {
            series.push(at, value);
        }
        let kept: Vec<f64> = series.iter().map(|sample| sample.at_ms).collect();
        assert_eq!(kept, [10.0, 15.0]);
    }

    #[test]
    fn the_nearest_sample_is_found_on_either_side() {
        let mut series = Series::new(4);
        series.push(0.0, 1.0);
        series.push(10.0, 2.0);
        assert_eq!(series.nearest(4.0).map(|sample| sample.value), Some(1.0));
        assert_eq!(series.nearest(6.0).map(|sample| sample.value), Some(2.0));
        assert_eq!(Series::new(1).nearest(0.0), None);
    }

    #[test]
    fn a_rate_needs_two_readings_and_survives_a_reset() {
        let mut rate = Rate::default();
        assert_eq!(rate.update(0.0, 100), None);
        assert_eq!(rate.update(2000.0, 300), Some(100.0));
        assert_eq!(rate.update(3000.0, 10), None);
        assert_eq!(rate.update(4000.0, 20), Some(10.0));
        assert_eq!(rate.update(4000.0, 30), None);
    }
}
