//! What a period *was*, as against what its probes let expect of the next (F5): failures inside an outage are not
//! independent samples, so that the outage's length is measured and only the isolated failures are sampled.

use serde::{Deserialize, Serialize};

use super::downtime::observed_deviation;
use super::interval::Interval;
use super::proportion::{normal_quantile, wilson};

/// The measured availability of a period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The estimate.
    pub availability: f64,
    /// Its interval.
    pub interval: Interval,
}

/// One outage as measured: hard bounds of its duration in seconds, and how many probes failed in it.
pub type MeasuredOutage = (Interval, u64);

/// A stretch in which logins failed, wholly or in part.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Episode {
    /// Hard bounds of its duration, in seconds.
    pub duration: Interval,
    /// Standard deviation of the duration's midpoint, in seconds (F8).
    pub deviation: f64,
    /// Probes with a verdict in it.
    pub probes: u64,
    /// Failing ones among them.
    pub failures: u64,
}

/// The availability that a period had when every outage was total: see [`measured_with_episodes`]. The ends of
/// an outage lie anywhere within the gaps between probes that its hard bounds show.
#[must_use]
pub fn measured_availability(
    period_seconds: f64,
    outages: &[MeasuredOutage],
    (probes, isolated_failures): (u64, u64),
    confidence: f64,
) -> Option<Measured> {
    let episode = |&(duration, failures): &MeasuredOutage| {
        let deviation = observed_deviation(std::iter::once(duration.width()));
        Episode { duration, deviation, probes: failures, failures }
    };
    let episodes: Vec<Episode> = outages.iter().map(episode).collect();
    measured_with_episodes(period_seconds, &episodes, (probes, isolated_failures), confidence)
}

/// The availability that a period had (F5). What an episode cost is, when every probe in it failed, the midpoint of its
/// duration, with a normal error clipped to the hard bounds of all such episodes; when it spared some, the probes that
/// failed, each of which stands for an equal part of the period, with the Wilson error of their share and with the error
/// of the two ends (a third of a probe's part squared, when probes lie anywhere within their part). Isolated failures
/// are a Wilson sample of the probes outside of episodes. All combined by MOVER (Zou and Donner, Statistics in Medicine
/// 2008). Where an episode took all probes, nothing is known of what little time is left: it may have failed wholly.
/// `None` without probes.
#[must_use]
pub fn measured_with_episodes(
    period_seconds: f64,
    episodes: &[Episode],
    (probes, isolated_failures): (u64, u64),
    confidence: f64,
) -> Option<Measured> {
    let (total, partial): (Vec<&Episode>, Vec<&Episode>) = episodes.iter().partition(|one| one.failures >= one.probes);
    let inside: u64 = episodes.iter().map(|episode| episode.probes).sum();
    if probes == 0 {
        return None;
    }
    let z = normal_quantile(confidence);
    let sum = |end: fn(&Episode) -> f64| total.iter().map(|episode| end(episode)).sum::<f64>() / period_seconds;
    let (hard_low, hard_high) = (sum(|episode| episode.duration.low), sum(|episode| episode.duration.high));
    let down = f64::midpoint(hard_low, hard_high);
    let variance: f64 = total.iter().map(|episode| episode.deviation.powi(2)).sum();
    let error = z * variance.sqrt() / period_seconds;
    let (down_low, down_high) = ((down - error).max(hard_low), (down + error).min(hard_high));
    let (mut below, mut above) = ((down - down_low).powi(2), (down_high - down).powi(2));
    let part = 1.0 / probes as f64;
    for episode in &partial {
        let share = episode.failures as f64 / episode.probes as f64;
        let Some(bounds) = wilson(episode.probes, episode.failures, confidence) else { continue };
        let (weight, ends) = (episode.probes as f64 * part, (z * share * part).powi(2) / 3.0);
        below += (weight * (share - bounds.low)).powi(2) + ends;
        above += (weight * (bounds.high - share)).powi(2) + ends;
    }
    let count = |of: fn(&Episode) -> u64| partial.iter().map(|episode| of(episode)).sum::<u64>() as f64 * part;
    let quiet = (1.0 - down - count(|episode| episode.probes)).max(0.0);
    let outside = probes.saturating_sub(inside);
    let rate = if outside > 0 { isolated_failures as f64 / outside as f64 } else { 0.0 };
    let isolated = wilson(outside, isolated_failures, confidence).unwrap_or(Interval { low: 0.0, high: quiet });
    let failing = down + count(|episode| episode.failures) + quiet * rate;
    let low = failing - (below + (rate - isolated.low).powi(2)).sqrt();
    let high = failing + (above + (isolated.high - rate).powi(2)).sqrt();
    let interval = Interval { low: low.clamp(0.0, 1.0), high: high.clamp(0.0, 1.0) }.complement();
    Some(Measured { availability: 1.0 - failing.clamp(0.0, 1.0), interval })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_episode_that_spared_half_costs_half_and_is_less_sure() {
        let episode = |failures| Episode {
            duration: Interval { low: 3_540.0, high: 3_660.0 },
            deviation: 24.5,
            probes: 60,
            failures,
        };
        let of = |failures| measured_with_episodes(36_000.0, &[episode(failures)], (600, 0), 0.95).unwrap();
        assert!((of(60).availability - 0.9).abs() < 1e-12 && (of(30).availability - 0.95).abs() < 1e-12);
        assert!(of(30).interval.low < 0.95 && of(30).interval.high > 0.95);
        let below = |measured: Measured| measured.availability - measured.interval.low;
        assert!(below(of(30)) > below(of(60)), "a share in a sample is less sure than a total outage");
    }

    #[test]
    fn without_a_probe_nothing_is_known() {
        assert_eq!(measured_availability(3_600.0, &[], (0, 0), 0.95), None);
    }

    #[test]
    fn a_period_that_failed_from_end_to_end_has_an_availability() {
        let whole = Interval { low: 3_480.0, high: 3_600.0 };
        let measured = measured_availability(3_600.0, &[(whole, 60)], (60, 0), 0.95).unwrap();
        assert!((measured.availability - 60.0 / 3_600.0).abs() < 1e-12);
        assert!(measured.interval.low <= 1e-12 && measured.interval.high < 0.05, "{measured:?}");
    }
}
