//! The parts of the calendar in which charts begin anew: ISO weeks. What is asked for never decides how an incident is
//! found: each week is looked at from the same instant on, with a background of its own, so that the same runs give the
//! same incidents under the same names, whatever span is read.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::slo::Period;

/// What is read before a week: long enough for charts to forget that they began at zero (a chart that starts later is
/// never above one that started earlier, and equals it from the first zero of that one on), and for the background of a
/// week that has only begun.
const RUN_UP: SignedDuration = SignedDuration::from_hours(24);

/// One ISO week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Its first instant: Monday's local midnight.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Block {
    /// The week that holds an instant. At the ends of the calendar, where there is no whole week, what is left of it.
    #[must_use]
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        match Period::week_of(zone.to_datetime(at).date(), zone) {
            Ok(week) => Self { start: week.start, end: week.end },
            Err(_) => Self { start: Timestamp::MIN, end: Timestamp::MAX },
        }
    }

    /// The week before.
    #[must_use]
    pub fn before(self, zone: &TimeZone) -> Self {
        Self::of(self.start.checked_sub(SignedDuration::from_micros(1)).unwrap_or(self.start), zone)
    }

    /// The week after.
    #[must_use]
    pub fn after(self, zone: &TimeZone) -> Self {
        Self::of(self.end, zone)
    }

    /// The first slot that is read to tell the incidents of this week: that of its run-up.
    #[must_use]
    pub fn read_from(self) -> Timestamp {
        self.start.checked_sub(RUN_UP).unwrap_or(Timestamp::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_the_same_from_any_instant_in_it() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        // The clocks go back within it: 169 hours.
        let week = Block { start: at("2026-10-18T22:00:00Z"), end: at("2026-10-25T23:00:00Z") };
        for inside in ["2026-10-18T22:00:00Z", "2026-10-21T12:00:00Z", "2026-10-25T22:59:59Z"] {
            assert_eq!(Block::of(at(inside), &zone), week);
        }
        assert_eq!((week.after(&zone).start, week.before(&zone).end), (week.end, week.start));
        assert_eq!(week.read_from(), at("2026-10-17T22:00:00Z"));
        assert_eq!(Block::of(Timestamp::MAX, &zone).end, Timestamp::MAX);
    }
}
