//! What the databases behind the logins said in a period. Samples are many: they are read some hours at a time.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Incidents, Question, diagnosis};
use crate::diagnosis::{Answers, Asked, Diagnosis, Signatures, asked};
use crate::history::AskedSlots;
use crate::incident::Incident;
use crate::model::{Answer, Database, DatabaseName, Sample, ServerName};
use crate::replication::{Change, Chronicle, changes};
use crate::report::model::{DatabaseReport, IncidentEvidence};
use crate::store::{Error, Store};

/// What is read at once: a sample a second of two servers from three places is 130,000 of them.
const SPAN: SignedDuration = SignedDuration::from_hours(6);

/// One report per configured database; none, and nothing read, without one.
///
/// # Errors
/// Whatever keeps the store from being read or understood.
pub(super) async fn databases(
    store: &Store,
    question: &Question<'_>,
    found: &Incidents,
) -> Result<Vec<DatabaseReport>, Error> {
    if question.databases.is_empty() {
        return Ok(Vec::new());
    }
    let period = question.period;
    // No chart of the period shows less.
    let least = period.end.duration_since(period.start) / 1_000;
    let mut told: Vec<Told<'_>> = question.databases.iter().map(|database| Told::new(database, least)).collect();
    let due_until = question.until.clamp(period.start, period.end);
    let mut slots = AskedSlots::new(&store.declarations(period.start, due_until).await?, period.start, due_until);
    let mut from = period.start;
    while from < period.end {
        let to = from.checked_add(SPAN).unwrap_or(Timestamp::MAX).min(period.end);
        let mut samples = store.samples(from, to).await?;
        samples.sort_by_key(|sample| sample.started);
        samples.iter().for_each(|sample| slots.record(sample));
        for one in &mut told {
            one.take(&samples);
        }
        from = to;
    }
    let mut incidents: BTreeMap<DatabaseName, Vec<IncidentEvidence>> = BTreeMap::new();
    for incident in &found.detection.incidents {
        let (history, confidence) = (&found.reading.history, question.policy.confidence);
        let said = diagnosis(store, question.databases, question.population, history, incident, confidence).await?;
        for (database, evidence) in of_incident(incident, said) {
            incidents.entry(database).or_default().push(evidence);
        }
    }
    let report = |one: Told<'_>| {
        let incidents = incidents.remove(&one.database.name).unwrap_or_default();
        let asked = asked(one.database, &slots);
        one.report(asked, incidents)
    };
    Ok(told.into_iter().map(report).collect())
}

fn of_incident(incident: &Incident, said: Diagnosis) -> Vec<(DatabaseName, IncidentEvidence)> {
    let failures = said.signatures.as_ref().map(Signatures::sentence).unwrap_or_default();
    let row = |evidence: crate::diagnosis::DatabaseEvidence| {
        let database = evidence.database.clone();
        (database, IncidentEvidence { incident: incident.id.clone(), failures: failures.clone(), evidence })
    };
    said.databases.into_iter().map(row).collect()
}

/// What one database said so far.
struct Told<'a> {
    database: &'a Database,
    chronicle: Chronicle,
    answers: Answers,
    changes: Vec<Change>,
    /// The last answer of each server: a change may lie between two readings.
    last: BTreeMap<ServerName, Sample>,
}

impl<'a> Told<'a> {
    /// Silences of `least` and shorter are not told.
    fn new(database: &'a Database, least: SignedDuration) -> Self {
        Self {
            database,
            chronicle: Chronicle::new(database),
            answers: Answers::new(database, least),
            changes: Vec::new(),
            last: BTreeMap::new(),
        }
    }

    /// Takes samples in the order of their start, of any database.
    fn take(&mut self, samples: &[Sample]) {
        let database = self.database;
        let mine = || samples.iter().filter(|sample| sample.database == database.name);
        let before: Vec<Sample> = self.last.values().cloned().collect();
        self.changes.extend(changes(before.iter().chain(mine())));
        for sample in mine() {
            self.chronicle.observe(sample);
            self.answers.observe(sample);
            if matches!(sample.answer, Answer::Facts(_)) {
                self.last.insert(sample.server.clone(), sample.clone());
            }
        }
    }

    fn report(self, asked: Vec<Asked>, incidents: Vec<IncidentEvidence>) -> DatabaseReport {
        DatabaseReport {
            database: self.database.name.clone(),
            flows: self.database.flows.clone(),
            asked,
            answered: self.answers.finish(),
            episodes: self.chronicle.finish(),
            changes: self.changes,
            incidents,
        }
    }
}
