//! Reports that were given out: each is registered under a number of its own and never changed, so that a closed period
//! is restated only as a new revision beside the old one (F19). Knows nothing of what a report says.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::key::KeyError;
use super::objects::{Put, Store};
use super::policy::encode;
use crate::slo::Period;

const REPORTS: &str = "v1/reports";

/// One registered report: `v1/reports/<period>.<zone>/<number, at least 4 digits>.json`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReportKey {
    /// The period's label and zone, with a hyphen for each character that a name should not hold.
    pub series: String,
    /// 1 for the first report of the period.
    pub number: u32,
}

const SHAPE: &str = "v1/reports/<period>.<zone>/<at least 4 digits>.json";

impl ReportKey {
    /// The folder name of a period. The zone is in it: week 47 of Tokyo is another than that of Berlin.
    #[must_use]
    pub fn series(period: &Period) -> String {
        let safe = |c: char| if is_safe(c) { c } else { '-' };
        format!("{}.{}", period.label, period.zone).chars().map(safe).collect()
    }
}

fn is_safe(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_+.".contains(c)
}

impl fmt::Display for ReportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{REPORTS}/{}/{:04}.json", self.series, self.number)
    }
}

impl FromStr for ReportKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let rest = text.strip_prefix(REPORTS)?.strip_prefix('/')?.strip_suffix(".json")?;
            let (series, number) = rest.split_once('/')?;
            let key = Self {
                series: series.chars().all(is_safe).then(|| series.to_owned())?,
                number: number.parse().ok().filter(|number| *number > 0)?,
            };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SHAPE, found: text.to_owned() })
    }
}

impl Store {
    /// Registers a report under its number; returns when it is durable. False when the number is taken: what is there
    /// stays as it is.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn register_report<T: Serialize>(&self, key: &ReportKey, report: &T) -> Result<bool, Error> {
        Ok(self.put_if_absent(&key.to_string(), Bytes::from(encode(report)?)).await? == Put::Created)
    }

    /// The registered reports of a period ([`ReportKey::series`]) with their numbers, the first one first.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away, [`Error::Key`], [`Error::Entry`] or [`Error::Newer`] for an object that
    /// is not understood.
    pub async fn registered_reports<T: DeserializeOwned>(&self, series: &str) -> Result<Vec<(u32, T)>, Error> {
        let mut reports = Vec::new();
        for object in self.list(&format!("{REPORTS}/{series}")).await? {
            let name = object.location.to_string();
            let wrong = |source| Error::Key { key: name.clone(), location: self.location.clone(), source };
            let key: ReportKey = name.parse().map_err(wrong)?;
            reports.push((key.number, self.read_entry(&name).await?));
        }
        reports.sort_by_key(|(number, _)| *number);
        Ok(reports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    #[test]
    fn a_key_reads_as_documented_and_nothing_else_is_one() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let week = ReportKey::series(&Period::week("2026-W47", &zone).unwrap());
        let key = ReportKey { series: week, number: 1 };
        assert_eq!(key.to_string(), "v1/reports/2026-W47.Europe-Berlin/0001.json");
        let instant = |text: &str| text.parse::<Timestamp>().unwrap();
        let (from, to) = (instant("2026-11-16T00:00:00Z"), instant("2026-11-16T12:00:00Z"));
        let span = ReportKey::series(&Period::between(from, to, &TimeZone::UTC).unwrap());
        assert_eq!(span, "2026-11-16-00-00-to-2026-11-16-12-00.UTC");
        for bad in [
            "",
            "v1/reports/2026-W47.UTC/1.json",
            "v1/reports/2026-W47.UTC/0000.json",
            "v1/reports/2026-W47.UTC/00001.json",
            "v1/reports/2026-W47.UTC/deep/0001.json",
            "v1/reports/2026 W47.UTC/0001.json",
            "v1/reports/2026-W47.UTC/0001.json.partial",
        ] {
            assert!(bad.parse::<ReportKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn keys_parse_back(series in "[a-zA-Z0-9_+.-]{1,40}", number in 1_u32..) {
            let key = ReportKey { series, number };
            prop_assert_eq!(key.to_string().parse::<ReportKey>().unwrap(), key);
        }
    }
}
