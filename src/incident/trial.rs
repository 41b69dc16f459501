//! Every rule on trial: a model of probing in which chance is known (slo.md section 3), simulated from failure to
//! failure, so that a century takes a moment. It says how often a rule would page for nothing, and how long a real outage
//! would wait for its page.
//!
//! The model: so many vantages, each probing once per interval, evenly staggered; while all is well each probe fails by
//! itself with the background's probability; in an outage, with the outage's share. A result is known at once: add the
//! flow's timeout to every delay.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::model::SplitMix;
use crate::slo::{chart_threshold, failure_step, rest_threshold};

use super::chart::Chart;
use super::rivals::{Pages, Rule, RuleName, rule};

const YEAR: f64 = 365.0 * 86_400.0;
/// Seconds of healthy probing before an outage: the longest window of any rule.
const RUN_UP: f64 = 21_600.0;
/// Seconds from a failure to the extra probe, extra successes that end a burst, and extra probes in any hour.
const EXTRA_EVERY: f64 = 5.0;
const EXTRA_UNTIL: u32 = 6;
const EXTRA_PER_HOUR: usize = 24;

/// How a flow is probed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Seconds between two probes of one vantage.
    pub interval: f64,
    /// How many vantages.
    pub vantages: u32,
}

/// Where extra probes after a failure start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// From the vantage that failed, as Doorstep's workers do, who know nothing of each other.
    SamePlace,
    /// From all vantages in turn, as slo.md's simulation does: it takes somebody who tells them.
    InTurn,
}

/// What is tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// How the flow is probed.
    pub layout: Layout,
    /// The objective, for the burn-rate rules.
    pub target: f64,
    /// The background that our charts are told (p0).
    pub p0: f64,
    /// The failing share that they look for (p1).
    pub p1: f64,
    /// False alarms per year that they are computed for.
    pub per_year: f64,
    /// How extra probes start.
    pub extra: Extra,
    /// The seed of all draws.
    pub seed: u64,
}

/// Pages for nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FalsePages {
    /// The rule.
    pub rule: RuleName,
    /// How many.
    pub pages: u64,
    /// In how many years.
    pub years: f64,
    /// Probes that were made besides the scheduled ones, over these.
    pub extra: f64,
}

impl FalsePages {
    /// Pages per year.
    #[must_use]
    pub fn per_year(&self) -> f64 {
        self.pages as f64 / self.years
    }
}

/// How long outages waited for a page, in seconds from their start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Delays {
    /// The rule.
    pub rule: RuleName,
    /// Sorted; outages that had no page by the limit are not in it.
    pub seconds: Vec<f64>,
    /// How many outages there were.
    pub outages: usize,
}

impl Delays {
    /// The delay that this share of outages does not exceed; `None` when it is longer than was looked for.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let rank = (share * self.outages as f64).ceil().max(1.0) as usize;
        self.seconds.get(rank - 1).copied()
    }
}

impl Trial {
    /// A trial of the published rules: an objective of 99.9 %, charts for 5 % against a background of 0.5 % at one false
    /// alarm a year.
    #[must_use]
    pub fn published(interval: f64, vantages: u32, seed: u64) -> Self {
        let layout = Layout { interval, vantages };
        Self { layout, target: 0.999, p0: 0.005, p1: 0.05, per_year: 1.0, extra: Extra::InTurn, seed }
    }

    fn chart(&self) -> Option<Chart> {
        let step = failure_step(self.p0, self.p1);
        let wanted = YEAR * f64::from(self.layout.vantages) / self.layout.interval / self.per_year;
        let threshold = match self.layout.vantages {
            1 => chart_threshold(step, self.p0, wanted),
            vantages => rest_threshold(step, self.p0, vantages, wanted),
        }?;
        Some(Chart { step, threshold, silence: i64::MAX })
    }

    /// The alarm threshold of our charts; `None` when no chart can hold the wanted rate.
    #[must_use]
    pub fn threshold(&self) -> Option<u32> {
        self.chart().map(|chart| chart.threshold)
    }

    fn rules(&self, names: &[RuleName], chart: Option<Chart>) -> Vec<(RuleName, Box<dyn Rule>)> {
        let build = |&name| Some((name, rule(name, self.layout.vantages as usize, chart, self.target)?));
        names.iter().filter_map(build).collect()
    }

    /// Pages for nothing in so many years with this background. Rules without a meaning here are left out.
    #[must_use]
    pub fn false_pages(&self, names: &[RuleName], background: f64, years: f64) -> Vec<FalsePages> {
        let (mut found, chart) = (Vec::new(), self.chart());
        for (with_extra, chosen) in split(names) {
            let mut rules = self.rules(&chosen, chart);
            let mut pages = vec![Pages::default(); rules.len()];
            let mut walk = Walk::new(self, with_extra, SplitMix::of(&[self.seed, background.to_bits()]));
            walk.run(&mut rules, (background, years * YEAR), |index, at, until| {
                pages[index].alarm(at, until);
                true
            });
            let scheduled = years * YEAR * f64::from(self.layout.vantages) / self.layout.interval;
            found.extend(rules.iter().zip(&pages).map(|((rule, _), pages)| FalsePages {
                rule: *rule,
                pages: pages.at.len() as u64,
                years,
                extra: walk.extra as f64 / scheduled,
            }));
        }
        found
    }

    /// How long so many outages with this failing share wait for a page, at most `limit` seconds each. They begin at any
    /// moment, after six healthy hours.
    #[must_use]
    pub fn delays(&self, names: &[RuleName], background: f64, share: f64, limit: f64, outages: usize) -> Vec<Delays> {
        let (mut found, chart) = (Vec::new(), self.chart());
        for (with_extra, chosen) in split(names) {
            let mut seconds: Vec<(RuleName, Vec<f64>)> =
                self.rules(&chosen, chart).into_iter().map(|(name, _)| (name, Vec::new())).collect();
            for outage in 0..outages {
                let mut rules = self.rules(&chosen, chart);
                let random = SplitMix::of(&[self.seed, share.to_bits(), outage as u64]);
                let mut walk = Walk::new(self, with_extra, random);
                let begin = RUN_UP + walk.random.unit() * self.layout.interval;
                walk.run(&mut rules, (background, begin), |_, _, _| true);
                let mut waiting = vec![true; rules.len()];
                walk.run(&mut rules, (share, begin + limit), |index, at, _| {
                    if std::mem::take(&mut waiting[index]) {
                        seconds[index].1.push(at - begin);
                    }
                    waiting.contains(&true)
                });
            }
            found.extend(seconds.into_iter().map(|(rule, mut seconds)| {
                seconds.sort_by(f64::total_cmp);
                Delays { rule, seconds, outages }
            }));
        }
        found
    }
}

/// Rules that share one course of probes: those with extra probes, and those without.
fn split(names: &[RuleName]) -> impl Iterator<Item = (bool, Vec<RuleName>)> {
    let (with, without): (Vec<_>, Vec<_>) = names.iter().partition(|&&name| name == RuleName::Adaptive);
    [(false, without), (true, with)].into_iter().filter(|(_, names)| !names.is_empty())
}

/// Extra probes after a failure.
#[derive(Debug, Clone, Copy)]
struct Burst {
    next: f64,
    vantage: usize,
    successes: u32,
}

/// The course of probes, from failure to failure.
struct Walk {
    vantages: usize,
    /// Seconds between two probes of any vantage: probe i is one of vantage i mod V.
    apart: f64,
    random: SplitMix,
    /// Scheduled probes that happened.
    passed: u64,
    /// Of each vantage, scheduled probes that the rules know.
    told: Vec<u64>,
    /// Bursts by the vantage that failed; one for all when they go round.
    bursts: Vec<Option<Burst>>,
    kind: Option<Extra>,
    recent: Vec<VecDeque<f64>>,
    extra: u64,
}

impl Walk {
    fn new(trial: &Trial, with_extra: bool, random: SplitMix) -> Self {
        let vantages = trial.layout.vantages as usize;
        let kind = with_extra.then_some(trial.extra);
        let sources = if kind == Some(Extra::InTurn) { 1 } else { vantages };
        Self {
            vantages,
            apart: trial.layout.interval / f64::from(trial.layout.vantages),
            random,
            passed: 0,
            told: vec![0; vantages],
            bursts: vec![None; sources],
            kind,
            recent: vec![VecDeque::new(); sources],
            extra: 0,
        }
    }

    /// Probes until `end` seconds, each failing with probability `share`. `alarm` is told rule, time and end of each
    /// alarm, and says whether to go on.
    fn run(
        &mut self,
        rules: &mut [(RuleName, Box<dyn Rule>)],
        (share, end): (f64, f64),
        mut alarm: impl FnMut(usize, f64, f64) -> bool,
    ) {
        let apart = self.apart;
        let probes = move |window: f64| (window / apart).round() as u64;
        let mut index = self.passed + self.gap(share);
        loop {
            let scheduled = index as f64 * self.apart;
            let burst = self.bursts.iter().flatten().map(|burst| burst.next).fold(f64::INFINITY, f64::min);
            let at = scheduled.min(burst);
            if at >= end {
                self.passed = (end / self.apart).ceil() as u64;
                return;
            }
            let vantage = if burst < scheduled {
                match self.extra_probe(rules, burst, share) {
                    Some(vantage) => vantage,
                    None => continue,
                }
            } else {
                let vantage = (index % self.vantages as u64) as usize;
                self.tell(rules, index);
                self.told[vantage] += 1;
                self.passed = index + 1;
                index += 1 + self.gap(share);
                vantage
            };
            if burst < scheduled {
                // What was scheduled meanwhile was good.
                self.tell(rules, (at / self.apart).ceil() as u64);
            }
            let mut go_on = true;
            for (place, (_, rule)) in rules.iter_mut().enumerate() {
                if let Some(until) = rule.fail(at, vantage, &probes) {
                    go_on &= alarm(place, at, until);
                }
            }
            if !go_on {
                return;
            }
            self.begin_burst(vantage, at);
        }
    }

    /// Good probes before the next failure.
    fn gap(&mut self, share: f64) -> u64 {
        if share >= 1.0 {
            return 0;
        }
        // 1 - unit is never 0.
        ((1.0 - self.random.unit()).ln() / (-share).ln_1p()).floor() as u64
    }

    /// Tells the rules of every scheduled probe before this one, all good.
    fn tell(&mut self, rules: &mut [(RuleName, Box<dyn Rule>)], before: u64) {
        for vantage in 0..self.vantages {
            // Probes i < before with i mod V = vantage.
            let due = (before + self.vantages as u64 - 1 - vantage as u64) / self.vantages as u64;
            let good = due.saturating_sub(self.told[vantage]);
            if good > 0 {
                let count = u32::try_from(good).unwrap_or(u32::MAX);
                rules.iter_mut().for_each(|(_, rule)| rule.pass(vantage, count));
                self.told[vantage] = due;
            }
        }
    }

    fn begin_burst(&mut self, vantage: usize, at: f64) {
        let (source, from) = match self.kind {
            None => return,
            Some(Extra::SamePlace) => (vantage, vantage),
            Some(Extra::InTurn) => (0, (vantage + 1) % self.vantages),
        };
        match &mut self.bursts[source] {
            Some(burst) => burst.successes = 0,
            none => *none = Some(Burst { next: at + EXTRA_EVERY, vantage: from, successes: 0 }),
        }
    }

    /// Makes the extra probe that is due; its vantage when it failed.
    fn extra_probe(&mut self, rules: &mut [(RuleName, Box<dyn Rule>)], at: f64, share: f64) -> Option<usize> {
        let source = self.bursts.iter().position(|burst| burst.is_some_and(|burst| burst.next <= at))?;
        let recent = &mut self.recent[source];
        while recent.front().is_some_and(|&first| first <= at - 3_600.0) {
            recent.pop_front();
        }
        let burst = self.bursts[source].as_mut()?;
        if recent.len() >= EXTRA_PER_HOUR {
            self.bursts[source] = None;
            return None;
        }
        recent.push_back(at);
        self.extra += 1;
        let vantage = burst.vantage;
        burst.next = at + EXTRA_EVERY;
        if self.kind == Some(Extra::InTurn) {
            burst.vantage = (vantage + 1) % self.vantages;
        }
        if self.random.chance(share) {
            burst.successes = 0;
            return Some(vantage);
        }
        burst.successes += 1;
        if burst.successes >= EXTRA_UNTIL {
            self.bursts[source] = None;
        }
        rules.iter_mut().for_each(|(_, rule)| rule.pass(vantage, 1));
        None
    }
}
