//! An audit as text and as Markdown: the gravest first, all values of a finding side by side.

use crate::audit::{AuditFinding, AuditedServer, Drift, Value};
use crate::model::Severity;

use super::audit::Told;

/// Columns of a line for people; the same to a terminal and to a file, so that two audits can be compared.
const WIDTH: usize = 110;

/// For people.
pub(super) fn text(all: &[Told]) -> String {
    let mut text = String::new();
    for (number, told) in all.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        text.push_str(&one(told));
    }
    text
}

fn one(told: &Told) -> String {
    let audit = &told.audit;
    let mut text = format!("{}: {}\n", audit.database, audit.summary());
    for server in &audit.servers {
        text.push_str(&wrapped(&format!("  {}  ", server.server), &server_state(server)));
    }
    for finding in &audit.findings {
        text.push('\n');
        text.push_str(&wrapped("", &format!("{}  {}: {}", grade(finding.severity), finding.rule, finding.seen)));
        text.push_str(&aligned(&finding.values));
        text.push_str(&wrapped("  logins  ", &finding.effect));
        text.push_str(&wrapped("  fix     ", &format!("{} ({})", finding.fix, finding.applies.as_str())));
        if let Some(since) = finding.since {
            text.push_str(&format!("  since   {since:.0} or before, by the kept snapshots\n"));
        }
    }
    if !audit.not_checked.is_empty() {
        text.push_str("\nNot checked\n");
        for (because, rules) in audit.unchecked_by_reason() {
            text.push_str(&wrapped("  ", &format!("{rules}: because {because}")));
        }
    }
    if !audit.held.is_empty() {
        let held: Vec<&str> = audit.held.iter().map(|rule| rule.as_str()).collect();
        text.push_str(&wrapped("\nAs it should be: ", &held.join(", ")));
    }
    text.push('\n');
    text.push_str(&changes(told));
    text
}

fn server_state(server: &AuditedServer) -> String {
    let said = match (&server.unread, server.version) {
        (Some((why, message)), _) => format!("NOT READ ({why}): {message}"),
        (None, Some(version)) => {
            format!("PostgreSQL {}.{}, read at {:.0}", version / 10_000, version % 10_000, server.taken)
        }
        (None, None) => "not read".to_owned(),
    };
    let blinkered = if server.blinkered { "; the role does not see everything: grant pg_monitor to it" } else { "" };
    format!("{} {said}{blinkered}", server.role)
}

fn grade(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "CRITICAL",
        Severity::Unknown => "UNKNOWN",
        Severity::Warning => "WARNING",
        Severity::Info => "INFO",
    }
}

/// Values below each other, a column for the server, what it is, the value, and where it is set.
fn aligned(values: &[Value]) -> String {
    let server = |value: &Value| value.server.as_ref().map_or("doorstep.yaml", |server| server.as_str()).to_owned();
    let rows: Vec<[String; 4]> = values
        .iter()
        .map(|value| {
            let place = value.server.as_ref().and(value.place.clone()).unwrap_or_default();
            [server(value), value.what.clone(), shown(&value.value), place]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (servers, whats) = (width(0), width(1));
    let line = |[server, what, value, place]: &[String; 4]| {
        let place = if place.is_empty() { String::new() } else { format!("  ({place})") };
        format!("    {server:<servers$}  {what:<whats$}  {value}{place}\n")
    };
    rows.iter().map(line).collect()
}

fn shown(value: &str) -> String {
    if value.is_empty() { "''".to_owned() } else { value.to_owned() }
}

fn changes(told: &Told) -> String {
    let Some(since) = told.compared_with else {
        return "Changes: no earlier snapshot is kept to compare with (doorstep audit --keep)\n".to_owned();
    };
    if told.drift.is_empty() {
        return format!("Changes: none since the snapshot of {since:.0}\n");
    }
    let mut text = format!("Changes since the snapshot of {since:.0}\n");
    for drift in &told.drift {
        text.push_str(&wrapped("  ", &change(drift)));
    }
    text
}

/// `primary1: synchronous_standby_names, 'standby1' -> 'standby2', at .. (configuration loaded)`.
pub(super) fn change(drift: &Drift) -> String {
    let value =
        |value: &Option<String>| value.as_ref().map_or_else(|| "absent".to_owned(), |value| format!("'{value}'"));
    format!("{}: {}, {} -> {}, {}", drift.server, drift.what, value(&drift.before), value(&drift.after), drift.when())
}

/// Words in lines, the later ones below the first one's words.
fn wrapped(head: &str, words: &str) -> String {
    let indent = " ".repeat(head.trim_start_matches('\n').chars().count().clamp(2, 12));
    let mut text = head.to_owned();
    let mut column = head.trim_start_matches('\n').chars().count();
    let mut first = true;
    for word in words.split(' ') {
        let width = word.chars().count();
        if !first && column + 1 + width > WIDTH {
            text.push('\n');
            text.push_str(&indent);
            column = indent.len();
        } else if !first {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
        first = false;
    }
    text.push('\n');
    text
}

/// For documents.
pub(super) fn markdown(all: &[Told]) -> String {
    let mut text = String::from("# Audit of the databases behind the logins\n");
    for told in all {
        let audit = &told.audit;
        text.push_str(&format!("\n## {}\n\n{}.\n\n", cell(audit.database.as_str()), audit.summary()));
        for server in &audit.servers {
            text.push_str(&format!("- {}: {}\n", server.server, cell(&server_state(server))));
        }
        for finding in &audit.findings {
            text.push_str(&markdown_finding(finding));
        }
        if !audit.not_checked.is_empty() {
            text.push_str("\n### Not checked\n\n");
            for (because, rules) in audit.unchecked_by_reason() {
                text.push_str(&format!("- {rules}: because {}\n", cell(&because)));
            }
        }
        let list: String = told.drift.iter().map(|drift| format!("- {}\n", cell(&change(drift)))).collect();
        text.push_str("\n### Changes\n\n");
        text.push_str(&if list.is_empty() { changes(told) } else { list });
    }
    text
}

fn markdown_finding(finding: &AuditFinding) -> String {
    let mut text = format!("\n### {}: {}\n\n", finding.severity, finding.rule);
    text.push_str(&format!("{}\n\n", cell(&finding.seen)));
    text.push_str("| server | what | value | set in |\n| --- | --- | --- | --- |\n");
    for value in &finding.values {
        let server = value.server.as_ref().map_or("doorstep.yaml", |server| server.as_str());
        let place = value.place.as_deref().unwrap_or_default();
        text.push_str(&format!(
            "| {server} | {} | {} | {} |\n",
            cell(&value.what),
            cell(&shown(&value.value)),
            cell(place)
        ));
    }
    text.push_str(&format!(
        "\n- logins: {}\n- fix ({}): {}\n",
        cell(&finding.effect),
        finding.applies.as_str(),
        cell(&finding.fix)
    ));
    if let Some(since) = finding.since {
        text.push_str(&format!("- since: {since:.0} or before, by the kept snapshots\n"));
    }
    text
}

/// Text of a server within Markdown.
fn cell(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\\' | '`' | '*' | '_' | '|' | '<' | '[' | ']' => safe.extend(['\\', letter]),
            '\n' | '\r' => safe.push(' '),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_wrap_below_their_words() {
        let text = wrapped("  fix     ", &"word ".repeat(40));
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() > 1 && lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[1].starts_with("          word"));
    }

    #[test]
    fn a_servers_text_is_no_markup() {
        assert_eq!(cell("a|b *c*\n<d>"), "a\\|b \\*c\\* \\<d>");
    }
}
