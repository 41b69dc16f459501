//! Slots and kept log: whether a standby that was away can come back.

use std::collections::BTreeSet;

use super::super::finding::Applies;
use super::super::scene::{Checked, Missing, Notes, Said, Scene, Seen, beside, configured};
use super::super::snapshot::{Part, SlotFacts};
use crate::model::Severity;

pub(super) fn standby_slot(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.standbys()?, |standby, notes| {
        let upstream = scene.upstream(standby)?;
        upstream.has(Part::Slots)?;
        let name = standby.text("primary_slot_name")?;
        if name.is_empty() {
            notes.say(without_slot(upstream, standby)?);
            return Ok(());
        }
        let slot = upstream.state.slots.iter().find(|slot| slot.name == name);
        let Some(wrong) = wrong_with(slot) else { return Ok(()) };
        let state = slot.map_or_else(|| "absent".to_owned(), slot_state);
        notes.say(Said {
            severity: Severity::Critical,
            seen: format!("the slot of {} on {}, {name}, {wrong}", standby.server.name, upstream.server.name),
            values: vec![standby.shown("primary_slot_name"), upstream.told(format!("slot {name}"), state)],
            effect: "the standby does not follow, or is gone for good: with synchronous commits every login hangs, \
                     without them the next lost primary loses logins",
            fix: match slot {
                None => format!(
                    "correct primary_slot_name on {}, or create the slot on {}: select \
                     pg_create_physical_replication_slot('{name}')",
                    standby.server.name, upstream.server.name
                ),
                Some(_) => {
                    format!("start or repair {}; a slot that is lost needs a new base backup", standby.server.name)
                }
            },
            applies: if slot.is_none() { Applies::Reload } else { Applies::None },
        });
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

fn wrong_with(slot: Option<&SlotFacts>) -> Option<&'static str> {
    match slot {
        None => Some("does not exist"),
        Some(SlotFacts { physical: false, .. }) => Some("is a logical one"),
        Some(slot) if !matches!(slot.wal_status.as_deref(), Some("reserved" | "extended")) => {
            Some("has lost log that the standby needs, or is about to")
        }
        Some(SlotFacts { active: false, .. }) => Some("is not in use"),
        Some(_) => None,
    }
}

/// Critical unless something else keeps the log for the standby.
fn without_slot(upstream: Seen<'_>, standby: Seen<'_>) -> Result<Said, Missing> {
    let kept = upstream.number("wal_keep_size")? > 0.0 || !standby.text("restore_command")?.is_empty();
    Ok(Said {
        severity: if kept { Severity::Warning } else { Severity::Critical },
        seen: format!("{} uses no slot", standby.server.name),
        values: vec![
            standby.shown("primary_slot_name"),
            standby.shown("restore_command"),
            upstream.shown("wal_keep_size"),
        ],
        effect: "after a pause the log that the standby needs may be gone, and it must be made anew; with synchronous \
                 commits every login hangs until then",
        fix: format!("create a slot on {} and set primary_slot_name on {}", upstream.server.name, standby.server.name),
        applies: Applies::Reload,
    })
}

fn slot_state(slot: &SlotFacts) -> String {
    let active = if slot.active { "active" } else { "not active" };
    let status = slot.wal_status.as_deref().unwrap_or("nothing reserved");
    slot.retained.map_or_else(|| format!("{active}, {status}"), |bytes| format!("{active}, {status}, keeps {bytes} B"))
}

pub(super) fn slot_limit(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let (primary, name) = (scene.primary()?, "max_slot_wal_keep_size");
    let limit = primary.number(name)?;
    if limit < 0.0 {
        notes.say(Said {
            severity: Severity::Warning,
            seen: "what slots keep has no bound".to_owned(),
            values: vec![primary.shown(name)],
            effect: "a standby that stays away fills the primary's disk, and then no login can be written",
            fix:
                "set max_slot_wal_keep_size below the free space of the disk and above what a tolerated absence writes"
                    .to_owned(),
            applies: Applies::Reload,
        });
        return Ok(());
    }
    enough(scene, primary, limit).unwrap_or(Ok(None))?.into_iter().for_each(|said| notes.say(said));
    match scene.terms.service.wal_disk_free {
        Some(free) if limit > free as f64 => notes.say(Said {
            severity: Severity::Warning,
            seen: "slots may keep more than the disk can take".to_owned(),
            values: vec![primary.shown(name), configured("service.wal_disk_free", size(free as f64))],
            effect: "a standby that stays away fills the primary's disk, and then no login can be written",
            fix: "lower max_slot_wal_keep_size, or make the disk larger".to_owned(),
            applies: Applies::Reload,
        }),
        Some(_) => {}
        None => notes.not_checked(Missing::of_set(
            "how much the disk of the log can take is not known to any server: write service.wal_disk_free",
        )),
    }
    if scene.terms.service.standby_absence.is_none() {
        notes.not_checked(Missing::of_set(
            "how long a standby may be away is not known to any server: write service.standby_absence",
        ));
    }
    Ok(())
}

/// Whether the bound holds what is written while a standby may be away; `None` when nobody said how long that is.
fn enough(scene: &Scene<'_>, primary: Seen<'_>, limit: f64) -> Option<Result<Option<Said>, Missing>> {
    let absence = scene.terms.service.standby_absence?;
    let Some(rate) = primary.state.wal_rate.filter(|rate| rate.seconds > 0) else {
        let because = primary.state.gap(Part::WalRate).unwrap_or("the server has not measured yet how much it writes");
        return Some(Err(primary.missing(because)));
    };
    let hourly = rate.bytes as f64 / rate.seconds as f64 * 3600.0;
    let needed = hourly * absence.as_secs_f64() / 3600.0;
    let said = Said {
        severity: Severity::Warning,
        seen: "slots keep less than a tolerated absence writes".to_owned(),
        values: vec![
            primary.shown("max_slot_wal_keep_size"),
            primary.told("log written per hour", size(hourly)),
            configured("service.standby_absence", format!("{} min", absence.as_secs() / 60)),
        ],
        effect: "a standby that comes back in time must be made anew; with synchronous commits every login hangs until \
                 then",
        fix: format!("set max_slot_wal_keep_size to {} or more", size(needed)),
        applies: Applies::Reload,
    };
    Some(Ok((limit < needed).then_some(said)))
}

/// Bytes for people.
fn size(bytes: f64) -> String {
    let units = [(1_073_741_824.0, "GB"), (1_048_576.0, "MB"), (1_024.0, "kB")];
    let fits = units.iter().find(|(scale, _)| bytes >= *scale);
    fits.map_or_else(|| format!("{bytes:.0} B"), |(scale, name)| format!("{:.1} {name}", bytes / scale))
}

pub(super) fn wal_keep(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.standbys()?, |standby, notes| {
        let upstream = scene.upstream(standby)?;
        if standby.text("primary_slot_name")?.is_empty() && upstream.number("wal_keep_size")? <= 0.0 {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("nothing keeps log for {}, which uses no slot", standby.server.name),
                values: vec![upstream.shown("wal_keep_size"), standby.shown("primary_slot_name")],
                effect: "after a short pause the standby cannot follow any more and must be made anew; with \
                         synchronous commits every login hangs until then",
                fix: "use a slot, or set wal_keep_size to what is written while a standby may be away".to_owned(),
                applies: Applies::Reload,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn foreign_slots(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    if !scene.unread.is_empty() {
        return Err(Missing::of_set(format!(
            "whose slots are whose is not known: {} did not answer",
            scene.unread_names()
        )));
    }
    let mut ours = BTreeSet::new();
    for standby in &scene.all {
        ours.insert(standby.text("primary_slot_name")?);
    }
    notes.each(scene.all.iter().copied(), |seen, notes| {
        seen.has(Part::Slots)?;
        let idle = |slot: &&SlotFacts| !slot.active && !slot.temporary && !ours.contains(slot.name.as_str());
        for slot in seen.state.slots.iter().filter(idle) {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!(
                    "nobody uses slot {} on {}, and it is no standby's of this set",
                    slot.name, seen.server.name
                ),
                values: [
                    vec![seen.told(format!("slot {}", slot.name), slot_state(slot))],
                    beside([seen], "max_slot_wal_keep_size"),
                ]
                .concat(),
                effect: "it keeps log until the disk is full, and then no login can be written",
                fix: format!("find its owner, or drop it: select pg_drop_replication_slot('{}')", slot.name),
                applies: Applies::None,
            });
        }
        Ok(())
    });
    Ok(())
}
