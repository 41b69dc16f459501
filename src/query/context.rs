//! What a report is told beside the runs of its period: incidents, people, noted events, and the weeks before.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::{Incidents, Past, Question, audits, databases, incidents, past};
use crate::impact;
use crate::incident::{RuleName, RuleQuality, Rules, Symptom, quality};
use crate::model::{Objective, Policy};
use crate::report::build::Context;
use crate::report::model::{DetectionReport, RuleRow, SignIns};
use crate::slo::{Interval, Period, poisson_interval};
use crate::store::{Error, Store};

/// Events so long before the period may be neighbours of an incident in it.
const EARLIER: SignedDuration = SignedDuration::from_hours(1);

/// Everything beside the runs of the period.
///
/// # Errors
/// Whatever keeps the store from being read or understood.
pub(super) async fn context(store: &Store, question: &Question<'_>) -> Result<(Context, Past), Error> {
    let period = question.period;
    let objectives: Vec<Objective> = question.objectives.iter().map(|(objective, _)| objective.clone()).collect();
    let rules = Rules::new(question.detection.clone(), &objectives, question.policy.confidence);
    let found = incidents(store, period, &rules, &mut |_, _| {}).await?;
    let (people, sign_ins) = (people(question, &found), sign_ins(question, &found));
    let databases = databases::databases(store, question, &found).await?;
    let replayed = quality(&found.reading.history, &found.detection, &rules, period);
    // The runs of the period are many: they make room before those of other weeks are read.
    let Incidents { detection, reading } = found;
    drop(reading);
    let past = past::read_past(store, question, &rules).await?;
    let from = period.start.checked_sub(EARLIER).unwrap_or(Timestamp::MIN);
    let failing = detection.background.iter().filter(|background| background.symptom == Symptom::Failing);
    let context = Context {
        people,
        databases,
        audits: audits::audits(store, question).await?,
        sign_ins,
        backgrounds: failing.map(|background| (background.flow.clone(), background.p0)).collect(),
        events: store.events(from, period.end).await?,
        past: past.periods.clone(),
        past_windows: past.windows.clone(),
        baselines: past.baselines.clone(),
        detection: (!detection.background.is_empty()).then(|| DetectionReport {
            promised_per_year: rules.detection.false_alarms_per_year,
            charts: detection.background.clone(),
            flow_years: replayed.flow_years,
            rules: replayed.rules.into_iter().map(|rule| row(rule, replayed.flow_years, question.policy)).collect(),
        }),
        incidents: detection.incidents,
    };
    Ok((context, past))
}

/// What one rule did, as a row. Pages for what one place alone saw lie on incidents, but on no outage.
fn row(rule: RuleQuality, flow_years: f64, policy: &Policy) -> RuleRow {
    let measurable = rule.rule != RuleName::Ours && flow_years > 0.0;
    let false_per_year = measurable.then(|| {
        let bounds = poisson_interval(rule.wrong, policy.confidence);
        Interval { low: bounds.low / flow_years, high: bounds.high / flow_years }
    });
    let on_incidents = rule.pages.iter().filter(|page| page.incident.is_some()).count() as u64;
    RuleRow {
        name: rule.rule.title().to_owned(),
        pages: rule.pages.len() as u64,
        on_incidents: on_incidents - rule.undecided,
        elsewhere: rule.wrong,
        false_per_year,
        undecided: rule.undecided,
        missed: rule.missed,
        delays: rule.delays.into_iter().map(|one| (one.incident, one.delay)).collect(),
    }
}

fn asked<'a>(question: &'a Question<'_>, found: &'a Incidents) -> impact::Question<'a> {
    impact::Question {
        history: &found.reading.history,
        until: question.until,
        population: question.population,
        policy: question.policy,
        exclusions: &[],
        objectives: question.objectives,
        flows: &[],
    }
}

/// People whom each incident met.
fn people(question: &Question<'_>, found: &Incidents) -> BTreeMap<crate::incident::IncidentId, impact::AffectedPeople> {
    let asked = asked(question, found);
    let of = |incident: &crate::incident::Incident| (incident.id.clone(), impact::affected_by(&asked, incident));
    found.detection.incidents.iter().map(of).collect()
}

/// Sign-ins that were expected and those that failed, per objective; those without a number left out.
fn sign_ins(question: &Question<'_>, found: &Incidents) -> BTreeMap<crate::model::ObjectiveName, SignIns> {
    let of = |(objective, period): &(Objective, Period)| {
        let flows = [objective.flow.clone()];
        let asked = impact::Question { flows: &flows, ..asked(question, found) };
        let until = question.until.clamp(period.start, period.end);
        if until <= period.start {
            return None;
        }
        let (intents, affected) = impact::sign_ins_of_span(&asked, period.start, until, &found.detection.incidents);
        let (expected, failed) = (intents.estimate()?, affected.estimate()?);
        Some((objective.name.clone(), SignIns { expected, failed }))
    };
    question.objectives.iter().filter_map(of).collect()
}
