//! Publishing: a report becomes the next revision of its period in the store, when it says anything new (F19).

use crate::report::revision::{Difference, PublishedReport, differences};
use crate::slo::Period;
use crate::store::{Error, ReportKey, Store};

/// What publishing came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Publication {
    /// The newest revision, which this one is, says the same: nothing was written.
    Same(PublishedReport),
    /// The first one of its period.
    First(PublishedReport),
    /// A new revision, and what it says otherwise than the one before.
    Restated {
        /// The one before.
        before: Box<PublishedReport>,
        /// The new one.
        after: PublishedReport,
        /// Never empty.
        differences: Vec<Difference>,
    },
}

/// The published reports of a period, the first one first.
///
/// # Errors
/// When the store cannot be read or holds what is not understood.
pub async fn published(store: &Store, period: &Period) -> Result<Vec<PublishedReport>, Error> {
    let numbered = store.registered_reports(&ReportKey::series(period)).await?;
    Ok(numbered.into_iter().map(|(number, report)| PublishedReport { number, ..report }).collect())
}

/// Registers a report under the next number of its period, unless the newest one says the same. Who loses a number to
/// somebody else compares again and takes the next: no revision is ever overwritten.
///
/// # Errors
/// When the store cannot be read or written, or holds what is not understood.
pub async fn publish(store: &Store, report: PublishedReport) -> Result<Publication, Error> {
    loop {
        let before = published(store, &report.period).await?.pop();
        let told = before.as_ref().map(|before| differences(before, &report));
        let number = before.as_ref().map_or(1, |before| before.number.saturating_add(1));
        let after = PublishedReport { number, ..report.clone() };
        let publication = match (before, told) {
            (Some(before), Some(told)) if told.is_empty() => return Ok(Publication::Same(before)),
            (Some(before), Some(differences)) => {
                Publication::Restated { before: Box::new(before), after: after.clone(), differences }
            }
            _ => Publication::First(after.clone()),
        };
        let key = ReportKey { series: ReportKey::series(&report.period), number };
        if store.register_report(&key, &after).await? {
            return Ok(publication);
        }
    }
}
