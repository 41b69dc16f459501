//! Calendar periods: from one local midnight, or any instant, to another, named in an IANA zone (F19). Lengths come
//! from the zone's rules: a week has 167, 168 or 169 hours. The zone belongs to the objective, not to the reader.

use jiff::civil::{Date, ISOWeekDate, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// A span of time that is reported on: from `start` until before `end`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
    /// IANA name of the zone in which people name it.
    pub zone: String,
    /// How people call it: `2026-W47`, or its two ends in local time.
    pub label: String,
}

/// Why a text or a pair of instants is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PeriodError {
    /// Not written as an ISO week.
    #[error("'{0}' is no ISO week: write year and week as 2026-W47")]
    NotAWeek(String),
    /// Written well, but the year has no such week.
    #[error("the year {year} has no week {week}: an ISO year has 52 or 53 weeks")]
    NoSuchWeek {
        /// The ISO year.
        year: i16,
        /// The week that it lacks.
        week: i8,
    },
    /// It ends before it starts.
    #[error("the period ends at {end}, not after its start at {start}: exchange --from and --to")]
    Empty {
        /// The start.
        start: Timestamp,
        /// The end.
        end: Timestamp,
    },
    /// An end lies outside of the calendar.
    #[error("the period lies outside of the calendar")]
    OutOfRange,
}

impl Period {
    /// The span between two instants.
    ///
    /// # Errors
    /// [`PeriodError::Empty`] when the end is not after the start.
    pub fn between(start: Timestamp, end: Timestamp, zone: &TimeZone) -> Result<Self, PeriodError> {
        if end <= start {
            return Err(PeriodError::Empty { start, end });
        }
        let local = |instant: Timestamp| {
            let time = zone.to_datetime(instant);
            let seconds = if time.second() == 0 && time.subsec_nanosecond() == 0 { "" } else { ":%S" };
            time.strftime(&format!("%Y-%m-%d %H:%M{seconds}")).to_string()
        };
        let label = format!("{} to {}", local(start), local(end));
        // A zone without a name is a fixed offset.
        let zone = zone.iana_name().map_or_else(|| zone.to_offset(start).to_string(), str::to_owned);
        Ok(Self { start, end, zone, label })
    }

    /// Whole days: from the first one's local midnight to that of `after_last`.
    ///
    /// # Errors
    /// [`PeriodError`] when there is no day between, or an end lies outside of the calendar.
    pub fn days(first: Date, after_last: Date, zone: &TimeZone) -> Result<Self, PeriodError> {
        Self::between(midnight(first, zone)?, midnight(after_last, zone)?, zone)
    }

    /// An ISO week, Monday to Sunday, written as `2026-W47`.
    ///
    /// # Errors
    /// [`PeriodError`] when it is written otherwise, or the year has no such week.
    pub fn week(text: &str, zone: &TimeZone) -> Result<Self, PeriodError> {
        let not_a_week = || PeriodError::NotAWeek(text.to_owned());
        let (year, week) = text.split_once("-W").ok_or_else(not_a_week)?;
        let digits = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(week, 2) {
            return Err(not_a_week());
        }
        let (year, week) = (year.parse().map_err(|_| not_a_week())?, week.parse().map_err(|_| not_a_week())?);
        let monday =
            ISOWeekDate::new(year, week, Weekday::Monday).map_err(|_| PeriodError::NoSuchWeek { year, week })?;
        Self::week_of(monday.date(), zone)
    }

    /// The last ISO week that had ended at `now`.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`] at the ends of the calendar.
    pub fn last_week(now: Timestamp, zone: &TimeZone) -> Result<Self, PeriodError> {
        let day = zone.to_datetime(now).date().checked_sub(7.days()).map_err(|_| PeriodError::OutOfRange)?;
        Self::week_of(day, zone)
    }

    /// The ISO week that holds a day.
    ///
    /// # Errors
    /// [`PeriodError::OutOfRange`] at the ends of the calendar.
    pub fn week_of(day: Date, zone: &TimeZone) -> Result<Self, PeriodError> {
        let iso = day.iso_week_date();
        let monday = iso.first_of_week().map_err(|_| PeriodError::OutOfRange)?.date();
        let next = monday.checked_add(7.days()).map_err(|_| PeriodError::OutOfRange)?;
        let label = format!("{}-W{:02}", iso.year(), iso.week());
        Ok(Self { label, ..Self::days(monday, next, zone)? })
    }

    /// Its exact length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.end.duration_since(self.start).as_secs_f64()
    }

    /// Whether an instant lies in it.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        self.start <= instant && instant < self.end
    }
}

fn midnight(day: Date, zone: &TimeZone) -> Result<Timestamp, PeriodError> {
    zone.to_timestamp(day.to_datetime(Time::midnight())).map_err(|_| PeriodError::OutOfRange)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_is_written_one_way_only() {
        for bad in ["", "2026", "2026-47", "2026W47", "26-W47", "2026-W4", "2026-W047", "2026-w47", "+026-W47"] {
            assert_eq!(Period::week(bad, &TimeZone::UTC), Err(PeriodError::NotAWeek(bad.to_owned())), "{bad:?}");
        }
        let error = Period::week("2025-W53", &TimeZone::UTC).unwrap_err();
        assert_eq!(error.to_string(), "the year 2025 has no week 53: an ISO year has 52 or 53 weeks");
        assert_eq!(Period::week("2026-W00", &TimeZone::UTC), Err(PeriodError::NoSuchWeek { year: 2026, week: 0 }));
    }

    #[test]
    fn the_last_week_has_ended() {
        let now: Timestamp = "2026-11-23T00:30:00Z".parse().unwrap();
        assert_eq!(Period::last_week(now, &TimeZone::UTC).unwrap().label, "2026-W47");
        // In New York it is still Sunday: week 47 has not ended.
        let new_york = TimeZone::get("America/New_York").unwrap();
        assert_eq!(Period::last_week(now, &new_york).unwrap().label, "2026-W46");
    }

    #[test]
    fn neighbouring_weeks_share_their_ends() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let week = Period::week("2026-W47", &zone).unwrap();
        let next = Period::week("2026-W48", &zone).unwrap();
        assert_eq!(week.end, next.start);
        assert!(week.contains(week.start) && !week.contains(week.end));
        assert_eq!(week.zone, "Europe/Berlin");
    }

    #[test]
    fn an_empty_span_is_refused() {
        let start: Timestamp = "2026-11-23T00:30:00Z".parse().unwrap();
        assert!(matches!(Period::between(start, start, &TimeZone::UTC), Err(PeriodError::Empty { .. })));
    }

    #[test]
    fn a_span_is_called_by_its_ends() {
        let start: Timestamp = "2026-11-20T13:00:00Z".parse().unwrap();
        let end: Timestamp = "2026-11-20T14:30:05Z".parse().unwrap();
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let period = Period::between(start, end, &zone).unwrap();
        assert_eq!(period.label, "2026-11-20 14:00 to 2026-11-20 15:30:05");
    }
}
