//! Multiwindow burn-rate rules: their factors, and whether they can fire at all (F2).

use std::time::Duration;

/// The burn rate above which `share` of the budget of `window` is spent within `long`: share x window / long (F2; Google
/// SRE Workbook, chapter 5).
#[must_use]
pub fn rule_factor(share: f64, window: Duration, long: Duration) -> f64 {
    share * window.as_secs_f64() / long.as_secs_f64()
}

/// Whether a rule with this factor can fire: the error ratio that it asks for, factor x (1 - target), must be below 1
/// (F2).
#[must_use]
pub fn can_fire(factor: f64, target: f64) -> bool {
    factor * (1.0 - target) < 1.0
}

/// Seconds from the begin of a fault at error ratio `failing` until the long window is over its threshold, after a clean
/// time: long x factor x (1 - target) / failing (F2). `None` when that never happens.
#[must_use]
pub fn seconds_to_fire(long: Duration, factor: f64, target: f64, failing: f64) -> Option<f64> {
    let threshold = factor * (1.0 - target);
    (failing > threshold).then(|| long.as_secs_f64() * threshold / failing)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    /// The table of F2 for 30, 28 and 7 days, and the times to fire at 99.9 %.
    #[test]
    fn the_workbooks_rules() {
        let rules = [(0.02, 1, [14.4, 13.44, 3.36]), (0.05, 6, [6.0, 5.6, 1.4])];
        let tickets = [(0.1, 24, [3.0, 2.8, 0.7]), (0.1, 72, [1.0, 0.933_333, 0.233_333])];
        for (share, hours, factors) in rules.into_iter().chain(tickets) {
            for (days, expected) in [30, 28, 7].into_iter().zip(factors) {
                let factor = rule_factor(share, 24 * days * HOUR, hours * HOUR);
                assert!((factor - expected).abs() < 1e-6, "{factor} is not {expected}");
            }
        }
        for (factor, hours, expected) in [(14.4, 1, 51.84), (6.0, 6, 129.6), (3.0, 24, 259.2), (1.0, 72, 259.2)] {
            let seconds = seconds_to_fire(hours * HOUR, factor, 0.999, 1.0).unwrap();
            assert!((seconds - expected).abs() < 1e-6, "{seconds} is not {expected}");
        }
        assert_eq!(seconds_to_fire(HOUR, 14.4, 0.999, 0.0144 - 1e-9), None);
    }

    #[test]
    fn a_low_target_is_never_missed_fast_enough() {
        assert!(!can_fire(14.4, 0.9305) && can_fire(14.4, 0.931));
        assert!(!can_fire(6.0, 0.8333) && can_fire(6.0, 0.8334));
    }
}
