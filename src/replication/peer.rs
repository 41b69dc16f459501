//! What the primary sees of its standbys beyond their number: one that does not reply, one that is not there.

use jiff::SignedDuration;

use super::commit::{commits_wait, counts, somebody_waits, view_of_links, wanted};
use super::evidence::{Look, Sighting};
use super::history::Reply;
use super::view::View;
use super::words;
use crate::model::{Link, Micros, PostgresFacts, Server, Severity};

/// Even where standbys reply each second, a busy machine may be late by this much.
const LEAST_REPLY_AGE: Micros = Micros(5_000_000);

/// A reply may be this many status intervals old.
const REPLIES_MISSED: u64 = 2;

/// Whether a link is that of a configured standby.
pub(super) fn is_link_of(link: &Link, server: &Server) -> bool {
    link.name.eq_ignore_ascii_case(&server.application_name)
}

/// How old a reply over this link may be; `None` where the standby was told not to send any unasked, so that age means
/// nothing. The interval is the standby's setting; where that is not known, the primary's own is taken for it.
pub(super) fn reply_limit(view: &View<'_, PostgresFacts>, link: &Link) -> Option<Micros> {
    let standby = view.peers.iter().find(|peer| is_link_of(link, peer.server));
    let interval = standby.map_or(view.facts.status_interval, |peer| peer.facts.status_interval);
    (interval.0 > 0).then(|| LEAST_REPLY_AGE.max(Micros(interval.0.saturating_mul(REPLIES_MISSED))))
}

/// Whether a standby replies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Replies {
    /// It does, or need not.
    Yes,
    /// Not for so long, at least.
    NotFor(Micros),
    /// Its last reply looks this old by two clocks that nothing compares, and it has not been watched for long enough.
    CannotTell(Micros),
}

/// Whether a standby replies over a link, however its clock stands to the primary's. The stamp of a reply is the
/// standby's: its age is counted by the standby's own clock where that is known, and else by how long the primary has
/// told the same stamp. The age that the primary itself would count is the difference of two clocks.
fn replies(view: &View<'_, PostgresFacts>, link: &Link, last: Option<Reply>) -> Replies {
    let (Some(limit), Some(last)) = (reply_limit(view, link), last) else { return Replies::Yes };
    let micros = |time: SignedDuration| Micros(u64::try_from(time.as_micros()).unwrap_or(0));
    let still = micros(view.facts.at.duration_since(last.since));
    if still > limit {
        return Replies::NotFor(still);
    }
    if last.moved && still <= micros(view.gap).min(limit) {
        return Replies::Yes;
    }
    let standby = view.peers.iter().find(|peer| is_link_of(link, peer.server));
    let by_its_clock = standby.map(|peer| {
        let now = peer.facts.at.checked_add(view.at.duration_since(peer.asked)).unwrap_or(peer.facts.at);
        micros(now.duration_since(last.stamp))
    });
    match by_its_clock {
        Some(age) if age > limit => Replies::NotFor(age),
        Some(_) => Replies::Yes,
        None => match link.reply_age.filter(|age| *age > limit && !last.moved) {
            Some(age) => Replies::CannotTell(age),
            None => Replies::Yes,
        },
    }
}

/// A standby that streams has not replied for two status intervals.
pub(super) fn stale_reply(view: &View<'_, PostgresFacts>) -> Look {
    let facts = view.facts;
    if facts.in_recovery {
        return Look::Clear;
    }
    let last = view.history.last_replies(&view.server.name, facts);
    let streaming = facts.links.iter().zip(last).filter(|(link, _)| link.state == "streaming");
    let judged: Vec<(&Link, Replies)> = streaming.map(|(link, last)| (link, replies(view, link, last))).collect();
    let not_for = |(link, replies): &(&Link, Replies)| match replies {
        Replies::NotFor(age) => Some(((*link).clone(), *age)),
        Replies::Yes | Replies::CannotTell(_) => None,
    };
    let silent: Vec<(Link, Micros)> = judged.iter().filter_map(not_for).collect();
    if silent.is_empty() {
        let unjudged = judged.iter().find_map(|(link, replies)| match replies {
            Replies::CannotTell(age) => Some(cannot_tell(link, *age)),
            Replies::Yes | Replies::NotFor(_) => None,
        });
        return unjudged.map_or(Look::Clear, Look::Holds);
    }
    Look::Holds(silent_standbys(view, &silent))
}

/// Nothing says whether a standby replies.
fn cannot_tell(link: &Link, age: Micros) -> Sighting {
    Sighting {
        severity: Severity::Unknown,
        clause: format!("whether standby `{}` replies cannot be told yet", link.name),
        values: format!(
            "its last reply is {} old by the difference of two clocks, its own and the primary's, and it was not asked \
             for its own",
            words::seconds(age)
        ),
        logins: "unknown: if it is frozen and commits wait for it, every login hangs".to_owned(),
        fix: "let the standby be asked, too; or wait: a reply that never changes is told after two status intervals"
            .to_owned(),
    }
}

/// What is said of standbys that do not reply.
fn silent_standbys(view: &View<'_, PostgresFacts>, silent: &[(Link, Micros)]) -> Sighting {
    let facts = view.facts;
    let names: Vec<&str> = silent.iter().map(|(link, _)| link.name.as_str()).collect();
    let age = |(link, age): &(Link, Micros)| format!("{} ({}) {}", link.name, link.sync_state, words::seconds(*age));
    let ages: Vec<String> = silent.iter().map(age).collect();
    let alive = facts.links.iter().filter(|link| counts(link) && !silent.iter().any(|(it, _)| it == *link)).count();
    let required = wanted(facts).map_or(0, |names| names.required());
    let waits = alive < required && (commits_wait(facts) || somebody_waits(facts));
    let whom = if names.len() == 1 { "standby" } else { "standbys" };
    Sighting {
        severity: if waits { Severity::Critical } else { Severity::Warning },
        clause: if waits {
            format!("commits wait for {whom} {}, connected but silent: frozen or cut off", words::names(&names))
        } else {
            format!("{whom} {} connected but silent: frozen or cut off", words::names(&names))
        },
        values: format!(
            "age of the last reply: {}; {alive} that reply of {required} that commits wait for; the server itself gives \
             up after wal_sender_timeout = {}",
            ages.join(", "),
            if facts.sender_timeout.0 == 0 { "never".to_owned() } else { words::seconds(facts.sender_timeout) }
        ),
        logins: if waits {
            "every login hangs until its own deadline, since it commits".to_owned()
        } else {
            "logins work, since their commits do not wait for it".to_owned()
        },
        fix: "see the standby's machine, its walreceiver process and the network between; to free logins: take it out of \
              synchronous_standby_names and reload; a shorter wal_sender_timeout drops such a link sooner"
            .to_owned(),
    }
}

/// A configured standby does not stream from here, nor from another standby.
pub(super) fn standby_absent(view: &View<'_, PostgresFacts>) -> Look {
    if view.facts.in_recovery || view.primary().is_some() {
        return Look::Clear;
    }
    let connected = |link: &Link| matches!(link.state.as_str(), "streaming" | "catchup");
    let follows =
        |facts: &PostgresFacts, it: &Server| facts.links.iter().any(|link| connected(link) && is_link_of(link, it));
    let there = |it: &Server| follows(view.facts, it) || view.peers.iter().any(|peer| follows(peer.facts, it));
    let archived = |it: &Server| {
        let replay = |facts: &PostgresFacts| facts.replay.as_ref().is_some_and(|replay| replay.archive_only);
        view.peers.iter().any(|peer| peer.server.name == it.name && replay(peer.facts))
    };
    let absent: Vec<&Server> = view.standbys().filter(|standby| !there(standby) && !archived(standby)).collect();
    if absent.is_empty() {
        return Look::Clear;
    }
    let names: Vec<&str> = absent.iter().map(|standby| standby.name.as_str()).collect();
    let last: Vec<String> = absent
        .iter()
        .map(|standby| match view.history.streamed(&standby.application_name) {
            Some(at) => format!("{} last streamed at {}", standby.application_name, words::time(at)),
            None => format!("{} was not seen to stream", standby.application_name),
        })
        .collect();
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("{} not stream from `{}`", does(&names), view.server.name),
        values: format!("{}; {}", last.join(", "), view_of_links(view.facts)),
        logins: "logins work unless commits wait for it or logins read from it; it protects nothing now".to_owned(),
        fix:
            "see the standby's log: password, pg_hba.conf, slot, removed WAL, timeline or system identifier; and that \
              application_name in its primary_conninfo is what is configured here"
                .to_owned(),
    })
}

fn does(names: &[&str]) -> String {
    let whom = if names.len() == 1 { "standby" } else { "standbys" };
    format!("{whom} {} {}", words::names(names), if names.len() == 1 { "does" } else { "do" })
}
