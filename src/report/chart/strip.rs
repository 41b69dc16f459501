//! The availability strip: one row per vantage or step, one cell per bin of time.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};

/// What a bin of time was like. Each has a shape of its own, so that the strip reads without colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell {
    /// All runs good: a low bar.
    Ok,
    /// All runs good, but over the latency threshold in this share of them: a bar of half the height.
    Slow,
    /// This share of the runs failed: a bar from the top down to the full height, with a tooth at its head.
    Failing(f64),
    /// Slots were due and nothing can be said of any of them: a dot on the middle line.
    NoData,
    /// Nothing was due.
    NotDue,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct StripRow {
    /// What stands left of it.
    pub label: String,
    /// The bins, first to last.
    pub cells: Vec<Cell>,
}

/// The whole strip.
#[derive(Debug, Clone, PartialEq)]
pub struct Strip {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// The rows; each with the same number of cells.
    pub rows: Vec<StripRow>,
}

const WIDTH: i32 = 960;
const LABEL: i32 = 190;
pub(super) const ROW: i32 = 30;
const GAP: i32 = 8;

impl Strip {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(1).max(1);
        let frame = Frame { left: LABEL, top: 8, right: WIDTH - 12, bottom: 8 + rows * (ROW + GAP) };
        let height = frame.bottom + 58;
        sheet(&self.title, &self.description, (WIDTH as u32, height as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            for (index, row) in self.rows.iter().enumerate() {
                let top = frame.top + index as i32 * (ROW + GAP);
                self.row(sheet, &frame, row, top);
            }
            legend(sheet, frame.left, height - 24);
        })
    }

    fn row(&self, sheet: &Sheet<'_>, frame: &Frame, row: &StripRow, top: i32) {
        let bottom = top + ROW;
        sheet.write(Ink::Text, (frame.left - 8, top + ROW / 2), (HPos::Right, VPos::Center), &row.label);
        sheet.line(Ink::Grid, 1, Stroke::Solid, &[(frame.left, bottom), (frame.right, bottom)]);
        let count = row.cells.len().max(1) as f64;
        // Neighbours of one kind are one mark: a healthy week is a few rectangles, not hundreds.
        let mut first = 0;
        while first < row.cells.len() {
            let cell = row.cells[first];
            let same = row.cells[first..].iter().take_while(|other| **other == cell).count();
            let left = frame.x(first as f64 / count);
            let right = frame.x((first + same) as f64 / count).max(left + 1);
            mark(sheet, cell, (left, right), top);
            first += same;
        }
    }
}

/// Paints one kind of cell from a left to a right column, in a row that begins at `top`.
pub(super) fn mark(sheet: &Sheet<'_>, cell: Cell, (left, right): (i32, i32), top: i32) {
    let bottom = top + ROW;
    match cell {
        Cell::Ok => sheet.fill(Ink::Good, (left, bottom - ROW / 4), (right, bottom)),
        Cell::Slow => sheet.fill(Ink::Slow, (left, bottom - ROW / 2), (right, bottom)),
        Cell::Failing(share) => {
            let height = (f64::from(ROW - 6) * share.clamp(0.15, 1.0)).round() as i32;
            sheet.fill(Ink::Good, (left, bottom - if share < 1.0 { ROW / 4 } else { 0 }), (right, bottom));
            sheet.fill(Ink::Bad, (left, top + 6), (right, top + 6 + height));
            sheet.fill(Ink::Bad, (left, top), ((left + 2).min(right), top + 6));
        }
        Cell::NoData => {
            sheet.line(Ink::Gap, 3, Stroke::Dotted, &[(left, top + ROW / 2), (right.max(left + 2), top + ROW / 2)]);
        }
        Cell::NotDue => {}
    }
}

fn legend(sheet: &Sheet<'_>, left: i32, top: i32) {
    let entries = [
        (Cell::Ok, "all good"),
        (Cell::Slow, "good but slow"),
        (Cell::Failing(1.0), "failing (longer: larger share)"),
        (Cell::NoData, "due, nothing known"),
    ];
    let mut x = left;
    for (cell, words) in entries {
        mark(sheet, cell, (x, x + 22), top - ROW / 2);
        sheet.write(Ink::Text, (x + 28, top), (HPos::Left, VPos::Center), words);
        x += 46 + 8 * words.len() as i32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_equal_cells_are_one_mark() {
        let strip = Strip {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            rows: vec![StripRow { label: "berlin".to_owned(), cells: vec![Cell::Ok; 500] }],
        };
        let svg = strip.svg();
        // One in the row, one in the legend, and none for the legend's total failure.
        assert_eq!(svg.matches("var(--chart-good)").count(), 3, "{svg}");
        assert!(svg.contains("berlin"));
    }

    #[test]
    fn a_part_that_failed_and_a_part_that_did_not_are_both_shown() {
        let cells = vec![Cell::Ok, Cell::Failing(0.5), Cell::NoData, Cell::Slow, Cell::NotDue];
        let strip = Strip {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: vec![Tick { at: 0.0, label: "Mon".to_owned() }],
            rows: vec![StripRow { label: "a".to_owned(), cells }],
        };
        let svg = strip.svg();
        for ink in ["good", "bad", "gap", "slow"] {
            assert!(svg.matches(&format!("var(--chart-{ink})")).count() >= 2, "{ink}: {svg}");
        }
    }
}
