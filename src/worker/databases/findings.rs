//! What the samples of this vantage mean as they come: rules as metrics, and a log line when something critical begins or
//! ends, or when a server becomes unknown and is known again: one line each, however often it is asked meanwhile. Knows no
//! store; what was recorded is judged again by whoever reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::{Database, DatabaseName, Finding, Rule, Sample, ServerName, Severity};
use crate::replication::{Watch, rules_of};
use crate::telemetry::Metrics;

/// Watches each database.
#[derive(Debug, Default)]
pub(in crate::worker) struct Findings {
    watched: Mutex<BTreeMap<DatabaseName, Watched>>,
}

#[derive(Debug)]
struct Watched {
    database: Arc<Database>,
    watch: Watch,
    told: BTreeMap<Told, Finding>,
}

/// What a log line is about: a rule that goes from unknown to critical is told again.
type Told = (ServerName, Rule, Severity);

impl Findings {
    /// Watches these databases and no others. What is known of one that did not change is kept.
    pub(in crate::worker) fn take_over(&self, databases: &[Arc<Database>], metrics: &Metrics) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *watched);
        for database in databases {
            let fresh =
                || Watched { database: Arc::clone(database), watch: Watch::new(database), told: BTreeMap::new() };
            let kept = before.remove(&database.name).filter(|known| known.database == *database);
            watched.insert(database.name.clone(), kept.unwrap_or_else(fresh));
        }
        let servers = |database: &Arc<Database>| {
            let rules: Vec<_> = rules_of(database.engine).into_iter().flat_map(with_severities).collect();
            let name = database.name.clone();
            let named = move |server: &crate::model::Server| ((name.clone(), server.name.clone()), rules.clone());
            database.servers.iter().map(named).collect::<Vec<_>>()
        };
        metrics.begin_servers(&databases.iter().flat_map(servers).collect());
    }

    /// Takes a sample.
    pub(in crate::worker) fn learn(&self, sample: &Sample, metrics: &Metrics) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let watched = watched.get_mut(&sample.database);
        // A server that a reload took away may still answer once.
        let Some(watched) = watched.filter(|one| one.database.server(&sample.server).is_some()) else { return };
        metrics.asked(sample);
        watched.watch.observe(sample);
        let findings = watched.watch.findings();
        let holding: BTreeSet<_> =
            findings.iter().map(|found| (found.server.clone(), found.rule, found.severity)).collect();
        metrics.rules(&sample.database, &holding);
        watched.tell(findings);
    }
}

impl Watched {
    fn tell(&mut self, findings: Vec<Finding>) {
        let grave = |found: &Finding| matches!(found.severity, Severity::Critical | Severity::Unknown);
        let key = |found: &Finding| (found.server.clone(), found.rule, found.severity);
        let now: BTreeMap<Told, _> = findings.into_iter().filter(grave).map(|found| (key(&found), found)).collect();
        for ((.., severity), found) in now.iter().filter(|(key, _)| !self.told.contains_key(key)) {
            if *severity == Severity::Unknown {
                tracing::warn!(
                    database = %found.database, server = %found.server, rule = %found.rule, since = %found.since,
                    fix = %found.fix, runbook = %found.runbook(), "{}", found.seen
                );
            } else {
                tracing::error!(
                    database = %found.database, server = %found.server, rule = %found.rule, since = %found.since,
                    fix = %found.fix, runbook = %found.runbook(), "{}; for logins: {}", found.seen, found.logins
                );
            }
        }
        for (_, ended) in self.told.iter().filter(|(key, _)| !now.contains_key(key)) {
            tracing::info!(
                database = %ended.database, server = %ended.server, rule = %ended.rule, since = %ended.since,
                "no longer {}", ended.severity
            );
        }
        self.told = now;
    }
}

/// The severities that a rule is told with.
fn with_severities(rule: Rule) -> Vec<(Rule, Severity)> {
    match rule {
        Rule::Unknown => vec![(rule, Severity::Unknown)],
        Rule::StaleReply => vec![(rule, Severity::Critical), (rule, Severity::Warning), (rule, Severity::Unknown)],
        Rule::NoReceiver => vec![(rule, Severity::Critical), (rule, Severity::Warning), (rule, Severity::Info)],
        _ => vec![(rule, Severity::Critical), (rule, Severity::Warning)],
    }
}
