//! A vantage's day: which objects may hold its runs. Knows no content.
//!
//! Live segments are listed before compacted days. Compacting makes the day durable before it removes a segment, so that
//! a run is in one list or the other at least, whenever the two are made.

use std::collections::BTreeSet;

use jiff::civil::Date;
use object_store::ObjectMeta;

use super::day_key::DayKey;
use super::error::Error;
use super::filter::RunFilter;
use super::key::{DAY, KeyError, LIVE, SAMPLES, SegmentKey, day_of, parse_day};
use super::objects::Store;
use crate::model::VantageName;

/// A vantage's day.
pub(super) type Partition = (VantageName, Date);

/// The objects of one partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Listing {
    /// Compacted files, by name.
    pub(super) days: Vec<(DayKey, ObjectMeta)>,
    /// Segments as workers write them, by name.
    pub(super) live: Vec<ObjectMeta>,
}

impl Listing {
    /// Whether no run can be in two of its objects: everything is compacted, and no slot may lie in two files.
    pub(super) fn is_settled(&self) -> bool {
        let apart = |(index, (key, _)): (usize, &(DayKey, ObjectMeta))| {
            self.days[..index].iter().all(|(other, _)| !key.overlaps(other))
        };
        self.live.is_empty() && self.days.iter().enumerate().all(apart)
    }
}

impl Store {
    /// The partitions of the store that may hold chosen runs.
    pub(super) async fn partitions(&self, filter: &RunFilter) -> Result<BTreeSet<Partition>, Error> {
        let mut partitions = BTreeSet::new();
        for top in [LIVE, DAY] {
            partitions.extend(self.partitions_below(top, filter).await?);
        }
        Ok(partitions)
    }

    /// Those of one top folder.
    pub(super) async fn partitions_below(
        &self,
        top: &'static str,
        filter: &RunFilter,
    ) -> Result<Vec<Partition>, Error> {
        let shape = match top {
            LIVE => ["v1/live/<vantage>", "v1/live/<vantage>/<yyyy-mm-dd>"],
            SAMPLES => ["v1/database/<vantage>", "v1/database/<vantage>/<yyyy-mm-dd>"],
            _ => ["v1/day/<vantage>", "v1/day/<vantage>/<yyyy-mm-dd>"],
        };
        let (first, last) = (day_of(filter.from), day_of(filter.to));
        let mut found = Vec::new();
        for name in self.list_folders(top).await? {
            let folder = format!("{top}/{name}");
            let vantage = VantageName::new(&name).map_err(|_| self.stray(&folder, shape[0]))?;
            if !filter.admits_vantage(&vantage) {
                continue;
            }
            for name in self.list_folders(&folder).await? {
                let date = parse_day(&name).ok_or_else(|| self.stray(&format!("{folder}/{name}"), shape[1]))?;
                if (first..=last).contains(&date) {
                    found.push((vantage.clone(), date));
                }
            }
        }
        Ok(found)
    }

    /// The objects of one partition, in the order of their keys.
    pub(super) async fn listing(&self, (vantage, date): &Partition) -> Result<Listing, Error> {
        let live = self.list(&SegmentKey::folder(vantage, *date)).await?;
        for object in &live {
            self.parsed::<SegmentKey>(object)?;
        }
        let days = self.list(&DayKey::folder(vantage, *date)).await?;
        let days = days.into_iter().map(|object| Ok((self.parsed(&object)?, object)));
        Ok(Listing { days: days.collect::<Result<_, Error>>()?, live })
    }

    /// The key of an object.
    pub(super) fn parsed<K: std::str::FromStr<Err = KeyError>>(&self, object: &ObjectMeta) -> Result<K, Error> {
        let key = object.location.to_string();
        key.parse().map_err(|source| Error::Key { key, location: self.location.clone(), source })
    }

    fn stray(&self, key: &str, expected: &'static str) -> Error {
        let source = KeyError { expected, found: key.to_owned() };
        Error::Key { key: key.to_owned(), location: self.location.clone(), source }
    }
}
