//! What no probe can know, as headed blanks: causes, resolution, actions, lessons. Events near the onset stand beside
//! them as neighbours in time, never as causes.

use jiff::SignedDuration;

use super::Inputs;
use super::impact::tame;
use super::summary::{long, met};
use crate::model::NotedEvent;
use crate::postmortem::evidence::between;
use crate::report::words::trigger;

/// How far before the earliest start an event is a neighbour.
const BEFORE: SignedDuration = SignedDuration::from_hours(3);

/// Root cause and trigger, with the neighbours of the onset.
pub(super) fn causes(inputs: &Inputs<'_>) -> String {
    let mut text = "## Root cause\n\n".to_owned();
    text.push_str(&super::database::evidence(inputs));
    text.push_str("TO FILL: what was wrong before it broke, and why nobody had seen it.\n\n");
    text.push_str("## Trigger\n\nTO FILL: what set it off at that time.\n\n");
    let incident = &inputs.evidence.incident;
    let unseen = inputs.evidence.incident.start_unseen;
    let onset = if unseen { incident.first_failing } else { incident.start.earliest };
    let earliest = onset.checked_sub(BEFORE).unwrap_or(onset);
    let near: Vec<&NotedEvent> =
        inputs.evidence.events.iter().filter(|event| (earliest..=incident.start.latest).contains(&event.at)).collect();
    if near.is_empty() {
        text.push_str("No event was noted in the three hours before the onset.\n\n");
        return text;
    }
    text.push_str("Neighbours in time of the onset, not causes:\n\n");
    for event in near {
        let side = if event.at <= incident.first_failing { "before" } else { "after" };
        text.push_str(&format!(
            "- {}: {}, {} {side} the first {} probe ([timeline](#timeline))\n",
            event.kind,
            tame(&event.text),
            long(between(event.at, incident.first_failing)),
            met(incident)
        ));
    }
    text.push('\n');
    text
}

/// Resolution, actions, lessons.
pub(super) fn rest(inputs: &Inputs<'_>) -> String {
    let ended = if inputs.evidence.incident.open {
        "it was still open at the last probe: what keeps it going, and what will end it"
    } else {
        "what ended it, and why it took as long as it did"
    };
    let mut text = format!("## Resolution\n\nTO FILL: {ended}.\n\n");
    text.push_str("## Action items\n\n");
    for (clause, budgets) in inputs.evidence.obliging() {
        let names: Vec<String> = budgets.iter().map(|spent| tame(&spent.name())).collect();
        text.push_str(&format!(
            "The clause '{}' of the budget policy applies to {} ([table](#error-budget)): {}\n\n",
            trigger(clause.trigger),
            names.join(", "),
            tame(&clause.text)
        ));
    }
    text.push_str("| Action | Owner | Due | Priority |\n|---|---|---|---|\n| TO FILL | | | |\n\n");
    text.push_str("## Lessons learned\n\n");
    for (head, ask) in [
        ("What went well", "what kept it from being worse"),
        ("What went wrong", "what made it longer or larger than it had to be"),
        ("Where we were lucky", "what could have made it worse, and did not"),
    ] {
        text.push_str(&format!("### {head}\n\nTO FILL: {ask}.\n\n"));
    }
    text
}
