//! Patterns of words, compiled once. Each is a constant that a test of its own module matches.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is compiled when it is first used.
pub(super) type Pattern = LazyLock<Regex>;

/// Compiles a constant pattern.
pub(super) fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("patterns are constants that tests match")
}
