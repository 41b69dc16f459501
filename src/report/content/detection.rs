//! Part ten: how well incidents were seen, and what other rules would have done on the same runs.

use super::block::{Block, Line, Section, Table};
use crate::incident::{Background, Basis, Symptom};
use crate::model::Micros;
use crate::report::ReportModel;
use crate::report::format::{about, count, counted, percent_interval, span, target};
use crate::report::model::{DetectionReport, RuleRow};
use crate::slo::poisson_interval;

pub(super) fn section(model: &ReportModel) -> Section {
    let blocks = match &model.detection {
        None => vec![Block::text("Nothing looked for incidents in this period, so that there is nothing to judge.")],
        Some(detection) => judged(detection, model.head.policy.confidence),
    };
    Section { anchor: "detection", title: "How well incidents were seen", short: "Detection", blocks }
}

fn judged(detection: &DetectionReport, confidence: f64) -> Vec<Block> {
    let promise = format!(
        "The thresholds are set so that chance alone pages at most {} per flow and year while no more than the assumed \
         background fails. A page is true when it falls into an incident that the records confirm, false when it does \
         not. {}",
        times(detection.promised_per_year),
        observed(detection, confidence)
    );
    let mut table = Table::new(
        "The same runs under other rules (shadow replay)",
        &[
            "rule",
            ">pages",
            ">in incidents",
            ">one place",
            ">elsewhere",
            "false per flow and year",
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
            false_alarms(rule, detection.flow_years),
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

/// Years of watching a flow, below which a rate per year would say nothing: those of a day.
const LEAST_YEARS: f64 = 1.0 / 365.0;
const TOO_SHORT: &str = "less than a day was watched";

/// What the watched time says about our own promise. Incidents are what our detector found, so that none of its pages
/// lies elsewhere: only their whole number bounds how many can have been false.
fn observed(detection: &DetectionReport, confidence: f64) -> String {
    let Some(ours) = detection.rules.first().filter(|_| detection.flow_years > 0.0) else {
        return "Nothing was watched in this period, so that no false alarm could be observed.".to_owned();
    };
    let most = poisson_interval(ours.pages, confidence).high / detection.flow_years;
    let rate = if detection.flow_years < LEAST_YEARS {
        format!("how many a year that would be, were all of them false, cannot be told: {TOO_SHORT}")
    } else {
        let seen = per_year(ours.pages as f64 / detection.flow_years);
        format!("were all of them false, it would be {seen} per flow and year, and not more than {}", per_year(most))
    };
    format!(
        "Observed: {} for failing logins in {} of watching all flows; alarms about slow logins are not counted here. By \
         these records none of our own pages can be false, since incidents are what our detector found; {rate}.",
        counted(ours.pages, "page", "pages"),
        span(Micros((detection.flow_years * 365.0 * 86_400e6) as u64)),
    )
}

/// False pages per year with their interval.
fn false_alarms(rule: &RuleRow, flow_years: f64) -> Line {
    match rule.false_per_year {
        None => Line::from("not told: the measure itself"),
        Some(_) if flow_years < LEAST_YEARS => Line::from(TOO_SHORT),
        Some(bounds) => {
            let seen = per_year(rule.elsewhere as f64 / flow_years);
            Line::default().strong(seen).soft(format!("{} to {}", per_year(bounds.low), per_year(bounds.high)))
        }
    }
}

/// A rate from few events knows two digits at most.
fn per_year(rate: f64) -> String {
    match rate {
        0.0 => "0".to_owned(),
        rate if rate < 9.95 => format!("{rate:.1}"),
        rate => about(rate),
    }
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
            background(chart).into(),
            target(chart.p0).into(),
            target(chart.p1).into(),
            row.into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

/// What was measured in the period's clean hours, and whether the chart goes by it.
fn background(chart: &Background) -> String {
    let word = match chart.symptom {
        Symptom::Failing => "failed",
        Symptom::Slow if chart.failing == 1 => "was slow",
        Symptom::Slow => "were slow",
    };
    let seen = match chart.n {
        0 => "no login in clean hours".to_owned(),
        n => format!(
            "{} of {} in clean hours {word} ({})",
            count(chart.failing),
            counted(n, "login", "logins"),
            percent_interval(chart.interval)
        ),
    };
    match chart.basis {
        Basis::Measured => seen,
        Basis::Floor => format!("{seen}; raised to the floor of {}", target(chart.p0)),
        Basis::Assumed => format!("{seen}; too few, so that it is assumed"),
    }
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
