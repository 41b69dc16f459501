//! Replay on standbys: what delays it, and who waits for it.

use super::super::finding::Applies;
use super::super::scene::{Checked, Notes, Said, Scene, Seen, beside};
use crate::model::Severity;

/// What a login can bear when the service's own deadline is not known, in milliseconds.
const BEARABLE: f64 = 5_000.0;

pub(super) fn remote_apply(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    let level = primary.text("synchronous_commit")?;
    if level != "remote_apply" || primary.text("synchronous_standby_names")?.is_empty() {
        return Ok(());
    }
    let bearable = scene.terms.service.deadline.map_or(BEARABLE, |deadline| deadline.as_secs_f64() * 1000.0);
    notes.each(scene.standbys()?, |standby, notes| {
        let (delay, conflicts) = ("recovery_min_apply_delay", "max_standby_streaming_delay");
        let waits = standby.number(conflicts)?;
        if standby.number(delay)? > 0.0 || waits < 0.0 || waits > bearable {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!(
                    "commits wait until {} has replayed them, which may take longer than a login bears",
                    standby.server.name
                ),
                values: vec![primary.shown("synchronous_commit"), standby.shown(delay), standby.shown(conflicts)],
                effect: "each login commits several times, and waits for replay each time: a delay or a long query on \
                         the standby makes logins slow or hang, while the quorum looks complete",
                fix: "set synchronous_commit = on, or on the standby recovery_min_apply_delay = 0 and a \
                      max_standby_streaming_delay of a second"
                    .to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn apply_delay(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let name = "recovery_min_apply_delay";
    notes.each(scene.standbys()?, |standby, notes| {
        if standby.number(name)? > 0.0 {
            let reads = standby.server.serves_reads;
            notes.say(Said {
                severity: if reads || waited_for(scene) { Severity::Critical } else { Severity::Warning },
                seen: format!("{} applies the log late on purpose", standby.server.name),
                values: [
                    beside(scene.all.iter().copied(), name),
                    vec![standby.told("logins read here", if reads { "yes" } else { "no" })],
                ]
                .concat(),
                effect: "logins that read there see the past (a login succeeds and its session is not there); commits \
                         under remote_apply wait this long; a failover takes this long",
                fix:
                    "set recovery_min_apply_delay = 0, or keep a delayed standby that nobody reads, waits for or fails \
                      over to"
                        .to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

/// Whether commits wait for replay.
fn waited_for(scene: &Scene<'_>) -> bool {
    let waits = |primary: Seen<'_>| {
        primary.text("synchronous_commit").is_ok_and(|level| level == "remote_apply")
            && primary.text("synchronous_standby_names").is_ok_and(|names| !names.is_empty())
    };
    scene.primary().is_ok_and(waits)
}

pub(super) fn streaming_delay(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.standbys()?, |standby, notes| {
        let (delay, feedback) = ("max_standby_streaming_delay", "hot_standby_feedback");
        let forever = standby.number(delay)? < 0.0;
        let silent = standby.server.serves_reads && !standby.is_on(feedback)?;
        if forever || silent {
            let seen = if forever {
                format!("queries on {} may hold up replay for ever", standby.server.name)
            } else {
                format!("logins read on {}, and the primary does not know what its queries need", standby.server.name)
            };
            notes.say(Said {
                severity: Severity::Warning,
                seen,
                values: vec![standby.shown(delay), standby.shown(feedback)],
                effect: "one long query or lock on the standby stops replay: logins that read there see the past or \
                         hang, or are cancelled; commits under remote_apply hang",
                fix: "set max_standby_streaming_delay = 30s or less, and hot_standby_feedback = on where logins read"
                    .to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn hot_standby(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        if !seen.is_on("hot_standby")? {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("{} could not be asked as a standby", seen.server.name),
                values: beside(scene.all.iter().copied(), "hot_standby"),
                effect: "as a standby it takes no sessions: whether it could take over the logins cannot be \
                         checked before it must",
                fix: "set hot_standby = on".to_owned(),
                applies: Applies::Restart,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}
