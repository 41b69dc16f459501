//! What held over time: logins first, below them one row per rule, and marks where something changed. The shapes are those
//! of the availability strip. A stretch begins and ends where it did, whatever the width of the logins' cells is.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};
use super::strip::{Cell, ROW, mark};

/// A stretch of a row, in shares of the time axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StateStretch {
    /// Where it begins, 0 to 1.
    pub from: f64,
    /// Where it ends, 0 to 1.
    pub to: f64,
    /// [`Cell::Ok`]: nothing held. [`Cell::Slow`]: a warning. [`Cell::Failing`]: failing logins, or something critical.
    /// [`Cell::NoData`]: nothing was known.
    pub mark: Cell,
}

/// One row. Where it has no stretch nobody asked.
#[derive(Debug, Clone, PartialEq)]
pub struct StateRow {
    /// What stands left of it.
    pub label: String,
    /// What stands below that, smaller in weight.
    pub below: String,
    /// By time, apart from each other.
    pub stretches: Vec<StateStretch>,
}

/// Where something changed.
#[derive(Debug, Clone, PartialEq)]
pub struct ChangeMark {
    /// Where, 0 to 1.
    pub at: f64,
    /// What stands above it.
    pub label: String,
}

/// The whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct States {
    /// Name for screen readers.
    pub title: String,
    /// What is shown, for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// The rows.
    pub rows: Vec<StateRow>,
    /// Changes, by time.
    pub changes: Vec<ChangeMark>,
}

const WIDTH: i32 = 960;
const LABEL: i32 = 190;
const GAP: i32 = 8;
/// Room above the rows for what stands above a change.
const ABOVE: i32 = 22;

impl States {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(1).max(1);
        let top = if self.changes.is_empty() { 8 } else { ABOVE };
        let frame = Frame { left: LABEL, top, right: WIDTH - 12, bottom: top + rows * (ROW + GAP) };
        let height = frame.bottom + 58;
        sheet(&self.title, &self.description, (WIDTH as u32, height as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            for (index, row) in self.rows.iter().enumerate() {
                paint(sheet, &frame, row, frame.top + index as i32 * (ROW + GAP));
            }
            for change in &self.changes {
                let x = frame.x(change.at);
                sheet.line(Ink::Line(0), 1, Stroke::Dashed, &[(x, frame.top), (x, frame.bottom)]);
                sheet.write(Ink::Text, (x, frame.top - 4), (HPos::Center, VPos::Bottom), &change.label);
            }
            self.legend(sheet, frame.left, height - 24);
        })
    }

    fn legend(&self, sheet: &Sheet<'_>, left: i32, top: i32) {
        let entries = [
            (Cell::Failing(1.0), "critical, or failing"),
            (Cell::Slow, "warning, or slow"),
            (Cell::NoData, "unknown"),
            (Cell::Ok, "asked: nothing held"),
        ];
        let mut x = left;
        for (cell, words) in entries {
            mark(sheet, cell, (x, x + 22), top - ROW / 2);
            sheet.write(Ink::Text, (x + 28, top), (HPos::Left, VPos::Center), words);
            x += 40 + 8 * words.len() as i32;
        }
        if !self.changes.is_empty() {
            sheet.line(Ink::Line(0), 1, Stroke::Dashed, &[(x + 4, top - ROW / 2), (x + 4, top + ROW / 2)]);
            sheet.write(Ink::Text, (x + 12, top), (HPos::Left, VPos::Center), "change");
        }
    }
}

fn paint(sheet: &Sheet<'_>, frame: &Frame, row: &StateRow, top: i32) {
    let (right, middle) = (frame.left - 8, top + ROW / 2);
    if row.below.is_empty() {
        sheet.write(Ink::Text, (right, middle), (HPos::Right, VPos::Center), &row.label);
    } else {
        sheet.write(Ink::Text, (right, middle - 1), (HPos::Right, VPos::Bottom), &row.label);
        sheet.write(Ink::Faint, (right, middle + 2), (HPos::Right, VPos::Top), &row.below);
    }
    sheet.line(Ink::Grid, 1, Stroke::Solid, &[(frame.left, top + ROW), (frame.right, top + ROW)]);
    for stretch in &row.stretches {
        let left = frame.x(stretch.from);
        // What was short is seen all the same.
        let least = if stretch.mark == Cell::Ok { 1 } else { 3 };
        let right = frame.x(stretch.to).max(left + least);
        mark(sheet, stretch.mark, (left, right), top);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_has_its_ink_and_a_change_its_line() {
        let stretch = |from, to, mark| StateStretch { from, to, mark };
        let stretches = vec![
            stretch(0.0, 0.2, Cell::Ok),
            stretch(0.2, 0.4, Cell::Failing(1.0)),
            stretch(0.4, 0.6, Cell::Slow),
            stretch(0.6, 0.8, Cell::NoData),
        ];
        let row = StateRow { label: "quorum-short".to_owned(), below: "primary1".to_owned(), stretches };
        let mut chart = States {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            rows: vec![row],
            changes: vec![ChangeMark { at: 0.2, label: "1".to_owned() }],
        };
        let svg = chart.svg();
        for ink in ["good", "bad", "gap", "slow", "line-0"] {
            assert!(svg.matches(&format!("var(--chart-{ink})")).count() >= 2, "{ink}: {svg}");
        }
        assert!(svg.contains("quorum-short") && svg.contains("primary1"), "{svg}");
        chart.changes.clear();
        assert!(!chart.svg().contains("line-0"));
    }

    #[test]
    fn what_nobody_asked_is_blank_and_what_was_short_is_seen() {
        let row = |stretches| StateRow { label: "unknown".to_owned(), below: String::new(), stretches };
        let chart = |stretches| States {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            rows: vec![row(stretches)],
            changes: Vec::new(),
        };
        let marks = |chart: States| chart.svg().matches("<rect").count();
        let blank = marks(chart(Vec::new()));
        let short = StateStretch { from: 0.5, to: 0.5, mark: Cell::Slow };
        assert_eq!(marks(chart(vec![short])), blank + 1);
    }
}
