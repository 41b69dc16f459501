//! The Bernoulli CUSUM chart: one integer that says whether failures come faster than the background (F17; Page,
//! Biometrika 1954; Reynolds and Stoumbos, Journal of Quality Technology 1999). S falls by 1 with each success, never
//! below 0, and rises by m with each failure; the alarm is S >= H.

use std::collections::VecDeque;

/// What one failure adds to the chart: m = round(ln(p1/p0) / -ln((1-p1)/(1-p0))), at least 1, so that a failure weighs
/// as many successes as it takes to balance its evidence for the failing share `p1` against the background `p0`.
///
/// Shares lie between 0 and 1, exclusive, and `p0 < p1`.
#[must_use]
pub fn failure_step(p0: f64, p1: f64) -> u32 {
    let step = (p1 / p0).ln() / -((1.0 - p1) / (1.0 - p0)).ln();
    step.round().max(1.0) as u32
}

/// The mean number of probes until the alarm from S = 0, when each fails with probability `p`: exact, the solution of
/// (I - Q) x = 1 over the states 0..H. Each row has three entries, so that x_s = a_s + b_s x_(s-1) follows from the top
/// down in O(H m) steps. The complement of b is kept, since b comes so close to 1 that 1 - b would lose its digits.
#[must_use]
pub fn average_run_length(step: u32, threshold: u32, p: f64) -> f64 {
    // From the front: the m states above the one that is solved, each as (a, 1 - b).
    let mut above: VecDeque<(f64, f64)> = VecDeque::with_capacity(step as usize);
    for state in (0..threshold).rev() {
        // x_(s+m) = a + (1 - c) x_s; nothing is left to wait for when the failure alarms.
        let (mut a, mut c) = (0.0, 1.0);
        if state + step < threshold {
            c = 0.0;
            for &(each_a, each_c) in &above {
                a = each_a + (1.0 - each_c) * a;
                c = each_c + c - each_c * c;
            }
        }
        // At 0 a success leads back to 0; elsewhere it leads to the state below.
        if state == 0 {
            return (1.0 + p * a) / (p * c);
        }
        let scale = 1.0 - p + p * c;
        above.push_front(((1.0 + p * a) / scale, p * c / scale));
        above.truncate(step as usize);
    }
    0.0
}

/// The smallest threshold whose [`average_run_length`] at the background `p0` is at least `wanted` probes. `None` when no
/// threshold below [`LARGEST_THRESHOLD`] holds so long.
#[must_use]
pub fn chart_threshold(step: u32, p0: f64, wanted: f64) -> Option<u32> {
    smallest(|threshold| average_run_length(step, threshold, p0) >= wanted)
}

/// Thresholds beyond this would need hours of total failure.
pub const LARGEST_THRESHOLD: u32 = 1 << 14;

/// The smallest threshold that holds, where every larger one holds too.
fn smallest(holds: impl Fn(u32) -> bool) -> Option<u32> {
    let mut high = 1;
    while !holds(high) {
        if high >= LARGEST_THRESHOLD {
            return None;
        }
        high *= 2;
    }
    let mut low = high / 2;
    while high - low > 1 {
        let middle = u32::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle }
    }
    Some(high)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// (I - Q) x = 1 by Gaussian elimination: slow, and nothing to be wrong in.
    fn eliminated(step: u32, threshold: u32, p: f64) -> f64 {
        let n = threshold as usize;
        let mut rows = vec![vec![0.0; n + 1]; n];
        for state in 0..n {
            rows[state][state] += 1.0;
            rows[state][state.saturating_sub(1)] -= 1.0 - p;
            if state + (step as usize) < n {
                rows[state][state + step as usize] -= p;
            }
            rows[state][n] = 1.0;
        }
        for pivot in 0..n {
            for row in 0..n {
                if row != pivot {
                    let factor = rows[row][pivot] / rows[pivot][pivot];
                    let source = rows[pivot].clone();
                    rows[row].iter_mut().zip(&source).for_each(|(cell, from)| *cell -= factor * from);
                }
            }
        }
        rows[0][n] / rows[0][0]
    }

    proptest! {
        #[test]
        fn the_banded_solution_is_the_full_one(step in 1_u32..12, threshold in 1_u32..20, p in 0.3..0.9_f64) {
            let (ours, theirs) = (average_run_length(step, threshold, p), eliminated(step, threshold, p));
            prop_assert!((ours / theirs - 1.0).abs() < 1e-6, "{ours} {theirs}");
        }
    }

    #[test]
    fn a_threshold_is_the_smallest_that_holds() {
        let threshold = chart_threshold(50, 0.005, 525_600.0).unwrap();
        assert!(average_run_length(50, threshold, 0.005) >= 525_600.0);
        assert!(average_run_length(50, threshold - 1, 0.005) < 525_600.0);
        assert_eq!(chart_threshold(50, 0.5, 1e12), None, "a background above what the chart looks for");
    }

    #[test]
    fn a_single_failure_alarms_below_the_step() {
        assert!((average_run_length(50, 50, 0.01) - 100.0).abs() < 1e-9);
    }
}
