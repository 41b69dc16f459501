//! Availability as users have it: vantages weighted by the demand that they stand for (F10).

use super::interval::Interval;
use super::proportion::wilson_of_share;

/// A part of the demand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Slice {
    /// Expected sign-ins, in any unit.
    pub demand: f64,
    /// What probes say; `n` of 0 is a slice that nobody probed.
    pub n: u64,
    /// Bad runs.
    pub bad: u64,
}

/// The user-weighted availability.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UserWeighted {
    /// Over the covered demand; `None` when nothing is covered.
    pub availability: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// Demand of slices without probes, over all demand.
    pub uncovered: f64,
    /// Over all demand, when every uncovered sign-in failed (`low`) and when none did (`high`).
    pub if_uncovered: Interval,
    /// The same with the ends of the interval in place of the best guess: it holds both doubts.
    pub bounds: Interval,
}

/// A_u = 1 - sum(demand x failing share) / sum(demand), over slices with probes; a slice without probes has no value,
/// and its demand is told apart as uncovered (F10). Each slice is a part of the users of its own.
#[must_use]
pub fn user_weighted(slices: &[Slice], confidence: f64) -> UserWeighted {
    let parts: Vec<&[Slice]> = slices.iter().map(std::slice::from_ref).collect();
    user_weighted_over_time(&parts, confidence)
}

/// The same over parts of the users, each in slices of time (F10): an hour in which many want to sign in weighs more
/// than one at night, however many probes ran in either.
///
/// The interval: within a part, Wilson's for the effective number of its weighted runs (Kish 1965); across parts these
/// are combined by MOVER (Zou and Donner, Statistics in Medicine 2008): distances to the ends add as squares, weighted.
#[must_use]
pub fn user_weighted_over_time(parts: &[&[Slice]], confidence: f64) -> UserWeighted {
    let slices = || parts.iter().flat_map(|slices| slices.iter());
    let all = slices().fold(0.0, |sum, slice| sum + slice.demand);
    // Exactly nothing where every slice was probed: no rounding may tell of users who are not there.
    let unseen = slices().filter(|slice| slice.n == 0).fold(0.0, |sum, slice| sum + slice.demand);
    let known: Vec<PartFailing> = parts.iter().filter_map(|slices| part_failing(slices, confidence)).collect();
    let covered: f64 = known.iter().map(|part| part.covered).sum();
    let uncovered = if all > 0.0 { unseen / all } else { 0.0 };
    let whole = Interval { low: 0.0, high: 1.0 };
    if covered <= 0.0 {
        return UserWeighted { availability: None, interval: None, uncovered, if_uncovered: whole, bounds: whole };
    }
    let (mut failing, mut below, mut above) = (0.0, 0.0, 0.0);
    for part in known {
        let weight = part.covered / covered;
        failing += weight * part.share;
        below += (weight * (part.share - part.interval.low)).powi(2);
        above += (weight * (part.interval.high - part.share)).powi(2);
    }
    let interval = Interval { low: (failing - below.sqrt()).max(0.0), high: (failing + above.sqrt()).min(1.0) };
    let (availability, interval) = (1.0 - failing, interval.complement());
    let all_failed = |share: f64| share * (1.0 - uncovered);
    let none_failed = |share: f64| (share * (1.0 - uncovered) + uncovered).min(1.0);
    UserWeighted {
        availability: Some(availability),
        interval: Some(interval),
        uncovered,
        if_uncovered: Interval { low: all_failed(availability), high: none_failed(availability) },
        bounds: Interval { low: all_failed(interval.low), high: none_failed(interval.high) },
    }
}

/// What probes say of one part of the users.
struct PartFailing {
    /// Demand of its slices with probes.
    covered: f64,
    /// Failing share of that demand.
    share: f64,
    interval: Interval,
}

/// `None` when no slice with demand was probed.
fn part_failing(slices: &[Slice], confidence: f64) -> Option<PartFailing> {
    let (mut covered, mut failing, mut squares) = (0.0, 0.0, 0.0);
    for slice in slices.iter().filter(|slice| slice.n > 0) {
        covered += slice.demand;
        failing += slice.demand * (slice.bad as f64 / slice.n as f64);
        // Each of the n runs stands for demand / n.
        squares += slice.demand.powi(2) / slice.n as f64;
    }
    (covered > 0.0).then(|| {
        let (effective, share) = (covered.powi(2) / squares, (failing / covered).clamp(0.0, 1.0));
        PartFailing { covered, share, interval: wilson_of_share(effective, share, confidence) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(demand: f64, n: u64, bad: u64) -> Slice {
        Slice { demand, n, bad }
    }

    /// F10's example: demand 100, 100, 400, 1000, failing 0.5, 0, 0, 0.05.
    #[test]
    fn hours_weigh_by_their_demand_and_not_by_their_probes() {
        let hours = [slice(100.0, 60, 30), slice(100.0, 60, 0), slice(400.0, 60, 0), slice(1000.0, 60, 3)];
        let weighted = user_weighted_over_time(&[&hours], 0.95);
        assert!((weighted.availability.unwrap() - 0.9375).abs() < 1e-12, "{weighted:?}");
        let pooled = 1.0 - 33.0 / 240.0;
        assert!((pooled - 0.8625_f64).abs() < 1e-12, "the runs alone would say otherwise");
        let interval = weighted.interval.unwrap();
        assert!(interval.low < 0.9375 && 0.9375 < interval.high);
        assert_eq!((weighted.uncovered, weighted.bounds), (0.0, interval));
    }

    #[test]
    fn equal_weights_give_the_interval_of_the_pooled_runs() {
        let hours = vec![slice(5.0, 120, 0); 168];
        let pooled = super::super::wilson(168 * 120, 168 * 120, 0.95).unwrap();
        let interval = user_weighted_over_time(&[&hours], 0.95).interval.unwrap();
        assert!((interval.low - pooled.low).abs() < 1e-12 && (interval.high - 1.0).abs() < 1e-12, "{interval:?}");
    }

    #[test]
    fn an_hour_that_nobody_probed_is_neither_good_nor_bad() {
        let hours = [slice(300.0, 60, 6), slice(100.0, 0, 0)];
        let weighted = user_weighted_over_time(&[&hours], 0.95);
        assert!((weighted.availability.unwrap() - 0.9).abs() < 1e-12);
        assert!((weighted.uncovered - 0.25).abs() < 1e-12);
        let (interval, bounds) = (weighted.interval.unwrap(), weighted.bounds);
        assert!((bounds.low - interval.low * 0.75).abs() < 1e-12, "all of it failed: {bounds:?}");
        assert!((bounds.high - (interval.high * 0.75 + 0.25)).abs() < 1e-12, "none of it failed: {bounds:?}");
        let nothing = user_weighted_over_time(&[&[slice(5.0, 0, 0)]], 0.95);
        assert_eq!((nothing.availability, nothing.uncovered), (None, 1.0));
        assert_eq!(user_weighted_over_time(&[], 0.95).availability, None);
    }
}
