//! How many standbys commits wait for, and whether that is what was meant.

use super::super::finding::{Applies, many};
use super::super::scene::{Checked, Missing, Notes, Said, Scene, Seen, configured};
use super::super::snapshot::{Override, Part};
use super::super::sql::{identifier, unhung};
use super::names::Quorum;
use crate::model::Severity;

pub(super) fn sync_count(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let quorum = Quorum::of(scene)?;
    let (required, counting) = (quorum.names.required(), quorum.counting());
    if counting < required {
        notes.say(Said {
            severity: Severity::Critical,
            seen: format!(
                "commits wait for {} and {counting} of those that count {} connected",
                many(required, "standby", "standbys"),
                if counting == 1 { "is" } else { "are" }
            ),
            values: quorum.values(scene),
            effect: "every login hangs until its deadline",
            fix: "bring the missing standby back, or ask for fewer in synchronous_standby_names and reload".to_owned(),
            applies: Applies::Reload,
        });
    } else if !quorum.names.names_a_spare() || (required > 0 && counting == required) {
        notes.say(Said {
            severity: Severity::Warning,
            seen: format!(
                "commits wait for {required} of {}: there is no spare",
                many(counting, "standby", "standbys")
            ),
            values: quorum.values(scene),
            effect: "when a standby is lost or in maintenance, every login hangs",
            fix: "add a standby and name it too: ANY 1 (first, second)".to_owned(),
            applies: Applies::Reload,
        });
    }
    Ok(())
}

pub(super) fn sync_intent(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    let (names, level) = (primary.text("synchronous_standby_names")?, primary.text("synchronous_commit")?);
    let values = || vec![primary.shown("synchronous_standby_names"), primary.shown("synchronous_commit")];
    let waits = !names.is_empty() && !matches!(level, "off" | "local");
    if !names.is_empty() && !waits {
        notes.say(Said {
            severity: Severity::Warning,
            seen: "synchronous standbys are named, and commits do not wait for them".to_owned(),
            values: values(),
            effect: "logins do not hang, and those of the last moments are lost without a word with the primary",
            fix: "set synchronous_commit = on, or take the names out".to_owned(),
            applies: Applies::Reload,
        });
        return Ok(());
    }
    match scene.terms.service.lose_nothing {
        Some(true) if !waits => {
            notes.say(Said {
                severity: Severity::Warning,
                seen: "it was promised that no login is lost, and commits wait for no standby".to_owned(),
                values: [values(), vec![configured("service.lose_nothing", "true")]].concat(),
                effect: "logins do not hang, and those of the last moments are lost without a word with the primary",
                fix: "name the standbys in synchronous_standby_names, or take the promise back".to_owned(),
                applies: Applies::Reload,
            });
            Ok(())
        }
        None if names.is_empty() => Err(Missing::of_set(
            "whether it was promised that no login is lost is not known to any server: write service.lose_nothing",
        )),
        _ => Ok(()),
    }
}

/// Settings that shape logins, and that `SHOW` does not tell of others' sessions.
const SHAPING: [&str; 3] = ["synchronous_commit", "default_transaction_read_only", "statement_timeout"];

pub(super) fn overrides(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    primary.has(Part::Overrides)?;
    let all = primary.state.overrides.iter().filter(|one| SHAPING.contains(&one.setting.as_str()));
    for one in all.filter(|one| one.role.as_deref() != Some(&primary.state.asked_as)) {
        let refuses =
            one.setting == "default_transaction_read_only" && super::super::value::boolean(&one.value) == Some(true);
        let of_logins = one.role.is_none() || one.role == scene.database.login_role;
        notes.say(Said {
            severity: if refuses && of_logins { Severity::Critical } else { Severity::Warning },
            seen: format!("{} has a value of its own for {one}", one.setting),
            values: vec![primary.shown(&one.setting), primary.told(format!("{} for {one}", one.setting), &one.value)],
            effect: "some sessions behave otherwise than the server's setting says: a part of the logins fails, hangs or \
                     is lost, and SHOW in another session does not tell",
            fix: undo(one),
            applies: Applies::None,
        });
    }
    Ok(())
}

fn undo(one: &Override) -> String {
    let Override { database, role, setting, .. } = one;
    let role = role.as_deref().map(identifier);
    let database = database.as_deref().map(identifier);
    unhung(&match (role, database) {
        (Some(role), Some(database)) => format!("alter role {role} in database {database} reset {setting}"),
        (Some(role), None) => format!("alter role {role} reset {setting}"),
        (None, Some(database)) => format!("alter database {database} reset {setting}"),
        (None, None) => format!("alter role all reset {setting}"),
    })
}

pub(super) fn read_only_default(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let (primary, name): (Seen<'_>, _) = (scene.primary()?, "default_transaction_read_only");
    if primary.is_on(name)? {
        notes.say(Said {
            severity: Severity::Critical,
            seen: "the primary refuses writes unless a session says otherwise".to_owned(),
            values: super::super::scene::beside(scene.all.iter().copied(), name),
            effect: "every login fails at once with an error of the server",
            fix: "set default_transaction_read_only = off".to_owned(),
            applies: Applies::Reload,
        });
    }
    Ok(())
}
