//! Whether an objective was met, as far as the data can tell (F6).

use serde::{Deserialize, Serialize};

use super::beta;

/// From this probability on, an objective is called met; below its complement, missed.
const SURE: f64 = 0.95;

/// What the data say about an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attainment {
    /// Probably met.
    Met,
    /// Probably missed.
    Missed,
    /// The data allow both.
    Undecided,
    /// Too little was seen: too few runs, or too small a part of what was due.
    NotKnown,
    /// The period still runs, and its runs so far would meet the objective.
    OnCourse,
    /// The period still runs, and its runs so far would miss the objective; it can still be met.
    OffCourse,
    /// No run gave a verdict.
    NoData,
}

impl Attainment {
    /// The word for it in reports.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Undecided => "undecided",
            Self::NotKnown => "not known",
            Self::OnCourse => "on course so far",
            Self::OffCourse => "off course so far",
            Self::NoData => "no data",
        }
    }
}

/// P(met): the posterior probability that the underlying share, which is Beta(n - bad + 1/2, bad + 1/2) from Jeffreys'
/// prior, is at least the target. It takes events as independent: under outages it speaks of the isolated failures
/// only. `None` without events.
#[must_use]
pub fn probability_met(n: u64, bad: u64, target: f64) -> Option<f64> {
    (n > 0).then(|| {
        // The failing share's lower tail: the same number without the loss of digits of `1 - cdf`.
        beta::cdf(bad as f64 + 0.5, (n - bad) as f64 + 0.5, 1.0 - target)
    })
}

/// Probes beyond which [`probes_to_tell`] gives up.
const MOST_PROBES: u64 = 1_000_000_000;

/// The smallest number of probes that tell a failing share of `worse` from the usual one: so many failures as would come
/// with a chance of `significance` at most at the usual share come with a chance of `power` at least at the worse one (the
/// exact binomial test; Casella and Berger, Statistical Inference, section 8.3). Independent failures are taken for
/// granted, as in [`probability_met`]. `None` when the shares are no shares in that order, or too many would be needed.
#[must_use]
pub fn probes_to_tell(usual: f64, worse: f64, significance: f64, power: f64) -> Option<u64> {
    if !(usual > 0.0 && usual < worse && worse < 1.0) || significance <= 0.0 || power >= 1.0 {
        return None;
    }
    // P(at least x of n) = I_p(x, n - x + 1). The power grows with n while the limit x stays: each limit is tried at the
    // largest n that it serves, and the smallest n is sought for the first that suffices.
    let at_least = |x: u64, n: u64, p: f64| beta::cdf(x as f64, (n - x + 1) as f64, p);
    let largest = |until: &dyn Fn(u64) -> bool, from: u64| {
        let (mut low, mut high) = (from, from.max(1) * 2);
        while high < MOST_PROBES && until(high) {
            (low, high) = (high, high * 2);
        }
        while low + 1 < high {
            let middle = u64::midpoint(low, high);
            if until(middle) { low = middle } else { high = middle }
        }
        low
    };
    let mut from = 1;
    for failures in 1..=u64::from(u32::MAX) {
        let from_here = from.max(failures);
        let serves = |n: u64| at_least(failures, n, usual) <= significance;
        if !serves(from_here) {
            continue;
        }
        let most = largest(&serves, from_here);
        if most >= MOST_PROBES {
            return None;
        }
        if at_least(failures, most, worse) >= power {
            let weak = |n: u64| at_least(failures, n, worse) < power;
            return Some(if weak(from_here) { largest(&weak, from_here) + 1 } else { from_here });
        }
        from = most;
    }
    None
}

/// The verdict that a probability supports: met from 0.95, missed until 0.05, else undecided.
#[must_use]
pub fn attainment(probability_met: Option<f64>) -> Attainment {
    match probability_met {
        None => Attainment::NoData,
        Some(p) if p >= SURE => Attainment::Met,
        Some(p) if p <= 1.0 - SURE => Attainment::Missed,
        Some(_) => Attainment::Undecided,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_that_lie_apart_are_told_with_few_probes_and_equal_ones_never() {
        // By hand: two failures of three come with 0.028 at 0.1, and with 0.972 at 0.9.
        assert_eq!(probes_to_tell(0.1, 0.9, 0.05, 0.9), Some(3));
        assert_eq!(probes_to_tell(0.01, 0.01, 0.05, 0.8), None);
        assert_eq!(probes_to_tell(0.02, 0.01, 0.05, 0.8), None);
        assert_eq!(probes_to_tell(0.0, 0.01, 0.05, 0.8), None);
        let told = [0.002, 0.0015, 0.0011].map(|worse| probes_to_tell(0.001, worse, 0.05, 0.8).unwrap());
        assert!(told.is_sorted() && told[2] > 500_000, "{told:?}");
    }
}
