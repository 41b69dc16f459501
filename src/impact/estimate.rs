//! Puts the formulas together into one [`Impact`].

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::history::{History, Series};
use crate::incident::{Bounds, Incident, Symptom};
use crate::model::{Exclusion, FlowName, LostRuns, Micros, Objective, Policy, Population, RunKind, Segment};
use crate::slo::{Period, Tally, UserWeighted, wilson};

use super::adjusted;
use super::curve::Curve;
use super::figure::{Estimate, Figure, Input};
use super::model::{AffectedPeople, Impact, LostInIt, NotCovered, PlainAndWeighted, SegmentFigures};
use super::people::{Met, Part, parts};
use super::slices::{Grid, MOST_LATE, PartSlice, Seen, SeriesSeen, dropped, seen};
use super::stretch::{self, Between, Stretch, common, outside};
use super::sums::{
    ATTEMPTS, DELAYED, DELAYED_BY_SLOWNESS, FAILED, LOCKED_OUT, NO_RETRIES, Row, SLOW, Sums, not_covered, segment,
    sessions, share,
};
use super::surroundings::{self, Logins};
use super::{notes, weighted};

/// What an impact is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// What became of every slot, of whole periods around what is asked for.
    pub history: &'a History,
    /// Slots are due until here.
    pub until: Timestamp,
    /// Who the users are.
    pub population: &'a Population,
    /// The rules.
    pub policy: &'a Policy,
    /// Runs that count otherwise than measured: shown adjusted, beside the raw figures.
    pub exclusions: &'a [Exclusion],
    /// The promises, each with the period whose budget is meant.
    pub objectives: &'a [(Objective, Period)],
    /// Only these flows; none: those of the incident, or all of a span.
    pub flows: &'a [FlowName],
}

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) incident: Option<&'a Incident>,
    start: Bounds,
    end: Bounds,
    pub(super) open: bool,
    duration: Estimate,
    pub(super) stretches: Vec<Stretch>,
    pub(super) flows: Vec<FlowName>,
    /// Not all flows of the span: those of an incident, or those that somebody named.
    some_flows: bool,
}

impl Asked<'_> {
    /// Whether the users of a segment may log in by what is asked for: those of other flows alone met nothing of it.
    pub(super) fn concerns_users(&self, segment: &Segment) -> bool {
        let named = self.flows.iter().any(|flow| segment.flows.contains(flow));
        !self.some_flows || segment.flows.is_empty() || named
    }

    /// Whether it is an incident of slow logins.
    pub(super) fn is_slow(&self) -> bool {
        self.incident.is_some_and(|incident| incident.symptom == Symptom::Slow)
    }

    /// Where its ends come from.
    fn ends(&self) -> &'static str {
        if self.incident.is_some() { "probes around its ends (F8)" } else { "as asked for" }
    }
}

/// The impact of one incident: its failing share is taken as even from its first failing probe to its end.
#[must_use]
pub fn of_incident(question: &Question<'_>, incident: &Incident) -> Impact {
    answer(question, asked_of_incident(question, incident))
}

/// People whom one incident met, as [`of_incident`] says, and nothing else: for tables of many incidents.
#[must_use]
pub fn affected_by(question: &Question<'_>, incident: &Incident) -> AffectedPeople {
    let People { affected, locked_out, delayed, .. } = sign_ins(question, &asked_of_incident(question, incident));
    AffectedPeople { affected, locked_out, delayed }
}

/// People who wanted to sign in during a span, and those who met a failure, as [`of_span`] says, and nothing else.
#[must_use]
pub fn sign_ins_of_span(
    question: &Question<'_>,
    from: Timestamp,
    to: Timestamp,
    incidents: &[Incident],
) -> (Figure, Figure) {
    let people = sign_ins(question, &asked_of_span(question, from, to, incidents));
    (people.intents, people.affected)
}

/// What it did to people. Only runs within the stretches are looked at.
fn sign_ins(question: &Question<'_>, asked: &Asked<'_>) -> People {
    let within = || asked.stretches.iter().flat_map(|stretch| stretch.runs.iter().copied());
    let from = within().map(|(from, _)| from).min().unwrap_or(Timestamp::MIN);
    let from = from.checked_sub(MOST_LATE).unwrap_or(Timestamp::MIN);
    let to = within().map(|(_, to)| to).max().unwrap_or(Timestamp::MIN);
    let ledgers = question.history.ledgers().filter(|(series, _)| concerns(asked, series));
    let outcomes = ledgers
        .map(|(series, runs)| (series.clone(), runs.outcomes_between(series.kind, question.policy.retries, from, to)));
    let logins: Logins = outcomes.collect();
    // Whether slots are missing is asked for their policy's sake alone: there are millions.
    People::of(question, asked, &logins, &[], question.policy.lost_runs == LostRuns::Bad)
}

fn concerns(asked: &Asked<'_>, series: &Series) -> bool {
    series.kind == RunKind::Login && asked.flows.contains(&series.flow)
}

fn asked_of_incident<'a>(question: &Question<'_>, incident: &'a Incident) -> Asked<'a> {
    let seconds = |micros: Micros| micros.0 as f64 / 1e6;
    let flows = if question.flows.is_empty() { &incident.flows } else { question.flows };
    Asked {
        incident: Some(incident),
        start: incident.start,
        end: incident.end,
        open: incident.open,
        duration: Estimate {
            low: seconds(incident.low),
            middle: seconds(incident.middle),
            high: seconds(incident.high),
        },
        stretches: Stretch::of_incident(incident, (Timestamp::MIN, Timestamp::MAX)).into_iter().collect(),
        flows: flows.to_vec(),
        some_flows: true,
    }
}

/// The impact of a span with its incidents: each outage with its own failing share, and what failed beside them.
#[must_use]
pub fn of_span(question: &Question<'_>, from: Timestamp, to: Timestamp, incidents: &[Incident]) -> Impact {
    answer(question, asked_of_span(question, from, to, incidents))
}

fn asked_of_span(question: &Question<'_>, from: Timestamp, to: Timestamp, incidents: &[Incident]) -> Asked<'static> {
    let known: BTreeSet<FlowName> = question.history.ledgers().map(|(series, _)| series.flow.clone()).collect();
    let chosen = |flow: &FlowName| question.flows.is_empty() || question.flows.contains(flow);
    let to = to.min(question.until).max(from);
    let exactly = |instant| Bounds { earliest: instant, latest: instant };
    Asked {
        incident: None,
        start: exactly(from),
        end: exactly(to),
        open: false,
        duration: Estimate::exact(to.duration_since(from).as_secs_f64()),
        stretches: stretch::of_span((from, to), incidents),
        flows: known.into_iter().filter(chosen).collect(),
        some_flows: !question.flows.is_empty(),
    }
}

fn answer(question: &Question<'_>, asked: Asked<'_>) -> Impact {
    let logins = logins(question, &asked);
    let people = People::of(question, &asked, &logins, &[], true);
    let common = question.population.habits().demand.as_ref();
    let common = common.and_then(|demand| Curve::new(demand, &unusual(&asked)).ok());
    // The windows are of failing logins: of those around slow ones they would tell another incident.
    let windowed_flows: &[FlowName] = if asked.is_slow() { &[] } else { &asked.flows };
    Impact {
        windowed: surroundings::windowed(question, &logins, windowed_flows, common.as_ref()),
        budget: surroundings::budget(question, &logins, &asked.flows, &asked.stretches, &[]),
        adjusted: adjusted::of(question, &asked, &logins),
        notes: notes::of(question, &asked, &people),
        slow_limits: asked.incident.map(|incident| incident.slow_limits.clone()).unwrap_or_default(),
        retries: question.policy.retries,
        duration: duration(&asked),
        zone: question.history.period().zone.clone(),
        symptom: asked.incident.map(|incident| incident.symptom),
        incident: asked.incident.map(|incident| incident.id.clone()),
        sessions_met: sessions_met(question, &asked, people.all),
        flows: asked.flows,
        start: asked.start,
        end: asked.end,
        open: asked.open,
        failing: people.failing,
        lost: people.lost,
        intents: people.intents,
        affected: people.affected,
        locked_out: people.locked_out,
        delayed: people.delayed,
        failed_sign_ins: people.failed_sign_ins,
        attempts: people.attempts,
        attempts_per_person: people.attempts_per_person,
        distinct_users: people.distinct_users,
        availability: people.availability,
        not_covered: people.not_covered,
        segments: people.segments,
    }
}

/// An instant to the second, for people.
fn second(at: Timestamp) -> impl std::fmt::Display {
    at.strftime("%Y-%m-%d %H:%M:%S UTC")
}

/// How long it lasted, from what is known of its ends.
fn duration(asked: &Asked<'_>) -> Figure {
    let doubt = |name: &str, bounds: Bounds| Input {
        name: name.to_owned(),
        segment: None,
        value: Estimate::exact(bounds.latest.duration_since(bounds.earliest).as_secs_f64()),
        unit: "s".to_owned(),
        source: format!("it lies between {} and {}", second(bounds.earliest), second(bounds.latest)),
    };
    Figure::Estimate {
        value: asked.duration,
        unit: "s".to_owned(),
        formula: format!("end - start: {}", asked.ends()),
        inputs: vec![doubt("doubt of the start", asked.start), doubt("doubt of the end", asked.end)],
    }
}

/// The sessions that ended in its outages.
fn sessions_met(question: &Question<'_>, asked: &Asked<'_>, all: Tally) -> Figure {
    if asked.is_slow() {
        return Figure::unknown(SLOW);
    }
    let lasted = outages(asked, all);
    // Of one incident they are its own duration, which is told already.
    let named = match lasted {
        Some(lasted) if lasted == asked.duration => ("duration", asked.ends()),
        _ => ("duration of outages", "probes around their ends (F8)"),
    };
    sessions(lasted, named, question.population.habits().session)
}

/// How long outages lasted in it; `None` when nothing is known of any.
fn outages(asked: &Asked<'_>, all: Tally) -> Option<Estimate> {
    if all.total() == 0 {
        return None;
    }
    let outages: Vec<Estimate> =
        asked.stretches.iter().filter(|stretch| stretch.is_outage()).map(Stretch::seconds).collect();
    (!outages.is_empty()).then(|| outages.into_iter().sum())
}

/// What it did to people, with some exclusions or none.
pub(super) struct People {
    pub(super) all: Tally,
    pub(super) failing: crate::incident::Share,
    pub(super) lost: LostInIt,
    pub(super) weighted: UserWeighted,
    pub(super) intents: Figure,
    pub(super) affected: Figure,
    pub(super) locked_out: Figure,
    pub(super) delayed: Figure,
    pub(super) failed_sign_ins: Figure,
    attempts: Figure,
    attempts_per_person: Figure,
    pub(super) distinct_users: Figure,
    pub(super) availability: PlainAndWeighted,
    pub(super) not_covered: NotCovered,
    segments: Vec<SegmentFigures>,
}

impl People {
    pub(super) fn of(
        question: &Question<'_>,
        asked: &Asked<'_>,
        logins: &Logins,
        exclusions: &[&Exclusion],
        with_missing: bool,
    ) -> Self {
        let (policy, population) = (question.policy, question.population);
        let grid = Grid::new(question, &asked.stretches, logins);
        let series = seen(question, asked.incident, &grid, logins, exclusions, with_missing);
        let (parts, demand) = parts(population, &unusual(asked));
        let rows: Vec<Row<'_>> = parts
            .into_iter()
            .filter(|part| part.segment.is_none_or(|segment| asked.concerns_users(segment)))
            .map(|part| row(question, asked, &grid, &series, part, exclusions))
            .collect();
        let said: Seen = series.iter().flat_map(|one| one.seen.iter().flatten().copied()).sum();
        let all = said.tally(policy.lost_runs);
        let weighted = weighted::weighted(&rows, policy);
        let slow = asked.is_slow();
        let (ends, duration) = (asked.ends(), asked.duration);
        let sums = Sums { rows: &rows, demand: &demand, duration, ends, all, policy, slow };
        let retries = population.habits().retries.as_deref();
        let attempts = |words, of: fn(&super::Attempts) -> f64| match retries {
            _ if slow => Figure::unknown(SLOW),
            None => Figure::unknown(NO_RETRIES),
            Some(retries) => sums.attempts(words, retries, of),
        };
        let affected = sums.affected();
        // F13 takes each attempt to fail on its own. Where the same people fail every time, as with a part of the
        // accounts broken, all affected are locked out and none is delayed; probes cannot tell which, so the bounds hold
        // both. Those of failed sign-ins and of attempts hold it already.
        let most = affected.estimate().map_or(0.0, |people| people.high);
        let delayed = if slow {
            affected.clone().by(DELAYED_BY_SLOWNESS)
        } else {
            attempts(("people", DELAYED), |a| a.delayed).reaching(0.0, 0.0)
        };
        let failed_sign_ins = attempts(("attempts", FAILED), |a| a.failed);
        Self {
            failing: share(all, policy.confidence),
            lost: lost(question, said),
            intents: sums.intents(),
            locked_out: attempts(("people", LOCKED_OUT), |a| a.locked_out).reaching(f64::MAX, most),
            delayed,
            attempts: attempts(("attempts", ATTEMPTS), |a| a.attempts),
            attempts_per_person: sums.per_person(&failed_sign_ins, &affected, retries.map_or(0, <[Micros]>::len)),
            distinct_users: sums.distinct(population),
            availability: PlainAndWeighted {
                plain: all.share(),
                plain_interval: wilson(all.total(), all.good, policy.confidence),
                weighted: weighted::figure(population, &rows, &weighted, policy, slow),
            },
            not_covered: not_covered(population, &sums, &weighted),
            segments: rows.iter().filter(|row| row.part.segment.is_some()).map(|row| segment(row, policy)).collect(),
            all,
            weighted,
            affected,
            failed_sign_ins,
        }
    }
}

/// What has no verdict, and what it could change.
fn lost(question: &Question<'_>, said: Seen) -> LostInIt {
    let unknown = said.lost + said.missing;
    let all = (said.good + said.bad + unknown) as f64;
    LostInIt {
        lost: said.lost,
        missing: said.missing,
        counted_as: question.policy.lost_runs,
        failing_if: (all > 0.0)
            .then(|| crate::slo::Interval { low: said.bad as f64 / all, high: (said.bad + unknown) as f64 / all }),
    }
}

fn logins(question: &Question<'_>, asked: &Asked<'_>) -> Logins {
    let ledgers = question.history.ledgers().filter(|(series, _)| concerns(asked, series));
    ledgers.map(|(series, runs)| (series.clone(), runs.outcomes(series.kind, question.policy.retries))).collect()
}

/// What the log of sign-ins must leave out: an incident makes its own week unusual. A mere span does not.
fn unusual(asked: &Asked<'_>) -> Vec<Between> {
    asked.incident.iter().map(|_| (asked.start.earliest, asked.end.latest)).collect()
}

fn row<'a>(
    question: &Question<'_>,
    asked: &Asked<'_>,
    grid: &Grid,
    series: &[SeriesSeen<'_>],
    part: Part<'a>,
    exclusions: &[&Exclusion],
) -> Row<'a> {
    let retries = question.population.habits().retries.as_deref();
    let ours: Vec<&SeriesSeen<'_>> =
        series.iter().filter(|one| part.is_seen_by(&one.series.flow, &one.series.vantage)).collect();
    let named: Vec<&Series> = ours.iter().map(|one| one.series).collect();
    let keep = outside(&dropped(exclusions, &named));
    let (mut met, mut slices) = (Vec::new(), Vec::new());
    for (index, stretch) in asked.stretches.iter().enumerate() {
        let said = |slice: usize| -> Seen { ours.iter().map(|one| one.seen[index][slice]).sum() };
        let slice = |(slice, span): (usize, &Between)| PartSlice {
            span: *span,
            counted: stretch.runs_within(&common(&keep, &[*span])),
            seen: said(slice),
        };
        let here: Vec<PartSlice> = grid.slices[index].iter().enumerate().map(slice).collect();
        met.push(Met::new(&part, stretch, &here, &keep, retries, question.policy));
        slices.push(here);
    }
    let tally = met.iter().map(|met| met.tally).sum();
    Row { part, met, tally, slices }
}
