//! What changed on the servers between samples, and when: the setting that explains an outage has a time.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::episode::in_order;
use super::view::after;
use crate::model::{Answer, DatabaseName, Facts, MariaFacts, PostgresFacts, Sample, ServerName};

/// One value that differs between two samples of a server that follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The database.
    pub database: DatabaseName,
    /// The server.
    pub server: ServerName,
    /// The setting's name, or what of the server it is.
    pub setting: String,
    /// The earlier value.
    pub before: String,
    /// The later value.
    pub after: String,
    /// When the last sample with the earlier value was begun.
    pub earliest: Timestamp,
    /// When the first answer with the later value was there.
    pub latest: Timestamp,
    /// When the server loaded its configuration, by its own clock, if that was between the two: the exact instant.
    pub loaded: Option<Timestamp>,
}

/// A setting and its value; `None` where it means nothing at that server.
type Value = (&'static str, Option<String>);

/// What the last answer of a server was.
struct Before {
    at: Timestamp,
    by_its_clock: Timestamp,
    values: Vec<Value>,
}

/// All changes by time, from samples in any order. What several vantages saw is told once, between the two samples that
/// are closest to it.
#[must_use]
pub fn changes<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Vec<Change> {
    let mut last: BTreeMap<(&DatabaseName, &ServerName), Before> = BTreeMap::new();
    let mut found = Vec::new();
    for sample in in_order(samples) {
        let Answer::Facts(facts) = &sample.answer else { continue };
        let (values, by_its_clock, loaded) = match &**facts {
            Facts::PostgreSql(facts) => (postgres(facts), facts.at, Some(facts.loaded)),
            Facts::MariaDb(facts) => (mariadb(facts), facts.at, None),
        };
        let now = Before { at: sample.started, by_its_clock, values };
        let key = (&sample.database, &sample.server);
        // Two vantages may be answered in another order than they asked.
        if last.get(&key).is_some_and(|before| before.by_its_clock > now.by_its_clock) {
            continue;
        }
        if let Some(before) = last.get(&key) {
            found.extend(differences(sample, before, &now, loaded));
        }
        last.insert(key, now);
    }
    found
}

fn differences(sample: &Sample, before: &Before, now: &Before, loaded: Option<Timestamp>) -> Vec<Change> {
    let between = |at: &Timestamp| before.by_its_clock < *at && *at <= now.by_its_clock;
    let mut found = Vec::new();
    for ((setting, old), (same, new)) in before.values.iter().zip(&now.values) {
        let (Some(old), Some(new)) = (old, new) else { continue };
        if setting == same && old != new {
            found.push(Change {
                database: sample.database.clone(),
                server: sample.server.clone(),
                setting: (*setting).to_owned(),
                before: old.clone(),
                after: new.clone(),
                earliest: before.at,
                latest: after(sample.started, sample.elapsed),
                loaded: loaded.filter(between),
            });
        }
    }
    found
}

fn on_off(on: bool) -> Option<String> {
    text(if on { "on" } else { "off" })
}

fn text(value: &(impl ToString + ?Sized)) -> Option<String> {
    Some(value.to_string())
}

fn postgres(facts: &PostgresFacts) -> Vec<Value> {
    vec![
        ("synchronous_standby_names", text(&facts.sync_names)),
        ("synchronous_commit", text(&facts.sync_commit)),
        ("synchronous_commit of logins' own", text(facts.connection.login_commit.as_deref().unwrap_or("not set"))),
        ("default_transaction_read_only", on_off(facts.read_only)),
        ("wal_receiver_status_interval", text(&facts.status_interval)),
        ("wal_sender_timeout", text(&facts.sender_timeout)),
        ("recovery_min_apply_delay", facts.replay.as_ref().map(|replay| replay.delay.to_string())),
        ("in recovery", on_off(facts.in_recovery)),
        ("system identifier", text(&facts.system)),
        ("timeline", text(&facts.timeline)),
        ("server version", text(&facts.version)),
        ("started", text(&facts.started)),
    ]
}

fn mariadb(facts: &MariaFacts) -> Vec<Value> {
    let link = facts.replica.as_ref();
    vec![
        ("read_only", on_off(facts.read_only)),
        ("tx_read_only", on_off(facts.transactions_read_only)),
        ("rpl_semi_sync_master_enabled", on_off(facts.semi_sync_wanted)),
        ("rpl_semi_sync_master_timeout", text(&facts.semi_sync_timeout)),
        ("rpl_semi_sync_master_wait_no_slave", on_off(facts.waits_without_replica)),
        ("follows", text(link.map_or("nobody", |link| &link.primary))),
        ("MASTER_DELAY", link.map(|link| link.delay.to_string())),
        ("server_id", text(&facts.server_id)),
        ("version", text(&facts.version)),
    ]
}
