//! The incidents of a span of a store. Charts begin anew in each week of the calendar: whole weeks are read, each with its
//! run-up, and where an incident crosses into them or out of them, the weeks beside them too. So an incident has the same
//! name and size whatever span is asked for.

use jiff::{SignedDuration, Timestamp};

use super::{Progress, Reading, read};
use crate::incident::{Block, Detection, Incident, IncidentId, Rules, detect_since};
use crate::slo::Period;
use crate::store::{Error, Store};

/// Weeks that are read beyond each end of a span at most: an incident that lasts longer than a quarter of a year is told
/// from there on.
const MOST_WEEKS: usize = 13;
/// What begins so shortly after the first instant that is read, or ends so shortly before the last one, may belong to
/// what lies beyond.
const NEAR: SignedDuration = SignedDuration::from_hours(1);

/// The incidents that touch a period.
#[derive(Debug)]
pub struct Incidents {
    /// Only incidents that touch the period, each as a whole, also where it reaches beyond; the background and the charts
    /// of the period's last week with runs.
    pub detection: Detection,
    /// What they were found in: the weeks of the period, their run-up, and whatever else belongs to an incident.
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
    let zone = &rules.zone;
    let last_instant = period.end.checked_sub(SignedDuration::from_micros(1)).unwrap_or(period.end);
    let (mut first, mut last) = (Block::of(period.start, zone), Block::of(last_instant, zone));
    let (mut before, mut after) = (MOST_WEEKS, MOST_WEEKS);
    loop {
        let wide = Period { start: first.read_from(), end: last.end, ..period.clone() };
        let reading = read(store, &wide, progress).await?;
        let mut detection = detect_since(&reading.history, rules, first.start);
        let touches = |one: &Incident| one.first_failing < period.end && one.end.latest >= period.start;
        let reaches_in = |one: &Incident| one.start.earliest < moved(first.start, NEAR);
        let reaches_out = |one: &Incident| touches(one) && (one.open || one.end.latest >= moved(last.end, -NEAR));
        let (mut earlier, mut later) = (None, None);
        if before > 0 && detection.incidents.iter().any(reaches_in) {
            let week = first.before(zone);
            let unread = (week.read_from(), first.read_from());
            earlier = holds_runs(store, period, unread, progress).await?.then_some(week);
            before = if earlier.is_some() { before - 1 } else { 0 };
        }
        if after > 0 && detection.incidents.iter().any(reaches_out) {
            let week = last.after(zone);
            later = holds_runs(store, period, (last.end, week.end), progress).await?.then_some(week);
            after = if later.is_some() { after - 1 } else { 0 };
        }
        if earlier.is_none() && later.is_none() {
            let told = Block::of(last_instant, zone).start;
            let newest = detection.background.iter().map(|one| one.week).filter(|&week| week <= told).max();
            detection.background.retain(|one| Some(one.week) == newest);
            detection.incidents.retain(touches);
            return Ok(Incidents { detection, reading });
        }
        (first, last) = (earlier.unwrap_or(first), later.unwrap_or(last));
    }
}

/// Whether anything was recorded between two instants.
async fn holds_runs(
    store: &Store,
    period: &Period,
    (start, end): (Timestamp, Timestamp),
    progress: Progress<'_>,
) -> Result<bool, Error> {
    if start >= end {
        return Ok(false);
    }
    let reading = read(store, &Period { start, end, ..period.clone() }, progress).await?;
    Ok(reading.history.ledgers().any(|(_, ledger)| !ledger.is_empty()))
}

/// The incident with this name, and all that was found beside it; `None` when there is none.
///
/// # Errors
/// As [`incidents`].
pub async fn incident(
    store: &Store,
    id: &IncidentId,
    rules: &Rules,
    progress: Progress<'_>,
) -> Result<Option<(Incident, Incidents)>, Error> {
    let Some(minute) = id.minute() else { return Ok(None) };
    let end = moved(minute, SignedDuration::from_hours(1));
    let period = Period { start: minute, end, zone: "UTC".to_owned(), label: id.to_string() };
    let found = incidents(store, &period, rules, progress).await?;
    let one = found.detection.incidents.iter().find(|one| one.id == *id).cloned();
    Ok(one.map(|one| (one, found)))
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX })
}
