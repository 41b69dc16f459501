//! Takes snapshots of what servers are set to, for the audit: a handful of read-only statements, each answered as one
//! JSON text. Rows that may hold secrets are reduced here, before anything else sees them.

mod rows;
mod statement;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::Session;
use crate::audit::{
    Archiver, Conninfo, Content, Gap, Override, Part, RawFileLine, RawSetting, ReceiverFacts, Role, Round, ServerState,
    Setting, Snapshot, not_in_force,
};
use crate::clock::Clock;
use crate::model::{Database, ServerName, Unknown};

use rows::{BasicRow, ExtensionRow, OverrideRow, ReceiverRow};

/// Why a statement has no answer.
type Refused = (Unknown, String);

/// All servers at nearly the same time, one session each.
pub async fn take_round(database: &Database, sessions: &mut [(ServerName, Session)], clock: &Clock) -> Round {
    let taken = clock.now();
    let asked = sessions.iter_mut().map(|(server, session)| take_snapshot(database, server, session, clock));
    let snapshots = futures_util::future::join_all(asked).await;
    Round { database: database.name.clone(), taken, snapshots }
}

/// One server: what it is set to, or why nothing is known. Each statement takes at most the database's timeout.
pub async fn take_snapshot(database: &Database, server: &ServerName, session: &mut Session, clock: &Clock) -> Snapshot {
    let taken = clock.now();
    let content = match state(database, session, clock).await {
        Ok(state) => Content::Read(Box::new(state)),
        Err((why, message)) => Content::Unread { why, message },
    };
    Snapshot { server: server.clone(), taken, content }
}

async fn state(database: &Database, session: &mut Session, clock: &Clock) -> Result<ServerState, Refused> {
    // The first answer may include the making of a connection, which would blur the comparison of clocks.
    session.query_text("select 1").await?;
    let asked = clock.now();
    let basic: BasicRow = one(session, statement::BASIC).await?;
    let answered = clock.now();
    let settings: Vec<RawSetting> = one(session, &statement::settings(database.timeout)).await?;
    let settings: BTreeMap<String, Setting> =
        settings.iter().map(|raw| (raw.name.clone(), Setting::reduce(raw))).collect();
    let mut parts = Parts { session, gaps: Vec::new() };
    let roles: Vec<Role> = parts.read(Part::Roles, statement::ROLES).await?.unwrap_or_default();
    if roles.len() > statement::MOST_ROLES {
        parts.miss(Part::Roles, format!("the server has more than {} roles", statement::MOST_ROLES));
    }
    let overrides: Vec<OverrideRow> = parts.read(Part::Overrides, statement::OVERRIDES).await?.unwrap_or_default();
    let slots = parts.read(Part::Slots, statement::SLOTS).await?.unwrap_or_default();
    let (mut links, mut receiver) = (Vec::new(), None);
    if basic.sees_all {
        links = parts.read(Part::Links, statement::LINKS).await?.unwrap_or_default();
        receiver = parts.read::<Option<ReceiverRow>>(Part::Receiver, statement::RECEIVER).await?.flatten();
    } else {
        let because = format!("role {} does not see who streams: grant pg_monitor to it", basic.asked_as);
        parts.miss(Part::Links, because.clone());
        parts.miss(Part::Receiver, because);
    }
    let databases = parts.read(Part::Databases, &statement::databases(basic.version)).await?.unwrap_or_default();
    let extensions: Vec<ExtensionRow> = parts.read(Part::Extensions, statement::EXTENSIONS).await?.unwrap_or_default();
    let archiver = parts.read::<Option<Archiver>>(Part::Archiver, statement::ARCHIVER).await?.flatten();
    let wal_rate = if basic.version >= 140_000 {
        parts.read(Part::WalRate, statement::WAL_RATE).await?
    } else {
        parts.miss(Part::WalRate, "how much is written is counted from version 14 on".to_owned());
        None
    };
    let superuser = |what: &str| format!("{what} needs a superuser, or a grant to role {}", basic.asked_as);
    let mut host_access = Vec::new();
    if basic.reads_host_access {
        host_access = parts.read(Part::HostAccess, &statement::host_access(basic.version)).await?.unwrap_or_default();
    } else {
        parts.miss(Part::HostAccess, superuser("reading pg_hba_file_rules"));
    }
    let mut file_settings = Vec::new();
    if basic.reads_files {
        let lines: Option<Vec<RawFileLine>> = parts.read(Part::FileSettings, statement::FILE_LINES).await?;
        file_settings = lines.map(|lines| not_in_force(&lines, &settings)).unwrap_or_default();
    } else {
        parts.miss(Part::FileSettings, superuser("reading pg_file_settings"));
    }
    let (clock_offset, clock_uncertainty) = basic.offset(asked, answered);
    Ok(ServerState {
        clock_offset,
        clock_uncertainty,
        version: basic.version,
        started: basic.started,
        loaded: basic.loaded,
        in_recovery: basic.in_recovery,
        system: basic.system,
        timeline: basic.timeline,
        asked_as: basic.asked_as,
        sees_all: basic.sees_all,
        has_reserved: basic.has_reserved,
        settings,
        roles,
        overrides: overrides.iter().flat_map(OverrideRow::reduced).collect::<Vec<Override>>(),
        slots,
        links,
        receiver: receiver.map(reduced_receiver),
        databases,
        extensions: extensions.into_iter().map(|row| (row.name, row.version)).collect(),
        archiver,
        wal_rate,
        host_access,
        file_settings,
        gaps: parts.gaps,
    })
}

fn reduced_receiver(row: ReceiverRow) -> ReceiverFacts {
    let conninfo = Conninfo::reduce(row.conninfo.as_deref().unwrap_or_default());
    ReceiverFacts { status: row.status, slot: row.slot, host: row.host, port: row.port, conninfo }
}

/// Reads parts that may be refused, each by itself.
struct Parts<'s> {
    session: &'s mut Session,
    gaps: Vec<Gap>,
}

impl Parts<'_> {
    /// `None` when the server refused this part only, which is noted.
    ///
    /// # Errors
    /// When the connection itself is gone: then nothing is known.
    async fn read<T: DeserializeOwned>(&mut self, part: Part, sql: &str) -> Result<Option<T>, Refused> {
        match one(self.session, sql).await {
            Ok(value) => Ok(Some(value)),
            Err((Unknown::NoRights | Unknown::Garbled | Unknown::Version, because)) => {
                self.miss(part, because);
                Ok(None)
            }
            Err(refused) => Err(refused),
        }
    }

    fn miss(&mut self, part: Part, because: String) {
        self.gaps.push(Gap { part, because });
    }
}

/// The one JSON text that a statement answers.
async fn one<T: DeserializeOwned>(session: &mut Session, sql: &str) -> Result<T, Refused> {
    let rows = session.query_text(sql).await?;
    let text = rows.first().and_then(|row| row.first()).cloned().flatten();
    // What was answered is not repeated: it may hold a secret.
    serde_json::from_str(text.as_deref().unwrap_or("null")).map_err(|error| {
        let message = format!(
            "the server's answer to a question of the audit is not understood (line {}, column {})",
            error.line(),
            error.column()
        );
        (Unknown::Garbled, message)
    })
}
