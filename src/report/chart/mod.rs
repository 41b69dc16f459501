//! Charts as SVG, drawn with plotters. Each takes plain numbers and labels and knows nothing of runs or objectives.
//!
//! The same input gives the same bytes: no font file is read, no clock, no random id. Colours are CSS variables with
//! the page's light and dark values; what a colour says is always said by a shape, a height, a dash or a label too.

mod burndown;
mod canvas;
mod heatmap;
mod percentiles;
mod strip;

pub use burndown::{BurnDown, BurnPoint};
pub use canvas::Tick;
pub use heatmap::{HeatMap, HeatRow};
pub use percentiles::{LatencyLine, LatencyLines};
pub use strip::{Cell, Strip, StripRow};
