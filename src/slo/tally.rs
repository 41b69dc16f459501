//! Good and bad events, counted. Tallies add, so that any order and any grouping gives the same ratio; a mean of
//! ratios is never taken (it would weigh a quiet hour like a busy one).

use std::iter::Sum;
use std::ops::Add;

/// Good and bad events. A monoid under `+`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Good events.
    pub good: u64,
    /// Bad events.
    pub bad: u64,
}

impl Tally {
    /// All events.
    #[must_use]
    pub fn total(self) -> u64 {
        self.good + self.bad
    }

    /// The share of good events: good / (good + bad) (F1; Google SRE Workbook, chapter 2). No events have no share.
    #[must_use]
    pub fn share(self) -> Option<f64> {
        (self.total() > 0).then(|| self.good as f64 / self.total() as f64)
    }
}

impl Add for Tally {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self { good: self.good + other.good, bad: self.bad + other.bad }
    }
}

impl Sum for Tally {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tally() -> impl Strategy<Value = Tally> {
        (0..1_000_000_u64, 0..1_000_000_u64).prop_map(|(good, bad)| Tally { good, bad })
    }

    proptest! {
        #[test]
        fn adding_is_associative_and_commutative_with_an_identity(a in tally(), b in tally(), c in tally()) {
            prop_assert_eq!((a + b) + c, a + (b + c));
            prop_assert_eq!(a + b, b + a);
            prop_assert_eq!(a + Tally::default(), a);
        }
    }

    #[test]
    fn no_events_have_no_share() {
        assert_eq!(Tally::default().share(), None);
        assert_eq!(Tally { good: 0, bad: 3 }.share(), Some(0.0));
        assert_eq!(Tally { good: 3, bad: 0 }.share(), Some(1.0));
    }

    #[test]
    fn merged_counts_give_the_ratio_of_sums_not_the_mean_of_ratios() {
        let busy = Tally { good: 990, bad: 10 };
        let quiet = Tally { good: 0, bad: 10 };
        assert!(((busy + quiet).share().unwrap() - 990.0 / 1010.0).abs() < 1e-12);
    }
}
