//! How often something happens when it happened so often in a stretch of time.

use statrs::function::gamma::gamma_lr;

use super::interval::Interval;

/// Garwood's exact interval of the expected number of events of which `count` were seen (Biometrika 28, 1936): both
/// tails of the Poisson distribution at (1 - confidence) / 2. Divide by the time that was watched for a rate.
#[must_use]
pub fn poisson_interval(count: u64, confidence: f64) -> Interval {
    let tail = (1.0 - confidence) / 2.0;
    let seen = count as f64;
    // P(X >= k) for a mean m is the regularised lower incomplete gamma function P(k, m).
    let low = if count == 0 { 0.0 } else { mean_where(|mean| gamma_lr(seen, mean) >= tail, seen) };
    let high = mean_where(|mean| gamma_lr(seen + 1.0, mean) >= 1.0 - tail, seen);
    Interval { low, high }
}

/// The mean from which on `reached` holds, by bisection.
fn mean_where(reached: impl Fn(f64) -> bool, seen: f64) -> f64 {
    let (mut low, mut high) = (1e-12, seen + 12.0 * (seen + 1.0).sqrt() + 30.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if reached(middle) { high = middle } else { low = middle }
    }
    f64::midpoint(low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_limits_hold() {
        // Garwood's table, as printed in textbooks of epidemiology.
        for (count, low, high) in [
            (0, 0.0, 3.6889),
            (1, 0.0253, 5.5716),
            (5, 1.6235, 11.6683),
            (10, 4.7954, 18.3904),
            (100, 81.3637, 121.6274),
        ] {
            let ours = poisson_interval(count, 0.95);
            assert!((ours.low - low).abs() < 1e-3 && (ours.high - high).abs() < 1e-3, "{count}: {ours:?}");
        }
    }

    #[test]
    fn more_confidence_is_wider() {
        let (usual, more) = (poisson_interval(4, 0.95), poisson_interval(4, 0.99));
        assert!(more.low < usual.low && usual.high < more.high);
    }
}
