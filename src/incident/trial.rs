//! Every rule on trial: a model of probing in which chance is known (slo.md section 3), simulated from failure to
//! failure, so that a century takes a moment. It says how often a rule would page for nothing, and how long a real outage
//! would wait for its page.
//!
//! The model: so many vantages, each probing once per interval, staggered; while all is well each probe fails by itself
//! with the background's probability, and where a vantage is cut off now and then, always; in an outage, with the
//! outage's share. A result is known at once: add the flow's timeout to every delay.

use serde::{Deserialize, Serialize};

use crate::model::SplitMix;
use crate::slo::{chart_threshold, failure_step, rest_threshold};

use super::chart::Chart;
use super::rivals::{Pages, Rule, RuleName, rule};
use super::walk::Walk;

pub(super) const YEAR: f64 = 365.0 * 86_400.0;
/// Seconds of healthy probing before an outage: the longest window of any rule.
const RUN_UP: f64 = 21_600.0;
/// How a flow is probed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Seconds between two probes of one vantage.
    pub interval: f64,
    /// How many vantages.
    pub vantages: u32,
    /// How their probes lie in time.
    pub spacing: Spacing,
}

/// How probes lie in time. Each interval is cut into as many equal shares as there are vantages, with one probe in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// At the beginning of each share, vantages in turn: the model of slo.md section 3.
    Even,
    /// Anywhere within its share, vantages in a drawn order, as our slots are ([`crate::model::Schedule`]): two
    /// neighbours may be two shares apart.
    ByChance,
}

/// Vantages that are cut off: all their probes fail, and nothing is wrong with the service (slo.md section 3, table B).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CutOff {
    /// How often a year, each vantage by itself.
    pub per_year: f64,
    /// For how many seconds, on average of an exponential distribution.
    pub seconds: f64,
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
    /// How vantages are cut off; `None`: never.
    pub cut_off: Option<CutOff>,
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
    /// How many outages there were, those left out that began while the rule was in alarm already: a pager that rings for
    /// nothing has seen nothing.
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
        let layout = Layout { interval, vantages, spacing: Spacing::Even };
        Self { layout, target: 0.999, p0: 0.005, p1: 0.05, per_year: 1.0, extra: Extra::InTurn, cut_off: None, seed }
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
    /// moment, after six healthy hours. An outage that begins while a rule is in alarm for nothing says nothing of it.
    #[must_use]
    pub fn delays(&self, names: &[RuleName], background: f64, share: f64, limit: f64, outages: usize) -> Vec<Delays> {
        let (mut found, chart) = (Vec::new(), self.chart());
        for (with_extra, chosen) in split(names) {
            let fresh = |(rule, _): (RuleName, Box<dyn Rule>)| Delays { rule, seconds: Vec::new(), outages: 0 };
            let mut all: Vec<Delays> = self.rules(&chosen, chart).into_iter().map(fresh).collect();
            for outage in 0..outages {
                let mut rules = self.rules(&chosen, chart);
                let random = SplitMix::of(&[self.seed, share.to_bits(), outage as u64]);
                let mut walk = Walk::new(self, with_extra, random);
                let begin = RUN_UP + walk.random.unit() * self.layout.interval;
                let mut rings_until = vec![0.0_f64; rules.len()];
                walk.run(&mut rules, (background, begin), |index, _, until| {
                    rings_until[index] = rings_until[index].max(until);
                    true
                });
                let mut waiting: Vec<bool> = rings_until.iter().map(|&until| until <= begin).collect();
                all.iter_mut().zip(&waiting).for_each(|(delays, waits)| delays.outages += usize::from(*waits));
                walk.run(&mut rules, (share, begin + limit), |index, at, _| {
                    if std::mem::take(&mut waiting[index]) {
                        all[index].seconds.push(at - begin);
                    }
                    waiting.contains(&true)
                });
            }
            all.iter_mut().for_each(|delays| delays.seconds.sort_by(f64::total_cmp));
            found.extend(all);
        }
        found
    }
}

/// Rules that share one course of probes: those with extra probes, and those without.
fn split(names: &[RuleName]) -> impl Iterator<Item = (bool, Vec<RuleName>)> {
    let (with, without): (Vec<_>, Vec<_>) = names.iter().partition(|&&name| name == RuleName::Adaptive);
    [(false, without), (true, with)].into_iter().filter(|(_, names)| !names.is_empty())
}
