//! Copies of one another, one of which takes writes; failover and the way back; what survives a crash.

use super::super::finding::Applies;
use super::super::scene::{Checked, Notes, Said, Scene, Seen, beside};
use super::super::snapshot::{DatabaseFacts, Part};
use crate::model::{ServerRole, Severity};

pub(super) fn copies(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.unread(scene);
    for seen in scene.all.iter().copied() {
        let (meant, is) = (seen.server.role, if seen.state.in_recovery { "standby" } else { "primary" });
        if (meant == ServerRole::Standby) == seen.state.in_recovery {
            continue;
        }
        notes.say(Said {
            severity: Severity::Critical,
            seen: format!("{} is meant to be a {meant} and is a {is}", seen.server.name),
            values: scene.all.iter().map(|one| one.told("pg_is_in_recovery()", one.state.in_recovery.to_string())).collect(),
            effect: "logins that are sent there fail at once, or two servers take writes and half of the logins are lost",
            fix: "send the service to the server that takes writes; with two of them, stop one and make it anew; after a \
                  failover, correct doorstep.yaml"
                .to_owned(),
            applies: Applies::None,
        });
    }
    let Ok(primary) = scene.primary() else { return Ok(()) };
    let differ = |what: &'static str, of: fn(Seen<'_>) -> String, notes: &mut Notes| {
        for seen in scene.all.iter().copied().filter(|seen| of(*seen) != of(primary)) {
            notes.say(Said {
                severity: Severity::Critical,
                seen: format!("the {what} of {} is not that of {}", seen.server.name, primary.server.name),
                values: vec![primary.told(what, of(primary)), seen.told(what, of(seen))],
                effect: "it is no copy of the primary: with synchronous commits every login hangs, and a failover to it \
                         loses logins",
                fix: format!("make {} anew from a base backup, or with pg_rewind", seen.server.name),
                applies: Applies::None,
            });
        }
    };
    differ("system identifier", |seen| seen.state.system.to_string(), notes);
    if scene.all.iter().all(|seen| seen.state.system == primary.state.system) {
        differ("timeline", |seen| seen.state.timeline.to_string(), notes);
    }
    Ok(())
}

pub(super) fn versions(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.unread(scene);
    let primary = scene.primary()?;
    for seen in scene.all.iter().copied().filter(|seen| seen.state.major() != primary.state.major()) {
        let version = |one: Seen<'_>| one.told("server_version_num", one.state.version.to_string());
        notes.say(Said {
            severity: Severity::Critical,
            seen: format!("{} is of another major version than {}", seen.server.name, primary.server.name),
            values: vec![version(primary), version(seen)],
            effect: "it cannot replay the log: there is no standby, and the next lost server stops all \
                         logins",
            fix: "use one major version on all servers".to_owned(),
            applies: Applies::Restart,
        });
    }
    notes.each(scene.all.iter().copied(), |seen, notes| {
        seen.has(Part::Databases)?;
        primary.has(Part::Databases)?;
        for database in &seen.state.databases {
            if let Some(said) = sorted_otherwise(primary, seen, database) {
                notes.say(said);
            }
        }
        Ok(())
    });
    Ok(())
}

/// Whether a database is encoded or sorted otherwise than on the primary, or than its indexes were made.
fn sorted_otherwise(primary: Seen<'_>, seen: Seen<'_>, database: &DatabaseFacts) -> Option<Said> {
    let told = |seen: Seen<'_>, facts: &DatabaseFacts| {
        let actual = facts.actual_version.as_deref().unwrap_or("unknown");
        let recorded = facts.recorded_version.as_deref().unwrap_or("none");
        let value = format!(
            "{} {} {}, sorted by version {actual}, indexes made with {recorded}",
            facts.encoding, facts.collate, facts.ctype
        );
        seen.told(format!("database {}", facts.name), value)
    };
    let there = primary.state.databases.iter().find(|other| other.name == database.name)?;
    let kind = |facts: &DatabaseFacts| (facts.encoding.clone(), facts.collate.clone(), facts.ctype.clone());
    let stale = database.recorded_version.is_some() && database.recorded_version != database.actual_version;
    if kind(there) == kind(database) && there.actual_version == database.actual_version && !stale {
        return None;
    }
    let mut values = vec![told(primary, there)];
    if seen.server.name != primary.server.name {
        values.push(told(seen, database));
    }
    Some(Said {
        severity: Severity::Warning,
        seen: format!("database {} is encoded or sorted otherwise on {}", database.name, seen.server.name),
        values,
        effect: "indexes on text may miss rows there: after a failover logins of some users fail, \
                         whose names are not found",
        fix: "use the same C library and ICU on all servers, or reindex after the change".to_owned(),
        applies: Applies::None,
    })
}

pub(super) fn recovery_target(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let name = "recovery_target_timeline";
    notes.each(scene.standbys()?, |standby, notes| {
        if standby.text(name)? != "latest" {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("{} stays on one timeline", standby.server.name),
                values: beside(scene.all.iter().copied(), name),
                effect: "after a failover to another server it does not follow, and with synchronous commits logins hang",
                fix: "set recovery_target_timeline = 'latest'".to_owned(),
                applies: Applies::Restart,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn durable_writes(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        for name in ["fsync", "full_page_writes"] {
            if !seen.is_on(name)? {
                notes.say(Said {
                    severity: Severity::Critical,
                    seen: format!("{name} is off on {}", seen.server.name),
                    values: beside(scene.all.iter().copied(), name),
                    effect: "a crash of the machine corrupts the data: all logins fail until a backup is restored",
                    fix: format!("set {name} = on"),
                    applies: Applies::Reload,
                });
            }
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn rewind(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        if !seen.is_on("wal_log_hints")? && !seen.is_on("data_checksums")? {
            notes.say(Said {
                severity: Severity::Info,
                seen: format!("pg_rewind cannot work on {}", seen.server.name),
                values: vec![seen.shown("wal_log_hints"), seen.shown("data_checksums")],
                effect: "after a failover the former primary must be copied whole before it is a standby \
                         again: logins are without protection for longer",
                fix: "set wal_log_hints = on, or use data checksums".to_owned(),
                applies: Applies::Restart,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn archive(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    if primary.text("archive_mode")? == "off" {
        return Ok(());
    }
    primary.has(Part::Archiver)?;
    let library = primary.text("archive_library").unwrap_or_default();
    let idle = primary.text("archive_command")?.is_empty() && library.is_empty();
    let archiver = primary.state.archiver.as_ref();
    let failing = archiver.is_some_and(|one| one.failed.is_some() && one.failed > one.archived);
    if !idle && !failing {
        return Ok(());
    }
    let last = |at: Option<jiff::Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let mut values = beside([primary], "archive_mode");
    values.push(primary.shown("archive_command"));
    if let Some(archiver) = archiver {
        values.push(primary.told("last archived", last(archiver.archived)));
        values.push(primary.told("last failure", format!("{} ({} in all)", last(archiver.failed), archiver.failures)));
    }
    notes.say(Said {
        severity: Severity::Critical,
        seen: if idle { "archiving is on and nothing archives".to_owned() } else { "archiving fails".to_owned() },
        values,
        effect: "log stays until the disk is full, and then no login can be written",
        fix: "repair archive_command and its target; the server tries again by itself".to_owned(),
        applies: Applies::Reload,
    });
    Ok(())
}
