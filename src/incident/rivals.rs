//! Rules that turn single probes into pages: ours, and those that other tools use, each as a small state machine that
//! takes probes in order of time, so that a replay and a simulation run the very same ones.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::slo::failures_to_fire;

use super::chart::{Chart, Watch};

/// A rule by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleName {
    /// One chart per vantage, alarm on the sum without the largest.
    Ours,
    /// The same with extra probes after a failure.
    Adaptive,
    /// The pages of the SRE Workbook (chapter 5): 14.4 on 1 h and 5 m, or 6 on 6 h and 30 m.
    BurnRate,
    /// The same with at least five failures in the long window.
    BurnRateGuarded,
    /// Three failures in a row from one vantage.
    ThreeInARow,
    /// Most of the vantages' latest results are bad.
    Quorum,
}

impl RuleName {
    /// Those that need no extra probe and can be replayed over recorded runs.
    pub const REPLAYED: [Self; 5] =
        [Self::Ours, Self::BurnRate, Self::BurnRateGuarded, Self::ThreeInARow, Self::Quorum];

    /// What it is called in tables.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Adaptive => "ours, with extra probes",
            Self::BurnRate => "burn rate 14.4 and 6",
            Self::BurnRateGuarded => "burn rate, 5 failures at least",
            Self::ThreeInARow => "3 in a row",
            Self::Quorum => "most places at once",
        }
    }
}

/// A rule at work.
pub(super) trait Rule {
    /// Takes so many successes of a vantage.
    fn pass(&mut self, vantage: usize, count: u32);
    /// Takes a failure at a time in seconds; until when the rule is in alarm for it, if it is. `probes` says how many
    /// probes of all vantages lie in the so many seconds before.
    fn fail(&mut self, at: f64, vantage: usize, probes: &dyn Fn(f64) -> u64) -> Option<f64>;
}

/// The rule of this name for so many vantages; `None` where it has no meaning: most of one place is that place.
pub(super) fn rule(name: RuleName, vantages: usize, chart: Option<Chart>, target: f64) -> Option<Box<dyn Rule>> {
    match name {
        RuleName::Ours | RuleName::Adaptive => Some(Box::new(Charts(Watch::new(vantages, chart?)))),
        RuleName::BurnRate => Some(Box::new(BurnRate { target, guard: 0, failures: VecDeque::new() })),
        RuleName::BurnRateGuarded => Some(Box::new(BurnRate { target, guard: 5, failures: VecDeque::new() })),
        RuleName::ThreeInARow => Some(Box::new(InARow { wanted: 3, rows: vec![0; vantages] })),
        RuleName::Quorum if vantages < 2 => None,
        RuleName::Quorum => Some(Box::new(Quorum { bad: vec![false; vantages] })),
    }
}

struct Charts(Watch);

impl Rule for Charts {
    fn pass(&mut self, vantage: usize, count: u32) {
        self.0.pass(vantage, count);
    }

    fn fail(&mut self, at: f64, vantage: usize, _: &dyn Fn(f64) -> u64) -> Option<f64> {
        let now = (at * 1e6) as i64;
        self.0.hear(vantage, now);
        let alarm = self.0.fail(vantage, 0, now);
        if alarm {
            self.0.reset();
        }
        alarm.then_some(at)
    }
}

/// Factor, long and short window in seconds (SRE Workbook, chapter 5, table 5-8; F2).
const WINDOWS: [(f64, f64, f64); 2] = [(14.4, 3_600.0, 300.0), (6.0, 21_600.0, 1_800.0)];

struct BurnRate {
    target: f64,
    guard: u64,
    failures: VecDeque<f64>,
}

impl Rule for BurnRate {
    fn pass(&mut self, _: usize, _: u32) {}

    fn fail(&mut self, at: f64, _: usize, probes: &dyn Fn(f64) -> u64) -> Option<f64> {
        self.failures.push_back(at);
        while self.failures.front().is_some_and(|&first| first <= at - WINDOWS[1].1) {
            self.failures.pop_front();
        }
        // Without another failure a window stays over its limit until its oldest needed one leaves it.
        let until = |factor: f64, window: f64, guard: u64| {
            let needed = failures_to_fire(factor, self.target, probes(window)).max(guard);
            let place = self.failures.len().checked_sub(usize::try_from(needed).ok()?)?;
            let leaves = self.failures.get(place)? + window;
            (leaves > at).then_some(leaves)
        };
        let each = WINDOWS
            .iter()
            .filter_map(|&(factor, long, short)| Some(until(factor, long, self.guard)?.min(until(factor, short, 0)?)));
        each.reduce(f64::max)
    }
}

struct InARow {
    wanted: u32,
    rows: Vec<u32>,
}

impl Rule for InARow {
    fn pass(&mut self, vantage: usize, count: u32) {
        if count > 0 {
            self.rows[vantage] = 0;
        }
    }

    fn fail(&mut self, at: f64, vantage: usize, _: &dyn Fn(f64) -> u64) -> Option<f64> {
        self.rows[vantage] += 1;
        (self.rows[vantage] >= self.wanted).then_some(at)
    }
}

struct Quorum {
    bad: Vec<bool>,
}

impl Rule for Quorum {
    fn pass(&mut self, vantage: usize, count: u32) {
        if count > 0 {
            self.bad[vantage] = false;
        }
    }

    fn fail(&mut self, at: f64, vantage: usize, _: &dyn Fn(f64) -> u64) -> Option<f64> {
        self.bad[vantage] = true;
        let bad = self.bad.iter().filter(|&&bad| bad).count();
        (bad * 2 > self.bad.len()).then_some(at)
    }
}

/// Alarms as pages: what follows within an hour of the last belongs to it.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    until: Option<f64>,
    pub(super) at: Vec<f64>,
}

/// Seconds after an alarm in which another one is no new page.
const MERGED: f64 = 3_600.0;

impl Pages {
    pub(super) fn alarm(&mut self, at: f64, until: f64) {
        if self.until.is_none_or(|last| at > last + MERGED) {
            self.at.push(at);
        }
        self.until = Some(self.until.map_or(until, |last| last.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pages of a rule over probes `seconds` apart from `vantages` in turn.
    fn pages(name: RuleName, vantages: usize, seconds: f64, failing: impl Fn(usize) -> bool) -> Vec<f64> {
        let mut rule = rule(name, vantages, None, 0.999).unwrap();
        let mut pages = Pages::default();
        for index in 0..20_000 {
            let at = index as f64 * seconds;
            if !failing(index) {
                rule.pass(index % vantages, 1);
            } else if let Some(until) = rule.fail(at, index % vantages, &|window| (window / seconds) as u64) {
                pages.alarm(at, until);
            }
        }
        pages.at
    }

    #[test]
    fn at_a_probe_a_minute_each_single_failure_pages_by_burn_rate() {
        let failing = |index| [1_000, 5_000, 5_001, 9_000].contains(&index);
        let minutes = |at: Vec<f64>| at.into_iter().map(|at| at / 60.0).collect::<Vec<_>>();
        assert_eq!(minutes(pages(RuleName::BurnRate, 1, 60.0, failing)), [1_000.0, 5_000.0, 9_000.0]);
        assert!(pages(RuleName::BurnRateGuarded, 1, 60.0, failing).is_empty());
        assert_eq!(minutes(pages(RuleName::BurnRateGuarded, 1, 60.0, |index| (700..720).contains(&index))), [704.0]);
    }

    #[test]
    fn rows_and_quorums_are_counted_per_place() {
        let failing = |index| [300, 303, 306].contains(&index);
        assert_eq!(pages(RuleName::ThreeInARow, 3, 1.0, failing), [306.0]);
        assert!(pages(RuleName::Quorum, 3, 1.0, failing).is_empty());
        assert_eq!(pages(RuleName::Quorum, 3, 1.0, |index| (300..302).contains(&index)), [301.0]);
        assert!(rule(RuleName::Quorum, 1, None, 0.999).is_none());
    }

    #[test]
    fn alarms_within_an_hour_are_one_page() {
        let mut pages = Pages::default();
        for at in [0.0, 1_000.0, 4_000.0, 9_000.0] {
            pages.alarm(at, at + 500.0);
        }
        assert_eq!(pages.at, [0.0, 9_000.0]);
    }
}
