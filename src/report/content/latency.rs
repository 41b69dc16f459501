//! Part six: how long logins took.

use super::block::{Block, Line, Section, Table};
use super::charts;
use crate::model::{Micros, StepName};
use crate::report::ReportModel;
use crate::report::format::{self, ABSENT, count, counted};
use crate::report::model::{Distribution, FlowReport, Percentile, StepBaseline};

/// A median that moved by more than this share of the usual one is worth a word.
const MOVED: f64 = 0.1;

pub(super) fn section(model: &ReportModel) -> Section {
    let mut blocks = Vec::new();
    for flow in &model.flows {
        blocks.push(Block::heading(flow.name.as_str()));
        blocks.extend(tail(&flow.latency.login).map(Block::text));
        let thresholds = model.objectives.iter().filter(|objective| objective.flow == flow.name);
        let threshold = thresholds.filter_map(|objective| objective.threshold).min();
        if let Some(chart) = charts::heat_map(flow, &model.head, threshold) {
            blocks.push(Block::figure(
                chart,
                format!(
                    "Every good login by its time, with the median (solid), the 95th (dashed) and the 99th percentile \
                     (dotted) of each interval; at the right edge those of the whole period with their rank intervals. \
                     Logins that did not finish have no time and stand in the band above.{}{}",
                    threshold.map_or_else(String::new, |at| format!(
                        " Red dashes: {}, from which on a login counts as bad.",
                        format::limit(at)
                    )),
                    charts::zone_of(&model.head.period.zone)
                ),
            ));
        }
        blocks.extend(against_baseline(flow, &model.baselines, &model.head.period.zone).map(Block::Table));
        blocks.push(Block::Table(percentiles(flow)));
    }
    if blocks.is_empty() {
        blocks.push(Block::text("Nothing was measured."));
    } else {
        blocks.push(Block::note(
            "Percentiles are of finished logins, from a histogram of three digits. Logins that a limit cut off have no \
             time, only a lower bound, and are counted apart. In brackets stands the rank interval: the two measured \
             times between which the percentile of all such logins lies, at the confidence of the report; an open end \
             (…) means that the sample is too small to bound it.",
        ));
    }
    Section { anchor: "latency", title: "How long it took", short: "Latency", blocks }
}

fn tail(login: &Distribution) -> Option<String> {
    let bound = login.at_least?;
    Some(format!(
        "{} of {} did not finish: the tail is at least {bound}.",
        count(login.unfinished),
        counted(login.n + login.unfinished + login.failed, "login", "logins")
    ))
}

/// Each step beside its usual time; `None` when none is known.
fn against_baseline(flow: &FlowReport, baselines: &[StepBaseline], zone: &str) -> Option<Table> {
    let mine: Vec<&StepBaseline> = baselines.iter().filter(|usual| usual.flow == flow.name).collect();
    let first = mine.first()?;
    let weeks = match (first.to.duration_since(first.from).as_secs_f64() / 604_800.0).round() as u64 {
        0 | 1 => "the week".to_owned(),
        weeks => format!("the {weeks} weeks"),
    };
    let from = format::instant(first.from, zone);
    let caption =
        format!("{}: against {weeks} before, from {from} on; baseline of {} logins", flow.name, count(first.n));
    let columns = ["time of", ">p50", ">usual p50", ">p95", ">usual p95", "median against the usual"];
    let mut table = Table::new(caption, &columns);
    for usual in mine {
        let name = usual.step.as_ref().map_or_else(|| "whole login".to_owned(), |step| format!("step {step}"));
        let now = times(flow, usual.step.as_ref());
        let value = |label: &str| now.and_then(|times| times.percentile(label)).map(|percentile| percentile.value);
        let shown = |time: Option<Micros>| Line::from(time.map_or_else(|| ABSENT.to_owned(), |time| time.to_string()));
        table.row([
            Line::from(name),
            shown(value("p50")),
            shown(usual.p50),
            shown(value("p95")),
            shown(usual.p95),
            moved(now.and_then(|times| times.percentile("p50")), usual.p50),
        ]);
    }
    Some(table)
}

fn times<'a>(flow: &'a FlowReport, step: Option<&StepName>) -> Option<&'a Distribution> {
    match step {
        None => Some(&flow.latency.login),
        Some(step) => flow.latency.steps.iter().find(|row| row.step == *step).map(|row| &row.times),
    }
}

/// Whether the median moved by more than its own rank interval and enough to matter.
fn moved(now: Option<&Percentile>, usual: Option<Micros>) -> Line {
    let (Some(now), Some(usual)) = (now, usual) else { return Line::from(ABSENT) };
    let change = now.value.as_millis_f64() / usual.as_millis_f64() - 1.0;
    let surely = now.low.is_some_and(|low| low > usual) || now.high.is_some_and(|high| high < usual);
    let words = if change > 0.0 { "slower" } else { "faster" };
    match () {
        () if !surely || change.abs() < MOVED => Line::from("as usual"),
        () => Line::default().strong(format!("{:.0} % {words}", change.abs() * 100.0)),
    }
}

fn percentiles(flow: &FlowReport) -> Table {
    let columns = ["time of", ">finished", "not finished", "p50", "p90", "p95", "p99", "p99.9"];
    let mut table = Table::new(format!("{}: percentiles with their rank intervals", flow.name), &columns);
    let latency = &flow.latency;
    table.row(distribution("whole login".to_owned(), &latency.login));
    for row in &latency.vantages {
        table.row(distribution(format!("from {}", row.vantage), &row.login));
    }
    for row in &latency.steps {
        table.row(distribution(format!("step {} ({})", row.step, row.role), &row.times));
    }
    for row in &latency.phases {
        table.row(distribution(format!("phase {}", row.phase), &row.times));
    }
    table
}

fn distribution(name: String, times: &Distribution) -> Vec<Line> {
    let unfinished = match times.at_least {
        Some(bound) => format!("{}, each at least {bound}", count(times.unfinished)),
        None => count(times.unfinished),
    };
    let mut row = vec![Line::from(name), count(times.n).into(), unfinished.into()];
    for label in ["p50", "p90", "p95", "p99", "p99.9"] {
        row.push(times.percentile(label).map_or_else(|| Line::from(ABSENT), percentile));
    }
    row
}

fn percentile(percentile: &Percentile) -> Line {
    let bound = |value: Option<Micros>| value.map_or_else(|| "…".to_owned(), |value| value.to_string());
    let interval = format!("{} to {}", bound(percentile.low), bound(percentile.high));
    Line::default().strong(percentile.value.to_string()).soft(interval)
}
