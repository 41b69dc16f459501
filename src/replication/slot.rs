//! Replication slots: one that is not in use holds back WAL until the disk is full; one that lost its WAL means a
//! standby that has to be made again. Neither stops a login by itself.

use super::evidence::{Look, Sighting};
use super::peer::is_link_of;
use super::view::{Peer, View};
use super::words;
use crate::model::{PostgresFacts, Server, ServerRole, Severity, Slot};

/// A standby's slot is not in use and holds back WAL. A standby in maintenance looks the same, so this never says more
/// than warning. A standby that takes writes itself has left its slot behind: `two-primaries` tells that, and what to do.
pub(super) fn slot_idle(view: &View<'_, PostgresFacts>) -> Look {
    let idle: Vec<&Slot> =
        slots(view).filter(|slot| !slot.active && slot.retained.is_some() && !fading(slot)).collect();
    if idle.len() <= promoted(view) {
        return Look::Clear;
    }
    let told: Vec<String> =
        idle.iter().map(|slot| format!("{} holds {}", slot.name, words::bytes(slot.retained.unwrap_or(0)))).collect();
    Look::Holds(Sighting {
        severity: Severity::Warning,
        clause: format!("{} not in use", which(&idle, view, ["is", "are"])),
        values: told.join(", "),
        logins: "logins work; if it lasts, WAL fills the disk and every login fails, or the slot is lost \
                 (max_slot_wal_keep_size)"
            .to_owned(),
        fix: "start the standby that owns it; drop a slot that nobody owns (pg_drop_replication_slot)".to_owned(),
    })
}

/// A slot has lost WAL that its standby needs, or is about to. Where every configured standby streams, it is nobody's.
pub(super) fn slot_lost(view: &View<'_, PostgresFacts>) -> Look {
    let fading: Vec<&Slot> = slots(view).filter(|slot| fading(slot)).collect();
    if fading.is_empty() {
        return Look::Clear;
    }
    let lost = fading.iter().any(|slot| slot.wal_status.as_deref() == Some("lost"));
    let streams = |server: &Server| view.facts.links.iter().any(|it| it.state == "streaming" && is_link_of(it, server));
    let owned = view.standbys().any(|standby| !streams(standby));
    let told: Vec<String> = fading
        .iter()
        .map(|slot| format!("{} is {}", slot.name, slot.wal_status.as_deref().unwrap_or("unreserved")))
        .collect();
    Look::Holds(Sighting {
        severity: if lost && owned { Severity::Critical } else { Severity::Warning },
        clause: if lost {
            format!("{} lost WAL that its standby needs", which(&fading, view, ["has", "have"]))
        } else {
            format!("{} about to lose WAL that its standby needs", which(&fading, view, ["is", "are"]))
        },
        values: told.join(", "),
        logins: if lost && owned {
            "logins work unless commits wait for that standby: then they hang, and starting it does not help".to_owned()
        } else if lost {
            "logins work; every configured standby streams, so this slot is nobody's of ours".to_owned()
        } else {
            "logins work; the standby's copy is gone at the next checkpoint unless it connects before".to_owned()
        },
        fix: if lost {
            "make the standby again from a base backup, with a new slot; drop this one".to_owned()
        } else {
            "connect the standby now, or raise max_slot_wal_keep_size and reload".to_owned()
        },
    })
}

/// Slots of standbys, on a server that takes writes: on a standby, slots wait for a failover.
fn slots<'a>(view: &'a View<'_, PostgresFacts>) -> impl Iterator<Item = &'a Slot> {
    view.facts.slots.iter().filter(|slot| slot.physical && !view.facts.in_recovery)
}

/// How many standbys of this server take writes themselves.
fn promoted(view: &View<'_, PostgresFacts>) -> usize {
    let writes = |peer: &&Peer<'_, PostgresFacts>| {
        peer.server.role == ServerRole::Standby && !peer.facts.in_recovery && peer.facts.system == view.facts.system
    };
    view.peers.iter().filter(writes).count()
}

fn fading(slot: &Slot) -> bool {
    matches!(slot.wal_status.as_deref(), Some("unreserved" | "lost"))
}

/// `` slot `s1` on `primary` is ``, with the verb for one or for several.
fn which(slots: &[&Slot], view: &View<'_, PostgresFacts>, verb: [&str; 2]) -> String {
    let names: Vec<&str> = slots.iter().map(|slot| slot.name.as_str()).collect();
    let (whom, verb) = if names.len() == 1 { ("slot", verb[0]) } else { ("slots", verb[1]) };
    format!("{whom} {} on `{}` {verb}", words::names(&names), view.server.name)
}
