//! Geometry of the charts: from samples to SVG paths and axis ticks. No drawing here.

use crate::series::Series;

/// Where a chart's samples go: the time window and the largest value, mapped to a box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// Time at the right edge, in milliseconds.
    pub end_ms: f64,
    /// Length of the time axis.
    pub window_ms: f64,
    /// Value at the upper edge; zero is at the lower.
    pub top: f64,
    /// Width of the box.
    pub width: f64,
    /// Height of the box.
    pub height: f64,
}

impl Scale {
    /// Horizontal place of a moment.
    #[must_use]
    pub fn x(&self, at_ms: f64) -> f64 {
        self.width - (self.end_ms - at_ms) / self.window_ms * self.width
    }

    /// Vertical place of a value; what is above the top stays at the upper edge.
    #[must_use]
    pub fn y(&self, value: f64) -> f64 {
        let share = if self.top > 0.0 { (value / self.top).clamp(0.0, 1.0) } else { 0.0 };
        self.height - share * self.height
    }

    /// The moment under a horizontal place.
    #[must_use]
    pub fn time_at(&self, x: f64) -> f64 {
        self.end_ms - (self.width - x) / self.width * self.window_ms
    }
}

/// Longer than this between two samples is a hole, and drawn as one: nothing was measured.
pub const GAP_MS: f64 = 6000.0;

/// Paths of a series: the line, and the area below it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Paths {
    /// SVG path of the line.
    pub line: String,
    /// SVG path of the area between line and zero.
    pub area: String,
}

/// Draws the part of a series that the scale shows.
#[must_use]
pub fn paths(series: &Series, scale: &Scale) -> Paths {
    let mut out = Paths::default();
    let mut run: Vec<(f64, f64)> = Vec::new();
    let mut last_ms = f64::NEG_INFINITY;
    // One sample left of the window stays, so that the line reaches the edge.
    let start_ms = scale.end_ms - scale.window_ms - GAP_MS;
    for sample in series.iter().filter(|sample| sample.at_ms >= start_ms) {
        if sample.at_ms - last_ms > GAP_MS {
            finish(&mut out, &run, scale.height);
            run.clear();
        }
        run.push((scale.x(sample.at_ms), scale.y(sample.value)));
        last_ms = sample.at_ms;
    }
    finish(&mut out, &run, scale.height);
    out
}

fn finish(out: &mut Paths, run: &[(f64, f64)], bottom: f64) {
    use std::fmt::Write as _;
    let (Some(first), Some(last)) = (run.first(), run.last()) else { return };
    let mut line = String::new();
    for (index, (x, y)) in run.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(line, "{}{x:.1} {y:.1}", if index == 0 { "M" } else { "L" });
    }
    let _ = write!(out.area, "{line}L{:.1} {bottom:.1}L{:.1} {bottom:.1}Z", last.0, first.0);
    out.line.push_str(&line);
}

/// Minutes that the time axis shows for samples over `span_ms`: few at first, so that a chart is
/// worth looking at from its first seconds on.
#[must_use]
pub fn minutes_for(span_ms: f64) -> u32 {
    if span_ms <= 60_000.0 {
        1
    } else if span_ms <= 120_000.0 {
        2
    } else {
        5
    }
}

/// A round number at or above `value` that halves well: the top of an axis.
#[must_use]
pub fn round_up(value: f64, smallest: f64) -> f64 {
    let mut top = smallest;
    while top < value {
        for factor in [2.0, 4.0, 10.0] {
            if top * factor >= value {
                return top * factor;
            }
        }
        top *= 10.0;
    }
    top
}

/// The same in powers of two, for bytes.
#[must_use]
pub fn round_up_binary(value: f64, smallest: f64) -> f64 {
    let mut top = smallest;
    while top < value {
        top *= 2.0;
    }
    top
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCALE: Scale =
        Scale { end_ms: 10_000.0, window_ms: 10_000.0, top: 100.0, width: 100.0, height: 50.0 };

    fn series(samples: &[(f64, f64)]) -> Series {
        let mut series = Series::new(16);
        for (at, value) in samples {
            series.push(*at, *value);
        }
        series
    }

    #[test]
    fn samples_land_in_the_box() {
        assert_eq!((SCALE.x(0.0), SCALE.x(10_000.0)), (0.0, 100.0));
        assert_eq!((SCALE.y(0.0), SCALE.y(100.0), SCALE.y(1e9)), (50.0, 0.0, 0.0));
        assert!((SCALE.time_at(SCALE.x(1234.0)) - 1234.0).abs() < 1e-6);
    }

    #[test]
    fn a_line_and_its_area() {
        let drawn = paths(&series(&[(5000.0, 0.0), (10_000.0, 100.0)]), &SCALE);
        assert_eq!(drawn.line, "M50.0 50.0L100.0 0.0");
        assert_eq!(drawn.area, "M50.0 50.0L100.0 0.0L100.0 50.0L50.0 50.0Z");
    }

    #[test]
    fn a_hole_in_the_measurements_is_a_hole_in_the_line() {
        let drawn = paths(&series(&[(0.0, 50.0), (1000.0, 50.0), (9000.0, 50.0)]), &SCALE);
        assert_eq!(drawn.line.matches('M').count(), 2);
        assert_eq!(drawn.area.matches('Z').count(), 2);
    }

    #[test]
    fn an_empty_series_draws_nothing() {
        assert_eq!(paths(&series(&[]), &SCALE), Paths::default());
    }

    #[test]
    fn the_time_axis_grows_with_what_there_is_to_show() {
        assert_eq!([0.0, 60_000.0, 61_000.0, 300_000.0].map(minutes_for), [1, 1, 2, 5]);
    }

    #[test]
    fn tops_are_round_and_high_enough() {
        for (value, top) in
            [(0.0, 1.0), (1.0, 1.0), (1.5, 2.0), (3.0, 4.0), (5.0, 10.0), (11.0, 20.0)]
        {
            assert_eq!(round_up(value, 1.0), top, "{value}");
        }
        assert_eq!(round_up_binary(1500.0, 1024.0), 2048.0);
        assert_eq!(round_up_binary(0.0, 1024.0), 1024.0);
    }
}
