//! Periods side by side: availability with its interval, the target, and which of them held outages.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Stroke, sheet};
use super::scale::Nines;

/// One period.
#[derive(Debug, Clone, PartialEq)]
pub struct WeekMark {
    /// What stands below it.
    pub label: String,
    /// Lower end, availability, upper end; `None` without data.
    pub share: Option<(f64, f64, f64)>,
    /// Outages in it; `None` when nobody looked.
    pub incidents: Option<u64>,
    /// It still runs.
    pub running: bool,
}

/// The whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Weeks {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// What was promised.
    pub target: f64,
    /// The periods, the oldest first.
    pub weeks: Vec<WeekMark>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 280;

impl Weeks {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 78, top: 18, right: WIDTH - 12, bottom: HEIGHT - 58 };
        let shares = self.weeks.iter().filter_map(|week| week.share);
        let up = Nines::holding(shares.flat_map(|(_, share, _)| [share]).chain([self.target]));
        let count = self.weeks.len().max(1) as f64;
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            sheet.value_axis(&frame, &up.ticks());
            let promised = frame.y(up.place(self.target));
            sheet.line(Ink::Bad, 1, Stroke::Dashed, &[(frame.left, promised), (frame.right, promised)]);
            sheet.write(Ink::Text, (frame.left + 4, promised - 2), (HPos::Left, VPos::Bottom), "promised");
            for (index, week) in self.weeks.iter().enumerate() {
                let x = frame.x((index as f64 + 0.5) / count);
                let last = index + 1 == self.weeks.len();
                sheet.write(Ink::Text, (x, frame.bottom + 7), (HPos::Center, VPos::Top), &week.label);
                if week.running {
                    sheet.write(Ink::Faint, (x, frame.top - 12), (HPos::Center, VPos::Top), "so far");
                }
                let marked = week.incidents.filter(|&incidents| incidents > 0);
                if let Some(incidents) = marked {
                    let y = frame.bottom + 34;
                    sheet.shape(Ink::Bad, 1.0, vec![(x - 14, y + 5), (x - 4, y + 5), (x - 9, y - 5)]);
                    sheet.write(Ink::Text, (x, y), (HPos::Left, VPos::Center), &incidents.to_string());
                }
                let Some((low, share, high)) = week.share else {
                    sheet.write(Ink::Faint, (x, frame.bottom - 8), (HPos::Center, VPos::Bottom), "no data");
                    continue;
                };
                let ink = if share < self.target { Ink::Bad } else { Ink::Line(0) };
                let (bottom, top) = (frame.y(up.place(low)), frame.y(up.place(high)));
                sheet.line(ink, 2, Stroke::Solid, &[(x, bottom), (x, top)]);
                for y in [bottom, top] {
                    sheet.line(ink, 2, Stroke::Solid, &[(x - 5, y), (x + 5, y)]);
                }
                sheet.dot(ink, (x, frame.y(up.place(share))), if last { 7 } else { 5 });
            }
            if self.weeks.iter().any(|week| week.incidents.is_some_and(|incidents| incidents > 0)) {
                let y = frame.bottom + 34;
                sheet.shape(
                    Ink::Bad,
                    1.0,
                    vec![(frame.left - 66, y + 5), (frame.left - 56, y + 5), (frame.left - 61, y - 5)],
                );
                sheet.write(Ink::Text, (frame.left - 52, y), (HPos::Left, VPos::Center), "outages");
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incident_weeks_are_marked_and_absence_is_said() {
        let week = |label: &str, share, incidents| WeekMark {
            label: label.to_owned(),
            share,
            incidents,
            running: label == "W47",
        };
        let svg = Weeks {
            title: "t".to_owned(),
            description: "d".to_owned(),
            target: 0.999,
            weeks: vec![
                week("W45", None, None),
                week("W46", Some((0.998, 0.9999, 1.0)), Some(0)),
                week("W47", Some((0.93, 0.94, 0.95)), Some(3)),
            ],
        }
        .svg();
        assert_eq!(svg.matches("<polygon").count(), 2, "one mark and one in the legend: {svg}");
        assert!(svg.contains("no data") && svg.contains("W47") && svg.contains("outages"), "{svg}");
        assert_eq!(svg.matches("so far").count(), 1, "{svg}");
        assert_eq!(svg.matches("<circle").count(), 2, "{svg}");
    }
}
