//! Charts as SVG, drawn with plotters. Each takes plain numbers and labels and knows nothing of runs or objectives.
//!
//! The same input gives the same bytes: no font file is read, no clock, no random id. Colours are CSS variables with
//! the page's light and dark values; what a colour says is always said by a shape, a height, a dash or a label too.

mod burndown;
mod canvas;
mod failing;
mod heatmap;
mod scale;
mod standalone;
mod states;
mod strip;
mod weeks;
mod windows;

pub use burndown::{BurnDown, BurnPoint, FanPlace};
pub use canvas::Tick;
pub use failing::{FailingShare, ShareBin};
pub use heatmap::{HeatLine, HeatMap, HeatRow};
pub use standalone::standalone;
pub use states::{ChangeMark, StateRow, StateStretch, States};
pub use strip::{Cell, Strip, StripRow};
pub use weeks::{WeekMark, Weeks};
pub use windows::{WindowLine, Windows};

/// Any of the charts.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// The error budget over time.
    BurnDown(BurnDown),
    /// What each interval was like.
    Strip(Strip),
    /// When logins failed, and what held on databases.
    States(States),
    /// Login times.
    HeatMap(HeatMap),
    /// The worst window of each length.
    Windows(Windows),
    /// One period among its predecessors.
    Weeks(Weeks),
}

macro_rules! charts {
    ($($kind:ident),+) => {
        $(impl From<$kind> for Chart {
            fn from(chart: $kind) -> Self {
                Self::$kind(chart)
            }
        })+

        impl Chart {
            /// The chart's SVG.
            #[must_use]
            pub fn svg(&self) -> String {
                match self { $(Self::$kind(chart) => chart.svg(),)+ }
            }

            /// What the chart shows, for who cannot see it.
            #[must_use]
            pub fn description(&self) -> &str {
                match self { $(Self::$kind(chart) => &chart.description,)+ }
            }
        }
    };
}

charts!(BurnDown, Strip, States, HeatMap, Windows, Weeks);
