//! A setting as a server reports it, with its secrets hidden on the way in.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use super::conninfo::{Conninfo, HIDDEN};
use super::finding::Applies;
use super::value;

/// Sources that say what this very session has, which may differ from what all others have.
const OF_THE_SESSION: [&str; 6] = ["client", "session", "user", "database", "database user", "interactive"];

/// A setting. Made by [`Setting::reduce`] only, so that none holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    source: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pending_restart: bool,
    /// `None` in snapshots that were kept before it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    context: Option<String>,
}

/// A row of `pg_settings`, secrets and all: it lives for as long as it takes to reduce it.
#[derive(Clone, Deserialize)]
pub struct RawSetting {
    /// `name`.
    pub name: String,
    /// `setting`.
    pub setting: Option<String>,
    /// `unit`.
    pub unit: Option<String>,
    /// `source`.
    pub source: String,
    /// `sourcefile`.
    pub sourcefile: Option<String>,
    /// `sourceline`.
    pub sourceline: Option<u32>,
    /// `pending_restart`.
    pub pending_restart: bool,
    /// `context`.
    pub context: String,
}

impl Setting {
    /// Takes over a row, without its secrets.
    #[must_use]
    pub fn reduce(raw: &RawSetting) -> Self {
        Self {
            value: reduced(&raw.name, raw.setting.as_deref().unwrap_or_default()),
            unit: raw.unit.clone(),
            source: raw.source.clone(),
            file: raw.sourcefile.clone(),
            line: raw.sourceline,
            pending_restart: raw.pending_restart,
            context: Some(raw.context.clone()),
        }
    }

    /// Takes over settings that were kept: by whatever rules they were reduced then, they are by those of now.
    ///
    /// # Errors
    /// What the format says of a map that is none of settings.
    pub(super) fn all_kept<'de, D: Deserializer<'de>>(kept: D) -> Result<BTreeMap<String, Self>, D::Error> {
        let mut all = BTreeMap::<String, Self>::deserialize(kept)?;
        for (name, setting) in &mut all {
            setting.value = reduced(name, &setting.value);
        }
        Ok(all)
    }

    /// The value as the server writes it, in [`Setting::unit`].
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// The unit of a bare number.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        self.unit.as_deref()
    }

    /// Where its value comes from: `default`, `configuration file`, `command line`, ..
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether a new value in a file waits for a restart. The new value itself is hidden from everybody.
    #[must_use]
    pub fn pending_restart(&self) -> bool {
        self.pending_restart
    }

    /// How a new value in a file comes into force, by `pg_settings.context`; `None` where none ever does, or where it is
    /// not known.
    #[must_use]
    pub fn applies(&self) -> Option<Applies> {
        match self.context.as_deref()? {
            "internal" => None,
            "postmaster" => Some(Applies::Restart),
            _ => Some(Applies::Reload),
        }
    }

    /// Whether nobody can set it: it is fixed when the server is built or its data folder is made.
    #[must_use]
    pub fn is_fixed(&self) -> bool {
        self.context.as_deref() == Some("internal")
    }

    /// Whether this is what the asking session has, which hides what others have.
    #[must_use]
    pub fn is_of_the_session(&self) -> bool {
        OF_THE_SESSION.contains(&self.source.as_str())
    }

    /// The file that sets it.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// Where it is set: `/etc/postgresql/15/main/postgresql.conf:64`, or its source.
    #[must_use]
    pub fn place(&self) -> String {
        match (&self.file, self.line) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            (Some(file), None) => file.clone(),
            _ => self.source.clone(),
        }
    }

    /// The value as people write it: `1min`.
    #[must_use]
    pub fn shown(&self) -> String {
        value::shown(&self.value, self.unit())
    }
}

/// A value without its secrets: connection strings are reduced to their keys; commands and settings that no server
/// knows by itself (with a dot in their name) may hold anything, and are hidden.
#[must_use]
pub fn reduced(name: &str, value: &str) -> String {
    let lower = name.to_ascii_lowercase();
    if value.is_empty() {
        return String::new();
    }
    if lower.ends_with("conninfo") {
        return Conninfo::reduce(value).to_string();
    }
    // These name a method or a file, or are on or off.
    let plain = matches!(lower.as_str(), "password_encryption" | "ssl_passphrase_command_supports_reload");
    let hidden = lower.contains('.') || lower.ends_with("_command") || TELLING.iter().any(|word| lower.contains(word));
    if (hidden && !plain) || gives_away(value) { HIDDEN.to_owned() } else { value.to_owned() }
}

/// What secrets are called.
const TELLING: [&str; 8] =
    ["password", "passwd", "passphrase", "secret", "token", "credential", "api_key", "private_key"];

/// Whether a value of whatever setting holds a secret beside its name, or the login of a URL: somebody may have written
/// a connection string where a name belongs.
fn gives_away(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let follows = |word: &str| {
        let ends = lower.match_indices(word).map(|(at, _)| lower[at + word.len()..].trim_start());
        ends.into_iter().any(|rest| rest.starts_with(['=', ':']))
    };
    let login = lower.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    login || TELLING.iter().any(|word| follows(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_do_not_enter() {
        let shown = |name, value| reduced(name, value);
        assert_eq!(shown("primary_conninfo", "host=a password=hunter2"), "host=a password=(hidden)");
        assert_eq!(shown("archive_command", "curl -u me:hunter2"), HIDDEN);
        assert_eq!(shown("app.user_key", "hunter2"), HIDDEN);
        assert_eq!(shown("ssl_passphrase_command", "echo hunter2"), HIDDEN);
        assert_eq!(shown("password_encryption", "md5"), "md5");
        assert_eq!(shown("restore_command", ""), "");
        for name in [
            "restore_command",
            "Archive_Command",
            "recovery_end_command",
            "archive_cleanup_command",
            "plperl.on_init",
            "vault_token",
            "app_secret",
            "my_PassWord",
            "recovery_credentials",
        ] {
            assert_eq!(shown(name, "hunter2"), HIDDEN, "{name}");
        }
        // A connection string where a name belongs.
        for value in ["s1 password=hunter2", "s1;Password : hunter2", "postgres://r:hunter2@db1", "x secret=hunter2"] {
            for name in ["primary_slot_name", "cluster_name", "synchronous_standby_names", "application_name"] {
                assert_eq!(shown(name, value), HIDDEN, "{name}");
            }
        }
        for (name, value) in [
            ("shared_preload_libraries", "passwordcheck, pg_stat_statements"),
            ("primary_slot_name", "s1"),
            ("ssl_passphrase_command_supports_reload", "off"),
            ("search_path", "\"$user\", public"),
        ] {
            assert_eq!(shown(name, value), value);
        }
    }
}
