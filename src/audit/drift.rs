//! What changed between two snapshots of the same server, and when: between which instants, and the exact one where the
//! server's own load time tells it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::setting::Setting;
use super::snapshot::{Part, Round, ServerState, Snapshot};
use crate::model::ServerName;

/// Settings that are another in each session, or move by themselves.
const RESTLESS: [&str; 8] = [
    "application_name",
    "client_encoding",
    "in_hot_standby",
    "transaction_deferrable",
    "transaction_isolation",
    "transaction_read_only",
    "TimeZone",
    "DateStyle",
];

/// One thing that changed on a server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Drift {
    /// It cannot have changed before this: the snapshot before.
    pub earliest: Timestamp,
    /// It had changed by this: the snapshot after.
    pub latest: Timestamp,
    /// The server.
    pub server: ServerName,
    /// A setting, or `slot s1`, `role app`, `version`, ..
    pub what: String,
    /// As it was, in words of people; `None`: it was not there.
    pub before: Option<String>,
    /// As it is; `None`: it is not there any more.
    pub after: Option<String>,
    /// When the server loaded its files between the two: the instant at which a setting came into force. `None` when
    /// that is not known, or does not apply.
    pub loaded: Option<Timestamp>,
}

impl Drift {
    /// `between .. and ..`, or `at ..` where the instant is known.
    #[must_use]
    pub fn when(&self) -> String {
        match self.loaded {
            Some(loaded) => format!("at {loaded:.0} (configuration loaded)"),
            None => format!("between {:.0} and {:.0}", self.earliest, self.latest),
        }
    }
}

/// What changed of one setting of a server along its snapshots, oldest first: one step for each two snapshots that
/// follow each other, `None` where nothing did. Snapshots that do not show what all sessions have say nothing: what
/// came after is held against what was known before.
pub(super) fn of_setting<'a>(name: &str, snapshots: impl Iterator<Item = &'a Snapshot>) -> Vec<Option<Drift>> {
    let known: Vec<(&Snapshot, &ServerState, &Setting)> = snapshots
        .filter_map(|snapshot| {
            let state = snapshot.state()?;
            Some((snapshot, state, state.setting(name).filter(|setting| !setting.is_of_the_session())?))
        })
        .collect();
    let step = |pair: &[(&Snapshot, &ServerState, &Setting)]| {
        let [(before, was, old), (after, is, new)] = pair else { return None };
        (old.shown() != new.shown()).then(|| Drift {
            earliest: before.taken,
            latest: after.taken,
            server: after.server.clone(),
            what: name.to_owned(),
            before: Some(old.shown()),
            after: Some(new.shown()),
            loaded: (is.loaded > was.loaded).then_some(is.loaded),
        })
    };
    known.windows(2).map(step).collect()
}

/// All changes along rounds in order of time, oldest first. A server that was not read in a round is held against the
/// last one in which it was.
#[must_use]
pub fn drift(rounds: &[Round]) -> Vec<Drift> {
    let mut last: BTreeMap<&ServerName, &Snapshot> = BTreeMap::new();
    let mut all = Vec::new();
    for snapshot in rounds.iter().flat_map(|round| &round.snapshots).filter(|snapshot| snapshot.state().is_some()) {
        if let Some(before) = last.insert(&snapshot.server, snapshot) {
            all.extend(between(before, snapshot));
        }
    }
    all.sort();
    all
}

/// What changed from one snapshot of a server to the next.
#[must_use]
pub fn between(before: &Snapshot, after: &Snapshot) -> Vec<Drift> {
    let (Some(was), Some(is)) = (before.state(), after.state()) else { return Vec::new() };
    let change =
        |what: String, before_value: Option<String>, after_value: Option<String>, loaded: Option<Timestamp>| Drift {
            earliest: before.taken,
            latest: after.taken,
            server: after.server.clone(),
            what,
            before: before_value,
            after: after_value,
            loaded,
        };
    let mut all = Vec::new();
    // A start loads too; what needs a restart came into force with it.
    let loaded = (is.loaded > was.loaded).then_some(is.loaded);
    let alike = was.sees_all == is.sees_all && was.major() == is.major();
    // What the asking session has in either hides what all others have.
    let hidden =
        |name: &str| [was, is].iter().any(|state| state.settings.get(name).is_some_and(Setting::is_of_the_session));
    for (name, before_value, after_value) in differing(&settings(was), &settings(is)) {
        if hidden(&name) {
            continue;
        }
        // Another role or version sees other settings: what is not there says nothing.
        if !alike && (before_value.is_none() || after_value.is_none()) {
            continue;
        }
        all.push(change(name, before_value, after_value, loaded));
    }
    for (what, before_value, after_value) in differing(&others(was, is), &others(is, was)) {
        all.push(change(what, before_value, after_value, None));
    }
    all
}

/// Settings as people write them.
fn settings(state: &ServerState) -> BTreeMap<String, String> {
    let steady = |(name, _): &(&String, &Setting)| !RESTLESS.contains(&name.as_str());
    state.settings.iter().filter(steady).map(|(name, setting)| (name.clone(), setting.shown())).collect()
}

/// What is no setting: only parts that were read both times.
fn others(state: &ServerState, other: &ServerState) -> BTreeMap<String, String> {
    let read = |part: Part| state.gap(part).is_none() && other.gap(part).is_none();
    let mut all = BTreeMap::from([
        ("version".to_owned(), state.version.to_string()),
        ("in recovery".to_owned(), state.in_recovery.to_string()),
        ("system identifier".to_owned(), state.system.to_string()),
        ("timeline".to_owned(), state.timeline.to_string()),
    ]);
    if read(Part::Roles) {
        all.extend(state.roles.iter().map(|role| (format!("role {}", role.name), role.to_string())));
    }
    if read(Part::Overrides) {
        all.extend(state.overrides.iter().map(|one| (format!("{} for {one}", one.setting), one.value.clone())));
    }
    if read(Part::Slots) {
        let lasting = state.slots.iter().filter(|slot| !slot.temporary);
        let kind = |physical: bool| if physical { "physical" } else { "logical" };
        all.extend(lasting.map(|slot| (format!("slot {}", slot.name), kind(slot.physical).to_owned())));
    }
    if read(Part::Extensions) {
        all.extend(state.extensions.iter().map(|(name, version)| (format!("extension {name}"), version.clone())));
    }
    if read(Part::HostAccess) {
        let lines: Vec<String> = state.host_access.iter().map(ToString::to_string).collect();
        all.insert("pg_hba.conf".to_owned(), lines.join("; "));
    }
    all
}

type Differing = Vec<(String, Option<String>, Option<String>)>;

fn differing(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Differing {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let of = |name: &String| (name.clone(), before.get(name).cloned(), after.get(name).cloned());
    names.into_iter().map(of).filter(|(_, before, after)| before != after).collect()
}
