//! Vantages weighted by the users that they stand for, hour by hour (F10).

use jiff::Timestamp;

use crate::history::{self, Kind, Outcome, Series, Span, within};
use crate::impact::Curve;
use crate::model::{LostRuns, Objective, RunKind, Segment, VantageName};
use crate::report::model::{SegmentImpact, UserImpact};
use crate::slo::{Slice, Tally, user_weighted_over_time, wilson};

use super::Data;
use super::objective::Counted;

const HOUR: i64 = 3_600_000_000;

/// How many users could log in. `None` when nobody described the users.
pub(super) fn of(data: &Data<'_>, objective: &Objective, counted: &[Counted<'_>], span: Span) -> Option<UserImpact> {
    let inputs = data.inputs();
    let takes = |segment: &&Segment| segment.flows.is_empty() || segment.flows.contains(&objective.flow);
    let segments: Vec<&Segment> = inputs.population.segments().iter().filter(takes).collect();
    if segments.is_empty() {
        return None;
    }
    let confidence = inputs.policy.confidence;
    let slices = Slices::new(data, objective, span);
    let series: Vec<(&VantageName, Vec<Tally>)> =
        counted.iter().map(|series| (series.vantage, slices.tallies(data, objective, series))).collect();
    let curves = curves(data, &segments);
    let parts: Vec<Vec<Slice>> = segments
        .iter()
        .enumerate()
        .map(|(place, segment)| {
            let slice = |at: usize| {
                let here = series.iter().filter(|(vantage, _)| segment.vantages.contains(vantage));
                let tally: Tally = here.map(|(_, tallies)| tallies[at]).sum();
                let demand = match &curves {
                    Some(curves) => slices.people(at, &curves[place]),
                    None => segment.share * slices.seconds(at),
                };
                Slice { demand, n: tally.total(), bad: tally.bad }
            };
            (0..slices.count()).map(slice).collect()
        })
        .collect();
    let all: Vec<&[Slice]> = parts.iter().map(Vec::as_slice).collect();
    let weighted = user_weighted_over_time(&all, confidence);
    let impact_of = |(segment, slices): (&&Segment, &Vec<Slice>)| {
        let (n, bad) = slices.iter().fold((0, 0), |(n, bad), slice| (n + slice.n, bad + slice.bad));
        SegmentImpact {
            name: segment.name.clone(),
            share: segment.share,
            vantages: segment.vantages.clone(),
            n,
            bad,
            failing: (n > 0).then(|| bad as f64 / n as f64),
            interval: wilson(n, bad, confidence),
        }
    };
    Some(UserImpact {
        availability: weighted.availability,
        interval: weighted.interval,
        impact: weighted.availability.map(|share| 1.0 - share),
        if_uncovered: weighted.if_uncovered,
        bounds: weighted.bounds,
        uncovered: weighted.uncovered,
        segments: segments.iter().zip(&parts).map(impact_of).collect(),
    })
}

/// The demand of each segment with its share of the curve; `None` when that of any is not known.
fn curves(data: &Data<'_>, segments: &[&Segment]) -> Option<Vec<(Curve, f64)>> {
    let common = data.inputs().population.habits().demand.as_ref();
    let curve = |segment: &&Segment| match &segment.demand {
        Some(own) => Some((Curve::new(own, &[]).ok()?, 1.0)),
        None => Some((Curve::new(common?, &[]).ok()?, segment.share)),
    };
    segments.iter().map(curve).collect()
}

/// A span in slices of an hour, or of as many as hold two intervals of the flow, so that a probe is due in each.
struct Slices {
    /// The first instant of each, and the end.
    edges: Vec<i64>,
    span: Span,
}

impl Slices {
    fn new(data: &Data<'_>, objective: &Objective, span: Span) -> Self {
        let interval = data.builder.interval(&objective.flow).unwrap_or_default();
        let two = i64::try_from(interval.as_micros().saturating_mul(2)).unwrap_or(i64::MAX);
        let width = (two.saturating_add(HOUR - 1) / HOUR).max(1).saturating_mul(HOUR);
        let (start, end) = (span.start.as_microsecond(), span.until.as_microsecond());
        let mut edges = vec![start];
        let mut at = (start.div_euclid(width) + 1).saturating_mul(width);
        while at < end {
            edges.push(at);
            at = at.saturating_add(width);
        }
        // What is left at either end may be too short for a probe to be due.
        if edges.len() > 2 && edges[1] - edges[0] < two {
            edges.remove(1);
        }
        if edges.len() > 1 && end - edges[edges.len() - 1] < two {
            edges.pop();
        }
        edges.push(end);
        Self { edges, span }
    }

    fn count(&self) -> usize {
        self.edges.len() - 1
    }

    /// The slice in which an instant lies. `last` is that of the one before, which is not later: there are millions.
    fn index(&self, at: Timestamp, last: &mut usize) -> Option<usize> {
        let at = at.as_microsecond();
        while *last < self.count() && self.edges[*last + 1] <= at {
            *last += 1;
        }
        (*last < self.count() && self.edges[*last] <= at).then_some(*last)
    }

    fn seconds(&self, slice: usize) -> f64 {
        (self.edges[slice + 1] - self.edges[slice]) as f64 / 1e6
    }

    fn people(&self, slice: usize, (curve, share): &(Curve, f64)) -> f64 {
        let edge = |index: usize| Timestamp::from_microsecond(self.edges[index]).unwrap_or(self.span.until);
        curve.between(edge(slice), edge(slice + 1)).middle * share
    }

    /// Good and bad slots of one series by slice, as the policy treats what was lost or is missing.
    fn tallies(&self, data: &Data<'_>, objective: &Objective, counted: &Counted<'_>) -> Vec<Tally> {
        let lost_is_bad = data.inputs().policy.lost_runs == LostRuns::Bad;
        let threshold = objective.threshold.map(|threshold| threshold.at_most);
        let mut tallies = vec![Tally::default(); self.count()];
        let good_or_bad = |outcome: &Outcome| match within(threshold, outcome) {
            Kind::Good => Some(true),
            Kind::Bad => Some(false),
            Kind::Lost => lost_is_bad.then_some(false),
        };
        let mut last = 0;
        for outcome in counted.outcomes {
            if let (Some(slice), Some(good)) = (self.index(outcome.slot, &mut last), good_or_bad(outcome)) {
                *(if good { &mut tallies[slice].good } else { &mut tallies[slice].bad }) += 1;
            }
        }
        let vantage = counted.vantage.clone();
        let series = Series { flow: objective.flow.clone(), kind: RunKind::Login, vantage };
        if let Some(expected) = data.expected(&series).filter(|_| lost_is_bad) {
            let missing = history::without_outcome(counted.outcomes, expected, self.span);
            let mut last = 0;
            let due = missing.filter(|slot| *slot < self.span.until);
            for slice in due.filter_map(|slot| self.index(slot, &mut last)) {
                tallies[slice].bad += 1;
            }
        }
        tallies
    }
}
