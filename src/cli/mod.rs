//! The command line: one file per command; exit codes; printing. The only module that sees every module's errors.

pub mod print;

use std::process::ExitCode;

/// How a command ends. The numbers are documented in the README and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; a tried login was good.
    Good = 0,
    /// A tried login was bad.
    Bad = 1,
    /// A mistake in the arguments or the configuration.
    Usage = 2,
    /// A tried login was lost, or the command could not run.
    Lost = 3,
    /// The store or the spool failed.
    Store = 4,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// An error as the user sees it: what failed and why, and which exit code says so.
#[derive(Debug)]
pub struct CommandError {
    /// The exit code.
    pub exit: Exit,
    /// The whole message, without a prefix; may have several lines.
    pub message: String,
}

impl CommandError {
    /// An error with its exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into() }
    }
}
