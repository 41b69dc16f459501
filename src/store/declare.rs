//! Schedule declarations: what each worker says it will probe, so that coverage follows from the store alone.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::key::{DeclarationKey, SCHEDULE};
use super::objects::Store;
use crate::model::{Revision, ScheduleDeclaration, VantageName};

/// The newest version of the format.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct Outgoing<'a> {
    version: u32,
    declaration: &'a ScheduleDeclaration,
}

#[derive(Deserialize)]
struct Incoming {
    declaration: ScheduleDeclaration,
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

impl Store {
    /// Stores a declaration; returns when it is durable. Declaring the same thing again changes nothing.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away.
    pub async fn declare(&self, declaration: &ScheduleDeclaration) -> Result<(), Error> {
        let content = serde_json::to_vec_pretty(&Outgoing { version: VERSION, declaration })
            .map_err(|source| Error::Encode { source: Arc::new(source) })?;
        let key = DeclarationKey {
            vantage: declaration.vantage.clone(),
            from: declaration.from,
            content: Revision::of(&content).as_str().to_owned(),
        };
        // The content's hash is in the name: an object of that name holds the same.
        self.put_if_absent(&key.to_string(), Bytes::from(content)).await.map(|_| ())
    }

    /// The declarations that hold at some time in `from..to`: those made within, and the latest one before of each
    /// vantage. Sorted by vantage, then by time.
    ///
    /// # Errors
    /// [`Error::Object`] when the store is away, [`Error::Key`], [`Error::Declaration`] or [`Error::Newer`] for an
    /// object that is not understood.
    pub async fn declarations(&self, from: Timestamp, to: Timestamp) -> Result<Vec<ScheduleDeclaration>, Error> {
        let mut by_vantage: BTreeMap<VantageName, Vec<DeclarationKey>> = BTreeMap::new();
        for object in self.list(SCHEDULE).await? {
            let key = object.location.to_string();
            let parsed: DeclarationKey =
                key.parse().map_err(|source| Error::Key { key, location: self.location.clone(), source })?;
            by_vantage.entry(parsed.vantage.clone()).or_default().push(parsed);
        }
        let mut declarations = Vec::new();
        for mut keys in by_vantage.into_values() {
            keys.sort();
            let before = keys.iter().filter(|key| key.from <= from).map(|key| key.from).max();
            for key in keys.iter().filter(|key| key.from < to && before.is_none_or(|before| key.from >= before)) {
                declarations.push(self.read_declaration(&key.to_string()).await?);
            }
        }
        Ok(declarations)
    }

    async fn read_declaration(&self, key: &str) -> Result<ScheduleDeclaration, Error> {
        let content = self.get(key).await?;
        let failed = |source| Error::Declaration {
            key: key.to_owned(),
            location: self.location.clone(),
            source: Arc::new(source),
        };
        let Version { version } = serde_json::from_slice(&content).map_err(failed)?;
        if version > VERSION {
            return Err(Error::Newer { what: key.to_owned(), found: version.to_string(), known: VERSION });
        }
        let read: Incoming = serde_json::from_slice(&content).map_err(failed)?;
        Ok(read.declaration)
    }
}
