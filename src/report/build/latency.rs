//! Durations into distributions, points over time and a heat map.

use std::collections::BTreeMap;

use crate::model::{Micros, Phase, Run, StepName, StepRole, Verdict};
use crate::report::model::{Bins, Distribution, HeatMap, LatencyPoint, Percentile, PhaseLatency, StepLatency};
use crate::slo::{LatencyHistogram, rank_interval, target_rank};

use crate::history::Outcome;

const PERCENTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

/// Size classes of a heat map per factor of ten.
const CLASSES_PER_DECADE: i32 = 8;

/// Durations of one kind: finished ones in a histogram, the others counted apart.
#[derive(Debug, Default)]
pub(super) struct LoginTimes {
    finished: LatencyHistogram,
    shortest: Option<Micros>,
    longest: Option<Micros>,
    unfinished: u64,
    at_least: Option<Micros>,
    failed: u64,
}

fn least(a: Option<Micros>, b: Option<Micros>) -> Option<Micros> {
    a.into_iter().chain(b).min()
}

impl LoginTimes {
    /// The login times of one series.
    pub(super) fn of(outcomes: &[Outcome]) -> Self {
        let mut times = Self::default();
        for outcome in outcomes {
            match (outcome.verdict, outcome.login) {
                (Verdict::Lost(_), _) => {}
                (Verdict::Good, Some(login)) => times.finish(login),
                (Verdict::Bad(_), login) if outcome.timed_out() => times.cut(login.unwrap_or_default()),
                (Verdict::Good | Verdict::Bad(_), _) => times.failed += 1,
            }
        }
        times
    }

    fn finish(&mut self, time: Micros) {
        self.finished.record(time);
        self.shortest = least(self.shortest, Some(time));
        self.longest = self.longest.max(Some(time));
    }

    fn cut(&mut self, at_least: Micros) {
        self.unfinished += 1;
        self.at_least = least(self.at_least, Some(at_least));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.finished.merge(&other.finished);
        self.shortest = least(self.shortest, other.shortest);
        self.longest = self.longest.max(other.longest);
        self.unfinished += other.unfinished;
        self.at_least = least(self.at_least, other.at_least);
        self.failed += other.failed;
    }

    /// Percentiles with their rank intervals, widened by the bucket (F7, F15).
    pub(super) fn distribution(&self, confidence: f64) -> Distribution {
        let n = self.finished.count();
        let percentile = |&(label, quantile): &(&str, f64)| {
            let (low, value) = self.finished.at_rank(target_rank(n, quantile))?;
            let ranks = rank_interval(n, quantile, confidence);
            Some(Percentile {
                label: label.to_owned(),
                quantile,
                value,
                low: ranks.low.and_then(|rank| Some(self.finished.at_rank(rank)?.0)),
                high: ranks.high.and_then(|rank| Some(self.finished.at_rank(rank)?.1)),
                bucket: Micros(value.0 - low.0 + 1),
            })
        };
        Distribution {
            n,
            unfinished: self.unfinished,
            at_least: self.at_least,
            failed: self.failed,
            shortest: self.shortest,
            longest: self.longest,
            percentiles: PERCENTILES.iter().filter_map(percentile).collect(),
        }
    }
}

/// One step while its times are collected.
#[derive(Debug)]
struct StepTimes {
    position: usize,
    role: StepRole,
    times: LoginTimes,
}

/// Step and phase times of one flow.
#[derive(Debug, Default)]
pub(super) struct PartTimes {
    steps: BTreeMap<StepName, StepTimes>,
    phases: BTreeMap<Phase, LoginTimes>,
}

impl PartTimes {
    pub(super) fn add(&mut self, run: &Run) {
        for (position, step) in run.steps.iter().enumerate() {
            let fresh = || StepTimes { position, role: step.role, times: LoginTimes::default() };
            let known = self.steps.entry(step.name.clone()).or_insert_with(fresh);
            known.position = known.position.min(position);
            known.role = known.role.min(step.role);
            if step.done {
                known.times.finish(step.micros);
            } else if cut_off(run, position) {
                known.times.cut(step.micros);
            } else {
                known.times.failed += 1;
            }
        }
        for (phase, time) in run.hops.iter().flat_map(|hop| hop.phases.iter()) {
            let times = self.phases.entry(phase).or_default();
            if time.cut { times.cut(time.micros) } else { times.finish(time.micros) }
        }
    }

    pub(super) fn tables(&self, confidence: f64) -> (Vec<StepLatency>, Vec<PhaseLatency>) {
        let mut steps: Vec<_> = self.steps.iter().collect();
        steps.sort_by_key(|(name, step)| (step.position, *name));
        let step = |(name, step): (&StepName, &StepTimes)| StepLatency {
            step: name.clone(),
            role: step.role,
            times: step.times.distribution(confidence),
        };
        let phase =
            |(&phase, times): (&Phase, &LoginTimes)| PhaseLatency { phase, times: times.distribution(confidence) };
        (steps.into_iter().map(step).collect(), self.phases.iter().map(phase).collect())
    }
}

/// Whether a limit cut off a hop of this step.
fn cut_off(run: &Run, step: usize) -> bool {
    let hops = run.hops.iter().filter(|hop| usize::from(hop.step) == step);
    hops.flat_map(|hop| hop.phases.iter()).any(|(_, time)| time.cut)
}

/// Exact percentiles of the finished logins of each bin.
pub(super) fn over_time(logins: &[&Outcome], bins: &Bins) -> Vec<LatencyPoint> {
    let mut finished: Vec<Vec<Micros>> = vec![Vec::new(); bins.count as usize];
    let mut points = vec![LatencyPoint::default(); bins.count as usize];
    for outcome in logins {
        let Some(bin) = bins.index_of(outcome.slot) else { continue };
        match (outcome.verdict, outcome.login) {
            (Verdict::Good, Some(login)) => finished[bin].push(login),
            _ => points[bin].unfinished += u32::from(outcome.timed_out()),
        }
    }
    for (point, times) in points.iter_mut().zip(&mut finished) {
        times.sort_unstable();
        let nearest = |quantile| {
            let rank = usize::try_from(target_rank(times.len() as u64, quantile)).ok()?;
            times.get(rank - 1).copied()
        };
        (point.p50, point.p95, point.p99) = (nearest(0.5), nearest(0.95), nearest(0.99));
        point.n = u32::try_from(times.len()).unwrap_or(u32::MAX);
    }
    points
}

/// Finished logins by bin and size.
pub(super) fn heat_map(logins: &[&Outcome], bins: &Bins) -> HeatMap {
    let finished =
        || logins.iter().filter(|outcome| outcome.verdict == Verdict::Good).filter_map(|o| Some((o.slot, o.login?)));
    let edges = edges(finished().map(|(_, login)| login));
    let classes = edges.len().saturating_sub(1);
    let mut map = HeatMap {
        edges,
        counts: vec![vec![0; classes]; bins.count as usize],
        unfinished: vec![0; bins.count as usize],
    };
    for (slot, login) in finished() {
        let class = map.edges.partition_point(|edge| *edge <= login).saturating_sub(1).min(classes - 1);
        if let Some(bin) = bins.index_of(slot) {
            map.counts[bin][class] += 1;
        }
    }
    for outcome in logins.iter().filter(|outcome| outcome.timed_out()) {
        if let Some(bin) = bins.index_of(outcome.slot) {
            map.unfinished[bin] += 1;
        }
    }
    map
}

/// Edges that hold all values, evenly spaced on a log axis, at fixed places, so that two reports have edges in common.
fn edges(values: impl Iterator<Item = Micros> + Clone) -> Vec<Micros> {
    // Below ten microseconds edges would fall together.
    let class_of = |value: Micros| (f64::from(CLASSES_PER_DECADE) * (value.0.max(10) as f64).log10()).floor() as i32;
    let (Some(shortest), Some(longest)) = (values.clone().min(), values.max()) else { return Vec::new() };
    let (first, last) = (class_of(shortest), class_of(longest) + 1);
    let edge = |class: i32| Micros(10_f64.powf(f64::from(class) / f64::from(CLASSES_PER_DECADE)).round() as u64);
    let mut edges: Vec<Micros> = (first..=last.max(first + 4)).map(edge).collect();
    edges[0] = edges[0].min(shortest);
    edges
}
