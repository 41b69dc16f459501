//! From the model's series to the charts' plain input.

use jiff::Timestamp;

use super::ticks;
use crate::model::Micros;
use crate::report::chart::{
    BurnDown, BurnPoint, Cell, HeatMap, HeatRow, LatencyLine, LatencyLines, Strip, StripRow, Tick,
};
use crate::report::format;
use crate::report::model::{Bins, CellState, FlowReport, FlowSeries, Head, ObjectiveReport, TimelineRow};

/// The availability strip of a flow, one row per vantage and step.
pub(super) fn strip(flow: &FlowReport, head: &Head) -> String {
    let series = &flow.series;
    Strip {
        title: format!("Availability of {} over time", flow.name),
        description: strip_in_words(flow),
        ticks: axis(&series.bins, &head.period.zone),
        rows: series.timeline.iter().map(strip_row).collect(),
    }
    .svg()
}

fn strip_row(row: &TimelineRow) -> StripRow {
    let label = row.step.as_ref().map_or_else(|| row.vantage.to_string(), |step| format!("› {step}"));
    let cells = row.cells.iter().enumerate().map(|(bin, state)| match state {
        CellState::Ok => Cell::Ok,
        CellState::Slow => Cell::Slow,
        CellState::NoData => Cell::NoData,
        CellState::Failed => {
            let of = f64::from(row.n.get(bin).copied().unwrap_or(0).max(1));
            Cell::Failing(f64::from(row.bad.get(bin).copied().unwrap_or(0)) / of)
        }
    });
    StripRow { label, cells: cells.collect() }
}

/// What the strip shows, for who cannot see it.
fn strip_in_words(flow: &FlowReport) -> String {
    let rows = flow.series.timeline.iter().filter(|row| row.step.is_none());
    let words: Vec<String> = rows
        .map(|row| {
            let of = |state| row.cells.iter().filter(|cell| **cell == state).count();
            format!(
                "{}: {} of {} intervals of {} with failures, {} slow, {} without data",
                row.vantage,
                of(CellState::Failed),
                row.cells.len(),
                format::span(flow.series.bins.width),
                of(CellState::Slow),
                of(CellState::NoData)
            )
        })
        .collect();
    words.join("; ")
}

/// Login time percentiles over time; `None` when no login finished.
pub(super) fn percentiles(flow: &FlowReport, head: &Head, threshold: Option<Micros>) -> Option<String> {
    let series = &flow.series;
    series.latency.iter().any(|point| point.n > 0).then(|| {
        let line = |label: &str, pick: fn(&crate::report::model::LatencyPoint) -> Option<Micros>| LatencyLine {
            label: label.to_owned(),
            millis: series.latency.iter().map(|point| pick(point).map(Micros::as_millis_f64)).collect(),
        };
        LatencyLines {
            title: format!("Login time of {} over time", flow.name),
            description: "Median, 95th and 99th percentile of the login time of good runs, logarithmic axis".to_owned(),
            ticks: axis(&series.bins, &head.period.zone),
            threshold: threshold.map(Micros::as_millis_f64),
            lines: vec![line("p50", |point| point.p50), line("p95", |point| point.p95), line("p99", |point| point.p99)],
        }
        .svg()
    })
}

/// The latency heat map; `None` when nothing finished and nothing was cut off.
pub(super) fn heat_map(flow: &FlowReport, head: &Head) -> Option<String> {
    let map = &flow.series.heat_map;
    let unfinished: Vec<u64> = map.unfinished.iter().copied().map(u64::from).collect();
    if map.edges.len() < 2 && unfinished.iter().all(|count| *count == 0) {
        return None;
    }
    let classes = map.edges.len().saturating_sub(1);
    let rows = (0..classes).map(|class| HeatRow {
        // Every other edge is named: more would not fit.
        label: if class % 2 == 0 { map.edges[class].to_string() } else { String::new() },
        counts: map.counts.iter().map(|bin| bin.get(class).copied().map_or(0, u64::from)).collect(),
    });
    Some(
        HeatMap {
            title: format!("Login times of {} by time and size", flow.name),
            description: "Number of good logins per interval and login time; logins that did not finish above"
                .to_owned(),
            ticks: axis(&flow.series.bins, &head.period.zone),
            rows: rows.collect(),
            unfinished,
        }
        .svg(),
    )
}

/// The budget burn-down of an objective; `None` without a budget.
pub(super) fn burn_down(objective: &ObjectiveReport) -> Option<String> {
    let series = objective.burn_down.as_ref()?;
    let period = &objective.period;
    let length = (period.end.as_microsecond() - period.start.as_microsecond()).max(1) as f64;
    let place = |at: Timestamp| (at.as_microsecond() - period.start.as_microsecond()) as f64 / length;
    let last = series.points.last()?;
    Some(
        BurnDown {
            title: format!("Error budget of {} over time", objective.name),
            description: format!(
                "{:.0} % of the error budget was spent by {}",
                last.spent * 100.0,
                format::instant(last.at, &period.zone)
            ),
            ticks: ticks::between(period.start, period.end, &period.zone),
            points: series
                .points
                .iter()
                .map(|point| BurnPoint { at: place(point.at), left: 1.0 - point.spent })
                .collect(),
        }
        .svg(),
    )
}

fn axis(bins: &Bins, zone: &str) -> Vec<Tick> {
    ticks::between(bins.start, bins.start_of(bins.count), zone)
}

/// What one cell of a series covers, in words.
pub(super) fn bin_width(series: &FlowSeries) -> String {
    format::span(series.bins.width)
}
