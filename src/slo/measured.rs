//! What a period *was*, as against what its probes let expect of the next (F5): failures inside an outage are not
//! independent samples, so that the outage's length is measured and only the isolated failures are sampled.

use super::downtime::midpoint_deviation;
use super::interval::Interval;
use super::proportion::{normal_quantile, wilson};

/// The measured availability of a period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// The estimate.
    pub availability: f64,
    /// Its interval.
    pub interval: Interval,
}

/// One outage as measured: hard bounds of its duration in seconds, and how many probes failed in it.
pub type MeasuredOutage = (Interval, u64);

/// The availability that a period had: D = midpoints of the outages' durations over the period's length, p2 = the rate
/// of isolated failures by Wilson on the probes outside of outages, p = D + (1 - D) p2, combined by MOVER (Zou and
/// Donner, Statistics in Medicine 2008). The error of D is normal with [`midpoint_deviation`], clipped to its hard
/// bounds. `None` without probes outside of outages.
#[must_use]
pub fn measured_availability(
    period_seconds: f64,
    interval_seconds: f64,
    outages: &[MeasuredOutage],
    (probes, isolated_failures): (u64, u64),
    confidence: f64,
) -> Option<Measured> {
    let inside: u64 = outages.iter().map(|(_, failures)| failures).sum();
    let outside = probes.saturating_sub(inside);
    let isolated = wilson(outside, isolated_failures, confidence)?;
    let rate = isolated_failures as f64 / outside as f64;
    let sum = |end: fn(Interval) -> f64| outages.iter().map(|(bounds, _)| end(*bounds)).sum::<f64>() / period_seconds;
    let (hard_low, hard_high) = (sum(|bounds| bounds.low), sum(|bounds| bounds.high));
    let down = f64::midpoint(hard_low, hard_high);
    let error =
        normal_quantile(confidence) * midpoint_deviation(interval_seconds, outages.len() as u64) / period_seconds;
    let (down_low, down_high) = ((down - error).max(hard_low), (down + error).min(hard_high));
    let failing = down + (1.0 - down) * rate;
    let low = failing - (down - down_low).hypot(rate - isolated.low);
    let high = failing + (down_high - down).hypot(isolated.high - rate);
    let interval = Interval { low: low.max(0.0), high: high.min(1.0) }.complement();
    Some(Measured { availability: 1.0 - failing, interval })
}
