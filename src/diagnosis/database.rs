//! What the samples of one database say about an incident: what held, what changed, what explains it, and what was not
//! known. Everything that is claimed stands beside the findings that show it.

use std::cell::RefCell;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::audit::{Drift, Round, drift};
use crate::history::AskedSlots;
use crate::incident::Incident;
use crate::model::{Database, DatabaseName, Finding, Sample, ScheduleDeclaration};
use crate::replication::{Change, Episode, Explanation, changes, episodes, explain_failures};

use super::answered::{Answered, Answers};
use super::fit::{AlsoSeen, Failures};
use super::lag_rule::{LagRules, lag_rules};
use super::signatures::Signatures;
use super::silence::{Asked, Silence, asked, silences};

/// What one database's samples say about an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseEvidence {
    /// The database.
    pub database: DatabaseName,
    /// The cause that the findings name, or that there is none, or that too little is known; with these findings. A cause
    /// fits the incident in time and in the way that logins failed.
    pub explanation: Explanation,
    /// Grave findings that do not fit, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also_seen: Vec<AlsoSeen>,
    /// What held at some time between the incident's earliest start and its latest end, by beginning.
    pub episodes: Vec<Episode>,
    /// What changed from an hour before the incident on, by time: neighbours in time.
    pub changes: Vec<Change>,
    /// What snapshots of all settings say changed in the same hours: neighbours in time, too.
    pub drift: Vec<Drift>,
    /// How often each server was asked meanwhile, and answered.
    pub asked: Vec<Asked>,
    /// When each server answered, also in the hour before.
    #[serde(default)]
    pub answered: Vec<Answered>,
    /// When nothing was learned of a server.
    pub silences: Vec<Silence>,
    /// What the usual rules about lag would have done.
    pub lag: LagRules,
}

/// What is read before an incident: changes before it are neighbours, and what a standby was like tells whether it ever
/// connected.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
/// What is read after it: an episode that ended with it is seen to end.
const AFTER: SignedDuration = SignedDuration::from_mins(2);

/// Snapshots so far from an incident still tell what changed.
const APART: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The stretch of time whose samples [`evidence`] wants.
#[must_use]
pub fn wanted(incident: &Incident) -> (Timestamp, Timestamp) {
    let from = incident.start.earliest.checked_sub(BEFORE).unwrap_or(Timestamp::MIN);
    (from, incident.end.latest.checked_add(AFTER).unwrap_or(Timestamp::MAX))
}

/// The stretch of time whose snapshots [`evidence`] wants: they are hours apart, and it takes two to see a change.
#[must_use]
pub fn wanted_snapshots(incident: &Incident) -> (Timestamp, Timestamp) {
    let from = incident.start.earliest.checked_sub(APART).unwrap_or(Timestamp::MIN);
    (from, incident.end.latest.checked_add(APART).unwrap_or(Timestamp::MAX))
}

/// What changed between snapshots from an hour before the incident to its end.
fn drifted(rounds: &[Round], incident: &Incident) -> Vec<Drift> {
    let (from, to) = (wanted(incident).0, incident.end.latest);
    drift(rounds).into_iter().filter(|one| one.latest >= from && one.earliest <= to).collect()
}

/// What was recorded around an incident.
#[derive(Debug, Clone, Copy)]
pub struct Records<'a> {
    /// Of [`wanted`]; of any database and vantage and in any order.
    pub samples: &'a [Sample],
    /// Of [`wanted_snapshots`], of the one database.
    pub rounds: &'a [Round],
    /// What workers declared to be due in the time of the samples.
    pub declarations: &'a [ScheduleDeclaration],
}

/// Reads what was recorded of one database. `signatures` says how the incident's logins failed; `None` for slow ones.
#[must_use]
pub fn evidence(
    database: &Database,
    records: &Records<'_>,
    incident: &Incident,
    signatures: Option<&Signatures>,
) -> DatabaseEvidence {
    let mine: Vec<&Sample> = records.samples.iter().filter(|sample| sample.database == database.name).collect();
    let outer = (incident.start.earliest, incident.end.latest);
    // Between the first failing probe and the last one it surely lasted.
    let inner = (incident.first_failing, incident.end.earliest);
    let touches = |episode: &Episode| episode.from <= outer.1 && episode.until.is_none_or(|until| until >= outer.0);
    let all = episodes(database, mine.iter().copied());
    let mut slots = AskedSlots::new(records.declarations, outer.0, outer.1);
    mine.iter().for_each(|sample| slots.record(sample));
    let failures = Failures { incident, signatures, episodes: &all, samples: &mine, known: RefCell::default() };
    let unfit = |finding: &Finding| failures.unfit(finding);
    let explanation = explain_failures(database, mine.iter().copied(), inner.0, inner.1, &unfit);
    let also_seen = failures.also_seen();
    DatabaseEvidence {
        database: database.name.clone(),
        explanation,
        also_seen,
        episodes: all.into_iter().filter(touches).collect(),
        changes: changes(mine.iter().copied()).into_iter().filter(|change| change.earliest <= outer.1).collect(),
        drift: drifted(records.rounds, incident),
        asked: asked(database, &slots),
        answered: answered(database, &mine),
        silences: silences(database, &mine, outer),
        lag: lag_rules(&mine, outer),
    }
}

fn answered(database: &Database, samples: &[&Sample]) -> Vec<Answered> {
    let mut answers = Answers::new(database, SignedDuration::ZERO);
    samples.iter().for_each(|sample| answers.observe(sample));
    answers.finish()
}
