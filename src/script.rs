//! Scripts that people write in YAML: from text to what was written, every mistake with its place. The sandbox and the
//! simulation read theirs with it. Knows nothing of what a script is about.

use std::fmt;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

/// Why a script was refused.
#[derive(Debug, thiserror::Error)]
pub struct ScriptError {
    /// At least one, in the order of the text.
    pub mistakes: Vec<Mistake>,
}

/// One mistake in a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Line, from 1.
    pub line: u64,
    /// Column, from 1.
    pub column: u64,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(Mistake::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl ScriptError {
    /// All mistakes, one a line, each behind the name of its file: `faults.yaml:2:12: ...`.
    #[must_use]
    pub fn in_file(&self, file: impl fmt::Display) -> String {
        let line = |mistake: &Mistake| format!("{file}:{}:{}: {}", mistake.line, mistake.column, mistake.message);
        self.mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// Whether there is nothing in a text but blanks and comments.
pub(crate) fn is_blank(text: &str) -> bool {
    text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
}

/// Reads what was written, before anything is checked.
///
/// # Errors
/// The first mistake of YAML itself, or an unknown key.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, ScriptError> {
    serde_saphyr::from_str(text).map_err(|error| {
        // Without the snippet: a line of the script may hold a password.
        let error = error.without_snippet();
        let place = error.location();
        let line = place.map_or(1, |place| place.line());
        let column = place.map_or(1, |place| place.column());
        ScriptError { mistakes: vec![Mistake { line, column, message: plain_message(&error.to_string()) }] }
    })
}

/// The parser's message in plain words: without its own note of the place, with a guess at what was meant.
fn plain_message(message: &str) -> String {
    let without_place = match message.split_once(": ") {
        Some((place, rest)) if place.starts_with("error: line ") => rest,
        _ => message,
    };
    let end = without_place.find(" at line ").unwrap_or(without_place.len());
    let message = match &without_place[..end] {
        "expected sequence start" => "expected a list",
        "expected string scalar" => "expected a text",
        "expected mapping start" => "expected keys with values",
        other => other,
    };
    match meant(message) {
        Some(word) => format!("{message}; did you mean `{word}`?"),
        None => message.to_owned(),
    }
}

/// The expected word that is nearest to the unknown one.
fn meant(message: &str) -> Option<&str> {
    let (unknown, expected) = message.strip_prefix("unknown ")?.split_once(", expected one of ")?;
    let unknown = unknown.split('`').nth(1)?;
    let distance = |word: &&str| strsim::damerau_levenshtein(unknown, word);
    expected.split(", ").min_by_key(distance).filter(|word| distance(word) <= 2)
}

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Mistakes(Vec<Mistake>);

impl Mistakes {
    /// Notes a mistake at the place of a value.
    pub(crate) fn note<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        let (line, column) = (place.referenced.line(), place.referenced.column());
        self.0.push(Mistake { line, column, message: message.into() });
    }

    /// Notes a mistake of the script as a whole.
    pub(crate) fn note_whole(&mut self, message: impl Into<String>) {
        self.0.push(Mistake { line: 1, column: 1, message: message.into() });
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A duration such as `200ms` or `1m 30s`; zero after a mistake.
    pub(crate) fn duration(&mut self, written: &Spanned<String>) -> Duration {
        let parsed = written.value.parse::<jiff::SignedDuration>().ok().and_then(|span| Duration::try_from(span).ok());
        parsed.unwrap_or_else(|| {
            let message = format!("{:?} is no duration; write one such as 200ms, 20s or 1m 30s", written.value);
            self.note(written, message);
            Duration::ZERO
        })
    }

    /// A share from 0 to 1.
    pub(crate) fn share(&mut self, written: &Spanned<f64>) -> f64 {
        if !(0.0..=1.0).contains(&written.value) {
            self.note(written, format!("{} is no share; write a number from 0 to 1, such as 0.8", written.value));
        }
        written.value
    }

    /// The value, unless there are mistakes.
    ///
    /// # Errors
    /// All mistakes, in the order of the text.
    pub(crate) fn finish<T>(mut self, value: T) -> Result<T, ScriptError> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_key(|mistake| (mistake.line, mistake.column));
        Err(ScriptError { mistakes: self.0 })
    }
}
