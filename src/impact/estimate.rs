//! Puts the formulas together into one [`Impact`].

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::history::{self, History, Kind, Outcome, Series};
use crate::incident::{Bounds, Incident, IncidentId, Symptom};
use crate::model::{FlowName, Micros, Objective, Policy, Population, RunKind};
use crate::slo::{Period, Tally, UserWeighted, wilson};

use super::curve::Curve;
use super::figure::{Estimate, Figure};
use super::model::{Impact, PlainAndWeighted};
use super::people::{Met, Part, parts};
use super::stretch::{self, Between, Stretch};
use super::sums::{
    AFFECTED, ATTEMPTS, DELAYED, FAILED, LOCKED_OUT, NO_RETRIES, Row, SLOW, Sums, not_covered, per_person, segment,
    sessions, share, weighted, weighted_figure,
};
use super::surroundings::{self, Logins};

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
    /// The promises, each with the period whose budget is meant.
    pub objectives: &'a [(Objective, Period)],
    /// Only these flows; none: those of the incident, or all of a span.
    pub flows: &'a [FlowName],
}

/// A run begins at most so long after its slot: a second for our own workers, longer where an import placed it.
const MOST_LATE: SignedDuration = SignedDuration::from_hours(1);

/// What is asked for.
struct Asked {
    incident: Option<(IncidentId, Symptom)>,
    start: Bounds,
    end: Bounds,
    open: bool,
    duration: Estimate,
    stretches: Vec<Stretch>,
    flows: Vec<FlowName>,
}

/// The impact of one incident: its failing share is taken as even from its first failing probe to its end.
#[must_use]
pub fn of_incident(question: &Question<'_>, incident: &Incident) -> Impact {
    answer(question, asked_of_incident(question, incident))
}

/// People whom one incident kept out, as [`of_incident`] says, and nothing else: for tables of many incidents.
#[must_use]
pub fn affected_by(question: &Question<'_>, incident: &Incident) -> Figure {
    sign_ins(question, &asked_of_incident(question, incident)).1
}

/// People who wanted to sign in during a span, and those who could not, as [`of_span`] says, and nothing else.
#[must_use]
pub fn sign_ins_of_span(
    question: &Question<'_>,
    from: Timestamp,
    to: Timestamp,
    incidents: &[Incident],
) -> (Figure, Figure) {
    sign_ins(question, &asked_of_span(question, from, to, incidents))
}

/// Intents, and the people affected. Only runs within the stretches are looked at.
fn sign_ins(question: &Question<'_>, asked: &Asked) -> (Figure, Figure) {
    let within = || asked.stretches.iter().flat_map(|stretch| stretch.runs.iter().copied());
    let from = within().map(|(from, _)| from).min().unwrap_or(Timestamp::MIN);
    let from = from.checked_sub(MOST_LATE).unwrap_or(Timestamp::MIN);
    let to = within().map(|(_, to)| to).max().unwrap_or(Timestamp::MIN);
    let ledgers = question.history.ledgers().filter(|(series, _)| concerns(asked, series));
    let outcomes = ledgers
        .map(|(series, runs)| (series.clone(), runs.outcomes_between(series.kind, question.policy.retries, from, to)));
    let logins: Logins = outcomes.collect();
    let (parts, demand) = parts(question.population, &unusual(asked));
    let rows: Vec<Row<'_>> = parts.into_iter().map(|part| row(question, asked, &logins, part)).collect();
    let all = tally(question, asked, &logins, &asked.stretches, |_, _| true);
    let sums = Sums { rows: &rows, demand: &demand, duration: asked.duration, all, policy: question.policy };
    (sums.intents(), sums.figure("people", "people", AFFECTED, None, Met::affected))
}

fn concerns(asked: &Asked, series: &Series) -> bool {
    series.kind == RunKind::Login && asked.flows.contains(&series.flow)
}

fn asked_of_incident(question: &Question<'_>, incident: &Incident) -> Asked {
    let seconds = |micros: Micros| micros.0 as f64 / 1e6;
    let flows = if question.flows.is_empty() { &incident.flows } else { question.flows };
    Asked {
        incident: Some((incident.id.clone(), incident.symptom)),
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
    }
}

/// The impact of a span with its incidents: each outage with its own failing share, and what failed beside them.
#[must_use]
pub fn of_span(question: &Question<'_>, from: Timestamp, to: Timestamp, incidents: &[Incident]) -> Impact {
    answer(question, asked_of_span(question, from, to, incidents))
}

fn asked_of_span(question: &Question<'_>, from: Timestamp, to: Timestamp, incidents: &[Incident]) -> Asked {
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
    }
}

fn answer(question: &Question<'_>, asked: Asked) -> Impact {
    let logins = logins(question, &asked);
    let symptom = asked.incident.as_ref().map(|(_, symptom)| *symptom);
    let (parts, demand) = parts(question.population, &unusual(&asked));
    let habits = question.population.habits();
    let rows: Vec<Row<'_>> = parts.into_iter().map(|part| row(question, &asked, &logins, part)).collect();
    let all = tally(question, &asked, &logins, &asked.stretches, |_, _| true);
    let weighted = weighted(&rows, question.policy.confidence);
    let sums = Sums { rows: &rows, demand: &demand, duration: asked.duration, all, policy: question.policy };
    let common = habits.demand.as_ref().and_then(|demand| Curve::new(demand, &unusual(&asked)).ok());
    let retries = habits.retries.as_deref();
    let attempts = |what, unit, formula, of: fn(&super::Attempts) -> f64| match (retries, symptom) {
        (_, Some(Symptom::Slow)) => Figure::unknown(SLOW),
        (None, _) => Figure::unknown(NO_RETRIES),
        (Some(retries), _) => sums.figure(what, unit, formula, Some(retries), |met| met.of_attempts(of)),
    };
    let failed_sign_ins = attempts("failed attempts", "attempts", FAILED, |a| a.failed);
    let affected = sums.figure("people", "people", AFFECTED, None, Met::affected);
    // F13 takes each attempt to fail on its own. Where the same people fail every time, as with a part of the accounts
    // broken, all affected are locked out and none is delayed; probes cannot tell which, so the bounds hold both.
    let all_affected = affected.estimate().map_or(0.0, |people| people.high);
    Impact {
        failing: share(all, question.policy.confidence),
        intents: sums.intents(),
        locked_out: attempts("people", "people", LOCKED_OUT, |a| a.locked_out).reaching(f64::MAX, all_affected),
        delayed: attempts("people", "people", DELAYED, |a| a.delayed).reaching(0.0, 0.0),
        attempts: attempts("attempts", "attempts", ATTEMPTS, |a| a.attempts),
        attempts_per_person: per_person(&failed_sign_ins, &affected),
        distinct_users: sums.distinct(question.population),
        sessions_met: sessions(asked.duration, habits.session),
        availability: PlainAndWeighted {
            plain: all.share(),
            plain_interval: wilson(all.total(), all.good, question.policy.confidence),
            weighted: weighted_figure(question.population, &weighted),
        },
        not_covered: not_covered(question.population, &rows, &weighted, &demand),
        segments: rows
            .iter()
            .filter(|row| row.part.segment.is_some())
            .map(|row| segment(row, question.policy))
            .collect(),
        windowed: surroundings::windowed(question, &logins, &asked.flows, common.as_ref()),
        budget: surroundings::budget(question, &logins, &asked.flows, &asked.stretches),
        notes: notes(question, &asked, &weighted),
        duration: Figure::Estimate {
            value: asked.duration,
            unit: "s".to_owned(),
            formula: "from the probes around its ends (F8)".to_owned(),
            inputs: Vec::new(),
        },
        zone: question.history.period().zone.clone(),
        symptom,
        incident: asked.incident.map(|(id, _)| id),
        flows: asked.flows,
        start: asked.start,
        end: asked.end,
        open: asked.open,
        affected,
        failed_sign_ins,
    }
}

fn logins(question: &Question<'_>, asked: &Asked) -> Logins {
    let ledgers = question.history.ledgers().filter(|(series, _)| concerns(asked, series));
    ledgers.map(|(series, runs)| (series.clone(), runs.outcomes(series.kind, question.policy.retries))).collect()
}

/// What the log of sign-ins must leave out: an incident makes its own week unusual. A mere span does not.
fn unusual(asked: &Asked) -> Vec<Between> {
    asked.incident.iter().map(|_| (asked.start.earliest, asked.end.latest)).collect()
}

fn row<'a>(question: &Question<'_>, asked: &Asked, logins: &Logins, part: Part<'a>) -> Row<'a> {
    let retries = question.population.habits().retries.as_deref();
    let met: Vec<Met> = asked
        .stretches
        .iter()
        .map(|stretch| {
            let seen = |flow: &FlowName, vantage: &_| part.is_seen_by(flow, vantage);
            let tally = tally(question, asked, logins, std::slice::from_ref(stretch), seen);
            Met::new(&part, stretch, tally, retries, question.policy.confidence)
        })
        .collect();
    let tally = met.iter().map(|met| met.tally).sum();
    Row { part, met, tally }
}

/// Runs with a verdict within stretches, of the asked flows and of what `seen` chooses.
fn tally(
    question: &Question<'_>,
    asked: &Asked,
    logins: &Logins,
    stretches: &[Stretch],
    seen: impl Fn(&FlowName, &crate::model::VantageName) -> bool,
) -> Tally {
    let slow = asked.incident.as_ref().is_some_and(|(_, symptom)| *symptom == Symptom::Slow);
    let mut tally = Tally::default();
    for (series, outcomes) in logins {
        if !asked.flows.contains(&series.flow) || !seen(&series.flow, &series.vantage) {
            continue;
        }
        let threshold = slow.then(|| threshold(question, &series.flow)).flatten();
        let kind_of = |outcome: &Outcome| history::within(threshold, outcome);
        for outcome in outcomes.iter().filter(|o| stretches.iter().any(|stretch| stretch.holds(o.started))) {
            match kind_of(outcome) {
                Kind::Good => tally.good += 1,
                Kind::Bad => tally.bad += 1,
                Kind::Lost => {}
            }
        }
    }
    tally
}

fn threshold(question: &Question<'_>, flow: &FlowName) -> Option<Micros> {
    let of_flow = question.objectives.iter().filter(|(objective, _)| objective.flow == *flow);
    of_flow.filter_map(|(objective, _)| Some(objective.threshold?.at_most)).min()
}

fn notes(question: &Question<'_>, asked: &Asked, weighted: &UserWeighted) -> Vec<String> {
    let mut notes = vec!["Attempts are not people: whoever fails tries again.".to_owned()];
    if question.population.habits().retries.as_ref().is_some_and(|retries| !retries.is_empty()) {
        notes.push(
            "The middle takes each attempt to fail on its own. Where the same people fail every time, none of them is \
             merely delayed, and as many are locked out as are affected: the bounds hold both."
                .to_owned(),
        );
    }
    if asked.open {
        notes.push("It may still last: all figures are of what was seen so far.".to_owned());
    }
    if weighted.uncovered > 0.0 && !question.population.segments().is_empty() {
        notes.push(format!(
            "{:.1} % of demand comes from users whom no probe stands for: they are in no figure of people.",
            weighted.uncovered * 100.0
        ));
    }
    let known: BTreeSet<&FlowName> = question.history.ledgers().map(|(series, _)| &series.flow).collect();
    let unnamed = question.population.segments().iter().any(|segment| segment.flows.is_empty());
    if asked.incident.is_some() && known.len() > asked.flows.len() && unnamed {
        let names: Vec<&str> = asked.flows.iter().map(FlowName::as_str).collect();
        notes.push(format!(
            "Segments without 'flows' are taken to log in by {} only; name the flows of each segment to split them.",
            names.join(", ")
        ));
    }
    if asked.incident.is_none() && asked.stretches.len() > 1 {
        notes.push(format!(
            "Each of the {} outages within has its own failing share; what failed beside them is counted apart.",
            asked.stretches.len() - 1
        ));
    }
    notes
}
