//! Marks on a time axis at round local times: midnights for days, round hours and minutes below.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit, ZonedDateTime, ZonedDateTimeRound};

use crate::report::chart::Tick;

/// Marks between two instants, in a zone; at most about a dozen.
#[must_use]
pub fn between(start: Timestamp, end: Timestamp, zone: &str) -> Vec<Tick> {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let length = end.as_microsecond() - start.as_microsecond();
    if length <= 0 {
        return Vec::new();
    }
    let hours = length as f64 / 3.6e9;
    let (step, unit, format) = match hours {
        hours if hours > 24.0 * 70.0 => (28.days(), Unit::Day, "%b %-d"),
        hours if hours > 24.0 * 12.0 => (7.days(), Unit::Day, "%b %-d"),
        hours if hours > 60.0 => (1.day(), Unit::Day, "%a %-d"),
        hours if hours > 30.0 => (6.hours(), Unit::Hour, "%H:%M"),
        hours if hours > 12.0 => (3.hours(), Unit::Hour, "%H:%M"),
        hours if hours > 3.0 => (1.hour(), Unit::Hour, "%H:%M"),
        hours if hours > 0.75 => (15.minutes(), Unit::Minute, "%H:%M"),
        hours if hours > 0.15 => (5.minutes(), Unit::Minute, "%H:%M"),
        hours if hours > 0.04 => (1.minute(), Unit::Minute, "%H:%M"),
        _ => (15.seconds(), Unit::Second, "%H:%M:%S"),
    };
    let first = start.to_zoned_datetime(zone);
    let Ok(mut at) = first.round(ZonedDateTimeRound::new().smallest(unit).mode(jiff::RoundMode::Trunc)) else {
        return Vec::new();
    };
    at = aligned(at, unit, step.get_hours().into(), step.get_minutes(), step.get_seconds());
    let mut ticks = Vec::new();
    while at.timestamp() < end && ticks.len() < 40 {
        let offset = at.timestamp().as_microsecond() - start.as_microsecond();
        if offset >= 0 {
            ticks.push(Tick { at: offset as f64 / length as f64, label: at.strftime(format).to_string() });
        }
        let Ok(next) = at.checked_add(step) else { break };
        at = next;
    }
    ticks
}

/// Moves back to a multiple of the step within its day, hour or minute, so that labels are round.
fn aligned(at: ZonedDateTime, unit: Unit, hours: i64, minutes: i64, seconds: i64) -> ZonedDateTime {
    let back = match unit {
        Unit::Hour if hours > 1 => (i64::from(at.hour()) % hours).hours(),
        Unit::Minute if minutes > 1 => (i64::from(at.minute()) % minutes).minutes(),
        Unit::Second if seconds > 1 => (i64::from(at.second()) % seconds).seconds(),
        _ => return at,
    };
    at.checked_sub(back).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(start: &str, end: &str) -> Vec<String> {
        let ticks = between(start.parse().unwrap(), end.parse().unwrap(), "Europe/Berlin");
        ticks.into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn a_week_is_marked_at_local_midnights() {
        let week = labels("2026-11-15T23:00:00Z", "2026-11-22T23:00:00Z");
        assert_eq!(week, ["Mon 16", "Tue 17", "Wed 18", "Thu 19", "Fri 20", "Sat 21", "Sun 22"]);
    }

    #[test]
    fn short_spans_are_marked_at_round_times() {
        assert_eq!(
            labels("2026-11-15T10:07:30Z", "2026-11-15T10:08:31Z"),
            ["11:07:30", "11:07:45", "11:08:00", "11:08:15", "11:08:30"]
        );
        assert_eq!(labels("2026-11-15T10:07:00Z", "2026-11-15T11:07:00Z"), ["11:15", "11:30", "11:45", "12:00"]);
        assert_eq!(labels("2026-11-15T10:07:00Z", "2026-11-15T10:07:00Z"), Vec::<String>::new());
    }
}
