//! The model as one long table: one row per number, so that a spreadsheet or a database can filter and pivot it.
//!
//! Columns: scope, name, metric, value, low, high, unit, n. An absent number is an empty cell, never 0. Shares are
//! between 0 and 1, times are UTC, durations microseconds. Rows of the scope `bin` are the charts' data; their name ends
//! in the bin's start.

mod weekly;

use crate::model::Micros;
use crate::slo::Interval;

use super::ReportModel;
use super::model::{
    Budget, Counts, Distribution, Downtime, FailureRow, FlowReport, FlowSeries, NegativeReport, ObjectiveReport,
    UserImpact,
};

const COLUMNS: [&str; 8] = ["scope", "name", "metric", "value", "low", "high", "unit", "n"];

/// Renders the table, header first. The same model gives the same bytes.
#[must_use]
pub fn render(model: &ReportModel) -> String {
    let mut table = Table { text: String::new() };
    table.line(&COLUMNS.map(str::to_owned));
    head(&mut table, model);
    for alarm in &model.alarms {
        let name = format!("{}/{}/{}", alarm.flow, alarm.kind, alarm.class);
        table.row("alarm", &name, "count", alarm.count, "runs");
        table.row("alarm", &name, "first", alarm.first, "time");
        table.row("alarm", &name, "last", alarm.last, "time");
    }
    for report in &model.objectives {
        objective(&mut table, report);
    }
    for report in &model.negatives {
        negative(&mut table, report);
    }
    for report in &model.flows {
        flow(&mut table, report);
    }
    weekly::rows(&mut table, model);
    table.text
}

/// A cell's number as text; absence is empty.
trait Cell {
    fn cell(self) -> String;
}

macro_rules! shown {
    ($($kind:ty),+) => { $(impl Cell for $kind { fn cell(self) -> String { self.to_string() } })+ };
}

shown!(u32, u64, f64, jiff::Timestamp, &str, String);

impl Cell for Micros {
    fn cell(self) -> String {
        self.0.to_string()
    }
}

impl<T: Cell> Cell for Option<T> {
    fn cell(self) -> String {
        self.map_or_else(String::new, Cell::cell)
    }
}

struct Table {
    text: String,
}

impl Table {
    fn line(&mut self, cells: &[String; 8]) {
        self.text.push_str(&record(cells));
    }

    fn row(&mut self, scope: &str, name: &str, metric: &str, value: impl Cell, unit: &str) {
        let absent = String::new;
        self.line(&[
            scope.to_owned(),
            name.to_owned(),
            metric.to_owned(),
            value.cell(),
            absent(),
            absent(),
            unit.to_owned(),
            absent(),
        ]);
    }

    fn bounded(
        &mut self,
        (scope, name, metric): (&str, &str, &str),
        value: impl Cell,
        (low, high): (impl Cell, impl Cell),
        unit: &str,
        n: Option<u64>,
    ) {
        self.line(&[
            scope.to_owned(),
            name.to_owned(),
            metric.to_owned(),
            value.cell(),
            low.cell(),
            high.cell(),
            unit.to_owned(),
            n.cell(),
        ]);
    }

    fn share(&mut self, place: (&str, &str, &str), share: Option<f64>, interval: Option<Interval>, n: u64) {
        let ends = (interval.map(|i| i.low), interval.map(|i| i.high));
        self.bounded(place, share, ends, "share", Some(n));
    }
}

/// One line as RFC 4180 wants it: a cell with a comma, a quote or a line end stands in quotes.
#[must_use]
pub fn record(cells: &[String]) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    // Writing into memory cannot fail, and text in is text out.
    let written = writer.write_record(cells).is_ok();
    debug_assert!(written, "a record could not be written into memory");
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

fn head(table: &mut Table, model: &ReportModel) {
    let head = &model.head;
    let site = head.site.as_str();
    table.row("report", site, "schema_version", model.schema_version, "");
    table.row("report", site, "start", head.period.start, "time");
    table.row("report", site, "end", head.period.end, "time");
    table.row("report", site, "until", head.until, "time");
    table.row("report", site, "length", head.period.seconds(), "s");
    table.row("report", site, "runs", head.runs, "runs");
    table.row("report", site, "data_revision", head.data_revision.as_str(), "");
    table.row("report", site, "policy_revision", head.policy_revision.as_str(), "");
    if let Some(population) = &head.population {
        table.row("report", site, "population_revision", population.revision.as_str(), "");
    }
    if let Some(publication) = &head.publication {
        table.row("report", site, "publication", publication.number, "revision");
    }
    for row in &head.slots {
        let name = format!("{}/{}/{}", row.flow, row.kind, row.vantage);
        table.row("slots", &name, "due", row.due, "slots");
        table.row("slots", &name, "recorded", row.recorded, "slots");
        table.row("slots", &name, "missing", row.missing, "slots");
    }
}

fn counts(table: &mut Table, scope: &str, name: &str, counts: &Counts) {
    table.row(scope, name, "due", counts.due, "slots");
    table.row(scope, name, "planned", counts.planned, "slots");
    table.row(scope, name, "good", counts.good, "slots");
    table.row(scope, name, "bad", counts.bad, "slots");
    table.row(scope, name, "lost", counts.lost, "slots");
    table.row(scope, name, "missing", counts.missing, "slots");
    table.row(scope, name, "coverage", counts.coverage, "share");
}

fn objective(table: &mut Table, report: &ObjectiveReport) {
    const SCOPE: &str = "objective";
    let name = report.name.as_str();
    let n = report.counts.good + report.counts.bad;
    table.row(SCOPE, name, "target", report.target, "share");
    table.row(SCOPE, name, "threshold", report.threshold, "us");
    counts(table, SCOPE, name, &report.counts);
    table.row(SCOPE, name, "over_threshold", report.over_threshold, "slots");
    table.share((SCOPE, name, "availability"), report.availability, report.interval, n);
    table.share((SCOPE, name, "failing"), report.failing, report.interval.map(Interval::complement), n);
    let pair = report.if_lost;
    table.row(SCOPE, name, "availability_if_lost_bad", pair.map(|pair| pair.low), "share");
    table.row(SCOPE, name, "availability_if_lost_good", pair.map(|pair| pair.high), "share");
    table.row(SCOPE, name, "verdict", report.verdict.as_str(), "");
    table.row(SCOPE, name, "probability_met", report.probability_met, "share");
    table.row(SCOPE, name, "burn_rate", report.burn_rate, "");
    if let Some(spending) = &report.budget {
        budget(table, name, spending);
    }
    if let Some(impact) = &report.users {
        users(table, name, impact);
    }
    for point in report.burn_down.iter().flat_map(|series| &series.points) {
        let place = format!("{name}/{}", point.at);
        table.row("bin", &place, "budget_spent", point.spent, "share");
        table.row("bin", &place, "budget_ideal", point.ideal, "share");
    }
}

fn budget(table: &mut Table, name: &str, budget: &Budget) {
    const SCOPE: &str = "objective";
    table.row(SCOPE, name, "budget_allowed_events", budget.allowed_events, "slots");
    table.row(SCOPE, name, "budget_spent_events", budget.spent_events, "slots");
    table.row(SCOPE, name, "budget_left_events", budget.left_events, "slots");
    table.row(SCOPE, name, "budget_allowed_minutes", budget.allowed_minutes, "min");
    table.row(SCOPE, name, "budget_spent_minutes", budget.spent_minutes, "min");
    table.row(SCOPE, name, "budget_left_minutes", budget.left_minutes, "min");
    table.row(SCOPE, name, "budget_spent_share", budget.spent_share, "share");
}

fn users(table: &mut Table, name: &str, users: &UserImpact) {
    let n = users.segments.iter().map(|segment| segment.n).sum();
    table.share(("objective", name, "user_availability"), users.availability, users.interval, n);
    table.share(("objective", name, "user_impact"), users.impact, users.interval.map(Interval::complement), n);
    table.row("objective", name, "user_uncovered", users.uncovered, "share");
    table.row("objective", name, "user_availability_if_uncovered_bad", users.if_uncovered.low, "share");
    table.row("objective", name, "user_availability_if_uncovered_good", users.if_uncovered.high, "share");
    for segment in &users.segments {
        let place = format!("{name}/{}", segment.name);
        table.row("segment", &place, "share", segment.share, "share");
        table.row("segment", &place, "bad", segment.bad, "slots");
        table.share(("segment", &place, "failing"), segment.failing, segment.interval, segment.n);
    }
}

fn negative(table: &mut Table, report: &NegativeReport) {
    const SCOPE: &str = "negative";
    let name = report.flow.as_str();
    table.row(SCOPE, name, "due", report.due, "slots");
    table.row(SCOPE, name, "accepted", report.accepted, "slots");
    table.row(SCOPE, name, "refused", report.refused, "slots");
    table.row(SCOPE, name, "refusal_changed", report.refusal_changed, "slots");
    table.row(SCOPE, name, "other_bad", report.other_bad, "slots");
    table.row(SCOPE, name, "lost", report.lost, "slots");
    table.row(SCOPE, name, "missing", report.missing, "slots");
    failures(table, &format!("{name}/wrong_password"), &report.failures);
}

fn failures(table: &mut Table, name: &str, rows: &[FailureRow]) {
    for row in rows {
        let place = format!("{name}/{}/{}", row.verdict, row.class);
        table.row("failure", &place, "blame", row.blame.as_str(), "");
        table.row("failure", &place, "count", row.count, "slots");
        table.row("failure", &place, "share", row.share, "share");
        table.row("failure", &place, "first", row.first, "time");
        table.row("failure", &place, "last", row.last, "time");
        for (vantage, count) in &row.vantages {
            table.row("failure", &format!("{place}/{vantage}"), "count", *count, "slots");
        }
    }
}

fn flow(table: &mut Table, report: &FlowReport) {
    let name = report.name.as_str();
    let decided = |counts: &Counts| counts.good + counts.bad;
    table.row("flow", name, "interval", report.interval, "us");
    counts(table, "flow", name, &report.counts);
    let n = decided(&report.counts);
    table.share(("flow", name, "availability"), report.availability, report.availability_interval, n);
    table.row("flow", name, "longest_gap", report.longest_gap, "us");
    for row in &report.vantages {
        let place = format!("{name}/{}", row.vantage);
        counts(table, "vantage", &place, &row.counts);
        let n = decided(&row.counts);
        table.share(("vantage", &place, "availability"), row.availability, row.interval, n);
        downtime(table, &place, &row.downtime);
    }
    failures(table, name, &report.failures);
    let latency = &report.latency;
    distribution(table, "flow", name, &latency.login);
    for row in &latency.vantages {
        distribution(table, "vantage", &format!("{name}/{}", row.vantage), &row.login);
    }
    for row in &latency.steps {
        distribution(table, "step", &format!("{name}/{}", row.step), &row.times);
    }
    for row in &latency.phases {
        distribution(table, "phase", &format!("{name}/{}", row.phase), &row.times);
    }
    series(table, name, &report.series);
}

fn downtime(table: &mut Table, place: &str, downtime: &Downtime) {
    table.row("vantage", place, "outages", downtime.outages, "");
    let ends = (downtime.low, downtime.high);
    table.bounded(("vantage", place, "downtime"), downtime.middle, ends, "us", Some(downtime.outages));
}

fn distribution(table: &mut Table, scope: &str, place: &str, times: &Distribution) {
    table.row(scope, place, "time_finished", times.n, "");
    table.row(scope, place, "time_unfinished", times.unfinished, "");
    table.row(scope, place, "time_unfinished_at_least", times.at_least, "us");
    table.row(scope, place, "time_failed", times.failed, "");
    table.row(scope, place, "time_shortest", times.shortest, "us");
    table.row(scope, place, "time_longest", times.longest, "us");
    for percentile in &times.percentiles {
        let metric = format!("time_{}", percentile.label);
        let ends = (percentile.low, percentile.high);
        table.bounded((scope, place, &metric), percentile.value, ends, "us", Some(times.n));
    }
}

fn series(table: &mut Table, name: &str, series: &FlowSeries) {
    for (index, point) in (0..).zip(&series.latency) {
        let place = format!("{name}/{}", series.bins.start_of(index));
        let n = Some(u64::from(point.n));
        for (metric, value) in [("time_p50", point.p50), ("time_p95", point.p95), ("time_p99", point.p99)] {
            if value.is_some() {
                table.bounded(("bin", &place, metric), value, (None::<u64>, None::<u64>), "us", n);
            }
        }
        if point.unfinished > 0 {
            table.row("bin", &place, "time_unfinished", point.unfinished, "");
        }
    }
    for row in &series.timeline {
        let step = row.step.as_ref().map_or("login", crate::model::StepName::as_str);
        for (index, (n, bad)) in (0..).zip(row.n.iter().zip(&row.bad)) {
            if *n > 0 {
                let place = format!("{name}/{}/{step}/{}", row.vantage, series.bins.start_of(index));
                table.bounded(("bin", &place, "bad"), *bad, (None::<u64>, None::<u64>), "", Some(u64::from(*n)));
            }
        }
    }
}
