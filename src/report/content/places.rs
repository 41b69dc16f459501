//! Part nine: where it fails: by region and flow, by vantage, by class and step, and for whom.

use std::collections::BTreeSet;

use super::block::{Block, Line, Section, Table};
use super::command;
use crate::model::{FlowName, StepName, VantageName};
use crate::report::ReportModel;
use crate::report::format::{self, count, instant, percent, percent_interval, target};
use crate::report::model::{
    Counts, FailurePlace, FailureRow, FlowReport, FlowVantage, ObjectiveReport, Outage, PlaceCell, UserImpact,
};
use crate::slo::Interval;

/// A cell with fewer runs says little: one failure would be several percent.
const FEW: u64 = 30;

pub(super) fn section(model: &ReportModel) -> Section {
    let zone = model.head.period.zone.as_str();
    let mut blocks = vec![Block::Table(matrix(model))];
    if model.places.is_empty() {
        blocks = vec![Block::text("No flow was declared or run in this period.")];
    }
    for flow in &model.flows {
        blocks.push(Block::heading(flow.name.as_str()));
        blocks.push(Block::Table(vantages(flow)));
        if flow.vantages.iter().any(|at| at.downtime.outages > 0) {
            blocks.push(Block::note(
                "A stretch is a run of failed logins at one vantage, single ones included. Probes sample: it may have \
                 lasted as long as from the good run before it to the one after it, and as short as between its first \
                 and its last failed run.",
            ));
        }
        if flow.failures.is_empty() {
            let none = if flow.counts.good > 0 { "No run failed." } else { "No run was recorded." };
            blocks.push(Block::text(none));
        } else {
            blocks.push(Block::Table(failures(
                format!("{}: failures by class and blame", flow.name),
                &flow.failures,
                zone,
            )));
            blocks.push(Block::List(examples(&flow.failures, &model.head.generated_from)));
        }
        blocks.extend(outages(flow, zone).map(Block::Table));
    }
    for objective in &model.objectives {
        blocks.extend(objective.users.iter().flat_map(|users| impact(objective, users)));
    }
    blocks.extend(negatives(model));
    Section { anchor: "places", title: "Where it fails", short: "Where", blocks }
}

/// Regions down, flows across.
fn matrix(model: &ReportModel) -> Table {
    let flows: BTreeSet<&FlowName> = model.places.iter().map(|cell| &cell.flow).collect();
    let regions: BTreeSet<&str> = model.places.iter().map(|cell| cell.region.as_str()).collect();
    let mut table = Table::new("Failing share by region and flow", &["region", "flow", "failing", "bad of all logins"]);
    for region in regions {
        for flow in &flows {
            let cell = model.places.iter().find(|cell| cell.region == region && cell.flow == **flow);
            table.row([Line::from(region), flow.as_str().into(), share(cell), of_all(cell)]);
        }
    }
    table
}

fn share(cell: Option<&PlaceCell>) -> Line {
    match cell {
        None => Line::from("not probed"),
        Some(cell) if cell.n == 0 => Line::from(format::ABSENT),
        Some(cell) => {
            Line::default().strong(percent(cell.failing, cell.interval)).soft(percent_interval(cell.interval))
        }
    }
}

fn of_all(cell: Option<&PlaceCell>) -> Line {
    let Some(cell) = cell else { return Line::default() };
    let few = if (1..FEW).contains(&cell.n) { " (too few to say)" } else { "" };
    format!("{} of {}{few}", count(cell.bad), count(cell.n)).into()
}

fn vantages(flow: &FlowReport) -> Table {
    let columns =
        ["vantage", "availability", ">good", ">bad", ">lost", ">missing", ">coverage", "downtime as seen from here"];
    let mut table = Table::new(format!("{} by vantage", flow.name), &columns);
    let mut row = |name: &str, availability, interval, counts: &Counts, down: Line| {
        table.row([
            Line::from(name),
            available(availability, interval),
            count(counts.good).into(),
            count(counts.bad).into(),
            count(counts.lost).into(),
            count(counts.missing).into(),
            format::coverage(counts.coverage).into(),
            down,
        ]);
    };
    for at in &flow.vantages {
        let down = &at.downtime;
        let text = match down.outages {
            0 if at.counts.good + at.counts.bad == 0 => Line::from(format::ABSENT),
            0 => Line::from("none seen"),
            stretches => Line::default()
                .strong(format::beside(down.middle, down.high))
                .plain(format!(" in {}", format::counted(stretches, "stretch", "stretches")))
                .soft(format::spans(down.low, down.high)),
        };
        row(at.vantage.as_str(), at.availability, at.interval, &at.counts, text);
    }
    row("all", flow.availability, flow.availability_interval, &flow.counts, Line::default());
    table
}

/// A share with its interval, or that there is none.
pub(super) fn available(share: Option<f64>, interval: Option<Interval>) -> Line {
    match share {
        None => Line::from(format::ABSENT),
        Some(_) => Line::default().strong(percent(share, interval)).soft(percent_interval(interval)),
    }
}

fn failures(caption: String, rows: &[FailureRow], zone: &str) -> Table {
    let mut table = Table::new(caption, &["class", "blame", ">runs", ">share", "where", "first", "last"]);
    for row in rows {
        let place = |place: &FailurePlace| {
            let step = place.step.as_ref().map_or("no step", StepName::as_str);
            let phase = place.phase.map_or_else(String::new, |phase| format!(" ({phase})"));
            format!("{step}{phase}: {}", count(place.count))
        };
        let places: Vec<String> = row.places.iter().map(place).collect();
        table.row([
            Line::from(format!("{}({})", row.verdict, row.class)),
            row.blame.as_str().into(),
            count(row.count).into(),
            percent(Some(row.share), None).into(),
            places.join(", ").into(),
            instant(row.first, zone).into(),
            instant(row.last, zone).into(),
        ]);
    }
    table
}

/// What the first run of each class said.
fn examples(rows: &[FailureRow], made_by: &str) -> Vec<Line> {
    let example = |row: &FailureRow| {
        let id = row.examples.first()?;
        let said = row.message.as_deref().map_or_else(String::new, |message| format!(": {message}"));
        let explain = command::beside(made_by, &format!("doorstep explain {id}"));
        Some(Line::default().plain(format!("{}{said} ", row.class)).code(explain))
    };
    rows.iter().filter_map(example).collect()
}

/// Runs of failures that are told one by one, over all vantages.
const LONGEST: usize = 10;

fn outages(flow: &FlowReport, zone: &str) -> Option<Table> {
    let columns = ["vantage", "began", "ended", "lasted", ">failed runs"];
    let mut table =
        Table::new(format!("{}: longest runs of failures at one vantage (two or more)", flow.name), &columns);
    let each = |at: &'_ FlowVantage| {
        at.downtime.longest.iter().map(|outage| (at.vantage.clone(), outage.clone())).collect::<Vec<_>>()
    };
    let mut longest: Vec<_> = flow.vantages.iter().flat_map(each).filter(|(_, outage)| outage.runs > 1).collect();
    longest.sort_by_key(|(_, outage)| std::cmp::Reverse(outage.high));
    longest.truncate(LONGEST);
    longest.sort_by(|(a_at, a), (b_at, b)| (a.not_before, a_at).cmp(&(b.not_before, b_at)));
    for (vantage, outage) in &longest {
        table.row(outage_row(vantage.as_str(), outage, zone));
    }
    (!table.rows.is_empty()).then_some(table)
}

fn outage_row(vantage: &str, outage: &Outage, zone: &str) -> [Line; 5] {
    let ended = if outage.open {
        format!("after {}, still failing at the end of the data", instant(outage.lasted_until, zone))
    } else {
        format::between(outage.lasted_until, outage.not_after, zone)
    };
    [
        Line::from(vantage),
        format::between(outage.not_before, outage.begun_by, zone).into(),
        ended.into(),
        format::spans(outage.low, outage.high).into(),
        count(outage.runs).into(),
    ]
}

fn impact(objective: &ObjectiveReport, users: &UserImpact) -> Vec<Block> {
    if users.availability.is_none() {
        return Vec::new();
    }
    let failed = match objective.threshold {
        None => "failed".to_owned(),
        Some(limit) => format!("failed or took longer than {}", format::limit(limit)),
    };
    let objective = &objective.name;
    let mut line = Line::default()
        .plain("Weighted by who the users are, ")
        .strong(percent(users.impact, users.interval))
        .plain(format!(" of sign-ins {failed} ({}). ", percent_interval(users.interval.map(Interval::complement))));
    if users.uncovered > 0.0 {
        line = line.strong(target(users.uncovered)).plain(format!(
            " of demand comes from users that no vantage with data stands for; over all users the availability lies \
             between {}.",
            percent_interval(Some(users.bounds)).replace(" to ", " and ")
        ));
    } else {
        line = line.plain("Every user is represented by a vantage.");
    }
    let columns = ["segment", ">sign-ins", "failing", ">bad", ">runs", "vantages"];
    let mut table = Table::new(format!("{objective}: users by segment"), &columns);
    for segment in &users.segments {
        let vantages: Vec<&str> = segment.vantages.iter().map(VantageName::as_str).collect();
        table.row([
            Line::from(segment.name.as_str()),
            target(segment.share).into(),
            available(segment.failing, segment.interval),
            count(segment.bad).into(),
            count(segment.n).into(),
            if vantages.is_empty() { "not covered".into() } else { vantages.join(", ").into() },
        ]);
    }
    vec![Block::heading(format!("Users of {objective}")), Block::text(line), Block::Table(table)]
}

fn negatives(model: &ReportModel) -> Vec<Block> {
    if model.negatives.is_empty() {
        return Vec::new();
    }
    let columns = ["flow", ">let in", ">refused", ">refused otherwise", ">other failures", ">lost", ">missing"];
    let mut table =
        Table::new("Logins with a wrong password, which must be refused; they count in no availability", &columns);
    for row in &model.negatives {
        let accepted = count(row.accepted);
        table.row([
            Line::from(row.flow.as_str()),
            if row.accepted > 0 { Line::default().loud(accepted) } else { accepted.into() },
            count(row.refused).into(),
            count(row.refusal_changed).into(),
            count(row.other_bad).into(),
            count(row.lost).into(),
            count(row.missing).into(),
        ]);
    }
    let mut blocks = vec![Block::heading("Would a wrong password get in?"), Block::Table(table)];
    for row in model.negatives.iter().filter(|row| !row.failures.is_empty()) {
        let caption = format!("{}: failures of wrong-password logins", row.flow);
        blocks.push(Block::Table(failures(caption, &row.failures, &model.head.period.zone)));
        blocks.push(Block::List(examples(&row.failures, &model.head.generated_from)));
    }
    blocks
}
