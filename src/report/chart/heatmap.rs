//! The latency heat map: time across, latency up on a logarithmic axis, and a band of its own for what never finished.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, HEAT_LEVELS, Ink, Stroke, Tick, sheet};

/// One band of latency.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatRow {
    /// What stands left of it; may be empty.
    pub label: String,
    /// How many runs fell into it, per bin of time.
    pub counts: Vec<u64>,
}

/// The whole map.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// Bands from the fastest to the slowest.
    pub rows: Vec<HeatRow>,
    /// Runs that did not finish, per bin of time: they have no latency, only a lower bound.
    pub unfinished: Vec<u64>,
}

const WIDTH: i32 = 960;
const ROW: i32 = 9;
const BAND: i32 = 16;

impl HeatMap {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(1).max(1);
        let frame = Frame { left: 96, top: BAND + 22, right: WIDTH - 12, bottom: BAND + 22 + rows * ROW };
        let height = frame.bottom + 60;
        let most = self.rows.iter().flat_map(|row| row.counts.iter().copied()).max().unwrap_or(0);
        sheet(&self.title, &self.description, (WIDTH as u32, height as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            let label = |y: i32, words: &str| {
                sheet.write(Ink::Text, (frame.left - 7, y), (HPos::Right, VPos::Center), words);
            };
            for (index, row) in self.rows.iter().enumerate() {
                let bottom = frame.bottom - index as i32 * ROW;
                if !row.label.is_empty() {
                    label(bottom - ROW / 2, &row.label);
                }
                cells(&row.counts, |first, last, count| {
                    let count_of_bins = row.counts.len() as f64;
                    let left = frame.x(first as f64 / count_of_bins);
                    let right = frame.x(last as f64 / count_of_bins).max(left + 1);
                    sheet.fill(Ink::Heat(level(count, most)), (left, bottom - ROW), (right, bottom));
                });
            }
            label(8 + BAND / 2, "unfinished");
            sheet.line(Ink::Grid, 1, Stroke::Solid, &[(frame.left, 8 + BAND), (frame.right, 8 + BAND)]);
            let worst = self.unfinished.iter().copied().max().unwrap_or(0).max(1) as f64;
            cells(&self.unfinished, |first, last, count| {
                let count_of_bins = self.unfinished.len() as f64;
                let left = frame.x(first as f64 / count_of_bins);
                let right = frame.x(last as f64 / count_of_bins).max(left + 1);
                let tall = (f64::from(BAND) * (count as f64 / worst)).ceil() as i32;
                sheet.fill(Ink::Bad, (left, 8 + BAND - tall), (right, 8 + BAND));
            });
            let top = height - 24;
            sheet.write(Ink::Text, (frame.left, top), (HPos::Left, VPos::Center), "runs per cell:  1");
            for level in 1..=HEAT_LEVELS {
                let left = frame.left + 100 + i32::from(level - 1) * 18;
                sheet.fill(Ink::Heat(level), (left, top - 6), (left + 18, top + 6));
            }
            let end = frame.left + 108 + i32::from(HEAT_LEVELS) * 18;
            sheet.write(Ink::Text, (end, top), (HPos::Left, VPos::Center), &most.to_string());
        })
    }
}

/// Calls `draw(first, after_last, count)` for each stretch of equal counts above zero.
fn cells(counts: &[u64], mut draw: impl FnMut(usize, usize, u64)) {
    let mut first = 0;
    while first < counts.len() {
        let count = counts[first];
        let same = counts[first..].iter().take_while(|other| **other == count).count();
        if count > 0 {
            draw(first, first + same, count);
        }
        first += same;
    }
}

/// Levels grow with the logarithm, so that a single slow run among thousands is seen.
fn level(count: u64, most: u64) -> u8 {
    if most <= 1 {
        return HEAT_LEVELS;
    }
    let share = (count as f64).ln() / (most as f64).ln();
    1 + (share * f64::from(HEAT_LEVELS - 1)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_run_is_seen_among_thousands() {
        assert_eq!((level(1, 5000), level(5000, 5000), level(1, 1)), (1, HEAT_LEVELS, HEAT_LEVELS));
    }

    #[test]
    fn equal_neighbours_are_one_cell_and_empty_ones_none() {
        let mut drawn = Vec::new();
        cells(&[0, 3, 3, 0, 5], |first, last, count| drawn.push((first, last, count)));
        assert_eq!(drawn, [(1, 3, 3), (4, 5, 5)]);
    }
}
