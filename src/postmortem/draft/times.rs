//! Login times around the incident as a picture: how long the good logins took, and those that a limit cut off in a band
//! of their own, since nobody knows how long they would have taken.

use jiff::Timestamp;

use super::Inputs;
use crate::model::Micros;
use crate::postmortem::surroundings::{Fate, Login};
use crate::report::chart::{HeatMap, HeatRow, standalone};
use crate::report::format::instant;
use crate::report::ticks;

/// Columns of the picture.
const COLUMNS: usize = 120;
const MINUTE: i64 = 60_000_000;
/// Bands of a decade.
const PER_DECADE: f64 = 8.0;

/// The picture; `None` without any login whose time is known.
pub(super) fn svg(inputs: &Inputs<'_>) -> Option<String> {
    let logins = &inputs.evidence.surroundings.logins;
    let took = || logins.iter().filter_map(|login| if let Fate::Good(took) = login.fate { Some(took) } else { None });
    let (shortest, longest) = (band(took().min()?), band(took().max()?));
    let axis = Axis::over(logins)?;
    let mut counts = vec![vec![0; axis.columns]; (longest - shortest + 1) as usize];
    let mut unfinished = vec![0; axis.columns];
    for login in logins {
        match login.fate {
            Fate::Good(took) => counts[(band(took) - shortest) as usize][axis.column(login.at)] += 1,
            Fate::TimedOut => unfinished[axis.column(login.at)] += 1,
            Fate::Failed => {}
        }
    }
    let rows = counts.into_iter().zip(shortest..).map(|(counts, band)| HeatRow { label: label(band), counts });
    let chart = HeatMap {
        title: format!("Login times around incident {}", inputs.evidence.incident.id),
        description: format!(
            "How many good logins took how long, from {} to {}; {} logins that a limit cut off stand above.",
            instant(axis.start, inputs.zone),
            instant(axis.end, inputs.zone),
            unfinished.iter().sum::<u64>()
        ),
        ticks: ticks::between(axis.start, axis.end, inputs.zone),
        rows: rows.collect(),
        unfinished,
        lines: Vec::new(),
        threshold: None,
    };
    Some(standalone(&chart.svg()))
}

/// The time axis in whole minutes.
struct Axis {
    start: Timestamp,
    end: Timestamp,
    columns: usize,
    /// Microseconds.
    width: i64,
}

impl Axis {
    fn over(logins: &[Login]) -> Option<Self> {
        let start = logins.first()?.at.as_microsecond().div_euclid(MINUTE) * MINUTE;
        let minutes = (logins.last()?.at.as_microsecond() - start) / MINUTE + 1;
        let width = minutes.div_euclid(COLUMNS as i64) + i64::from(minutes % COLUMNS as i64 > 0);
        let columns = (minutes.div_euclid(width) + i64::from(minutes % width > 0)) as usize;
        let end = start + columns as i64 * width * MINUTE;
        let at = |micros| Timestamp::from_microsecond(micros).ok();
        Some(Self { start: at(start)?, end: at(end)?, columns, width: width * MINUTE })
    }

    fn column(&self, at: Timestamp) -> usize {
        ((at.as_microsecond() - self.start.as_microsecond()) / self.width) as usize
    }
}

/// The band of a login time on a logarithmic axis.
fn band(took: Micros) -> i32 {
    (PER_DECADE * (took.0.max(10) as f64).log10()).floor() as i32
}

/// The lower edge of every fourth band.
fn label(band: i32) -> String {
    if band % 4 == 0 {
        Micros(10_f64.powf(f64::from(band) / PER_DECADE).round() as u64).to_string()
    } else {
        String::new()
    }
}
