//! Part ten: how well incidents were seen, and what other rules would have done on the same runs.

use super::block::{Block, Line, Section, Table};
use crate::report::ReportModel;
use crate::report::format::{count, span};
use crate::report::model::{DetectionReport, RuleRow};

pub(super) fn section(model: &ReportModel) -> Section {
    let blocks = match &model.detection {
        None => vec![Block::text("Nothing looked for incidents in this period, so that there is nothing to judge.")],
        Some(detection) => judged(detection),
    };
    Section { anchor: "detection", title: "How well incidents were seen", short: "Detection", blocks }
}

fn judged(detection: &DetectionReport) -> Vec<Block> {
    let promise = format!(
        "The thresholds are set so that chance alone pages at most {} a year while no more than the assumed background \
         fails. A page is true when it falls into an incident that the records confirm, false when it does not.",
        times(detection.promised_per_year)
    );
    let mut table = Table::new(
        "The same runs under other rules (shadow replay)",
        &["rule", ">pages", ">in incidents", ">elsewhere", ">incidents missed", "after the first failing probe"],
    );
    for rule in &detection.rules {
        table.row([
            Line::from(rule.name.as_str()),
            count(rule.pages).into(),
            count(rule.on_incidents).into(),
            count(rule.elsewhere).into(),
            count(rule.missed).into(),
            delays(rule).into(),
        ]);
    }
    vec![Block::text(promise), Block::Table(table)]
}

fn times(per_year: f64) -> String {
    if (per_year - 1.0).abs() < 0.005 { "once".to_owned() } else { format!("{per_year:.1} times") }
}

fn delays(rule: &RuleRow) -> String {
    if rule.delays.is_empty() {
        return "no incident".to_owned();
    }
    let shown = rule.delays.iter().map(|(_, delay)| delay.map_or_else(|| "never".to_owned(), span));
    shown.collect::<Vec<_>>().join(", ")
}
