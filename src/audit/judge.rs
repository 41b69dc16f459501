//! All rules over the servers of a database, and since when each finding has held by the snapshots that were kept.

use std::cmp::Reverse;

use jiff::Timestamp;

use super::finding::{Audit, AuditFinding, AuditedServer, NotChecked};
use super::rules;
use super::scene::{Missing, Notes, Past, Scene};
use super::snapshot::{Content, Round};
use crate::model::{AuditRule, AuditTerms, Database, Engine, Must, ServerName, SettingExpectation};

/// Holds a round against all rules. Nothing is known of earlier ones.
#[must_use]
pub fn audit(database: &Database, round: &Round, terms: &AuditTerms) -> Audit {
    judged(database, round, terms, Past::default())
}

fn judged(database: &Database, round: &Round, terms: &AuditTerms, past: Past<'_>) -> Audit {
    let scene = Scene::new(database, &round.snapshots, terms, past);
    let (mut findings, mut held, mut not_checked) = (Vec::new(), Vec::new(), Vec::<NotChecked>::new());
    for rule in asked(terms) {
        let mut notes = Notes::new(rule);
        let checked = match database.engine {
            Engine::PostgreSql => rules::check(rule, &scene, &mut notes),
            Engine::MariaDb => Err(Missing::of_set("the audit knows PostgreSQL only")),
        };
        if let Err(missing) = checked {
            notes.not_checked(missing);
        }
        if notes.findings.is_empty() && notes.not_checked.is_empty() {
            held.push(rule);
        }
        findings.append(&mut notes.findings);
        not_checked.append(&mut notes.not_checked);
    }
    findings.sort_by_key(|finding: &AuditFinding| (Reverse(finding.severity), finding.rule));
    not_checked.sort();
    Audit {
        database: database.name.clone(),
        taken: round.taken,
        servers: servers(database, round),
        findings,
        held,
        not_checked,
    }
}

/// All rules; expectations only where there are any.
fn asked(terms: &AuditTerms) -> impl Iterator<Item = AuditRule> {
    let expects = !terms.expectations.is_empty();
    AuditRule::ALL.iter().copied().filter(move |rule| *rule != AuditRule::Expectation || expects)
}

fn servers(database: &Database, round: &Round) -> Vec<AuditedServer> {
    let of = |server: &crate::model::Server| {
        let snapshot = round.snapshots.iter().find(|snapshot| snapshot.server == server.name)?;
        let (version, unread, blinkered) = match &snapshot.content {
            Content::Read(state) => (Some(state.version), None, !state.sees_all),
            Content::Unread { why, message } => (None, Some((*why, message.clone())), false),
        };
        let (server, role) = (server.name.clone(), server.role);
        Some(AuditedServer { server, role, taken: snapshot.taken, version, unread, blinkered })
    };
    database.servers.iter().filter_map(of).collect()
}

/// The last of `rounds` (oldest first) held against all rules and against the rounds before: each finding says since
/// when it has held, and what must not change is judged by all changes that were seen from `from` on; `None`: by those
/// since each server was last read. `None` without a round.
#[must_use]
pub fn audit_history(
    database: &Database,
    rounds: &[Round],
    terms: &AuditTerms,
    from: Option<Timestamp>,
) -> Option<Audit> {
    let (last, before) = rounds.split_last()?;
    let mut newest = judged(database, last, terms, Past { rounds: before, from });
    let mut open: Vec<usize> = (0..newest.findings.len()).collect();
    // A change is an event, and has no duration.
    let lasting = |expectation: &&SettingExpectation| expectation.must != Must::NotChange;
    let expectations = terms.expectations.iter().filter(lasting).cloned().collect();
    let terms = AuditTerms { expectations, ..terms.clone() };
    for round in before.iter().rev() {
        if open.is_empty() {
            break;
        }
        let older = audit(database, round, &terms);
        open.retain(|&at| {
            let held = older.findings.iter().any(|finding| finding.is_same(&newest.findings[at]));
            if held {
                newest.findings[at].since = Some(round.taken);
            }
            held || says_nothing(&older, &newest, at)
        });
    }
    Some(newest)
}

/// Whether an older round does not tell if a finding held in it: a server that it rests on was not read, or something
/// kept its rule from being checked that does not now.
fn says_nothing(older: &Audit, newest: &Audit, at: usize) -> bool {
    let finding = &newest.findings[at];
    let rests_on = |server: &ServerName| finding.values.iter().any(|value| value.server.as_ref() == Some(server));
    let read = |server: &ServerName| older.servers.iter().any(|one| one.server == *server && one.unread.is_none());
    let hides = |note: &&NotChecked| note.rule == finding.rule && note.server.as_ref().is_none_or(rests_on);
    newest.servers.iter().any(|one| rests_on(&one.server) && !read(&one.server))
        || older.not_checked.iter().filter(hides).any(|note| !newest.not_checked.contains(note))
}
