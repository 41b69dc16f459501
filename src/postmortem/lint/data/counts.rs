//! Every written number of logins and people against what was counted and estimated.

use std::ops::Range;

use super::super::amount::counts;
use super::super::document::{Block, Shape};
use super::super::finding::Verdict;
use super::{Known, contradicted};
use crate::postmortem::evidence::Value;

/// A number of something.
struct Number {
    range: Range<usize>,
    value: f64,
    people: bool,
    about: bool,
}

pub(super) fn check(block: &Block, known: &Known<'_>, verdict: &mut Verdict) {
    for number in numbers(block) {
        let place = block.place(&number.range);
        let alike: Vec<_> = known
            .facts
            .iter()
            .filter_map(|fact| match (fact.value, number.people) {
                (Value::People(value), true) | (Value::Logins(value), false) => Some((fact, value)),
                _ => None,
            })
            .collect();
        let open = if number.about { number.value * 0.1 } else { 0.5 };
        let subject =
            first_cell(block).filter(|first| alike.iter().any(|(fact, _)| fact.subject.as_deref() == Some(first)));
        let mut known_here = alike.iter().filter(|(fact, _)| subject.is_none() || fact.subject.as_deref() == subject);
        if let Some((fact, _)) = known_here.find(|(_, value)| (value - number.value).abs() <= open) {
            verdict.confirm(place, fact.name.clone());
        } else if alike.is_empty() {
            let because = if number.people {
                "nothing is known of the people behind the logins"
            } else {
                "no logins were counted"
            };
            verdict.leave(place, because);
        } else {
            contradicted(verdict, place, "nothing that was counted or estimated gives this number".to_owned());
        }
    }
}

/// Numbers with their noun, and bare ones in columns of a table whose head is the noun.
fn numbers(block: &Block) -> Vec<Number> {
    let people = |of: &str| ["people", "persons", "users", "customers", "accounts"].contains(&of);
    let logins =
        |of: &str| of.contains("login") || of.contains("sign") || of.contains("attempt") || of.contains("request");
    let mut all: Vec<Number> = counts(&block.text)
        .into_iter()
        .filter(|count| people(&count.of) || logins(&count.of))
        .map(|count| Number { range: count.range, value: count.number, people: people(&count.of), about: count.about })
        .collect();
    let Shape::Row(heads) = &block.shape else { return all };
    let mut start = 0;
    for (cell, head) in block.text.split(" | ").zip(heads) {
        let range = start..start + cell.len();
        start = range.end + " | ".len();
        let head = head.to_lowercase();
        let digits = cell.trim().replace(',', "");
        if let (true, Ok(value)) = (head.contains("logins") || head.contains("people"), digits.parse::<u64>()) {
            all.push(Number { range, value: value as f64, people: head.contains("people"), about: false });
        }
    }
    all
}

fn first_cell(block: &Block) -> Option<&str> {
    matches!(block.shape, Shape::Row(_)).then(|| block.text.split(" | ").next()).flatten()
}
