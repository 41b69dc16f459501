//! Times of day as people write them: `09:00`, `9 AM`, `14:30:05Z`, `0930Z`.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Time;
use regex::Captures;

use super::super::pattern::{Pattern, compiled};
use super::zone::Zone;

/// A time of day and where it stands, its zone included.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::postmortem::lint) struct WrittenTime {
    pub(in crate::postmortem::lint) range: Range<usize>,
    /// `None` when no clock shows it, as 25:61.
    pub(in crate::postmortem::lint) time: Option<Time>,
    /// Seconds that the writing leaves open: 1, 60 or 3600.
    pub(in crate::postmortem::lint) precision: i64,
    pub(in crate::postmortem::lint) zone: Option<Zone>,
    /// Twelve o'clock with AM or PM.
    pub(in crate::postmortem::lint) twelve: bool,
}

static COLON: Pattern =
    LazyLock::new(|| compiled(r"\b(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?:\s?([AaPp])\.?[Mm]\b\.?)?"));
static HOUR: Pattern = LazyLock::new(|| compiled(r"\b(\d{1,2})()()\s?([AaPp])\.?[Mm]\b\.?"));
static MILITARY: Pattern = LazyLock::new(|| compiled(r"\b([01]\d|2[0-4])([0-5]\d)()()(?:Z| ?UTC| ?GMT)\b"));

/// All times of a text, in order, none inside another.
pub(in crate::postmortem::lint) fn times(text: &str) -> Vec<WrittenTime> {
    let mut found: Vec<WrittenTime> = Vec::new();
    for regex in [&COLON, &HOUR, &MILITARY] {
        for captures in regex.captures_iter(text) {
            let Some(time) = read(text, &captures) else { continue };
            let free =
                found.iter().all(|other| time.range.end <= other.range.start || other.range.end <= time.range.start);
            if free {
                found.push(time);
            }
        }
    }
    found.sort_by_key(|time| time.range.start);
    found
}

fn read(text: &str, captures: &Captures<'_>) -> Option<WrittenTime> {
    let mut range = captures.get(0)?.range();
    let before = &text[..range.start];
    let after = &text[range.end..];
    // A port, a ratio or an address is no time.
    let part_of_more = before.ends_with(['.', ':', '_', '/'])
        || after.starts_with(|c: char| c.is_ascii_digit())
        || after.strip_prefix([':', '.']).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if part_of_more {
        return None;
    }
    let part = |index| captures.get(index).filter(|found| !found.is_empty());
    let number = |index| part(index).and_then(|digits| digits.as_str().parse::<i8>().ok());
    let half = part(4).map(|half| half.as_str().eq_ignore_ascii_case("p"));
    let hour = number(1)?;
    let (minute, second) = (number(2), number(3));
    let time =
        hour_of_day(hour, half).and_then(|hour| Time::new(hour, minute.unwrap_or(0), second.unwrap_or(0), 0).ok());
    let precision = if second.is_some() {
        1
    } else if minute.is_some() {
        60
    } else {
        3600
    };
    // The pattern of four digits holds its zone, which makes it a time.
    let written = captures.get(0)?.as_str();
    let own = ["UTC", "GMT", "Z"].into_iter().find(|zone| written.ends_with(zone));
    let after = own.map_or(after, |zone| &text[range.end - zone.len()..]);
    // "09:00-10:00" is a stretch; a minus is an offset after seconds only, as RFC 3339 writes it.
    let zone = Zone::at_start(after).filter(|_| second.is_some() || !after.starts_with(['-', '−']));
    if let (Some((_, length)), None) = (&zone, own) {
        range.end += length;
    }
    Some(WrittenTime {
        range,
        time,
        precision,
        zone: zone.map(|(zone, _)| zone),
        twelve: hour == 12 && minute.unwrap_or(0) == 0 && half.is_some(),
    })
}

/// The hour from 0, given the hour as written and whether it lies after noon.
fn hour_of_day(hour: i8, afternoon: Option<bool>) -> Option<i8> {
    match (hour, afternoon) {
        (0..=23, None) => Some(hour),
        (12, Some(false)) => Some(0),
        (12, Some(true)) => Some(12),
        (1..=11, Some(false)) => Some(hour),
        (1..=11, Some(true)) => Some(hour + 12),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_every_common_format() {
        for (text, hour, minute, zone) in [
            ("09:10 AM: x", 9, 10, None),
            ("at 12:00 PM", 12, 0, None),
            ("12:05 a.m.", 0, 5, None),
            ("9pm PST", 21, 0, Some("PST")),
            ("14:30Z", 14, 30, Some("Z")),
            ("14:30:05.25 UTC", 14, 30, Some("UTC")),
            ("1430Z", 14, 30, Some("Z")),
            ("at 0930 UTC", 9, 30, Some("UTC")),
            ("01:00 AM (UTC)", 1, 0, Some("UTC")),
            ("09:00:00+01:00", 9, 0, Some("+01:00")),
            ("09:00:00-05:00", 9, 0, Some("-05:00")),
        ] {
            let found = times(text);
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            let time = found[0].time.unwrap();
            assert_eq!((time.hour(), time.minute()), (hour, minute), "{text}");
            assert_eq!(found[0].zone.as_ref().map(|zone| zone.written.as_str()), zone, "{text}");
        }
        assert_eq!(times("25:61")[0].time, None);
        assert_eq!(times("13:00 PM")[0].time, None);
        assert!(times("2460 UTC, 1260 h, 3000 hrs").is_empty());
        assert!(times("10.0.0.1:80, 1:1 talks, 2001:db8::1, localhost:8443").is_empty());
        assert!(times("12:00 PM")[0].twelve && !times("12:00")[0].twelve && !times("12:05 PM")[0].twelve);
    }
}
