//! `doorstep report --publish` and `--published`: the revisions of a period that has ended, and what each changed.

use jiff::Timestamp;

use crate::model::chain;
use crate::query::{self, Publication};
use crate::report::ReportModel;
use crate::report::format;
use crate::report::revision::{Difference, PublishedReport, differences, summary};
use crate::slo::Period;
use crate::store::{Error, Store};

use super::author::Author;
use super::{CommandError, Exit, print};

const PROGRAM: &str = concat!("doorstep ", env!("CARGO_PKG_VERSION"));

/// What the command line says of publishing.
#[derive(Debug, clap::Args)]
pub(super) struct PublishArgs {
    /// Register the report in the store as the next revision of its period, and show what changed. Without --out, only
    /// that is printed. The period must have ended.
    #[arg(long)]
    pub(super) publish: bool,
    /// List the published revisions of the period and what each changed; make no report.
    #[arg(long, conflicts_with_all = ["publish", "out", "format", "fail_on_missed"])]
    pub(super) published: bool,
    /// Who publishes; DOORSTEP_AUTHOR, else the account that runs the command.
    #[arg(long, value_name = "NAME", requires = "publish")]
    pub(super) author: Option<String>,
}

/// Refuses a period whose last runs may not be recorded yet: `settled` is until when all of them are.
///
/// # Errors
/// With [`Exit::Usage`].
pub(super) fn closed(period: &Period, settled: Timestamp) -> Result<(), CommandError> {
    if period.end <= settled {
        return Ok(());
    }
    let (label, end) = (&period.label, format::instant(period.end, &period.zone));
    let message = format!(
        "{label} is not over: it ends at {end}, and its last runs are recorded a little later; publish it then, or make \
         the report without --publish"
    );
    Err(CommandError::new(Exit::Usage, message))
}

/// Registers the report, and says what came of it.
///
/// # Errors
/// With [`Exit::Store`].
pub(super) async fn publish(
    store: &Store,
    model: &ReportModel,
    author: &Author,
    now: Timestamp,
) -> Result<(), CommandError> {
    let report = PublishedReport::of(model, now, &author.name, PROGRAM);
    let label = report.period.label.clone();
    let text = match query::publish(store, report).await.map_err(|error| failed(&error))? {
        Publication::Same(newest) => format!(
            "{label}: nothing new; revision {} of {} says the same, and nothing was written\n",
            newest.number,
            format::instant(newest.made_at, &newest.period.zone),
        ),
        Publication::First(first) => format!("{label}: published as revision {}\n{}", first.number, figures(&first)),
        Publication::Restated { before, after, differences } => format!(
            "{label}: published as revision {}; against revision {} of {} by {}:\n{}",
            after.number,
            before.number,
            format::instant(before.made_at, &before.period.zone),
            before.author,
            lines(&differences),
        ),
    };
    if author.origin != "--author" {
        print::note(&format!("author: {} (from {}; --author says otherwise)", author.name, author.origin));
    }
    print::out(&text);
    Ok(())
}

/// Shows the revisions of a period: the first one's figures, then what each changed.
///
/// # Errors
/// With [`Exit::Store`].
pub(super) async fn list(store: &Store, period: &Period) -> Result<(), CommandError> {
    let revisions = query::published(store, period).await.map_err(|error| failed(&error))?;
    if revisions.is_empty() {
        print::note(&format!("nothing is published of {} ({}): see --publish", period.label, period.zone));
    }
    let mut before: Option<&PublishedReport> = None;
    for revision in &revisions {
        let told = before.map_or_else(|| figures(revision), |before| lines(&differences(before, revision)));
        print::out(&format!("{}\n{told}", head(revision)));
        before = Some(revision);
    }
    Ok(())
}

fn head(revision: &PublishedReport) -> String {
    let made = format::instant(revision.made_at, &revision.period.zone);
    let PublishedReport { number, author, program, title, period, data_revision, policy_revision, .. } = revision;
    let label = &period.label;
    format!(
        "{label}, revision {number}: {title}; {made} by {author}, {program}; data {data_revision}, policy {policy_revision}"
    )
}

fn figures(revision: &PublishedReport) -> String {
    let mut text = String::new();
    for objective in &revision.objectives {
        text.push_str(&format!("  {}: {}\n", objective.name, summary(&objective.raw)));
        if let Some(adjusted) = &objective.adjusted {
            text.push_str(&format!("  {}, with exclusions: {}\n", objective.name, summary(adjusted)));
        }
    }
    for id in &revision.incidents {
        text.push_str(&format!("  incident: {id}\n"));
    }
    text
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("  {}\n", difference.line())).collect()
}

fn failed(error: &Error) -> CommandError {
    CommandError::new(Exit::Store, chain(error))
}
