//! Every written percentage against the measured shares.

use super::super::amount::{Share, shares};
use super::super::checks::{Of, denominator};
use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::finding::Verdict;
use super::about::{cell_of_estimate, estimate_of, is_of, of_the_peak};
use super::{Known, about, contradicted};
use crate::incident::{self, Symptom};
use crate::postmortem::evidence::{Fact, Value};
use crate::report::format::{percent, percent_interval};
use crate::report::words;

/// From here on a failing share is as good as the whole.
const WHOLE: f64 = 0.995;

pub(super) fn check(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for share in shares(&block.text) {
        let place = block.place(&share.range);
        match denominator(block, &share.range) {
            Of::Budget => budget(block, &share, known, verdict),
            Of::Other => verdict.leave(place, "nothing that was measured is a share of this"),
            Of::Users | Of::Everybody if !is_estimate(block, &share, known) => {
                let measured = measured(known);
                verdict.leave(place, &format!("probes measure logins, not people: {measured}"));
            }
            Of::Working => working(block, &share, known, verdict),
            Of::Logins | Of::Failures | Of::Users | Of::Everybody | Of::Nothing => {
                logins(block, &share, known, verdict);
            }
        }
    }
    wholes(block, known, verdict);
}

/// What was measured on the whole, in words.
fn measured(known: &Known<'_>) -> String {
    in_words(known, &known.evidence.incident.failing)
}

/// A measured share in words.
fn in_words(known: &Known<'_>, failing: &incident::Share) -> String {
    format!(
        "{} of logins {}, {} ({} of {} probes)",
        percent(failing.share, failing.interval),
        crate::postmortem::draft::verb(&known.evidence.incident),
        percent_interval(failing.interval),
        failing.failing,
        failing.n
    )
}

fn same(share: &Share, value: f64) -> bool {
    (share.share - value).abs() <= share.slack + 1e-9
}

/// Whether a row holds an estimate of a share of people.
fn is_estimate(block: &Block, share: &Share, known: &Known<'_>) -> bool {
    known.facts.iter().any(|fact| cell_of_estimate(block, share.range.start, fact))
}

fn logins(block: &Block, share: &Share, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&share.range);
    let row = matches!(block.shape, Shape::Row(_));
    let subjects = if row { row_subject(block, known) } else { about::subjects(block.sentence(&share.range), known) };
    let peak = share.up_to || of_the_peak(block, &share.range);
    let of_estimate = |fact: &Fact| row && cell_of_estimate(block, share.range.start, fact);
    let end = end_of_interval(block, share);
    let eligible = |fact: &&Fact| {
        of_estimate(fact)
            || estimate_of(&fact.name).is_none()
                && is_of(fact, &subjects)
                && (fact.name.ends_with("at the peak") == peak || !subjects.is_empty())
                && is_end(fact, end)
    };
    let same_value = |fact: &&Fact| matches!(fact.value, Value::Share(value) if same(share, value));
    if let Some(fact) = known.facts.iter().filter(eligible).find(same_value) {
        let whose = fact.subject.as_ref().map_or_else(String::new, |subject| format!(" of {subject}"));
        return verdict.confirm(place, format!("the {}{whose}", fact.name));
    }
    if row && known.facts.iter().any(of_estimate) {
        return contradicted(verdict, place, "the estimate of this row is another".to_owned());
    }
    if !subjects.is_empty() {
        let within = subjects.iter().find(|subject| !row && end.is_none() && within_interval(share, subject, known));
        return match within {
            Some(subject) => verdict.confirm(place, format!("the interval of the failing share of {subject}")),
            None => contradicted(verdict, place, format!("no share of {} was measured as this", subjects.join(" or "))),
        };
    }
    if end.is_some() {
        return contradicted(verdict, place, format!("no interval that was measured ends here: {}", measured(known)));
    }
    if row && block.cells().len() > 3 {
        return contradicted(verdict, place, format!("not the measured figure of this row: {}", measured(known)));
    }
    if !claim::unscoped(&block.text, &share.range) && !peak && !row {
        return verdict.leave(place, "it is of a part of the logins that was not measured apart");
    }
    let incident = &known.evidence.incident;
    let whole =
        if peak { incident.peak.as_ref().map_or(&incident.failing, |peak| &peak.split) } else { &incident.failing };
    let (least, most) = share.allows;
    let within = whole.interval.is_some_and(|interval| interval.low <= most && least <= interval.high);
    if within {
        verdict.confirm(place, format!("measurement: {}", in_words(known, whole)));
    } else {
        contradicted(verdict, place, format!("measured otherwise: {}", in_words(known, whole)));
    }
}

/// Whether a share lies within the interval of what was measured of a vantage, region, flow, step or class.
fn within_interval(share: &Share, subject: &str, known: &Known<'_>) -> bool {
    let end = |name: &str| {
        known.facts.iter().find_map(|fact| match fact.value {
            Value::Share(value) if fact.subject.as_deref() == Some(subject) && fact.name.starts_with(name) => {
                Some(value)
            }
            _ => None,
        })
    };
    let ends = end("lower end").zip(end("upper end"));
    let (least, most) = share.allows;
    ends.is_some_and(|(low, high)| low <= most && least <= high)
}

/// An end of an interval.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Lower,
    Upper,
}

/// The end of "76 % to 84 %" that a percentage is; `None` for a share of its own.
fn end_of_interval(block: &Block, share: &Share) -> Option<End> {
    let before = block.text[..share.range.start].trim_end();
    let after = block.text[share.range.end..].trim_start();
    let lower = after.strip_prefix("to ").is_some_and(|next| next.starts_with(|c: char| c.is_ascii_digit()));
    if before.ends_with("% to") { Some(End::Upper) } else { lower.then_some(End::Lower) }
}

/// Whether a fact is this end of an interval, or no end where none is meant.
fn is_end(fact: &Fact, end: Option<End>) -> bool {
    let prefix = match end {
        Some(End::Lower) => "lower end of the",
        Some(End::Upper) => "upper end of the",
        None => return !fact.name.contains(" end of the "),
    };
    fact.name.starts_with(prefix)
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
                all.map(|spent| format!("{} of {}", words::spent(spent.share), spent.name())).collect();
            contradicted(verdict, place, format!("the incident spent {}", all.join(", ")));
        }
    }
}

/// The vantage, region, flow, step or class that a row is about: its first cell.
fn row_subject<'a>(block: &Block, known: &'a Known<'_>) -> Vec<&'a str> {
    let first = block.cells().first().copied().unwrap_or_default();
    known
        .facts
        .iter()
        .filter_map(|fact| fact.subject.as_deref())
        .find(|subject| *subject == first)
        .into_iter()
        .collect()
}

/// "All users" and "complete outage" against the measured share.
fn wholes(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for range in claim::wholes(&block.text) {
        let place = block.place(&range);
        let incident = &known.evidence.incident;
        if incident.symptom == Symptom::Slow {
            let message =
                format!("logins were slow, and no failing ones were part of this incident: {}", measured(known));
            contradicted(verdict, place, message);
            continue;
        }
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
