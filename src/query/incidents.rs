//! The incidents of a span of a store. More is read than the span: charts need a run-up, and an incident that was under
//! way at either end is followed to its own, so that it has the same name and size whatever span is asked for.

use jiff::{SignedDuration, Timestamp};

use super::{Progress, Reading, read};
use crate::history::History;
use crate::incident::{Detection, Incident, IncidentId, Rules, detect};
use crate::slo::Period;
use crate::store::{Error, Store};

/// What is read before a span, and, step by step, beyond an end at which an incident was under way.
const HOURS: [i64; 5] = [6, 24, 4 * 24, 16 * 24, 64 * 24];

/// The incidents that touch a period.
#[derive(Debug)]
pub struct Incidents {
    /// Only incidents that touch the period, each as a whole, also where it reaches beyond.
    pub detection: Detection,
    /// What they were found in: the period, its run-up, and whatever else belongs to an incident.
    pub reading: Reading,
}

/// Finds the incidents that touch a period.
///
/// # Errors
/// Whatever keeps the store from being read or understood: nothing is left out silently.
pub async fn incidents(
    store: &Store,
    period: &Period,
    rules: &Rules,
    progress: Progress<'_>,
) -> Result<Incidents, Error> {
    let (mut before, mut after) = (0, None);
    let mut known: Option<(Option<Timestamp>, Option<Timestamp>)> = None;
    loop {
        let wide = Period {
            start: moved(period.start, -HOURS[before]),
            end: moved(period.end, after.map_or(0, |step: usize| HOURS[step])),
            ..period.clone()
        };
        let reading = read(store, &wide, progress).await?;
        let mut detection = detect(&reading.history, rules);
        detection.incidents.retain(|one| one.first_failing < period.end && one.end.latest >= period.start);
        let ends = ends(&reading.history);
        let (more_before, more_after) = known.map_or((true, true), |(first, last)| (ends.0 < first, ends.1 > last));
        known = Some(ends);
        // What began in the first half of the run-up may have begun before it.
        let half = moved(wide.start, HOURS[before] / 2);
        let cut_before = more_before && detection.incidents.iter().any(|one| one.first_failing < half);
        let cut_after = more_after && detection.incidents.iter().any(|one| one.open);
        let grows_before = cut_before && before + 1 < HOURS.len();
        let grows_after = cut_after && after.is_none_or(|step| step + 1 < HOURS.len());
        if !grows_before && !grows_after {
            return Ok(Incidents { detection, reading });
        }
        before += usize::from(grows_before);
        if grows_after {
            after = Some(after.map_or(0, |step| step + 1));
        }
    }
}

/// The incident with this name, and what it was found in; `None` when there is none.
///
/// # Errors
/// As [`incidents`].
pub async fn incident(
    store: &Store,
    id: &IncidentId,
    rules: &Rules,
    progress: Progress<'_>,
) -> Result<Option<(Incident, Reading)>, Error> {
    let Some(minute) = id.minute() else { return Ok(None) };
    let (start, end) = (moved(minute, -1), moved(minute, 1));
    let period = Period { start, end, zone: "UTC".to_owned(), label: id.to_string() };
    let found = incidents(store, &period, rules, progress).await?;
    let one = found.detection.incidents.into_iter().find(|one| one.id == *id);
    Ok(one.map(|one| (one, found.reading)))
}

/// The first and the last slot with a run.
fn ends(history: &History) -> (Option<Timestamp>, Option<Timestamp>) {
    let slots = |ledger: &crate::history::Ledger| -> Option<(Timestamp, Timestamp)> {
        let mut slots = ledger.all().map(|outcome| outcome.slot);
        let first = slots.next()?;
        Some((first, slots.last().unwrap_or(first)))
    };
    let each: Vec<_> = history.ledgers().filter_map(|(_, ledger)| slots(ledger)).collect();
    (each.iter().map(|ends| ends.0).min(), each.iter().map(|ends| ends.1).max())
}

fn moved(at: Timestamp, hours: i64) -> Timestamp {
    let end = if hours < 0 { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(SignedDuration::from_hours(hours)).unwrap_or(end)
}
