//! One flow: where and when it failed, how long it took, and why.

use super::table::{Table, plain};
use crate::model::{Micros, StepName};
use crate::report::format::{ABSENT, count, instant, percent, percent_interval, span};
use crate::report::model::{
    CellState, Distribution, FailureRow, FlowReport, FlowSeries, Head, Outage, Percentile, TimelineRow,
};

/// Columns of the availability strip at most.
const STRIP: usize = 96;

pub(super) fn section(flow: &FlowReport, head: &Head) -> String {
    let mut text = format!("## Flow: {}\n\n", flow.name);
    let revisions: Vec<&str> = flow.revisions.iter().map(crate::model::Revision::as_str).collect();
    if !revisions.is_empty() {
        let each = flow.interval.map_or_else(String::new, |interval| format!(", every {}", span(interval)));
        text.push_str(&format!("Revision `{}`{each}.\n\n", revisions.join("`, then `")));
    }
    text.push_str(&strip(&flow.series, head));
    text.push_str(&vantages(flow));
    text.push_str(&outages(flow, head));
    text.push_str("### Failures by class and blame\n\n");
    let rows = failures(&flow.failures, head);
    text.push_str(if rows.is_empty() { "No run failed.\n\n" } else { &rows });
    text.push_str(&latency(flow));
    text
}

/// The availability strip in letters: the worst of the cells that share a column.
fn strip(series: &FlowSeries, head: &Head) -> String {
    let cells = series.bins.count as usize;
    let merged = cells.div_ceil(STRIP).max(1);
    let logins: Vec<&TimelineRow> = series.timeline.iter().filter(|row| row.step.is_none()).collect();
    let Some(width) = logins.iter().map(|row| row.vantage.as_str().len()).max() else { return String::new() };
    let letter = |cells: &[CellState]| {
        let any = |state| cells.contains(&state);
        match () {
            () if any(CellState::Failed) => 'X',
            () if any(CellState::Slow) => '~',
            () if any(CellState::Ok) => '.',
            () => ' ',
        }
    };
    let line = |row: &&TimelineRow| {
        let letters: String = row.cells.chunks(merged).map(letter).collect();
        format!("{:<width$} |{letters}|\n", row.vantage)
    };
    let lines: String = logins.iter().map(line).collect();
    let column = span(Micros(series.bins.width.0 * merged as u64));
    format!(
        "Each column is {column} from {}: `.` all good, `~` slow, `X` at least one failed, blank without data. {}\n\n\
         ```text\n{lines}```\n\n",
        instant(series.bins.start, &head.period.zone),
        series.slow_rule
    )
}

fn vantages(flow: &FlowReport) -> String {
    let headings =
        ["vantage", ">availability", "interval", ">good", ">bad", ">lost", ">missing", ">coverage", "downtime"];
    let mut table = Table::new(&headings);
    let mut row = |name: &str, availability, interval, counts: &crate::report::model::Counts, down: String| {
        table.row(vec![
            name.to_owned(),
            percent(availability, interval),
            percent_interval(interval),
            count(counts.good),
            count(counts.bad),
            count(counts.lost),
            count(counts.missing),
            percent(counts.coverage, None),
            down,
        ]);
    };
    for at in &flow.vantages {
        let down = &at.downtime;
        let text = if down.outages == 0 {
            "none seen".to_owned()
        } else {
            format!("{} to {} in {}", span(down.low), span(down.high), count(down.outages))
        };
        row(at.vantage.as_str(), at.availability, at.interval, &at.counts, text);
    }
    row("all", flow.availability, flow.availability_interval, &flow.counts, String::new());
    table.text()
}

fn outages(flow: &FlowReport, head: &Head) -> String {
    let mut table = Table::new(&["vantage", "began", "ended", "duration", ">failed runs"]);
    for at in &flow.vantages {
        for outage in at.downtime.longest.iter().filter(|outage| outage.runs > 1) {
            table.row(outage_row(at.vantage.as_str(), outage, &head.period.zone));
        }
    }
    let gap = flow.longest_gap.map_or_else(String::new, |gap| {
        format!("Only an outage longer than {} is surely seen: the longest time without any verdict.\n\n", span(gap))
    });
    let rows = table.text();
    if rows.is_empty() {
        return gap;
    }
    format!(
        "Longest outages (two failed runs or more in a row). Probes sample, so that each end lies between two \
         instants.\n\n{rows}{gap}"
    )
}

fn outage_row(vantage: &str, outage: &Outage, zone: &str) -> Vec<String> {
    let ended = if outage.open {
        format!("after {}, still failing at the end of the data", instant(outage.lasted_until, zone))
    } else {
        format!("{} to {}", instant(outage.lasted_until, zone), instant(outage.not_after, zone))
    };
    vec![
        vantage.to_owned(),
        format!("{} to {}", instant(outage.not_before, zone), instant(outage.begun_by, zone)),
        ended,
        format!("{} to {}", span(outage.low), span(outage.high)),
        count(outage.runs),
    ]
}

/// The failures as a table and what the first of each class said; nothing when there are none.
pub(super) fn failures(rows: &[FailureRow], head: &Head) -> String {
    let zone = &head.period.zone;
    let mut table = Table::new(&["class", "blame", ">runs", ">share", "where", "first", "last"]);
    let mut examples = String::new();
    for row in rows {
        let place = |place: &crate::report::model::FailurePlace| {
            let step = place.step.as_ref().map_or("no step", StepName::as_str);
            let phase = place.phase.map_or_else(String::new, |phase| format!(" ({phase})"));
            format!("{step}{phase}: {}", count(place.count))
        };
        let places: Vec<String> = row.places.iter().map(place).collect();
        table.row(vec![
            format!("{}({})", row.verdict, row.class),
            row.blame.to_string(),
            count(row.count),
            percent(Some(row.share), None),
            places.join(", "),
            instant(row.first, zone),
            instant(row.last, zone),
        ]);
        if let Some(example) = row.examples.first() {
            let message = row.message.as_deref().map_or_else(String::new, |message| format!(": {}", plain(message)));
            examples.push_str(&format!("- {}{message} (`doorstep explain {example}`)\n", row.class));
        }
    }
    if rows.is_empty() { String::new() } else { format!("{}{examples}\n", table.text()) }
}

fn latency(flow: &FlowReport) -> String {
    let headings = ["time of", ">finished", "not finished", ">p50", ">p90", ">p95", ">p99", ">p99.9"];
    let mut values = Table::new(&headings);
    let mut intervals = Table::new(&["interval of", ">p50", ">p90", ">p95", ">p99", ">p99.9"]);
    let mut row = |name: String, times: &Distribution| {
        let unfinished = match times.at_least {
            Some(bound) => format!("{}, each at least {bound}", count(times.unfinished)),
            None => count(times.unfinished),
        };
        let each = |show: fn(&Percentile) -> String| {
            ["p50", "p90", "p95", "p99", "p99.9"]
                .map(|label| times.percentile(label).map_or_else(|| ABSENT.to_owned(), show))
        };
        let named = vec![name.clone(), count(times.n), unfinished];
        values.row(named.into_iter().chain(each(|percentile| percentile.value.to_string())).collect());
        intervals.row([name].into_iter().chain(each(rank_interval)).collect());
    };
    let latency = &flow.latency;
    row("whole login".to_owned(), &latency.login);
    for at in &latency.vantages {
        row(format!("from {}", at.vantage), &at.login);
    }
    for step in &latency.steps {
        row(format!("step {} ({})", step.step, step.role), &step.times);
    }
    for phase in &latency.phases {
        row(format!("phase {}", phase.phase), &phase.times);
    }
    let login = &latency.login;
    let tail = match login.at_least {
        Some(bound) => format!(
            "{} of {} logins did not finish: the tail is at least {bound}. ",
            count(login.unfinished),
            count(login.n + login.unfinished + login.failed)
        ),
        None => String::new(),
    };
    format!(
        "### Login time\n\n{tail}Percentiles are of finished logins, from a histogram of three digits. Their rank \
         intervals follow; `..` means that the sample is too small to bound it.\n\n{}{}",
        values.text(),
        intervals.text()
    )
}

fn rank_interval(percentile: &Percentile) -> String {
    let bound = |value: Option<Micros>| value.map_or_else(|| "..".to_owned(), |value| value.to_string());
    format!("{} to {}", bound(percentile.low), bound(percentile.high))
}
