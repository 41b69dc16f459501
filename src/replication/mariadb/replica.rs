//! Whether replicas fetch and apply, and how far behind they are. Time comes from the replica's own count where both its
//! threads run; and since that count can be 0 while the link is cut, also from transactions that the primary has and the
//! replica does not get on with.

use super::super::evidence::{Look, Sighting};
use super::super::view::View;
use super::super::words;
use super::takes_writes;
use crate::model::{MariaFacts, Micros, ReplicaLink, ServerRole, Severity};

/// `Seconds_Behind_Master` counts whole seconds by two clocks: two of them are nothing.
const BEHIND: Micros = Micros(2_000_000);

/// A configured replica does not fetch from here.
pub(super) fn standby_absent(view: &View<'_, MariaFacts>) -> Look {
    let expected: Vec<_> = view.standbys().collect();
    if !takes_writes(view) || view.server.role != ServerRole::Primary || view.facts.streams >= expected.len() as u64 {
        return Look::Clear;
    }
    let fetches = |name| {
        let peer = view.peers.iter().find(|peer| peer.server.name == name);
        peer.and_then(|peer| peer.facts.replica.as_ref()).is_some_and(|link| link.io_running == "Yes")
    };
    let absent: Vec<&str> = expected.iter().filter(|it| !fetches(it.name.clone())).map(|it| it.name.as_str()).collect();
    if absent.is_empty() {
        return Look::Clear;
    }
    let verb = if absent.len() == 1 { "does" } else { "do" };
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("{} {verb} not fetch from `{}`", words::names(&absent), view.server.name),
        values: format!(
            "{} of {} fetch here (Binlog Dump sessions)",
            view.facts.streams,
            words::count(expected.len() as u64, "replica")
        ),
        logins: "logins work unless commits wait for it or logins read from it; it protects nothing now".to_owned(),
        fix: "see the replica: SHOW REPLICA STATUS and its log; START REPLICA".to_owned(),
    })
}

/// A thread of the replica stands still, or cannot connect.
pub(super) fn replica_stopped(view: &View<'_, MariaFacts>) -> Look {
    let Some(link) = view.facts.replica.as_ref() else { return Look::Clear };
    let (fetches, applies) = (link.io_running == "Yes", link.sql_running == "Yes");
    if fetches && applies {
        return Look::Clear;
    }
    let name = &view.server.name;
    let broken = beyond_repair(link);
    Look::Holds(Sighting {
        severity: if broken || view.server.serves_reads { Severity::Critical } else { Severity::Warning },
        clause: match (fetches, applies) {
            (false, false) => format!("replica `{name}` neither fetches from {} nor applies", link.primary),
            (false, true) => format!("replica `{name}` does not fetch from {}", link.primary),
            (true, _) => format!("replica `{name}` fetches and does not apply"),
        },
        values: threads(link),
        logins: match (view.server.serves_reads, fetches) {
            (true, _) => "logins read from it and see the past: sessions written since are not there",
            (false, false) => "logins work, once the primary no longer waits for it; it protects nothing now",
            (false, true) => {
                "logins work: what it received is acknowledged and not lost; a failover to it is not possible"
            }
        }
        .to_owned(),
        fix: remedy(link, broken),
    })
}

/// A replica that logins read from shows the past.
pub(super) fn lagging_reads(view: &View<'_, MariaFacts>) -> Look {
    let Some(link) = view.facts.replica.as_ref().filter(|_| view.server.serves_reads) else { return Look::Clear };
    let look = judge(view, link, Micros(0));
    sighted(look, |values| {
        Sighting {
        severity: Severity::Critical,
        clause: format!("logins read from replica `{}`, which shows the past", view.server.name),
        values,
        logins: "a login succeeds and its session is not found by the next request (401, back to the login page), until \
                 the replica has applied it"
            .to_owned(),
        fix: "read sessions from the primary; or CHANGE MASTER TO MASTER_DELAY = 0, start its threads, or see what slows \
              it (slave_parallel_threads, disk, long statements)"
            .to_owned(),
    }
    })
}

/// A replica that no login reads is behind by more than it is told to be.
pub(super) fn replay_lag(view: &View<'_, MariaFacts>) -> Look {
    let Some(link) = view.facts.replica.as_ref().filter(|_| !view.server.serves_reads) else { return Look::Clear };
    let look = judge(view, link, link.delay);
    sighted(look, |values| Sighting {
        severity: Severity::Warning,
        clause: format!("replica `{}` is behind", view.server.name),
        values,
        logins: "logins work; a failover to it would have to apply first, and loses what it has not received"
            .to_owned(),
        fix: "see whether it fetches and applies: SHOW REPLICA STATUS, its log, its disk and its sessions".to_owned(),
    })
}

/// How late a replica is, if that is known.
enum Lateness {
    Late(String),
    InTime,
    NotKnown,
}

fn judge(view: &View<'_, MariaFacts>, link: &ReplicaLink, allowed: Micros) -> Lateness {
    let missing = view.leader().map_or(0, |primary| link.applied.behind(&primary.written));
    let still = view.before.and_then(|before| before.replica.as_ref()).is_some_and(|it| it.applied == link.applied);
    // A replica that delays on purpose rests between two transactions.
    let stalled = missing > 0 && still && link.delay.0 == 0;
    let late = link.behind.is_some_and(|behind| behind > allowed + BEHIND);
    if late || stalled {
        return Lateness::Late(told(link, missing, stalled));
    }
    if link.behind.is_some() { Lateness::InTime } else { Lateness::NotKnown }
}

fn told(link: &ReplicaLink, missing: u64, stalled: bool) -> String {
    let counted = link.behind.map_or_else(
        || "Seconds_Behind_Master is NULL, since a thread stands".to_owned(),
        |behind| format!("Seconds_Behind_Master is {}", behind.0 / 1_000_000),
    );
    let delay = (link.delay.0 > 0).then(|| format!("MASTER_DELAY is {}", words::seconds(link.delay)));
    let missing = (missing > 0).then(|| {
        let rests = if stalled { ", and it gets on with none" } else { "" };
        let verb = if missing == 1 { "is" } else { "are" };
        format!("{} of the primary {verb} not applied here{rests}", words::count(missing, "transaction"))
    });
    [Some(counted), delay, missing, Some(threads(link))].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn sighted(lateness: Lateness, sighting: impl FnOnce(String) -> Sighting) -> Look {
    match lateness {
        Lateness::Late(values) => Look::Holds(sighting(values)),
        Lateness::InTime => Look::Clear,
        Lateness::NotKnown => Look::Blind,
    }
}

/// Errors that no restart mends: the replica's data differ from the primary's (1032, 1062, 1950), or the primary no
/// longer has what it needs (1236).
fn beyond_repair(link: &ReplicaLink) -> bool {
    let number = |error: &Option<String>| error.as_deref().and_then(|it| it.split(':').next()?.parse::<u32>().ok());
    let differs = link.sql_running != "Yes" && matches!(number(&link.sql_error), Some(1032 | 1062 | 1950));
    differs || (link.io_running != "Yes" && number(&link.io_error) == Some(1236))
}

fn threads(link: &ReplicaLink) -> String {
    let error = |error: &Option<String>| error.as_ref().map_or(String::new(), |it| format!(", last error {it}"));
    format!(
        "the fetching thread: {}{}; the applying thread: {}{}",
        link.io_running,
        error(&link.io_error),
        link.sql_running,
        error(&link.sql_error)
    )
}

fn remedy(link: &ReplicaLink, broken: bool) -> String {
    if broken {
        return "make the replica again from a backup of the primary; to skip the error would hide that their data differ"
            .to_owned();
    }
    if link.io_running != "Yes" && link.io_error.is_some() {
        return "mend what its last error names: the primary's address, the replica's role and password, the network; then \
                START REPLICA"
            .to_owned();
    }
    "START REPLICA on it, and see who stopped it".to_owned()
}
