//! The weeks before a reported week: what became of each objective, how long steps took, how bad the worst stretches
//! were. One week at a time, so that memory does not grow with their number.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Question;
use crate::history::{History, Kind, Parts, Series, effective, within};
use crate::impact::Cells;
use crate::incident::{Block, Incident, Rules, Scope, Symptom, detect_since};
use crate::model::{FlowName, Objective, ObjectiveName, Run, RunKind, StepName};
use crate::report::build::{PastPeriod, worst_windows};
use crate::report::model::{StepBaseline, Window};
use crate::slo::{Durations, Period, Tally, target_rank};
use crate::store::{Digest, Error, Piece, Store};

/// Weeks before the reported one.
const WEEKS: i32 = 12;
/// Weeks whose step times are the usual ones.
const USUAL: i32 = 4;

/// What the weeks before say.
#[derive(Debug, Default)]
pub(super) struct Past {
    pub(super) periods: Vec<PastPeriod>,
    pub(super) windows: BTreeMap<ObjectiveName, Vec<Window>>,
    pub(super) baselines: Vec<StepBaseline>,
    /// Good and bad events of each past day, in order.
    pub(super) days: BTreeMap<ObjectiveName, Vec<Tally>>,
}

/// Good and total of each minute of the weeks so far.
type Minutes = BTreeMap<ObjectiveName, Vec<(f64, f64)>>;

/// Reads up to twelve weeks before a reported ISO week; nothing before any other period.
///
/// # Errors
/// Whatever keeps the store from being read or understood.
pub(super) async fn read_past(store: &Store, question: &Question<'_>, rules: &Rules) -> Result<Past, Error> {
    let mut past = Past::default();
    let (mut minutes, mut usual, mut usual_from) = (Minutes::new(), BTreeMap::new(), None);
    for back in (1..=WEEKS).rev() {
        let Some(week) = earlier(question.period, back) else { continue };
        let week_of = |(objective, period): &(Objective, Period)| Some((objective.clone(), earlier(period, back)?));
        let objectives: Vec<(Objective, Period)> = question.objectives.iter().filter_map(week_of).collect();
        let start = objectives.iter().map(|(_, period)| period.start).chain([week.start]).min().unwrap_or(week.start);
        let end = objectives.iter().map(|(_, period)| period.end).chain([week.end]).max().unwrap_or(week.end);
        // Incidents are told as the week's own report tells them: after a run-up.
        let before = Block::of(week.start, &rules.zone).read_from().max(moved(start, -DAY)).min(start);
        let wide = Period { start: before, end, ..week.clone() };
        let declarations = store.declarations(before, end).await?;
        let mut history = History::new(&declarations, &wide);
        let mut parts: BTreeMap<Series, Parts> = BTreeMap::new();
        let want = Digest { outcomes: true, parts: back <= USUAL, chosen: false };
        let mut add = |piece| {
            let mut note = |run: &Run| parts.entry(Series::of(run)).or_default().add(run, start);
            match piece {
                Piece::Row(row) => {
                    if history.record(&row.run, row.login_time) {
                        note(&row.run);
                    }
                }
                Piece::Note(row) => note(&row.run),
                Piece::Outcomes(series, runs) => _ = history.append(&series, &runs),
                Piece::Counted(block) => {
                    parts.entry(block.series.clone()).or_default().merge(&block.parts, |_| Some(start));
                }
            }
        };
        store.digest((start, end), want, &mut add).await?;
        read_run_up(store, &mut history, (before, start)).await?;
        // Before the first run of all there is nothing to show.
        let ran = history.ledgers().any(|(_, ledger)| ledger.len_between(start, end) > 0);
        if past.periods.is_empty() && !ran {
            continue;
        }
        past.periods.push(one(question, &week, &objectives, &history, rules));
        days_and_minutes(question, &objectives, &history, &mut past.days, &mut minutes);
        if back <= USUAL {
            usual_from = usual_from.or(ran.then_some(week.start));
            collect(&history, (start, end), parts, &mut usual, question);
        }
    }
    let confidence = question.policy.confidence;
    past.windows = minutes
        .into_iter()
        .map(|(name, cells)| (name, worst_windows(&Cells::new(cells), MINUTE, confidence).0))
        .collect();
    past.baselines = baselines(usual, usual_from.unwrap_or(question.period.start), question.period.start);
    Ok(past)
}

const MINUTE: i64 = 60_000_000;
const DAY: i64 = 86_400_000_000;

/// Adds the outcomes of what lies before a week.
async fn read_run_up(store: &Store, history: &mut History, span: (Timestamp, Timestamp)) -> Result<(), Error> {
    if span.0 >= span.1 {
        return Ok(());
    }
    let mut add = |piece| match piece {
        Piece::Row(row) => _ = history.record(&row.run, row.login_time),
        Piece::Outcomes(series, runs) => _ = history.append(&series, &runs),
        Piece::Counted(_) | Piece::Note(_) => {}
    };
    let want = Digest { outcomes: true, parts: false, chosen: false };
    store.digest(span, want, &mut add).await.map(|_| ())
}

fn moved(at: Timestamp, micros: i64) -> Timestamp {
    at.checked_add(SignedDuration::from_micros(micros)).unwrap_or(at)
}

/// The ISO week so many weeks before; `None` when the period is no ISO week.
fn earlier(period: &Period, weeks: i32) -> Option<Period> {
    let zone = jiff::tz::TimeZone::get(&period.zone).ok()?;
    let this = Period::week(&period.label, &zone).ok()?;
    let day = zone.to_datetime(this.start).date().checked_sub((7 * weeks).days()).ok()?;
    Period::week_of(day, &zone).ok()
}

fn one(
    question: &Question<'_>,
    week: &Period,
    objectives: &[(Objective, Period)],
    history: &History,
    rules: &Rules,
) -> PastPeriod {
    let policy = question.policy;
    let tally = |(objective, period): &(Objective, Period)| {
        let threshold = objective.threshold.map(|threshold| threshold.at_most);
        let span = crate::history::Span::new(period, period.end);
        let counts = crate::history::sum(logins(history, &objective.flow).map(|(series, ledger)| {
            let outcomes = ledger.outcomes(series.kind, policy.retries);
            crate::history::count(&outcomes, history.expected(series), span, |outcome| within(threshold, outcome))
        }));
        (objective.name.clone(), effective(&counts, policy.lost_runs))
    };
    let found = detect_since(history, rules, week.start).incidents.into_iter();
    let touches = |one: &Incident| one.first_failing < week.end && one.end.latest >= week.start;
    let common = found.filter(|one| one.scope == Scope::Common && one.symptom == Symptom::Failing && touches(one));
    let mut incidents: BTreeMap<FlowName, u64> = BTreeMap::new();
    for flow in common.flat_map(|one| one.flows) {
        *incidents.entry(flow).or_default() += 1;
    }
    PastPeriod {
        label: week.label.clone(),
        start: week.start,
        tallies: objectives.iter().map(tally).collect(),
        incidents: Some(incidents),
    }
}

fn logins<'h>(
    history: &'h History,
    flow: &'h FlowName,
) -> impl Iterator<Item = (&'h Series, &'h crate::history::Ledger)> {
    history.ledgers().filter(move |(series, _)| series.flow == *flow && series.kind == RunKind::Login)
}

/// Adds each objective's minutes and days of one week.
fn days_and_minutes(
    question: &Question<'_>,
    objectives: &[(Objective, Period)],
    history: &History,
    days: &mut BTreeMap<ObjectiveName, Vec<Tally>>,
    minutes: &mut Minutes,
) {
    for (objective, period) in objectives {
        let threshold = objective.threshold.map(|threshold| threshold.at_most);
        let length = period.end.as_microsecond() - period.start.as_microsecond();
        let parts = |width: i64| usize::try_from((length + width - 1) / width).unwrap_or(0);
        let mut by_minute = vec![(0.0, 0.0); parts(MINUTE)];
        let mut by_day = vec![Tally::default(); parts(DAY)];
        for (series, ledger) in logins(history, &objective.flow) {
            for outcome in ledger.outcomes(series.kind, question.policy.retries) {
                if !period.contains(outcome.slot) {
                    continue;
                }
                let good = match within(threshold, &outcome) {
                    Kind::Good => true,
                    Kind::Bad => false,
                    Kind::Lost => continue,
                };
                let offset = outcome.slot.as_microsecond() - period.start.as_microsecond();
                let place = |width: i64| usize::try_from(offset / width).unwrap_or(0);
                let minute = &mut by_minute[place(MINUTE)];
                *minute = (minute.0 + f64::from(u8::from(good)), minute.1 + 1.0);
                let day = &mut by_day[place(DAY)];
                *day = *day + Tally { good: u64::from(good), bad: u64::from(!good) };
            }
        }
        minutes.entry(objective.name.clone()).or_default().extend(by_minute);
        days.entry(objective.name.clone()).or_default().extend(by_day);
    }
}

/// Where a step stands in its flow, and its times.
type Usual = BTreeMap<FlowName, BTreeMap<(usize, Option<StepName>), Durations>>;

fn collect(
    history: &History,
    (from, to): (Timestamp, Timestamp),
    parts: BTreeMap<Series, Parts>,
    usual: &mut Usual,
    question: &Question<'_>,
) {
    for (series, ledger) in history.ledgers().filter(|(series, _)| series.kind == RunKind::Login) {
        let outcomes = ledger.outcomes_between(series.kind, question.policy.retries, from, to);
        let whole = crate::history::login_durations(&outcomes);
        usual.entry(series.flow.clone()).or_default().entry((0, None)).or_default().merge(&whole);
    }
    for (series, parts) in parts.into_iter().filter(|(series, _)| series.kind == RunKind::Login) {
        let flow = usual.entry(series.flow).or_default();
        for (name, step) in parts.steps {
            flow.entry((step.position + 1, Some(name))).or_default().merge(&step.times);
        }
    }
}

fn baselines(usual: Usual, from: Timestamp, to: Timestamp) -> Vec<StepBaseline> {
    let row = |flow: &FlowName, step: Option<StepName>, times: &Durations| {
        let n = times.finished.count();
        let value = |quantile| times.finished.at_rank(target_rank(n, quantile)).map(|(_, value)| value);
        (n > 0).then(|| StepBaseline { flow: flow.clone(), step, from, to, n, p50: value(0.5), p95: value(0.95) })
    };
    let of_flow = |(flow, steps): (FlowName, BTreeMap<(usize, Option<StepName>), Durations>)| {
        steps.into_iter().filter_map(|((_, step), times)| row(&flow, step, &times)).collect::<Vec<_>>()
    };
    usual.into_iter().flat_map(of_flow).collect()
}
