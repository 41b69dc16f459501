//! What servers of databases said and what it means, as text for a terminal: first what it comes to, then each finding,
//! then what each server said.

use jiff::Timestamp;

use super::database::{Asked, Checked};
use crate::model::{
    Answer, Connection, Database, Facts, Finding, Link, Lsn, MariaFacts, Micros, PostgresFacts, Receiver, Replay,
    Severity, Slot,
};
use crate::report::format::{count, instant};

/// Columns of a label and the space behind it.
const LABEL: usize = 12;

/// All databases, for a terminal of this width.
pub(super) fn text(checked: &[Checked], width: usize) -> String {
    checked.iter().map(|one| database(one, width)).collect::<Vec<_>>().join("\n")
}

fn database(checked: &Checked, width: usize) -> String {
    let since = checked.explanation.since.map_or_else(String::new, |since| format!(", since {}", time(since)));
    let mut text = folded(&format!("{}: {}{since}", checked.database.name, checked.explanation.sentence), 2, width);
    for finding in &checked.findings {
        text.push_str(&format!("\n{}", told(finding, width)));
    }
    for asked in &checked.servers {
        text.push_str(&format!("\n{}", server(&checked.database, asked, width)));
    }
    text.push_str(&format!("\n{}\n", tally(&checked.findings)));
    text
}

fn tally(findings: &[Finding]) -> String {
    let number = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let of = [Severity::Critical, Severity::Warning, Severity::Unknown, Severity::Info]
        .map(|severity| (number(severity), severity))
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, severity)| format!("{number} {severity}"))
        .collect::<Vec<_>>();
    if of.is_empty() { "no finding".to_owned() } else { format!("findings: {}", of.join(", ")) }
}

fn told(finding: &Finding, width: usize) -> String {
    let severity = finding.severity.as_str().to_uppercase();
    let mut text = format!(
        "{severity} {} on {} ({}), since {}\n",
        finding.rule,
        finding.server,
        finding.nature,
        time(finding.since)
    );
    for (label, value) in [
        ("seen", finding.seen.as_str()),
        ("logins", &finding.logins),
        ("fix", &finding.fix),
        ("runbook", &finding.runbook()),
    ] {
        text.push_str(&line(label, value, width));
    }
    text
}

fn server(database: &Database, asked: &Asked, width: usize) -> String {
    let mut text = format!(
        "{}, the {}: {} of {} questions answered, the last after {}\n",
        asked.server,
        asked.server.role,
        asked.answered,
        asked.asked,
        milliseconds(asked.last.elapsed)
    );
    let lines = match &asked.last.answer {
        Answer::Unknown { why, message } => vec![("unknown", format!("{why}: {message}"))],
        Answer::Facts(facts) => match &**facts {
            Facts::PostgreSql(facts) => postgres(database, facts),
            Facts::MariaDb(facts) => mariadb(database, facts),
        },
    };
    for (label, value) in lines {
        text.push_str(&line(label, &value, width));
    }
    text
}

type Lines = Vec<(&'static str, String)>;

fn postgres(database: &Database, facts: &PostgresFacts) -> Lines {
    let state = match (facts.in_recovery, facts.read_only) {
        (true, _) => "in recovery, takes no writes",
        (false, true) => "refuses writes: default_transaction_read_only is on",
        (false, false) => "takes writes",
    };
    let version = format!("{}.{}", facts.version / 10_000, facts.version % 10_000);
    let mut lines = vec![
        ("server", format!("PostgreSQL {version}, {state}")),
        ("running", format!("since {}; configuration loaded {}", time(facts.started), time(facts.loaded))),
        ("position", format!("{} on timeline {} of system {}", lsn(facts.position), facts.timeline, facts.system)),
        ("sessions", sessions(database, &facts.connection)),
    ];
    if !facts.in_recovery {
        lines.push(("commits", commits(facts)));
    }
    lines.extend(facts.links.iter().map(|link| ("standby", standby(link))));
    if facts.links.is_empty() && !facts.in_recovery {
        lines.push(("standby", "none is connected".to_owned()));
    }
    lines.extend(facts.slots.iter().map(|one| ("slot", slot(one))));
    if facts.in_recovery {
        lines.push(("receives", facts.receiver.as_ref().map_or_else(|| "nothing".to_owned(), receiver)));
    }
    lines.extend(facts.replay.as_ref().map(|one| ("replays", replay(one))));
    if !facts.pending_restart.is_empty() {
        lines.push(("restart", format!("is needed for {}", facts.pending_restart.join(", "))));
    }
    lines
}

fn commits(facts: &PostgresFacts) -> String {
    let connection = &facts.connection;
    let waits = match facts.sync_names.as_str() {
        "" => "for no standby (synchronous_standby_names is empty)".to_owned(),
        names => format!("for '{names}' (synchronous_commit {})", facts.sync_commit),
    };
    let now = match (connection.sync_waiters, connection.oldest_sync_wait) {
        (0, _) => "nobody waits now".to_owned(),
        (waiters, Some(oldest)) => {
            format!("{} now, the oldest for {}", number(waiters, "waits", "wait"), seconds(oldest))
        }
        (waiters, None) => format!("{} now", number(waiters, "waits", "wait")),
    };
    format!("wait {waits}; {now}")
}

fn sessions(database: &Database, connection: &Connection) -> String {
    let logins = login_sessions(database, connection.login_sessions.map(u64::from));
    let locks = number(connection.lock_waiters, "waits", "wait");
    format!("{} of {}; {logins}; {locks} for a lock", connection.clients, connection.limit)
}

fn login_sessions(database: &Database, sessions: Option<u64>) -> String {
    match (&database.login_role, sessions) {
        (Some(role), Some(sessions)) => format!("{} of the role '{role}'", count(sessions)),
        (Some(role), None) => format!("there is no role '{role}': correct login_role"),
        (None, _) => "those of logins are not told apart (login_role)".to_owned(),
    }
}

fn standby(link: &Link) -> String {
    let replied =
        link.reply_age.map_or_else(|| "never replied".to_owned(), |age| format!("replied {} ago", seconds(age)));
    let behind =
        link.behind.map_or_else(|| "distance not known".to_owned(), |bytes| format!("{} behind", bytes_of(bytes)));
    format!("{}: {}, {}, {replied}, {behind}", link.name, link.state, link.sync_state)
}

fn slot(slot: &Slot) -> String {
    let kind = if slot.physical { "" } else { " (logical)" };
    let used = if slot.active { "in use" } else { "not in use" };
    let status = slot.wal_status.as_deref().unwrap_or("never used");
    let holds = slot.retained.map_or_else(|| "holds nothing".to_owned(), |bytes| format!("holds {}", bytes_of(bytes)));
    format!("{}{kind}: {used}, {status}, {holds}", slot.name)
}

fn receiver(receiver: &Receiver) -> String {
    let slot =
        receiver.slot.as_ref().map_or_else(|| ", without a slot".to_owned(), |slot| format!(" through slot {slot}"));
    let heard = receiver.message_age.map_or_else(String::new, |age| format!(", last message {} ago", seconds(age)));
    format!("{}{slot}{heard}", receiver.status)
}

fn replay(replay: &Replay) -> String {
    let mut parts = vec![replay.pause.clone()];
    parts.extend(replay.gap.map(|gap| format!("{} received and not replayed", bytes_of(gap))));
    parts.extend(replay.last_commit_age.map(|age| format!("last commit {} old", seconds(age))));
    if replay.delay != Micros(0) {
        parts.push(format!("delayed by {} on purpose", seconds(replay.delay)));
    }
    // What is called an activity is waiting for something to do.
    let wait = replay.wait.as_ref().filter(|wait| !wait.starts_with("Activity/"));
    parts.extend(wait.map(|wait| format!("waits for {wait}")));
    parts.join(", ")
}

fn mariadb(database: &Database, facts: &MariaFacts) -> Lines {
    let state = match (facts.read_only, facts.transactions_read_only) {
        (false, false) => "takes writes",
        (true, _) => "refuses writes: read_only is on",
        (false, true) => "refuses writes: tx_read_only is on",
    };
    let commits = match (facts.semi_sync_wanted, facts.semi_sync_on) {
        (false, _) => "wait for no replica".to_owned(),
        (true, true) => format!(
            "wait for one of {} up to {}; {} now",
            number(facts.semi_sync_clients, "replica", "replicas"),
            seconds(facts.semi_sync_timeout),
            number(facts.waiters, "waits", "wait")
        ),
        (true, false) => "should wait for a replica and do not: semi-synchronous replication is off".to_owned(),
    };
    let logins = login_sessions(database, facts.login_sessions);
    let mut lines = vec![
        ("server", format!("{}, server_id {}, {state}", facts.version, facts.server_id)),
        ("running", format!("since {}", time(facts.started))),
        ("commits", commits),
        ("sessions", format!("{} of {}; {logins}", facts.clients, facts.limit)),
    ];
    lines.extend(facts.replica.as_ref().map(|link| {
        let behind = link.behind.map_or_else(|| "not known".to_owned(), seconds);
        let threads = format!("fetching {}, applying {}", link.io_running, link.sql_running);
        let errors = [&link.io_error, &link.sql_error].into_iter().flatten().map(|error| format!("; {error}"));
        ("follows", format!("{}: {threads}, behind {behind}{}", link.primary, errors.collect::<String>()))
    }));
    lines
}

/// A label and a value that goes on under itself.
fn line(label: &str, value: &str, width: usize) -> String {
    folded(&format!("  {label:<width$}{value}", width = LABEL - 2), LABEL, width)
}

/// A text broken between words, each further line indented.
fn folded(text: &str, indent: usize, width: usize) -> String {
    let (mut folded, mut column) = (String::new(), 0);
    for word in text.split_inclusive(' ') {
        let length = word.trim_end().chars().count();
        if column > indent && column + length > width {
            folded.truncate(folded.trim_end().len());
            folded.push_str(&format!("\n{:indent$}", ""));
            column = indent;
        }
        folded.push_str(word);
        column += word.chars().count();
    }
    folded.push('\n');
    folded
}

fn number(number: impl Into<u64>, one: &str, many: &str) -> String {
    let number = number.into();
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

fn bytes_of(bytes: u64) -> String {
    number(bytes, "byte", "bytes")
}

fn seconds(time: Micros) -> String {
    format!("{:.1} s", time.as_millis_f64() / 1000.0)
}

fn milliseconds(time: Micros) -> String {
    format!("{:.0} ms", time.as_millis_f64())
}

fn time(at: Timestamp) -> String {
    instant(at, "UTC")
}

fn lsn(position: Option<Lsn>) -> String {
    position.map_or_else(|| "nowhere".to_owned(), |position| position.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_values_go_on_under_themselves() {
        let shown = line("seen", "one two three four five six seven eight nine ten eleven twelve", 40);
        let expected =
            "  seen      one two three four five six\n            seven eight nine ten eleven\n            twelve\n";
        assert_eq!(shown, expected);
        assert_eq!(line("fix", "x".repeat(50).as_str(), 40), format!("  fix       {}\n", "x".repeat(50)));
    }
}
