//! Connections that are nearly or wholly used up. A server that has none left says so to whoever asks for one, us
//! included: that refusal is the finding.

use super::evidence::{Look, Sighting};
use super::view::View;
use crate::model::{PostgresFacts, Server, ServerRole, Severity};

/// From this share of the connections that ordinary roles can have, in percent.
const NEARLY: u64 = 80;

const FIX: &str = "see what holds the sessions (pg_stat_activity by role, state and wait_event; in MariaDB \
                   information_schema.PROCESSLIST); bound the service's \
                   pool below max_connections less the reserved ones; if commits hang, mend that first";

/// Four fifths of the connections are in use, or all.
pub(super) fn connections_exhausted(view: &View<'_, PostgresFacts>) -> Look {
    let connection = &view.facts.connection;
    let (clients, limit) = (u64::from(connection.clients), u64::from(connection.limit));
    if clients * 100 < limit * NEARLY {
        return Look::Clear;
    }
    let all = clients >= limit;
    let waiters = match connection.sync_waiters {
        0 => "none of them waits for a synchronous standby".to_owned(),
        waiters => format!(
            "{} for a synchronous standby",
            if waiters == 1 { "1 waits".into() } else { format!("{waiters} wait") }
        ),
    };
    Look::Holds(Sighting {
        severity: if all { Severity::Critical } else { Severity::Warning },
        clause: format!(
            "{} connections of `{}` are used up",
            if all { "the" } else { "four fifths of the" },
            view.server.name
        ),
        values: format!("{clients} sessions of {limit} that ordinary roles can have; {waiters}"),
        logins: if all {
            "a login that needs a new connection is refused at once with an error (SQLSTATE 53300)".to_owned()
        } else {
            "logins work; when the rest is gone, each that needs a new connection fails".to_owned()
        },
        fix: FIX.to_owned(),
    })
}

/// The server refused us for want of a connection.
pub(super) fn refused(server: &Server, message: &str) -> Sighting {
    Sighting {
        severity: Severity::Critical,
        clause: format!("the connections of `{}` are used up", server.name),
        values: message.to_owned(),
        logins: match server.role {
            ServerRole::Primary => {
                "a login that needs a new connection is refused at once with an error (SQLSTATE 53300; in MariaDB 1040)"
            }
            ServerRole::Standby => {
                "a login that reads from this standby is refused at once with an error (SQLSTATE 53300; in MariaDB 1040)"
            }
        }
        .to_owned(),
        fix: format!("{FIX}; a superuser is still let in"),
    }
}
