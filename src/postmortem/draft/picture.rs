//! The failing share over time as a picture of its own: minutes put together where the incident is long.

use jiff::Timestamp;

use super::Inputs;
use super::summary::verb;
use crate::incident::{Incident, Minute};
use crate::model::Micros;
use crate::report::chart::{FailingShare, ShareBin, standalone};
use crate::report::format::{instant, span};
use crate::report::ticks;
use crate::slo::wilson;

/// More bins than this cannot be told apart.
const MOST: usize = 160;
/// Minutes in a bin.
const WIDTHS: [usize; 8] = [1, 2, 5, 10, 15, 30, 60, 360];

/// The picture.
pub(super) fn svg(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let (minutes, width) = (&incident.minutes, width(incident));
    let (start, end) = ends(incident);
    let bins = minutes.chunks(width).map(|minutes| bin(minutes, inputs.confidence)).collect();
    let each = span(Micros(width as u64 * 60_000_000));
    let verb = verb(incident);
    let chart = FailingShare {
        title: format!("Share of logins that {verb}, incident {}", incident.id),
        description: format!(
            "From {} to {}, {each} per point, with the Wilson band. The rows are in {}.",
            instant(start, inputs.zone),
            instant(end, inputs.zone),
            super::ROWS
        ),
        ticks: ticks::between(start, end, inputs.zone),
        legend: format!("share of logins that {verb}, {each} each, {}", inputs.zone),
        bins,
    };
    standalone(&chart.svg())
}

/// Minutes in a bin.
fn width(incident: &Incident) -> usize {
    let minutes = incident.minutes.len();
    WIDTHS.into_iter().find(|width| minutes <= width * MOST).unwrap_or(minutes.div_ceil(MOST))
}

/// The time axis.
pub(super) fn ends(incident: &Incident) -> (Timestamp, Timestamp) {
    let width = width(incident);
    let start = incident.minutes.first().map_or(incident.first_failing, |minute| minute.start);
    let minutes = incident.minutes.len().div_ceil(width) * width;
    let end = start.as_microsecond().saturating_add(minutes as i64 * 60_000_000);
    (start, Timestamp::from_microsecond(end).unwrap_or(start))
}

fn bin(minutes: &[Minute], confidence: f64) -> Option<ShareBin> {
    let (n, failing) = minutes.iter().fold((0, 0), |(n, failing), minute| (n + minute.n, failing + minute.failing));
    let interval = wilson(n, failing, confidence)?;
    Some(ShareBin { share: failing as f64 / n as f64, interval })
}
