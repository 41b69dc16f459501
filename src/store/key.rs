//! The names of objects in the store. Every key is a type that prints itself and parses back; nobody glues paths
//! together elsewhere. Knows no object store.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::model::VantageName;

/// The folder of segments as workers write them.
pub(super) const LIVE: &str = "v1/live";
/// The folder of compacted days.
pub(super) const DAY: &str = "v1/day";
/// The folder of what was counted of compacted days.
pub(super) const ROLLUP: &str = "v1/rollup";
/// The folder of samples of databases.
pub(super) const SAMPLES: &str = "v1/database";
/// The folder of snapshots of what databases are set to.
pub(super) const SNAPSHOTS: &str = "v1/audit";
/// The folder of schedule declarations.
pub(super) const SCHEDULE: &str = "v1/schedule";

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected '{expected}', found '{found}'")]
pub struct KeyError {
    /// The shape of such a key.
    pub expected: &'static str,
    /// The text.
    pub found: String,
}

/// The number of a spool file, and of the segments made of it. Never taken from a clock: a counter that the spool
/// keeps, so that names sort in the order of recording, and 64 random bits drawn each time a spool is opened, so that
/// no restart, copied disk or second worker can produce the same number again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence {
    /// Counts the files of one spool.
    pub number: u64,
    /// Random bits of the process that created the file.
    pub session: u64,
}

const SEQUENCE_SHAPE: &str = "<12 digits>-<16 hex digits>";

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:012}-{:016x}", self.number, self.session)
    }
}

impl FromStr for Sequence {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (number, session) = text.split_once('-')?;
            let sequence = Self { number: number.parse().ok()?, session: u64::from_str_radix(session, 16).ok()? };
            // One sequence has one spelling, so that sorting and comparing names is enough.
            (sequence.to_string() == text).then_some(sequence)
        };
        parse().ok_or_else(|| KeyError { expected: SEQUENCE_SHAPE, found: text.to_owned() })
    }
}

/// The UTC day of a slot: the folder that its run is stored in, whenever it is shipped.
#[must_use]
pub(super) fn day_of(slot: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(slot).date()
}

/// One segment: `v1/live/<vantage>/<date>/<sequence>.parquet`. All runs in it are of that vantage, and their slots lie
/// on that UTC day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentKey {
    /// Who wrote it.
    pub vantage: VantageName,
    /// The UTC day of its slots.
    pub date: Date,
    /// The spool file it was made of.
    pub sequence: Sequence,
}

const SEGMENT_SHAPE: &str = "v1/live/<vantage>/<yyyy-mm-dd>/<12 digits>-<16 hex digits>.parquet";

impl SegmentKey {
    /// The folder of one vantage's day.
    #[must_use]
    pub fn folder(vantage: &VantageName, date: Date) -> String {
        format!("{LIVE}/{vantage}/{date}")
    }
}

impl fmt::Display for SegmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}.parquet", Self::folder(&self.vantage, self.date), self.sequence)
    }
}

impl FromStr for SegmentKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (vantage, date, sequence) = parse_shipped(text, LIVE, ".parquet")?;
            let key = Self { vantage, date, sequence };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SEGMENT_SHAPE, found: text.to_owned() })
    }
}

/// Vantage, day and sequence of `<top>/<vantage>/<yyyy-mm-dd>/<sequence><ending>`.
fn parse_shipped(text: &str, top: &str, ending: &str) -> Option<(VantageName, Date, Sequence)> {
    let rest = text.strip_prefix(top)?.strip_prefix('/')?.strip_suffix(ending)?;
    let mut parts = rest.split('/');
    let (vantage, date, sequence) = (parts.next()?, parts.next()?, parts.next()?);
    Some((VantageName::new(vantage).ok()?, parse_day(date)?, sequence.parse().ok()?))
}

/// Time and content hash of `<microseconds since 1970>-<16 hex digits>.json`.
pub(super) fn parse_stamped(name: &str) -> Option<(Timestamp, String)> {
    let (micros, content) = name.strip_suffix(".json")?.rsplit_once('-')?;
    let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    let content = (content.len() == 16 && content.chars().all(hex)).then(|| content.to_owned())?;
    Some((Timestamp::from_microsecond(micros.parse().ok()?).ok()?, content))
}

/// One object of samples of databases: `v1/database/<vantage>/<date>/<sequence>.jsonl.gz`. All samples in it are of that
/// vantage, and their slots lie on that UTC day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SampleKey {
    /// Who wrote it.
    pub vantage: VantageName,
    /// The UTC day of its slots.
    pub date: Date,
    /// The spool file it was made of.
    pub sequence: Sequence,
}

const SAMPLE_SHAPE: &str = "v1/database/<vantage>/<yyyy-mm-dd>/<12 digits>-<16 hex digits>.jsonl.gz";
const SAMPLE_ENDING: &str = ".jsonl.gz";

impl SampleKey {
    /// The folder of one vantage's day.
    #[must_use]
    pub fn folder(vantage: &VantageName, date: Date) -> String {
        format!("{SAMPLES}/{vantage}/{date}")
    }
}

impl fmt::Display for SampleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{SAMPLE_ENDING}", Self::folder(&self.vantage, self.date), self.sequence)
    }
}

impl FromStr for SampleKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (vantage, date, sequence) = parse_shipped(text, SAMPLES, SAMPLE_ENDING)?;
            let key = Self { vantage, date, sequence };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SAMPLE_SHAPE, found: text.to_owned() })
    }
}

/// The date that `text` spells as `yyyy-mm-dd`.
pub(super) fn parse_day(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

/// One schedule declaration: `v1/schedule/<vantage>/<microseconds since 1970, 16 digits>-<content hash>.json`. The hash
/// makes declaring the same thing twice one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeclarationKey {
    /// Who declares.
    pub vantage: VantageName,
    /// From when it holds, in whole microseconds.
    pub from: Timestamp,
    /// The first 16 hex digits of the content's SHA-256.
    pub content: String,
}

const DECLARATION_SHAPE: &str = "v1/schedule/<vantage>/<16 digits>-<16 hex digits>.json";

impl fmt::Display for DeclarationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.from.as_microsecond();
        write!(f, "{SCHEDULE}/{}/{micros:016}-{}.json", self.vantage, self.content)
    }
}

impl FromStr for DeclarationKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (vantage, name) = text.strip_prefix(SCHEDULE)?.strip_prefix('/')?.split_once('/')?;
            let (from, content) = parse_stamped(name)?;
            let key = Self { vantage: VantageName::new(vantage).ok()?, from, content };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: DECLARATION_SHAPE, found: text.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_read_as_documented() {
        let key = SegmentKey {
            vantage: VantageName::new("berlin").unwrap(),
            date: "2026-11-23".parse().unwrap(),
            sequence: Sequence { number: 42, session: 0xabc },
        };
        assert_eq!(key.to_string(), "v1/live/berlin/2026-11-23/000000000042-0000000000000abc.parquet");
        let SegmentKey { vantage, date, sequence } = key;
        let key = SampleKey { vantage, date, sequence };
        assert_eq!(key.to_string(), "v1/database/berlin/2026-11-23/000000000042-0000000000000abc.jsonl.gz");
        let key = DeclarationKey {
            vantage: VantageName::new("berlin").unwrap(),
            from: "2026-11-23T10:00:00.000001Z".parse().unwrap(),
            content: "00112233445566ff".to_owned(),
        };
        assert_eq!(key.to_string(), "v1/schedule/berlin/1795428000000001-00112233445566ff.json");
    }

    #[test]
    fn other_texts_are_no_keys() {
        for text in [
            "",
            "v1/live/berlin/2026-11-23/1-abc.parquet",
            "v1/live/berlin/2026-11-23/000000000042-0000000000000ABC.parquet",
            "v1/live/berlin/2026-13-23/000000000042-0000000000000abc.parquet",
            "v1/live/../2026-11-23/000000000042-0000000000000abc.parquet",
            "v1/live/berlin/2026-11-23/x/000000000042-0000000000000abc.parquet",
            "v2/live/berlin/2026-11-23/000000000042-0000000000000abc.parquet",
        ] {
            assert!(text.parse::<SegmentKey>().is_err(), "{text}");
            let other = text.replace("v1/live", "v1/database").replace(".parquet", ".jsonl.gz");
            assert!(other.parse::<SampleKey>().is_err(), "{other}");
        }
        assert!("v1/schedule/berlin/12-00112233445566ff.json".parse::<DeclarationKey>().is_err());
        assert!("v1/schedule/berlin/1795428000000001-XX.json".parse::<DeclarationKey>().is_err());
    }

    proptest! {
        #[test]
        fn keys_parse_back(
            vantage in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", micros in -2_000_000_000_000_000_i64..4_000_000_000_000_000,
            number: u64, session: u64, content in "[0-9a-f]{16}",
        ) {
            let vantage = VantageName::new(&vantage).unwrap();
            let from = Timestamp::from_microsecond(micros).unwrap();
            let key = SegmentKey { vantage: vantage.clone(), date: day_of(from), sequence: Sequence { number, session } };
            prop_assert_eq!(&key.to_string().parse::<SegmentKey>().unwrap(), &key);
            let key = SampleKey { vantage: key.vantage, date: key.date, sequence: key.sequence };
            prop_assert_eq!(key.to_string().parse::<SampleKey>().unwrap(), key);
            let key = DeclarationKey { vantage, from, content };
            prop_assert_eq!(key.to_string().parse::<DeclarationKey>().unwrap(), key);
        }

        #[test]
        fn names_sort_as_numbers(a in 0_u64..1_000_000_000_000, b in 0_u64..1_000_000_000_000, s: u64, t: u64) {
            let (a, b) = (Sequence { number: a, session: s }, Sequence { number: b, session: t });
            prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        }
    }
}
