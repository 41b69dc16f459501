//! Room: what a standby must have to replay its primary's log, and what must be left for other links and for helpers.

use super::super::finding::{Applies, many};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, beside};
use super::super::snapshot::Part;
use super::super::sql::{identifier, unhung};
use crate::model::Severity;

/// A standby with less of these than its primary pauses replay, and does not start again.
const MATCHED: [&str; 5] = [
    "max_connections",
    "max_worker_processes",
    "max_wal_senders",
    "max_prepared_transactions",
    "max_locks_per_transaction",
];

/// Free places for another standby and a backup.
const SPARE: f64 = 2.0;

pub(super) fn standby_capacity(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    for standby in scene.standbys()? {
        notes.each([standby], |standby, notes| {
            for name in MATCHED {
                let (here, there) = (standby.number(name)?, primary.number(name)?);
                if here < there {
                    notes.say(Said {
                        severity: Severity::Critical,
                        seen: format!("{name} is lower on {} than on {}", standby.server.name, primary.server.name),
                        values: beside([primary, standby], name),
                        effect: "replay pauses: logins that read there see the past, commits under remote_apply hang, \
                                 and the standby does not start again",
                        fix: format!(
                            "raise {name} on {} first; lower it on the primary first when it is to shrink",
                            standby.server.name
                        ),
                        applies: Applies::Restart,
                    });
                }
            }
            Ok(())
        });
    }
    notes.unread(scene);
    Ok(())
}

pub(super) fn wal_level(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        if !matches!(seen.text("wal_level")?, "replica" | "logical") {
            notes.say(Said {
                severity: Severity::Critical,
                seen: format!("the log of {} is not enough for a standby", seen.server.name),
                values: beside(scene.all.iter().copied(), "wal_level"),
                effect: "there is no standby, or none after a failover: the next lost server stops all logins",
                fix: "set wal_level = replica".to_owned(),
                applies: Applies::Restart,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn sender_room(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    let used = [
        ("max_wal_senders", Part::Links, ("link", "links"), primary.state.links.len()),
        ("max_replication_slots", Part::Slots, ("slot", "slots"), primary.state.slots.len()),
    ];
    for (name, part, (one, what), used) in used {
        primary.has(part)?;
        if used as f64 + SPARE > primary.number(name)? {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("{} in use, and {name} leaves fewer than two free", many(used, one, what)),
                values: vec![primary.shown(name), primary.told(format!("{what} in use"), used.to_string())],
                effect: "no backup and no new standby can connect when one is needed: logins are without \
                         protection, or wait, for longer",
                fix: format!("raise {name} to {} or more, on the standbys first", used + 2),
                applies: Applies::Restart,
            });
        }
    }
    Ok(())
}

pub(super) fn reserved_connections(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        let name = "superuser_reserved_connections";
        if seen.number(name)? < 3.0 {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("{} keeps fewer than three connections for superusers", seen.server.name),
                values: beside(scene.all.iter().copied(), name),
                effect: "when logins have used up all connections, nobody can come in to help",
                fix: "set superuser_reserved_connections = 3".to_owned(),
                applies: Applies::Restart,
            });
        }
        if seen.state.major() < 16 {
            return Ok(());
        }
        let reserved = "reserved_connections";
        if seen.number(reserved)? < 1.0 || !seen.state.has_reserved {
            let may = if seen.state.has_reserved { "yes" } else { "no" };
            let role = format!("role {} may use reserved connections", seen.state.asked_as);
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("{} keeps no connection for monitoring", seen.server.name),
                values: vec![seen.shown(reserved), seen.told(role, may)],
                effect: "when logins have used up all connections, monitoring is refused as well and sees nothing",
                fix: format!(
                    "set reserved_connections = 2 and, on the primary, {}",
                    unhung(&format!("grant pg_use_reserved_connections to {}", identifier(&seen.state.asked_as)))
                ),
                applies: Applies::Restart,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

/// Connections that ordinary roles can have on the primary.
pub(super) fn room(scene: &Scene<'_>) -> Result<f64, Missing> {
    let primary = scene.primary()?;
    let reserved = if primary.state.major() < 16 { 0.0 } else { primary.number("reserved_connections")? };
    Ok(primary.number("max_connections")? - primary.number("superuser_reserved_connections")? - reserved)
}
