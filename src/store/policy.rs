//! What people enter beside the measurements: noted events, exclusions, and withdrawals of these. Each entry is an object of its own with its
//! content's hash in the name, so that entries are only ever added, never changed, and two people who write at the same
//! time cannot overwrite each other. Knows no report and no rule of how an exclusion counts.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::key::{KeyError, parse_stamped};
use super::objects::{Put, Store};
use crate::model::{Exclusion, ExclusionEntry, NotedEvent, Revision, Withdrawal};

/// The newest version of the format.
const VERSION: u32 = 1;

/// What an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PolicyKind {
    /// A [`NotedEvent`].
    Event,
    /// An [`Exclusion`].
    Exclusion,
    /// A [`Withdrawal`].
    Withdrawal,
}

impl PolicyKind {
    fn folder(self) -> &'static str {
        match self {
            Self::Event => "v1/policy/events",
            Self::Exclusion => "v1/policy/exclusions",
            Self::Withdrawal => "v1/policy/withdrawals",
        }
    }
}

/// One entry: `v1/policy/<kind>/<microseconds since 1970, 16 digits>-<content hash>.json`. The time is
/// that of the event, or the first instant that an exclusion covers, also for its withdrawal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyKey {
    /// What it says.
    pub kind: PolicyKind,
    /// When the event was, or from when the exclusion holds; in whole microseconds.
    pub at: Timestamp,
    /// The first 16 hex digits of the content's SHA-256.
    pub content: String,
}

const SHAPE: &str = "v1/policy/<events, exclusions or withdrawals>/<16 digits>-<16 hex digits>.json";

impl fmt::Display for PolicyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:016}-{}.json", self.kind.folder(), self.at.as_microsecond(), self.content)
    }
}

impl FromStr for PolicyKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let parse = || {
            let (folder, file) = text.rsplit_once('/')?;
            let kinds = [PolicyKind::Event, PolicyKind::Exclusion, PolicyKind::Withdrawal];
            let kind = kinds.into_iter().find(|kind| kind.folder() == folder)?;
            let (at, content) = parse_stamped(file)?;
            let key = Self { kind, at, content };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or_else(|| KeyError { expected: SHAPE, found: text.to_owned() })
    }
}

#[derive(Serialize)]
struct Outgoing<'a, T> {
    version: u32,
    entry: &'a T,
}

#[derive(Deserialize)]
struct Incoming<T> {
    entry: T,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Store {
    /// Adds an event; returns when it is durable. False when the very same entry was there already.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn note_event(&self, event: &NotedEvent) -> Result<bool, Error> {
        self.add_entry(PolicyKind::Event, event.at, event).await
    }

    /// The events of `from..to`, by time, then by text.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away, [`Error::Key`], [`Error::Entry`] or [`Error::Newer`] for an object that
    /// is not understood.
    pub async fn events(&self, from: Timestamp, to: Timestamp) -> Result<Vec<NotedEvent>, Error> {
        let mut events: Vec<NotedEvent> = self.entries(PolicyKind::Event, |at| from <= at && at < to).await?;
        events.retain(|event| from <= event.at && event.at < to);
        events.sort_by(|a, b| (a.at, &a.text, a.entered).cmp(&(b.at, &b.text, b.entered)));
        Ok(events)
    }

    /// Adds an exclusion; returns when it is durable. False when the very same entry was there already.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn exclude(&self, exclusion: &Exclusion) -> Result<bool, Error> {
        self.add_entry(PolicyKind::Exclusion, exclusion.from, exclusion).await
    }

    /// Withdraws an exclusion; returns when that is durable. False when the very same entry was there already.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn withdraw(&self, withdrawal: &Withdrawal) -> Result<bool, Error> {
        self.add_entry(PolicyKind::Withdrawal, withdrawal.from, withdrawal).await
    }

    /// The exclusions in force that cover any instant of `from..to`, by their first instant, then by the time of entry.
    ///
    /// # Errors
    /// As [`Store::events`].
    pub async fn exclusions(&self, from: Timestamp, to: Timestamp) -> Result<Vec<Exclusion>, Error> {
        let entries = self.exclusion_entries(from, to).await?;
        let in_force = entries.into_iter().filter(|entry| entry.withdrawn.is_none());
        Ok(in_force.map(|entry| entry.exclusion).collect())
    }

    /// The same with those that were withdrawn, each with the name of its entry.
    ///
    /// # Errors
    /// As [`Store::events`].
    pub async fn exclusion_entries(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ExclusionEntry>, Error> {
        let mut entries: Vec<ExclusionEntry> = Vec::new();
        for (key, exclusion) in self.keyed_entries::<Exclusion>(PolicyKind::Exclusion, |at| at < to).await? {
            if exclusion.to > from && exclusion.from < to {
                entries.push(ExclusionEntry { id: key.content, exclusion, withdrawn: None });
            }
        }
        if entries.is_empty() {
            return Ok(entries);
        }
        let mut withdrawals: Vec<Withdrawal> = self.entries(PolicyKind::Withdrawal, |at| at < to).await?;
        withdrawals.sort_by(|a, b| (a.entered, &a.reason).cmp(&(b.entered, &b.reason)));
        for entry in &mut entries {
            entry.withdrawn = withdrawals.iter().find(|withdrawal| withdrawal.exclusion == entry.id).cloned();
        }
        entries.sort_by(|a, b| {
            let key = |entry: &ExclusionEntry| {
                let Exclusion { from, entered, to, .. } = entry.exclusion;
                (from, entered, to)
            };
            (key(a), &a.exclusion.reason).cmp(&(key(b), &b.exclusion.reason))
        });
        Ok(entries)
    }

    async fn add_entry<T: Serialize>(&self, kind: PolicyKind, at: Timestamp, entry: &T) -> Result<bool, Error> {
        let content = encode(entry)?;
        let at = whole_micros(at);
        let key = PolicyKey { kind, at, content: Revision::of(&content).as_str().to_owned() };
        Ok(self.put_if_absent(&key.to_string(), Bytes::from(content)).await? == Put::Created)
    }

    /// The entries of a kind whose key's time is wanted.
    async fn entries<T: DeserializeOwned>(
        &self,
        kind: PolicyKind,
        wanted: impl Fn(Timestamp) -> bool,
    ) -> Result<Vec<T>, Error> {
        Ok(self.keyed_entries(kind, wanted).await?.into_iter().map(|(_, entry)| entry).collect())
    }

    /// The same with their keys.
    async fn keyed_entries<T: DeserializeOwned>(
        &self,
        kind: PolicyKind,
        wanted: impl Fn(Timestamp) -> bool,
    ) -> Result<Vec<(PolicyKey, T)>, Error> {
        let mut entries = Vec::new();
        for object in self.list(kind.folder()).await? {
            let key = object.location.to_string();
            let parsed: PolicyKey = key.parse().map_err(|source| Error::Key {
                key: key.clone(),
                location: self.location.clone(),
                source,
            })?;
            if wanted(parsed.at) {
                entries.push((parsed, self.read_entry(&key).await?));
            }
        }
        Ok(entries)
    }

    pub(super) async fn read_entry<T: DeserializeOwned>(&self, key: &str) -> Result<T, Error> {
        let content = self.get(key).await?;
        let failed =
            |source| Error::Entry { key: key.to_owned(), location: self.location.clone(), source: Arc::new(source) };
        let Version { version } = serde_json::from_slice(&content).map_err(failed)?;
        if version > VERSION {
            return Err(Error::Newer { what: key.to_owned(), found: version.to_string(), known: VERSION });
        }
        let read: Incoming<T> = serde_json::from_slice(&content).map_err(failed)?;
        Ok(read.entry)
    }
}

/// An entry as it is stored, with the version of the format.
pub(super) fn encode<T: Serialize>(entry: &T) -> Result<Vec<u8>, Error> {
    serde_json::to_vec_pretty(&Outgoing { version: VERSION, entry })
        .map_err(|source| Error::Encode { source: Arc::new(source) })
}

/// Names hold whole microseconds; what is finer stays in the content.
pub(super) fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_reads_as_documented_and_nothing_else_is_one() {
        let at = "2026-11-23T10:00:00.000001Z".parse().unwrap();
        let key = PolicyKey { kind: PolicyKind::Exclusion, at, content: "00112233445566ff".to_owned() };
        assert_eq!(key.to_string(), "v1/policy/exclusions/1795428000000001-00112233445566ff.json");
        for bad in [
            "",
            "v1/policy/1795428000000001-00112233445566ff.json",
            "v1/policy/events/12-00112233445566ff.json",
            "v1/policy/events/1795428000000001-XX112233445566ff.json",
            "v1/policy/events/deep/1795428000000001-00112233445566ff.json",
            "v1/policy/events/1795428000000001-00112233445566ff.json.partial",
        ] {
            assert!(bad.parse::<PolicyKey>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn keys_parse_back(
            micros in -2_000_000_000_000_000_i64..4_000_000_000_000_000, event: bool, content in "[0-9a-f]{16}",
        ) {
            let kind = if event { PolicyKind::Event } else { PolicyKind::Exclusion };
            let key = PolicyKey { kind, at: Timestamp::from_microsecond(micros).unwrap(), content };
            prop_assert_eq!(key.to_string().parse::<PolicyKey>().unwrap(), key);
        }
    }
}
