//! `doorstep report --publish` and `--published`: the revisions of a period that has ended, and what each changed.

use jiff::Timestamp;

use crate::model::chain;
use crate::query::{self, Publication};
use crate::report::ReportModel;
use crate::report::format;
use crate::report::model::PublicationHead;
use crate::report::revision::{Difference, PublishedReport, bounded, differences, summary};
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

/// Registers the report, writes its number into it, and returns what came of it, for people.
///
/// # Errors
/// With [`Exit::Store`].
pub(super) async fn publish(
    store: &Store,
    model: &mut ReportModel,
    author: &Author,
    now: Timestamp,
) -> Result<String, CommandError> {
    let report = PublishedReport::of(model, now, &author.name, PROGRAM);
    let label = report.period.label.clone();
    let (text, publication) = match query::publish(store, report).await.map_err(|error| failed(&error))? {
        Publication::Same(newest) => {
            let revisions = query::published(store, &newest.period).await.map_err(|error| failed(&error))?;
            let before = revisions.iter().rev().find(|each| each.number < newest.number);
            let text = format!(
                "{label}: nothing new; revision {} of {} says the same, and nothing was written\n",
                newest.number,
                format::instant(newest.made_at, &newest.period.zone),
            );
            (text, PublicationHead::of(&newest, before))
        }
        Publication::First(first) => (
            format!("{label}: published as revision {}\n{}", first.number, figures(&first)),
            PublicationHead::of(&first, None),
        ),
        Publication::Restated { before, after, differences } => (
            format!(
                "{label}: published as revision {}; against revision {} of {} by {}:\n{}",
                after.number,
                before.number,
                format::instant(before.made_at, &before.period.zone),
                before.author,
                lines(&differences),
            ),
            PublicationHead::of(&after, Some(&before)),
        ),
    };
    if author.origin != "--author" {
        print::note(&format!("author: {} (from {}; --author says otherwise)", author.name, author.origin));
    }
    model.head.publication = Some(publication);
    Ok(text)
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
        if let Some(users) = objective.users {
            text.push_str(&format!(
                "  {}, weighted by users: {} ({}), {} not covered\n",
                objective.name,
                format::percent(Some(users.availability), Some(users.bounds)),
                format::percent_interval(Some(users.bounds)),
                format::target(users.uncovered),
            ));
        }
    }
    for id in &revision.incidents {
        let people =
            revision.people.get(id).map_or_else(String::new, |people| format!(", people: {}", bounded(people)));
        text.push_str(&format!("  incident: {id}{people}\n"));
    }
    if let Some(population) = &revision.population {
        text.push_str(&format!("  users: revision {}\n", population.revision));
    }
    text
}

fn lines(differences: &[Difference]) -> String {
    differences.iter().map(|difference| format!("  {}\n", difference.line())).collect()
}

fn failed(error: &Error) -> CommandError {
    CommandError::new(Exit::Store, chain(error))
}
