//! Incidents as text, CSV and Markdown. Every share stands beside its interval, every duration between its bounds.

use jiff::Timestamp;

use crate::diagnosis::{self, Diagnosis, UNKNOWN_TO_THE_USER};
use crate::incident::{Background, Basis, Bounds, Incident, Scope, Share, ShareSplit, Symptom};
use crate::report::csv;
use crate::report::format::{self, count, percent, percent_interval};
use crate::slo::Period;

use super::diagnosis_text;

const COLUMNS: [&str; 26] = [
    "id",
    "flows",
    "symptom",
    "scope",
    "start_earliest",
    "start_latest",
    "end_earliest",
    "end_latest",
    "open",
    "low_us",
    "middle_us",
    "high_us",
    "n",
    "failing",
    "share",
    "share_low",
    "share_high",
    "peak_share",
    "peak_low",
    "peak_high",
    "peak_start",
    "first_failing",
    "first_vantage",
    "first_step",
    "detected",
    "linked",
];

/// What is said when a span holds no run.
pub(super) fn nothing_recorded(period: &Period) -> String {
    format!(
        "note: no run is recorded from {} to {}: whether anything broke cannot be said. 'doorstep run' records runs",
        period.start, period.end
    )
}

/// What was found in a period.
pub(super) struct Found<'a> {
    pub(super) incidents: &'a [Incident],
    /// One for each incident.
    pub(super) diagnoses: &'a [Diagnosis],
    pub(super) background: &'a [Background],
}

/// All incidents, a few lines each, and what the detector went by.
pub(super) fn list(found: &Found<'_>, period: &Period, runs: usize) -> String {
    let Found { incidents, diagnoses, background } = found;
    let many = |number: usize, what: &str| {
        let plural = if number == 1 { "" } else { "s" };
        format!("{} {what}{plural}", count(number as u64))
    };
    let mut text =
        format!("{} in {}, {} ({})\n", many(incidents.len(), "incident"), many(runs, "run"), period.label, period.zone);
    for (incident, diagnosis) in incidents.iter().zip(*diagnoses) {
        text.push('\n');
        text.push_str(&brief(incident, diagnosis, &period.zone));
    }
    if !background.is_empty() {
        text.push_str("\nWhat counts as an incident\n");
    }
    for one in *background {
        text.push_str(&charts(one));
    }
    text
}

fn brief(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> String {
    let mut text = format!("{}  {}; {}\n", incident.id, what(incident), flows(incident));
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<8} {value}\n"));
    line("began", &between(&incident.start, zone));
    line("ended", &end(incident, zone));
    line("lasted", &lasted(incident));
    line("failing", &shares(incident, zone));
    line("first", &first(incident, zone));
    line("where", &top(&incident.splits.vantages, 4));
    if !incident.splits.classes.is_empty() {
        line("how", &classes(&incident.splits.classes));
    }
    if diagnosis::has_timeouts(incident) {
        line("open", UNKNOWN_TO_THE_USER);
    }
    for said in diagnosis.brief(incident, zone) {
        line("database", &said);
    }
    if let Some(linked) = &incident.linked {
        line("linked", &link(incident, linked.as_str()));
    }
    text
}

fn link(incident: &Incident, linked: &str) -> String {
    match incident.symptom {
        Symptom::Failing => format!("slow logins came before: {linked}"),
        Symptom::Slow => format!("led up to failing logins: {linked}"),
    }
}

fn what(incident: &Incident) -> String {
    let symptom = match incident.symptom {
        Symptom::Failing => "logins failed",
        Symptom::Slow => "logins were slow",
    };
    match &incident.scope {
        Scope::Common => symptom.to_owned(),
        Scope::OnePlace(vantage) => format!("{symptom}, seen from {vantage} only"),
    }
}

fn flows(incident: &Incident) -> String {
    incident.flows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn at(instant: Timestamp, zone: &str) -> String {
    format::instant(instant, zone)
}

fn between(bounds: &Bounds, zone: &str) -> String {
    format!("between {} and {}", at(bounds.earliest, zone), at(bounds.latest, zone))
}

fn end(incident: &Incident, zone: &str) -> String {
    if incident.open {
        return format!("not by {}, when the last run was recorded", at(incident.end.latest, zone));
    }
    between(&incident.end, zone)
}

fn lasted(incident: &Incident) -> String {
    let [low, middle, high] = [incident.low, incident.middle, incident.high].map(format::span);
    let so_far = if incident.open { " so far" } else { "" };
    format!("{middle} ({low} to {high}){so_far}")
}

fn share(share: &Share) -> String {
    format!("{} ({})", percent(share.share, share.interval), percent_interval(share.interval))
}

fn shares(incident: &Incident, zone: &str) -> String {
    let of = format!("{} of {} logins", share(&incident.failing), count(incident.failing.n));
    let Some(peak) = &incident.peak else { return of };
    format!("{of}; at the worst {} in {} from {}", share(&peak.split), format::span(peak.length), at(peak.start, zone))
}

fn first(incident: &Incident, zone: &str) -> String {
    let step = incident.first_step.as_ref().map_or_else(String::new, |step| format!(" at step {step}"));
    let seen = format!("seen from {}{step}, {}", incident.first_vantage, at(incident.first_failing, zone));
    match incident.detection_delay() {
        Some(delay) => format!("{seen}; alarm {} later", format::span(delay)),
        None => seen,
    }
}

/// The largest shares, and how many more there are.
fn top(splits: &[ShareSplit], most: usize) -> String {
    let one = |split: &ShareSplit| format!("{} {}", split.name, percent(split.share.share, split.share.interval));
    let mut all: Vec<String> = splits.iter().filter(|split| split.share.failing > 0).map(one).collect();
    let more = all.len().saturating_sub(most);
    all.truncate(most);
    if more > 0 {
        all.push(format!("and {more} more"));
    }
    all.join(", ")
}

/// How often each class: they are counts of the same failures, so that no share is more telling.
fn classes(splits: &[ShareSplit]) -> String {
    splits.iter().map(|split| format!("{} {}", split.name, count(split.share.failing))).collect::<Vec<_>>().join(", ")
}

/// What a flow's charts went by, and where they do not hold.
fn charts(one: &Background) -> String {
    let symptom = match one.symptom {
        Symptom::Failing => "failing",
        Symptom::Slow => "slow",
    };
    let seen = match one.basis {
        Basis::Measured => format!("{} of {} logins of clean hours", count(one.failing), count(one.n)),
        Basis::Floor => format!("{} of {} logins of clean hours, hence the floor", count(one.failing), count(one.n)),
        Basis::Assumed => format!("assumed: only {} logins are known", count(one.n)),
    };
    let background = format!("background {} ({seen})", format::target(one.p0));
    let alarm = match one.threshold {
        None => "too much for any chart to tell an incident".to_owned(),
        Some(threshold) => format!(
            "a failure weighs {}, alarm at {threshold} {}",
            one.step,
            if one.vantages > 1 { "without the worst place" } else { "at the only place" }
        ),
    };
    let mut text = format!("  {} {symptom}: {background}; {alarm}\n", one.flow);
    for more in &one.exceeded {
        let place = more.vantage.as_ref().map_or_else(String::new, |vantage| format!(" at {vantage}"));
        text.push_str(&format!(
            "    the promised rate of false alarms is not held{place}: {} of its logins fail while nothing is wrong\n",
            percent_interval(Some(more.interval))
        ));
    }
    text
}

/// One incident with all its splits and its minutes.
pub(super) fn full(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> String {
    let mut text = brief(incident, diagnosis, zone);
    text.push_str(&diagnosis_text::text(incident, diagnosis, zone));
    for (name, splits) in dimensions(incident) {
        text.push_str(&format!("\n{name}\n"));
        for split in splits {
            let (failing, n) = (count(split.share.failing), count(split.share.n));
            text.push_str(&format!("  {:<24} {failing:>8} of {n:>8}  {}\n", split.name, share(&split.share)));
        }
    }
    text.push_str("\nMinute by minute (UTC)\n");
    for minute in &incident.minutes {
        let failing = if minute.n == 0 { "no run".to_owned() } else { format!("{} of {}", minute.failing, minute.n) };
        text.push_str(&format!("  {}  {failing}\n", minute.start.strftime("%Y-%m-%d %H:%M")));
    }
    text
}

fn dimensions(incident: &Incident) -> Vec<(&'static str, &[ShareSplit])> {
    let splits = &incident.splits;
    let all: [(&'static str, &[ShareSplit]); 5] = [
        ("By vantage", &splits.vantages),
        ("By region", &splits.regions),
        ("By flow", &splits.flows),
        ("By step, of all failures", &splits.steps),
        ("By class, of all failures", &splits.classes),
    ];
    all.into_iter().filter(|(_, splits)| !splits.is_empty()).collect()
}

/// One row per incident.
pub(super) fn csv_list(incidents: &[Incident]) -> String {
    let mut text = csv::record(&COLUMNS.map(str::to_owned));
    for incident in incidents {
        text.push_str(&csv::record(&cells(incident)));
    }
    text
}

fn cells(incident: &Incident) -> [String; 26] {
    let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let peak = incident.peak.as_ref();
    let peak_interval = peak.and_then(|peak| peak.split.interval);
    let text = |value: Option<&dyn ToString>| value.map_or_else(String::new, ToString::to_string);
    [
        incident.id.to_string(),
        flows(incident),
        match incident.symptom {
            Symptom::Failing => "failing".to_owned(),
            Symptom::Slow => "slow".to_owned(),
        },
        match &incident.scope {
            Scope::Common => "common".to_owned(),
            Scope::OnePlace(vantage) => format!("one_place {vantage}"),
        },
        incident.start.earliest.to_string(),
        incident.start.latest.to_string(),
        incident.end.earliest.to_string(),
        incident.end.latest.to_string(),
        incident.open.to_string(),
        incident.low.0.to_string(),
        incident.middle.0.to_string(),
        incident.high.0.to_string(),
        incident.failing.n.to_string(),
        incident.failing.failing.to_string(),
        number(incident.failing.share),
        number(incident.failing.interval.map(|interval| interval.low)),
        number(incident.failing.interval.map(|interval| interval.high)),
        number(peak.and_then(|peak| peak.split.share)),
        number(peak_interval.map(|interval| interval.low)),
        number(peak_interval.map(|interval| interval.high)),
        text(peak.map(|peak| &peak.start as &dyn ToString)),
        incident.first_failing.to_string(),
        incident.first_vantage.to_string(),
        text(incident.first_step.as_ref().map(|step| step as &dyn ToString)),
        text(incident.detected.as_ref().map(|at| at as &dyn ToString)),
        text(incident.linked.as_ref().map(|id| id as &dyn ToString)),
    ]
}

/// One row per minute.
pub(super) fn csv_minutes(incident: &Incident) -> String {
    let mut text = csv::record(&["minute", "n", "failing", "share"].map(str::to_owned));
    for minute in &incident.minutes {
        let share = if minute.n == 0 { String::new() } else { (minute.failing as f64 / minute.n as f64).to_string() };
        text.push_str(&csv::record(&[
            minute.start.to_string(),
            minute.n.to_string(),
            minute.failing.to_string(),
            share,
        ]));
    }
    text
}

/// A Markdown table of incidents.
pub(super) fn markdown(found: &Found<'_>, period: &Period) -> String {
    let incidents = found.incidents;
    let mut text = format!("# Incidents, {} ({})\n\n", period.label, period.zone);
    if incidents.is_empty() {
        text.push_str("None.\n");
        return text;
    }
    text.push_str("| incident | what | began | ended | lasted | failing | first seen |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for incident in incidents {
        let row = [
            incident.id.to_string(),
            format!("{}; {}", what(incident), flows(incident)),
            between(&incident.start, &period.zone),
            end(incident, &period.zone),
            lasted(incident),
            shares(incident, &period.zone),
            first(incident, &period.zone),
        ];
        text.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    for (incident, diagnosis) in incidents.iter().zip(found.diagnoses) {
        for said in diagnosis.brief(incident, &period.zone) {
            text.push_str(&format!("\n{}: {said}\n", incident.id));
        }
    }
    text
}

/// One incident as Markdown.
pub(super) fn markdown_full(incident: &Incident, diagnosis: &Diagnosis, zone: &str) -> String {
    let mut text = format!("# Incident {}\n\n", incident.id);
    for (name, value) in [
        ("What", format!("{}; {}", what(incident), flows(incident))),
        ("Began", between(&incident.start, zone)),
        ("Ended", end(incident, zone)),
        ("Lasted", lasted(incident)),
        ("Failing", shares(incident, zone)),
        ("First", first(incident, zone)),
    ] {
        text.push_str(&format!("- **{name}**: {value}\n"));
    }
    if diagnosis::has_timeouts(incident) {
        text.push_str(&format!("- **Open**: {UNKNOWN_TO_THE_USER}\n"));
    }
    for (name, splits) in dimensions(incident) {
        text.push_str(&format!("\n| {name} | failing | of | share |\n| --- | ---: | ---: | --- |\n"));
        for split in splits {
            let (failing, n) = (count(split.share.failing), count(split.share.n));
            text.push_str(&format!("| {} | {failing} | {n} | {} |\n", split.name, share(&split.share)));
        }
    }
    text.push_str(&diagnosis_text::markdown(incident, diagnosis, zone));
    text
}
