//! A span of a store as a history, for everything that asks what became of the slots: incidents, impact, postmortems.

use super::{Progress, slots_due};
use crate::history::History;
use crate::model::Revision;
use crate::slo::Period;
use crate::store::{Columns, Error, RunFilter, Store};

/// What a store holds of a period.
#[derive(Debug)]
pub struct Reading {
    /// What became of every slot.
    pub history: History,
    /// The stamp of the runs: equal for equal runs.
    pub data_revision: Revision,
}

/// Reads what became of every slot of a period; steps and hops are not read.
///
/// # Errors
/// Whatever keeps the store from being read or understood: nothing is left out silently.
pub async fn read(store: &Store, period: &Period, progress: Progress<'_>) -> Result<Reading, Error> {
    let declarations = store.declarations(period.start, period.end).await?;
    let due = slots_due(&declarations, period);
    let mut history = History::new(&declarations, period);
    let mut read = 0;
    let summary = store
        .read(&RunFilter::between(period.start, period.end), Columns::Summary, &mut |row| {
            history.record(&row.run, row.login_time);
            read += 1;
            progress(read, due);
        })
        .await?;
    Ok(Reading { history, data_revision: summary.revision })
}
