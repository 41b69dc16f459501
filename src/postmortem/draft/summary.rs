//! The head of the draft: what, when from, until when, how long. Times are intervals, because probes sample.

use jiff::Timestamp;

use super::Inputs;
use crate::incident::{Bounds, Incident, Scope, Symptom};
use crate::model::Micros;
use crate::report::format::{count, instant, percent, percent_interval};

/// What users met, as a verb: "failed".
pub(in crate::postmortem) fn verb(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failed",
        Symptom::Slow => "were slow",
    }
}

/// What users met, before "logins": "failed logins".
pub(in crate::postmortem) fn kind(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failed",
        Symptom::Slow => "slow",
    }
}

/// With its first letter in upper case: at the head of a column or the beginning of a sentence.
pub(in crate::postmortem) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A probe that met it: "failing", "slow".
pub(super) fn met(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failing",
        Symptom::Slow => "slow",
    }
}

/// The head and the summary.
pub(super) fn text(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let flows: Vec<&str> = incident.flows.iter().map(crate::model::FlowName::as_str).collect();
    let verb = verb(incident);
    let date = incident.first_failing.strftime("%Y-%m-%d");
    let mut text = format!("# Postmortem: logins of {} {verb}, {date}\n\n", flows.join(", "));
    text.push_str(&format!(
        "Incident {}. All times in UTC unless another zone stands beside them. Figures are measured by probes, each one \
         whole login; what no probe can know is left to fill.

",
        incident.id
    ));
    text.push_str("## Summary\n\n");
    text.push_str("TO FILL: what users met, in two sentences that somebody outside of the team understands.\n\n");
    let failing = &incident.failing;
    text.push_str(&format!(
        "{} of logins {verb} (interval {} of logins; {} {} logins out of {} logins probed): [table](#impact), [figure]({}), \
         [rows]({}).\n",
        percent(failing.share, failing.interval),
        percent_interval(failing.interval),
        count(failing.failing),
        kind(incident),
        count(failing.n),
        super::PICTURE,
        super::ROWS,
    ));
    text.push_str(&slowness(inputs));
    text.push_str(&scope(incident));
    text.push_str(&bounds(inputs));
    text
}

/// What slow means; nothing for failing logins.
fn slowness(inputs: &Inputs<'_>) -> String {
    if inputs.evidence.incident.symptom != Symptom::Slow {
        return String::new();
    }
    let limit = inputs.evidence.surroundings.slow_from.map_or_else(
        || "twice the usual time of their place (the median of its good logins), and 0.25 s longer at least".to_owned(),
        |limit| limit.to_string(),
    );
    format!(
        "These logins succeeded, but took longer than {limit}. Nobody was turned away by it; who gave up waiting, no probe can \
         know.\n"
    )
}

fn scope(incident: &Incident) -> String {
    let places = &incident.splits.vantages;
    let seen: Vec<&str> =
        places.iter().filter(|split| split.share.failing > 0).map(|split| split.name.as_str()).collect();
    match &incident.scope {
        Scope::OnePlace(vantage) => {
            format!("It was seen from one place only, {vantage}: it may have been that place's own trouble.\n\n")
        }
        Scope::Common if places.len() < 2 => format!(
            "Only one place probed meanwhile, {}: whether it was that place's own trouble cannot be told.\n\n",
            seen.join(", ")
        ),
        Scope::Common => {
            format!("It was seen from several places, {}: [by vantage](#by-vantage).\n\n", seen.join(", "))
        }
    }
}

/// Start, end and duration.
fn bounds(inputs: &Inputs<'_>) -> String {
    let incident = &inputs.evidence.incident;
    let local = inputs.zone != "UTC";
    let mut text = if local {
        format!("| | UTC | {} |\n|---|---|---|\n", inputs.zone)
    } else {
        "| | UTC |\n|---|---|\n".to_owned()
    };
    let mut row = |name: &str, bounds: Bounds| {
        text.push_str(&format!("| {name} | {} |", stretch(bounds, "UTC")));
        if local {
            text.push_str(&format!(" {} |", stretch(bounds, inputs.zone)));
        }
        text.push('\n');
    };
    let unseen = inputs.evidence.incident.start_unseen;
    row("Start", if unseen { Bounds { earliest: incident.start.latest, ..incident.start } } else { incident.start });
    if !incident.open {
        row("End", incident.end);
    }
    let low = long(incident.low);
    let length = match (unseen, incident.open) {
        (false, false) => format!("{low} to {}", long(incident.high)),
        (_, true) => format!("at least {low}: it was still open at the last probe"),
        (true, false) => format!("at least {low}: when it began is unknown"),
    };
    text.push_str(&format!("| Duration | {length} |{}\n\n", if local { " |" } else { "" }));
    text.push_str(&explained(incident, unseen));
    text
}

/// How start, end and duration were come by.
fn explained(incident: &Incident, unseen: bool) -> String {
    let met = met(incident);
    let good = match incident.symptom {
        Symptom::Failing => "good",
        Symptom::Slow => "fast",
    };
    let began = if unseen {
        format!(
            "No good probe is known before the first {met} one, so when it began is not quantifiable: by the end of that \
             probe it had, and the table counts from there."
        )
    } else {
        format!(
            "Start and end are intervals, because probes sample: it began after the last {good} probe that proves that it \
             had not, and by the end of the first {met} one."
        )
    };
    let ended = if incident.open { " No end was seen." } else { "" };
    format!(
        "{began}{ended} (F8: D_low = last {met} start - first {met} end, D_high = first {good} end - last {good} start; the \
         instants stand in the [timeline](#timeline).)\n\n"
    )
}

fn stretch(bounds: Bounds, zone: &str) -> String {
    if bounds.earliest == bounds.latest {
        return format!("not later than {}", instant(bounds.latest, zone));
    }
    format!("{} to {}", instant(bounds.earliest, zone), instant(bounds.latest, zone))
}

/// An instant in the local zone; `None` when that is UTC.
pub(super) fn local(inputs: &Inputs<'_>, at: Timestamp) -> Option<String> {
    (inputs.zone != "UTC").then(|| instant(at, inputs.zone))
}

/// A length of time to the second: `17 h 29 min 11 s`.
pub(super) fn long(length: Micros) -> String {
    let seconds = (length.0 + 500_000) / 1_000_000;
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let shown: Vec<String> =
        parts.into_iter().filter(|(number, _)| *number > 0).map(|(number, unit)| format!("{number} {unit}")).collect();
    if shown.is_empty() { "0 s".to_owned() } else { shown.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_told_to_the_second() {
        let told = |seconds: u64| long(Micros(seconds * 1_000_000));
        assert_eq!([told(0), told(59), told(3_600), told(62_951)], ["0 s", "59 s", "1 h", "17 h 29 min 11 s"]);
    }
}
