//! Detection and timeline: what was measured and what was noted, in one order.

use jiff::Timestamp;

use super::Inputs;
use super::impact::tame;
use super::summary::{capital, kind, local, long, met, verb};
use crate::incident::{Background, Incident, Scope, Symptom};
use crate::model::{EventKind, NotedEvent};
use crate::postmortem::evidence::between;
use crate::report::format::{count, instant, percent, percent_interval};

/// What saw it first, and how long it took.
pub(super) fn detection(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let met = met(incident);
    let step = incident.first_step.as_ref().map_or_else(String::new, |step| format!(", at the step {step}"));
    let mut text = "## Detection\n\n".to_owned();
    text.push_str(&format!(
        "- The first {met} probe began at {}, from {}{step}{ROWS}.\n",
        instant(incident.first_failing, "UTC"),
        incident.first_vantage
    ));
    text.push_str(&alarm(inputs));
    text.push_str(&linked(inputs));
    for rival in &inputs.evidence.rivals {
        text.push_str(&match rival.paged {
            Some(at) => format!(
                "- Replayed over the same probes, the rule '{}' would have paged at {}: {} after the first {met} probe.\n",
                rival.name,
                instant(at, "UTC"),
                long(between(incident.first_failing, at))
            ),
            None => format!("- Replayed over the same probes, the rule '{}' would have stayed silent.\n", rival.name),
        });
    }
    text.push_str(&told(inputs));
    text.push_str(&background(inputs));
    text.push_str("- TO FILL: who or what told the team first, and when; who was told next.\n\n");
    text
}

/// Where the instants of a sentence stand.
const ROWS: &str = " ([timeline](#timeline))";

fn alarm(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let met = met(incident);
    let chart = match &incident.scope {
        Scope::Common if incident.splits.vantages.len() > 1 => "one CUSUM per vantage without the largest, F17",
        Scope::Common => "one CUSUM, F17",
        Scope::OnePlace(_) => "the CUSUM of that vantage alone, F17: a notice, not a page",
    };
    let Some(alarm) = incident.detected else {
        return "- No alarm was due: it was found afterwards only.\n".to_owned();
    };
    let unseen = inputs.evidence.incident.start_unseen;
    let after_start = if unseen {
        "; how long after the start is not quantifiable, because no good probe came before it".to_owned()
    } else {
        format!(", {} after the earliest start", long(between(incident.start.earliest, alarm)))
    };
    format!(
        "- The alarm was due at {}: {} after the first {met} probe{after_start} ({chart}){ROWS}.\n",
        instant(alarm, "UTC"),
        long(between(incident.first_failing, alarm)),
    )
}

/// The slow logins before failing ones, or what slow ones led up to.
fn linked(inputs: &Inputs<'_>) -> String {
    let (incident, Some(linked)) = (&inputs.evidence.incident, &inputs.evidence.linked) else { return String::new() };
    if linked.symptom == incident.symptom {
        return String::new();
    }
    let apart = long(between(linked.first_failing, incident.first_failing));
    if linked.symptom == Symptom::Failing {
        return format!(
            "- The slow logins led up to failing ones, incident {}: the first failing probe began at {}, {apart} after the \
             first slow probe{ROWS}.\n",
            linked.id,
            instant(linked.first_failing, "UTC")
        );
    }
    let mut text = format!(
        "- Slow logins came before, incident {}: the first of the slow ones at {}, {apart} before the first failing \
         probe{ROWS}.\n",
        linked.id,
        instant(linked.first_failing, "UTC")
    );
    if let Some(alarm) = linked.detected {
        let before = alarm < incident.first_failing;
        text.push_str(&format!(
            "- An alarm on slow logins was due at {}: {} {} the first failing probe{ROWS}.\n",
            instant(alarm, "UTC"),
            long(between(alarm, incident.first_failing)),
            if before { "before" } else { "after" }
        ));
    }
    text
}

/// Whom somebody told, as it was noted.
fn told(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let telling = |event: &&NotedEvent| matches!(event.kind, EventKind::Notification | EventKind::Statement);
    let near = |event: &&NotedEvent| event.at >= incident.start.earliest && event.at <= incident.end.latest;
    let all = inputs.evidence.events.iter().filter(telling).filter(near);
    all.map(|event| {
        format!(
            "- Noted: {} '{}' at {}, {} {} the first {} probe{ROWS}.\n",
            event.kind,
            tame(&event.text),
            instant(event.at, "UTC"),
            long(between(event.at, incident.first_failing)),
            if event.at < incident.first_failing { "before" } else { "after" },
            met(incident)
        )
    })
    .collect()
}

/// What always failed, or was slow, while nothing was wrong.
fn background(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let (verb, kind) = (verb(incident), kind(incident));
    let tell = |one: &Background| {
        let share = (one.n > 0).then(|| one.failing as f64 / one.n as f64);
        let said = match one.failing {
            0 => format!("there was no {kind} login"),
            _ => format!("{} of logins {verb} as well", percent(share, one.interval)),
        };
        format!(
            "- Background of {}: in clean hours around it, {said} ({} {kind} logins out of {} logins probed, interval {} of \
             logins).\n",
            one.flow,
            count(one.failing),
            count(one.n),
            percent_interval(one.interval),
        )
    };
    let known = inputs.evidence.surroundings.background.iter();
    known.filter(|one| one.n > 0).map(tell).collect()
}

/// An entry of the timeline.
pub(super) struct Entry {
    pub(super) at: Timestamp,
    pub(super) what: String,
    pub(super) from: &'static str,
}

/// The timeline.
pub(super) fn text(inputs: &Inputs<'_>) -> String {
    let local_head = if inputs.zone == "UTC" { String::new() } else { format!(" {} |", inputs.zone) };
    let local_rule = if inputs.zone == "UTC" { "" } else { "---|" };
    let mut text =
        format!("## Timeline\n\n| Time (UTC) |{local_head} What happened | Known from |\n|---|{local_rule}---|---|\n");
    for entry in entries(inputs) {
        let local = local(inputs, entry.at).map_or_else(String::new, |at| format!(" {at} |"));
        text.push_str(&format!("| {} |{local} {} | {} |\n", instant(entry.at, "UTC"), entry.what, entry.from));
    }
    text.push_str("\nTO FILL: what was tried, decided and said meanwhile, each with its time.\n\n");
    text
}

fn entries(inputs: &Inputs<'_>) -> Vec<Entry> {
    let mut entries = measured(&inputs.evidence.incident, inputs.evidence.incident.start_unseen);
    if let Some(linked) = &inputs.evidence.linked {
        entries.extend(neighbour(linked));
    }
    entries.extend(inputs.evidence.events.iter().map(|event| {
        let what = format!("{}: {} ({})", event.kind, tame(&event.text), tame(&event.author));
        Entry { at: event.at, what, from: "noted" }
    }));
    entries.extend(super::database::entries(inputs));
    entries.sort_by_key(|entry| entry.at);
    entries
}

/// The beginning and the end of the incident before or after it.
fn neighbour(linked: &Incident) -> [Entry; 2] {
    let kind = kind(linked);
    let entry = |at, what| Entry { at, what, from: "measured" };
    [
        entry(linked.first_failing, format!("First {kind} login of the incident {}", linked.id)),
        entry(linked.end.latest, format!("No more {kind} logins of the incident {}", linked.id)),
    ]
}

/// What probes saw, in order of time.
fn measured(incident: &Incident, unseen: bool) -> Vec<Entry> {
    let kind = kind(incident);
    let (good, again) = match incident.symptom {
        Symptom::Failing => ("good", "logins succeed again"),
        Symptom::Slow => ("fast", "logins are back to normal"),
    };
    let entry = |at, what: String| Entry { at, what, from: "measured" };
    let mut all = Vec::new();
    if !unseen {
        let what = format!("Last {good} probe that proves that it had not begun: earliest start");
        all.push(entry(incident.start.earliest, what));
    }
    all.push(entry(incident.first_failing, format!("First {kind} login, from {}", incident.first_vantage)));
    if let Some(alarm) = incident.detected {
        all.push(entry(alarm, "Alarm due".to_owned()));
    }
    if let Some(peak) = &incident.peak {
        all.push(entry(peak.start, "Peak begins, in whole minutes".to_owned()));
    }
    if incident.open {
        all.push(entry(incident.end.earliest, format!("Last {kind} login that was seen: it is still open")));
    } else {
        all.push(entry(incident.end.earliest, format!("Last {kind} login: earliest end")));
        all.push(entry(incident.end.latest, format!("{} probe that proves the end: {again}", capital(good))));
    }
    all
}
