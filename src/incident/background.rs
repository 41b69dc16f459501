//! What fails while nothing is wrong: measured over clean hours, per flow, and the charts that follow from it.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::history::History;
use crate::model::{DetectionRules, FlowName, VantageName};
use crate::slo::{Interval, chart_threshold, failure_step, rest_threshold, wilson};

use super::block::Block;
use super::chart::Chart;
use super::events::{Event, Lane};
use super::model::Symptom;

const HOUR: i64 = 3_600_000_000;
const YEAR: f64 = 365.0 * 86_400.0;
/// Probes without which a background is not measured but assumed: without a failure among them, Wilson's upper end is
/// 0.2 %.
const ENOUGH: u64 = 2_000;
/// Probes that suffice to say that more fails than the rules assume.
const SOME: u64 = 200;
/// An hour whose failures come with a smaller chance than this is not clean.
const UNUSUAL: f64 = 1e-3;
/// How many times the background the failing share must be that a chart looks for.
const APART: f64 = 4.0;
/// Above this background a chart can tell nothing.
const HOPELESS: f64 = 0.2;
/// Rounds after which a silent vantage is left out.
const SILENT_ROUNDS: f64 = 14.0;

/// Where the background of a chart came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// The upper end of Wilson's interval over clean hours.
    Measured,
    /// The floor of the rules: fewer failed than are believed.
    Floor,
    /// The rules' own number: too few probes are known.
    Assumed,
}

/// A place where more fails than the chart was told, so that it alarms more often than promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exceeded {
    /// The vantage; `None`: all together.
    pub vantage: Option<VantageName>,
    /// Probes in clean hours.
    pub n: u64,
    /// Failing ones.
    pub failing: u64,
    /// Wilson's interval of the failing share.
    pub interval: Interval,
}

/// The background of one flow in one week, and the charts that were drawn with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Background {
    /// The flow.
    pub flow: FlowName,
    /// The first instant of the week whose charts these are. The background is that of the week and its run-up.
    pub week: Timestamp,
    /// Failing or slow.
    pub symptom: Symptom,
    /// Vantages that gave a verdict.
    pub vantages: u32,
    /// Probes per year of all vantages together.
    pub probes_per_year: f64,
    /// Probes in clean hours, those of incidents seen from several places left out.
    pub n: u64,
    /// Failing ones of these.
    pub failing: u64,
    /// Wilson's interval of the background; `None` without probes.
    pub interval: Option<Interval>,
    /// The background of the chart (p0).
    pub p0: f64,
    /// The failing share that the chart looks for (p1).
    pub p1: f64,
    /// Where p0 came from.
    pub basis: Basis,
    /// What one failure adds to a chart (m).
    pub step: u32,
    /// The alarm (H): on the sum without the largest, or on the only chart. `None`: too much fails for any.
    pub threshold: Option<u32>,
    /// The alarm of a single vantage's chart, for what is seen from one place; `None` with a single vantage.
    pub notice_threshold: Option<u32>,
    /// Where the background is above p0 for certain: there the false-alarm rate is not held.
    pub exceeded: Vec<Exceeded>,
}

/// Thresholds that were computed: many flows share them.
pub(super) type Thresholds = BTreeMap<(u32, u64, u32, u64), Option<u32>>;

/// Counts of clean hours by vantage.
type Clean = Vec<(u64, u64)>;

/// All vantages together.
fn together(clean: &Clean) -> (u64, u64) {
    clean.iter().fold((0, 0), |(n, failing), one| (n + one.0, failing + one.1))
}

impl Background {
    pub(super) fn of(
        history: &History,
        lane: &Lane,
        block: Block,
        (rules, confidence): (&DetectionRules, f64),
    ) -> Self {
        let clean = clean_hours(lane, lane.events.iter(), rules.background);
        let (n, failing) = together(&clean);
        let (p0, basis) = chosen(n, wilson(n, failing, confidence), rules);
        let p1 = rules.failing_share.max(APART * p0).min(0.9);
        let drawn = Self {
            flow: lane.flow.clone(),
            week: block.start,
            symptom: lane.symptom,
            vantages: lane.vantages.len() as u32,
            probes_per_year: lane.vantages.len() as f64 * YEAR / interval_seconds(history, lane, block),
            n,
            failing,
            interval: None,
            p0,
            p1,
            basis,
            step: failure_step(p0, p1),
            threshold: None,
            notice_threshold: None,
            exceeded: Vec::new(),
        };
        drawn.with_clean(lane, &clean, confidence)
    }

    /// What it tells of clean hours, and where more fails in them than the charts were told.
    fn with_clean(self, lane: &Lane, clean: &Clean, confidence: f64) -> Self {
        let (n, failing) = together(clean);
        let exceeds = |n: u64, failing: u64| wilson(n, failing, confidence).filter(|interval| interval.low > self.p0);
        let each = clean.iter().zip(&lane.vantages).map(|(&(n, failing), vantage)| (Some(vantage), n, failing));
        let exceeded = std::iter::once((None, n, failing)).chain(each).filter_map(|(vantage, n, failing)| {
            Some(Exceeded { vantage: vantage.cloned(), n, failing, interval: exceeds(n, failing)? })
        });
        let exceeded = exceeded.collect();
        Self { n, failing, interval: wilson(n, failing, confidence), exceeded, ..self }
    }

    /// The same charts, and clean hours without the probes of what they found from several places (indices of the lane,
    /// both included): a spell that fits into a few hours looks like their background, and is none. The charts stay as
    /// they were drawn.
    pub(super) fn without(
        self,
        lane: &Lane,
        stretches: &[(usize, usize)],
        (rules, confidence): (&DetectionRules, f64),
    ) -> Self {
        if stretches.is_empty() {
            return self;
        }
        let inside = |index: usize| stretches.iter().any(|(first, last)| (*first..=*last).contains(&index));
        let outside = lane.events.iter().enumerate().filter(|(index, _)| !inside(*index)).map(|(_, event)| event);
        let clean = clean_hours(lane, outside, rules.background);
        self.with_clean(lane, &clean, confidence)
    }

    /// Computes the thresholds for the wanted rates.
    pub(super) fn with_thresholds(mut self, rules: &DetectionRules, known: &mut Thresholds) -> Self {
        if self.p0 > HOPELESS || self.vantages == 0 {
            return self;
        }
        let wanted = self.probes_per_year / rules.false_alarms_per_year;
        let each_wanted = self.probes_per_year / rules.notices_per_year;
        self.threshold = threshold(self.step, self.p0, self.vantages, wanted, known);
        if self.vantages > 1 {
            self.notice_threshold = threshold(self.step, self.p0, 1, each_wanted, known);
        }
        self
    }

    /// The chart on all vantages, or on one alone.
    pub(super) fn chart(&self, threshold: u32) -> Chart {
        let round = YEAR * f64::from(self.vantages) / self.probes_per_year;
        Chart { step: self.step, threshold, silence: (SILENT_ROUNDS * round * 1e6) as i64 }
    }
}

/// Rates are rounded to two digits, so that neighbours share a threshold.
fn threshold(step: u32, p0: f64, vantages: u32, wanted: f64, known: &mut Thresholds) -> Option<u32> {
    let unit = 10_f64.powf(wanted.log10().floor() - 1.0);
    let wanted = (wanted / unit).ceil() * unit;
    *known.entry((step, p0.to_bits(), vantages, wanted.to_bits())).or_insert_with(|| match vantages {
        1 => chart_threshold(step, p0, wanted),
        _ => rest_threshold(step, p0, vantages, wanted),
    })
}

/// The background of the chart: never below the floor, and never below what was seen for certain. Rounded up to a step
/// of a coarse scale, so that it seldom depends on a few probes more or less.
fn chosen(n: u64, interval: Option<Interval>, rules: &DetectionRules) -> (f64, Basis) {
    let (p0, basis) = match interval {
        Some(measured) if n >= ENOUGH && measured.high <= rules.background_floor => {
            (rules.background_floor, Basis::Floor)
        }
        Some(measured) if n >= ENOUGH => (measured.high, Basis::Measured),
        Some(measured) if n >= SOME && measured.low > rules.background => (measured.high, Basis::Measured),
        _ => (rules.background.max(rules.background_floor), Basis::Assumed),
    };
    (if basis == Basis::Measured { rounded_up(p0) } else { p0 }, basis)
}

/// The next of 1, 1.5, 2, 3, 5 and 7 times a power of ten.
fn rounded_up(share: f64) -> f64 {
    let power = 10_f64.powf(share.log10().floor());
    let scale = [1.0, 1.5, 2.0, 3.0, 5.0, 7.0, 10.0].map(|digit| digit * power);
    scale.into_iter().find(|&step| step >= share * (1.0 - 1e-9)).unwrap_or(share)
}

/// Seconds between two probes of one vantage: as declared, else as recorded.
fn interval_seconds(history: &History, lane: &Lane, block: Block) -> f64 {
    let declared = history.interval_between(&lane.flow, block.read_from(), block.end);
    let declared = declared.as_ref().map(Duration::as_secs_f64).filter(|seconds| *seconds > 0.0);
    let recorded = || {
        let (first, last) = (lane.events.first()?.ended, lane.events.last()?.ended);
        let rounds = lane.events.len() as f64 / lane.vantages.len() as f64 - 1.0;
        (last > first && rounds >= 1.0).then(|| (last - first) as f64 / 1e6 / rounds)
    };
    declared.or_else(recorded).unwrap_or(60.0)
}

/// Runs and failures by vantage among these events of a lane, over the hours in which no more failed than the background explains. The background is
/// at first that of the median hour, then that of the hours that were clean by it, until nothing changes.
fn clean_hours<'a>(lane: &Lane, events: impl Iterator<Item = &'a Event>, assumed: f64) -> Clean {
    let mut hours: BTreeMap<i64, Clean> = BTreeMap::new();
    for event in events.filter(|event| event.scheduled) {
        let hour = hours.entry(event.slot.div_euclid(HOUR)).or_insert_with(|| vec![(0, 0); lane.vantages.len()]);
        let (n, failing) = &mut hour[usize::from(event.vantage)];
        *n += 1;
        *failing += u64::from(event.failing);
    }
    let mut shares: Vec<f64> = hours.values().map(together).map(|(n, failing)| failing as f64 / n as f64).collect();
    shares.sort_by(f64::total_cmp);
    let median = shares.get(shares.len() / 2).copied().unwrap_or(0.0);
    // When most hours fail like this, that is no background but the incident itself. With slow logins it may be a
    // threshold that nobody can keep, which no chart should complain about for ever.
    let believed = median <= HOPELESS || lane.symptom == Symptom::Slow;
    let mut share = if believed { median.max(assumed) } else { assumed };
    let mut clean = vec![(0, 0); lane.vantages.len()];
    for _ in 0..5 {
        clean.fill((0, 0));
        for hour in hours.values() {
            let (n, failing) = together(hour);
            if chance_of_at_least(failing, n as f64 * share) < UNUSUAL {
                continue;
            }
            for (sum, one) in clean.iter_mut().zip(hour) {
                *sum = (sum.0 + one.0, sum.1 + one.1);
            }
        }
        let (n, failing) = together(&clean);
        let next = (failing as f64 / n.max(1) as f64).max(assumed);
        if (next - share).abs() < f64::EPSILON {
            break;
        }
        share = next;
    }
    clean
}

/// P(X >= x) of a Poisson variable; none for x more than four deviations above a large mean.
fn chance_of_at_least(x: u64, mean: f64) -> f64 {
    if mean > 500.0 {
        return if x as f64 > mean + 4.0 * mean.sqrt() { 0.0 } else { 1.0 };
    }
    let (mut term, mut below) = ((-mean).exp(), 0.0);
    for k in 0..x {
        below += term;
        term *= mean / (k + 1) as f64;
    }
    1.0 - below
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_background_is_rounded_up_to_a_coarse_scale() {
        let shown = [0.0011, 0.0015, 0.0021, 0.004, 0.0071, 0.05, 0.2].map(rounded_up);
        let expected = [0.0015, 0.0015, 0.003, 0.005, 0.01, 0.05, 0.2];
        for (ours, theirs) in shown.iter().zip(expected) {
            assert!((ours - theirs).abs() < 1e-12, "{ours} {theirs}");
        }
    }

    #[test]
    fn the_basis_is_said() {
        let rules = DetectionRules::default();
        let of = |n: u64, failing: u64| chosen(n, wilson(n, failing, 0.95), &rules);
        assert_eq!(of(100, 0), (0.005, Basis::Assumed));
        assert_eq!(of(100_000, 0), (0.001, Basis::Floor));
        assert_eq!(of(100_000, 200), (0.003, Basis::Measured));
        // A few hundred probes are too few to say that little fails, but enough to say that much does.
        assert_eq!(of(500, 50).1, Basis::Measured);
        assert_eq!(chosen(0, None, &rules), (0.005, Basis::Assumed));
    }

    #[test]
    fn the_poisson_tail_is_right() {
        assert!((chance_of_at_least(1, 0.3) - (1.0 - (-0.3_f64).exp())).abs() < 1e-12);
        assert!((chance_of_at_least(0, 5.0) - 1.0).abs() < 1e-12);
        // 1 - e^-2 (1 + 2 + 2)
        assert!((chance_of_at_least(3, 2.0) - 0.323_324).abs() < 1e-6);
    }
}
