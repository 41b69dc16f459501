//! Availability as users have it, by part of the users and slice of time (F10).

use crate::model::{LostRuns, Policy, Population};
use crate::slo::{Slice, UserWeighted, user_weighted_over_time, wilson};

use super::figure::{Estimate, Figure, Input};
use super::slices::PartSlice;
use super::sums::{Row, share_name};

/// The slices of one part, weighted by the demand of this very time where it is known, else by its share.
fn slices(row: &Row<'_>, by_demand: bool, lost_runs: LostRuns) -> Vec<Slice> {
    let slice = |slice: &PartSlice| {
        let tally = slice.seen.tally(lost_runs);
        Slice { demand: row.part.weight(&slice.counted, by_demand), n: tally.total(), bad: tally.bad }
    };
    row.slices.iter().flatten().map(slice).collect()
}

/// The user-weighted availability of all parts.
pub(super) fn weighted(rows: &[Row<'_>], policy: &Policy) -> UserWeighted {
    let by_demand = rows.iter().all(|row| row.part.has_demand());
    let parts: Vec<Vec<Slice>> = rows.iter().map(|row| slices(row, by_demand, policy.lost_runs)).collect();
    let parts: Vec<&[Slice]> = parts.iter().map(Vec::as_slice).collect();
    user_weighted_over_time(&parts, policy.confidence)
}

/// The share of one part's demand in slices without a run that says anything; `None` without demand.
pub(super) fn uncovered(row: &Row<'_>, lost_runs: LostRuns) -> Option<f64> {
    let slices = slices(row, row.part.has_demand(), lost_runs);
    let all = slices.iter().fold(0.0, |sum, slice| sum + slice.demand);
    let unseen = slices.iter().filter(|slice| slice.n == 0).fold(0.0, |sum, slice| sum + slice.demand);
    (all > 0.0).then(|| unseen / all)
}

/// The availability as a figure, whose bounds hold the users whom no probe stands for: all of them failed, or none did.
pub(super) fn figure(
    population: &Population,
    rows: &[Row<'_>],
    weighted: &UserWeighted,
    policy: &Policy,
    slow: bool,
) -> Figure {
    if population.segments().is_empty() {
        return Figure::unknown("nobody described the users: add 'population' to doorstep.yaml");
    }
    let Some(middle) = weighted.availability else {
        return Figure::unknown("no probe with a verdict stands for any of the users");
    };
    let by_demand = rows.iter().all(|row| row.part.has_demand());
    let weights = if by_demand { "demand of the slice" } else { "share of sign-ins x length of the slice" };
    let mut inputs = Vec::new();
    for row in rows {
        let slices = slices(row, by_demand, policy.lost_runs);
        let demand: f64 = slices.iter().map(|slice| slice.demand).sum();
        inputs.push(Input {
            name: "weight".to_owned(),
            segment: Some(row.part.name.to_owned()),
            value: Estimate::exact(demand),
            unit: if by_demand { "people" } else { "share x s" }.to_owned(),
            source: match slices.len() {
                1 => format!("{weights}, which is the whole"),
                several => format!("{weights}, over {several} slices of about an hour"),
            },
        });
        let (n, bad) = (row.tally.total(), row.tally.bad);
        if let Some(interval) = wilson(n, bad, policy.confidence) {
            inputs.push(Input {
                name: share_name(slow).to_owned(),
                segment: Some(row.part.name.to_owned()),
                value: Estimate { low: interval.low, middle: bad as f64 / n as f64, high: interval.high },
                unit: "share".to_owned(),
                source: format!("{bad} of {n} probes over all slices; each slice has its own"),
            });
        }
    }
    inputs.push(Input {
        name: "demand not covered".to_owned(),
        segment: None,
        value: Estimate::exact(weighted.uncovered),
        unit: "share".to_owned(),
        source: "slices in which no probe with a verdict stands for the segment".to_owned(),
    });
    let doubt =
        if weighted.uncovered > 0.0 { "; the ends take all whom no probe stands for as failed, or none" } else { "" };
    Figure::Estimate {
        value: Estimate { low: weighted.bounds.low, middle, high: weighted.bounds.high },
        unit: "share".to_owned(),
        formula: format!(
            "1 - sum(demand x failing share) / sum(demand), over segments and slices of time (F10){doubt}"
        ),
        inputs,
    }
}
