//! Bins over time, and the cells of the availability strip.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Micros, Run, StepName, VantageName, Verdict};
use crate::report::model::{Bins, CellState, TimelineRow};
use crate::slo::Period;

use crate::history::Outcome;

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
    let twice = format!("on average takes more than twice as long as the median cell of its row, and {SLOW_BY} longer");
    match threshold {
        None => format!("A cell is slow when it {twice}."),
        Some(threshold) => {
            format!("A login cell is slow when its average is over {threshold}; a step cell when it {twice}.")
        }
    }
}

/// One cell while it is filled.
#[derive(Debug, Clone, Copy, Default)]
struct Cell {
    n: u32,
    bad: u32,
    timed: u32,
    sum: u64,
}

impl Cell {
    fn mean(&self) -> Option<u64> {
        self.sum.checked_div(u64::from(self.timed))
    }
}

/// The step cells of one flow at one vantage.
#[derive(Debug, Default)]
pub(super) struct StepCells {
    steps: BTreeMap<StepName, (usize, Vec<Cell>)>,
}

impl StepCells {
    /// Counts the steps of a run; those that it did not reach say nothing.
    pub(super) fn add(&mut self, run: &Run, bins: &Bins) {
        let Some(bin) = bins.index_of(run.slot) else { return };
        for (position, step) in run.steps.iter().enumerate() {
            let fresh = || (position, vec![Cell::default(); bins.count as usize]);
            let (first, cells) = self.steps.entry(step.name.clone()).or_insert_with(fresh);
            *first = position.min(*first);
            let cell = &mut cells[bin];
            cell.n += 1;
            if step.done {
                cell.timed += 1;
                cell.sum = cell.sum.saturating_add(step.micros.0);
            } else {
                cell.bad += 1;
            }
        }
    }

    /// One row per step, in the order of the flow.
    pub(super) fn rows(&self, vantage: &VantageName) -> Vec<TimelineRow> {
        let mut steps: Vec<_> = self.steps.iter().collect();
        steps.sort_by_key(|(name, (position, _))| (*position, *name));
        steps.into_iter().map(|(name, (_, cells))| row(vantage, Some(name.clone()), cells, None)).collect()
    }
}

/// The row of whole logins at one vantage.
pub(super) fn login_row(
    vantage: &VantageName,
    outcomes: &[Outcome],
    bins: &Bins,
    threshold: Option<Micros>,
) -> TimelineRow {
    let mut cells = vec![Cell::default(); bins.count as usize];
    for outcome in outcomes {
        let Some(cell) = bins.index_of(outcome.slot).map(|bin| &mut cells[bin]) else { continue };
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
    row(vantage, None, &cells, threshold)
}

fn row(vantage: &VantageName, step: Option<StepName>, cells: &[Cell], threshold: Option<Micros>) -> TimelineRow {
    let mut means: Vec<u64> = cells.iter().filter_map(Cell::mean).collect();
    means.sort_unstable();
    let median = means.get(means.len() / 2).copied().unwrap_or(0);
    let usual = median.saturating_mul(SLOW_FACTOR).max(median.saturating_add(SLOW_BY.0));
    let limit = threshold.map_or(usual, |threshold| threshold.0);
    let state = |cell: &Cell| match cell {
        Cell { n: 0, .. } => CellState::NoData,
        Cell { bad: 1.., .. } => CellState::Failed,
        cell if cell.mean().is_some_and(|mean| mean > limit) => CellState::Slow,
        _ => CellState::Ok,
    };
    TimelineRow {
        vantage: vantage.clone(),
        step,
        cells: cells.iter().map(state).collect(),
        n: cells.iter().map(|cell| cell.n).collect(),
        bad: cells.iter().map(|cell| cell.bad).collect(),
    }
}
