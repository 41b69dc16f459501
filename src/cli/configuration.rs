//! The arguments by which every command finds its configuration: file, then environment, then flags.

use std::path::PathBuf;

use crate::app::DiskFiles;
use crate::config::{Files, Loaded, Origin, Override, Overrides, Severity, Site, load};
use crate::model::Database;

use super::print::note;
use super::{CommandError, Exit};

/// What can be replaced: the key of the main file, its environment variable, its flag.
const REPLACEABLE: [(&str, &str, &str); 4] = [
    ("vantage", "DOORSTEP_VANTAGE", "--vantage"),
    ("store", "DOORSTEP_STORE", "--store"),
    ("spool", "DOORSTEP_SPOOL", "--spool"),
    ("listen", "DOORSTEP_LISTEN", "--listen"),
];

/// In help, apart from the options that are a command's own.
const HEADING: &str = "Configuration";

/// Where the configuration is, and what replaces its values on this machine.
#[derive(Debug, Clone, clap::Args)]
pub struct ConfigurationArgs {
    /// The main file.
    #[arg(long, short, value_name = "FILE", default_value = "doorstep.yaml", env = "DOORSTEP_CONFIG", help_heading = HEADING)]
    pub config: PathBuf,
    /// The vantage of this worker, instead of DOORSTEP_VANTAGE or the file's.
    #[arg(long, value_name = "NAME", help_heading = HEADING)]
    pub vantage: Option<String>,
    /// Where runs are kept: a folder or s3://bucket/prefix, instead of DOORSTEP_STORE or the file's.
    #[arg(long, value_name = "PLACE", help_heading = HEADING)]
    pub store: Option<String>,
    /// This worker's own journal, instead of DOORSTEP_SPOOL or the file's.
    #[arg(long, value_name = "FOLDER", help_heading = HEADING)]
    pub spool: Option<String>,
    /// Where /metrics and /healthz answer, instead of DOORSTEP_LISTEN or the file's.
    #[arg(long, value_name = "ADDRESS:PORT", help_heading = HEADING)]
    pub listen: Option<String>,
}

impl ConfigurationArgs {
    /// Reads the configuration with its mistakes.
    #[must_use]
    pub fn load(&self) -> Loaded {
        self.load_from(&DiskFiles)
    }

    /// Reads the configuration with its mistakes, through these files.
    #[must_use]
    pub fn load_from(&self, files: &dyn Files) -> Loaded {
        load(&self.config, files, &self.overrides(|name| std::env::var(name).ok()))
    }

    /// Reads a configuration that must be right, for a command that only uses it. Warnings are for `doorstep check`
    /// and for the worker, which lives with them.
    ///
    /// # Errors
    /// All its mistakes, with [`Exit::Usage`].
    pub fn site(&self) -> Result<Site, CommandError> {
        right(self.load()).map(|(site, _warnings)| site)
    }

    /// Reads a configuration that must be right, through these files; warnings go to standard error.
    ///
    /// # Errors
    /// As [`ConfigurationArgs::site`].
    pub fn site_from(&self, files: &dyn Files) -> Result<Site, CommandError> {
        let (site, warnings) = right(self.load_from(files))?;
        if !warnings.is_empty() {
            note(&warnings);
        }
        Ok(site)
    }

    /// The options by which another command finds the same configuration and the same runs, wherever they were said:
    /// the file always, and what replaces the place of this worker, of its store and of its spool.
    pub(super) fn again(&self) -> Vec<String> {
        let flags = [&self.vantage, &self.store, &self.spool];
        let mut words = vec!["--config".to_owned(), self.config.display().to_string()];
        for (&(_, variable, name), flag) in REPLACEABLE.iter().zip(flags) {
            let said = flag.clone().or_else(|| std::env::var(variable).ok().filter(|value| !value.is_empty()));
            words.extend(said.into_iter().flat_map(|value| [name.to_owned(), value]));
        }
        words
    }

    /// The environment first, so that flags replace it. An empty variable says nothing.
    fn overrides(&self, environment: impl Fn(&str) -> Option<String>) -> Overrides {
        let flags = [&self.vantage, &self.store, &self.spool, &self.listen];
        let mut all = Vec::new();
        for (&(key, variable, _), flag) in REPLACEABLE.iter().zip(flags) {
            if let (None, Some(value)) = (flag, environment(variable).filter(|value| !value.is_empty())) {
                all.push(Override { key, value, origin: Origin::Environment(variable) });
            }
        }
        for (&(key, _, name), flag) in REPLACEABLE.iter().zip(flags) {
            if let Some(value) = flag {
                all.push(Override { key, value: value.clone(), origin: Origin::Flag(name) });
            }
        }
        Overrides(all)
    }
}

/// The site and its warnings, or all mistakes.
fn right(loaded: Loaded) -> Result<(Site, String), CommandError> {
    let shown = |severity| {
        let all = loaded.diagnostics.iter().filter(move |finding| finding.severity == severity);
        all.map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let (warnings, errors) = (shown(Severity::Warning), shown(Severity::Error));
    let wrong = || CommandError::new(Exit::Usage, format!("the configuration is not right\n{errors}"));
    loaded.site.map(|site| (site, warnings)).ok_or_else(wrong)
}

/// The databases that a command is about: the named one, or all.
///
/// # Errors
/// A configuration without databases, and a name that it does not have, with [`Exit::Usage`].
pub(super) fn databases<'a>(site: &'a Site, name: Option<&str>) -> Result<Vec<&'a Database>, CommandError> {
    let usage = |message: String| CommandError::new(Exit::Usage, message);
    if site.databases.is_empty() {
        let message = "the configuration names no database: add databases: {NAME: {user: .., servers: {..}}}; \
                       probes/doorstep.yaml has an example";
        return Err(usage(message.to_owned()));
    }
    let Some(name) = name else { return Ok(site.databases.iter().collect()) };
    let found: Vec<&Database> = site.databases.iter().filter(|database| database.name.as_str() == name).collect();
    if found.is_empty() {
        let known: Vec<&str> = site.databases.iter().map(|database| database.name.as_str()).collect();
        return Err(usage(format!("no database is called '{name}': there is {}", known.join(", "))));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_replaces_the_environment() {
        let args = ConfigurationArgs {
            config: "doorstep.yaml".into(),
            vantage: Some("flag".to_owned()),
            store: None,
            spool: None,
            listen: None,
        };
        let set = |name: &str| match name {
            "DOORSTEP_VANTAGE" => Some("environment".to_owned()),
            "DOORSTEP_STORE" => Some("s3://bucket".to_owned()),
            "DOORSTEP_SPOOL" => Some(String::new()),
            _ => None,
        };
        let all = args.overrides(set).0;
        let shown: Vec<_> = all.iter().map(|one| (one.key, one.value.as_str(), one.origin.clone())).collect();
        let store = ("store", "s3://bucket", Origin::Environment("DOORSTEP_STORE"));
        assert_eq!(shown, [store, ("vantage", "flag", Origin::Flag("--vantage"))]);
    }
}
