//! A sheet to draw on: pixel coordinates, named inks, axes with ticks, and the finishing that turns plotters' SVG into
//! one that follows the page's colours and that a screen reader can name.

use plotters::backend::SVGBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, RGBColor, ShapeStyle, TextStyle};

/// A place on an axis, 0 at its start and 1 at its end, and what is written there.
#[derive(Debug, Clone, PartialEq)]
pub struct Tick {
    /// Where, 0 to 1.
    pub at: f64,
    /// What is written; may be empty for a line without a label.
    pub label: String,
}

/// The height that plotters is asked for. It divides by 1.24, so that letters are 12.9 units high: 11 pixels where a phone
/// shows the sheet at the least width that the page allows it, 13 on a desk, 7 points on A4.
const TEXT: u32 = 16;

/// What a mark is painted with; the page's style sheet gives each its light and dark value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    Text,
    Faint,
    Grid,
    Good,
    Slow,
    Bad,
    Gap,
    Line(u8),
    Heat(u8),
}

/// The number of heat levels above none.
pub(super) const HEAT_LEVELS: u8 = 8;

impl Ink {
    /// A colour that occurs nowhere else; [`finish`] replaces it by the CSS variable.
    fn code(self) -> u8 {
        match self {
            Self::Text => 1,
            Self::Faint => 2,
            Self::Grid => 3,
            Self::Good => 5,
            Self::Slow => 6,
            Self::Bad => 7,
            Self::Gap => 8,
            Self::Line(index) => 16 + index % 8,
            Self::Heat(level) => 32 + level.min(HEAT_LEVELS),
        }
    }

    fn color(self) -> RGBColor {
        RGBColor(1, 2, self.code())
    }

    fn variable(code: u8) -> Option<String> {
        let name = match code {
            1 => "text".to_owned(),
            2 => "faint".to_owned(),
            3 => "grid".to_owned(),
            5 => "good".to_owned(),
            6 => "slow".to_owned(),
            7 => "bad".to_owned(),
            8 => "gap".to_owned(),
            16..24 => format!("line-{}", code - 16),
            32..=40 => format!("heat-{}", code - 32),
            _ => return None,
        };
        Some(format!("var(--chart-{name})"))
    }
}

/// How a line is drawn, so that lines differ without colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    Solid,
    Dashed,
    Dotted,
}

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A sheet in pixels: `(0, 0)` is the upper left corner.
pub(super) struct Sheet<'a> {
    area: Area<'a>,
}

/// The plot within a sheet, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) right: i32,
    pub(super) bottom: i32,
}

impl Frame {
    /// The pixel column at `share` of the width.
    pub(super) fn x(&self, share: f64) -> i32 {
        self.left + (f64::from(self.right - self.left) * share.clamp(0.0, 1.0)).round() as i32
    }

    /// The pixel row at `share` of the height, counted from the bottom.
    pub(super) fn y(&self, share: f64) -> i32 {
        self.bottom - (f64::from(self.bottom - self.top) * share.clamp(0.0, 1.0)).round() as i32
    }
}

/// Draws a chart of `width` by `height` pixels and returns its SVG.
pub(super) fn sheet(title: &str, description: &str, size: (u32, u32), draw: impl FnOnce(&Sheet<'_>)) -> String {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let sheet = Sheet { area };
        draw(&sheet);
        in_memory(sheet.area.present());
    }
    finish(&svg, title, description, size)
}

/// Drawing into a string cannot fail; plotters' signature does not know that.
fn in_memory<T, E: std::fmt::Debug>(drawn: Result<T, E>) {
    debug_assert!(drawn.is_ok(), "drawing into a string failed: {:?}", drawn.err());
}

impl Sheet<'_> {
    /// Fills a rectangle.
    pub(super) fn fill(&self, ink: Ink, (left, top): (i32, i32), (right, bottom): (i32, i32)) {
        in_memory(self.area.draw(&Rectangle::new([(left, top), (right, bottom)], ink.color().filled())));
    }

    /// Fills a polygon.
    pub(super) fn shape(&self, ink: Ink, opacity: f64, points: Vec<(i32, i32)>) {
        in_memory(self.area.draw(&Polygon::new(points, ink.color().mix(opacity).filled())));
    }

    /// Draws a line through points.
    pub(super) fn line(&self, ink: Ink, width: u32, stroke: Stroke, points: &[(i32, i32)]) {
        match stroke {
            Stroke::Solid => {
                let style = ShapeStyle { color: ink.color().to_rgba(), filled: false, stroke_width: width };
                in_memory(self.area.draw(&PathElement::new(points.to_vec(), style)));
            }
            Stroke::Dashed => self.broken_line(ink, width, points, (7.0, 4.0)),
            Stroke::Dotted => self.broken_line(ink, width, points, (2.0, 4.0)),
        }
    }

    /// Draws dashes of `on` pixels with `off` pixels between them along a line.
    fn broken_line(&self, ink: Ink, width: u32, points: &[(i32, i32)], (on, off): (f64, f64)) {
        let mut left = on;
        let mut drawing = true;
        for pair in points.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
            let length = dx.hypot(dy);
            let mut at = 0.0;
            while at < length {
                let step = left.min(length - at);
                let point = |distance: f64| {
                    let share = distance / length;
                    (from.0 + (dx * share).round() as i32, from.1 + (dy * share).round() as i32)
                };
                if drawing {
                    self.line(ink, width, Stroke::Solid, &[point(at), point(at + step)]);
                }
                at += step;
                left -= step;
                if left <= 0.0 {
                    drawing = !drawing;
                    left = if drawing { on } else { off };
                }
            }
        }
    }

    /// Fills a rectangle with slanting lines: what was taken out.
    pub(super) fn hatch(&self, ink: Ink, (left, top): (i32, i32), (right, bottom): (i32, i32)) {
        const APART: usize = 7;
        let height = bottom - top;
        for start in (left - height..right).step_by(APART) {
            let (from, to) = (start.max(left), (start + height).min(right));
            if from < to {
                self.line(ink, 1, Stroke::Solid, &[(from, bottom - (from - start)), (to, bottom - (to - start))]);
            }
        }
        self.line(ink, 1, Stroke::Solid, &[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]);
    }

    /// Draws a filled dot.
    pub(super) fn dot(&self, ink: Ink, center: (i32, i32), radius: i32) {
        in_memory(self.area.draw(&Circle::new(center, radius, ink.color().filled())));
    }

    /// Writes text whose anchor point is `at`.
    pub(super) fn write(&self, ink: Ink, at: (i32, i32), anchor: (HPos, VPos), text: &str) {
        let color = ink.color();
        let style = TextStyle::from(("sans-serif", TEXT).into_font()).color(&color).pos(Pos::new(anchor.0, anchor.1));
        in_memory(self.area.draw(&Text::new(text.to_owned(), at, style)));
    }

    /// Draws the time axis: a faint line and a label below the plot for each tick.
    pub(super) fn time_axis(&self, frame: &Frame, ticks: &[Tick]) {
        for tick in ticks {
            let x = frame.x(tick.at);
            self.line(Ink::Grid, 1, Stroke::Solid, &[(x, frame.top), (x, frame.bottom + 4)]);
            self.write(Ink::Text, (x, frame.bottom + 9), (HPos::Center, VPos::Top), &tick.label);
        }
    }

    /// Draws the value axis: a faint line and a label left of the plot for each tick.
    pub(super) fn value_axis(&self, frame: &Frame, ticks: &[Tick]) {
        for tick in ticks {
            let y = frame.y(tick.at);
            self.line(Ink::Grid, 1, Stroke::Solid, &[(frame.left, y), (frame.right, y)]);
            self.write(Ink::Text, (frame.left - 7, y), (HPos::Right, VPos::Center), &tick.label);
        }
    }
}

/// Replaces the ink codes by CSS variables, drops the fixed size in favour of the page's, and names the picture.
fn finish(svg: &str, title: &str, description: &str, (width, height): (u32, u32)) -> String {
    let start = svg.find('>').map_or(0, |end| end + 1);
    let mut text = format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        escape(title),
        escape(description)
    );
    let mut rest = &svg[start..];
    while let Some(position) = rest.find("\"#0102") {
        let end = position + "\"#0102NN".len();
        let code = rest.get(end - 2..end).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        text.push_str(&rest[..position]);
        match code.and_then(Ink::variable) {
            Some(variable) => {
                text.push('"');
                text.push_str(&variable);
            }
            None => text.push_str(&rest[position..end]),
        }
        rest = &rest[end..];
    }
    text.push_str(rest);
    text
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inks_become_css_variables_and_nothing_else_changes() {
        let svg = sheet("a <b>", "c & d", (100, 50), |sheet| {
            sheet.fill(Ink::Bad, (0, 0), (10, 10));
            sheet.line(Ink::Line(3), 2, Stroke::Solid, &[(0, 0), (9, 9)]);
            sheet.write(Ink::Text, (5, 5), (HPos::Left, VPos::Top), "x < y");
        });
        assert!(svg.contains("var(--chart-bad)") && svg.contains("var(--chart-line-3)"), "{svg}");
        assert!(!svg.contains("#0102"), "{svg}");
        assert!(svg.contains("<title>a &lt;b&gt;</title>") && svg.contains("<desc>c &amp; d</desc>"), "{svg}");
        assert!(svg.contains("x &lt; y"), "{svg}");
        assert!(svg.trim_end().ends_with("</svg>"), "{svg}");
    }

    #[test]
    fn a_frame_counts_rows_from_the_bottom() {
        let frame = Frame { left: 10, top: 0, right: 110, bottom: 50 };
        assert_eq!((frame.x(0.5), frame.y(0.0), frame.y(1.0), frame.y(2.0)), (60, 50, 0, 0));
    }
}
