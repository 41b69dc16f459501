//! What is wrong, where, why, and what to write instead. Mistakes are collected, never thrown, so that one look shows
//! them all. Knows nothing of what a configuration means.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::yaml::Node;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A configuration file.
    File(Arc<Path>),
    /// An environment variable.
    Environment(&'static str),
    /// A command line flag.
    Flag(&'static str),
}

/// A place in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file, variable or flag.
    pub origin: Origin,
    /// Line, from 1; 0 when the whole origin is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 when the whole origin is meant.
    pub column: usize,
}

impl Place {
    /// The whole of an origin.
    pub(super) fn whole(origin: Origin) -> Self {
        Self { origin, line: 0, column: 0 }
    }

    /// Without the column, as `check --print` shows it.
    pub(super) fn line_only(&self) -> Self {
        Self { column: 0, ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            Origin::File(path) => write!(f, "{}", path.display())?,
            Origin::Environment(name) => write!(f, "environment {name}")?,
            Origin::Flag(name) => write!(f, "flag {name}")?,
        }
        match (self.line, self.column) {
            (0, _) => Ok(()),
            (line, 0) => write!(f, ":{line}"),
            (line, column) => write!(f, ":{line}:{column}"),
        }
    }
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is not used.
    Error,
    /// It is used, but look at this.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// The way from the top of the document, such as `steps[1].submit`; empty for the document itself.
    pub path: String,
    /// What is wrong and why: a lowercase sentence that quotes the offending text, unless that could be a secret.
    pub reason: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl Diagnostic {
    /// The finding as a JSON object.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        let (kind, origin) = match &self.place.origin {
            Origin::File(path) => ("file", path.display().to_string()),
            Origin::Environment(name) => ("environment", (*name).to_owned()),
            Origin::Flag(name) => ("flag", (*name).to_owned()),
        };
        json!({
            "severity": self.severity.to_string(), kind: origin, "line": self.place.line, "column": self.place.column,
            "path": self.path, "reason": self.reason, "help": self.help,
        })
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: error: path: reason`, and the help on a line of its own.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: ", self.place, self.severity)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)?;
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// A reason and, where there is one, a way out; without a place yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) reason: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), help: None }
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the help when there is one.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

impl<S: Into<String>> From<S> for Problem {
    fn from(reason: S) -> Self {
        Self::new(reason)
    }
}

/// Nobody reads more findings than this.
const MOST: usize = 500;

/// All findings so far.
#[derive(Debug, Default)]
pub(super) struct Findings {
    all: Vec<Diagnostic>,
}

impl Findings {
    /// Notes an error.
    pub(super) fn error(&mut self, place: &Place, problem: impl Into<Problem>) {
        self.add(Severity::Error, place, problem.into());
    }

    /// Notes a warning.
    pub(super) fn warning(&mut self, place: &Place, problem: impl Into<Problem>) {
        self.add(Severity::Warning, place, problem.into());
    }

    fn add(&mut self, severity: Severity, place: &Place, problem: Problem) {
        let Problem { reason, help } = problem;
        let finding = Diagnostic { severity, place: place.clone(), path: String::new(), reason, help };
        if self.all.len() == MOST {
            let finding = Diagnostic {
                reason: format!("more than {MOST} findings; the rest is not shown"),
                help: None,
                ..finding
            };
            self.all.push(finding);
        } else if self.all.len() < MOST && !self.all.contains(&finding) {
            self.all.push(finding);
        }
    }

    /// Whether a mistake at this very place was noted before.
    pub(super) fn has_error_at(&self, place: &Place) -> bool {
        self.all.iter().any(|finding| finding.severity == Severity::Error && finding.place == *place)
    }

    /// Whether nothing forbids the use of the configuration.
    pub(super) fn no_errors(&self) -> bool {
        self.all.iter().all(|finding| finding.severity != Severity::Error)
    }

    /// All findings in the order of their places, each with its path in the documents.
    pub(super) fn finish(mut self, documents: &[Node]) -> Vec<Diagnostic> {
        for finding in &mut self.all {
            finding.path = documents.iter().find_map(|document| document.path_of(&finding.place)).unwrap_or_default();
        }
        self.all.sort_by(|a, b| a.place.cmp(&b.place).then(a.severity.cmp(&b.severity)));
        self.all
    }
}
