//! What an audit says: findings with the values they rest on, what was checked and is as it should be, and what was not
//! checked, with the reason.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::model::{AuditRule, DatabaseName, ServerName, ServerRole, Severity, Unknown};

/// `1 standby`, `2 standbys`.
pub(super) fn many(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}

/// How a fix comes into force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Applies {
    /// After `select pg_reload_conf()`.
    Reload,
    /// After a restart of the server.
    Restart,
    /// At once, or outside of the server.
    None,
}

impl Applies {
    /// `reload`, `restart` or `at once`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reload => "reload",
            Self::Restart => "restart",
            Self::None => "at once",
        }
    }
}

/// A value that a finding rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Value {
    /// The server that has it; `None` for what the configuration of the prober says.
    pub server: Option<ServerName>,
    /// What has the value: `synchronous_standby_names`, `slot s1`, `role replicator`.
    pub what: String,
    /// The value, as people write it; no secrets.
    pub value: String,
    /// Where it is set: file and line, or the source; `None` for what is no setting.
    pub place: Option<String>,
}

/// A rule that does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFinding {
    /// The rule.
    pub rule: AuditRule,
    /// How grave.
    pub severity: Severity,
    /// What is wrong; a lowercase sentence without secrets.
    pub seen: String,
    /// All values that this rests on, server by server.
    pub values: Vec<Value>,
    /// What it means for logins; a lowercase sentence.
    pub effect: String,
    /// What to do; a lowercase sentence.
    pub fix: String,
    /// How the fix comes into force.
    pub applies: Applies,
    /// The first of the kept snapshots since which it has held without a break; `None` when none was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

impl AuditFinding {
    /// Whether this is the same finding at another time: values may have moved.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let subjects = |finding: &Self| -> Vec<(Option<ServerName>, String)> {
            finding.values.iter().map(|value| (value.server.clone(), value.what.clone())).collect()
        };
        self.rule == other.rule && subjects(self) == subjects(other)
    }
}

/// A rule that could not be checked, or not on all servers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NotChecked {
    /// The rule.
    pub rule: AuditRule,
    /// The server that it could not be checked on; `None`: the set as a whole.
    pub server: Option<ServerName>,
    /// Why, and the way out; a lowercase sentence without secrets.
    pub because: String,
}

/// A server of the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditedServer {
    /// Its name.
    pub server: ServerName,
    /// What it is meant to be.
    pub role: ServerRole,
    /// When it was asked.
    pub taken: Timestamp,
    /// Its version (150018); `None` when nothing could be read.
    pub version: Option<u32>,
    /// Why nothing could be read.
    pub unread: Option<(Unknown, String)>,
    /// The role that asked does not see everything.
    pub blinkered: bool,
}

/// An audit of a database's servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// The database.
    pub database: DatabaseName,
    /// When its servers were asked: the first of them.
    pub taken: Timestamp,
    /// All servers, in their configured order.
    pub servers: Vec<AuditedServer>,
    /// What does not hold, the gravest first, then by rule.
    pub findings: Vec<AuditFinding>,
    /// Rules that were checked wholly and hold.
    pub held: Vec<AuditRule>,
    /// What was not checked, by rule.
    pub not_checked: Vec<NotChecked>,
}

impl Audit {
    /// Findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// `1 critical, 4 warnings, 3 infos; 27 rules hold, 5 not or not wholly checked`.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut unchecked: Vec<AuditRule> = self.not_checked.iter().map(|note| note.rule).collect();
        unchecked.dedup();
        format!(
            "{} critical, {}, {}; {}, {} not or not wholly checked",
            self.count(Severity::Critical),
            many(self.count(Severity::Warning), "warning", "warnings"),
            many(self.count(Severity::Info), "info", "infos"),
            many(self.held.len(), "rule holds", "rules hold"),
            unchecked.len()
        )
    }

    /// Each reason with the rules that it kept from being checked, in order of the first rule.
    #[must_use]
    pub fn unchecked_by_reason(&self) -> Vec<(String, String)> {
        let mut reasons: Vec<(String, String)> = Vec::new();
        for note in &self.not_checked {
            let rule = match &note.server {
                Some(server) => format!("{} on {server}", note.rule),
                None => note.rule.to_string(),
            };
            match reasons.iter_mut().find(|(because, _)| *because == note.because) {
                Some((_, rules)) => *rules = format!("{rules}, {rule}"),
                None => reasons.push((note.because.clone(), rule)),
            }
        }
        reasons
    }

    /// Whether each server answered and showed what a role with `pg_monitor` sees.
    #[must_use]
    pub fn saw_all_servers(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|server| server.unread.is_none() && !server.blinkered)
    }
}
