//! Latency percentiles over time: one line each on a logarithmic axis, with gaps where nothing was measured.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};

/// One percentile over time.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyLine {
    /// What stands at its end: `p99`.
    pub label: String,
    /// Milliseconds per bin, first to last; `None` where nothing was measured.
    pub millis: Vec<Option<f64>>,
}

/// All lines.
#[derive(Debug, Clone, PartialEq)]
pub struct LatencyLines {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// The threshold of the objective, in milliseconds.
    pub threshold: Option<f64>,
    /// The lines, each with the same number of bins.
    pub lines: Vec<LatencyLine>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 300;

impl LatencyLines {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 74, top: 14, right: WIDTH - 62, bottom: HEIGHT - 34 };
        let values = self.lines.iter().flat_map(|line| line.millis.iter().flatten().copied()).chain(self.threshold);
        let scale = LogScale::holding(values);
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            sheet.value_axis(&frame, &scale.ticks());
            if let Some(threshold) = self.threshold {
                let y = frame.y(scale.place(threshold));
                sheet.line(Ink::Bad, 1, Stroke::Dashed, &[(frame.left, y), (frame.right, y)]);
                sheet.write(Ink::Text, (frame.left + 4, y - 2), (HPos::Left, VPos::Bottom), "threshold");
            }
            let mut labels = Vec::new();
            for (index, line) in self.lines.iter().enumerate() {
                draw_line(sheet, &frame, &scale, index, line);
                if let Some(last) = line.millis.iter().rev().flatten().next() {
                    labels.push((frame.y(scale.place(*last)), index, line.label.as_str()));
                }
            }
            write_labels(sheet, frame.right + 6, labels);
        })
    }
}

fn draw_line(sheet: &Sheet<'_>, frame: &Frame, scale: &LogScale, index: usize, line: &LatencyLine) {
    let ink = Ink::Line(index as u8);
    let stroke = [Stroke::Solid, Stroke::Dashed, Stroke::Dotted][index % 3];
    let count = line.millis.len().max(1) as f64;
    let place = |bin: usize, value: f64| (frame.x((bin as f64 + 0.5) / count), frame.y(scale.place(value)));
    let mut piece: Vec<(i32, i32)> = Vec::new();
    for (bin, value) in line.millis.iter().enumerate() {
        if let Some(value) = value {
            piece.push(place(bin, *value));
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
        points => sheet.line(ink, 2, stroke, points),
    }
}

/// Labels at the lines' ends, pushed apart so that none covers another.
fn write_labels(sheet: &Sheet<'_>, x: i32, mut labels: Vec<(i32, usize, &str)>) {
    labels.sort_unstable();
    let mut lowest = i32::MIN;
    for (y, index, label) in labels {
        let y = y.max(lowest);
        lowest = y + 14;
        sheet.write(Ink::Line(index as u8), (x, y), (HPos::Left, VPos::Center), label);
    }
}

/// A logarithmic axis over whole decades' thirds: 1, 2, 5, 10, ...
pub(super) struct LogScale {
    low: f64,
    high: f64,
}

impl LogScale {
    /// The smallest scale that holds all values; 1 to 1,000 when there are none.
    pub(super) fn holding(values: impl Iterator<Item = f64>) -> Self {
        let (mut low, mut high) = (f64::INFINITY, 0.0_f64);
        for value in values.filter(|value| *value > 0.0) {
            low = low.min(value);
            high = high.max(value);
        }
        if high <= 0.0 {
            return Self { low: 1.0, high: 1000.0 };
        }
        let low = steps_below(low);
        Self { low, high: steps_above(high).max(low * 10.0) }
    }

    /// Where a value lies, 0 to 1.
    pub(super) fn place(&self, value: f64) -> f64 {
        (value.max(self.low).log10() - self.low.log10()) / (self.high.log10() - self.low.log10())
    }

    /// A tick at each 1, 2 and 5 of the scale; at the decades alone when there are more than three.
    pub(super) fn ticks(&self) -> Vec<Tick> {
        let decades = (self.high / self.low).log10();
        let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let first = self.low.log10().floor() as i32;
        let last = self.high.log10().ceil() as i32;
        (first..=last)
            .flat_map(|power| steps.iter().map(move |step| step * 10_f64.powi(power)))
            .filter(|value| *value >= self.low * 0.999 && *value <= self.high * 1.001)
            .map(|value| Tick { at: self.place(value), label: millis(value) })
            .collect()
    }
}

/// `20 ms`, `2 s`.
pub(super) fn millis(value: f64) -> String {
    match value {
        value if value >= 1000.0 => format!("{} s", value / 1000.0),
        value if value >= 1.0 => format!("{value} ms"),
        value => format!("{} µs", (value * 1000.0).round()),
    }
}

fn steps_below(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [5.0, 2.0, 1.0].into_iter().map(|step| step * decade).find(|step| *step <= value * 1.0001).unwrap_or(decade)
}

fn steps_above(value: f64) -> f64 {
    let decade = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0].into_iter().map(|step| step * decade).find(|step| *step >= value * 0.9999).unwrap_or(decade * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_holds_its_values_between_round_ticks() {
        let scale = LogScale::holding([34.0, 870.0].into_iter());
        let labels: Vec<String> = scale.ticks().into_iter().map(|tick| tick.label).collect();
        assert_eq!(labels, ["20 ms", "50 ms", "100 ms", "200 ms", "500 ms", "1 s"]);
        assert!((scale.place(20.0)).abs() < 1e-9 && (scale.place(1000.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn nothing_measured_still_has_an_axis() {
        assert_eq!(LogScale::holding(std::iter::empty()).ticks().len(), 10);
    }

    #[test]
    fn a_gap_breaks_the_line() {
        let chart = LatencyLines {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            threshold: Some(2000.0),
            lines: vec![LatencyLine {
                label: "p50".to_owned(),
                millis: vec![Some(10.0), Some(12.0), None, Some(11.0)],
            }],
        };
        let svg = chart.svg();
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
        assert!(svg.contains("p50") && svg.contains("threshold"));
    }
}
