//! What the databases said in the incident's minutes: rows of the timeline, and evidence above the blank for the cause. The
//! blank stays blank: evidence names what stopped logins, and only people know why it came to that.

use super::impact::tame;
use super::timeline::Entry;
use super::{Inputs, states};
use crate::diagnosis::{DatabaseEvidence, Diagnosis, NO_DATABASE};
use crate::model::Severity;

/// The evidence, before the blank. Empty when nobody looked.
pub(super) fn evidence(inputs: &Inputs<'_>) -> String {
    let Some(diagnosis) = &inputs.evidence.diagnosis else { return String::new() };
    if diagnosis.databases.is_empty() {
        return format!("Evidence: {NO_DATABASE}.\n\n");
    }
    let databases: String = diagnosis.databases.iter().map(|one| database(inputs, diagnosis, one)).collect();
    format!("Evidence, as recorded in these minutes:\n\n{databases}\n{}", picture(inputs))
}

/// The picture with the changes that it marks; empty when nothing held.
fn picture(inputs: &Inputs<'_>) -> String {
    let Some(picture) = states::picture(inputs) else { return String::new() };
    let mut text = format!("![{}]({})\n\n", tame(&picture.title), super::STATES);
    if !picture.changes.is_empty() {
        let changes: String = picture.changes.iter().map(|change| format!("- {}\n", tame(change))).collect();
        text += &format!("Changes, by their numbers in the picture:\n\n{changes}\n");
    }
    text
}

fn database(inputs: &Inputs<'_>, diagnosis: &Diagnosis, one: &DatabaseEvidence) -> String {
    let incident = &inputs.evidence.incident;
    let mut lines = vec![one.brief("UTC")];
    lines.extend(diagnosis.signatures.iter().map(crate::diagnosis::Signatures::sentence));
    lines.extend(one.held("UTC"));
    lines.extend(one.neighbours(incident, "UTC"));
    lines.extend(one.unknown("UTC"));
    lines.push(format!("asked meanwhile: {}", one.coverage()));
    lines.extend(one.lag_rules("UTC"));
    lines.iter().map(|line| format!("- {}\n", tame(line))).collect()
}

/// What began, ended and changed.
pub(super) fn entries(inputs: &Inputs<'_>) -> Vec<Entry> {
    let databases = inputs.evidence.diagnosis.iter().flat_map(|diagnosis| &diagnosis.databases);
    databases.flat_map(entries_of).collect()
}

fn entries_of(one: &DatabaseEvidence) -> Vec<Entry> {
    let entry = |at, what: &str| Entry { at, what: tame(what), from: "database" };
    let mut all = Vec::new();
    for change in &one.changes {
        let what =
            format!("{} on {} changed from '{}' to '{}'", change.setting, change.server, change.before, change.after);
        all.push(entry(change.latest, &what));
    }
    for episode in one.episodes.iter().filter(|episode| episode.finding.severity >= Severity::Unknown) {
        let finding = &episode.finding;
        let name = format!("{} {} on {}", finding.severity, finding.rule, finding.server);
        // What was seen is that of the gravest sample, which may be later than the first.
        all.push(entry(episode.from, &format!("{name} begins; at its gravest: {}", finding.seen)));
        all.extend(episode.until.map(|until| entry(until, &format!("{name} ends"))));
    }
    all
}
