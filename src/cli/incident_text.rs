//! Incidents as text and Markdown. Every share stands beside its interval, every duration between its bounds.

use jiff::Timestamp;

use crate::diagnosis::{self, Diagnosis, UNKNOWN_TO_THE_USER};
use crate::incident::{Background, Basis, Bounds, Incident, Minute, Scope, Share, ShareSplit, Symptom};
use crate::model::VantageName;
use crate::report::format::{self, count, percent, percent_interval};
use crate::slo::Period;

use super::diagnosis_text;

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
    line("began", &began(incident, zone));
    line("ended", &end(incident, zone));
    line("lasted", &lasted(incident));
    line(symptom(incident), &shares(incident, zone));
    line("first", &first(incident, zone));
    line("where", &top(&incident.splits.vantages, 4));
    if !incident.silent.is_empty() {
        line("silent", &silent(incident));
    }
    if !incident.splits.classes.is_empty() {
        line("how", &classes(&incident.splits.classes));
    }
    if diagnosis::has_timeouts(incident) {
        line("timeouts", UNKNOWN_TO_THE_USER);
    }
    for said in diagnosis.brief(incident, zone) {
        line("database", &said);
    }
    if let Some(linked) = &incident.linked {
        line("linked", &link(incident, linked.as_str()));
    }
    text
}

/// What the share of an incident is the share of.
fn symptom(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failing",
        Symptom::Slow => "slow",
    }
}

fn silent(incident: &Incident) -> String {
    let names: Vec<&str> = incident.silent.iter().map(VantageName::as_str).collect();
    format!("{}: no verdict while it lasted, nothing is known from there", names.join(", "))
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

pub(super) fn flows(incident: &Incident) -> String {
    incident.flows.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn at(instant: Timestamp, zone: &str) -> String {
    format::instant(instant, zone)
}

fn between(bounds: &Bounds, zone: &str) -> String {
    format!("between {} and {}", at(bounds.earliest, zone), at(bounds.latest, zone))
}

fn began(incident: &Incident, zone: &str) -> String {
    if incident.start_unseen {
        let (first, by) = (at(incident.start.earliest, zone), at(incident.start.latest, zone));
        return format!("by {by}, perhaps before the first probe at {first}: no good one came before");
    }
    between(&incident.start, zone)
}

fn end(incident: &Incident, zone: &str) -> String {
    if incident.open {
        return format!("still open at the last run, {}", at(incident.end.latest, zone));
    }
    between(&incident.end, zone)
}

fn lasted(incident: &Incident) -> String {
    let so_far = if incident.open { " so far" } else { "" };
    let middle = format::beside(incident.middle, incident.high);
    format!("{middle} ({}){so_far}", format::spans(incident.low, incident.high))
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
    // The words for one more would be no shorter than its name.
    let more = if all.len() == most + 1 { 0 } else { all.len().saturating_sub(most) };
    if more > 0 {
        all.truncate(most);
    }
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
        Basis::Assumed => match one.n {
            0 => "assumed: no login of clean hours is known".to_owned(),
            1 => "assumed: only 1 login of clean hours is known".to_owned(),
            n => format!("assumed: only {} logins of clean hours are known", count(n)),
        },
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
            "    the promised rate of false alarms is not held{place}: {} of its logins {} while nothing is wrong\n",
            percent_interval(Some(more.interval)),
            match one.symptom {
                Symptom::Failing => "fail",
                Symptom::Slow => "are slow",
            }
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
    text.push_str(&format!("\n{} minute by minute (UTC)\n", capital(symptom(incident))));
    for run in incident.minutes.chunk_by(|a, b| (a.n, a.failing) == (b.n, b.failing)) {
        text.push_str(&minutes(run));
    }
    text
}

/// Minutes in a row with equal counts, as one line.
fn minutes(run: &[Minute]) -> String {
    let [first, .., last] = run else {
        return run.first().map_or_else(String::new, |only| {
            format!("  {}           {}\n", only.start.strftime("%Y-%m-%d %H:%M"), failing(only))
        });
    };
    let day = |minute: &Minute| minute.start.strftime("%Y-%m-%d").to_string();
    let until = last.start.strftime(if day(first) == day(last) { "%H:%M" } else { "%Y-%m-%d %H:%M" });
    let each = if first.n == 0 { "in all" } else { "in each" };
    let from = first.start.strftime("%Y-%m-%d %H:%M");
    format!("  {from} to {until}  {} {each} of {} minutes\n", failing(first), count(run.len() as u64))
}

fn failing(minute: &Minute) -> String {
    if minute.n == 0 { "no run".to_owned() } else { format!("{} of {}", minute.failing, minute.n) }
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
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

/// A Markdown table of incidents.
pub(super) fn markdown(found: &Found<'_>, period: &Period) -> String {
    let incidents = found.incidents;
    let mut text = format!("# Incidents, {} ({})\n\n", period.label, period.zone);
    if incidents.is_empty() {
        text.push_str("None.\n");
        return text;
    }
    text.push_str("| incident | what | began | ended | lasted | failing or slow | first seen |\n");
    text.push_str("| --- | --- | --- | --- | --- | --- | --- |\n");
    for incident in incidents {
        let row = [
            incident.id.to_string(),
            format!("{}; {}", what(incident), flows(incident)),
            began(incident, &period.zone),
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
        ("Began", began(incident, zone)),
        ("Ended", end(incident, zone)),
        ("Lasted", lasted(incident)),
        (&capital(symptom(incident)), shares(incident, zone)),
        ("First", first(incident, zone)),
    ] {
        text.push_str(&format!("- **{name}**: {value}\n"));
    }
    if !incident.silent.is_empty() {
        text.push_str(&format!("- **Silent**: {}\n", silent(incident)));
    }
    if diagnosis::has_timeouts(incident) {
        text.push_str(&format!("- **Timeouts**: {UNKNOWN_TO_THE_USER}\n"));
    }
    for (name, splits) in dimensions(incident) {
        let what = symptom(incident);
        text.push_str(&format!("\n| {name} | {what} | of | share |\n| --- | ---: | ---: | --- |\n"));
        for split in splits {
            let (failing, n) = (count(split.share.failing), count(split.share.n));
            text.push_str(&format!("| {} | {failing} | {n} | {} |\n", split.name, share(&split.share)));
        }
    }
    text.push_str(&diagnosis_text::markdown(incident, diagnosis, zone));
    text
}
