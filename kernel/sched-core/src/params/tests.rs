//! The mapping of priority and nice to weights.

use super::*;

fn weight(priority: Priority, nice: i32) -> f64 {
    let params = Params { priority, nice: Nice::clamped(nice), ..Params::default() };
    f64::from(params.weight())
}

/// proves: P3
#[test]
fn one_nice_step_is_a_factor_of_a_quarter() {
    for priority in [Priority::Low, Priority::Normal, Priority::High] {
        for nice in -20..19 {
            let (more, less) = (weight(priority, nice), weight(priority, nice + 1));
            // Low's weights are whole numbers, and the others multiples of them.
            let rounding = 1.125 * weight(priority, 0) / weight(Priority::Low, 0);
            assert!((more - 1.25 * less).abs() <= rounding, "{priority:?} {nice}: {more}, {less}");
        }
    }
    assert_eq!(weight(Priority::Normal, 0), f64::from(NORMAL_WEIGHT));
    assert_eq!((weight(Priority::Low, 99), weight(Priority::High, -99)), (15.0, 1_421_088.0));
}

/// proves: P3
#[test]
fn levels_are_a_factor_of_four_at_every_nice() {
    for nice in -20..=19 {
        let low = weight(Priority::Low, nice);
        assert_eq!(weight(Priority::Normal, nice), 4.0 * low);
        assert_eq!(weight(Priority::High, nice), 16.0 * low);
    }
    assert_eq!(Nice::new(20), None);
    assert_eq!(Nice::new(-21), None);
    assert_eq!(Nice::new(-20), Some(Nice::MIN));
}

/// proves: P3
#[test]
fn bands_go_by_priority() {
    let bands = [
        (Priority::Critical, Band::Critical),
        (Priority::RealTime, Band::RealTime),
        (Priority::High, Band::Sharing),
        (Priority::Normal, Band::Sharing),
        (Priority::Low, Band::Sharing),
        (Priority::Idle, Band::Idle),
    ];
    for (priority, band) in bands {
        assert_eq!(Params::new(priority, Class::User).band(), band);
    }
    assert!(bands.windows(2).all(|pair| pair[0].0 > pair[1].0 && pair[0].1 <= pair[1].1));
}
