//! Downtime from samples: truth lies between two probes, so that every duration is an interval (F8), and an outage may
//! fall between them all (F9).

use jiff::Timestamp;

use crate::model::Micros;

/// The shortest and the longest duration that the samples allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutageBounds {
    /// Shortest.
    pub low: Micros,
    /// Longest.
    pub high: Micros,
}

impl OutageBounds {
    /// Half way between.
    #[must_use]
    pub fn middle(self) -> Micros {
        Micros(u64::midpoint(self.low.0, self.high.0))
    }
}

/// Bounds of an outage from the probes around it. It had begun by the end of the first failing probe and still lasted
/// when the last failing one began; it began after the last good probe before it had begun, and ended before the first
/// good probe after it ended (F8; compare Trinocular, Quan, Heidemann and Pradkin, SIGCOMM 2013, which states half a
/// round as the precision of its durations).
#[must_use]
pub fn outage_bounds(
    last_good_began: Timestamp,
    first_bad_ended: Timestamp,
    last_bad_began: Timestamp,
    first_good_ended: Timestamp,
) -> OutageBounds {
    let between = |from: Timestamp, to: Timestamp| {
        Micros(u64::try_from(to.as_microsecond() - from.as_microsecond()).unwrap_or(0))
    };
    OutageBounds { low: between(first_bad_ended, last_bad_began), high: between(last_good_began, first_good_ended) }
}

/// Standard deviation of the midpoint of `outages` outages, in seconds, when each end lies anywhere within one interval
/// T between two probes: the difference of two uniform errors, T/sqrt(6) each, times sqrt(m) for their sum (F8).
#[must_use]
pub fn midpoint_deviation(interval_seconds: f64, outages: u64) -> f64 {
    (outages as f64).sqrt() * interval_seconds / 6.0_f64.sqrt()
}

/// Standard deviation of the summed midpoints of outages, in seconds, from the widths (high minus low, in seconds) that
/// their own probes allow: each end lies anywhere within half of the width, so that one outage adds width^2 / 24. Even
/// probes make each width 2T, which gives [`midpoint_deviation`]; probes that are placed by chance within their
/// intervals, as ours are, leave gaps of other lengths, and outages meet long gaps more often than short ones. There the
/// formula with T alone says too little by a fifth (own derivation; coverage is simulated in `tests/it/coverage.rs`).
#[must_use]
pub fn observed_deviation(widths: impl Iterator<Item = f64>) -> f64 {
    widths.map(|width| width * width / 24.0).sum::<f64>().sqrt()
}

/// The chance that an outage of this length meets at least one probe when `vantages` probe evenly staggered, each once
/// per interval: min(1, d x V / T) (F9).
#[must_use]
pub fn seen_probability(outage_seconds: f64, interval_seconds: f64, vantages: u32) -> f64 {
    (outage_seconds * f64::from(vantages) / interval_seconds).clamp(0.0, 1.0)
}

/// The same for probes that lie anywhere within their shares T / V of the interval, one in each, as our slots do. Two
/// neighbours lie up to two shares apart, so that only an outage of 2 T / V is surely seen. With x = d V / T, it is missed
/// with probability 1 - x + x^3 / 6 until x = 1, and (2 - x)^3 / 6 from there until x = 2 (own derivation: the gap between
/// neighbours is the sum of two uniform parts of a share, hence triangular, and an outage of length d is missed by
/// `E[max(0, gap - d)] / E[gap]`).
#[must_use]
pub fn seen_by_chance(outage_seconds: f64, interval_seconds: f64, vantages: u32) -> f64 {
    let shares = (outage_seconds * f64::from(vantages) / interval_seconds).clamp(0.0, 2.0);
    let missed = if shares <= 1.0 { 1.0 - shares + shares.powi(3) / 6.0 } else { (2.0 - shares).powi(3) / 6.0 };
    1.0 - missed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SplitMix;

    #[test]
    fn the_chance_to_meet_a_jittered_probe_is_what_drawing_says() {
        let mut random = SplitMix::new(9);
        for length in [5.0, 15.0, 20.0, 28.0, 39.0] {
            let draws = 40_000;
            // Shares of 20 s: an outage of less than two of them meets the probes of three shares at most.
            let seen = |random: &mut SplitMix| {
                let begin = random.unit() * 20.0;
                (0..3).any(|share| {
                    let probe = (f64::from(share) + random.unit()) * 20.0;
                    begin <= probe && probe < begin + length
                })
            };
            let share = (0..draws).filter(|_| seen(&mut random)).count() as f64 / f64::from(draws);
            let said = seen_by_chance(length, 60.0, 3);
            assert!(
                (share - said).abs() < 4.0 * (said * (1.0 - said) / f64::from(draws)).sqrt() + 1e-9,
                "{length}: {share} {said}"
            );
        }
        assert!((seen_by_chance(40.0, 60.0, 3) - 1.0).abs() < 1e-12);
        assert!(seen_by_chance(20.0, 60.0, 3) < 0.84 && seen_probability(20.0, 60.0, 3) >= 1.0);
    }
}
