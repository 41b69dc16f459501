//! What is known of why an incident's logins failed: their signatures, and the databases' evidence of the same minutes.

use crate::audit::Round;
use crate::diagnosis::{Diagnosis, Records, evidence, signatures, wanted, wanted_snapshots};
use crate::history::History;
use crate::incident::Incident;
use crate::model::Database;
use crate::store::{Error, Store};

/// Diagnoses an incident that was found in a history, with the samples of the databases behind its flows.
///
/// # Errors
/// Whatever keeps the samples from being read or understood: nothing is left out silently.
pub async fn diagnosis(
    store: &Store,
    databases: &[Database],
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
    let signatures = signatures(history, incident, confidence);
    let (from, to) = wanted_snapshots(incident);
    let mut databases = Vec::new();
    for database in behind {
        let rounds: Vec<Round> = store.snapshots(&database.name, from, to).await?;
        let records = Records { samples: &samples, rounds: &rounds, declarations: &declarations };
        databases.push(evidence(database, &records, incident, signatures.as_ref()));
    }
    Ok(Diagnosis { signatures, databases })
}
