//! The whole read path: store to report model. Knows no command line and no rendering.

mod audits;
mod context;
mod daily;
mod databases;
mod diagnosis;
mod incidents;
mod outlook;
mod past;
mod publish;
mod reading;

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{
    AuditTerms, Database, DatabaseName, DetectionRules, Exclusion, Objective, Policy, Population, ScheduleDeclaration,
};
use crate::report::ReportModel;
use crate::report::build::{Builder, Inputs};
use crate::report::model::Bins;
use crate::slo::Period;
use crate::store::{CELL, Columns, Digest, Error, Piece, Row, RunFilter, Store};

pub use daily::{Stretch, daily, stretches};
pub use diagnosis::diagnosis;
pub use incidents::{Incidents, incident, incidents};
use past::Past;
pub use publish::{Publication, publish, published};
pub use reading::{Reading, read};

/// What is asked of a store.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The site's or service's name.
    pub site: &'a str,
    /// The span of all tables and charts: it must hold every objective's period.
    pub period: &'a Period,
    /// Slots are due until here: see [`Inputs::until`].
    pub until: Timestamp,
    /// The objectives, each with the period in its own zone.
    pub objectives: &'a [(Objective, Period)],
    /// Who the users are.
    pub population: &'a Population,
    /// The rules.
    pub policy: &'a Policy,
    /// How incidents are found.
    pub detection: &'a DetectionRules,
    /// The databases behind the flows.
    pub databases: &'a [Database],
    /// What their audit is held against beside its rules.
    pub audit_terms: &'a BTreeMap<DatabaseName, AuditTerms>,
    /// Exclusions to try, beside those that the store holds.
    pub tried: &'a [Exclusion],
    /// The program and version, and the command that makes the report again.
    pub generated_from: &'a str,
}

/// How far the reading is: runs read, and slots due in the period, as far as declared.
pub type Progress<'a> = &'a mut (dyn FnMut(u64, u64) + Send);

/// Reads what a store holds of a period and makes the report of it.
///
/// # Errors
/// Whatever keeps the store from being read or understood: a report leaves nothing out silently.
pub async fn report(store: &Store, question: &Question<'_>, progress: Progress<'_>) -> Result<ReportModel, Error> {
    let period = question.period;
    let declarations = store.declarations(period.start, period.end).await?;
    let mut exclusions = store.exclusions(period.start, period.end).await?;
    exclusions.extend_from_slice(question.tried);
    let due = slots_due(&declarations, period);
    let (context, past) = context::context(store, question).await?;
    let mut builder = Builder::new(Inputs {
        site: question.site,
        period,
        until: question.until,
        objectives: question.objectives,
        declarations: &declarations,
        population: question.population,
        policy: question.policy,
        exclusions: &exclusions,
        generated_from: question.generated_from,
        context: &context,
    });
    let span = (period.start, period.end);
    let mut read = 0;
    let summary = if told_by_cells(&builder) {
        let want = Digest { outcomes: true, parts: true, chosen: false };
        let mut add = |piece| {
            read += count(&piece);
            progress(read, due);
            match piece {
                Piece::Row(row) => builder.add(&row.run),
                Piece::Note(row) => builder.note(&row.run),
                Piece::Outcomes(series, runs) => builder.add_outcomes(&series, &runs),
                Piece::Counted(block) => builder.add_parts(&block.series, &block.parts),
            }
        };
        store.digest(span, want, &mut add).await?
    } else {
        let mut add = |row: Row| {
            builder.add(&row.run);
            read += 1;
            progress(read, due);
        };
        store.read(&RunFilter::between(span.0, span.1), Columns::Timings, &mut add).await?
    };
    let mut model = builder.finish(summary.revision.as_str());
    outlook::add(&mut model, &past, &summary.revision);
    Ok(model)
}

/// Whether no cell of what the store counted would lie in two parts of a time axis.
fn told_by_cells(builder: &Builder<'_>) -> bool {
    let fits = |Bins { start, width, .. }: Bins| {
        start.as_microsecond() % CELL == 0 && width.0.is_multiple_of(CELL.unsigned_abs())
    };
    builder.axes().all(fits)
}

/// The runs of a piece.
fn count(piece: &Piece) -> u64 {
    match piece {
        Piece::Row(_) => 1,
        Piece::Outcomes(_, runs) => runs.len() as u64,
        Piece::Counted(_) | Piece::Note(_) => 0,
    }
}

/// Roughly how many runs to expect: a declaration that another one replaces is counted to the end.
fn slots_due(declarations: &[ScheduleDeclaration], period: &Period) -> u64 {
    let due = |said: &ScheduleDeclaration| -> u64 {
        let from = said.from.max(period.start);
        said.flows.iter().map(|flow| flow.schedule.count(&said.vantage, from, period.end)).sum()
    };
    declarations.iter().map(due).sum()
}
