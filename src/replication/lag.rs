//! How far a standby is behind, in time, and what that means for logins.
//!
//! The lag is what was observed: the primary had written a position when it answered, and a standby that was asked later
//! had not replayed it; so it is behind by at least the time between. That needs no clock but ours, is silent on an idle
//! pair, goes on when a link is cut, and cannot be had the wrong way round, since the standby is always asked after. The
//! usual measures are not used, because they were seen to fail: `now() - pg_last_xact_replay_timestamp()` cried in 40 of
//! 46 samples of a healthy idle pair, and the same "unless received equals replayed" reads 0 when the link is dead and
//! both are equal. Both are silent, or say nothing of it, while every commit hangs.

use jiff::Timestamp;

use super::commit::{counts, quorum_complete, somebody_waits};
use super::evidence::{Look, Sighting};
use super::peer::is_link_of;
use super::standby::{is_paused, obstacle};
use super::view::View;
use super::words;
use crate::model::{Link, Lsn, Micros, PostgresFacts, Replay, Severity};

/// From here on a login that reads what it wrote before is likely not to find it, whatever the way between.
const READS: Micros = Micros(2_000_000);

/// A standby that nobody reads from may be observed this much behind what it is told to be.
const BEHIND: Micros = Micros(5_000_000);

/// By its primary's own measure, `replay_lag`, which times replies instead of questions, it may be this much behind.
const MEASURED: Micros = Micros(2_000_000);

/// Three commits make a login; a delay of this much makes it a second longer or more.
const FELT: Micros = Micros(333_000);

/// What a standby was observed to lack.
struct Lag {
    /// At least this much behind.
    time: Micros,
    /// The position that the primary had written ..
    written: Lsn,
    /// .. by then.
    at: Timestamp,
}

/// How much a standby lacks, by what its primary was seen to have written before. Positions of other systems, or of
/// timelines that parted, mean nothing here.
fn observed(view: &View<'_, PostgresFacts>) -> Option<Lag> {
    let primary = view.primary()?;
    let facts = view.facts;
    let streams = facts.receiver.as_ref().is_some_and(|receiver| receiver.status == "streaming");
    let comparable = facts.system == primary.facts.system && (facts.timeline == primary.facts.timeline || streams);
    let written = view.history.first_beyond(&primary.server.name, facts.position?).filter(|_| comparable)?;
    let time = u64::try_from(view.at.duration_since(written.at).as_micros()).ok()?;
    Some(Lag { time: Micros(time), written: written.position, at: written.at })
}

/// The primary's own measure of this standby, which counts only where it says too much.
fn measured(view: &View<'_, PostgresFacts>) -> Option<Micros> {
    link_of(view)?.replay_lag
}

fn link_of<'a>(view: &'a View<'_, PostgresFacts>) -> Option<&'a Link> {
    view.primary()?.facts.links.iter().find(|link| is_link_of(link, view.server))
}

fn told(view: &View<'_, PostgresFacts>) -> String {
    let observed = observed(view).map(|lag| {
        format!(
            "the primary had written {} at {}, and {} later it is not replayed here",
            lag.written,
            words::time(lag.at),
            words::seconds(lag.time)
        )
    });
    let measured = measured(view).map(|lag| format!("replay_lag on the primary {}", words::seconds(lag)));
    let replay = view.facts.replay.as_ref();
    let delay =
        replay.filter(|it| it.delay.0 > 0).map(|it| format!("recovery_min_apply_delay = {}", words::seconds(it.delay)));
    let paused = replay.filter(|it| is_paused(it)).map(|it| format!("replay is {}", it.pause));
    let wait = replay.and_then(obstacle).map(|wait| format!("replay waits on {wait}"));
    let all: Vec<String> = [paused, delay, wait, observed, measured].into_iter().flatten().collect();
    all.join("; ")
}

/// A standby that logins read from shows the past.
pub(super) fn lagging_reads(view: &View<'_, PostgresFacts>) -> Look {
    let Some(replay) = view.facts.replay.as_ref().filter(|_| view.server.serves_reads) else { return Look::Clear };
    let late = |lag: Option<Micros>| lag.is_some_and(|lag| lag >= READS);
    let behind = late(observed(view).map(|lag| lag.time)) || late(measured(view));
    if !(behind || replay.delay.0 > 0 || is_paused(replay)) {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Critical,
        clause: format!("logins read from standby `{}`, which shows the past", view.server.name),
        values: told(view),
        logins:
            "a login succeeds and its session is not found by the next request (401, back to the login page), until \
                 the standby has replayed it"
                .to_owned(),
        fix:
            "read sessions from the primary; or set recovery_min_apply_delay = 0, resume replay, or end what blocks it"
                .to_owned(),
    })
}

/// A standby that no login reads is behind by more than it is told to be.
pub(super) fn replay_lag(view: &View<'_, PostgresFacts>) -> Look {
    let Some(replay) = view.facts.replay.as_ref().filter(|_| !view.server.serves_reads) else { return Look::Clear };
    let late = |lag: Option<Micros>, limit: Micros| lag.is_some_and(|lag| lag > limit + replay.delay);
    if !(late(observed(view).map(|lag| lag.time), BEHIND) || late(measured(view), MEASURED)) {
        return Look::Clear;
    }
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("standby `{}` is behind", view.server.name),
        values: told(view),
        logins: "logins work; a failover to it would have to replay first, and loses what it has not received"
            .to_owned(),
        fix: "see whether it receives and replays: its log, its disk and its sessions".to_owned(),
    })
}

/// Commits wait until this standby has applied them, and something holds it up.
pub(super) fn slow_replay(view: &View<'_, PostgresFacts>) -> Look {
    let (Some(replay), Some(primary)) = (view.facts.replay.as_ref(), view.primary()) else { return Look::Clear };
    let (waiters, waits) = (primary.facts.connection.sync_waiters, somebody_waits(primary.facts));
    // At any other level a commit waits for the standby's disk at most, so that a wait has another reason.
    let applies = primary.facts.commit_of_logins() == "remote_apply";
    let complete = quorum_complete(primary.facts) == Some(true) && link_of(view).is_some_and(counts);
    let slow = measured(view).is_some_and(|lag| lag >= FELT);
    let held_up = is_paused(replay) || replay.delay.0 > 0 || obstacle(replay).is_some();
    if !applies || !complete || !(held_up || slow) {
        return Look::Clear;
    }
    let felt = is_paused(replay) || waits || replay.delay >= FELT;
    Look::Holds(Sighting {
        severity: if felt { Severity::Critical } else { Severity::Warning },
        clause: format!("commits wait until standby `{}` has replayed them, and {}", view.server.name, why(replay)),
        values: format!(
            "synchronous_commit = {}{}; {} on `{}`; {}",
            primary.facts.commit_of_logins(),
            if primary.facts.connection.login_commit.is_some() { " for logins" } else { "" },
            if waiters == 1 { "1 session waits".to_owned() } else { format!("{waiters} sessions wait") },
            primary.server.name,
            told(view)
        ),
        logins: "each login waits for replay at each of its commits, about three: it is slow or hangs".to_owned(),
        fix:
            "resume replay, set recovery_min_apply_delay = 0 or end what blocks it; or synchronous_commit = on, which \
              waits for the disk and not for replay"
                .to_owned(),
    })
}

fn why(replay: &Replay) -> String {
    if is_paused(replay) {
        "replay is paused".to_owned()
    } else if replay.delay.0 > 0 {
        format!("it delays them by {}", words::seconds(replay.delay))
    } else if let Some(wait) = obstacle(replay) {
        format!("replay waits on {wait}")
    } else {
        "it is slow".to_owned()
    }
}
