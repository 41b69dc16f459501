//! What the databases behind the logins were set to in a period, from the snapshots that were kept.

use jiff::{SignedDuration, Timestamp};

use super::Question;
use crate::audit::{Round, audit_history, drift};
use crate::report::model::AuditReport;
use crate::store::{Error, Store};

/// Snapshots so long before the period say what its first one is held against, and since when a finding holds.
const EARLIER: SignedDuration = SignedDuration::from_hours(35 * 24);

/// One per database of which a snapshot was kept by the end of the period, in their configured order.
///
/// # Errors
/// Whatever keeps the store from being read or understood.
pub(super) async fn audits(store: &Store, question: &Question<'_>) -> Result<Vec<AuditReport>, Error> {
    let period = question.period;
    let from = period.start.checked_sub(EARLIER).unwrap_or(Timestamp::MIN);
    let mut all = Vec::new();
    for database in question.databases {
        let rounds: Vec<Round> = store.snapshots(&database.name, from, period.end).await?;
        let terms = question.audit_terms.get(&database.name).cloned().unwrap_or_default();
        let Some(audit) = audit_history(database, &rounds, &terms, Some(period.start)) else { continue };
        let snapshots = rounds.iter().filter(|round| round.taken >= period.start).count() as u64;
        // A change belongs to the period whose snapshot shows it first: the report before could not know of it.
        let drift = drift(&rounds).into_iter().filter(|one| one.latest >= period.start).collect();
        all.push(AuditReport { audit, snapshots, drift });
    }
    Ok(all)
}
