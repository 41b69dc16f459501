//! What is known of why an incident's logins failed: their signatures, and the databases' evidence of the same minutes.

use jiff::{SignedDuration, Timestamp};

use crate::audit::Round;
use crate::diagnosis::{Diagnosis, GroupedLogin, Records, evidence, signatures, wanted, wanted_snapshots};
use crate::history::History;
use crate::impact::Curve;
use crate::incident::Incident;
use crate::model::{Database, Population, RunKind};
use crate::store::{Columns, Error, RunFilter, Store};

/// Diagnoses an incident that was found in a history, with the samples of the databases behind its flows.
///
/// # Errors
/// Whatever keeps the samples from being read or understood: nothing is left out silently.
pub async fn diagnosis(
    store: &Store,
    databases: &[Database],
    population: &Population,
    history: &History,
    incident: &Incident,
    confidence: f64,
) -> Result<Diagnosis, Error> {
    let serves = |database: &&Database| incident.flows.iter().any(|flow| database.serves(flow));
    let behind: Vec<&Database> = databases.iter().filter(serves).collect();
    let (samples, declarations) = if behind.is_empty() {
        (Vec::new(), Vec::new())
    } else {
        let (from, to) = wanted(incident);
        (store.samples(from, to).await?, store.declarations(from, to).await?)
    };
    let mut signatures = signatures(history, incident, confidence);
    if let Some(signatures) = &mut signatures {
        let logins = logins(store, incident).await?;
        let curve = curve(population);
        let rate = |at: Timestamp| curve.as_ref().map_or(f64::NAN, |curve| per_hour(curve, at));
        let load = curve.as_ref().map(|curve| (&rate as &dyn Fn(Timestamp) -> f64, curve.source()));
        signatures.group(&logins, load.map_err(String::as_str), confidence);
    }
    let (from, to) = wanted_snapshots(incident);
    let mut databases = Vec::new();
    for database in behind {
        let rounds: Vec<Round> = store.snapshots(&database.name, from, to).await?;
        let records = Records { samples: &samples, rounds: &rounds, declarations: &declarations };
        databases.push(evidence(database, &records, incident, signatures.as_ref()));
    }
    Ok(Diagnosis { signatures, databases })
}

/// The scheduled logins of an incident, one by one: a history keeps no accounts.
async fn logins(store: &Store, incident: &Incident) -> Result<Vec<GroupedLogin>, Error> {
    // A login begins at its slot or somewhat later.
    let margin = SignedDuration::from_mins(10);
    let filter = RunFilter {
        from: incident.first_failing.checked_sub(margin).unwrap_or(Timestamp::MIN),
        to: incident.end.earliest.checked_add(SignedDuration::from_secs(1)).unwrap_or(Timestamp::MAX),
        flows: incident.flows.clone(),
        vantages: Vec::new(),
        kinds: vec![RunKind::Login],
    };
    let mut logins = Vec::new();
    store.read(&filter, Columns::Summary, &mut |row| logins.extend(GroupedLogin::of(&row.run, incident))).await?;
    Ok(logins)
}

/// The demand of the population over the week, or why it is not known.
fn curve(population: &Population) -> Result<Curve, String> {
    match &population.habits().demand {
        Some(demand) => Curve::new(demand, &[]),
        None => Err("nobody said when people sign in (`demand:` of the population), and probes do not know".to_owned()),
    }
}

/// Sign-ins per hour at an instant.
fn per_hour(curve: &Curve, at: Timestamp) -> f64 {
    // Within a minute the rate is constant but for the turn of an hour.
    let end = at.checked_add(SignedDuration::from_mins(1)).unwrap_or(at);
    curve.between(at, end).middle * 60.0
}
