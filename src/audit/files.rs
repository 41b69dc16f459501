//! The lines of the configuration files that are not in force as they stand.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::setting::{Setting, reduced};
use super::snapshot::FileSetting;
use super::value;

/// A row of `pg_file_settings`, secrets and all: it lives for as long as it takes to judge it.
#[derive(Clone, Deserialize)]
pub struct RawFileLine {
    /// `name`.
    pub name: Option<String>,
    /// `setting`.
    pub setting: Option<String>,
    /// `sourcefile`.
    pub sourcefile: Option<String>,
    /// `sourceline`.
    pub sourceline: Option<u32>,
    /// `applied`: it would come into force at the next reload.
    pub applied: bool,
    /// `error`.
    pub error: Option<String>,
}

/// Compares what the files say with what is in force: mistakes, lines that were changed or added and not loaded, lines
/// that wait for a restart, lines that are gone and still in force.
#[must_use]
pub fn not_in_force(lines: &[RawFileLine], settings: &BTreeMap<String, Setting>) -> Vec<FileSetting> {
    let shown = |line: &RawFileLine| FileSetting {
        setting: line.name.clone(),
        value: line.name.as_ref().zip(line.setting.as_ref()).map(|(name, value)| reduced(name, value)),
        file: line.sourcefile.clone().unwrap_or_else(|| "a file".to_owned()),
        line: line.sourceline,
        error: line.error.as_deref().map(known_error),
    };
    let mut found: Vec<FileSetting> = lines.iter().filter(|line| line.error.is_some()).map(shown).collect();
    if found.iter().any(FileSetting::blocks) {
        // Nothing of the files comes into force: what else they say is beside the point.
        return found;
    }
    found.extend(lines.iter().filter(|line| line.applied && differs(line, settings)).map(shown));
    // The case of a name does not matter to the server.
    let named: BTreeSet<String> =
        lines.iter().filter_map(|line| line.name.as_deref()).map(str::to_ascii_lowercase).collect();
    let gone = |name: &str, setting: &Setting| setting.file().is_some() && !named.contains(&name.to_ascii_lowercase());
    let gone = settings.iter().filter(|(name, setting)| gone(name, setting));
    found.extend(gone.map(|(name, setting)| FileSetting {
        setting: Some(name.clone()),
        value: None,
        file: setting.file().unwrap_or_default().to_owned(),
        line: None,
        error: None,
    }));
    found
}

fn differs(line: &RawFileLine, settings: &BTreeMap<String, Setting>) -> bool {
    let (Some(name), Some(value)) = (&line.name, &line.setting) else { return false };
    let known = settings.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, setting)| setting);
    // What the command line or a session says covers the file.
    known.filter(|known| matches!(known.source(), "configuration file" | "default")).is_some_and(|known| {
        !known.pending_restart() && !value::same(known.value(), &reduced(name, value), known.unit())
    })
}

/// What the server says of a line that it cannot bring into force while it runs, or whose value it does not take: all
/// other lines come into force.
const NOT_APPLIED: &str = "setting could not be applied";
const UNRECOGNIZED: &str = "unrecognized configuration parameter";

impl FileSetting {
    /// Whether it keeps every line of the files from coming into force: a word that the server does not know, or a line
    /// that it cannot read.
    #[must_use]
    pub fn blocks(&self) -> bool {
        self.error.as_deref().is_some_and(|error| error != NOT_APPLIED)
    }
}

/// The server quotes lines in other messages, which may hold secrets.
fn known_error(error: &str) -> String {
    let known = [NOT_APPLIED, UNRECOGNIZED];
    let said = known.iter().find(|known| error.starts_with(**known));
    said.map_or_else(|| "cannot be read".to_owned(), |said| (*said).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::setting::RawSetting;
    use super::*;

    fn in_force(name: &str, value: &str, unit: Option<&str>, source: &str) -> (String, Setting) {
        let from_file = source == "configuration file";
        let raw = RawSetting {
            name: name.to_owned(),
            setting: Some(value.to_owned()),
            unit: unit.map(str::to_owned),
            source: source.to_owned(),
            sourcefile: from_file.then(|| "postgresql.conf".to_owned()),
            sourceline: from_file.then_some(1),
            pending_restart: false,
            context: "sighup".to_owned(),
        };
        (name.to_owned(), Setting::reduce(&raw))
    }

    fn line(name: &str, value: &str, error: Option<&str>) -> RawFileLine {
        RawFileLine {
            name: Some(name.to_owned()),
            setting: Some(value.to_owned()),
            sourcefile: Some("postgresql.conf".to_owned()),
            sourceline: Some(7),
            applied: error.is_none(),
            error: error.map(str::to_owned),
        }
    }

    #[test]
    fn what_is_not_loaded_is_found_and_what_is_the_same_is_not() {
        let settings = BTreeMap::from([
            in_force("wal_sender_timeout", "60000", Some("ms"), "configuration file"),
            in_force("work_mem", "4096", Some("kB"), "default"),
            in_force("port", "5432", None, "command line"),
            in_force("fsync", "on", None, "configuration file"),
            // The server spells some of its settings in two cases; files are written as people like.
            in_force("TimeZone", "UTC", None, "configuration file"),
            in_force("max_connections", "40", None, "configuration file"),
        ]);
        let lines = [
            line("wal_sender_timeout", "1min", None),
            line("Work_Mem", "8MB", None),
            line("port", "1", None),
            line("timezone", "UTC", None),
            line("Max_Connections", "50", Some(NOT_APPLIED)),
        ];
        let found = not_in_force(&lines, &settings);
        let shown: Vec<_> = found.iter().map(|one| (one.setting.as_deref(), one.value.as_deref())).collect();
        let expected = [(Some("Max_Connections"), Some("50")), (Some("Work_Mem"), Some("8MB")), (Some("fsync"), None)];
        assert_eq!(shown, expected);
        assert_eq!(found.iter().map(|one| one.line).collect::<Vec<_>>(), [Some(7), Some(7), None]);
        assert!(!found.iter().any(FileSetting::blocks), "all other lines come into force");
    }

    #[test]
    fn a_mistake_is_told_without_its_text() {
        let wrong = line("primary_conninfo", "password=hunter2", Some("syntax error near \"hunter2\""));
        let found = not_in_force(&[wrong, line("fsync", "off", None)], &BTreeMap::new());
        assert_eq!(found.len(), 1);
        assert!(found[0].blocks());
        assert_eq!(found[0].error.as_deref(), Some("cannot be read"));
        assert_eq!(found[0].value.as_deref(), Some("password=(hidden)"));
    }
}
