//! The failing share over time as a picture of its own, an hour before and after it included where that is known;
//! minutes put together where the incident is long.

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
    let around = &inputs.evidence.surroundings;
    let minutes = if around.tells_failures(incident) { around.minutes() } else { incident.minutes.clone() };
    let width = width(&minutes);
    let (start, end) = axis(&minutes, incident);
    let bins = minutes.chunks(width).map(|minutes| bin(minutes, inputs.confidence)).collect();
    let each = span(Micros(width as u64 * 60_000_000));
    let verb = verb(incident);
    let chart = FailingShare {
        title: format!("Share of logins that {verb}, incident {}", incident.id),
        description: format!(
            "From {} to {}, {each} per point, with the Wilson band. The incident began by {} and ended by {}. Its rows are in {}.",
            instant(start, inputs.zone),
            instant(end, inputs.zone),
            instant(incident.start.latest, inputs.zone),
            if incident.open {
                "an unknown time: it is open".to_owned()
            } else {
                instant(incident.end.latest, inputs.zone)
            },
            super::ROWS
        ),
        ticks: ticks::between(start, end, inputs.zone),
        legend: format!("share of logins that {verb}, {each} each, {}", inputs.zone),
        bins,
    };
    standalone(&chart.svg())
}

/// Minutes in a bin.
fn width(minutes: &[Minute]) -> usize {
    let minutes = minutes.len();
    WIDTHS.into_iter().find(|width| minutes <= width * MOST).unwrap_or(minutes.div_ceil(MOST))
}

/// The time axis of the incident itself.
pub(super) fn ends(incident: &Incident) -> (Timestamp, Timestamp) {
    axis(&incident.minutes, incident)
}

/// The time axis over these minutes, in whole bins.
fn axis(minutes: &[Minute], incident: &Incident) -> (Timestamp, Timestamp) {
    let width = width(minutes);
    let start = minutes.first().map_or(incident.first_failing, |minute| minute.start);
    let minutes = minutes.len().div_ceil(width) * width;
    let end = start.as_microsecond().saturating_add(minutes as i64 * 60_000_000);
    (start, Timestamp::from_microsecond(end).unwrap_or(start))
}

fn bin(minutes: &[Minute], confidence: f64) -> Option<ShareBin> {
    let (n, failing) = minutes.iter().fold((0, 0), |(n, failing), minute| (n + minute.n, failing + minute.failing));
    let interval = wilson(n, failing, confidence)?;
    Some(ShareBin { share: failing as f64 / n as f64, interval })
}
