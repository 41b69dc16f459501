//! The names of compacted days. A name tells which slots a file holds, so that a listing alone shows whether two of them
//! overlap, and what it holds by hash, so that compacting the same runs twice makes one object. Knows no object store.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::key::{DAY, KeyError, ROLLUP, day_of, parse_day};
use crate::model::VantageName;

/// A compacted day, or a part of one:
/// `v1/day/<vantage>/<date>/<time of the first slot>-<time of the last slot>-<content hash>.parquet`, times as
/// `hhmmss.ffffff` of that UTC day. What was counted of it has the same name below `v1/rollup`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayKey {
    /// Whose runs.
    pub vantage: VantageName,
    /// The UTC day of their slots.
    pub date: Date,
    /// The first slot's time of day, in microseconds.
    pub first: u64,
    /// The last slot's time of day, in microseconds.
    pub last: u64,
    /// The first 16 hex digits of the content's SHA-256.
    pub content: String,
}

const SHAPE: &str = "v1/day/<vantage>/<yyyy-mm-dd>/<hhmmss.ffffff>-<hhmmss.ffffff>-<16 hex digits>.parquet";

impl DayKey {
    /// The folder of one vantage's day.
    #[must_use]
    pub fn folder(vantage: &VantageName, date: Date) -> String {
        format!("{DAY}/{vantage}/{date}")
    }

    /// The key of what was counted of it.
    #[must_use]
    pub fn rollup(&self) -> String {
        format!("{}/{}", Self::rollup_folder(&self.vantage, self.date), self.name())
    }

    /// The folder of what was counted of one vantage's day.
    #[must_use]
    pub(super) fn rollup_folder(vantage: &VantageName, date: Date) -> String {
        format!("{ROLLUP}/{vantage}/{date}")
    }

    /// The first slot that may be in it.
    #[must_use]
    pub fn first_slot(&self) -> Timestamp {
        self.slot(self.first)
    }

    /// The last slot that may be in it.
    #[must_use]
    pub fn last_slot(&self) -> Timestamp {
        self.slot(self.last)
    }

    /// Whether a slot may be in both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    fn slot(&self, of_day: u64) -> Timestamp {
        let midnight = midnight(self.date).as_microsecond();
        Timestamp::from_microsecond(midnight.saturating_add(of_day.cast_signed())).unwrap_or(Timestamp::MAX)
    }

    fn name(&self) -> String {
        format!("{}-{}-{}.parquet", Clock(self.first), Clock(self.last), self.content)
    }
}

/// The first instant of a UTC day.
pub(super) fn midnight(date: Date) -> Timestamp {
    TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).unwrap_or(Timestamp::MIN)
}

/// The time of day of a slot, in microseconds.
pub(super) fn time_of_day(slot: Timestamp) -> u64 {
    (slot.as_microsecond() - midnight(day_of(slot)).as_microsecond()).unsigned_abs()
}

/// A time of day as names spell it.
struct Clock(u64);

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, micros) = (self.0 / 1_000_000, self.0 % 1_000_000);
        write!(f, "{:02}{:02}{:02}.{micros:06}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
    }
}

impl FromStr for Clock {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (time, micros) = text.split_once('.')?;
            let time: u64 = (time.len() == 6).then(|| time.parse().ok())??;
            let seconds = time / 10_000 * 3_600 + time / 100 % 100 * 60 + time % 100;
            let clock = Self(seconds * 1_000_000 + micros.parse::<u64>().ok().filter(|&micros| micros < 1_000_000)?);
            // One time has one spelling, and none is beyond the day.
            (clock.to_string() == text && seconds < 86_400).then_some(clock)
        };
        parse().ok_or_else(|| KeyError { expected: "<hhmmss.ffffff>", found: text.to_owned() })
    }
}

impl fmt::Display for DayKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", Self::folder(&self.vantage, self.date), self.name())
    }
}

impl FromStr for DayKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let rest = text.strip_prefix(DAY)?.strip_prefix('/')?.strip_suffix(".parquet")?;
            let (vantage, rest) = rest.split_once('/')?;
            let (date, name) = rest.split_once('/')?;
            let mut parts = name.split('-');
            let (first, last, content) = (parts.next()?, parts.next()?, parts.next()?);
            let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
            let key = Self {
                vantage: VantageName::new(vantage).ok()?,
                date: parse_day(date)?,
                first: first.parse::<Clock>().ok()?.0,
                last: last.parse::<Clock>().ok()?.0,
                content: (content.len() == 16 && content.chars().all(hex)).then(|| content.to_owned())?,
            };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SHAPE, found: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_tells_its_slots() {
        let key = DayKey {
            vantage: VantageName::new("berlin").unwrap(),
            date: "2026-11-23".parse().unwrap(),
            first: 3_000_001,
            last: 86_399_999_999,
            content: "00112233445566ff".to_owned(),
        };
        let name = "berlin/2026-11-23/000003.000001-235959.999999-00112233445566ff.parquet";
        assert_eq!(key.to_string(), format!("v1/day/{name}"));
        assert_eq!(key.rollup(), format!("v1/rollup/{name}"));
        assert_eq!(key.last_slot().to_string(), "2026-11-23T23:59:59.999999Z");
        for other in ["240000.000000-235959.999999", "000003.1-235959.999999", "000061.000000-235959.999999"] {
            let text = format!("v1/day/berlin/2026-11-23/{other}-00112233445566ff.parquet");
            assert!(text.parse::<DayKey>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn keys_parse_back(
            vantage in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", micros in -2_000_000_000_000_000_i64..4_000_000_000_000_000,
            last in 0..86_400_000_000_u64, content in "[0-9a-f]{16}",
        ) {
            let slot = Timestamp::from_microsecond(micros).unwrap();
            let vantage = VantageName::new(&vantage).unwrap();
            let key = DayKey { vantage, date: day_of(slot), first: time_of_day(slot), last, content };
            prop_assert_eq!(key.to_string().parse::<DayKey>().unwrap(), key.clone());
            prop_assert_eq!(key.first_slot(), slot);
        }
    }
}
