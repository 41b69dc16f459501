//! What a standby says of itself: nothing arrives, replay is paused, or replay waits for somebody.

use super::evidence::{Look, Sighting};
use super::view::View;
use super::words;
use crate::model::{PostgresFacts, Replay, Severity};

/// Replay stands still on purpose.
pub(super) fn is_paused(replay: &Replay) -> bool {
    replay.pause != "not paused"
}

/// What replay waits for that is not simply more WAL; `None` when nothing holds it up.
pub(super) fn obstacle(replay: &Replay) -> Option<&str> {
    let wait = replay.wait.as_deref()?;
    let held_up = wait.starts_with("Lock/") || wait.starts_with("BufferPin") || wait.contains("RecoveryConflict");
    (held_up && replay.gap.is_some_and(|gap| gap > 0)).then_some(wait)
}

/// A standby receives nothing. One that is told to follow its archive alone is told as such; another that replays on
/// without a receiver reads from an archive, or from what it had when it was started.
pub(super) fn no_receiver(view: &View<'_, PostgresFacts>) -> Look {
    if !view.facts.in_recovery || view.facts.receiver.is_some() {
        return Look::Clear;
    }
    if view.facts.replay.as_ref().is_some_and(|replay| replay.archive_only) {
        return Look::Holds(archive_only(view));
    }
    if view.before.is_some_and(|before| before.receiver.is_none() && view.facts.position > before.position) {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("standby `{}` receives nothing from a primary", view.server.name),
        values: format!(
            "pg_stat_wal_receiver is empty; replayed up to {}",
            view.facts.position.map_or("nothing".to_owned(), |position| position.to_string())
        ),
        logins: if view.server.serves_reads {
            "logins read from it: they see the past, and sessions written since are not there"
        } else {
            "logins work unless commits wait for this standby"
        }
        .to_owned(),
        fix: "see its log: password, pg_hba.conf, slot, removed WAL, timeline, system identifier, or the address in \
              primary_conninfo"
            .to_owned(),
    })
}

/// A standby that is meant to have no receiver: it replays whole segments as they are archived.
fn archive_only(view: &View<'_, PostgresFacts>) -> Sighting {
    let reads = view.server.serves_reads;
    Sighting {
        severity: if reads { Severity::Warning } else { Severity::Info },
        clause: format!("standby `{}` follows its archive and no primary, as it is told to", view.server.name),
        values: format!(
            "restore_command is set, primary_conninfo is empty; replayed up to {}",
            view.facts.position.map_or("nothing".to_owned(), |position| position.to_string())
        ),
        logins: if reads {
            "logins read from it: it is behind by up to a segment of WAL or archive_timeout, so that sessions written \
             since are not there"
        } else {
            "logins work; commits cannot wait for it, and a failover to it loses what is not archived yet"
        }
        .to_owned(),
        fix: "none, if that is meant; else set primary_conninfo on it and reload".to_owned(),
    }
}

/// Replay is paused.
pub(super) fn replay_paused(view: &View<'_, PostgresFacts>) -> Look {
    let Some(replay) = view.facts.replay.as_ref().filter(|replay| is_paused(replay)) else { return Look::Clear };
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("replay is paused on standby `{}`", view.server.name),
        values: format!(
            "state '{}', {} received and not replayed",
            replay.pause,
            replay.gap.map_or("an unknown amount".to_owned(), words::bytes)
        ),
        logins:
            "logins work unless commits wait for replay (remote_apply) or logins read from it; a failover to it would \
                 have to replay first"
                .to_owned(),
        fix:
            "SELECT pg_wal_replay_resume() on it; if it paused by itself, its log names a setting (max_connections and \
              others) that must be at least the primary's, and it needs a restart"
                .to_owned(),
    })
}

/// Replay waits for a query's lock or snapshot while there is something to replay.
pub(super) fn replay_blocked(view: &View<'_, PostgresFacts>) -> Look {
    let Some(replay) = view.facts.replay.as_ref() else { return Look::Clear };
    let Some(wait) = obstacle(replay) else { return Look::Clear };
    let reads = view.server.serves_reads;
    Look::Holds(Sighting {
        severity: if reads { Severity::Critical } else { Severity::Warning },
        clause: format!("replay on standby `{}` waits for its own sessions", view.server.name),
        values: format!(
            "it waits on {wait} with {} to replay; {} wait for a lock there",
            words::bytes(replay.gap.unwrap_or(0)),
            words::count(view.facts.connection.lock_waiters, "session")
        ),
        logins: if reads {
            "logins that read from it hang behind the lock or see the past"
        } else {
            "logins work unless commits wait for replay (remote_apply)"
        }
        .to_owned(),
        fix: "end the query or transaction that holds it (pg_blocking_pids, pg_stat_activity on the standby); bound \
              max_standby_streaming_delay, or hot_standby_feedback for long reads"
            .to_owned(),
    })
}
