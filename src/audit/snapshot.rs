//! One server's configuration at one time, as its own views tell it. Secrets are hidden before they enter these types;
//! absence is `None` or a [`Gap`] with its reason.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::conninfo::Conninfo;
use super::setting::Setting;
use crate::model::{DatabaseName, ServerName, Unknown};

/// All servers of a database, each as it was at nearly the same time: what is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The database.
    pub database: DatabaseName,
    /// When the first server was asked, by the clock of who asked.
    pub taken: Timestamp,
    /// One per configured server, in their configured order.
    pub snapshots: Vec<Snapshot>,
}

/// One server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The server.
    pub server: ServerName,
    /// When it was asked, by the clock of who asked.
    pub taken: Timestamp,
    /// What it said.
    pub content: Content,
}

/// What a server said of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// It answered.
    Read(Box<ServerState>),
    /// Nothing is known of it.
    Unread {
        /// The kind of reason.
        why: Unknown,
        /// The reason and the way out, without secrets.
        message: String,
    },
}

impl Snapshot {
    /// The state, when the server answered.
    #[must_use]
    pub fn state(&self) -> Option<&ServerState> {
        match &self.content {
            Content::Read(state) => Some(state),
            Content::Unread { .. } => None,
        }
    }
}

/// A part of a server's state that has its own rights or versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// [`ServerState::roles`].
    Roles,
    /// [`ServerState::overrides`].
    Overrides,
    /// [`ServerState::slots`].
    Slots,
    /// [`ServerState::links`].
    Links,
    /// [`ServerState::receiver`].
    Receiver,
    /// [`ServerState::databases`].
    Databases,
    /// [`ServerState::extensions`].
    Extensions,
    /// [`ServerState::archiver`].
    Archiver,
    /// [`ServerState::wal_rate`].
    WalRate,
    /// [`ServerState::host_access`].
    HostAccess,
    /// [`ServerState::file_settings`].
    FileSettings,
}

/// A part that could not be read, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// The part.
    pub part: Part,
    /// The reason and the way out, without secrets.
    pub because: String,
}

/// What a PostgreSQL server said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServerState {
    /// The server's clock less that of who asked, in microseconds.
    pub clock_offset: i64,
    /// How far [`ServerState::clock_offset`] may be wrong: half of the time that asking took, in microseconds.
    pub clock_uncertainty: u64,
    /// `server_version_num`.
    pub version: u32,
    /// When the server process started.
    pub started: Timestamp,
    /// `pg_conf_load_time()`.
    pub loaded: Timestamp,
    /// `pg_is_in_recovery()`.
    pub in_recovery: bool,
    /// `pg_control_system().system_identifier`.
    pub system: u64,
    /// The timeline written (primary) or received (standby with a receiver), else that of the last checkpoint.
    pub timeline: u32,
    /// The role that asked.
    pub asked_as: String,
    /// Whether that role sees all settings and statistics (`pg_monitor`).
    pub sees_all: bool,
    /// Whether that role may use connections that are reserved (`pg_use_reserved_connections`, from version 16).
    pub has_reserved: bool,
    /// All settings that it may see, by name.
    #[serde(deserialize_with = "Setting::all_kept")]
    pub settings: BTreeMap<String, Setting>,
    /// Roles but the server's own (`pg_..`), by name.
    pub roles: Vec<Role>,
    /// Settings of single roles and databases.
    pub overrides: Vec<Override>,
    /// Replication slots.
    pub slots: Vec<SlotFacts>,
    /// Who streams from here.
    pub links: Vec<LinkFacts>,
    /// Where it streams from.
    pub receiver: Option<ReceiverFacts>,
    /// How its databases are encoded and sorted.
    pub databases: Vec<DatabaseFacts>,
    /// Extensions of the database that was connected to, with their versions.
    pub extensions: BTreeMap<String, String>,
    /// What became of archiving; `None` when nothing was ever tried.
    pub archiver: Option<Archiver>,
    /// How much log it writes; from version 14.
    pub wal_rate: Option<WalRate>,
    /// `pg_hba_file_rules`, in order.
    pub host_access: Vec<HostAccess>,
    /// Lines of the configuration files that are not in force as they stand.
    pub file_settings: Vec<FileSetting>,
    /// What could not be read. An empty list above whose part stands here says nothing.
    pub gaps: Vec<Gap>,
}

impl ServerState {
    /// Why a part could not be read.
    #[must_use]
    pub fn gap(&self, part: Part) -> Option<&str> {
        self.gaps.iter().find(|gap| gap.part == part).map(|gap| gap.because.as_str())
    }

    /// A setting by its name, whose letter case does not matter to the server.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        let alike = || self.settings.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        self.settings.get(name).or_else(|| alike().map(|(_, setting)| setting))
    }

    /// The major version: 15.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version / 10_000
    }
}

/// A row of `pg_roles`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// `rolname`.
    pub name: String,
    /// `rolsuper`.
    pub superuser: bool,
    /// `rolcanlogin`.
    pub login: bool,
    /// `rolreplication`.
    pub replication: bool,
    /// `rolvaliduntil`; `None` when it is for ever.
    pub valid_until: Option<Timestamp>,
}

impl std::fmt::Display for Role {
    /// `LOGIN NOREPLICATION VALID UNTIL infinity`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let no = |has: bool| if has { "" } else { "NO" };
        write!(f, "{}LOGIN {}REPLICATION", no(self.login), no(self.replication))?;
        if self.superuser {
            f.write_str(" SUPERUSER")?;
        }
        match self.valid_until {
            Some(end) => write!(f, " VALID UNTIL {end}"),
            None => f.write_str(" VALID UNTIL infinity"),
        }
    }
}

/// A setting of `pg_db_role_setting`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Override {
    /// For sessions of this database; `None`: of any.
    pub database: Option<String>,
    /// For sessions of this role; `None`: of any.
    pub role: Option<String>,
    /// The setting.
    pub setting: String,
    /// Its value there, secrets hidden.
    pub value: String,
}

impl std::fmt::Display for Override {
    /// `role app in database auth`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.role, &self.database) {
            (Some(role), Some(database)) => write!(f, "role {role} in database {database}"),
            (Some(role), None) => write!(f, "role {role}"),
            (None, Some(database)) => write!(f, "database {database}"),
            (None, None) => f.write_str("all roles"),
        }
    }
}

/// A row of `pg_replication_slots`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotFacts {
    /// `slot_name`.
    pub name: String,
    /// A logical slot is no standby's.
    pub physical: bool,
    /// It goes with its session.
    pub temporary: bool,
    /// Whether somebody uses it.
    pub active: bool,
    /// `wal_status`.
    pub wal_status: Option<String>,
    /// Bytes of log that it holds back.
    pub retained: Option<u64>,
}

/// A row of `pg_stat_replication`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkFacts {
    /// `application_name`.
    pub name: String,
    /// `usename`.
    pub user: Option<String>,
    /// `client_addr`; `None` for a socket of the same machine.
    pub address: Option<String>,
    /// `state`.
    pub state: Option<String>,
    /// `sync_state`.
    pub sync_state: Option<String>,
}

/// The row of `pg_stat_wal_receiver`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiverFacts {
    /// `status`.
    pub status: Option<String>,
    /// `slot_name`.
    pub slot: Option<String>,
    /// `sender_host`.
    pub host: Option<String>,
    /// `sender_port`.
    pub port: Option<u16>,
    /// `conninfo`, reduced.
    pub conninfo: Conninfo,
}

/// A row of `pg_database`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseFacts {
    /// `datname`.
    pub name: String,
    /// The encoding's name.
    pub encoding: String,
    /// `datcollate`.
    pub collate: String,
    /// `datctype`.
    pub ctype: String,
    /// The version of the collation that its indexes were made with; from version 15.
    pub recorded_version: Option<String>,
    /// The version that this machine sorts by; from version 15.
    pub actual_version: Option<String>,
}

/// The row of `pg_stat_archiver`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Archiver {
    /// `last_archived_time`.
    pub archived: Option<Timestamp>,
    /// `last_failed_time`.
    pub failed: Option<Timestamp>,
    /// `failed_count`.
    pub failures: u64,
}

/// `pg_stat_wal`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalRate {
    /// Bytes written.
    pub bytes: u64,
    /// In so many seconds.
    pub seconds: u64,
}

/// A line of `pg_hba.conf`, without its options, which may hold passwords.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostAccess {
    /// Its number in the file.
    pub line: u32,
    /// `local`, `host`, `hostssl`, ..; `None` for a line that cannot be read.
    pub kind: Option<String>,
    /// Databases, `replication` and `all` among them.
    pub databases: Vec<String>,
    /// Users, `all` among them.
    pub users: Vec<String>,
    /// An address, a name, `all`, `samehost` or `samenet`.
    pub address: Option<String>,
    /// The mask of an address.
    pub mask: Option<String>,
    /// `scram-sha-256`, `reject`, ..
    pub method: Option<String>,
    /// The line cannot be read and is not in force.
    pub broken: bool,
}

impl std::fmt::Display for HostAccess {
    /// `host replication replicator 10.0.0.0/255.0.0.0 scram-sha-256`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(kind) = self.kind.as_deref().filter(|_| !self.broken) else { return f.write_str("(a broken line)") };
        write!(f, "{kind} {} {}", self.databases.join(","), self.users.join(","))?;
        if let Some(address) = &self.address {
            write!(f, " {address}")?;
        }
        if let Some(mask) = &self.mask {
            write!(f, "/{mask}")?;
        }
        write!(f, " {}", self.method.as_deref().unwrap_or("unknown"))
    }
}

/// A line of a configuration file that is not in force as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileSetting {
    /// The setting; `None` for a line that is none.
    pub setting: Option<String>,
    /// Its value in the file, secrets hidden.
    pub value: Option<String>,
    /// The file.
    pub file: String,
    /// The line; `None` (0 in snapshots of old) for one that is gone from the file and still in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The line is a mistake, which keeps everything from being loaded, or waits for a restart.
    pub error: Option<String>,
}
