//! The head of the draft: what, when from, until when, how long. Times are intervals, because probes sample.

use jiff::Timestamp;

use super::Inputs;
use crate::incident::{Bounds, Incident, Scope, Symptom};
use crate::model::Micros;
use crate::report::format::{count, instant, percent, percent_interval};

/// What users met, as a verb: "failed".
pub(super) fn verb(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failed",
        Symptom::Slow => "were slow",
    }
}

/// What users met, before "logins": "failed logins".
pub(super) fn kind(incident: &Incident) -> &'static str {
    match incident.symptom {
        Symptom::Failing => "failed",
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
        "{} of logins {verb} (interval {} of logins; {} {} logins out of {} logins probed): [figure]({}), [rows]({}).\n",
        percent(failing.share, failing.interval),
        percent_interval(failing.interval),
        count(failing.failing),
        kind(incident),
        count(failing.n),
        super::PICTURE,
        super::ROWS,
    ));
    text.push_str(&scope(incident));
    text.push_str(&bounds(inputs));
    text
}

fn scope(incident: &Incident) -> String {
    match &incident.scope {
        Scope::Common => "It was seen from several places.\n\n".to_owned(),
        Scope::OnePlace(vantage) => {
            format!("It was seen from one place only, {vantage}: it may have been that place's own trouble.\n\n")
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
    row("Start", incident.start);
    if !incident.open {
        row("End", incident.end);
    }
    let longest = if incident.open { "still open".to_owned() } else { long(incident.high) };
    text.push_str(&format!("| Duration | {} to {longest} |{}\n\n", long(incident.low), if local { " |" } else { "" }));
    text.push_str(
        "Start and end are intervals, because probes sample: it began after the last good probe that proves that it had \
         not, and by the end of the first failing one (F8: D_low = last failing start - first failing end, D_high = first \
         good end - last good start).\n\n",
    );
    if incident.start_unseen {
        text.push_str(
            "No good probe that proves it came before: it may have begun before the first probe, from which it is \
             counted.\n\n",
        );
    }
    text
}

fn stretch(bounds: Bounds, zone: &str) -> String {
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
