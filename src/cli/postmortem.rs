//! `doorstep postmortem`: the check of a written one.

use std::fs;
use std::path::PathBuf;

use clap::Subcommand;

use crate::postmortem::lint::{self, Severity};

use super::print::out;
use super::{CommandError, Exit};

/// Write the measured half of a postmortem, and check a written one.
#[derive(Debug, clap::Args)]
pub struct PostmortemArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a written postmortem against itself.
    Lint(LintArgs),
}

const LINT_EXAMPLES: &str = "\
Examples:
  doorstep postmortem lint incident-2024-03-05.md
  doorstep postmortem lint incident-2024-03-05.md --format json

Exit codes: 0 no error found (notes and warnings may have been), 1 at least one error found, 2 usage or a file that cannot be read.";

/// Find what a postmortem says against itself: times, durations, shares, sections, actions.
#[derive(Debug, clap::Args)]
#[command(after_help = LINT_EXAMPLES)]
struct LintArgs {
    /// The postmortem, in Markdown.
    file: PathBuf,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Drafts or checks a postmortem. A check ends with [`Exit::Bad`] when it found an error.
///
/// # Errors
/// Arguments that are not right, and files that cannot be read.
pub fn execute(args: &PostmortemArgs) -> Result<Exit, CommandError> {
    match &args.command {
        Command::Lint(args) => check(args),
    }
}

fn check(args: &LintArgs) -> Result<Exit, CommandError> {
    let file = args.file.display().to_string();
    let verdict = lint::lint(&markdown(args)?);
    out(&match args.format {
        Format::Text => lint::text(&file, &verdict),
        Format::Json => lint::json(&file, &verdict),
    });
    Ok(if verdict.count(Severity::Error) > 0 { Exit::Bad } else { Exit::Good })
}

/// The text of the file.
fn markdown(args: &LintArgs) -> Result<String, CommandError> {
    let usage = |message| CommandError::new(Exit::Usage, message);
    let name = args.file.display();
    let bytes = fs::read(&args.file).map_err(|error| usage(format!("cannot read {name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        usage(format!("{name}:{line}: the file is not UTF-8 from here on: save it as UTF-8 (Unicode) text"))
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        return Err(usage(format!("{name} is empty: write the postmortem first")));
    }
    Ok(text)
}
