//! Part ten: how well incidents were seen, and what other rules would have done on the same runs.

use super::block::{Block, Line, Section, Table};
use crate::incident::Symptom;
use crate::report::ReportModel;
use crate::report::format::{count, percent_interval, span, target};
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
        &[
            "rule",
            ">pages",
            ">in incidents",
            ">one place",
            ">elsewhere",
            ">incidents missed",
            "after the first failing probe",
        ],
    );
    for rule in &detection.rules {
        table.row([
            Line::from(rule.name.as_str()),
            count(rule.pages).into(),
            count(rule.on_incidents).into(),
            count(rule.undecided).into(),
            count(rule.elsewhere).into(),
            count(rule.missed).into(),
            delays(rule).into(),
        ]);
    }
    let mut blocks = vec![Block::text(promise)];
    blocks.extend(charts(detection).map(Block::Table));
    if !table.rows.is_empty() {
        blocks.push(Block::Table(table));
    }
    blocks
}

/// The thresholds behind the alarms, per flow.
fn charts(detection: &DetectionReport) -> Option<Table> {
    let columns = ["flow", "looks for", "background", ">at most", ">looks for a share of", ">failures to an alarm"];
    let mut table = Table::new("The charts that were watched", &columns);
    for chart in &detection.charts {
        let symptom = match chart.symptom {
            Symptom::Failing => "failing logins",
            Symptom::Slow => "slow logins",
        };
        let row = chart.threshold.map_or_else(
            || "none: too much fails".to_owned(),
            |threshold| count(u64::from(threshold.div_ceil(chart.step.max(1)))),
        );
        table.row([
            Line::from(chart.flow.as_str()),
            symptom.into(),
            format!("{} of {} failed ({})", count(chart.failing), count(chart.n), percent_interval(chart.interval))
                .into(),
            target(chart.p0).into(),
            target(chart.p1).into(),
            row.into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
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
