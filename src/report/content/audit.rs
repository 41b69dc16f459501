//! What the databases behind the logins are set to: the latest audit, what changed, what was not checked. Not there in
//! a report without a kept snapshot.

use super::block::{Block, Line, Section, Table};
use crate::audit::{AuditFinding, Drift, Value};
use crate::model::Severity;
use crate::report::ReportModel;
use crate::report::format::{count, instant};
use crate::report::model::AuditReport;

/// `None` when no snapshot was kept.
pub(super) fn section(model: &ReportModel) -> Option<Section> {
    if model.audits.is_empty() {
        return None;
    }
    let zone = model.head.period.zone.as_str();
    let blocks = model.audits.iter().flat_map(|report| of_database(report, zone)).collect();
    Some(Section { anchor: "audit", title: "What the databases are set to", short: "Audit", blocks })
}

fn of_database(report: &AuditReport, zone: &str) -> Vec<Block> {
    let audit = &report.audit;
    let mut blocks = vec![Block::heading(audit.database.as_str())];
    let head = format!("Last read at {}: ", instant(audit.taken, zone));
    let told = format!(". {} kept in this period.", snapshots(report.snapshots));
    let head = Line::default().plain(head);
    blocks.push(Block::text(match audit.count(Severity::Critical) {
        0 => head.strong(audit.summary()).plain(told),
        _ => head.loud(audit.summary()).plain(told),
    }));
    let unread = audit.servers.iter().filter_map(|server| Some((server, server.unread.as_ref()?)));
    let unread: Vec<Line> = unread
        .map(|(server, (why, message))| {
            Line::default().loud(format!("{} was not read ({why}): {message}", server.server))
        })
        .collect();
    if !unread.is_empty() {
        blocks.push(Block::List(unread));
    }
    if !audit.findings.is_empty() {
        blocks.push(Block::List(audit.findings.iter().map(|finding| told_finding(finding, zone)).collect()));
    }
    blocks.extend(changes(&report.drift, zone));
    let unchecked = audit.unchecked_by_reason();
    if !unchecked.is_empty() {
        blocks.push(Block::text("Not checked:"));
        let line =
            |(because, rules): (String, String)| Line::default().strong(rules).plain(format!(": because {because}"));
        blocks.push(Block::List(unchecked.into_iter().map(line).collect()));
    }
    blocks
}

fn snapshots(number: u64) -> String {
    match number {
        0 => "No snapshot was".to_owned(),
        1 => "One snapshot was".to_owned(),
        number => format!("{} snapshots were", count(number)),
    }
}

fn told_finding(finding: &AuditFinding, zone: &str) -> Line {
    let grade = format!("{} {}", finding.severity, finding.rule);
    let line = Line::default();
    let line = if finding.severity == Severity::Critical { line.loud(grade) } else { line.strong(grade) };
    let values: Vec<String> = finding.values.iter().map(value).collect();
    let since = finding.since.map_or_else(String::new, |since| format!(" Since {} or before.", instant(since, zone)));
    line.plain(format!(
        ": {}. For logins: {}. Fix ({}): {}.{since} ",
        finding.seen,
        finding.effect,
        finding.applies.as_str(),
        finding.fix
    ))
    .soft(values.join("; "))
}

/// `primary1: wal_sender_timeout = 1min (postgresql.conf:7)`.
fn value(value: &Value) -> String {
    let server = value.server.as_ref().map_or("doorstep.yaml", |server| server.as_str());
    let place = value.server.as_ref().and(value.place.as_ref()).map_or_else(String::new, |place| format!(" ({place})"));
    format!("{server}: {} = {}{place}", value.what, if value.value.is_empty() { "''" } else { &value.value })
}

fn changes(drift: &[Drift], zone: &str) -> Option<Block> {
    let mut table = Table::new("What changed in this period", &["when", "server", "what", "before", "after"]);
    for one in drift {
        let when = match one.loaded {
            Some(loaded) => format!("{} (configuration loaded)", instant(loaded, zone)),
            None => format!("{} to {}", instant(one.earliest, zone), instant(one.latest, zone)),
        };
        let shown = |value: &Option<String>| match value.as_deref() {
            None => Line::from("absent"),
            Some("") => Line::default().code("''"),
            Some(value) => Line::default().code(value),
        };
        table.row([
            when.into(),
            one.server.as_str().into(),
            Line::default().code(&one.what),
            shown(&one.before),
            shown(&one.after),
        ]);
    }
    if table.rows.is_empty() {
        Some(Block::text("Nothing changed between the snapshots."))
    } else {
        Some(Block::Table(table))
    }
}
