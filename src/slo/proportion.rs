//! Intervals of a proportion (F4). Wald's is not among them: at no failures it is empty, which is the usual case here.
//!
//! All take the number of events and the number of successes and give the interval of the success share; no events
//! have no interval. `confidence` is two-sided and between 0 and 1.

use statrs::distribution::{ContinuousCDF, Normal};

use super::beta;
use super::interval::Interval;

/// The two-sided standard normal quantile: 1.95996 for 0.95.
pub(super) fn normal_quantile(confidence: f64) -> f64 {
    Normal::standard().inverse_cdf(f64::midpoint(1.0, confidence))
}

/// Wilson's score interval (E. B. Wilson 1927; recommended for small samples by Brown, Cai and DasGupta 2001,
/// Statistical Science 16:101). `None` without events.
#[must_use]
pub fn wilson(n: u64, successes: u64, confidence: f64) -> Option<Interval> {
    (n > 0).then(|| wilson_of_share(n as f64, successes as f64 / n as f64, confidence))
}

/// Wilson's interval of a share that so many events of equal weight would support. Of events whose weights differ these
/// are Kish's effective number, (sum of weights)^2 / sum of squared weights (L. Kish, Survey Sampling, 1965; with
/// Wilson's interval: Franco, Little, Louis and Slud, J. Survey Statistics and Methodology 7:334, 2019). `events` is more
/// than 0, `share` between 0 and 1.
pub(super) fn wilson_of_share(events: f64, share: f64, confidence: f64) -> Interval {
    let z = normal_quantile(confidence);
    let scale = 1.0 + z * z / events;
    let centre = (share + z * z / (2.0 * events)) / scale;
    let half = z / scale * (share * (1.0 - share) / events + z * z / (4.0 * events * events)).max(0.0).sqrt();
    // On paper the ends are exact when all or nothing succeeded; rounding must not move them.
    let low = if share <= 0.0 { 0.0 } else { (centre - half).max(0.0) };
    let high = if share >= 1.0 { 1.0 } else { (centre + half).min(1.0) };
    Interval { low, high }
}

/// Clopper and Pearson's interval (Biometrika 1934), which never covers less than promised and is wide for it.
/// `None` without events.
#[must_use]
pub fn clopper_pearson(n: u64, successes: u64, confidence: f64) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let (x, failures, tail) = (successes as f64, (n - successes) as f64, (1.0 - confidence) / 2.0);
    let low = if successes == 0 { 0.0 } else { beta::quantile(x, failures + 1.0, tail) };
    let high = if successes == n { 1.0 } else { beta::quantile(x + 1.0, failures, 1.0 - tail) };
    Some(Interval { low, high })
}

/// The equal-tailed Jeffreys interval: quantiles of Beta(x + 1/2, n - x + 1/2), with the end set to exactly 0 or 1 when
/// nothing or everything succeeded (Brown, Cai and DasGupta 2001). `None` without events.
#[must_use]
pub fn jeffreys(n: u64, successes: u64, confidence: f64) -> Option<Interval> {
    if n == 0 {
        return None;
    }
    let (a, b, tail) = (successes as f64 + 0.5, (n - successes) as f64 + 0.5, (1.0 - confidence) / 2.0);
    let low = if successes == 0 { 0.0 } else { beta::quantile(a, b, tail) };
    let high = if successes == n { 1.0 } else { beta::quantile(a, b, 1.0 - tail) };
    Some(Interval { low, high })
}

/// The one-sided lower bound of the success share when nothing failed: (1 - confidence)^(1/n), of which the rule of
/// three (1 - 3/n) is the approximation (Hanley and Lippman-Hand, JAMA 1983). `None` without events.
#[must_use]
pub fn one_sided_lower_bound_without_failures(n: u64, confidence: f64) -> Option<f64> {
    (n > 0).then(|| (1.0 - confidence).powf(1.0 / n as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_events_have_no_interval() {
        assert_eq!(wilson(0, 0, 0.95), None);
        assert_eq!(clopper_pearson(0, 0, 0.95), None);
        assert_eq!(jeffreys(0, 0, 0.95), None);
        assert_eq!(one_sided_lower_bound_without_failures(0, 0.95), None);
    }

    proptest! {
        #[test]
        fn every_interval_holds_the_estimate_and_mirrors(n in 1..5_000_u64, part in 0.0..=1.0_f64) {
            let successes = (n as f64 * part).round() as u64;
            let share = successes as f64 / n as f64;
            for interval_of in [wilson, clopper_pearson, jeffreys] {
                let interval = interval_of(n, successes, 0.95).unwrap();
                prop_assert!(0.0 <= interval.low && interval.low <= share + 1e-12);
                prop_assert!(share - 1e-12 <= interval.high && interval.high <= 1.0);
                let mirrored = interval_of(n, n - successes, 0.95).unwrap().complement();
                prop_assert!((mirrored.low - interval.low).abs() < 1e-9);
                prop_assert!((mirrored.high - interval.high).abs() < 1e-9);
            }
        }
    }
}
