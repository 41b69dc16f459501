//! Durations of one kind of thing: finished ones in a histogram, cut-off and failed ones counted apart, since their times
//! say something else. A monoid under [`Durations::merge`].

use crate::model::Micros;

use super::LatencyHistogram;

/// Durations of one kind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Durations {
    /// The finished ones.
    pub finished: LatencyHistogram,
    /// The shortest finished one, exact.
    pub shortest: Option<Micros>,
    /// The longest finished one, exact.
    pub longest: Option<Micros>,
    /// How many a limit cut off: each took at least [`Durations::at_least`].
    pub unfinished: u64,
    /// The shortest of those that were cut off.
    pub at_least: Option<Micros>,
    /// How many ended in a failure without being cut off.
    pub failed: u64,
}

fn least(a: Option<Micros>, b: Option<Micros>) -> Option<Micros> {
    a.into_iter().chain(b).min()
}

impl Durations {
    /// Counts a finished one.
    pub fn finish(&mut self, time: Micros) {
        self.finished.record(time);
        self.shortest = least(self.shortest, Some(time));
        self.longest = self.longest.max(Some(time));
    }

    /// Counts one that was cut off.
    pub fn cut(&mut self, at_least: Micros) {
        self.unfinished += 1;
        self.at_least = least(self.at_least, Some(at_least));
    }

    /// Counts one that failed.
    pub fn fail(&mut self) {
        self.failed += 1;
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        self.finished.merge(&other.finished);
        self.shortest = least(self.shortest, other.shortest);
        self.longest = self.longest.max(other.longest);
        self.unfinished += other.unfinished;
        self.at_least = least(self.at_least, other.at_least);
        self.failed += other.failed;
    }
}
