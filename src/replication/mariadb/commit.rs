//! Commits that wait for a replica to acknowledge them, and what is left when they no longer do. Asks the primary alone.

use super::super::evidence::{Look, Sighting};
use super::super::view::View;
use super::super::words;
use super::takes_writes;
use crate::model::{MariaFacts, Micros, Severity};

/// A session that has waited for so long is no round trip to a replica.
const HANG: Micros = Micros(2_000_000);

/// A commit that has waited for less is on its way to a replica and back, even on another continent.
const ROUND_TRIP: Micros = Micros(200_000);

/// Nobody waits so long for a login.
const PATIENCE: Micros = Micros(60_000_000);

/// At least one session waits, for longer than a round trip.
pub(super) fn sync_wait(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    if facts.waiters == 0 || facts.oldest_wait.is_none_or(|wait| wait < ROUND_TRIP) {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: "commits wait for a replica's acknowledgement, sample after sample".to_owned(),
        values: values(facts),
        logins: format!(
            "each login commits, and each commit waits {}; no max_statement_time ends it, and a login that timed out \
             may have been written all the same",
            until(facts)
        ),
        fix: free(),
    })
}

/// One has waited for two seconds or more.
pub(super) fn sync_hang(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    let Some(oldest) = facts.oldest_wait.filter(|wait| facts.waiters > 0 && *wait >= HANG) else { return Look::Clear };
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("a commit has waited {} for a replica's acknowledgement", words::seconds(oldest)),
        values: values(facts),
        logins: format!("logins hang {}; what they wrote is there and may be seen by others", until(facts)),
        fix: free(),
    })
}

/// Commits are to wait for a replica, and none is there to acknowledge them.
pub(super) fn quorum_short(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    if !takes_writes(view) || !facts.semi_sync_wanted || !facts.semi_sync_on || facts.semi_sync_clients > 0 {
        return Look::Clear;
    }
    let deaf = facts.streams > 0;
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: if deaf {
            "commits wait for a replica's acknowledgement, and those that fetch acknowledge nothing".to_owned()
        } else {
            "commits wait for a replica's acknowledgement, and none is connected".to_owned()
        },
        values: format!(
            "Rpl_semi_sync_master_status is ON with Rpl_semi_sync_master_clients = 0; {} from here; {}",
            fetch(facts.streams),
            limit(facts)
        ),
        logins: if endless(facts) {
            "every login hangs until its own deadline, since it commits; reads, wrong passwords and health checks pass"
                .to_owned()
        } else {
            format!(
                "the next login hangs for {}, and those that commit in that time with it; then logins work unprotected",
                words::seconds(facts.semi_sync_timeout)
            )
        },
        fix: if deaf {
            "on the replica: SET GLOBAL rpl_semi_sync_slave_enabled = ON, then STOP REPLICA IO_THREAD and START REPLICA \
             IO_THREAD; the setting alone changes nothing"
                .to_owned()
        } else {
            format!("start the replica or mend its connection; {}", free())
        },
    })
}

/// A replica is there to acknowledge, and does not: frozen, or cut off.
pub(super) fn stale_reply(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    let stuck = facts.oldest_wait.is_some_and(|wait| wait >= HANG) && facts.waiters > 0;
    if !facts.semi_sync_on || facts.semi_sync_clients == 0 || !stuck {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("{} to acknowledge commits, and nothing comes", connected(facts.semi_sync_clients)),
        values: values(facts),
        logins: format!("logins hang {}", until(facts)),
        fix: format!("see whether the replica's process, disk or network is frozen; {}", free()),
    })
}

/// Semi-synchronous replication is switched on and not in force.
pub(super) fn semi_sync_off(view: &View<'_, MariaFacts>) -> Look {
    let facts = view.facts;
    if !takes_writes(view) || !facts.semi_sync_wanted || facts.semi_sync_on {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: "commits no longer wait for a replica: semi-synchronous replication fell back to asynchronous"
            .to_owned(),
        values: format!(
            "Rpl_semi_sync_master_status is OFF while rpl_semi_sync_master_enabled is ON; {} since the server started \
             went on alone; {}",
            words::count(facts.unacknowledged, "commit"),
            connected(facts.semi_sync_clients)
        ),
        logins: format!(
            "one commit took {} when it fell back; since then logins work, and what they write is lost with the primary",
            words::seconds(facts.semi_sync_timeout)
        ),
        fix:
            "mend the replica; the server goes back to waiting by itself once a replica has caught up and acknowledges"
                .to_owned(),
    })
}

fn endless(facts: &MariaFacts) -> bool {
    facts.semi_sync_timeout >= PATIENCE
}

fn until(facts: &MariaFacts) -> String {
    if endless(facts) {
        format!("until the login's own deadline, since the server's is {}", words::seconds(facts.semi_sync_timeout))
    } else {
        format!("until {} have passed, then commits go on unprotected", words::seconds(facts.semi_sync_timeout))
    }
}

fn free() -> String {
    "to free logins at once: SET GLOBAL rpl_semi_sync_master_enabled = OFF on the primary; a shorter \
     rpl_semi_sync_master_timeout alone does not free those that wait"
        .to_owned()
}

fn values(facts: &MariaFacts) -> String {
    let oldest = facts.oldest_wait.map_or(String::new(), |wait| format!(", the oldest for {}", words::seconds(wait)));
    let verb = if facts.waiters == 1 { "waits" } else { "wait" };
    format!(
        "{} {verb}{oldest}; {}; {}",
        words::count(facts.waiters, "session"),
        connected(facts.semi_sync_clients),
        limit(facts)
    )
}

fn connected(clients: u64) -> String {
    let verb = if clients == 1 { "is" } else { "are" };
    format!("{} {verb} connected", words::count(clients, "semi-synchronous replica"))
}

fn fetch(streams: u64) -> String {
    format!("{} {}", words::count(streams, "replica"), if streams == 1 { "fetches" } else { "fetch" })
}

fn limit(facts: &MariaFacts) -> String {
    format!(
        "rpl_semi_sync_master_timeout is {}, rpl_semi_sync_master_wait_no_slave {}",
        words::seconds(facts.semi_sync_timeout),
        if facts.waits_without_replica { "ON" } else { "OFF" }
    )
}
