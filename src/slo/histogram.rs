//! Durations in an HDR histogram: three significant digits from 1 microsecond on (F15).
//!
//! Histograms of equal precision add without any further error; percentiles cannot be averaged. Good and bad against a
//! threshold are counted on raw values, before bucketing (a bucket cannot tell 5000 from 5003).

use std::fmt;
use std::io::Cursor;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2Serializer};

use crate::model::Micros;

/// Significant decimal digits that a value keeps.
const DIGITS: u8 = 3;

/// No login takes a week; a longer duration can only come from a broken record and is counted as this.
const LONGEST: Micros = Micros(7 * 24 * 3600 * 1_000_000);

/// A histogram of durations. A monoid under [`LatencyHistogram::merge`].
#[derive(Clone, PartialEq)]
pub struct LatencyHistogram(Histogram<u64>);

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets = self.0.iter_recorded();
        f.debug_map().entries(buckets.map(|one| (one.value_iterated_to(), one.count_since_last_iteration()))).finish()
    }
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        Self::new()
    }
}

impl LatencyHistogram {
    /// An empty histogram. It grows with the largest value that it is given.
    ///
    /// # Panics
    /// Never: three digits are a valid precision.
    #[must_use]
    pub fn new() -> Self {
        Self(Histogram::new(DIGITS).expect("three digits are a valid precision"))
    }

    /// Counts one duration.
    ///
    /// # Panics
    /// Never: the histogram grows to any duration.
    pub fn record(&mut self, duration: Micros) {
        self.0.record(duration.min(LONGEST).0).expect("a histogram that grows takes any duration");
    }

    /// Counts a duration that kept a closed loop from sampling: beside it, the values that its interval's missed
    /// samples would have had (Gil Tene's correction of coordinated omission, F16). Doorstep's own schedule is open,
    /// so its histograms never need this; imported ones may.
    pub fn record_corrected(&mut self, duration: Micros, interval: Micros) {
        let mut remaining = duration.0;
        self.record(duration);
        while interval.0 > 0 && remaining >= 2 * interval.0 {
            remaining -= interval.0;
            self.record(Micros(remaining));
        }
    }

    /// Adds another histogram's counts.
    ///
    /// # Panics
    /// Never: equal precision and growth by itself leave nothing to refuse.
    pub fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("histograms of equal precision that grow add");
    }

    /// The histogram in the V2 encoding of HdrHistogram, which its implementations in all languages read.
    ///
    /// # Panics
    /// Never: nothing about writing to memory can fail.
    #[must_use]
    pub fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&self.0, &mut bytes).expect("a histogram is written to memory");
        bytes
    }

    /// A histogram from its V2 encoding; `None` for other bytes, and for one of another precision.
    #[must_use]
    pub fn decoded(bytes: &[u8]) -> Option<Self> {
        let mut read: Histogram<u64> = Deserializer::new().deserialize(&mut Cursor::new(bytes)).ok()?;
        read.auto(true);
        let ours = read.sigfig() == DIGITS && read.low() == Self::new().0.low();
        ours.then_some(Self(read))
    }

    /// How many durations were counted.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The value of rank `rank` (1 is the smallest): lower and upper end of the bucket that holds it. `None` when there
    /// is no such rank.
    #[must_use]
    pub fn at_rank(&self, rank: u64) -> Option<(Micros, Micros)> {
        if rank == 0 || rank > self.count() {
            return None;
        }
        let mut below = 0;
        for bucket in self.0.iter_recorded() {
            below += bucket.count_since_last_iteration();
            if below >= rank {
                return Some(self.bucket_of(Micros(bucket.value_iterated_to())));
            }
        }
        None
    }

    /// How many counters it keeps, of eight bytes each: what it costs in memory. Three digits from 1 to 3,600,000 take
    /// 13,312 (F15).
    #[must_use]
    pub fn counters(&self) -> usize {
        self.0.distinct_values()
    }

    /// Lower and upper end of the bucket that holds a value.
    #[must_use]
    pub fn bucket_of(&self, value: Micros) -> (Micros, Micros) {
        (Micros(self.0.lowest_equivalent(value.0)), Micros(self.0.highest_equivalent(value.0)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn histogram(values: &[u64]) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::new();
        for &value in values {
            histogram.record(Micros(value));
        }
        histogram
    }

    fn merged(a: &LatencyHistogram, b: &LatencyHistogram) -> LatencyHistogram {
        let mut both = a.clone();
        both.merge(b);
        both
    }

    fn values() -> impl Strategy<Value = Vec<u64>> {
        proptest::collection::vec(0..40_000_000_u64, 0..30)
    }

    proptest! {
        #[test]
        fn merging_is_associative_and_commutative_with_an_identity(a in values(), b in values(), c in values()) {
            let (a, b, c) = (histogram(&a), histogram(&b), histogram(&c));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&a, &LatencyHistogram::new()), a);
        }

        #[test]
        fn what_was_encoded_is_read_back(all in values()) {
            let written = histogram(&all);
            let read = LatencyHistogram::decoded(&written.encoded()).unwrap();
            prop_assert_eq!(&read, &written);
            let bytes = written.encoded();
            prop_assert_eq!(LatencyHistogram::decoded(&bytes[..bytes.len() - 1]), None);
        }

        #[test]
        fn a_rank_lies_in_the_bucket_of_its_value(mut all in proptest::collection::vec(1..40_000_000_u64, 1..60)) {
            let histogram = histogram(&all);
            all.sort_unstable();
            for (index, &value) in all.iter().enumerate() {
                let (low, high) = histogram.at_rank(index as u64 + 1).unwrap();
                prop_assert!(low.0 <= value && value <= high.0, "{value} in {low:?}..{high:?}");
                prop_assert!((high.0 - low.0) as f64 <= 0.001 * value as f64);
            }
            prop_assert_eq!(histogram.at_rank(all.len() as u64 + 1), None);
        }
    }

    #[test]
    fn a_broken_duration_does_no_harm() {
        let (low, high) = histogram(&[u64::MAX]).at_rank(1).unwrap();
        assert!(low <= LONGEST && LONGEST <= high);
    }

    #[test]
    fn an_empty_histogram_has_no_ranks() {
        assert_eq!(LatencyHistogram::new().at_rank(1), None);
        assert_eq!(histogram(&[5]).at_rank(0), None);
    }
}
