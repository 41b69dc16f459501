//! The difference of two shares with its interval: whether one period was really better than another.

use super::interval::Interval;
use super::proportion::wilson;
use super::tally::Tally;

/// `new` minus `old`, and the interval of the difference: Newcombe's hybrid score interval (Statistics in Medicine
/// 1998, method 10), whose distances to the ends come from the two Wilson intervals. `None` when either has no events.
#[must_use]
pub fn difference(new: Tally, old: Tally, confidence: f64) -> Option<(f64, Interval)> {
    let (new_share, old_share) = (new.share()?, old.share()?);
    let new_bounds = wilson(new.total(), new.good, confidence)?;
    let old_bounds = wilson(old.total(), old.good, confidence)?;
    let difference = new_share - old_share;
    let low = difference - (new_share - new_bounds.low).hypot(old_bounds.high - old_share);
    let high = difference + (new_bounds.high - new_share).hypot(old_share - old_bounds.low);
    Some((difference, Interval { low, high }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newcombes_own_example() {
        // 56 of 70 against 48 of 80: 0.2, from 0.0524 to 0.3339 (method 10).
        let (difference, interval) =
            difference(Tally { good: 56, bad: 14 }, Tally { good: 48, bad: 32 }, 0.95).unwrap();
        assert!((difference - 0.2).abs() < 1e-12);
        assert!((interval.low - 0.0524).abs() < 5e-5 && (interval.high - 0.3339).abs() < 5e-5, "{interval:?}");
    }

    #[test]
    fn nothing_has_no_difference() {
        assert_eq!(difference(Tally::default(), Tally { good: 1, bad: 0 }, 0.95), None);
    }
}
