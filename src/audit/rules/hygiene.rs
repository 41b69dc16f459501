//! Where settings stand and whether they are in force; time limits of sessions.

use super::super::finding::{Applies, Value};
use super::super::scene::{Checked, Notes, Said, Scene, Seen, beside};
use super::super::setting::Setting;
use super::super::snapshot::{FileSetting, Part};
use crate::model::Severity;

pub(super) fn pending_restart(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        let waiting = |(_, setting): &(&String, &Setting)| setting.pending_restart();
        let names: Vec<&str> = seen.state.settings.iter().filter(waiting).map(|(name, _)| name.as_str()).collect();
        if !names.is_empty() {
            notes.say(Said {
                severity: Severity::Warning,
                seen: format!("new values on {} wait for a restart: {}", seen.server.name, names.join(", ")),
                values: names.iter().map(|name| seen.shown(name)).collect(),
                effect: "the next restart, at whatever hour, changes how logins are served, and the new value is not \
                         shown by any view",
                fix: "restart at a time of your choice, or take the change back and reload".to_owned(),
                applies: Applies::Restart,
            });
        }
        if !seen.state.sees_all {
            let because = format!("role {} does not see all settings: grant pg_monitor to it", seen.state.asked_as);
            return Err(seen.missing(because));
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn loaded_files(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        seen.has(Part::FileSettings)?;
        if let Some((wrong, applies)) = not_loaded(seen) {
            let fix = match applies {
                Applies::Restart => "restart at a time of your choice, or take the change back and reload",
                _ => "correct the lines, then select pg_reload_conf() and see that pg_conf_load_time() moves",
            };
            notes.say(Said {
                severity: Severity::Warning,
                seen: wrong,
                values: not_in_force(seen),
                effect: "a fix may silently not be in force while logins go on failing, or a change comes \
                         with the next reload or restart, whoever makes it",
                fix: fix.to_owned(),
                applies,
            });
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

/// The worst of what is not in force, and how its correction comes into force.
fn not_loaded(seen: Seen<'_>) -> Option<(String, Applies)> {
    let (lines, name) = (&seen.state.file_settings, &seen.server.name);
    let waits = |line: &FileSetting| {
        let setting = line.setting.as_deref().and_then(|name| seen.state.setting(name));
        line.error.is_some() && setting.is_some_and(|setting| setting.applies() == Some(Applies::Restart))
    };
    if lines.is_empty() {
        None
    } else if lines.iter().any(FileSetting::blocks) {
        Some((format!("the files of {name} hold mistakes: the next reload changes nothing"), Applies::Reload))
    } else if lines.iter().any(|line| line.error.is_some() && !waits(line)) {
        let wrong = format!("the files of {name} hold a value that the server does not take: a reload skips its line");
        Some((wrong, Applies::Reload))
    } else if lines.iter().all(waits) {
        let wrong = format!("the files of {name} hold what a reload skips, since it waits for a restart");
        Some((wrong, Applies::Restart))
    } else {
        Some((format!("the files of {name} were changed and not loaded"), Applies::Reload))
    }
}

/// What the files say, each beside what is in force.
fn not_in_force(seen: Seen<'_>) -> Vec<Value> {
    let mut values = vec![seen.told("pg_conf_load_time()", seen.state.loaded.to_string())];
    for line in &seen.state.file_settings {
        let what = line.setting.clone().unwrap_or_else(|| "a line".to_owned());
        let written = line.value.clone().unwrap_or_default();
        // A number that was kept as 0 stands for a line that is gone, too.
        let number = line.line.filter(|number| *number > 0);
        let value = match (&line.error, number) {
            (Some(error), _) => format!("'{written}': {error}"),
            (None, Some(_)) => format!("'{written}' in the file"),
            (None, None) => "in the file no more".to_owned(),
        };
        let place = number.map_or_else(|| line.file.clone(), |number| format!("{}:{number}", line.file));
        let known = line.setting.as_ref().filter(|name| seen.state.setting(name).is_some());
        values.push(Value { place: Some(place), ..seen.told(what, value) });
        values.extend(known.map(|name| seen.shown(name)));
    }
    values
}

/// `pg_basebackup -R` writes these into the file by design.
const WRITTEN_BY_TOOLS: [&str; 2] = ["primary_conninfo", "primary_slot_name"];

pub(super) fn managed_files(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    notes.each(scene.all.iter().copied(), |seen, notes| {
        let shadowed = |(name, setting): &(&String, &Setting)| {
            setting.file().is_some_and(|file| file.ends_with("postgresql.auto.conf"))
                && !WRITTEN_BY_TOOLS.contains(&name.as_str())
        };
        let names: Vec<&String> = seen.state.settings.iter().filter(shadowed).map(|(name, _)| name).collect();
        if !names.is_empty() {
            notes.say(Said {
                severity: Severity::Info,
                seen: format!("ALTER SYSTEM set {} of the settings of {}", names.len(), seen.server.name),
                values: names.iter().map(|name| seen.shown(name)).collect(),
                effect: "what the managed file says of them is not in force: a fix there changes nothing, and logins go on \
                         failing",
                fix: "move them into the managed file, then alter system reset each".to_owned(),
                applies: Applies::Reload,
            });
        }
        if seen.state.settings.values().all(|setting| setting.file().is_none()) {
            return Err(seen.missing(format!(
                "role {} does not see where settings are set: grant pg_monitor to it",
                seen.state.asked_as
            )));
        }
        Ok(())
    });
    notes.unread(scene);
    Ok(())
}

pub(super) fn session_timeouts(scene: &Scene<'_>, notes: &mut Notes) -> Checked {
    let primary = scene.primary()?;
    let mut unset = Vec::new();
    for name in ["statement_timeout", "idle_in_transaction_session_timeout", "client_connection_check_interval"] {
        // The last one came with version 14; a limit of the asking session says nothing of others.
        match primary.number(name) {
            Ok(0.0) => unset.push(name),
            Ok(_) => {}
            Err(missing) => notes.not_checked(missing),
        }
    }
    if !unset.is_empty() {
        notes.say(Said {
            severity: Severity::Info,
            seen: format!("no limit is set for {}", unset.join(", ")),
            values: unset.iter().flat_map(|name| beside([primary], name)).collect(),
            effect: "stuck statements and abandoned sessions keep locks and connections that logins need; \
                         none of these ends a commit that waits for a standby: they do not help against \
                         hanging logins",
            fix: "set them for the service's role, with values above the slowest good login".to_owned(),
            applies: Applies::Reload,
        });
    }
    Ok(())
}
