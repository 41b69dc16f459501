//! What the databases behind the logins said: of each incident, and in the whole period. Not there in a report without
//! databases.

use super::block::{Block, Figure, Line, Section, Table};
use super::charts;
use crate::incident::Incident;
use crate::model::{Nature, Severity, VantageName};
use crate::replication::Episode;
use crate::report::ReportModel;
use crate::report::format::{ABSENT, count, coverage, instant};
use crate::report::model::{DatabaseReport, FlowReport, IncidentEvidence};
use crate::report::states::{self, Course};

/// Findings that are told one by one.
const SHOWN: usize = 50;

/// `None` when no database was watched.
pub(super) fn section(model: &ReportModel) -> Option<Section> {
    if model.databases.is_empty() {
        return None;
    }
    let blocks = model.databases.iter().flat_map(|database| of_database(model, database)).collect();
    Some(Section { anchor: "database", title: "What the database says", short: "Database", blocks })
}

fn of_database(model: &ReportModel, database: &DatabaseReport) -> Vec<Block> {
    let zone = model.head.period.zone.as_str();
    let mut blocks = vec![Block::heading(database.database.as_str())];
    for said in &database.incidents {
        let incident = model.incidents.iter().map(|row| &row.incident).find(|incident| incident.id == said.incident);
        blocks.extend(incident.into_iter().flat_map(|incident| of_incident(incident, said, zone)));
    }
    if database.incidents.is_empty() {
        blocks.push(Block::text("No incident of its flows lies in this period."));
    }
    blocks.push(Block::Table(asked(database)));
    blocks.extend(over_time(model, database));
    blocks.push(if database.asked.iter().all(|asked| asked.samples == 0) {
        Block::text("Nobody asked it in the whole period: nothing is known of it.")
    } else {
        held(&database.episodes, zone)
    });
    blocks
}

/// The explanation, then all that it rests on.
fn of_incident(incident: &Incident, said: &IncidentEvidence, zone: &str) -> Vec<Block> {
    let evidence = &said.evidence;
    let head = Line::default().code(said.incident.as_str()).plain(": ");
    let head =
        if evidence.names_cause() { head.strong(evidence.brief(zone)) } else { head.plain(evidence.brief(zone)) };
    let failures = (!said.failures.is_empty()).then(|| said.failures.clone());
    let all = [
        failures.into_iter().collect(),
        evidence.held(zone),
        evidence.neighbours(incident, zone),
        evidence.unknown(zone),
        evidence.lag_rules(zone),
    ];
    vec![Block::text(head), Block::List(all.concat().into_iter().map(Line::from).collect())]
}

fn asked(database: &DatabaseReport) -> Table {
    let headings = ["server", ">slots due", ">no sample", ">lost", ">asked", ">answered", ">share"];
    let mut table = Table::new("How often it was asked, and how often it was due and was not", &headings);
    for asked in &database.asked {
        let questions = asked.samples - asked.lost;
        let share = (questions > 0).then(|| asked.answered as f64 / questions as f64);
        let known = |value: u64| asked.due.map_or_else(|| ABSENT.to_owned(), |_| count(value));
        table.row([
            Line::from(asked.server.as_str()),
            known(asked.due.unwrap_or(0)).into(),
            known(asked.missing()).into(),
            count(asked.lost).into(),
            count(questions).into(),
            count(asked.answered).into(),
            coverage(share).into(),
        ]);
    }
    table
}

/// What held beside when logins failed; nothing in a quiet period.
fn over_time(model: &ReportModel, database: &DatabaseReport) -> Vec<Block> {
    let zone = model.head.period.zone.as_str();
    let flows: Vec<&FlowReport> =
        model.flows.iter().filter(|flow| database.flows.is_empty() || database.flows.contains(&flow.name)).collect();
    let title = format!("What {} said over time", database.database);
    let course = Course {
        title: &title,
        axis: flows.first().map_or((model.head.period.start, model.head.period.end), |flow| {
            (flow.series.bins.start, flow.series.bins.start_of(flow.series.bins.count))
        }),
        zone,
        episodes: &database.episodes,
        answered: &database.answered,
        changes: &database.changes,
    };
    let logins = flows.iter().map(|flow| charts::logins(flow, &course)).collect();
    let Some(chart) = course.chart(logins) else { return Vec::new() };
    let caption = "Failing logins above what held on the servers: stretches above each other coincide, which is no proof \
                   that one is the other's cause.";
    let more = course.more().map(|more| format!(" {more}.")).unwrap_or_default();
    let letters = Some(states::letters(&chart));
    let caption = format!("{caption}{more}{}", charts::zone_of(zone));
    let marks = "Blank: nobody asked, or no answer came.".to_owned();
    let figure = Figure { chart: chart.into(), caption, marks, letters };
    let changes: Vec<Line> = course.changes_in_words().into_iter().map(Line::from).collect();
    let mut blocks = vec![Block::Figure(Box::new(figure))];
    if !changes.is_empty() {
        blocks.push(Block::text("What changed, numbered as it is marked in the chart, from left to right:"));
        blocks.push(Block::List(changes));
    }
    blocks
}

/// What held in the period, the gravest first, causes before effects.
fn held(episodes: &[Episode], zone: &str) -> Block {
    if episodes.is_empty() {
        return Block::text("Nothing was found in the whole period.");
    }
    let mut all: Vec<&Episode> = episodes.iter().collect();
    all.sort_by_key(|episode| {
        let finding = &episode.finding;
        (std::cmp::Reverse(finding.severity), finding.nature == Nature::Effect, episode.from)
    });
    let more = all.len().saturating_sub(SHOWN);
    let caption = if more == 0 {
        "What held in the period".to_owned()
    } else {
        format!("What held in the period: the first {SHOWN} of {}", all.len())
    };
    let mut table = Table::new(caption, &["rule", "server", "from", "until", "what was seen", "runbook"]);
    for episode in all.into_iter().take(SHOWN) {
        let finding = &episode.finding;
        let rule = format!("{} {}", finding.severity, finding.rule);
        let until = match episode.until {
            Some(until) => instant(until, zone),
            None => format!("seen last {}", instant(episode.last, zone)),
        };
        let from: Vec<&str> = episode.vantages.iter().map(VantageName::as_str).collect();
        table.row([
            if finding.severity == Severity::Critical { Line::default().strong(rule) } else { Line::from(rule) },
            finding.server.as_str().into(),
            instant(episode.from, zone).into(),
            until.into(),
            Line::default().plain(&finding.seen).soft(format!("from {}", from.join(", "))),
            Line::default().code(finding.runbook()),
        ]);
    }
    Block::Table(table)
}
