//! What an exclusion would do before it is entered: the runs that it covers, and each promise before and after.

use jiff::Timestamp;

use crate::config::Site;
use crate::history::{self, Counts, Outcome, Series, Span, effective};
use crate::model::{Exclusion, Objective, RunKind, chain, mode_at};
use crate::query::{self, Reading};
use crate::report::format;
use crate::slo::{Period, wilson};
use crate::store::Store;

use super::impact::weeks;
use super::incidents::terminal_progress;
use super::report::settled;
use super::{CommandError, Exit};

/// The promises whose runs it covers, over the whole weeks that it touches.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn of(
    store: &Store,
    site: &Site,
    exclusion: &Exclusion,
    now: Timestamp,
) -> Result<String, CommandError> {
    let until = settled(site, now);
    let concerned =
        site.objectives.iter().filter(|one| exclusion.flows.is_empty() || exclusion.flows.contains(&one.flow));
    let mut promised: Vec<(&Objective, Period)> = Vec::new();
    for objective in concerned {
        promised.push((objective, weeks((exclusion.from, exclusion.to), &objective.zone)?));
    }
    let start = promised.iter().map(|(_, period)| period.start).min();
    let end = promised.iter().map(|(_, period)| period.end).max();
    let (Some(start), Some(end), Some((_, first))) = (start, end, promised.first()) else {
        return Ok("no objective has a flow that it covers\n".to_owned());
    };
    let failed = |error: crate::store::Error| CommandError::new(Exit::Store, chain(&error));
    let (bar, mut progress) = terminal_progress();
    let reading = query::read(store, &Period { start, end, ..first.clone() }, &mut progress).await;
    bar.finish_and_clear();
    let reading = reading.map_err(failed)?;
    let before = store.exclusions(start, end).await.map_err(failed)?;
    let after = [before.as_slice(), std::slice::from_ref(exclusion)].concat();
    let mut text = String::new();
    for (objective, period) in &promised {
        let counted = Counted { reading: &reading, site, objective, until };
        let covered = counted.covered(exclusion);
        let said = |exclusions: &[Exclusion]| counted.said(&counted.with(period, exclusions));
        text.push_str(&format!(
            "{}, {}: it covers {} good, {} bad, {} lost, {} missing\n  before: {}\n  after:  {}\n",
            objective.name,
            period.label,
            format::count(covered.good),
            format::count(covered.bad),
            format::count(covered.lost),
            format::count(covered.missing),
            said(&before),
            said(&after),
        ));
    }
    Ok(text)
}

/// The runs of one promise.
struct Counted<'a> {
    reading: &'a Reading,
    site: &'a Site,
    objective: &'a Objective,
    until: Timestamp,
}

impl Counted<'_> {
    /// Every series of the promise with the attempts that count.
    fn series(&self) -> impl Iterator<Item = (&Series, Vec<Outcome>)> {
        let ledgers = self.reading.history.ledgers();
        let ours = ledgers.filter(|(series, _)| series.flow == self.objective.flow && series.kind == RunKind::Login);
        ours.map(|(series, ledger)| (series, ledger.outcomes(series.kind, self.site.policy.retries)))
    }

    fn kind_of(&self, outcome: &Outcome) -> history::Kind {
        history::within(self.objective.threshold.map(|threshold| threshold.at_most), outcome)
    }

    /// The slots that it covers, as measured.
    fn covered(&self, exclusion: &Exclusion) -> Counts {
        let until = self.until.clamp(exclusion.from, exclusion.to);
        let span = Span { start: exclusion.from, end: exclusion.to, until };
        let here = self.series().filter(|(series, _)| exclusion.covers(&series.flow, &series.vantage, exclusion.from));
        history::sum(here.map(|(series, outcomes)| {
            history::count(&outcomes, self.reading.history.expected(series), span, |outcome| self.kind_of(outcome))
        }))
    }

    /// The whole period with these exclusions.
    fn with(&self, period: &Period, exclusions: &[Exclusion]) -> Counts {
        let span = Span::new(period, self.until);
        history::sum(self.series().map(|(series, outcomes)| {
            let mode = |slot| mode_at(exclusions, &series.flow, &series.vantage, slot);
            let expected = self.reading.history.expected(series);
            history::count_adjusted(&outcomes, expected, span, |outcome| self.kind_of(outcome), mode)
        }))
    }

    fn said(&self, counts: &Counts) -> String {
        let tally = effective(counts, self.site.policy.lost_runs);
        let interval = wilson(tally.total(), tally.good, self.site.policy.confidence);
        format!(
            "{} good, {} bad, {} lost, {} missing: {} ({})",
            format::count(counts.good),
            format::count(counts.bad),
            format::count(counts.lost),
            format::count(counts.missing),
            format::percent(tally.share(), interval),
            format::percent_interval(interval),
        )
    }
}
