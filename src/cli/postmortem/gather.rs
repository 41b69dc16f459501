//! What is known of an incident, from the store: what was measured, noted and estimated.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::clock::Clock;
use crate::config::Site;
use crate::incident::{Incident, IncidentId, RuleName, RuleQuality, Rules, quality};
use crate::model::{Micros, NotedEvent, Revision, chain};
use crate::postmortem::evidence::{Evidence, Rival};
use crate::postmortem::people;
use crate::postmortem::surroundings::Surroundings;
use crate::query;
use crate::slo::Period;
use crate::store::Store;

use super::super::report::{open, settled};
use super::super::{CommandError, Exit, impact, incidents};

/// Events this long before the earliest start and after the latest end belong to the incident.
const AROUND: SignedDuration = SignedDuration::from_hours(24);

/// How far around an incident that is not there others are named.
const NEAR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What is known, and the stamp of the runs.
pub(super) struct Gathered {
    pub(super) evidence: Evidence,
    pub(super) data_revision: Revision,
}

/// Reads what is known of an incident; `more` are events that the store does not hold.
///
/// # Errors
/// With [`Exit::Store`] when the store cannot be read, with [`Exit::Usage`] when it holds no such incident.
pub(super) async fn gather(site: &Site, id: &IncidentId, more: Vec<NotedEvent>) -> Result<Gathered, CommandError> {
    let store = open(site)?;
    let rules = incidents::rules(site);
    let (bar, mut progress) = incidents::terminal_progress();
    let found = query::incident(&store, id, &rules, &mut progress).await;
    bar.finish_and_clear();
    let Some((incident, found)) = found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))? else {
        return Err(unknown(&store, id, &rules).await?);
    };
    let linked = linked(&store, &incident, &rules).await?;
    let events = events(&store, &incident, more).await?;
    let rivals = rivals(&incident, &found, &rules);
    let slow_from = incident.flows.first().and_then(|flow| rules.slow_threshold(flow));
    let reading = found.reading;
    let surroundings = Surroundings::of(&incident, &reading.history, &found.detection.background, slow_from);
    let zone = site.objectives.first().map_or(TimeZone::UTC, |objective| objective.zone.clone());
    let until = settled(site, Clock::system().now());
    let impact = impact::of_incident(&store, site, &incident, &[], &zone, until).await?;
    let diagnosis = Some(incidents::diagnosed(&store, site, &reading, &incident).await?);
    let (people, budgets) = (people::people(&impact), people::budgets(&impact));
    let clauses = site.policy.clauses.clone();
    Ok(Gathered {
        evidence: Evidence { incident, linked, rivals, events, people, budgets, clauses, diagnosis, surroundings },
        data_revision: reading.data_revision,
    })
}

/// When the usual rules would have paged for this incident, replayed over the same probes.
fn rivals(incident: &Incident, found: &query::Incidents, rules: &Rules) -> Vec<Rival> {
    let history = &found.reading.history;
    let replayed = quality(history, &found.detection, rules, history.period());
    let others = replayed.rules.iter().filter(|rule| rule.rule != RuleName::Ours);
    let rival = |rule: &RuleQuality| {
        let known = rule.delays.iter().find(|one| one.incident == incident.id)?;
        let later = |delay: Micros| SignedDuration::from_micros(i64::try_from(delay.0).unwrap_or(i64::MAX));
        let paged = known.delay.map(|delay| moved(incident.first_failing, later(delay)));
        Some(Rival { name: rule.rule.title().to_owned(), paged })
    };
    others.filter_map(rival).collect()
}

/// The incident of slow logins before failing ones, or the other way round.
async fn linked(store: &Store, incident: &Incident, rules: &Rules) -> Result<Option<Incident>, CommandError> {
    let Some(id) = &incident.linked else { return Ok(None) };
    let found = query::incident(store, id, rules, &mut |_, _| {}).await;
    Ok(found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?.map(|(linked, _)| linked))
}

/// The noted events around an incident, those of the store and others, each once, by time.
async fn events(store: &Store, incident: &Incident, more: Vec<NotedEvent>) -> Result<Vec<NotedEvent>, CommandError> {
    let from = moved(incident.start.earliest, -AROUND);
    let to = moved(incident.end.latest, AROUND);
    let stored = store.events(from, to).await.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let mut all = stored;
    for event in more {
        if !all.iter().any(|known| known.at == event.at && known.kind == event.kind && known.text == event.text) {
            all.push(event);
        }
    }
    all.sort_by(|a, b| (a.at, a.kind, &a.text).cmp(&(b.at, b.kind, &b.text)));
    Ok(all)
}

fn moved(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(at)
}

/// The message for an incident that is not there: those that are near in time.
async fn unknown(store: &Store, id: &IncidentId, rules: &Rules) -> Result<CommandError, CommandError> {
    let lost = |message: String| CommandError::new(Exit::Usage, message);
    let Some(minute) = id.minute() else {
        return Ok(lost(format!("there is no incident {id}: its name holds no date of the calendar")));
    };
    let (start, end) = (moved(minute, -NEAR), moved(minute, NEAR));
    let period = Period { start, end, zone: "UTC".to_owned(), label: id.to_string() };
    let (bar, mut progress) = incidents::terminal_progress();
    let found = query::incidents(store, &period, rules, &mut progress).await;
    bar.finish_and_clear();
    let found = found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let mut near: Vec<&Incident> = found.detection.incidents.iter().collect();
    near.sort_by_key(|incident| incident.first_failing.as_microsecond().abs_diff(minute.as_microsecond()));
    let names: Vec<String> = near.iter().take(5).map(|incident| format!("\n  {}", incident.id)).collect();
    Ok(lost(if names.is_empty() {
        format!("there is no incident {id}, and none within a week of it")
    } else {
        format!("there is no incident {id}; nearest in time are:{}", names.concat())
    }))
}
