//! What samples mean: a rule that holds on a server since a time.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::server::Engine;
use crate::model::id::{DatabaseName, ServerName};
use crate::model::spelling::spelled;

spelled!(
    /// Whether a finding is what logins suffer from, or why.
    Nature {
        /// What is suffered.
        Effect = "effect",
        /// Why.
        Cause = "cause",
    }
);

spelled!(
    /// What a finding asks of people; declared from mild to grave.
    Severity {
        /// Nothing now.
        Info = "info",
        /// Nothing is known, which is never healthy.
        Unknown = "unknown",
        /// Logins work, but something that protects them is gone.
        Warning = "warning",
        /// Logins fail, hang or lie, or what protects them is gone for good.
        Critical = "critical",
    }
);

spelled!(
    /// The rules of the sentinel. The spelling is the name of the rule's runbook and of its metric label.
    Rule {
        /// Sessions wait for a synchronous standby, sample after sample.
        SyncWait = "sync-wait",
        /// One has waited for two seconds or more.
        SyncHang = "sync-hang",
        /// Fewer synchronous standbys stream than commits wait for.
        QuorumShort = "quorum-short",
        /// A standby that counts does not reply: frozen, or cut off.
        StaleReply = "stale-reply",
        /// Commits wait for a standby to apply them, and it is slow, delayed or paused.
        SlowReplay = "slow-replay",
        /// A standby that should stream does not.
        StandbyAbsent = "standby-absent",
        /// A standby's slot is not in use and holds back WAL.
        SlotIdle = "slot-idle",
        /// A slot has lost WAL that its standby needs, or is about to.
        SlotLost = "slot-lost",
        /// Connections are nearly or wholly used up.
        ConnectionsExhausted = "connections-exhausted",
        /// A standby receives nothing.
        NoReceiver = "no-receiver",
        /// Replay is paused.
        ReplayPaused = "replay-paused",
        /// Replay waits for queries or locks.
        ReplayBlocked = "replay-blocked",
        /// A standby that logins read from shows the past.
        LaggingReads = "lagging-reads",
        /// A standby is behind, which no login reads.
        ReplayLag = "replay-lag",
        /// Servers are on different timelines.
        TimelineDiffers = "timeline-differs",
        /// Servers are not copies of one another.
        SystemDiffers = "system-differs",
        /// Two servers take writes.
        TwoPrimaries = "two-primaries",
        /// A server is not what the configuration says: a primary in recovery, a standby that is none.
        WrongRole = "wrong-role",
        /// The login service has sessions on a server that cannot write.
        WrongEndpoint = "wrong-endpoint",
        /// The primary refuses writes.
        ReadOnly = "read-only",
        /// Nothing is known of a server.
        Unknown = "unknown",
        /// MariaDB: semi-synchronous replication fell back to asynchronous.
        SemiSyncOff = "semi-sync-off",
        /// MariaDB: a replica's threads stand still.
        ReplicaStopped = "replica-stopped",
    }
);

/// A rule that holds on a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What logins suffer from, or why.
    pub nature: Nature,
    /// How grave.
    pub severity: Severity,
    /// The database.
    pub database: DatabaseName,
    /// What kind of servers it has: the same fault is confirmed and mended by other commands.
    #[serde(default = "postgresql", skip_serializing_if = "is_postgresql")]
    pub engine: Engine,
    /// The server it was seen on.
    pub server: ServerName,
    /// Since when it holds, by the samples: the first one that the rule counts.
    pub since: Timestamp,
    /// What was seen, with the values; no secrets.
    pub seen: String,
    /// What it means for logins.
    pub logins: String,
    /// The likely fix.
    pub fix: String,
}

fn postgresql() -> Engine {
    Engine::PostgreSql
}

fn is_postgresql(engine: &Engine) -> bool {
    *engine == Engine::PostgreSql
}

impl Finding {
    /// The command that prints its runbook: `doorstep runbook sync-wait --engine mariadb`.
    #[must_use]
    pub fn runbook(&self) -> String {
        self.rule.runbook(self.engine)
    }
}

impl Rule {
    /// The command that prints its runbook, for servers of this kind: `doorstep runbook sync-wait`.
    #[must_use]
    pub fn runbook(self, engine: Engine) -> String {
        let half = if self.is_mariadbs_own() || engine == Engine::PostgreSql { "" } else { " --engine mariadb" };
        format!("doorstep runbook {}{half}", self.as_str())
    }

    /// Whether no other kind of server has it.
    #[must_use]
    pub fn is_mariadbs_own(self) -> bool {
        matches!(self, Self::SemiSyncOff | Self::ReplicaStopped)
    }
}
