//! What the audit of a database's configuration is held against: its rules by name, what users expect of settings, and
//! what no server can say of the service that uses it.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::finding::Severity;
use crate::model::id::ServerName;
use crate::model::spelling::spelled;

spelled!(
    /// The rules of the audit.
    AuditRule {
        /// Each name in `synchronous_standby_names` is that of a connected standby.
        SyncNames = "sync-names",
        /// No more standbys are required than are connected, and one more is named.
        SyncCount = "sync-count",
        /// Standbys are named, not taken as they come.
        SyncStar = "sync-star",
        /// What commits wait for is what was promised.
        SyncIntent = "sync-intent",
        /// Commits wait for the replay of a standby only where replay is quick.
        RemoteApply = "remote-apply",
        /// Nothing is set for single roles or databases that shapes logins.
        Overrides = "overrides",
        /// The primary takes writes.
        ReadOnlyDefault = "read-only-default",
        /// A standby has room for everything that its primary has.
        StandbyCapacity = "standby-capacity",
        /// The log is good for a standby.
        WalLevel = "wal-level",
        /// There is room for another standby or backup.
        SenderRoom = "sender-room",
        /// Each standby uses a slot that keeps its log.
        StandbySlot = "standby-slot",
        /// What slots keep is bounded, and enough.
        SlotLimit = "slot-limit",
        /// Without a slot, some log is kept.
        WalKeep = "wal-keep",
        /// No slot is idle that belongs to nobody.
        ForeignSlots = "foreign-slots",
        /// A lost standby is noticed by the primary soon.
        SenderTimeout = "sender-timeout",
        /// A lost primary is noticed by the standby, and the standby reports often.
        ReceiverTimeout = "receiver-timeout",
        /// Replay is not delayed.
        ApplyDelay = "apply-delay",
        /// Queries on a standby do not hold up replay for ever.
        StreamingDelay = "streaming-delay",
        /// A standby can be asked.
        HotStandby = "hot-standby",
        /// A standby follows a failover.
        RecoveryTarget = "recovery-target",
        /// All servers are copies of one another, and one of them takes writes.
        Copies = "copies",
        /// All servers are of one version and sort alike.
        Versions = "versions",
        /// What was committed survives a crash.
        DurableWrites = "durable-writes",
        /// A former primary can be made a standby without a whole copy.
        Rewind = "rewind",
        /// The archive takes the log.
        Archive = "archive",
        /// No setting waits for a restart.
        PendingRestart = "pending-restart",
        /// What the files say is in force.
        LoadedFiles = "loaded-files",
        /// Settings stand where people look for them.
        ManagedFiles = "managed-files",
        /// The role of the standbys may replicate, and goes on to.
        ReplicationRole = "replication-role",
        /// Each server lets the others in to replicate.
        HostAccess = "host-access",
        /// The standby's connection holds no password and notices a cut.
        Conninfo = "conninfo",
        /// Connections are kept free for those who help.
        ReservedConnections = "reserved-connections",
        /// The service cannot use up all connections.
        ServicePool = "service-pool",
        /// The service finds the server that takes writes.
        ServiceTarget = "service-target",
        /// The service gives up before its users' connection does.
        ServiceDeadline = "service-deadline",
        /// Time limits of sessions, for hygiene.
        SessionTimeouts = "session-timeouts",
        /// The log says what happened to replication, in one zone.
        LogEvidence = "log-evidence",
        /// Clocks agree.
        ClockOffset = "clock-offset",
        /// What users expect of a setting.
        Expectation = "expectation",
    }
);

/// What an audit is held against beside its rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditTerms {
    /// What no server can say.
    pub service: ServiceFacts,
    /// What users expect of settings, in their configured order.
    pub expectations: Vec<SettingExpectation>,
}

/// What no server can say of the service that uses it and of the machine that it runs on. `None`: nobody said, and the
/// rules that need it are not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceFacts {
    /// The most connections that all its processes can open together.
    pub connections: Option<u32>,
    /// Hosts in its connection string.
    pub hosts: Option<u32>,
    /// `target_session_attrs` of its connection string; libpq's `any` unless said.
    pub target_session_attrs: Option<String>,
    /// After this the service itself gives up a request.
    pub deadline: Option<Duration>,
    /// After this the load balancer in front of it does.
    pub balancer_timeout: Option<Duration>,
    /// Whether it was promised that no committed login is lost with a server.
    pub lose_nothing: Option<bool>,
    /// So long a standby may be away without being made anew.
    pub standby_absence: Option<Duration>,
    /// Bytes that the disk of the primary's log can take beyond what lies on it.
    pub wal_disk_free: Option<u64>,
}

/// What is expected of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingExpectation {
    /// The setting.
    pub setting: String,
    /// The server it is expected of; `None`: each.
    pub server: Option<ServerName>,
    /// What must hold.
    pub must: Must,
    /// How grave it is when it does not.
    pub severity: Severity,
    /// Why it is expected, for whoever reads the finding.
    pub because: Option<String>,
}

/// What must hold of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Must {
    /// It is this: units, spelling of booleans and letter case of words do not matter.
    Equal(String),
    /// It is a number of at least this, with its unit.
    AtLeast(String),
    /// Each standby has what the primary has.
    SameOnStandby,
    /// Each standby has at least what the primary has.
    AtLeastOnStandby,
    /// It is what it was in the snapshot before.
    NotChange,
}
