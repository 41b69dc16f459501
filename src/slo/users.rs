//! Availability as users have it: vantages weighted by the demand that they stand for (F10).

use super::interval::Interval;
use super::proportion::wilson;

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
}

/// A_u = 1 - sum(demand x failing share) / sum(demand), over slices with probes; a slice without probes has no value,
/// and its demand is told apart as uncovered (F10). The interval combines the slices' Wilson intervals by MOVER (Zou
/// and Donner, Statistics in Medicine 2008): distances to the ends add as squares, weighted.
#[must_use]
pub fn user_weighted(slices: &[Slice], confidence: f64) -> UserWeighted {
    let all: f64 = slices.iter().map(|slice| slice.demand).sum();
    let covered: f64 = slices.iter().filter(|slice| slice.n > 0).map(|slice| slice.demand).sum();
    let uncovered = if all > 0.0 { ((all - covered) / all).max(0.0) } else { 0.0 };
    if covered <= 0.0 {
        return UserWeighted {
            availability: None,
            interval: None,
            uncovered,
            if_uncovered: Interval { low: 0.0, high: 1.0 },
        };
    }
    let (mut failing, mut below, mut above) = (0.0, 0.0, 0.0);
    for slice in slices {
        let Some(bounds) = wilson(slice.n, slice.bad, confidence) else { continue };
        let (weight, share) = (slice.demand / covered, slice.bad as f64 / slice.n as f64);
        failing += weight * share;
        below += (weight * (share - bounds.low)).powi(2);
        above += (weight * (bounds.high - share)).powi(2);
    }
    let interval = Interval { low: (failing - below.sqrt()).max(0.0), high: (failing + above.sqrt()).min(1.0) };
    let availability = 1.0 - failing;
    UserWeighted {
        availability: Some(availability),
        interval: Some(interval.complement()),
        uncovered,
        if_uncovered: Interval {
            low: availability * (1.0 - uncovered),
            high: availability * (1.0 - uncovered) + uncovered,
        },
    }
}
