//! Moments as people write them: dates and times of day found in a text, put together, and resolved to instants with
//! what the rest of the document says. What cannot be resolved says why.

mod clock_time;
mod date;
mod zone;

use std::ops::Range;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use clock_time::{WrittenTime, times};
use date::dates;

pub(super) use date::WrittenDate;
pub(super) use zone::Zone;

/// A date, a time of day, or both.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Moment {
    pub(super) range: Range<usize>,
    pub(super) date: Option<WrittenDate>,
    pub(super) time: Option<WrittenTime>,
}

/// Two moments with "to" between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stretch {
    pub(super) range: Range<usize>,
    pub(super) from: Moment,
    pub(super) to: Moment,
}

/// What the document says once for all its times.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Defaults {
    pub(super) zone: TimeZone,
    pub(super) year: i16,
}

impl Moment {
    pub(super) fn zone(&self) -> Option<&Zone> {
        self.time.as_ref().and_then(|time| time.zone.as_ref())
    }

    /// Its date, or `otherwise` without one; `None` when the calendar has no such date.
    pub(super) fn day(&self, otherwise: Option<Date>, defaults: &Defaults) -> Option<Date> {
        match &self.date {
            Some(written) => written.date(defaults.year),
            None => otherwise,
        }
    }

    /// The instant on a day; `None` without a time of day.
    pub(super) fn on(&self, day: Date, defaults: &Defaults) -> Option<Timestamp> {
        let local = DateTime::from_parts(day, self.time.as_ref()?.time?);
        self.zone().map_or(&defaults.zone, |zone| &zone.zone).to_timestamp(local).ok()
    }

    /// Seconds that the writing leaves open.
    pub(super) fn precision(&self) -> i64 {
        self.time.as_ref().map_or(86_400, |time| time.precision)
    }
}

/// All moments of a text, in order.
pub(super) fn moments(text: &str) -> Vec<Moment> {
    let text = &with_spaces(text);
    let mut times: Vec<Option<WrittenTime>> = times(text).into_iter().map(Some).collect();
    let mut found: Vec<Moment> = Vec::new();
    for date in dates(text) {
        let near = times.iter_mut().find(|time| time.as_ref().is_some_and(|time| belong_together(text, &date, time)));
        let time = near.and_then(Option::take);
        let range = match &time {
            Some(time) => date.range.start.min(time.range.start)..date.range.end.max(time.range.end),
            None => date.range.clone(),
        };
        found.push(Moment { range, date: Some(date), time });
    }
    let alone = times.into_iter().flatten();
    // A date's own digits (2024-03-05 in an address) hold no time.
    let alone: Vec<_> = alone
        .filter(|time| found.iter().all(|m| time.range.end <= m.range.start || m.range.end <= time.range.start))
        .map(|time| Moment { range: time.range.clone(), date: None, time: Some(time) })
        .collect();
    found.extend(alone);
    found.sort_by_key(|moment| moment.range.start);
    share_zones(text, &mut found);
    found
}

/// The text with a space for each T between a date and a time; as long as before.
fn with_spaces(text: &str) -> String {
    let mut text = text.to_owned();
    for at in 1..text.len() {
        let around = text.get(at - 1..at + 2).is_some_and(|three| {
            let marks = three.as_bytes();
            marks[0].is_ascii_digit() && marks[1].eq_ignore_ascii_case(&b'T') && marks[2].is_ascii_digit()
        });
        if around {
            text.replace_range(at..=at, " ");
        }
    }
    text
}

/// Whether only words such as "at" stand between a date and a time.
fn belong_together(text: &str, date: &WrittenDate, time: &WrittenTime) -> bool {
    let between = |from: usize, to: usize| text.get(from..to).map(|gap| gap.trim_matches([' ', ',', '\n', '\t', '|']));
    if date.range.end <= time.range.start {
        return between(date.range.end, time.range.start).is_some_and(|gap| matches!(gap, "" | "at" | "@"));
    }
    between(time.range.end, date.range.start).is_some_and(|gap| matches!(gap, "" | "on"))
}

/// Whether two moments are the ends of a stretch: a dash or "to" stands between them.
fn joined(text: &str, from: &Moment, to: &Moment) -> bool {
    let Some(gap) = text.get(from.range.end..to.range.start) else { return false };
    let between = || text[..from.range.start].trim_end().to_lowercase().ends_with("between");
    match gap.trim().trim_end_matches(':') {
        "-" | "–" | "—" | "->" | "→" | "to" | "until" | "till" | "through" => true,
        "and" => between(),
        _ => false,
    }
}

/// All pairs of moments that are the ends of a stretch.
pub(super) fn stretches(text: &str, moments: &[Moment]) -> Vec<Stretch> {
    let pairs = moments.windows(2).filter(|pair| joined(text, &pair[0], &pair[1]));
    pairs
        .map(|pair| Stretch {
            range: pair[0].range.start..pair[1].range.end,
            from: pair[0].clone(),
            to: pair[1].clone(),
        })
        .collect()
}

/// Gives the zone at the end of a stretch to its beginning.
fn share_zones(text: &str, moments: &mut [Moment]) {
    for index in 1..moments.len() {
        let (before, after) = moments.split_at_mut(index);
        let (Some(from), Some(to)) = (before.last_mut(), after.first()) else { continue };
        if joined(text, from, to)
            && let (Some(time), Some(zone)) = (&mut from.time, to.zone())
        {
            time.zone.get_or_insert_with(|| zone.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(text: &str) -> Vec<String> {
        let defaults = Defaults { zone: TimeZone::UTC, year: 2024 };
        let at = |m: &Moment| m.day(None, &defaults).and_then(|day| m.on(day, &defaults)).map(|at| at.to_string());
        moments(text).iter().filter_map(at).collect()
    }

    #[test]
    fn dates_and_times_are_put_together() {
        for (text, expected) in [
            ("2024-03-05T09:00:00Z", "2024-03-05T09:00:00Z"),
            ("2024-03-05T10:00:00+01:00", "2024-03-05T09:00:00Z"),
            ("March 5, 2024, 09:00 AM", "2024-03-05T09:00:00Z"),
            ("5 Mar 2024 09:00 CET", "2024-03-05T08:00:00Z"),
            ("at 09:00 UTC on 5 March 2024", "2024-03-05T09:00:00Z"),
            ("5 March, 9 PM PT", "2024-03-06T05:00:00Z"),
            ("2024-03-05 at 14:30Z", "2024-03-05T14:30:00Z"),
            ("05.03.2024, 09:00 Europe/Berlin", "2024-03-05T08:00:00Z"),
        ] {
            assert_eq!(resolved(text), [expected], "{text}");
        }
    }

    #[test]
    fn a_stretch_shares_its_zone() {
        let text = "March 5, 2024, 09:00 AM - March 6, 2024, 01:00 AM (UTC)";
        let found = stretches(text, &moments(text));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].from.zone().map(|zone| zone.written.as_str()), Some("UTC"));
        let text = "Between 08:01 and 09:20 UTC on 2024-03-05";
        assert_eq!(stretches(text, &moments(text)).len(), 1);
        assert!(stretches("at 08:01 and 09:20", &moments("at 08:01 and 09:20")).is_empty());
        let text = "from 08:01 to 09:20 UTC";
        assert_eq!(stretches(text, &moments(text)).len(), 1);
    }
}
