//! Logins that arrive where nothing can be written: no view of replication shows it, the sessions' whereabouts do.

use super::evidence::{Look, Need, Sighting};
use super::history::SESSIONS_KEPT;
use super::view::View;
use crate::model::{PostgresFacts, ServerRole, Severity};

/// Sessions of a service that connects for each request are there for some milliseconds: two samples of half a minute
/// are enough, and one may be an operator's.
pub(super) const SESSIONS: Need = Need::Several { samples: 2, within: SESSIONS_KEPT };

/// The login service has sessions on a server that cannot write and is not meant to be read from.
pub(super) fn wrong_endpoint(view: &View<'_, PostgresFacts>) -> Look {
    let refuses = view.facts.in_recovery || (view.facts.read_only && view.server.role == ServerRole::Standby);
    let Some(sessions) = view.facts.connection.login_sessions else { return Look::Blind };
    // Where no server takes writes there is no right endpoint: `wrong-role` tells it.
    let nowhere = view.server.role == ServerRole::Primary && view.facts.in_recovery && view.primary().is_none();
    if !refuses || nowhere || view.server.serves_reads || sessions == 0 {
        return Look::Clear;
    }
    let counted = |server| view.history.sessions(server);
    let all: u64 = view.database.servers.iter().map(|server| counted(&server.name)).sum();
    let here = counted(&view.server.name);
    let role = view.database.login_role.as_deref().unwrap_or_default();
    let some = here < all;
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!(
            "the login service {} `{}`, which cannot write",
            if some { "has some of its sessions on" } else { "connects to" },
            view.server.name
        ),
        values: format!(
            "{here} of {all} sessions of role `{role}` seen in the last {} s were here; {}",
            SESSIONS_KEPT.as_secs(),
            if view.facts.in_recovery { "the server is in recovery" } else { "the server is read-only" }
        ),
        logins: if some {
            "logins that meet these sessions fail at once (5xx), the others work: a share by chance, constant over time, \
             with health checks green"
        } else {
            "every login fails at once at its first write (5xx), with health checks green"
        }
        .to_owned(),
        fix: "correct host and port in the service's connection string, or set target_session_attrs=read-write; restart \
              every process of the service"
            .to_owned(),
    })
}

/// The primary refuses writes.
pub(super) fn read_only(view: &View<'_, PostgresFacts>) -> Look {
    if view.facts.in_recovery || !view.facts.read_only || view.server.role == ServerRole::Standby {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("the primary `{}` refuses writes", view.server.name),
        values: "default_transaction_read_only = on".to_owned(),
        logins: "every login fails at once at its first write (5xx), while reads and health checks pass".to_owned(),
        fix: "from a session with SET default_transaction_read_only = off: ALTER SYSTEM RESET \
              default_transaction_read_only, then SELECT pg_reload_conf()"
            .to_owned(),
    })
}
