//! Windowed availability of an objective (F12), by what its probes said.

use crate::history::{Kind, within};
use crate::impact::{self, Cells};
use crate::model::{Micros, Objective, RunKind};
use crate::report::model::{Knee, Window};
use crate::slo::{self, Period};

use super::Data;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
/// Below so many minutes a period is cut into seconds.
const SHORT: i64 = 120;

/// The worst window of each length, and the knee. Cells are minutes, or seconds in a short period.
pub(super) fn of(data: &Data<'_>, objective: &Objective, period: &Period) -> (Vec<Window>, Option<Knee>) {
    let until = data.inputs().until.clamp(period.start, period.end);
    let length = until.as_microsecond() - period.start.as_microsecond();
    let width = if length < SHORT * MINUTE { SECOND } else { MINUTE };
    let threshold = objective.threshold.map(|threshold| threshold.at_most);
    let mut cells = vec![(0.0, 0.0); usize::try_from(length / width).unwrap_or(0)];
    for outcome in data.series(&objective.flow, RunKind::Login).flat_map(|(_, outcomes)| outcomes) {
        let offset = outcome.slot.as_microsecond() - period.start.as_microsecond();
        let Some(cell) = usize::try_from(offset.div_euclid(width)).ok().and_then(|at| cells.get_mut(at)) else {
            continue;
        };
        match within(threshold, outcome) {
            Kind::Good => *cell = (cell.0 + 1.0, cell.1 + 1.0),
            Kind::Bad => cell.1 += 1.0,
            Kind::Lost => {}
        }
    }
    worst_windows(&Cells::new(cells), width, data.inputs().policy.confidence)
}

/// The worst window of each length over cells of `width` microseconds, which hold numbers of logins, with intervals at this
/// confidence; and the knee.
#[must_use]
pub fn worst_windows(cells: &Cells, width: i64, confidence: f64) -> (Vec<Window>, Option<Knee>) {
    let width = width as f64;
    let curve = cells.curve();
    let knee = impact::knee(&curve).map(|knee| Knee {
        length: Micros((knee.cells as f64 * width) as u64),
        outage: Micros((knee.bad_cells * width).round() as u64),
    });
    let window = |worst: &impact::WorstWindow| {
        let (good, total) = cells.sum(worst.first as usize, worst.cells as usize);
        Window {
            length: Micros((worst.cells as f64 * width) as u64),
            availability: worst.availability,
            interval: slo::wilson(total.round() as u64, good.round() as u64, confidence),
        }
    };
    (curve.iter().map(window).collect(), knee)
}
