//! Commits that wait for a synchronous standby, and whether enough of them stream: the loudest fault, which no measure
//! of lag shows, since commits that wait write nothing that could lag. Asks the primary alone.

use super::evidence::{Look, Sighting};
use super::names::SyncNames;
use super::view::View;
use super::words;
use crate::model::{Link, Micros, PostgresFacts, Severity, Slot};

/// A session that has waited for so long is no round trip to a standby.
const HANG: Micros = Micros(2_000_000);

/// A commit that has waited for less is on its way to a standby and back, even on another continent. Without this, a busy
/// service would always have somebody waiting.
const ROUND_TRIP: Micros = Micros(200_000);

/// A link that counts for commits now.
pub(super) fn counts(link: &Link) -> bool {
    link.state == "streaming" && matches!(link.sync_state.as_str(), "sync" | "quorum")
}

/// Whether commits of logins wait for standbys, unless their session says otherwise.
pub(super) fn commits_wait(facts: &PostgresFacts) -> bool {
    !matches!(facts.commit_of_logins(), "off" | "local")
}

/// Whether a session waits for a standby, for longer than a round trip.
pub(super) fn somebody_waits(facts: &PostgresFacts) -> bool {
    let connection = &facts.connection;
    connection.sync_waiters > 0 && connection.oldest_sync_wait.is_none_or(|wait| wait >= ROUND_TRIP)
}

/// What commits wait for; nothing where it cannot be read, which only a server of another version could say.
pub(super) fn wanted(facts: &PostgresFacts) -> Option<SyncNames> {
    SyncNames::parse(&facts.sync_names).ok()
}

/// Whether as many standbys stream as commits wait for; `None` when commits wait for none.
pub(super) fn quorum_complete(facts: &PostgresFacts) -> Option<bool> {
    let names = wanted(facts).filter(|names| !names.is_empty())?;
    Some(facts.links.iter().filter(|link| counts(link)).count() >= names.required())
}

/// At least one session waits, for longer than a round trip.
pub(super) fn sync_wait(view: &View<'_, PostgresFacts>) -> Look {
    let connection = &view.facts.connection;
    if view.facts.in_recovery || !somebody_waits(view.facts) {
        return Look::Clear;
    }
    let oldest =
        connection.oldest_sync_wait.map_or(String::new(), |wait| format!(", the oldest for {}", words::seconds(wait)));
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: "commits wait for a synchronous standby, sample after sample".to_owned(),
        values: format!(
            "{}{oldest}; {}; {}",
            waiting(view, connection.sync_waiters),
            standing(view.facts),
            view_of_links(view.facts)
        ),
        logins: "each login commits, and each commit waits: logins are slow or hang until their own deadline; no \
                 statement_timeout ends it, and one that timed out may have been written all the same"
            .to_owned(),
        fix: "see the cause found beside this; to free logins at once: take the standby out of \
              synchronous_standby_names and reload"
            .to_owned(),
    })
}

/// One has waited for two seconds or more.
pub(super) fn sync_hang(view: &View<'_, PostgresFacts>) -> Look {
    let connection = &view.facts.connection;
    let Some(oldest) = connection.oldest_sync_wait.filter(|wait| *wait >= HANG) else { return Look::Clear };
    if view.facts.in_recovery || connection.sync_waiters == 0 {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("a commit has waited {} for a synchronous standby", words::seconds(oldest)),
        values: format!("{}; {}", waiting(view, connection.sync_waiters), standing(view.facts)),
        logins: "logins hang until their own deadline; one that timed out may have been written all the same"
            .to_owned(),
        fix: "see the cause found beside this; ending the session with pg_cancel_backend commits it without the \
              standby"
            .to_owned(),
    })
}

/// Fewer synchronous standbys stream than commits wait for.
pub(super) fn quorum_short(view: &View<'_, PostgresFacts>) -> Look {
    let facts = view.facts;
    let Some(names) = wanted(facts) else { return Look::Blind };
    if facts.in_recovery || quorum_complete(facts) != Some(false) {
        return Look::Clear;
    }
    let there = facts.links.iter().filter(|link| counts(link)).count();
    let values = format!(
        "synchronous_standby_names = '{}' asks for {}, {there} of them stream; {}; watched since {}",
        facts.sync_names,
        names.required(),
        view_of_links(facts),
        words::time(view.history.began(&view.server.name).unwrap_or(view.at))
    );
    let waits = commits_wait(facts) || somebody_waits(facts);
    let lacking = lacking(view, &names);
    Look::Holds(Sighting {
        severity: if waits { Severity::Critical } else { Severity::Warning },
        clause: if waits {
            format!("commits wait for {lacking}")
        } else {
            format!("synchronous replication lacks {lacking}, and commits do not wait for it")
        },
        values,
        logins: if waits {
            "every login hangs until its own deadline, since it commits; reads, wrong passwords and health checks pass"
                .to_owned()
        } else {
            format!(
                "logins work, since synchronous_commit is {}; what they write is lost with the primary",
                facts.commit_of_logins()
            )
        },
        fix: remedy(view, &names),
    })
}

/// `3 sessions of role app wait`.
fn waiting(view: &View<'_, PostgresFacts>, waiters: u32) -> String {
    let sessions = words::count(waiters, "session");
    let verb = if waiters == 1 { "waits" } else { "wait" };
    match &view.database.login_role {
        Some(role) => format!("{sessions} of role `{role}` {verb}"),
        None => format!("{sessions} {verb}, of whatever role, since no login_role is configured"),
    }
}

/// Whether the wait is for want of standbys.
fn standing(facts: &PostgresFacts) -> &'static str {
    match quorum_complete(facts) {
        Some(true) => "as many standbys stream as commits wait for",
        Some(false) => "fewer standbys stream than commits wait for",
        None => "synchronous_standby_names is empty now, so the wait is about to end",
    }
}

/// `streaming here: standby1 (async)`.
pub(super) fn view_of_links(facts: &PostgresFacts) -> String {
    let links: Vec<String> =
        facts.links.iter().map(|link| format!("{} ({}, {})", link.name, link.state, link.sync_state)).collect();
    if links.is_empty() { "nobody is connected".to_owned() } else { format!("connected: {}", links.join(", ")) }
}

/// Whom commits lack, with what is known of it: `` standby `standby2`, which has never connected ``.
fn lacking(view: &View<'_, PostgresFacts>, names: &SyncNames) -> String {
    let connected: Vec<&str> = view.facts.links.iter().map(|link| link.name.as_str()).collect();
    let absent = names.absent(&connected);
    let slow = view.facts.links.iter().find(|link| names.matches(&link.name) && link.state != "streaming");
    match (absent.as_slice(), slow) {
        ([], Some(link)) => {
            format!("standby `{}`, which is connected but not yet streaming ({})", link.name, link.state)
        }
        ([], None) if view.facts.links.is_empty() => "a standby, and none is connected".to_owned(),
        ([], None) => format!("{}, more than are connected", words::count(names.required() as u64, "standby")),
        ([one], _) => format!("standby `{one}`, which {}", last_seen(view, one)),
        (several, _) => {
            let told: Vec<String> = several.iter().map(|name| format!("`{name}` {}", last_seen(view, name))).collect();
            format!("{} of {}: {}", names.required(), words::names(names.names()), told.join(", "))
        }
    }
}

/// When a standby was there last, as far as was watched. That it never was is known only where nothing could be missed:
/// its slot was never used, or the server has been watched since it started.
fn last_seen(view: &View<'_, PostgresFacts>, name: &str) -> String {
    if let Some(last) = view.history.streamed(name) {
        return format!("last streamed at {}", words::time(last));
    }
    let unused = |slot: &&Slot| slot.is_unused() && slot.name == name.to_ascii_lowercase().replace('-', "_");
    if let Some(slot) = view.facts.slots.iter().find(unused) {
        return format!("has never connected: its slot `{}` was never used", slot.name);
    }
    if view.history.watched_since_start(&view.server.name, view.facts, view.gap) {
        return "has never connected".to_owned();
    }
    match view.history.began(&view.server.name).filter(|began| *began < view.at) {
        Some(began) => format!("has not connected since {}, when watching began", words::time(began)),
        None => "is not connected".to_owned(),
    }
}

fn remedy(view: &View<'_, PostgresFacts>, names: &SyncNames) -> String {
    let strangers: Vec<&str> = view
        .facts
        .links
        .iter()
        .filter(|link| link.state == "streaming" && !names.matches(&link.name))
        .map(|link| link.name.as_str())
        .collect();
    let frees = "ALTER SYSTEM SET synchronous_standby_names, then SELECT pg_reload_conf(): sessions that wait are freed \
                 at the standby's next reply, which can take wal_receiver_status_interval (10 s)";
    if strangers.is_empty() {
        return format!("start the standby or mend its connection; or take it out of the names: {frees}");
    }
    format!(
        "{} streams under a name that is not asked for: correct synchronous_standby_names on `{}`, or application_name \
         in the standby's primary_conninfo. {frees}",
        words::names(&strangers),
        view.server.name
    )
}
