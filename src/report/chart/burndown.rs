//! The budget burn-down: what is left of the error budget over the period, beside an even spending of it.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Stroke, Tick, sheet};

/// What was left at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnPoint {
    /// Where on the time axis, 0 to 1.
    pub at: f64,
    /// The share of the budget that is left; negative when overspent.
    pub left: f64,
}

/// The whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct BurnDown {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// What was left, in order of time.
    pub points: Vec<BurnPoint>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 280;
/// Further overspending is cut off at the frame and named in words: a total outage would flatten all else.
const DEEPEST: f64 = -2.0;

impl BurnDown {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 64, top: 14, right: WIDTH - 112, bottom: HEIGHT - 34 };
        let least = self.points.iter().map(|point| point.left).fold(0.0, f64::min);
        let low = if least < 0.0 { (least * 4.0).floor() / 4.0 } else { 0.0 }.max(DEEPEST);
        let place = |left: f64| (left.max(low) - low) / (1.0 - low);
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            let step = if low < -0.5 { 0.5 } else { 0.25 };
            let count = ((1.0 - low) / step).round() as i32;
            let axis: Vec<Tick> = (0..=count)
                .map(|index| low + f64::from(index) * step)
                .map(|left| Tick { at: place(left), label: format!("{:.0} %", left * 100.0) })
                .collect();
            sheet.value_axis(&frame, &axis);
            let zero = frame.y(place(0.0));
            if low < 0.0 {
                let corners =
                    [(frame.left, zero), (frame.right, zero), (frame.right, frame.bottom), (frame.left, frame.bottom)];
                sheet.shape(Ink::Bad, 0.12, corners.to_vec());
                sheet.write(Ink::Text, (frame.left + 6, frame.bottom - 4), (HPos::Left, VPos::Bottom), "overspent");
            }
            sheet.line(Ink::Text, 1, Stroke::Solid, &[(frame.left, zero), (frame.right, zero)]);
            sheet.line(Ink::Faint, 1, Stroke::Dashed, &[(frame.left, frame.y(1.0)), (frame.right, zero)]);
            sheet.write(Ink::Faint, (frame.right + 6, zero), (HPos::Left, VPos::Center), "even spending");
            let mut line: Vec<(i32, i32)> = Vec::new();
            for point in &self.points {
                let spot = (frame.x(point.at), frame.y(place(point.left)));
                if let Some(&(_, before)) = line.last() {
                    line.push((spot.0, before));
                }
                line.push(spot);
            }
            line.dedup();
            if !line.is_empty() {
                sheet.line(Ink::Line(0), 2, Stroke::Solid, &line);
            }
            if let (Some(last), Some(spot)) = (self.points.last(), line.last()) {
                sheet.dot(Ink::Line(0), *spot, 4);
                // The label steps aside when it would stand on that of the even spending.
                let y = if (spot.1 - zero).abs() < 14 { spot.1 - 15 } else { spot.1 };
                let words = if last.left < 0.0 {
                    format!("spent {:.1} times", 1.0 - last.left)
                } else {
                    format!("{:.0} % left", last.left * 100.0)
                };
                sheet.write(Ink::Text, (spot.0.min(frame.right) + 8, y), (HPos::Left, VPos::Center), &words);
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(left: &[f64]) -> String {
        let last = (left.len() - 1).max(1) as f64;
        BurnDown {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            points: left.iter().enumerate().map(|(i, &left)| BurnPoint { at: i as f64 / last, left }).collect(),
        }
        .svg()
    }

    #[test]
    fn overspending_is_named_in_words() {
        let svg = chart(&[1.0, 0.5, -17.0]);
        assert!(svg.contains("overspent") && svg.contains("spent 18.0 times") && svg.contains("-200 %"), "{svg}");
        let svg = chart(&[1.0, 0.9]);
        assert!(!svg.contains("overspent") && svg.contains("90 % left"), "{svg}");
    }
}
