//! From the model's series to the charts' plain input.

use jiff::Timestamp;

use super::ticks;
use crate::diagnosis::Stretch;
use crate::model::Micros;
use crate::report::ReportModel;
use crate::report::chart::{
    BurnDown, BurnPoint, Cell, FanPlace, HeatLine, HeatMap, HeatRow, StateRow, Strip, StripRow, Tick, WeekMark, Weeks,
    WindowLine, Windows,
};
use crate::report::format::{self, percent, span};
use crate::report::model::{
    Bins, CellState, FlowReport, Head, LatencyPoint, ObjectiveReport, Percentile, TimelineRow, Window,
};
use crate::report::states::Course;

/// In which zone the times below a chart are, as a sentence at the end of its caption.
pub(super) fn zone_of(zone: &str) -> String {
    format!(" Times are in {zone}.")
}

/// The availability strip of a flow, one row per vantage and step.
pub(super) fn strip(flow: &FlowReport, head: &Head) -> Strip {
    let series = &flow.series;
    Strip {
        title: format!("Availability of {} over time", flow.name),
        description: strip_in_words(flow),
        ticks: axis(&series.bins, &head.period.zone),
        rows: series.timeline.iter().map(strip_row).collect(),
    }
}

fn strip_row(row: &TimelineRow) -> StripRow {
    let label = row.step.as_ref().map_or_else(|| row.vantage.to_string(), |step| format!("› {step}"));
    let cells = row.cells.iter().enumerate().map(|(bin, state)| match state {
        CellState::Ok => Cell::Ok,
        CellState::Slow => Cell::Slow,
        CellState::NoData => Cell::NoData,
        CellState::NotDue => Cell::NotDue,
        CellState::Failed => {
            let of = f64::from(row.n.get(bin).copied().unwrap_or(0).max(1));
            Cell::Failing(f64::from(row.bad.get(bin).copied().unwrap_or(0)) / of)
        }
    });
    StripRow { label, cells: cells.collect() }
}

/// When logins of a flow failed, from all vantages together, on the time axis of a database's chart.
pub(super) fn logins(flow: &FlowReport, course: &Course<'_>) -> StateRow {
    let bins = &flow.series.bins;
    let rows: Vec<&TimelineRow> = flow.series.timeline.iter().filter(|row| row.step.is_none()).collect();
    let cell = |bin: usize| {
        let sum = |counts: fn(&TimelineRow) -> &Vec<u32>| {
            rows.iter().filter_map(|row| counts(row).get(bin)).map(|count| f64::from(*count)).sum::<f64>()
        };
        let any = |state| rows.iter().any(|row| row.cells.get(bin) == Some(&state));
        match () {
            () if any(CellState::Failed) => Cell::Failing(sum(|row| &row.bad) / sum(|row| &row.n).max(1.0)),
            () if any(CellState::Slow) => Cell::Slow,
            () if any(CellState::Ok) => Cell::Ok,
            () => Cell::NotDue,
        }
    };
    let cells: Vec<Cell> = (0..bins.count as usize).map(cell).collect();
    let (mut stretches, mut first) = (Vec::new(), 0_u32);
    for same in cells.chunk_by(|one, other| one == other) {
        let end = first + same.len() as u32;
        let stretch = Stretch { from: bins.start_of(first), to: bins.start_of(end) };
        stretches.extend(course.place(stretch, same[0]).filter(|it| it.mark != Cell::NotDue));
        first = end;
    }
    StateRow { label: "logins".to_owned(), below: format!("of {}", flow.name), stretches }
}

/// What the strip shows, for who cannot see it.
fn strip_in_words(flow: &FlowReport) -> String {
    let rows = flow.series.timeline.iter().filter(|row| row.step.is_none());
    let words: Vec<String> = rows
        .map(|row| {
            let of = |state| row.cells.iter().filter(|cell| **cell == state).count();
            format!(
                "{}: {} of {} intervals of {} with failures, {} slow, {} due without data, {} not due",
                row.vantage,
                of(CellState::Failed),
                row.cells.len(),
                format::span(flow.series.bins.width),
                of(CellState::Slow),
                of(CellState::NoData),
                of(CellState::NotDue)
            )
        })
        .collect();
    words.join("; ")
}

/// The latency heat map with its percentiles; `None` when nothing finished and nothing was cut off.
pub(super) fn heat_map(flow: &FlowReport, head: &Head, threshold: Option<Micros>) -> Option<HeatMap> {
    let map = &flow.series.heat_map;
    let unfinished: Vec<u64> = map.unfinished.iter().copied().map(u64::from).collect();
    if map.edges.len() < 2 && unfinished.iter().all(|count| *count == 0) {
        return None;
    }
    let classes = map.edges.len().saturating_sub(1);
    let rows = (0..classes).map(|class| HeatRow {
        // Of many edges every other one is named: more would not fit.
        label: if classes < 14 || class % 2 == 0 { map.edges[class].to_string() } else { String::new() },
        counts: map.counts.iter().map(|bin| bin.get(class).copied().map_or(0, u64::from)).collect(),
    });
    let p95 = flow.latency.login.percentile("p95").map_or_else(String::new, |p95| format!("; p95 {}", p95.value));
    Some(HeatMap {
        title: format!("Login times of {} by time and size", flow.name),
        description: format!(
            "Number of good logins per interval and login time; {} that did not finish above{p95}",
            format::counted(unfinished.iter().sum::<u64>(), "login", "logins")
        ),
        ticks: axis(&flow.series.bins, &head.period.zone),
        rows: rows.collect(),
        unfinished,
        lines: lines(flow),
        threshold: threshold.and_then(|threshold| place(&map.edges, threshold)).filter(|at| (0.0..=1.0).contains(at)),
    })
}

fn lines(flow: &FlowReport) -> Vec<HeatLine> {
    type Pick = fn(&LatencyPoint) -> Option<Micros>;
    let edges = &flow.series.heat_map.edges;
    let line = |(label, pick): (&str, Pick)| {
        let within = |time: Micros| place(edges, time).map(|at| at.clamp(0.0, 1.0));
        let whole = |percentile: &Percentile| {
            Some((percentile.low.and_then(within), within(percentile.value)?, percentile.high.and_then(within)))
        };
        HeatLine {
            label: label.to_owned(),
            places: flow.series.latency.iter().map(|point| pick(point).and_then(within)).collect(),
            whole: flow.latency.login.percentile(label).and_then(whole),
        }
    };
    let picks: [(&str, Pick); 3] = [("p50", |point| point.p50), ("p95", |point| point.p95), ("p99", |point| point.p99)];
    picks.into_iter().map(line).collect()
}

/// Where a time lies between the first edge (0) and the last (1), on a log axis; beyond them outside of 0 to 1.
fn place(edges: &[Micros], time: Micros) -> Option<f64> {
    let log = |time: Micros| (time.0.max(1) as f64).log10();
    let (first, last) = (log(*edges.first()?), log(*edges.last()?));
    (last > first).then(|| (log(time) - first) / (last - first))
}

/// Where an instant lies in the objective's period, 0 to 1.
fn within(objective: &ObjectiveReport, at: Timestamp) -> f64 {
    let period = &objective.period;
    let length = (period.end.as_microsecond() - period.start.as_microsecond()).max(1) as f64;
    (at.as_microsecond() - period.start.as_microsecond()) as f64 / length
}

/// From and to, cut to the objective's period; `None` outside of it.
fn cut(objective: &ObjectiveReport, from: Timestamp, to: Timestamp) -> Option<(f64, f64)> {
    let (from, to) = (within(objective, from), within(objective, to));
    (to >= 0.0 && from <= 1.0).then(|| (from.clamp(0.0, 1.0), to.clamp(0.0, 1.0)))
}

/// The incidents that touched an objective.
pub(super) fn incidents_of(objective: &ObjectiveReport, model: &ReportModel) -> Vec<(f64, f64)> {
    let mine = model.incidents.iter().filter(|row| row.budget.iter().any(|cost| cost.objective == objective.name));
    mine.filter_map(|row| cut(objective, row.incident.start.earliest, row.incident.end.latest)).collect()
}

/// Time that was excluded for an objective.
pub(super) fn exclusions_of(objective: &ObjectiveReport) -> Vec<(f64, f64)> {
    let all = objective.adjusted.iter().flat_map(|adjusted| &adjusted.exclusions).map(|applied| &applied.exclusion);
    all.filter_map(|said| cut(objective, said.from, said.to)).collect()
}

/// The budget burn-down of an objective; `None` without a budget.
pub(super) fn burn_down(objective: &ObjectiveReport, model: &ReportModel) -> Option<BurnDown> {
    let series = objective.burn_down.as_ref()?;
    let period = &objective.period;
    let last = series.points.last()?;
    let fan = objective.standing.outlook.iter().flat_map(|outlook| &outlook.fan);
    Some(BurnDown {
        title: format!("Error budget of {} over time", objective.name),
        description: format!(
            "{} of the error budget was spent by {}",
            crate::report::words::spent(last.spent),
            format::instant(last.at, &period.zone)
        ),
        ticks: ticks::between(period.start, period.end, &period.zone),
        points: series
            .points
            .iter()
            .map(|point| BurnPoint { at: within(objective, point.at), left: 1.0 - point.spent })
            .collect(),
        incidents: incidents_of(objective, model),
        excluded: exclusions_of(objective),
        fan: fan
            .map(|point| FanPlace {
                at: within(objective, point.at),
                left: (1.0 - point.high, 1.0 - point.middle, 1.0 - point.low),
            })
            .collect(),
        until: objective.until.map(|until| (within(objective, until), "data until here".to_owned())),
    })
}

/// Lengths that people have names for, in seconds.
const NAMED: [(f64, &str); 12] = [
    (1.0, "1 s"),
    (10.0, "10 s"),
    (60.0, "1 min"),
    (300.0, "5 min"),
    (900.0, "15 min"),
    (3_600.0, "1 h"),
    (14_400.0, "4 h"),
    (43_200.0, "12 h"),
    (86_400.0, "1 d"),
    (259_200.0, "3 d"),
    (604_800.0, "1 week"),
    (2_419_200.0, "4 weeks"),
];

/// Windowed availability; `None` when no window has a verdict.
pub(super) fn windows(objective: &ObjectiveReport) -> Option<Windows> {
    let standing = &objective.standing;
    let (first, last) = (standing.windows.first()?, standing.windows.last()?);
    let seconds = |length: Micros| length.0 as f64 / 1e6;
    let points = |windows: &[Window]| {
        windows.iter().map(|window| (seconds(window.length), window.availability)).collect::<Vec<_>>()
    };
    let mut lines = vec![WindowLine { label: objective.period.label.clone(), points: points(&standing.windows) }];
    if lines[0].label.len() > 12 {
        "this period".clone_into(&mut lines[0].label);
    }
    if !standing.windows_before.is_empty() {
        lines.push(WindowLine { label: "weeks before".to_owned(), points: points(&standing.windows_before) });
    }
    Some(Windows {
        title: format!("Worst window of each length for {}", objective.name),
        description: format!(
            "From {} in the worst {} to {} in the worst {}",
            percent(Some(first.availability), first.interval),
            span(first.length),
            percent(Some(last.availability), last.interval),
            span(last.length)
        ),
        lengths: NAMED.iter().map(|(length, name)| (*length, (*name).to_owned())).collect(),
        target: objective.target,
        knee: standing.knee.map(|knee| (seconds(knee.length), format!("knee at {}", span(knee.length)))),
        lines,
    })
}

/// This period among its predecessors.
pub(super) fn weeks(objective: &ObjectiveReport) -> Weeks {
    let weeks = &objective.standing.weeks;
    let mark = |week: &crate::report::model::Week| WeekMark {
        // The year would not fit and is said in the table.
        label: week.label.split_once('-').map_or(week.label.clone(), |(_, week)| week.to_owned()),
        share: week.availability.zip(week.interval).map(|(share, bounds)| (bounds.low, share, bounds.high)),
        incidents: week.incidents,
        running: objective.until.is_some() && week.start == objective.period.start,
    };
    let short = weeks.iter().filter(|week| week.availability.is_some_and(|share| share < objective.target)).count();
    let known = weeks.iter().filter(|week| week.availability.is_some()).count();
    Weeks {
        title: format!("{} over {}", objective.name, format::counted(weeks.len() as u64, "period", "periods")),
        description: format!(
            "In {short} of {} with data the availability was below the target",
            format::counted(known as u64, "period", "periods")
        ),
        target: objective.target,
        weeks: weeks.iter().map(mark).collect(),
    }
}

fn axis(bins: &Bins, zone: &str) -> Vec<Tick> {
    ticks::between(bins.start, bins.start_of(bins.count), zone)
}
