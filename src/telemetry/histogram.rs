//! A histogram in two forms at once: classic buckets with fixed bounds, and the sparse exponential buckets that
//! Prometheus calls native. Values are seconds.

use std::collections::BTreeMap;

/// Each power of two is cut into 2^3 buckets, so a quantile is off by at most 4.5 %.
pub(super) const SCHEMA: i32 = 3;

/// Upper bounds of the classic buckets, in seconds.
pub const BOUNDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// Counted values.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Histogram {
    /// One count per bound of [`BOUNDS`]: values up to it and above the one before.
    pub(super) classic: [u64; BOUNDS.len()],
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Values that are zero.
    pub(super) zero: u64,
    /// Bucket `i` counts values in (2^((i-1)/8), 2^(i/8)].
    pub(super) native: BTreeMap<i32, u64>,
}

impl Histogram {
    /// Counts a value of at least zero; others (there are none among durations) count as zero.
    pub(super) fn observe(&mut self, seconds: f64) {
        let seconds = if seconds.is_finite() { seconds.max(0.0) } else { 0.0 };
        if let Some(bucket) = BOUNDS.iter().position(|&bound| seconds <= bound) {
            self.classic[bucket] += 1;
        }
        self.count += 1;
        self.sum += seconds;
        if seconds == 0.0 {
            self.zero += 1;
        } else {
            *self.native.entry(native_bucket(seconds)).or_default() += 1;
        }
    }
}

fn native_bucket(value: f64) -> i32 {
    (value.log2() * f64::from(1 << SCHEMA)).ceil() as i32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_on_a_bound_belong_below_it() {
        let mut histogram = Histogram::default();
        for value in [0.0, 0.001, 0.0011, 60.0, 61.0] {
            histogram.observe(value);
        }
        assert_eq!((histogram.classic[0], histogram.classic[1], histogram.classic[14]), (2, 1, 1));
        assert_eq!((histogram.count, histogram.zero), (5, 1));
        assert_eq!([native_bucket(1.0), native_bucket(2.0), native_bucket(0.5), native_bucket(1.01)], [0, 8, -8, 1]);
    }

    proptest! {
        #[test]
        fn a_value_lies_in_its_native_bucket(value in 1e-6_f64..1e5) {
            let bucket = native_bucket(value);
            let bound = |index: i32| 2_f64.powf(f64::from(index) / 8.0);
            prop_assert!(value <= bound(bucket) * (1.0 + 1e-12) && value > bound(bucket - 1) * (1.0 - 1e-12));
        }
    }
}
