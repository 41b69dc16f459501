//! Dates, times, zones and their order.

use std::collections::BTreeSet;

use super::super::finding::{Place, Rule, Severity, Verdict};
use super::super::heading::Part;
use super::super::moment::Moment;
use super::super::reading::{Read, Reading};
use super::super::timeline::{Entry, Timeline};
use super::{lines, long};

/// Hours without an entry that a reader asks about.
const LONG_GAP: f64 = 4.0 * 3600.0;

pub(super) fn check(reading: &Reading, verdict: &mut Verdict) {
    let mut zones_told = BTreeSet::new();
    for read in reading.blocks.iter().filter(|read| !read.block.is(Part::Actions)) {
        for moment in &read.moments {
            readable(read, moment, verdict);
            ambiguous_zone(read, moment, &mut zones_told, verdict);
        }
    }
    zones(reading, verdict);
    entries(reading, verdict);
    order(reading, verdict);
}

/// What no calendar or clock shows, and what two read differently.
fn readable(read: &Read, moment: &Moment, verdict: &mut Verdict) {
    let place = || read.block.place(&moment.range);
    if moment.date.as_ref().is_some_and(|date| !date.exists()) {
        let message = "no calendar has this date".to_owned();
        verdict.find(Severity::Error, Rule::UnreadableTime, place(), message, "write it as 2024-03-05");
    } else if moment.date.as_ref().is_some_and(|date| date.ambiguous) {
        let message = "Europe reads the day first, America the month".to_owned();
        verdict.find(Severity::Warning, Rule::AmbiguousDate, place(), message, "write it as 2024-03-05");
    }
    let Some(time) = &moment.time else { return };
    if time.time.is_none() {
        let message = "no clock shows this time".to_owned();
        verdict.find(Severity::Error, Rule::UnreadableTime, place(), message, "write it as 14:30 UTC");
    } else if time.twelve {
        let message = "twelve o'clock with AM or PM is read as noon by some and as midnight by others; read here as \
                       12 PM is noon, 12 AM is midnight";
        verdict.find(
            Severity::Note,
            Rule::NoonOrMidnight,
            place(),
            message.to_owned(),
            "write 12:00 or 00:00 of a 24-hour clock",
        );
    }
}

/// An abbreviation that several zones share, where it first stands.
fn ambiguous_zone(read: &Read, moment: &Moment, told: &mut BTreeSet<String>, verdict: &mut Verdict) {
    let Some((zone, meanings)) = moment.zone().and_then(|zone| Some((zone, zone.ambiguous?))) else { return };
    if told.insert(zone.written.clone()) {
        let message = format!("'{}' may be {meanings}", zone.written);
        let way_out = "write UTC, or an offset such as +05:30";
        verdict.find(Severity::Warning, Rule::AmbiguousZone, read.block.place(&moment.range), message, way_out);
    }
}

/// Times of the summary and of the timeline without a zone: one finding for each of the two.
fn zones(reading: &Reading, verdict: &mut Verdict) {
    let without = |timeline: bool| -> Vec<Place> {
        let apart = |read: &&Read| read.block.is(Part::Actions) || read.block.is(Part::Lessons);
        let here = |read: &&Read| read.block.is(Part::Timeline) == timeline && !apart(read);
        let bare = |moment: &&Moment| moment.time.is_some() && moment.zone().is_none();
        let blocks = reading.blocks.iter().filter(here);
        blocks.flat_map(|read| read.moments.iter().filter(bare).map(|m| read.block.place(&m.range))).collect()
    };
    for (places, of) in [(without(false), ""), (without(true), " of the timeline")] {
        let Some(first) = places.first().cloned() else { continue };
        let numbers: Vec<usize> = places.iter().map(|place| place.line).collect();
        let known = match &reading.zone {
            Some(zone) => format!("; only line {} names one, '{}'", zone.line, zone.quote),
            None => "; the document names none at all".to_owned(),
        };
        let count =
            if places.len() == 1 { format!("this time{of} has") } else { format!("{} times{of} have", places.len()) };
        let message = format!("{count} no zone ({}){known}", lines(&deduplicated(numbers)));
        verdict.find(
            Severity::Warning,
            Rule::TimeWithoutZone,
            first,
            message,
            "write the zone with each time, or once: 'All times in UTC'",
        );
    }
}

fn deduplicated(mut numbers: Vec<usize>) -> Vec<usize> {
    numbers.dedup();
    numbers
}

/// Entries that begin with no time, and timelines without any date.
fn entries(reading: &Reading, verdict: &mut Verdict) {
    for place in &reading.timeline.unread {
        let message = "this entry of the timeline begins with no date and time that can be read".to_owned();
        let way_out = "begin it with a time such as 2024-03-05 09:00 UTC";
        verdict.find(Severity::Warning, Rule::UnreadableTime, place.clone(), message, way_out);
    }
    let Some(first) = reading.timeline.entries.first().filter(|_| reading.timeline.dateless) else { return };
    if reading.timeline.entries.iter().all(|entry| entry.moment.date.is_none()) {
        let message = "the timeline has times of day, and no date stands anywhere".to_owned();
        let way_out = "write the date with the first entry and with each that follows a midnight";
        verdict.find(Severity::Error, Rule::TimeWithoutDate, first.time.clone(), message, way_out);
    }
}

fn order(reading: &Reading, verdict: &mut Verdict) {
    for (before, after, seconds) in reading.timeline.steps() {
        if seconds < 0.0 {
            let message = format!("lies {} before the entry above it", long(-seconds));
            let way_out = "put the entries in order, or correct the date";
            verdict.find_against(Rule::TimesOutOfOrder, after.time.clone(), message, before.time.clone(), way_out);
        } else if after.assumed_day {
            midnight(reading, before, after, seconds, verdict);
        }
        if seconds >= LONG_GAP {
            let message = format!("nothing is written down for {} before this entry", long(seconds));
            let way_out = "say what was tried meanwhile, or that nothing was";
            let place = after.time.clone();
            verdict.find(Severity::Note, Rule::GapInTimeline, place, message, way_out);
        }
    }
}

/// The clock went back without a date: either a day has passed, or the order is wrong, or noon was meant as midnight.
fn midnight(reading: &Reading, before: &Entry, after: &Entry, seconds: f64, verdict: &mut Verdict) {
    let day = Timeline::day(after, &reading.defaults);
    let noon = if before.moment.time.as_ref().is_some_and(|time| time.twelve) {
        format!(" ('{}' meant as midnight would make it {} later)", before.time.quote, long((seconds - 43_200.0).abs()))
    } else {
        String::new()
    };
    let same_day: Vec<usize> = reading
        .timeline
        .entries
        .iter()
        .filter(|entry| entry.place.line > after.place.line && entry.moment.date.is_none())
        .map(|entry| entry.place.line)
        .collect();
    let rest =
        if same_day.is_empty() { String::new() } else { format!(", as are the times after it ({})", lines(&same_day)) };
    let date = if reading.timeline.dateless { "the next day".to_owned() } else { format!("the next day, {day}") };
    let message = format!(
        "earlier on the clock than the entry above it, and no date says whether midnight has passed: read as {date}, \
         {} later{noon}{rest}",
        long(seconds)
    );
    verdict.find_against(
        Rule::MidnightWithoutDate,
        after.time.clone(),
        message,
        before.time.clone(),
        "write the date with each entry after a midnight",
    );
}
