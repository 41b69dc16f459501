//! One flow: where and when it failed, how long it took, and why.

use maud::{Markup, html};

use super::summary::share_cell;
use super::{cell, charts, figure, table};
use crate::model::Micros;
use crate::report::format::{count, instant, percent, span};
use crate::report::model::{Distribution, FailureRow, FlowReport, Head, Outage, Percentile};

pub(super) fn section(flow: &FlowReport, head: &Head) -> Markup {
    let heading = format!("flow-{}", flow.name);
    html! {
        section aria-labelledby=(heading) {
            h2 id=(heading) { "Flow: " (flow.name) }
            (figure(&charts::strip(flow, head), &format!("One cell is {}. {}", charts::bin_width(&flow.series), flow.series.slow_rule)))
            (vantages(flow))
            (failures(flow, head))
            (outages(flow, head))
            h3 { "Login time" }
            @if let Some(svg) = charts::percentiles(flow, head, None) {
                (figure(&svg, "Login time of good runs: median (solid), 95th percentile (dashed), 99th percentile (dotted)."))
            }
            @if let Some(svg) = charts::heat_map(flow, head) {
                (figure(&svg, "Every login by its time. Logins that did not finish have no time and stand in the band above."))
            }
            (latency(flow))
        }
    }
}

fn vantages(flow: &FlowReport) -> Markup {
    let rows: Vec<Vec<Markup>> = flow
        .vantages
        .iter()
        .map(|row| {
            let down = &row.downtime;
            vec![
                cell(row.vantage.as_str()),
                share_cell(row.availability, row.interval),
                cell(count(row.counts.good)),
                cell(count(row.counts.bad)),
                cell(count(row.counts.lost)),
                cell(count(row.counts.missing)),
                cell(percent(row.counts.coverage, None)),
                cell(if down.outages == 0 {
                    "none seen".to_owned()
                } else {
                    format!("{} to {} in {}", span(down.low), span(down.high), count(down.outages))
                }),
            ]
        })
        .collect();
    let columns =
        ["vantage", "availability", "good", "bad", "lost", "missing", "coverage", "downtime, low to high, in outages"];
    table("By vantage", &columns, &rows)
}

fn failures(flow: &FlowReport, head: &Head) -> Markup {
    if flow.failures.is_empty() {
        return html! { p { "No run failed." } };
    }
    let rows: Vec<Vec<Markup>> = flow.failures.iter().map(|row| failure(row, head)).collect();
    html! {
        h3 { "Failures by class and blame" }
        (table("Failures by class", &["class", "blame", "runs", "share", "where", "from", "to", "for example"], &rows))
    }
}

fn failure(row: &FailureRow, head: &Head) -> Vec<Markup> {
    let places: Vec<String> = row
        .places
        .iter()
        .map(|place| {
            let step = place.step.as_ref().map_or("no step", crate::model::StepName::as_str);
            let phase = place.phase.map_or_else(String::new, |phase| format!(" ({phase})"));
            format!("{step}{phase} {}", count(place.count))
        })
        .collect();
    vec![
        html! { code { (row.verdict) "(" (row.class) ")" } },
        cell(row.blame.as_str()),
        cell(count(row.count)),
        cell(percent(Some(row.share), None)),
        cell(places.join(", ")),
        cell(instant(row.first, &head.period.zone)),
        cell(instant(row.last, &head.period.zone)),
        html! {
            @if let Some(message) = &row.message { (message) " " }
            @if let Some(example) = row.examples.first() { code { "doorstep explain " (example) } }
        },
    ]
}

fn outages(flow: &FlowReport, head: &Head) -> Markup {
    let zone = &head.period.zone;
    let row = |vantage: &str, outage: &Outage| {
        let end = if outage.open {
            format!("after {}, still failing at the end of the data", instant(outage.lasted_until, zone))
        } else {
            format!("{} to {}", instant(outage.lasted_until, zone), instant(outage.not_after, zone))
        };
        vec![
            cell(vantage),
            cell(format!("{} to {}", instant(outage.not_before, zone), instant(outage.begun_by, zone))),
            cell(end),
            cell(format!("{} to {}", span(outage.low), span(outage.high))),
            cell(count(outage.runs)),
        ]
    };
    let rows: Vec<Vec<Markup>> = flow
        .vantages
        .iter()
        .flat_map(|at| {
            at.downtime.longest.iter().filter(|outage| outage.runs > 1).map(|outage| row(at.vantage.as_str(), outage))
        })
        .collect();
    html! {
        @if !rows.is_empty() {
            (table(
                "Longest outages (two failed runs or more in a row): probes sample, so that each end lies between two instants",
                &["vantage", "began", "ended", "duration", "failed runs"],
                &rows,
            ))
        }
        p class="note" {
            @match flow.longest_gap {
                Some(gap) => { "Only an outage longer than " (span(gap)) " is surely seen: the longest time without any verdict." }
                None => { "No run has a verdict, so no outage of any length could have been seen." }
            }
        }
    }
}

fn latency(flow: &FlowReport) -> Markup {
    let latency = &flow.latency;
    let mut rows = vec![distribution("whole login", &latency.login)];
    rows.extend(latency.vantages.iter().map(|row| distribution(&format!("from {}", row.vantage), &row.login)));
    rows.extend(latency.steps.iter().map(|row| distribution(&format!("step {} ({})", row.step, row.role), &row.times)));
    rows.extend(latency.phases.iter().map(|row| distribution(&format!("phase {}", row.phase), &row.times)));
    let columns = ["time of", "finished", "not finished", "p50", "p90", "p95", "p99", "p99.9"];
    html! {
        (table("Percentiles with their rank intervals", &columns, &rows))
        p class="note" {
            "Percentiles are of finished logins. Those that a limit cut off have no time, only a lower bound, and are "
            "counted apart. An open interval (…) means that the sample is too small to bound it."
        }
    }
}

fn distribution(name: &str, times: &Distribution) -> Vec<Markup> {
    let unfinished = match times.at_least {
        Some(bound) => format!("{}, each at least {bound}", count(times.unfinished)),
        None => count(times.unfinished),
    };
    let mut row = vec![cell(name), cell(count(times.n)), cell(unfinished)];
    for label in ["p50", "p90", "p95", "p99", "p99.9"] {
        row.push(times.percentile(label).map_or_else(|| cell("no data"), percentile));
    }
    row
}

fn percentile(percentile: &Percentile) -> Markup {
    let bound = |value: Option<Micros>| value.map_or_else(|| "…".to_owned(), |value| value.to_string());
    html! {
        strong { (percentile.value) } " "
        span class="interval" { "[" (bound(percentile.low)) " to " (bound(percentile.high)) "]" }
    }
}
