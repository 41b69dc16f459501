//! What a reader must know to read the figures of an impact rightly.

use std::collections::BTreeSet;

use crate::incident::Symptom;
use crate::model::{FlowName, LostRuns, Micros, Retries};

use super::estimate::{Asked, People, Question};

pub(super) fn of(question: &Question<'_>, asked: &Asked<'_>, people: &People) -> Vec<String> {
    let mut notes = vec![of_people(asked.is_slow())];
    let tries_again = question.population.habits().retries.as_ref().is_some_and(|retries| !retries.is_empty());
    if tries_again && !asked.is_slow() {
        notes.push(
            "The middle takes each attempt to fail on its own. Where the same people fail every time, none of them is \
             merely delayed, as many are locked out as are affected, and each fails as often as he tries: the bounds hold \
             both."
                .to_owned(),
        );
    }
    if asked.open {
        notes.push("It may still last: all figures are of what was seen so far.".to_owned());
    }
    notes.extend(slow(asked));
    notes.push(policy(question, asked, people));
    if people.weighted.uncovered > 0.0 {
        notes.push(format!(
            "For {:.1} % of demand no probe with a verdict stands, by segment and hour: of these people nothing is known. \
             Low ends and middles leave them out; upper ends take all of them as hit.",
            people.weighted.uncovered * 100.0
        ));
    }
    let others = question.population.segments().iter().filter(|segment| !asked.concerns_users(segment));
    let others: Vec<&str> = others.map(|segment| segment.name.as_str()).collect();
    if !others.is_empty() {
        notes.push(format!(
            "Users who log in by other flows met nothing of it, and are in no figure: {}.",
            others.join(", ")
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
    if asked.incident.is_none() {
        let words = match asked.stretches.iter().filter(|stretch| stretch.is_outage()).count() {
            0 => return notes,
            1 => "The outage within has its own failing share".to_owned(),
            outages => format!("Each of the {outages} outages within has its own failing share"),
        };
        notes.push(format!("{words}; what failed beside it is counted apart."));
    }
    notes
}

/// What is counted.
fn of_people(slow: bool) -> String {
    if slow {
        return "Somebody who wants to sign in twice is two of those kept waiting, and one of the distinct users."
            .to_owned();
    }
    "Attempts are not people: whoever fails tries again. Somebody who wants to sign in twice is two of the people affected, \
     and one of the distinct users."
        .to_owned()
}

/// By which threshold logins were slow.
fn slow(asked: &Asked<'_>) -> Option<String> {
    let incident = asked.incident.filter(|incident| incident.symptom == Symptom::Slow)?;
    let limits: BTreeSet<Micros> = incident.slow_limits.iter().map(|limit| limit.over).collect();
    let limits: Vec<String> = limits.iter().map(ToString::to_string).collect();
    Some(format!(
        "Slow is what took longer than {}: the threshold that the incident was found with, per flow and vantage.",
        limits.join(" or ")
    ))
}

/// How the policy counts what has no verdict, and which attempts.
fn policy(question: &Question<'_>, asked: &Asked<'_>, people: &People) -> String {
    let attempts = match question.policy.retries {
        Retries::FirstAttempt => "only the first attempt of each slot counts",
        Retries::BestAttempt => "the best attempt of each slot counts, as for a user who tries again at once",
    };
    let lost = &people.lost;
    let slow = asked.is_slow();
    if lost.lost + lost.missing == 0 {
        return format!("By the policy {attempts}; no run was lost, and no slot that counts here went without a run.");
    }
    let counted = match lost.counted_as {
        _ if slow => "say nothing of slowness",
        LostRuns::Excluded => "say nothing of the service",
        LostRuns::Bad => "count as bad",
    };
    let mut text =
        format!("By the policy {attempts}; {} lost runs and {} slots without a run {counted}", lost.lost, lost.missing);
    if let (false, Some(extremes)) = (slow, lost.failing_if) {
        text.push_str(&format!(
            ". Were all of them good, {:.1} % failed; were all bad, {:.1} %",
            extremes.low * 100.0,
            extremes.high * 100.0
        ));
    }
    text.push('.');
    text
}
