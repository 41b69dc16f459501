//! The latency heat map: time across, latency up on a logarithmic axis, percentiles as lines over it, and a band of its
//! own for what never finished.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, HEAT_LEVELS, Ink, Sheet, Stroke, Tick, sheet};

/// One band of latency.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatRow {
    /// What stands left of it; may be empty.
    pub label: String,
    /// How many runs fell into it, per bin of time.
    pub counts: Vec<u64>,
}

/// A percentile over time.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatLine {
    /// What stands at its end: `p99`.
    pub label: String,
    /// Where it lies per bin, from the bottom of the map (0) to its top (1); `None` where nothing was measured.
    pub places: Vec<Option<f64>>,
    /// Over all bins: lower end of its rank interval, value, upper end; an end that the sample cannot bound is `None`.
    pub whole: Option<(Option<f64>, f64, Option<f64>)>,
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
    /// Percentiles, the lowest first.
    pub lines: Vec<HeatLine>,
    /// Where the threshold of the objective lies, as in [`HeatLine::places`].
    pub threshold: Option<f64>,
}

const WIDTH: i32 = 960;
/// No row is lower, and the map as a whole is no lower.
const ROW: i32 = 9;
const LEAST: i32 = 190;
const BAND: i32 = 16;

impl HeatMap {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let rows = i32::try_from(self.rows.len()).unwrap_or(1).max(1);
        let row = ROW.max(LEAST / rows);
        let frame = Frame { left: 96, top: BAND + 22, right: WIDTH - 72, bottom: BAND + 22 + rows * row };
        let height = frame.bottom + 60;
        let most = self.rows.iter().flat_map(|row| row.counts.iter().copied()).max().unwrap_or(0);
        sheet(&self.title, &self.description, (WIDTH as u32, height as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            self.map(sheet, &frame, row, most);
            self.band(sheet, &frame);
            if let Some(threshold) = self.threshold {
                let y = frame.y(threshold);
                sheet.line(Ink::Bad, 1, Stroke::Dashed, &[(frame.left, y), (frame.right, y)]);
                // At the upper edge the word steps below its line.
                let side = if y - 16 < frame.top { (y + 2, VPos::Top) } else { (y - 2, VPos::Bottom) };
                sheet.write(Ink::Text, (frame.left + 4, side.0), (HPos::Left, side.1), "threshold");
            }
            for (index, line) in self.lines.iter().enumerate() {
                draw_line(sheet, &frame, index, line);
            }
            self.line_labels(sheet, &frame);
            legend(sheet, frame.left, height - 24, most);
        })
    }

    fn map(&self, sheet: &Sheet<'_>, frame: &Frame, height: i32, most: u64) {
        for (index, row) in self.rows.iter().enumerate() {
            let bottom = frame.bottom - index as i32 * height;
            if !row.label.is_empty() {
                sheet.write(Ink::Text, (frame.left - 7, bottom), (HPos::Right, VPos::Center), &row.label);
            }
            cells(&row.counts, |first, last, count| {
                let count_of_bins = row.counts.len() as f64;
                let left = frame.x(first as f64 / count_of_bins);
                let right = frame.x(last as f64 / count_of_bins).max(left + 1);
                sheet.fill(Ink::Heat(level(count, most)), (left, bottom - height), (right, bottom));
            });
        }
    }

    fn band(&self, sheet: &Sheet<'_>, frame: &Frame) {
        let middle = 8 + BAND / 2;
        sheet.write(Ink::Text, (frame.left - 7, middle), (HPos::Right, VPos::Center), "unfinished");
        sheet.line(Ink::Grid, 1, Stroke::Solid, &[(frame.left, 8 + BAND), (frame.right, 8 + BAND)]);
        let worst = self.unfinished.iter().copied().max().unwrap_or(0).max(1) as f64;
        cells(&self.unfinished, |first, last, count| {
            let count_of_bins = self.unfinished.len() as f64;
            let left = frame.x(first as f64 / count_of_bins);
            let right = frame.x(last as f64 / count_of_bins).max(left + 1);
            let tall = (f64::from(BAND) * (count as f64 / worst)).ceil() as i32;
            sheet.fill(Ink::Bad, (left, 8 + BAND - tall), (right, 8 + BAND));
        });
    }

    /// The period's percentiles at the right edge, each with its rank interval; labels are pushed apart.
    fn line_labels(&self, sheet: &Sheet<'_>, frame: &Frame) {
        let mut highest = i32::MAX;
        for (index, line) in self.lines.iter().enumerate() {
            let Some((low, value, high)) = line.whole else { continue };
            let ink = INKS[index % INKS.len()];
            let (x, y) = (frame.right + 8 + index as i32 * 7, frame.y(value));
            // An end without a bound runs to the edge of the map.
            let ends = [low.unwrap_or(0.0), high.unwrap_or(1.0)].map(|place| frame.y(place));
            sheet.line(ink, 2, Stroke::Solid, &[(x, ends[0]), (x, ends[1])]);
            sheet.dot(ink, (x, y), 3);
            let text = y.min(highest);
            highest = text - 15;
            sheet.write(Ink::Text, (frame.right + 32, text), (HPos::Left, VPos::Center), &line.label);
        }
    }
}

/// Dark on light and light on dark, apart from the heat's own hue.
const INKS: [Ink; 3] = [Ink::Text, Ink::Line(1), Ink::Line(2)];

fn draw_line(sheet: &Sheet<'_>, frame: &Frame, index: usize, line: &HeatLine) {
    let ink = INKS[index % INKS.len()];
    let stroke = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted][index % 3];
    let count = line.places.len().max(1) as f64;
    let mut piece: Vec<(i32, i32)> = Vec::new();
    for (bin, place) in line.places.iter().enumerate() {
        if let Some(place) = place {
            piece.push((frame.x((bin as f64 + 0.5) / count), frame.y(*place)));
        } else {
            draw_piece(sheet, ink, stroke, &piece);
            piece.clear();
        }
    }
    draw_piece(sheet, ink, stroke, &piece);
}

fn draw_piece(sheet: &Sheet<'_>, ink: Ink, stroke: Stroke, piece: &[(i32, i32)]) {
    match piece {
        [] => {}
        [alone] => sheet.dot(ink, *alone, 2),
        points => sheet.line(ink, 1, stroke, points),
    }
}

fn legend(sheet: &Sheet<'_>, start: i32, top: i32, most: u64) {
    sheet.write(Ink::Text, (start, top), (HPos::Left, VPos::Center), "runs per cell:  1");
    for level in 1..=HEAT_LEVELS {
        let left = start + 124 + i32::from(level - 1) * 18;
        sheet.fill(Ink::Heat(level), (left, top - 6), (left + 18, top + 6));
    }
    let end = start + 132 + i32::from(HEAT_LEVELS) * 18;
    sheet.write(Ink::Text, (end, top), (HPos::Left, VPos::Center), &most.to_string());
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
    fn a_gap_breaks_the_line_and_an_open_interval_reaches_the_edge() {
        let chart = HeatMap {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            rows: vec![HeatRow { label: String::new(), counts: vec![1, 1, 0, 1] }; 10],
            unfinished: vec![0; 4],
            lines: vec![HeatLine {
                label: "p99".to_owned(),
                places: vec![Some(0.5), Some(0.6), None, Some(0.5)],
                whole: Some((Some(0.4), 0.5, None)),
            }],
            threshold: Some(0.9),
        };
        let svg = chart.svg();
        assert_eq!(svg.matches("<circle").count(), 2, "the lone bin and the whole: {svg}");
        assert!(svg.contains("p99") && svg.contains("threshold"), "{svg}");
    }

    #[test]
    fn equal_neighbours_are_one_cell_and_empty_ones_none() {
        let mut drawn = Vec::new();
        cells(&[0, 3, 3, 0, 5], |first, last, count| drawn.push((first, last, count)));
        assert_eq!(drawn, [(1, 3, 3), (4, 5, 5)]);
    }
}
