//! Every written percentage against the measured shares.

use super::super::amount::{Share, shares};
use super::super::checks::{Of, denominator};
use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::finding::Verdict;
use super::{Known, contradicted};
use crate::postmortem::evidence::{Fact, Value};
use crate::report::format::{percent, percent_interval};

/// From here on a failing share is as good as the whole.
const WHOLE: f64 = 0.995;

pub(super) fn check(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for share in shares(&block.text) {
        let place = block.place(&share.range);
        match denominator(block, &share.range) {
            Of::Budget => budget(block, &share, known, verdict),
            Of::Other => verdict.leave(place, "nothing that was measured is a share of this"),
            Of::Users | Of::Everybody if estimated(&share, known).is_none() => {
                let measured = measured(known);
                verdict.leave(place, &format!("probes measure logins, not people: {measured}"));
            }
            Of::Working => working(block, &share, known, verdict),
            Of::Logins | Of::Users | Of::Everybody | Of::Nothing => logins(block, &share, known, verdict),
        }
    }
    wholes(block, known, verdict);
}

/// What was measured on the whole, in words.
fn measured(known: &Known<'_>) -> String {
    let failing = &known.evidence.incident.failing;
    format!(
        "{} of logins failed, {} ({} of {} probes)",
        percent(failing.share, failing.interval),
        percent_interval(failing.interval),
        failing.failing,
        failing.n
    )
}

fn same(share: &Share, value: f64) -> bool {
    (share.share - value).abs() <= share.slack + 1e-9
}

/// A share of people among the estimates.
fn estimated<'a>(share: &Share, known: &'a Known<'_>) -> Option<&'a Fact> {
    known.facts.iter().find(|fact| match fact.value {
        Value::Share(value) => fact.subject.is_none() && fact.name.contains("people") && same(share, value),
        _ => false,
    })
}

fn logins(block: &Block, share: &Share, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&share.range);
    let subject = subject(block, known);
    let row = matches!(block.shape, Shape::Row(_));
    let facts = || known.facts.iter().filter(|fact| if row { fact.subject.as_deref() == subject } else { true });
    let fact = facts().find(|fact| matches!(fact.value, Value::Share(value) if same(share, value)));
    if let Some(fact) = fact {
        let whose = fact.subject.as_ref().map_or_else(String::new, |subject| format!(" of {subject}"));
        verdict.confirm(place, format!("the {}{whose}", fact.name));
        return;
    }
    if let Some(subject) = subject {
        contradicted(verdict, place, format!("no share of {subject} was measured as this"));
        return;
    }
    if is_end_of_interval(block, share) {
        contradicted(verdict, place, format!("no interval that was measured ends here: {}", measured(known)));
        return;
    }
    let incident = &known.evidence.incident;
    let sentence = block.sentence(&share.range).to_lowercase();
    let of_peak = share.up_to || sentence.contains("peak") || sentence.contains("worst");
    let whole =
        if of_peak { incident.peak.as_ref().map_or(&incident.failing, |peak| &peak.split) } else { &incident.failing };
    let within = whole
        .interval
        .is_some_and(|interval| (interval.low - share.slack..=interval.high + share.slack).contains(&share.share));
    if within {
        verdict.confirm(place, format!("measurement: {}", measured(known)));
    } else {
        contradicted(verdict, place, format!("measured otherwise: {}", measured(known)));
    }
}

/// Whether a percentage is one end of "76 % to 84 %".
fn is_end_of_interval(block: &Block, share: &Share) -> bool {
    let before = block.text[..share.range.start].trim_end();
    let after = block.text[share.range.end..].trim_start();
    before.ends_with("% to")
        || after.strip_prefix("to ").is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()))
}

/// A share that worked is what is missing to the failing one.
fn working(block: &Block, share: &Share, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&share.range);
    let fact = known.facts.iter().find(|fact| matches!(fact.value, Value::Share(value) if same(share, 1.0 - value)));
    match fact {
        Some(fact) => verdict.confirm(place, format!("what is missing to the {}", fact.name)),
        None => verdict.leave(place, "an availability is of a period, and the incident is only a part of it"),
    }
}

fn budget(block: &Block, share: &Share, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&share.range);
    if known.evidence.budgets.is_empty() {
        verdict.leave(place, "no objective says what the budget is");
        return;
    }
    if claim::left(block.sentence(&share.range)) {
        verdict.leave(place, "what is left of a budget depends on the rest of the period");
        return;
    }
    let fact = known.facts.iter().find(|fact| matches!(fact.value, Value::Budget(value) if same(share, value)));
    match fact {
        Some(fact) => verdict.confirm(place, fact.name.clone()),
        None => {
            let all = known.evidence.budgets.iter();
            let all: Vec<String> =
                all.map(|spent| format!("{} of {}", percent(Some(spent.share), None), spent.objective)).collect();
            contradicted(verdict, place, format!("the incident spent {}", all.join(", ")));
        }
    }
}

/// The vantage, region, flow, step or class that a row is about: its first cell.
fn subject<'a>(block: &'a Block, known: &Known<'_>) -> Option<&'a str> {
    if !matches!(block.shape, Shape::Row(_)) {
        return None;
    }
    let first = block.cells().first().copied()?;
    known.facts.iter().any(|fact| fact.subject.as_deref() == Some(first)).then_some(first)
}

/// "All users" and "complete outage" against the measured share.
fn wholes(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for range in claim::wholes(&block.text) {
        let place = block.place(&range);
        let incident = &known.evidence.incident;
        let most = incident.failing.share;
        if most.is_some_and(|share| share >= WHOLE) {
            verdict.confirm(place, format!("measurement: {}", measured(known)));
            continue;
        }
        let peak = incident.peak.as_ref().filter(|peak| peak.split.share.is_some_and(|share| share >= WHOLE));
        let only = peak.map_or_else(String::new, |peak| {
            let length = crate::report::format::span(peak.length);
            format!("; everything failed for {length} from {} only", crate::report::format::instant(peak.start, "UTC"))
        });
        contradicted(verdict, place, format!("not everything failed: {}{only}", measured(known)));
    }
}
