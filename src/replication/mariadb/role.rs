//! Which server takes writes, which one is meant to, and where the login service has its sessions.

use super::super::evidence::{Look, Sighting};
use super::super::history::SESSIONS_KEPT;
use super::super::view::View;
use super::super::words;
use crate::model::{MariaFacts, ServerRole, Severity};

/// From this share of `max_connections`, in percent.
const NEARLY: u64 = 80;

/// The primary refuses writes.
pub(super) fn read_only(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    let refuses = facts.read_only || facts.transactions_read_only;
    if !refuses || view.server.role != ServerRole::Primary || facts.replica.is_some() {
        return Look::Clear;
    }
    let (setting, error) = if facts.read_only { ("read_only", 1290) } else { ("tx_read_only", 1792) };
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("the primary `{}` refuses writes", view.server.name),
        values: format!("{setting} = ON (error {error})"),
        logins: "every login fails at once at its first write (5xx), while reads and health checks pass".to_owned(),
        fix: format!("SET GLOBAL {setting} = OFF, and see whether it is in a configuration file too"),
    })
}

/// A replica takes writes of its own beside the primary.
pub(super) fn two_primaries(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    if view.server.role != ServerRole::Standby || facts.read_only {
        return Look::Clear;
    }
    let astray = astray(facts);
    let other = view.leader().is_some_and(|primary| !primary.read_only);
    let why = match &facts.replica {
        None if other => "it follows nobody and is not read_only".to_owned(),
        Some(_) if !astray.is_empty() => {
            format!("it is not read_only, and wrote {} itself, which the primary does not have", astray.join(", "))
        }
        _ => return Look::Clear,
    };
    let sessions = facts.login_sessions.map_or("unknown".to_owned(), |sessions| sessions.to_string());
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("`{}` takes writes beside the primary", view.server.name),
        values: format!("{why}; sessions of the login role here: {sessions}"),
        logins:
            "a login written on one is unknown on the other: users are signed out or refused by chance, and what one \
                 of them wrote will be lost"
                .to_owned(),
        fix: "SET GLOBAL read_only = ON on it at once; then keep what it alone has, and make it again from the primary"
            .to_owned(),
    })
}

/// Transactions that a replica wrote itself after what it applied.
fn astray(facts: &MariaFacts) -> Vec<String> {
    facts.replica.as_ref().map_or_else(Vec::new, |link| facts.written.own_beyond(facts.server_id, &link.applied))
}

/// The one that is listed as the primary follows, and this one takes the writes: one mistake, told of the other.
fn is_exchanged(view: &View<'_, MariaFacts>) -> bool {
    let here = view.server.role == ServerRole::Standby && view.facts.replica.is_none() && !view.facts.read_only;
    here && view.leader().is_some_and(|primary| primary.replica.is_some())
}

/// A server is not what the configuration says, and that is not said by `two-primaries`.
pub(super) fn wrong_role(view: &View<'_, MariaFacts>) -> Look {
    match (view.server.role, &view.facts.replica) {
        (ServerRole::Primary, Some(link)) => Look::Holds(demoted(view, &link.primary)),
        (ServerRole::Standby, _) if matches!(two_primaries(view), Look::Holds(_)) => Look::Clear,
        (ServerRole::Standby, None) if is_exchanged(view) => Look::Clear,
        (ServerRole::Standby, None) => Look::Holds(unattached(view)),
        (ServerRole::Standby, Some(_)) if !view.facts.read_only => Look::Holds(writable(view)),
        _ => Look::Clear,
    }
}

fn demoted(view: &View<'_, MariaFacts>, primary: &str) -> Sighting {
    let refuses = view.facts.read_only;
    let writer = view.peers.iter().find(|peer| !peer.facts.read_only).map(|peer| &peer.server.name);
    Sighting {
        severity: if refuses && writer.is_none() { Severity::Critical } else { Severity::Warning },
        clause: format!("the primary `{}` follows {primary}", view.server.name),
        values: format!(
            "it has a replica's link; read_only is {}; {}",
            if refuses { "ON" } else { "OFF" },
            writer.map_or("no other server is known to take writes".to_owned(), |it| format!("`{it}` takes writes"))
        ),
        logins: if refuses { "logins that write here fail at once (5xx)" } else { "logins work while it takes writes" }
            .to_owned(),
        fix: "if it was demoted on purpose, correct the roles in `databases:` and the service's connection string; \
              else STOP REPLICA and RESET REPLICA ALL"
            .to_owned(),
    }
}

fn unattached(view: &View<'_, MariaFacts>) -> Sighting {
    Sighting {
        severity: Severity::Warning,
        clause: format!("`{}` is to follow the primary and follows nobody", view.server.name),
        values: "SHOW REPLICA STATUS is empty".to_owned(),
        logins: "logins work; it protects nothing, and whoever reads from it sees the past".to_owned(),
        fix:
            "if it was promoted on purpose, correct the roles in `databases:`; else CHANGE MASTER TO and START REPLICA"
                .to_owned(),
    }
}

fn writable(view: &View<'_, MariaFacts>) -> Sighting {
    Sighting {
        severity: Severity::Warning,
        clause: format!("replica `{}` is not read_only", view.server.name),
        values: "read_only = OFF on a server that follows another".to_owned(),
        logins: "logins work; the first one that is sent here by mistake writes where nobody looks, and may stop \
                 replication"
            .to_owned(),
        fix: "SET GLOBAL read_only = ON, and write it to its configuration file".to_owned(),
    }
}

/// The login service has sessions on a server that it is not meant to use.
pub(super) fn wrong_endpoint(view: &View<'_, MariaFacts>) -> Look {
    let Some(sessions) = view.facts.login_sessions else { return Look::Blind };
    if view.server.role != ServerRole::Standby || view.server.serves_reads || sessions == 0 || is_exchanged(view) {
        return Look::Clear;
    }
    let here = view.history.sessions(&view.server.name);
    let all: u64 = view.database.servers.iter().map(|server| view.history.sessions(&server.name)).sum();
    let (some, refuses) = (here < all, view.facts.read_only);
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!(
            "the login service {} `{}`, which is a replica",
            if some { "has some of its sessions on" } else { "connects to" },
            view.server.name
        ),
        values: format!(
            "{here} of {all} sessions of role `{}` seen in the last {} s were here; read_only is {}",
            view.database.login_role.as_deref().unwrap_or_default(),
            SESSIONS_KEPT.as_secs(),
            if refuses { "ON" } else { "OFF" }
        ),
        logins: match (refuses, some) {
            (true, true) => {
                "logins that meet these sessions fail at once (5xx), the others work: a share by chance, \
                             constant over time, with health checks green"
            }
            (true, false) => "every login fails at once at its first write (5xx), with health checks green",
            (false, _) => "logins that meet these sessions write where the primary does not see it",
        }
        .to_owned(),
        fix: "correct host and port in the service's connection string; restart every process of the service"
            .to_owned(),
    })
}

/// Four fifths of the connections are in use, or all.
pub(super) fn connections_exhausted(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    if facts.clients.saturating_mul(100) < facts.limit.saturating_mul(NEARLY) {
        return Look::Clear;
    }
    let all = facts.clients >= facts.limit;
    let share = if all { "the" } else { "four fifths of the" };
    Look::Holds(Sighting {
        severity: if all { Severity::Critical } else { Severity::Warning },
        clause: format!("{share} connections of `{}` are used up", view.server.name),
        values: format!(
            "{} of {}; {} for a replica's acknowledgement",
            words::count(facts.clients, "session"),
            facts.limit,
            if facts.waiters == 1 { "1 waits".to_owned() } else { format!("{} wait", facts.waiters) }
        ),
        logins: if all {
            "a login that needs a new connection is refused at once with an error (1040)"
        } else {
            "logins work; when the rest is gone, each that needs a new connection fails"
        }
        .to_owned(),
        fix: "see what holds the sessions (information_schema.PROCESSLIST by user and state); bound the service's pool \
              below max_connections; if commits hang, mend that first; a role with CONNECTION ADMIN is still let in once"
            .to_owned(),
    })
}
