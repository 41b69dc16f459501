//! Every written instant against what was measured or noted at it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::super::amount::lengths;
use super::super::claim;
use super::super::finding::{Place, Verdict};
use super::super::heading::Part;
use super::super::moment::Moment;
use super::super::reading::{Read, Reading};
use super::super::stated::{says_end, says_start, seconds};
use super::{Known, about, bounds::shown, contradicted};
use crate::incident::Bounds;
use crate::postmortem::evidence::Value;

pub(super) fn check(reading: &Reading, known: &Known<'_>, verdict: &mut Verdict) {
    let entries: BTreeMap<&Place, Timestamp> =
        reading.timeline.entries.iter().map(|entry| (&entry.time, entry.at)).collect();
    for read in reading.blocks.iter().filter(|read| !read.block.is_heading() && !read.block.is(Part::Actions)) {
        for moment in read.moments.iter().filter(|moment| moment.time.is_some()) {
            let place = read.block.place(&moment.range);
            let own = || moment.on(moment.day(reading.day, &reading.defaults)?, &reading.defaults);
            match entries.get(&place).copied().or_else(own) {
                Some(at) => {
                    let ends_it = reading.timeline.restored().is_some_and(|entry| entry.time == place);
                    instant(read, moment, (at, ends_it), known, verdict);
                }
                None => verdict.leave(place, "it has no date that can be read"),
            }
        }
        delays(read, reading, known, verdict);
    }
}

/// `ends_it`: it is the time of the entry that says that the service worked again for good.
fn instant(read: &Read, moment: &Moment, (at, ends_it): (Timestamp, bool), known: &Known<'_>, verdict: &mut Verdict) {
    let place = read.block.place(&moment.range);
    let open = moment.precision() as f64;
    let same = known.facts.iter().find(|fact| match fact.value {
        Value::Moment(known) => seconds(at, known).abs() < open && about::instant(read, fact),
        _ => false,
    });
    let incident = &known.evidence.incident;
    let is_entry = read.block.is(Part::Timeline) && read.moments.first() == Some(moment);
    if let Some(fact) = same {
        // Start and end as stated were held against their bounds already: one time is confirmed once.
        if !verdict.confirmed.iter().any(|held| held.place == place) {
            verdict.confirm(place, fact.name.clone());
        }
    } else if read.block.is(Part::Timeline) && says_measured(read) {
        contradicted(verdict, place, "marked as measured, but nothing was measured at this time".to_owned());
    } else if is_entry && ends_it && !claim::announced(&read.block.text) && !incident.open {
        let outside = seconds(at, incident.end.earliest) > open || seconds(incident.end.latest, at) > open;
        if outside {
            let message = format!("said to be over, but the measured end lies {}", shown(incident.end));
            contradicted(verdict, place, message);
        } else {
            verdict.confirm(place, format!("the measured end, {}", shown(incident.end)));
        }
    } else if let Some(bounds) = stated_bounds(read, known) {
        let outside = seconds(at, bounds.earliest) > open || seconds(bounds.latest, at) > open;
        if outside && !judged(&place, verdict) {
            contradicted(verdict, place, format!("what was measured lies {}", shown(bounds)));
        }
    } else if says_what_was_measured(read) {
        contradicted(verdict, place, "nothing of this kind was measured at this time".to_owned());
    } else if !judged(&place, verdict) {
        verdict.leave(place, "nothing was measured or noted at this time");
    }
}

/// Whether a line names something that only measurement can place in time.
fn says_what_was_measured(read: &Read) -> bool {
    let text = read.block.text.to_lowercase();
    let here = read.block.is(Part::Impact) || read.block.is(Part::Detection);
    let own = ["first failing probe", "first slow probe", "alarm was due", "would have paged"];
    here && (own.iter().any(|words| text.contains(words)) || text.starts_with("peak: "))
}

/// What was measured of the end of the incident that a line states.
fn stated_bounds(read: &Read, known: &Known<'_>) -> Option<Bounds> {
    let incident = &known.evidence.incident;
    if says_start(read) {
        Some(incident.start)
    } else if says_end(read) && !incident.open {
        Some(incident.end)
    } else {
        None
    }
}

/// Start and end have been judged already.
fn judged(place: &Place, verdict: &Verdict) -> bool {
    verdict.confirmed.iter().any(|held| held.place == *place)
        || verdict.findings.iter().any(|finding| finding.place == *place)
        || verdict.not_checked.iter().any(|left| left.place == *place)
}

fn says_measured(read: &Read) -> bool {
    read.block.cells().contains(&"measured") || read.block.text.trim_end().ends_with("(measured)")
}

/// Lengths of time that are not the whole duration: delays, distances, the length of the peak.
fn delays(read: &Read, reading: &Reading, known: &Known<'_>, verdict: &mut Verdict) {
    if read.block.is(Part::Lessons) {
        return;
    }
    for length in lengths(&read.block.text) {
        let place = read.block.place(&length.range);
        let whole = |other: &Place| other.line == place.line && other.quote.contains(&place.quote);
        if reading.stated.durations.iter().any(|duration| whole(&duration.place)) {
            continue;
        }
        let same = known.facts.iter().find(|fact| match fact.value {
            Value::Length(known) => {
                let same = (known.0 as f64 / 1e6 - length.seconds).abs() <= length.slack.max(0.5) + 1e-6;
                same && about::length(&read.block, &length.range, fact)
            }
            _ => false,
        });
        if let Some(fact) = same {
            verdict.confirm(place, fact.name.clone());
        } else if read.block.is(Part::Detection) && after_first_failure(&read.block.text[length.range.end..]) {
            let message = "no such time lies between what was measured and the first failing probe".to_owned();
            contradicted(verdict, place, message);
        } else if ![Part::RootCause, Part::Trigger, Part::Resolution].iter().any(|part| read.block.is(*part)) {
            verdict.leave(place, "nothing that was measured is said to have this length");
        }
    }
}

/// Whether a length says how far something lies from the first failing probe.
fn after_first_failure(after: &str) -> bool {
    let after: String = after.split_whitespace().take(8).collect::<Vec<_>>().join(" ").to_lowercase();
    [
        "after the first failing probe",
        "before the first failing probe",
        "after the first slow probe",
        "after the earliest start",
    ]
    .iter()
    .any(|phrase| after.starts_with(phrase))
}
