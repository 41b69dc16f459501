//! The outcomes of one series, counted: little, whatever the number of slots, and a monoid, so that hours add up to weeks.

use std::collections::BTreeMap;

use crate::model::Verdict;
use crate::slo::{Durations, Tally};

use super::{Outcome, login_durations};

/// One outcome for each recorded slot, counted.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chosen {
    /// How many by what they say.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// Login times of good ones, and those that were cut off or failed apart.
    pub login: Durations,
}

impl Chosen {
    /// Counts the outcomes of one series.
    #[must_use]
    pub fn of(outcomes: &[Outcome]) -> Self {
        let mut verdicts = BTreeMap::new();
        for outcome in outcomes {
            *verdicts.entry(outcome.verdict).or_default() += 1;
        }
        Self { verdicts, login: login_durations(outcomes) }
    }

    /// Recorded slots.
    #[must_use]
    pub fn recorded(&self) -> u64 {
        self.verdicts.values().sum()
    }

    /// Good and bad ones.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let count = |wanted: fn(&Verdict) -> bool| {
            self.verdicts.iter().filter(|(verdict, _)| wanted(verdict)).map(|(_, count)| count).sum()
        };
        Tally { good: count(|v| matches!(v, Verdict::Good)), bad: count(|v| matches!(v, Verdict::Bad(_))) }
    }

    /// Adds all of another.
    pub fn merge(&mut self, other: &Self) {
        for (verdict, count) in &other.verdicts {
            *self.verdicts.entry(*verdict).or_default() += count;
        }
        self.login.merge(&other.login);
    }
}
