//! `doorstep completions`: completion scripts, generated from the same definitions that parse.

use clap::Args;

use super::{CommandError, Exit, print};

/// Arguments of `doorstep completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  doorstep completions bash > /etc/bash_completion.d/doorstep
  doorstep completions zsh > ~/.zfunc/_doorstep")]
pub struct CompletionsArgs {
    /// The shell.
    shell: clap_complete::Shell,
}

/// Prints the script.
///
/// # Errors
/// When the script is no text, which no shell's is.
pub fn execute(args: &CompletionsArgs, command: &mut clap::Command) -> Result<Exit, CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, command, "doorstep", &mut script);
    let script = String::from_utf8(script)
        .map_err(|error| CommandError::new(Exit::Lost, format!("failed to print the completion script: {error}")))?;
    print::out(&script);
    Ok(Exit::Good)
}
