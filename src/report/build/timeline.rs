//! Bins over time, and the cells of the availability strip.

use std::time::Duration;

use jiff::Timestamp;

use crate::history::{Cell, Expected, Outcome, Parts, StepParts};
use crate::model::{Micros, StepName, VantageName, Verdict};
use crate::report::format;
use crate::report::model::{Bins, CellState, TimelineRow};
use crate::slo::Period;

/// Bins that a period is cut into at most: half hours of the longest week.
const MOST_BINS: u64 = 338;

/// Widths that people can read off an axis, in seconds.
const WIDTHS: [u64; 19] =
    [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];

/// A cell is slow when it takes this many times as long as its row's median cell, and this much longer: twice a
/// millisecond is nothing that anybody waits for.
const SLOW_FACTOR: u64 = 2;
const SLOW_BY: Micros = Micros(50_000);

/// The bins of a period: no more than a chart can show, and none so narrow that a flow with this interval would leave it
/// empty (slots lie anywhere in their intervals, so that two neighbours may be almost two intervals apart).
pub(super) fn bins(period: &Period, interval: Option<Duration>) -> Bins {
    const SECOND: u64 = 1_000_000;
    let length = period.end.as_microsecond() - period.start.as_microsecond();
    let length = u64::try_from(length).unwrap_or(0);
    let apart = interval.map_or(0, |interval| Micros::from(interval).0.saturating_mul(2));
    let least = length.div_ceil(MOST_BINS).max(apart.min(length)).max(1);
    let width = WIDTHS.iter().map(|seconds| seconds * SECOND).find(|&width| width >= least);
    let width = width.unwrap_or_else(|| least.div_ceil(86_400 * SECOND) * 86_400 * SECOND);
    let count = u32::try_from(length.div_ceil(width)).unwrap_or(u32::MAX);
    Bins { start: period.start, width: Micros(width), count }
}

/// What makes a cell slow, in words.
pub(super) fn slow_rule(threshold: Option<Micros>) -> String {
    let longer = format::limit(SLOW_BY);
    let twice =
        format!("takes, on average, more than twice as long as the median cell of its row, and {longer} longer");
    match threshold {
        None => format!("A cell is slow when it {twice}."),
        Some(threshold) => {
            let threshold = format::limit(threshold);
            format!("A login cell is slow when its average is over {threshold}; a step cell when it {twice}.")
        }
    }
}

/// In which bins slots are due until an instant. Where no schedule was declared every bin may have had some.
pub(super) fn due(expected: Option<&Expected>, bins: &Bins, until: Timestamp) -> Vec<bool> {
    let any = |bin: u32| {
        let (from, to) = (bins.start_of(bin), bins.start_of(bin + 1).min(until));
        from < to && expected.is_none_or(|expected| expected.slots(from, to).next().is_some())
    };
    (0..bins.count).map(any).collect()
}

/// One row per step of one flow at one vantage, in the order of the flow.
pub(super) fn step_rows(vantage: &VantageName, parts: &Parts, bins: &Bins, due: &[bool]) -> Vec<TimelineRow> {
    let mut steps: Vec<_> = parts.steps.iter().collect();
    steps.sort_by_key(|(name, step)| (step.position, *name));
    let of_step = |(name, step): (&StepName, &StepParts)| {
        let mut cells = vec![Cell::default(); bins.count as usize];
        for (start, cell) in &step.cells {
            if let Some(bin) = bins.index_of(*start) {
                cells[bin].merge(cell);
            }
        }
        row((vantage, Some(name.clone())), &cells, due, None)
    };
    steps.into_iter().map(of_step).collect()
}

/// The row of whole logins at one vantage.
pub(super) fn login_row(
    vantage: &VantageName,
    outcomes: &[Outcome],
    bins: &Bins,
    due: &[bool],
    threshold: Option<Micros>,
) -> TimelineRow {
    let mut cells = vec![Cell::default(); bins.count as usize];
    let mut due = due.to_vec();
    for outcome in outcomes {
        let Some(bin) = bins.index_of(outcome.slot) else { continue };
        // A lost run beyond the schedule is known all the same.
        due[bin] = true;
        let cell = &mut cells[bin];
        match (outcome.verdict, outcome.login) {
            (Verdict::Lost(_), _) => continue,
            (Verdict::Bad(_), _) => cell.bad += 1,
            (Verdict::Good, login) => {
                cell.timed += u32::from(login.is_some());
                cell.sum = cell.sum.saturating_add(login.unwrap_or_default().0);
            }
        }
        cell.n += 1;
    }
    row((vantage, None), &cells, &due, threshold)
}

fn row(
    (vantage, step): (&VantageName, Option<StepName>),
    cells: &[Cell],
    due: &[bool],
    threshold: Option<Micros>,
) -> TimelineRow {
    let mut means: Vec<u64> = cells.iter().filter_map(Cell::mean).collect();
    means.sort_unstable();
    let median = means.get(means.len() / 2).copied().unwrap_or(0);
    let usual = median.saturating_mul(SLOW_FACTOR).max(median.saturating_add(SLOW_BY.0));
    let limit = threshold.map_or(usual, |threshold| threshold.0);
    let state = |(cell, due): (&Cell, &bool)| match cell {
        Cell { n: 0, .. } if *due => CellState::NoData,
        Cell { n: 0, .. } => CellState::NotDue,
        Cell { bad: 1.., .. } => CellState::Failed,
        cell if cell.mean().is_some_and(|mean| mean > limit) => CellState::Slow,
        _ => CellState::Ok,
    };
    TimelineRow {
        vantage: vantage.clone(),
        step,
        cells: cells.iter().zip(due).map(state).collect(),
        n: cells.iter().map(|cell| cell.n).collect(),
        bad: cells.iter().map(|cell| cell.bad).collect(),
    }
}
