//! Whether the servers are what the configuration says, and copies of one another.

use super::evidence::{Look, Sighting};
use super::view::{Peer, View};
use crate::model::{PostgresFacts, ServerName, ServerRole, Severity};

/// A server is no copy of the primary, whatever its name.
pub(super) fn system_differs(view: &View<'_, PostgresFacts>) -> Look {
    let Some(primary) = view.primary().filter(|_| view.server.role == ServerRole::Standby) else { return Look::Clear };
    if primary.facts.system == view.facts.system {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("`{}` is no copy of `{}`", view.server.name, primary.server.name),
        values: format!("system identifiers {} and {}", view.facts.system, primary.facts.system),
        logins:
            "logins work unless commits wait for it or logins read from it; after a failover to it, no user is known"
                .to_owned(),
        fix: "make the standby again from a base backup of the primary; check the host and port in `databases:`"
            .to_owned(),
    })
}

/// A standby that follows nobody is on another timeline than the primary. One that streams cannot be: what its control
/// file says lags a promotion until the next checkpoint.
pub(super) fn timeline_differs(view: &View<'_, PostgresFacts>) -> Look {
    let (Some(primary), facts) = (view.primary(), view.facts) else { return Look::Clear };
    let apart = facts.system == primary.facts.system && facts.timeline != primary.facts.timeline;
    if !apart || !facts.in_recovery || facts.receiver.as_ref().is_some_and(|it| it.status == "streaming") {
        return Look::Clear;
    }
    let ahead = facts.timeline > primary.facts.timeline;
    Look::Holds(Sighting {
        severity: if ahead { Severity::Critical } else { Severity::Warning },
        clause: if ahead {
            format!("standby `{}` was promoted once and can follow `{}` no more", view.server.name, primary.server.name)
        } else {
            format!("standby `{}` has not followed `{}` to its timeline", view.server.name, primary.server.name)
        },
        values: format!("timeline {} here, {} on `{}`", facts.timeline, primary.facts.timeline, primary.server.name),
        logins: "logins work unless commits wait for it or logins read from it; this copy is gone for a failover"
            .to_owned(),
        fix: if ahead {
            "pg_rewind it, or make it again from a base backup".to_owned()
        } else {
            "recovery_target_timeline = latest on it, and see its log; else pg_rewind or a base backup".to_owned()
        },
    })
}

/// Two entries of the list lead to one server: the same process, by its start to the microsecond.
fn is_the_same(one: &PostgresFacts, other: &PostgresFacts) -> bool {
    one.system == other.system && one.started == other.started && one.in_recovery == other.in_recovery
}

/// Two servers of one system take writes. Told of the one that is not meant to, or of the later one in the list.
pub(super) fn two_primaries(view: &View<'_, PostgresFacts>) -> Look {
    let Some(other) = view.primary().filter(|it| it.facts.system == view.facts.system) else { return Look::Clear };
    let listed = |name: &ServerName| view.database.servers.iter().position(|server| server.name == *name);
    let meant = view.server.role == ServerRole::Primary
        && (other.server.role == ServerRole::Standby || listed(&view.server.name) < listed(&other.server.name));
    if view.facts.in_recovery || meant || is_the_same(view.facts, other.facts) {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("`{}` and `{}` both take writes", other.server.name, view.server.name),
        values: format!(
            "neither is in recovery; timelines {} and {}, {} sessions of the login role here",
            other.facts.timeline,
            view.facts.timeline,
            view.facts.connection.login_sessions.map_or("unknown".to_owned(), |sessions| sessions.to_string())
        ),
        logins:
            "a login written on one is unknown on the other: users are signed out or refused by chance, and what one \
                 of them wrote will be lost"
                .to_owned(),
        fix: "decide which one is right, stop the other at once, and pg_rewind it or make it again".to_owned(),
    })
}

/// A server is not what the configuration says, and that is not said by `two-primaries`. Roles that are exchanged are
/// one mistake: told of the server that is listed as the primary.
pub(super) fn wrong_role(view: &View<'_, PostgresFacts>) -> Look {
    let same_system = |peer: &&Peer<'_, PostgresFacts>| peer.facts.system == view.facts.system;
    let writer = view.primary().filter(same_system);
    let demoted_peer = || {
        view.peers.iter().filter(same_system).any(|it| it.server.role == ServerRole::Primary && it.facts.in_recovery)
    };
    match (view.server.role, view.facts.in_recovery, writer) {
        (ServerRole::Primary, true, _) => Look::Holds(demoted(view)),
        (ServerRole::Standby, false, Some(writer)) if is_the_same(view.facts, writer.facts) => {
            Look::Holds(listed_twice(view, &writer.server.name))
        }
        (ServerRole::Standby, false, None) if !demoted_peer() => Look::Holds(promoted(view)),
        _ => Look::Clear,
    }
}

/// No second server was asked at all.
fn listed_twice(view: &View<'_, PostgresFacts>, primary: &ServerName) -> Sighting {
    Sighting {
        severity: Severity::Warning,
        clause: format!("`{}` leads to the same server as `{primary}`", view.server.name),
        values: format!(
            "{}:{} answers with the same system identifier and the same start, {}, as `{primary}`",
            view.server.host, view.server.port, view.facts.started
        ),
        logins: "logins work; of the standby that is meant nothing is known".to_owned(),
        fix: "correct `host:` and `port:` in `databases:`".to_owned(),
    }
}

fn demoted(view: &View<'_, PostgresFacts>) -> Sighting {
    let writer = view.primary().map(|peer| &peer.server.name);
    Sighting {
        severity: if writer.is_some() { Severity::Warning } else { Severity::Critical },
        clause: match writer {
            Some(writer) => format!("`{}` is a standby now, and `{writer}` takes the writes", view.server.name),
            None => format!("the primary `{}` is a standby: no server is known to take writes", view.server.name),
        },
        values: "pg_is_in_recovery() is true".to_owned(),
        logins: match writer {
            Some(_) => "logins work if the login service goes to the new primary",
            None => "every login fails at its first write (5xx), while reads and health checks pass",
        }
        .to_owned(),
        fix: match writer {
            Some(writer) => format!(
                "if that is meant, exchange `role:` of `{}` and `{writer}` in `databases:`; else promote the server that \
                 should be primary (pg_promote())",
                view.server.name
            ),
            None => "promote the server that should be primary (pg_promote()); or correct `role:` in `databases:`"
                .to_owned(),
        },
    }
}

fn promoted(view: &View<'_, PostgresFacts>) -> Sighting {
    Sighting {
        severity: Severity::Warning,
        clause: format!("`{}` should be a standby and takes writes", view.server.name),
        values: "pg_is_in_recovery() is false".to_owned(),
        logins: "logins work if the login service writes here and nowhere else".to_owned(),
        fix: "after a failover: correct `role:` in `databases:`, and make the old primary a standby of this one"
            .to_owned(),
    }
}
