//! A server of which nothing is known, or too little: never healthy, and never evidence of more than that.

use jiff::SignedDuration;

use super::commit::wanted;
use super::evidence::{Need, Sighting};
use super::explanation::NOTHING;
use super::view::View;
use crate::model::{PostgresFacts, Server, ServerRole, Severity, Unknown};

/// An answer ends it at once.
pub(super) const ANSWERED: Need = Need::Until { samples: 1, over: SignedDuration::ZERO };

/// How soon each reason is told: at once where only a person can end it; after a moment where a restart looks the same.
pub(super) fn need(why: Unknown) -> Need {
    match why {
        Unknown::Unreachable | Unknown::NoAnswer | Unknown::Starting | Unknown::Lost | Unknown::NoConnectionLeft => {
            Need::Until { samples: 3, over: SignedDuration::from_secs(2) }
        }
        Unknown::LoginRefused
        | Unknown::Tls
        | Unknown::NoRights
        | Unknown::Version
        | Unknown::Garbled
        | Unknown::NoSecret => ANSWERED,
    }
}

/// What is said of it.
pub(super) fn sighting(server: &Server, why: Unknown, message: &str) -> Sighting {
    Sighting {
        severity: Severity::Unknown,
        clause: format!("{NOTHING}`{}`: {}", server.name, plain(why)),
        values: message.to_owned(),
        logins: logins(server.role, why).to_owned(),
        fix: fix(why).to_owned(),
    }
}

/// What an answer lacks without which rules would be silent for want of knowledge, not for health. A role that is
/// nowhere is told once: where a primary answers, its standbys have the same roles.
pub(super) fn missing(view: &View<'_, PostgresFacts>) -> Option<Sighting> {
    let (facts, server) = (view.facts, &view.server.name);
    let told_elsewhere = facts.in_recovery && view.primary().is_some();
    let nameless = view.database.login_role.as_ref().filter(|_| facts.connection.login_sessions.is_none());
    let (clause, values, fix) = if let Some(role) = nameless.filter(|_| !told_elsewhere) {
        (
            format!("there is no role `{role}` on `{server}`: logins cannot be told from other sessions"),
            format!("login_role is '{role}', and pg_roles does not have it"),
            "correct `login_role:` in `databases:` to the role that the login service connects as",
        )
    } else if wanted(facts).is_none() && !facts.in_recovery {
        (
            format!("what commits on `{server}` wait for cannot be read"),
            format!("synchronous_standby_names = '{}'", facts.sync_names),
            "write it in a form that the manual of PostgreSQL has: FIRST n (..), ANY n (..), n (..) or names with commas",
        )
    } else if facts.in_recovery && facts.replay.is_none() {
        (
            format!("how standby `{server}` replays is not told"),
            "it is in recovery, and its answer holds nothing of replay".to_owned(),
            "look what answers at this address: a server of PostgreSQL in recovery says it",
        )
    } else {
        return None;
    };
    let logins = "unknown: what the rules need is missing, so that silence here is no health".to_owned();
    Some(Sighting { severity: Severity::Unknown, clause, values, logins, fix: fix.to_owned() })
}

fn plain(why: Unknown) -> &'static str {
    match why {
        Unknown::Unreachable => "it cannot be reached",
        Unknown::NoAnswer => "it does not answer in time",
        Unknown::LoginRefused => "it refuses the role that asks",
        Unknown::NoConnectionLeft => "it has no connection left",
        Unknown::Starting => "it starts, stops or recovers",
        Unknown::Tls => "TLS was refused or its certificate is not valid",
        Unknown::NoRights => "the role may not see what has to be seen",
        Unknown::Version => "its version is not supported",
        Unknown::Garbled => "its answer cannot be understood",
        Unknown::NoSecret => "the password of the role cannot be read on this machine",
        Unknown::Lost => "it was not asked",
    }
}

fn logins(role: ServerRole, why: Unknown) -> &'static str {
    let gone = matches!(why, Unknown::Unreachable | Unknown::NoAnswer | Unknown::Starting);
    match role {
        ServerRole::Primary if gone => "if the login service cannot reach it either, every login fails",
        ServerRole::Standby if gone => {
            "logins that read from it fail, and commits that wait for it hang: see the primary"
        }
        ServerRole::Primary | ServerRole::Standby => "unknown: logins may work or not",
    }
}

fn fix(why: Unknown) -> &'static str {
    match why {
        Unknown::Unreachable | Unknown::Starting => {
            "see whether the server runs, and its host and port in `databases:`"
        }
        Unknown::NoAnswer => "see whether the server is frozen or the network drops packets; `timeout:` is the limit",
        Unknown::LoginRefused => {
            "correct `user:` and its password, or what lets it in from this host (pg_hba.conf; in MariaDB the role's host)"
        }
        Unknown::NoConnectionLeft => "end sessions, or raise max_connections",
        Unknown::Tls => "give the server's authority as `authority:`, or correct its certificate or `tls:`",
        Unknown::NoRights => "GRANT pg_monitor to the role that asks; in MariaDB GRANT REPLICA MONITOR, PROCESS ON *.*",
        Unknown::Version => "supported are PostgreSQL 13 to 17 and MariaDB 10.5.9 and later",
        Unknown::Garbled => "look what answers at this address",
        Unknown::NoSecret => "make the secret readable to the worker on this machine",
        Unknown::Lost => "see why the worker was busy or stopped",
    }
}
