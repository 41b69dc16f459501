//! Part four: the incidents, those seen from one place only apart, and what was noted near their start.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::block::{Block, Line, Section, Table};
use super::command;
use crate::diagnosis;
use crate::impact::{Estimate, Figure};
use crate::incident::{Bounds, Incident, Scope, Share, ShareSplit, Symptom};
use crate::model::NotedEvent;
use crate::report::ReportModel;
use crate::report::format::{self, about, between, count, instant, percent, percent_interval, span};
use crate::report::model::IncidentRow;
use crate::report::{summary, words};

/// Minutes in the shortest worst stretch that is told.
const SHORTEST_PEAK: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn section(model: &ReportModel) -> Section {
    let zone = model.head.period.zone.as_str();
    let (common, one_place): (Vec<&IncidentRow>, Vec<&IncidentRow>) =
        model.incidents.iter().partition(|row| row.incident.scope == Scope::Common);
    let mut blocks = Vec::new();
    if common.is_empty() {
        blocks.push(Block::text(no_incident(model)));
    } else {
        let both = summary::outages_and_slow_spells(&common);
        blocks.push(Block::text(format!("Seen from several places: {both}.")));
        blocks.push(Block::Table(what(&common, zone)));
        blocks.push(Block::Table(who(&common)));
        blocks.extend(left_open(&common));
        blocks.extend(silent(&common));
        blocks.extend(reasons(&common));
        blocks.push(Block::Table(seen(&common, zone)));
        blocks.push(Block::note(
            "Probes sample: each end lies between two instants, so that a duration has a shortest, a middle and a \
             longest value. Shares have their Wilson interval.",
        ));
        blocks.extend(near(&common, zone));
        let worst =
            common.iter().max_by_key(|row| (row.incident.symptom == Symptom::Failing, row.incident.failing.failing));
        let draft = worst.map(|row| {
            let draft = format!("doorstep postmortem draft --incident {}", row.incident.id);
            command::beside(&model.head.generated_from, &draft)
        });
        blocks.extend(draft.map(|draft| Block::text(Line::default().plain("A draft of the postmortem: ").code(draft))));
    }
    if !one_place.is_empty() {
        blocks.push(Block::heading("Seen from one place"));
        blocks.push(Block::text(
            "Only one vantage saw these: its own network is as likely a reason as the service. They page nobody, but \
             they count in every number above.",
        ));
        blocks.push(Block::Table(from_one_place(&one_place, zone)));
    }
    Section { anchor: "incidents", title: "Incidents", short: "Incidents", blocks }
}

fn no_incident(model: &ReportModel) -> &'static str {
    let verdicts = model.flows.iter().any(|flow| flow.counts.good + flow.counts.bad > 0);
    match (verdicts, model.detection.is_some()) {
        (false, _) => "No run has a verdict, so that no incident could be seen.",
        (true, true) => "No incident was seen.",
        (true, false) => "Nothing looked for incidents in this period.",
    }
}

/// Not before, and not after.
fn instants(bounds: Bounds, zone: &str) -> String {
    if bounds.earliest == bounds.latest {
        instant(bounds.earliest, zone)
    } else {
        between(bounds.earliest, bounds.latest, zone)
    }
}

/// The bounds of the start, or what is known of it without a good probe before it.
fn began(incident: &Incident, zone: &str) -> String {
    if incident.start_unseen {
        return format!("by {}: no good probe came before", instant(incident.start.latest, zone));
    }
    instants(incident.start, zone)
}

fn durations(row: &IncidentRow) -> Line {
    let incident = &row.incident;
    let line = if incident.open { Line::from("so far ") } else { Line::default() };
    line.strong(format::beside(incident.middle, incident.high)).soft(format::spans(incident.low, incident.high))
}

/// `within` says of what stretch; empty for the whole.
fn share(symptom: Symptom, share: &Share, within: &str) -> Line {
    let word = match symptom {
        Symptom::Failing => "failed",
        Symptom::Slow if share.failing == 1 => "was slow",
        Symptom::Slow => "were slow",
    };
    Line::default()
        .plain(format!("{} of {} {word}{within}, ", count(share.failing), count(share.n)))
        .strong(percent(share.share, share.interval))
        .soft(percent_interval(share.interval))
}

fn what(rows: &[&IncidentRow], zone: &str) -> Table {
    let columns = ["incident", "began", "ended", "lasted", "on the whole", "at worst"];
    let mut table = Table::new("When, and how badly", &columns);
    for row in rows {
        let incident = &row.incident;
        let symptom = match incident.symptom {
            Symptom::Failing => " (outage)",
            Symptom::Slow => " (slow spell)",
        };
        let peak = incident.peak.map_or_else(
            || Line::from(unpeaked(incident)),
            |peak| share(incident.symptom, &peak.split, &format!(" within {}", span(peak.length))),
        );
        table.row([
            Line::default().code(incident.id.as_str()).plain(symptom),
            began(incident, zone).into(),
            if incident.open { Line::from("still open at the last run") } else { instants(incident.end, zone).into() },
            durations(row),
            share(incident.symptom, &incident.failing, ""),
            peak,
        ]);
    }
    table
}

/// Why there is no worst stretch.
fn unpeaked(incident: &Incident) -> &'static str {
    let lasted = incident.end.earliest.duration_since(incident.first_failing);
    if lasted < SHORTEST_PEAK { "shorter than 5 min: as on the whole" } else { "too few runs to say" }
}

/// The parts that were hit with what their shares are made of, the worst first.
fn hit(splits: &[ShareSplit]) -> String {
    let mut hit: Vec<&ShareSplit> = splits.iter().filter(|split| split.share.failing > 0).collect();
    hit.sort_by(|a, b| b.share.share.unwrap_or(0.0).total_cmp(&a.share.share.unwrap_or(0.0)).then(a.name.cmp(&b.name)));
    let shown = |split: &&ShareSplit| {
        let Share { n, failing, share, interval } = split.share;
        format!("{} {} ({} of {})", split.name, percent(share, interval), count(failing), count(n))
    };
    if hit.is_empty() { "none".to_owned() } else { hit.iter().map(shown).collect::<Vec<_>>().join(", ") }
}

/// Sign-ins that met it, not people: who comes twice is two of them. Low to high, with the middle.
fn people(row: &IncidentRow) -> Line {
    match row.people() {
        None => Line::from("not quantifiable"),
        Some(people) => {
            let bounds = format!("{} to {}", about(people.low), about(people.high));
            let line = Line::default().strong(about(people.middle));
            match row.incident.symptom {
                Symptom::Failing => line.plain(" met a failure").soft(bounds).plain(became(row)),
                Symptom::Slow => line.plain(" kept waiting").soft(bounds),
            }
        }
    }
}

/// What became of the sign-ins that met a failure; nothing where that cannot be told.
fn became(row: &IncidentRow) -> String {
    let estimate = |figure: &Option<Figure>| figure.as_ref().and_then(Figure::estimate);
    let (Some(never), Some(later)) = (estimate(&row.locked_out), estimate(&row.delayed)) else { return String::new() };
    let told = |of: Estimate| format!("({} to {})", about(of.low), about(of.high));
    format!(
        ": {} never got in {}, {} only after trying again {}",
        about(never.middle),
        told(never),
        about(later.middle),
        told(later)
    )
}

/// Why there is no number of people, once each.
fn reasons(rows: &[&IncidentRow]) -> Vec<Block> {
    let reason = |row: &&IncidentRow| match &row.people {
        Some(Figure::NotQuantifiable { reason }) => Some(reason.clone()),
        Some(Figure::Estimate { .. }) | None => None,
    };
    let reasons: BTreeSet<String> = rows.iter().filter_map(reason).collect();
    reasons.into_iter().map(|reason| Block::note(format!("Sign-ins, not quantifiable: {reason}."))).collect()
}

/// What logins that timed out leave open.
fn left_open(rows: &[&IncidentRow]) -> Option<Block> {
    let open = rows.iter().any(|row| diagnosis::has_timeouts(&row.incident));
    open.then(|| Block::note(format!("Timeouts: {}.", diagnosis::UNKNOWN_TO_THE_USER)))
}

/// Vantages that said nothing while it lasted.
fn silent(rows: &[&IncidentRow]) -> Option<Block> {
    let named = |row: &&IncidentRow| {
        let names: Vec<&str> = row.incident.silent.iter().map(crate::model::VantageName::as_str).collect();
        (!names.is_empty()).then(|| format!("{} during {}", names.join(", "), row.incident.id))
    };
    let all: Vec<String> = rows.iter().filter_map(named).collect();
    (!all.is_empty()).then(|| Block::note(format!("Silent, so that nothing is known from there: {}.", all.join("; "))))
}

/// The classes of the failures: slow logins have none.
fn failed_as(incident: &Incident) -> String {
    match incident.symptom {
        Symptom::Failing => hit(&incident.splits.classes),
        Symptom::Slow => "none failed: slow only".to_owned(),
    }
}

fn who(rows: &[&IncidentRow]) -> Table {
    let columns = ["incident", "regions hit", "flows hit", "failed as", "sign-ins", "of the error budget"];
    let mut table = Table::new("Who was hit, and what it cost", &columns);
    for row in rows {
        let splits = &row.incident.splits;
        let costs: Vec<String> =
            row.budget.iter().map(|cost| format!("{} {}", cost.objective, words::spent(cost.share))).collect();
        table.row([
            Line::default().code(row.incident.id.as_str()),
            hit(&splits.regions).into(),
            hit(&splits.flows).into(),
            failed_as(&row.incident).into(),
            people(row),
            if costs.is_empty() { Line::from("none") } else { costs.join(", ").into() },
        ]);
    }
    table
}

fn seen(rows: &[&IncidentRow], zone: &str) -> Table {
    let any = |symptom| rows.iter().any(|row| row.incident.symptom == symptom);
    let (first, after) = match (any(Symptom::Failing), any(Symptom::Slow)) {
        (true, true) => ("first failing or slow probe", "after the first failing or slow probe"),
        (false, true) => ("first slow probe", "after the first slow probe"),
        (_, false) => ("first failing probe", "after the first failing probe"),
    };
    let columns = ["incident", first, "alarm", after, "after the earliest start"];
    let mut table = Table::new("How soon it was seen", &columns);
    for row in rows {
        let incident = &row.incident;
        let step = incident.first_step.as_ref().map_or_else(String::new, |step| format!(", at {step}"));
        let delay = |delay: Option<crate::model::Micros>| Line::from(delay.map_or_else(|| "no alarm".to_owned(), span));
        table.row([
            Line::default().code(incident.id.as_str()),
            format!("{} from {}{step}", instant(incident.first_failing, zone), incident.first_vantage).into(),
            incident.detected.map_or_else(|| "found afterwards".to_owned(), |at| instant(at, zone)).into(),
            delay(row.seen_after),
            delay(row.seen_after_start),
        ]);
    }
    table
}

/// What was noted near the start of incidents: neighbours in time.
fn near(rows: &[&IncidentRow], zone: &str) -> Vec<Block> {
    let near: Vec<&&IncidentRow> = rows.iter().filter(|row| !row.near.is_empty()).collect();
    if near.is_empty() {
        return Vec::new();
    }
    let mut table =
        Table::new("Noted near their start: neighbours in time, not causes", &["incident", "when", "what", "said by"]);
    for row in near {
        for event in &row.near {
            table.row([
                Line::default().code(row.incident.id.as_str()),
                format!("{} ({})", instant(event.at, zone), distance(event, row)).into(),
                format!("{}: {}", event.kind, event.text).into(),
                event.author.as_str().into(),
            ]);
        }
    }
    vec![Block::Table(table)]
}

fn distance(event: &NotedEvent, row: &IncidentRow) -> String {
    let start = row.incident.start;
    let apart = |from: jiff::Timestamp, to: jiff::Timestamp| {
        span(crate::model::Micros(u64::try_from(to.as_microsecond() - from.as_microsecond()).unwrap_or(0)))
    };
    if event.at < start.earliest {
        format!("{} before the earliest start", apart(event.at, start.earliest))
    } else if event.at > start.latest {
        format!("{} after the latest start", apart(start.latest, event.at))
    } else {
        "within the bounds of the start".to_owned()
    }
}

fn from_one_place(rows: &[&IncidentRow], zone: &str) -> Table {
    let columns = ["incident", "place", "began", "ended", "lasted", "on the whole", "failed as"];
    let mut table = Table::new("Seen from one place", &columns);
    for row in rows {
        let incident = &row.incident;
        let place = match &incident.scope {
            Scope::OnePlace(vantage) => vantage.to_string(),
            Scope::Common => format::ABSENT.to_owned(),
        };
        table.row([
            Line::default().code(incident.id.as_str()),
            place.into(),
            began(incident, zone).into(),
            if incident.open { Line::from("still open at the last run") } else { instants(incident.end, zone).into() },
            durations(row),
            share(incident.symptom, &incident.failing, ""),
            failed_as(incident).into(),
        ]);
    }
    table
}
