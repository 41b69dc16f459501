//! Windowed availability: the worst stretch of each length, both axes logarithmic (Hauer and others, NSDI 2020).

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};
use super::scale::{LogScale, Nines};

/// One period's worst windows.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowLine {
    /// What stands at its end.
    pub label: String,
    /// Length in seconds, and the worst availability of any window of that length; by length.
    pub points: Vec<(f64, f64)>,
}

/// The whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Windows {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Lengths to be marked, in seconds, with their names.
    pub lengths: Vec<(f64, String)>,
    /// What was promised.
    pub target: f64,
    /// Where the first line bends most: length in seconds and name.
    pub knee: Option<(f64, String)>,
    /// The lines, the reported period first.
    pub lines: Vec<WindowLine>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 300;

impl Windows {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 74, top: 14, right: WIDTH - 130, bottom: HEIGHT - 34 };
        let points = || self.lines.iter().flat_map(|line| line.points.iter());
        let across = LogScale::spanning(points().map(|point| point.0));
        let up = Nines::holding(points().map(|point| point.1).chain([self.target]));
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            let ticks = self.lengths.iter().map(|(length, label)| (across.place(*length), label));
            let ticks: Vec<Tick> = ticks
                .filter(|(at, _)| (-0.001..=1.001).contains(at))
                .map(|(at, label)| Tick { at, label: label.clone() })
                .collect();
            sheet.time_axis(&frame, &ticks);
            sheet.value_axis(&frame, &up.ticks());
            let promised = frame.y(up.place(self.target));
            sheet.line(Ink::Bad, 1, Stroke::Dashed, &[(frame.left, promised), (frame.right, promised)]);
            sheet.write(Ink::Text, (frame.left + 4, promised - 2), (HPos::Left, VPos::Bottom), "promised");
            if let Some((length, name)) = &self.knee {
                let x = frame.x(across.place(*length));
                sheet.line(Ink::Faint, 1, Stroke::Dotted, &[(x, frame.top), (x, frame.bottom)]);
                sheet.write(Ink::Text, (x + 5, frame.top + 2), (HPos::Left, VPos::Top), name);
            }
            let mut lowest = i32::MAX;
            for (index, line) in self.lines.iter().enumerate() {
                let spots: Vec<(i32, i32)> =
                    line.points.iter().map(|at| (frame.x(across.place(at.0)), frame.y(up.place(at.1)))).collect();
                lowest = draw(sheet, index, &spots, &line.label, lowest);
            }
        })
    }
}

/// Draws one line with its label, which steps aside when it would stand on the one before; says where it stands.
fn draw(sheet: &Sheet<'_>, index: usize, spots: &[(i32, i32)], label: &str, before: i32) -> i32 {
    let (ink, stroke) = if index == 0 { (Ink::Line(0), Stroke::Solid) } else { (Ink::Faint, Stroke::Dashed) };
    let Some(&last) = spots.last() else { return before };
    if spots.len() > 1 {
        sheet.line(ink, 2, stroke, spots);
    }
    if index == 0 {
        for &spot in spots {
            sheet.dot(ink, spot, 3);
        }
    }
    let y = if (last.1 - before).abs() < 15 { before + 15 } else { last.1 };
    sheet.write(ink, (last.0 + 8, y), (HPos::Left, VPos::Center), label);
    y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_knee_and_both_lines_are_named() {
        let line = |label: &str| WindowLine { label: label.to_owned(), points: vec![(60.0, 0.0), (604_800.0, 0.9999)] };
        let svg = Windows {
            title: "t".to_owned(),
            description: "d".to_owned(),
            lengths: vec![(60.0, "1 min".to_owned()), (604_800.0, "1 week".to_owned()), (1e9, "never".to_owned())],
            target: 0.999,
            knee: Some((2_820.0, "47 min".to_owned())),
            lines: vec![line("this week"), line("13 weeks")],
        }
        .svg();
        for words in ["1 min", "1 week", "47 min", "this week", "13 weeks", "promised", "99.99 %"] {
            assert!(svg.contains(words), "{words}: {svg}");
        }
        assert!(!svg.contains("never"), "beyond the axis");
    }
}
