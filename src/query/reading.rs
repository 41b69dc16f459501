//! A span of a store as a history, for everything that asks what became of the slots: incidents, impact, postmortems.

use super::{Progress, count, slots_due};
use crate::history::History;
use crate::model::Revision;
use crate::slo::Period;
use crate::store::{Digest, Error, Piece, Store};

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
    let want = Digest { outcomes: true, parts: false, chosen: false };
    let mut add = |piece| {
        read += count(&piece);
        progress(read, due);
        match piece {
            Piece::Row(row) => _ = history.record(&row.run, row.login_time),
            Piece::Outcomes(series, runs) => _ = history.append(&series, &runs),
            Piece::Counted(_) | Piece::Note(_) => {}
        }
    };
    let summary = store.digest((period.start, period.end), want, &mut add).await?;
    Ok(Reading { history, data_revision: summary.revision })
}
