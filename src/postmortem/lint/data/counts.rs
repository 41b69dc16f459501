//! Every written number of logins and people against what was counted and estimated: each against the quantity of which it
//! is said. What is not said of any is left.

use std::ops::Range;

use super::super::amount::counts;
use super::super::claim;
use super::super::document::{Block, Shape};
use super::super::finding::Verdict;
use super::about::{cell_of_estimate, estimate_of, is_of, of_the_peak, subjects};
use super::{Known, contradicted};
use crate::postmortem::evidence::{Estimate, Fact, Value};

/// A number of something.
struct Number {
    range: Range<usize>,
    value: f64,
    people: bool,
    about: bool,
    /// The least and the most that its introduction allows.
    allows: (f64, f64),
    /// The head of its column, or the words with which it is counted.
    of: String,
}

pub(super) fn check(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for number in numbers(block) {
        if matches!(block.shape, Shape::Row(_)) {
            in_a_row(block, &number, known, verdict);
        } else {
            in_prose(block, &number, known, verdict);
        }
    }
}

fn value(fact: &Fact, people: bool) -> Option<f64> {
    match fact.value {
        Value::People(value) if people => Some(value),
        Value::Logins(value) if !people => Some(value),
        _ => None,
    }
}

/// A cell against the figure of its row and column.
fn in_a_row(block: &Block, number: &Number, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&number.range);
    let first = block.cells().first().copied().unwrap_or_default();
    let alike = || known.facts.iter().filter_map(|fact| Some((fact, value(fact, number.people)?)));
    let of_estimate = |fact: &Fact| cell_of_estimate(block, number.range.start, fact);
    let of_split = |fact: &Fact| {
        let subject = known.facts.iter().any(|fact| fact.subject.as_deref() == Some(first)).then_some(first);
        fact.subject.as_deref() == subject
            && estimate_of(&fact.name).is_none()
            && fact.name.ends_with("at the peak") == of_the_peak(block, &number.range)
            && counts_failures(&fact.name) == is_of_failures(&number.of)
    };
    let here: Vec<_> = if alike().any(|(fact, _)| of_estimate(fact)) {
        alike().filter(|(fact, _)| of_estimate(fact)).collect()
    } else {
        alike().filter(|(fact, _)| of_split(fact)).collect()
    };
    let open = if number.about { number.value * 0.1 } else { 0.5 };
    match here.iter().find(|(_, value)| (value - number.value).abs() <= open) {
        Some((fact, _)) => verdict.confirm(place, fact.name.clone()),
        None if here.is_empty() => {
            verdict.leave(place, "nothing that was counted or estimated is the figure of this row");
        }
        None => {
            let shown: Vec<String> = here.iter().map(|(fact, value)| format!("{} is {value:.0}", fact.name)).collect();
            contradicted(verdict, place, shown.join(", "));
        }
    }
}

fn counts_failures(name: &str) -> bool {
    name.starts_with("failed logins behind")
}

/// Whether a column or a phrase counts failures; "all failed logins" is what the failures of a step are a part of.
fn is_of_failures(of: &str) -> bool {
    ["failed", "failing", "slow"].iter().any(|word| of.contains(word)) && !of.starts_with("all ")
}

fn in_prose(block: &Block, number: &Number, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&number.range);
    let sentence = block.sentence(&number.range).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
    if number.people && says(&["report", "complain", "ticket", "called", "wrote", "phoned", "told us"]) {
        return verdict.leave(place, "who complained was not measured");
    }
    if !number.people && says(&["probe", "probed", "runs"]) {
        return probed(block, number, known, verdict);
    }
    let Some(estimate) = meant(number, &sentence, known) else {
        let because = if known.evidence.people.estimates.is_empty() {
            "nothing is known of the people behind the logins"
        } else {
            "it does not say of which estimate it is: affected, locked out, delayed, sign-ins failed"
        };
        return verdict.leave(place, because);
    };
    let (least, most) = number.allows;
    let what = &estimate.what;
    let bounds = format!("{:.0} to {:.0}, at best {:.0}", estimate.low, estimate.high, estimate.middle);
    if estimate.low <= most && least <= estimate.high {
        verdict.confirm(place, format!("the estimate '{what}': {bounds}"));
    } else {
        contradicted(verdict, place, format!("estimated otherwise, '{what}': {bounds}"));
    }
}

/// A number of probes, which were counted.
fn probed(block: &Block, number: &Number, known: &Known<'_>, verdict: &mut Verdict) {
    let place = block.place(&number.range);
    let sentence = block.sentence(&number.range);
    let subjects = subjects(sentence, known);
    let fits = |fact: &&Fact| {
        is_of(fact, &subjects)
            && fact.name.contains("logins behind the")
            && fact.name.ends_with("at the peak") == of_the_peak(block, &number.range)
            && counts_failures(&fact.name) == is_of_failures(&number.of)
    };
    let here: Vec<&Fact> = known.facts.iter().filter(fits).collect();
    let same = here.iter().find(|fact| value(fact, false).is_some_and(|value| (value - number.value).abs() <= 0.5));
    match same {
        Some(fact) => verdict.confirm(place, fact.name.clone()),
        None if here.is_empty() => verdict.leave(place, "no logins were counted"),
        None => contradicted(verdict, place, "no such number of probes was counted".to_owned()),
    }
}

/// The estimate of which a sentence speaks.
fn meant<'a>(number: &Number, sentence: &str, known: &'a Known<'_>) -> Option<&'a Estimate> {
    let says = |words: &[&str]| words.iter().any(|word| sentence.contains(word));
    let words: &[&str] = if number.people {
        if says(&["locked out", "every attempt", "never got in"]) {
            &["locked out"]
        } else if says(&["delayed", "tried again", "second try"]) {
            &["delayed"]
        } else if says(&["different", "distinct", "unique"]) {
            &["different", "distinct"]
        } else if claim::failing(sentence) && !says(&["merely", "notified", "informed", "not affected", "unaffected"]) {
            &["people affected"]
        } else {
            return None;
        }
    } else if claim::failing(sentence) || is_of_failures(&number.of) {
        &["sign-ins failed"]
    } else {
        return None;
    };
    let estimates = &known.evidence.people.estimates;
    estimates.iter().find(|estimate| words.iter().any(|word| estimate.what.to_lowercase().starts_with(word))).or_else(
        || estimates.iter().find(|estimate| words.iter().any(|word| estimate.what.to_lowercase().contains(word))),
    )
}

/// Numbers with their noun, and bare ones in columns of a table whose head is the noun.
fn numbers(block: &Block) -> Vec<Number> {
    let people = |of: &str| ["people", "persons", "users", "customers", "accounts"].contains(&of);
    let logins =
        |of: &str| of.contains("login") || of.contains("sign") || of.contains("attempt") || of.contains("request");
    let mut all: Vec<Number> = counts(&block.text)
        .into_iter()
        .filter(|count| people(&count.of) || logins(&count.of))
        .map(|count| Number {
            of: block.text.get(count.range.clone()).unwrap_or_default().to_lowercase(),
            range: count.range,
            value: count.number,
            people: people(&count.of),
            about: count.about,
            allows: count.allows,
        })
        .collect();
    let Shape::Row(heads) = &block.shape else { return all };
    let mut start = 0;
    for (cell, head) in block.text.split(" | ").zip(heads) {
        let range = start..start + cell.len();
        start = range.end + " | ".len();
        let head = head.to_lowercase();
        let digits = cell.trim().replace(',', "");
        if let (true, Ok(value)) = (head.contains("logins") || head.contains("people"), digits.parse::<u64>()) {
            let people = head.contains("people");
            let value = value as f64;
            all.push(Number { range, value, people, about: false, allows: (value, value), of: head });
        }
    }
    all
}
