//! Failures by class, with who has to act, where and when.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{FlowName, RunId, RunKind, VantageName, Verdict};
use crate::report::model::{FailurePlace, FailureRow};

use super::Data;
use crate::history::{Place, Series};

/// Examples that a row names.
const EXAMPLES: usize = 3;

/// A class while its outcomes are collected.
#[derive(Default)]
struct Collected {
    places: BTreeMap<Place, u64>,
    vantages: BTreeMap<VantageName, u64>,
    started: Vec<Timestamp>,
    first: BTreeMap<(Timestamp, VantageName, u16), RunId>,
}

/// One row per class, the most frequent first; classes that share a count by name.
pub(super) fn rows(data: &Data<'_>, flow: &FlowName, kind: RunKind) -> Vec<FailureRow> {
    let mut classes: BTreeMap<Verdict, Collected> = BTreeMap::new();
    let mut recorded = 0;
    for (series, outcomes) in data.series(flow, kind) {
        recorded += outcomes.len() as u64;
        let ledger = data.builder.history.ledger(series);
        for outcome in outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Good) {
            let class = classes.entry(outcome.verdict).or_default();
            *class.places.entry(ledger.map(|ledger| ledger.place(outcome)).unwrap_or_default()).or_default() += 1;
            *class.vantages.entry(series.vantage.clone()).or_default() += 1;
            class.started.push(outcome.started);
            class.first.insert((outcome.slot, series.vantage.clone(), outcome.attempt), series.run_id(outcome));
            if class.first.len() > EXAMPLES {
                class.first.pop_last();
            }
        }
    }
    let row = |(verdict, class): (Verdict, Collected)| {
        let first = class.first.first_key_value().map(|(key, _)| key);
        let message = first.and_then(|(slot, vantage, attempt)| {
            let series = Series { flow: flow.clone(), kind, vantage: vantage.clone() };
            data.builder.parts.get(&series)?.message(verdict, &(*slot, *attempt))
        });
        let message = message.map(str::to_owned);
        class_row(verdict, class, recorded, message)
    };
    let mut rows: Vec<FailureRow> = classes.into_iter().filter_map(row).collect();
    rows.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (&a.verdict, &a.class).cmp(&(&b.verdict, &b.class))));
    rows
}

fn class_row(verdict: Verdict, class: Collected, recorded: u64, message: Option<String>) -> Option<FailureRow> {
    let count = class.started.len() as u64;
    let mut places: Vec<FailurePlace> =
        class.places.into_iter().map(|((step, phase), count)| FailurePlace { step, phase, count }).collect();
    places.sort_by_key(|place| std::cmp::Reverse(place.count));
    Some(FailureRow {
        verdict: verdict.as_str().to_owned(),
        class: verdict.class()?.to_owned(),
        blame: verdict.blame()?,
        count,
        share: count as f64 / recorded as f64,
        first: class.started.iter().min().copied()?,
        last: class.started.iter().max().copied()?,
        places,
        vantages: class.vantages,
        examples: class.first.into_values().collect(),
        message,
    })
}
