//! Detection and timeline: what was measured and what was noted, in one order.

use jiff::Timestamp;

use super::Inputs;
use super::impact::tame;
use super::summary::{kind, local, long};
use crate::incident::Incident;
use crate::postmortem::evidence::between;
use crate::report::format::instant;

/// What saw it first, and how long it took.
pub(super) fn detection(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let step = incident.first_step.as_ref().map_or_else(String::new, |step| format!(", at the step {step}"));
    let mut text = "## Detection\n\n".to_owned();
    text.push_str(&format!(
        "- The first failing probe began at {}, from {}{step}.\n",
        instant(incident.first_failing, "UTC"),
        incident.first_vantage
    ));
    match incident.detected {
        Some(alarm) => text.push_str(&format!(
            "- The alarm was due at {}: {} after the first failing probe, {} after the earliest start (one CUSUM per \
             vantage without the largest, F17).\n",
            instant(alarm, "UTC"),
            long(between(incident.first_failing, alarm)),
            long(between(incident.start.earliest, alarm))
        )),
        None => text.push_str("- No alarm was due: it was found afterwards only.\n"),
    }
    for rival in &inputs.evidence.rivals {
        text.push_str(&match rival.paged {
            Some(at) => format!(
                "- Replayed over the same probes, the rule '{}' would have paged at {}: {} after the first failing probe.\n",
                rival.name,
                instant(at, "UTC"),
                long(between(incident.first_failing, at))
            ),
            None => format!("- Replayed over the same probes, the rule '{}' would have stayed silent.\n", rival.name),
        });
    }
    text.push_str("- TO FILL: who or what told the team first, and when; who was told next.\n\n");
    text
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
    let mut entries = measured(&inputs.evidence.incident);
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
fn measured(incident: &Incident) -> Vec<Entry> {
    let kind = kind(incident);
    let entry = |at, what: String| Entry { at, what, from: "measured" };
    let mut all = vec![
        entry(incident.start.earliest, "Last good probe that proves that it had not begun: earliest start".to_owned()),
        entry(incident.first_failing, format!("First {kind} login, from {}", incident.first_vantage)),
    ];
    if let Some(alarm) = incident.detected {
        all.push(entry(alarm, "Alarm due".to_owned()));
    }
    if let Some(peak) = &incident.peak {
        all.push(entry(peak.start, "Peak begins".to_owned()));
    }
    all.push(entry(incident.end.earliest, format!("Last {kind} login: earliest end")));
    if !incident.open {
        all.push(entry(incident.end.latest, "Good probe that proves the end: logins succeed again".to_owned()));
    }
    all
}
