//! The budget burn-down: what is left of the error budget over the period, beside an even spending of it, the incidents
//! that spent it, what was taken out, and what may still come.

use plotters::style::text_anchor::{HPos, VPos};

use super::canvas::{Frame, Ink, Sheet, Stroke, Tick, sheet};
use crate::report::words;

/// What was left at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BurnPoint {
    /// Where on the time axis, 0 to 1.
    pub at: f64,
    /// The share of the budget that is left; negative when overspent.
    pub left: f64,
}

/// What may be left at an instant to come.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FanPlace {
    /// Where on the time axis, 0 to 1.
    pub at: f64,
    /// The least that may be left, the median, and the most.
    pub left: (f64, f64, f64),
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
    /// Incidents: from and to on the time axis.
    pub incidents: Vec<(f64, f64)>,
    /// Time that was excluded: from and to on the time axis.
    pub excluded: Vec<(f64, f64)>,
    /// What may come after the last point.
    pub fan: Vec<FanPlace>,
    /// Where the data of a running period end, 0 to 1, and what stands there.
    pub until: Option<(f64, String)>,
}

const WIDTH: i32 = 960;
const HEIGHT: i32 = 280;
/// Further overspending is cut off at the frame and named in words: a total outage would flatten all else.
const DEEPEST: f64 = -2.0;

impl BurnDown {
    /// Whether the axis is cut: something lies below the frame, and its line is marked.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.lefts().any(|(_, left)| left < DEEPEST)
    }

    /// All that is drawn, by place on the time axis.
    fn lefts(&self) -> impl Iterator<Item = (f64, f64)> + '_ {
        let points = self.points.iter().map(|point| (point.at, point.left));
        points.chain(self.fan.iter().map(|place| (place.at, place.left.0)))
    }

    /// The chart's SVG.
    #[must_use]
    pub fn svg(&self) -> String {
        let frame = Frame { left: 64, top: 24, right: WIDTH - 140, bottom: HEIGHT - 36 };
        let least = self.lefts().map(|(_, left)| left).fold(0.0, f64::min);
        let low = if least < 0.0 { (least * 4.0).floor() / 4.0 } else { 0.0 }.max(DEEPEST);
        sheet(&self.title, &self.description, (WIDTH as u32, HEIGHT as u32), |sheet| {
            let plot = Plot { sheet, frame, low };
            sheet.time_axis(&frame, &self.ticks);
            // The word steps aside for a line that ends on its side.
            plot.axis(self.points.last().is_some_and(|last| last.at < 0.5));
            for &(from, to) in &self.excluded {
                let (from, to) = (frame.x(from), frame.x(to));
                sheet.hatch(Ink::Gap, (from, frame.top), (to.max(from + 3), frame.bottom));
            }
            for &(from, to) in &self.incidents {
                let (from, to) = (frame.x(from), frame.x(to).max(frame.x(from) + 3));
                let corners = [(from, frame.top), (to, frame.top), (to, frame.bottom), (from, frame.bottom)];
                sheet.shape(Ink::Bad, 0.14, corners.to_vec());
                sheet.fill(Ink::Bad, (from, frame.bottom - 5), (to, frame.bottom));
            }
            plot.ideal();
            if let Some((at, words)) = &self.until {
                plot.until(*at, words);
            }
            plot.fan(&self.fan);
            plot.points(&self.points);
            if let Some((at, _)) = self.lefts().find(|(_, left)| *left < low) {
                plot.cut(at);
            }
        })
    }
}

struct Plot<'s, 'a> {
    sheet: &'s Sheet<'a>,
    frame: Frame,
    low: f64,
}

impl Plot<'_, '_> {
    fn y(&self, left: f64) -> i32 {
        self.frame.y((left.max(self.low) - self.low) / (1.0 - self.low))
    }

    fn axis(&self, word_at_right: bool) {
        let step = if self.low < -0.5 { 0.5 } else { 0.25 };
        // Down from 100 %, so that 0 % has a line of its own wherever the frame ends.
        let count = ((1.0 - self.low) / step + 1e-9).floor() as i32;
        let place = |left: f64| (left - self.low) / (1.0 - self.low);
        let axis: Vec<Tick> = (0..=count)
            .map(|index| 1.0 - f64::from(index) * step)
            .map(|left| Tick { at: place(left), label: format!("{:.0} %", left * 100.0) })
            .collect();
        self.sheet.value_axis(&self.frame, &axis);
        if self.low < 0.0 {
            let (frame, zero) = (&self.frame, self.y(0.0));
            let corners =
                [(frame.left, zero), (frame.right, zero), (frame.right, frame.bottom), (frame.left, frame.bottom)];
            self.sheet.shape(Ink::Bad, 0.08, corners.to_vec());
            let side = if word_at_right { (frame.right - 6, HPos::Right) } else { (frame.left + 6, HPos::Left) };
            self.sheet.write(Ink::Text, (side.0, frame.bottom - 8), (side.1, VPos::Bottom), "overspent");
        }
    }

    fn ideal(&self) {
        let (frame, zero) = (&self.frame, self.y(0.0));
        self.sheet.line(Ink::Text, 1, Stroke::Solid, &[(frame.left, zero), (frame.right, zero)]);
        self.sheet.line(Ink::Faint, 1, Stroke::Dashed, &[(frame.left, self.y(1.0)), (frame.right, zero)]);
        self.sheet.write(Ink::Faint, (frame.right + 6, zero), (HPos::Left, VPos::Center), "even spending");
    }

    /// Where the data of a running period end.
    fn until(&self, at: f64, words: &str) {
        let (frame, x) = (&self.frame, self.frame.x(at));
        self.sheet.line(Ink::Faint, 1, Stroke::Dashed, &[(x, frame.top), (x, frame.bottom)]);
        let side = if at < 0.75 { HPos::Left } else { HPos::Right };
        self.sheet.write(Ink::Faint, (x, frame.top - 5), (side, VPos::Bottom), words);
    }

    /// Two strokes across the frame's foot, where a line leaves it for the first time.
    fn cut(&self, at: f64) {
        let (x, bottom) = (self.frame.x(at), self.frame.bottom);
        for down in [0, 6] {
            self.sheet.line(Ink::Text, 2, Stroke::Solid, &[(x - 8, bottom - 8 + down), (x + 8, bottom - 14 + down)]);
        }
        let side = if at < 0.7 { (x + 14, HPos::Left) } else { (x - 14, HPos::Right) };
        self.sheet.write(Ink::Text, (side.0, bottom - 16), (side.1, VPos::Center), "cut: goes on below");
    }

    /// Most futures lie within.
    fn fan(&self, fan: &[FanPlace]) {
        let (Some(first), Some(last)) = (fan.first(), fan.last()) else { return };
        let spot = |at: f64, left: f64| (self.frame.x(at), self.y(left));
        let upper = fan.iter().map(|place| spot(place.at, place.left.2));
        let lower = fan.iter().rev().map(|place| spot(place.at, place.left.0));
        self.sheet.shape(Ink::Line(0), 0.18, upper.chain(lower).collect());
        let middle: Vec<(i32, i32)> = fan.iter().map(|place| spot(place.at, place.left.1)).collect();
        if first.at < last.at {
            self.sheet.line(Ink::Line(0), 1, Stroke::Dotted, &middle);
        }
    }

    fn points(&self, points: &[BurnPoint]) {
        let mut line: Vec<(i32, i32)> = Vec::new();
        for point in points {
            let spot = (self.frame.x(point.at), self.y(point.left));
            if let Some(&(_, before)) = line.last() {
                line.push((spot.0, before));
            }
            line.push(spot);
        }
        line.dedup();
        if line.len() > 1 {
            self.sheet.line(Ink::Line(0), 2, Stroke::Solid, &line);
        }
        if let (Some(last), Some(spot)) = (points.last(), line.last()) {
            self.sheet.dot(Ink::Line(0), *spot, 4);
            // The label steps aside when it would stand on that of the even spending.
            let y = if (spot.1 - self.y(0.0)).abs() < 14 { spot.1 - 15 } else { spot.1 };
            let said = if last.left < 0.0 {
                format!("spent {:.1} times", 1.0 - last.left)
            } else {
                format!("{} left", words::spent(last.left))
            };
            self.sheet.write(Ink::Text, (spot.0.min(self.frame.right) + 8, y), (HPos::Left, VPos::Center), &said);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_names_the_whole_and_nothing_however_far_it_reaches_down() {
        for least in [1.0, 0.5, -0.1, -0.3, -0.75, -1.2, -9.0] {
            let svg = chart(&[1.0, least]).svg();
            assert!(svg.contains("\n100 %\n") && svg.contains("\n0 %\n"), "{least}: {svg}");
            assert!(!svg.contains("125 %"), "{least}");
        }
    }

    fn chart(left: &[f64]) -> BurnDown {
        let last = (left.len() - 1).max(1) as f64;
        BurnDown {
            title: "t".to_owned(),
            description: "d".to_owned(),
            ticks: Vec::new(),
            points: left.iter().enumerate().map(|(i, &left)| BurnPoint { at: i as f64 / last, left }).collect(),
            incidents: Vec::new(),
            excluded: Vec::new(),
            fan: Vec::new(),
            until: None,
        }
    }

    #[test]
    fn a_cut_axis_and_the_end_of_the_data_are_marked() {
        let deep = chart(&[1.0, -1.5, -17.0]);
        assert!(deep.is_cut() && deep.svg().contains("cut: goes on below"), "{}", deep.svg());
        let whole = chart(&[1.0, -1.5]);
        assert!(!whole.is_cut() && !whole.svg().contains("cut:"), "{}", whole.svg());
        let running = BurnDown { until: Some((0.4, "data until here".to_owned())), ..chart(&[1.0, 0.9]) };
        assert!(running.svg().contains("data until here") && !whole.svg().contains("data until"));
        let fan = vec![FanPlace { at: 0.4, left: (0.9, 0.9, 0.9) }, FanPlace { at: 1.0, left: (-8.0, 0.5, 0.9) }];
        assert!(BurnDown { fan, ..running }.is_cut(), "a future that leaves the frame");
    }

    #[test]
    fn overspending_is_named_in_words() {
        let svg = chart(&[1.0, 0.5, -17.0]).svg();
        assert!(svg.contains("overspent") && svg.contains("spent 18.0 times") && svg.contains("-200 %"), "{svg}");
        let svg = chart(&[1.0, 0.9]).svg();
        assert!(!svg.contains("overspent") && svg.contains("90 % left"), "{svg}");
        let svg = chart(&[1.0, 0.999]).svg();
        assert!(svg.contains("99.9 % left"), "a little is spent: {svg}");
    }

    #[test]
    fn incidents_exclusions_and_futures_are_drawn_each_in_its_own_way() {
        let plain = chart(&[1.0, 0.9]).svg();
        let full = BurnDown {
            incidents: vec![(0.2, 0.2)],
            excluded: vec![(0.5, 0.6)],
            fan: vec![FanPlace { at: 0.8, left: (0.9, 0.9, 0.9) }, FanPlace { at: 1.0, left: (-0.1, 0.5, 0.9) }],
            ..chart(&[1.0, 0.9])
        }
        .svg();
        assert_eq!(full.matches("<rect").count(), plain.matches("<rect").count() + 1, "a bar, however short: {full}");
        assert!(full.matches("var(--chart-gap)").count() > 10, "hatched: {full}");
        assert!(full.contains("overspent"), "a future below zero counts: {full}");
    }
}
