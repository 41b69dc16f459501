//! Durations into distributions, points over time and a heat map.

use crate::history::{Outcome, Parts, StepParts};
use crate::model::{Micros, Phase, StepName, Verdict};
use crate::report::model::{Bins, Distribution, HeatMap, LatencyPoint, Percentile, PhaseLatency, StepLatency};
use crate::slo::{Durations, rank_interval, target_rank};

const PERCENTILES: [(&str, f64); 5] = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99), ("p99.9", 0.999)];

/// Size classes of a heat map per factor of ten.
const CLASSES_PER_DECADE: i32 = 8;

/// Percentiles with their rank intervals, widened by the bucket (F7, F15).
pub(super) fn distribution(times: &Durations, confidence: f64) -> Distribution {
    let n = times.finished.count();
    let percentile = |&(label, quantile): &(&str, f64)| {
        let (low, value) = times.finished.at_rank(target_rank(n, quantile))?;
        let ranks = rank_interval(n, quantile, confidence);
        Some(Percentile {
            label: label.to_owned(),
            quantile,
            value,
            low: ranks.low.and_then(|rank| Some(times.finished.at_rank(rank)?.0)),
            high: ranks.high.and_then(|rank| Some(times.finished.at_rank(rank)?.1)),
            bucket: Micros(value.0 - low.0 + 1),
        })
    };
    Distribution {
        n,
        unfinished: times.unfinished,
        at_least: times.at_least,
        failed: times.failed,
        shortest: times.shortest,
        longest: times.longest,
        percentiles: PERCENTILES.iter().filter_map(percentile).collect(),
    }
}

/// Step and phase times of one flow, from all its vantages.
pub(super) fn tables<'a>(
    parts: impl Iterator<Item = &'a Parts>,
    confidence: f64,
) -> (Vec<StepLatency>, Vec<PhaseLatency>) {
    let mut all = Parts::default();
    for parts in parts {
        // Cells are told by vantage, elsewhere.
        all.merge(parts, |_| None);
    }
    let mut steps: Vec<_> = all.steps.iter().collect();
    steps.sort_by_key(|(name, step)| (step.position, *name));
    let step = |(name, step): (&StepName, &StepParts)| StepLatency {
        step: name.clone(),
        role: step.role,
        times: distribution(&step.times, confidence),
    };
    let phase = |(&phase, times): (&Phase, &Durations)| PhaseLatency { phase, times: distribution(times, confidence) };
    (steps.into_iter().map(step).collect(), all.phases.iter().map(phase).collect())
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
