//! The failing share over time: a line with its band, gaps where nothing was measured.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};
use crate::slo::Interval;

/// The failing share of a bin of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareBin {
    /// 0 to 1.
    pub share: f64,
    /// Its interval.
    pub interval: Interval,
}

/// The whole chart.
#[derive(Debug, Clone, PartialEq)]
pub struct FailingShare {
    /// Name for screen readers.
    pub title: String,
    /// One sentence for screen readers.
    pub description: String,
    /// Marks on the time axis.
    pub ticks: Vec<Tick>,
    /// What is drawn, in words under the axis.
    pub legend: String,
    /// One per bin of time, all of one length; `None` where nothing was measured.
    pub bins: Vec<Option<ShareBin>>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 300;

impl FailingShare {
    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 64, top: 14, right: WIDTH - 16, bottom: HEIGHT - 56 };
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            sheet.time_axis(&frame, &self.ticks);
            let axis = [0.0, 0.25, 0.5, 0.75, 1.0].map(|at| Tick { at, label: format!("{:.0} %", at * 100.0) });
            sheet.value_axis(&frame, &axis);
            let mut from = 0;
            while from < self.bins.len() {
                let length = self.bins[from..].iter().take_while(|bin| bin.is_some()).count();
                self.stretch(sheet, &frame, from, length);
                from += length.max(1);
            }
            sheet.write(Ink::Text, (frame.left, HEIGHT - 8), (HPos::Left, VPos::Bottom), &self.legend);
        })
    }

    /// Bins without a gap: the band, the line over it, and a dot where one stands alone.
    fn stretch(&self, sheet: &Sheet<'_>, frame: &Frame, from: usize, length: usize) {
        let count = self.bins.len() as f64;
        let bins = self.bins.iter().enumerate().skip(from).take(length);
        let points: Vec<(i32, ShareBin)> =
            bins.filter_map(|(index, bin)| Some((frame.x((index as f64 + 0.5) / count), (*bin)?))).collect();
        let line: Vec<(i32, i32)> = points.iter().map(|(x, bin)| (*x, frame.y(bin.share))).collect();
        match line.as_slice() {
            [] => {}
            [only] => {
                let bounds = points[0].1.interval;
                sheet.line(
                    Ink::Bad,
                    1,
                    Stroke::Solid,
                    &[(only.0, frame.y(bounds.low)), (only.0, frame.y(bounds.high))],
                );
                sheet.dot(Ink::Bad, *only, 3);
            }
            _ => {
                let upper = points.iter().map(|(x, bin)| (*x, frame.y(bin.interval.high)));
                let lower = points.iter().rev().map(|(x, bin)| (*x, frame.y(bin.interval.low)));
                sheet.shape(Ink::Bad, 0.2, upper.chain(lower).collect());
                sheet.line(Ink::Bad, 2, Stroke::Solid, &line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_part_the_line_and_a_single_bin_is_a_dot() {
        let bin = Some(ShareBin { share: 0.8, interval: Interval { low: 0.5, high: 0.95 } });
        let chart = |bins| FailingShare {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            legend: "share".to_owned(),
            bins,
        };
        let svg = chart(vec![bin, bin, None, bin]).svg();
        assert_eq!(svg.matches("<circle").count(), 1, "{svg}");
        assert_eq!(svg.matches("<polygon").count(), 1, "{svg}");
        assert!(!chart(vec![None, None]).svg().contains("<polygon"));
    }
}
