//! What one statement learns of a PostgreSQL server. Names follow the server's own views; absence is `None`, since a
//! view's NULL is never zero.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::units::Micros;

/// A position in the write-ahead log, in bytes from its beginning. Positions of different timelines or systems compare
/// without meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Lsn(pub u64);

impl Lsn {
    /// Bytes from `earlier` to here; 0 when `earlier` is ahead.
    #[must_use]
    pub fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Lsn {
    /// As the server writes it: `0/3000060`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

/// One row per server and slot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PostgresFacts {
    /// The server's own clock when it answered.
    pub at: Timestamp,
    /// `server_version_num`: 150018.
    pub version: u32,
    /// When the server process started.
    pub started: Timestamp,
    /// When it last loaded its configuration (`pg_conf_load_time()`). A reload with a mistake in it does not move this.
    pub loaded: Timestamp,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// `default_transaction_read_only`: every login's write fails when on.
    pub read_only: bool,
    /// `pg_control_system().system_identifier`.
    pub system: u64,
    /// `pg_control_checkpoint().timeline_id`: lags a promotion until the next checkpoint.
    pub timeline: u32,
    /// The position written (primary) or replayed (standby).
    pub position: Option<Lsn>,
    /// The position received from the primary (standby).
    pub received: Option<Lsn>,
    /// `synchronous_standby_names` as set.
    pub sync_names: String,
    /// `synchronous_commit` as set for everybody; roles and databases may differ.
    pub sync_commit: String,
    /// `wal_receiver_status_interval`; zero when off.
    pub status_interval: Micros,
    /// `wal_sender_timeout`; zero when off.
    pub sender_timeout: Micros,
    /// Standbys and others that stream from here.
    pub links: Vec<Link>,
    /// Replication slots that are not temporary.
    pub slots: Vec<Slot>,
    /// Sessions and their room.
    pub connection: Connection,
    /// The standby's receiver; `None` when there is none.
    pub receiver: Option<Receiver>,
    /// The standby's replay; `None` on a server that is not in recovery.
    pub replay: Option<Replay>,
    /// Settings of ours whose new value waits for a restart (`pg_settings.pending_restart`), by name.
    pub pending_restart: Vec<String>,
}

impl PostgresFacts {
    /// The `synchronous_commit` that holds for logins: what is set for their role or database, else the server's.
    /// A session may set another one, which no view shows.
    #[must_use]
    pub fn commit_of_logins(&self) -> &str {
        self.connection.login_commit.as_deref().unwrap_or(&self.sync_commit)
    }
}

impl Slot {
    /// Whether no standby ever streamed through it: a physical slot holds nothing until its first use, and a lost one is
    /// told apart by its status.
    #[must_use]
    pub fn is_unused(&self) -> bool {
        self.physical && !self.active && self.wal_status.is_none() && self.retained.is_none()
    }
}

impl Link {
    /// The stamp of the last reply, by the standby's clock, from an answer that was given at `at` by the primary's.
    #[must_use]
    pub fn replied(&self, at: Timestamp) -> Option<Timestamp> {
        let micros = |time: Micros| SignedDuration::from_micros(i64::try_from(time.0).unwrap_or(i64::MAX));
        let ahead = micros(self.reply_ahead.unwrap_or_default());
        at.checked_add(ahead - micros(self.reply_age?)).ok()
    }
}

/// One row of `pg_stat_replication`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// `application_name`.
    pub name: String,
    /// `startup`, `catchup`, `streaming`, `backup` or `stopping`.
    pub state: String,
    /// `async`, `potential`, `sync` or `quorum`.
    pub sync_state: String,
    /// Age of the standby's last reply: from when the standby sent it, by its own clock, to the answer, by the primary's;
    /// zero where the standby's clock is ahead.
    pub reply_age: Option<Micros>,
    /// By how much the standby's stamp of its last reply lies after the answer, by the primary's clock: then the two
    /// clocks differ by at least this much. `None` where it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_ahead: Option<Micros>,
    /// `replay_lag`: `None` when idle; frozen when the standby is.
    pub replay_lag: Option<Micros>,
    /// Bytes written here that the standby has not replayed.
    pub behind: Option<u64>,
}

/// One row of `pg_replication_slots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// `slot_name`.
    pub name: String,
    /// A logical slot is no standby's.
    pub physical: bool,
    /// Whether somebody uses it now.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved` or `lost`; `None` for a slot that never reserved anything.
    pub wal_status: Option<String>,
    /// Bytes of WAL that it holds back; `None` when it holds none any more, which is the lost slot's mark.
    pub retained: Option<u64>,
}

/// Sessions of clients on a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Client sessions, ours included.
    pub clients: u32,
    /// Sessions that ordinary roles can have: `max_connections` less the reserved ones.
    pub limit: u32,
    /// Sessions of the login service's role; `None` when the role is not configured.
    pub login_sessions: Option<u32>,
    /// Sessions that wait for a synchronous standby (`wait_event = 'SyncRep'`): those of the login service's role where
    /// it is configured, else all.
    pub sync_waiters: u32,
    /// How long the oldest of them has waited, its statement's own time included.
    pub oldest_sync_wait: Option<Micros>,
    /// Client sessions that wait for a lock.
    pub lock_waiters: u32,
    /// The `synchronous_commit` that is set for the login service's role or for the database (`pg_db_role_setting`), by
    /// the server's own precedence; `None` where the server's value holds or the role is not configured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_commit: Option<String>,
}

/// The row of `pg_stat_wal_receiver`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receiver {
    /// `starting`, `streaming`, `waiting`, `restarting` or `stopping`.
    pub status: String,
    /// `slot_name`.
    pub slot: Option<String>,
    /// Age of the last message from the primary. No sign of life: a healthy idle link reaches half of
    /// `wal_sender_timeout`.
    pub message_age: Option<Micros>,
}

/// How a standby replays what it received.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Replay {
    /// `not paused`, `pause requested` or `paused`.
    pub pause: String,
    /// What the startup process waits for, `Lock/relation`; `None` when it waits for nothing.
    pub wait: Option<String>,
    /// Bytes received and not replayed.
    pub gap: Option<u64>,
    /// `recovery_min_apply_delay`.
    pub delay: Micros,
    /// Time since the commit of the last transaction that was replayed; `None` before the first. On an idle primary it
    /// only says that nobody wrote.
    pub last_commit_age: Option<Micros>,
    /// It is told to fetch from an archive (`restore_command`) and from no primary (`primary_conninfo` is empty).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub archive_only: bool,
}
