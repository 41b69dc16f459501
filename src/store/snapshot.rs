//! Snapshots of what a database's servers are set to, for audits and for what changed between them. Each is an object of
//! its own with its content's hash in the name: snapshots are only ever added. Knows nothing of what a snapshot says.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::error::Error;
use super::key::{KeyError, SNAPSHOTS, parse_stamped};
use super::objects::{Put, Store};
use super::policy::{encode, whole_micros};
use crate::model::{DatabaseName, Revision};

/// One snapshot: `v1/audit/<database>/<microseconds since 1970, 16 digits>-<content hash>.json`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotKey {
    /// Of which database.
    pub database: DatabaseName,
    /// When it was taken, in whole microseconds.
    pub at: Timestamp,
    /// The first 16 hex digits of the content's SHA-256.
    pub content: String,
}

const SHAPE: &str = "v1/audit/<database>/<16 digits>-<16 hex digits>.json";

impl fmt::Display for SnapshotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SNAPSHOTS}/{}/{:016}-{}.json", self.database, self.at.as_microsecond(), self.content)
    }
}

impl FromStr for SnapshotKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (database, name) = text.strip_prefix(SNAPSHOTS)?.strip_prefix('/')?.split_once('/')?;
            let (at, content) = parse_stamped(name)?;
            let key = Self { database: DatabaseName::new(database).ok()?, at, content };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SHAPE, found: text.to_owned() })
    }
}

impl Store {
    /// Keeps a snapshot that was taken at this time; returns when it is durable. False when the very same one was there
    /// already.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn keep_snapshot<T: Serialize>(
        &self,
        database: &DatabaseName,
        at: Timestamp,
        snapshot: &T,
    ) -> Result<bool, Error> {
        let content = encode(snapshot)?;
        let hash = Revision::of(&content).as_str().to_owned();
        let key = SnapshotKey { database: database.clone(), at: whole_micros(at), content: hash };
        Ok(self.put_if_absent(&key.to_string(), Bytes::from(content)).await? == Put::Created)
    }

    /// The snapshots of a database that were taken in `from..to`, by time.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away, [`Error::Key`], [`Error::Entry`] or [`Error::Newer`] for an object that
    /// is not understood.
    pub async fn snapshots<T: DeserializeOwned>(
        &self,
        database: &DatabaseName,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<T>, Error> {
        let mut keys = Vec::new();
        for object in self.list(&format!("{SNAPSHOTS}/{database}")).await? {
            keys.push(self.parsed::<SnapshotKey>(&object)?);
        }
        keys.sort();
        let mut snapshots = Vec::new();
        for key in keys.iter().filter(|key| from <= key.at && key.at < to) {
            snapshots.push(self.read_entry(&key.to_string()).await?);
        }
        Ok(snapshots)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn name(text: &str) -> DatabaseName {
        DatabaseName::new(text).unwrap()
    }

    #[test]
    fn a_key_reads_as_documented_and_nothing_else_is_one() {
        let at = "2026-11-23T10:00:00.000001Z".parse().unwrap();
        let key = SnapshotKey { database: name("main"), at, content: "00112233445566ff".to_owned() };
        assert_eq!(key.to_string(), "v1/audit/main/1795428000000001-00112233445566ff.json");
        for bad in [
            "",
            "v1/audit/1795428000000001-00112233445566ff.json",
            "v1/audit/main/12-00112233445566ff.json",
            "v1/audit/main/1795428000000001-XX112233445566ff.json",
            "v1/audit/main/deep/1795428000000001-00112233445566ff.json",
            "v1/audit/main/1795428000000001-00112233445566ff.json.partial",
        ] {
            assert!(bad.parse::<SnapshotKey>().is_err(), "{bad}");
        }
    }

    #[tokio::test]
    async fn snapshots_are_added_and_read_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let on_disk = Store::open(&crate::model::StoreLocation::Folder(folder.path().to_owned())).unwrap();
        for store in [Store::in_memory(), on_disk] {
            let at = |seconds: i64| Timestamp::from_second(1_795_428_000 + seconds).unwrap();
            let (early, late) = (json!({"names": "standby1"}), json!({"names": "standby2"}));
            assert!(store.keep_snapshot(&name("main"), at(60), &late).await.unwrap());
            assert!(store.keep_snapshot(&name("main"), at(0), &early).await.unwrap());
            assert!(!store.keep_snapshot(&name("main"), at(0), &early).await.unwrap(), "the same again");
            assert!(store.keep_snapshot(&name("main-2"), at(0), &late).await.unwrap());
            let read = async |from, to| store.snapshots::<Value>(&name("main"), at(from), at(to)).await.unwrap();
            assert_eq!(read(-9, 99).await, [early.clone(), late.clone()]);
            assert_eq!(read(0, 60).await, [early]);
            assert_eq!(read(61, 99).await, Vec::<Value>::new());
        }
    }

    proptest! {
        #[test]
        fn keys_parse_back(
            micros in -2_000_000_000_000_000_i64..4_000_000_000_000_000, content in "[0-9a-f]{16}",
            database in "[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}",
        ) {
            let key = SnapshotKey { database: name(&database), at: Timestamp::from_microsecond(micros).unwrap(), content };
            prop_assert_eq!(key.to_string().parse::<SnapshotKey>().unwrap(), key);
        }
    }
}
