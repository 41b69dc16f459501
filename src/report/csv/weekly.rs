//! The rows of what goes beyond the counts: incidents, where objectives stand, where it fails, what could not be seen.

use super::Table;
use crate::incident::{Incident, Scope};
use crate::report::ReportModel;
use crate::report::model::{DetectionReport, IncidentRow, ObjectiveReport, Sight, Standing, StepBaseline};

/// All of them; the order is that of the report.
pub(super) fn rows(table: &mut Table, model: &ReportModel) {
    for objective in &model.objectives {
        standing(table, objective);
    }
    for row in &model.incidents {
        incident(table, row);
    }
    for cell in &model.places {
        let name = format!("{}/{}", cell.region, cell.flow);
        table.share(("place", &name, "failing"), cell.failing, cell.interval, cell.n);
        table.row("place", &name, "bad", cell.bad, "runs");
    }
    model.detection.iter().for_each(|detection| rules(table, detection));
    for row in &model.sight {
        sight(table, row);
    }
    for (number, event) in model.events.iter().enumerate() {
        let name = format!("{}/{}", number + 1, event.kind);
        table.row("event", &name, "at", event.at, "time");
        table.row("event", &name, "text", event.text.as_str(), "");
        table.row("event", &name, "author", event.author.as_str(), "");
        table.row("event", &name, "entered", event.entered, "time");
    }
    for row in &model.baselines {
        baseline(table, row);
    }
}

fn standing(table: &mut Table, objective: &ObjectiveReport) {
    let (name, standing): (&str, &Standing) = (objective.name.as_str(), &objective.standing);
    if let Some(measured) = standing.measured {
        let ends = (measured.interval.low, measured.interval.high);
        table.bounded(("objective", name, "measured"), measured.availability, ends, "share", None);
    }
    if let Some(change) = &standing.change {
        table.row("objective", name, "change_since", change.label.as_str(), "");
        table.row("objective", name, "change", change.difference, "share");
    }
    if let Some(sign_ins) = standing.sign_ins {
        for (metric, estimate) in [("people_expected", sign_ins.expected), ("people_failed", sign_ins.failed)] {
            let ends = (estimate.low, estimate.high);
            table.bounded(("objective", name, metric), estimate.middle, ends, "people", None);
        }
    }
    if let Some(knee) = standing.knee {
        table.row("objective", name, "knee", knee.length, "us");
        table.row("objective", name, "dominant_outage", knee.outage, "us");
    }
    for (metric, windows) in [("worst", &standing.windows), ("worst_before", &standing.windows_before)] {
        for window in windows {
            table.row("window", &format!("{name}/{}", window.length.0), metric, window.availability, "share");
        }
    }
    for week in &standing.weeks {
        let place = format!("{name}/{}", week.label);
        table.share(("week", &place, "availability"), week.availability, week.interval, week.n);
        table.row("week", &place, "incidents", week.incidents, "");
    }
    if let Some(outlook) = &standing.outlook {
        table.row("objective", name, "chance_to_end_inside", outlook.inside, "share");
        for point in &outlook.fan {
            let place = format!("{name}/{}", point.at);
            table.bounded(("outlook", &place, "spent"), point.middle, (point.low, point.high), "share", None);
        }
    }
    for (number, clause) in standing.clauses.iter().enumerate() {
        let place = format!("{name}/{}", number + 1);
        table.row("clause", &place, "applies", u64::from(clause.applies), "");
        table.row("clause", &place, "text", clause.text.as_str(), "");
        table.row("clause", &place, "because", clause.because.as_str(), "");
    }
}

fn incident(table: &mut Table, row: &IncidentRow) {
    let incident: &Incident = &row.incident;
    let name = incident.id.as_str();
    let place = match &incident.scope {
        Scope::Common => String::new(),
        Scope::OnePlace(vantage) => vantage.to_string(),
    };
    table.row("incident", name, "one_place", place, "");
    let (start, end) = (incident.start, incident.end);
    table.bounded(("incident", name, "start"), start.latest, (start.earliest, start.latest), "time", None);
    table.bounded(("incident", name, "end"), end.earliest, (end.earliest, end.latest), "time", None);
    table.row("incident", name, "open", u64::from(incident.open), "");
    table.bounded(("incident", name, "duration"), incident.middle, (incident.low, incident.high), "us", None);
    table.share(("incident", name, "failing"), incident.failing.share, incident.failing.interval, incident.failing.n);
    if let Some(peak) = incident.peak {
        table.share(("incident", name, "failing_at_worst"), peak.split.share, peak.split.interval, peak.split.n);
        table.row("incident", name, "worst_length", peak.length, "us");
    }
    table.row("incident", name, "first_failing", incident.first_failing, "time");
    table.row("incident", name, "detected", incident.detected, "time");
    table.row("incident", name, "seen_after", row.seen_after, "us");
    table.row("incident", name, "seen_after_start", row.seen_after_start, "us");
    let people = row.people();
    let ends = (people.map(|people| people.low), people.map(|people| people.high));
    table.bounded(("incident", name, "people"), people.map(|people| people.middle), ends, "people", None);
    for cost in &row.budget {
        let place = format!("{name}/{}", cost.objective);
        table.row("incident", &place, "budget_spent", cost.share, "share");
    }
    let splits = &incident.splits;
    let dimensions = [("region", &splits.regions), ("vantage", &splits.vantages), ("flow", &splits.flows)];
    for (dimension, splits) in dimensions.into_iter().chain([("step", &splits.steps), ("class", &splits.classes)]) {
        for split in splits {
            let place = format!("{name}/{dimension}/{}", split.name);
            table.share(("incident", &place, "failing"), split.share.share, split.share.interval, split.share.n);
        }
    }
}

fn rules(table: &mut Table, detection: &DetectionReport) {
    table.row("detection", "ours", "promised_false_alarms_per_year", detection.promised_per_year, "");
    table.row("detection", "ours", "watched", detection.flow_years, "years");
    for rule in &detection.rules {
        table.row("rule", &rule.name, "pages", rule.pages, "");
        table.row("rule", &rule.name, "on_incidents", rule.on_incidents, "");
        table.row("rule", &rule.name, "elsewhere", rule.elsewhere, "");
        if let Some(bounds) = rule.false_per_year {
            let seen = rule.elsewhere as f64 / detection.flow_years;
            table.bounded(("rule", &rule.name, "false_per_year"), seen, (bounds.low, bounds.high), "per year", None);
        }
        table.row("rule", &rule.name, "undecided", rule.undecided, "");
        table.row("rule", &rule.name, "missed", rule.missed, "");
        for (incident, delay) in &rule.delays {
            table.row("rule", &format!("{}/{incident}", rule.name), "delay", *delay, "us");
        }
    }
}

fn sight(table: &mut Table, sight: &Sight) {
    let name = sight.flow.as_str();
    table.row("sight", name, "surely_seen_from", sight.surely, "us");
    for chance in &sight.chances {
        let place = format!("{name}/{}", chance.outage.0);
        table.row("sight", &place, "chance", chance.measured, "share");
        table.row("sight", &place, "chance_by_schedule", chance.planned, "share");
    }
    for gap in &sight.gaps {
        table.row("gap", &format!("{name}/{}", gap.from), "until", gap.to, "time");
    }
    let background = &sight.background;
    table.share(("sight", name, "background"), background.share, background.interval, background.n);
    table.row("sight", name, "background_assumed", background.assumed, "share");
}

fn baseline(table: &mut Table, usual: &StepBaseline) {
    let step = usual.step.as_ref().map_or("login", crate::model::StepName::as_str);
    let name = format!("{}/{step}", usual.flow);
    table.row("usual", &name, "n", usual.n, "");
    table.row("usual", &name, "p50", usual.p50, "us");
    table.row("usual", &name, "p95", usual.p95, "us");
}
