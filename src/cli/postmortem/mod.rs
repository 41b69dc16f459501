//! `doorstep postmortem`: the draft of one, and the check of a written one.

mod draft;
mod gather;
mod lint;

use clap::Subcommand;

use super::{CommandError, Exit};

const EXAMPLES: &str = "\
Examples:
  doorstep postmortem draft --incident 20240305-0900-3fa2c1
  doorstep postmortem lint postmortem-20240305-0900-3fa2c1/postmortem.md";

/// Write the measured half of a postmortem, and check a written one.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct PostmortemArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write what was measured of an incident, with blanks for what no probe can know.
    Draft(draft::DraftArgs),
    /// Check a written postmortem against itself, and against the data.
    Lint(lint::LintArgs),
}

/// Drafts or checks a postmortem. A check ends with [`Exit::Bad`] when it found an error.
///
/// # Errors
/// Arguments or a configuration that are not right, a store that cannot be read, an incident that is not there, files
/// that cannot be read or written.
pub async fn execute(args: PostmortemArgs) -> Result<Exit, CommandError> {
    match args.command {
        Command::Draft(args) => draft::execute(&args).await,
        Command::Lint(args) => lint::execute(&args).await,
    }
}
