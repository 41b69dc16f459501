//! The command line: one file per command; exit codes; printing. The only module that sees every module's errors.

pub mod audit;
mod audit_text;
mod author;
pub mod check;
pub mod compact;
pub mod completions;
pub mod configuration;
pub mod database;
mod database_samples;
mod database_text;
pub mod demo;
mod diagnosis_text;
pub mod event;
mod event_file;
pub mod exclude;
mod exclude_effect;
pub mod explain;
pub mod export;
pub mod impact;
pub mod import;
mod import_end;
mod import_prometheus;
mod import_runs;
mod incident_csv;
mod incident_text;
pub mod incidents;
pub mod panic;
mod pdf;
pub mod postmortem;
pub mod print;
mod publish;
pub mod report;
pub mod run;
pub mod runbook;
pub mod runs;
pub mod sandbox;
pub mod schema;
mod shell;
pub mod simulate;
pub mod terminal;
pub mod try_login;
mod what_if;
mod when;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

/// How a command ends. The numbers are documented in the README and never change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; a tried login was good.
    Good = 0,
    /// A tried login was bad, a finding is critical, a postmortem has errors, or an objective was missed and that was to
    /// be told.
    Bad = 1,
    /// A mistake in the arguments or the configuration.
    Usage = 2,
    /// A tried login was lost, something is unknown, or the command could not run.
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

const EXAMPLES: &str = "\
Examples:
  doorstep demo                     a whole outage, from login to report
  doorstep check                    every mistake in doorstep.yaml and its flows
  doorstep try shop                 log in once; each step, request and phase
  doorstep run                      probe on schedule until told to stop
  doorstep report --week 2026-W47 --out report
  doorstep runs --verdict bad       the failed logins of the last 24 hours
  doorstep incidents --from -30d    when it broke, until when, how badly
  doorstep database check           what the databases behind the logins say

Each command has --help with more.

Exit codes: 0 done, 1 a tried login was bad, a finding is critical, a postmortem has errors, or an objective was \
missed (report --fail-on-missed), 2 usage or configuration, 3 lost, unknown or could not run, 4 store or spool.";

/// Doorstep stands where your users stand and tries the door: whole synthetic logins, measured phase by phase, and
/// reports that say how sure they are.
#[derive(Debug, Parser)]
#[command(name = "doorstep", version, after_help = EXAMPLES, max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// See a whole outage, from login to report, in one minute.
    Demo(demo::DemoArgs),
    /// Find every mistake in the configuration and its flows.
    Check(check::CheckArgs),
    /// Log in once, now, and show each step, request and phase.
    Try(try_login::TryArgs),
    /// Probe on schedule until told to stop.
    Run(run::RunArgs),
    /// Say how many users could log in, how sure that is, and what it cost.
    Report(report::ReportArgs),
    /// Make the many small segments of days that have ended into few large files.
    Compact(compact::CompactArgs),
    /// Export recorded runs.
    Runs(runs::RunsArgs),
    /// Write the measured half of a postmortem, and check a written one.
    Postmortem(postmortem::PostmortemArgs),
    /// Show a recorded run again, as `try` would have shown it.
    Explain(explain::ExplainArgs),
    /// List incidents: when it broke, until when, how badly, and who saw it first.
    Incidents(incidents::IncidentsArgs),
    /// Ask the databases behind the logins, and say what their answers mean for logins.
    Database(database::DatabaseArgs),
    /// Say what an outage did to people: sign-ins failed, people affected, locked out, merely delayed.
    Impact(impact::ImpactArgs),
    /// Check the configuration of the databases behind the logins.
    Audit(audit::AuditArgs),
    /// Print what to do about a finding of the databases: one page for each rule.
    Runbook(runbook::RunbookArgs),
    /// Note what happened beside the measurements: deploys, failovers, statements.
    Event(event::EventArgs),
    /// Say which runs count otherwise than measured, and why.
    Exclude(exclude::ExcludeArgs),
    /// Say what is promised in other tools' formats.
    Export(export::ExportArgs),
    /// Take over objectives and runs of other tools.
    Import(import::ImportArgs),
    /// Run an identity service on loopback that fails on a script, and write down the truth.
    Sandbox(sandbox::SandboxArgs),
    /// Write runs with a known truth into a store.
    Simulate(simulate::SimulateArgs),
    /// Print the JSON Schema of the configuration, for editors.
    Schema(schema::SchemaArgs),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArgs),
}

/// Parses the arguments, executes the command, and says how it ended.
///
/// Not generic over the arguments: a generic function is compiled where it is called, and all commands with it, a
/// second time.
pub fn main(arguments: Vec<OsString>) -> ExitCode {
    panic::tell_the_place_only();
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return shown_by_clap(&error).into(),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            print::note(&format!("error: failed to start the runtime: {error}"));
            return Exit::Lost.into();
        }
    };
    let ended = runtime.block_on(execute(arguments.command));
    // A blocking read (of a terminal, a resolver) must not hold up the end.
    runtime.shutdown_background();
    match ended {
        Ok(exit) => exit.into(),
        Err(error) => {
            print::note(&format!("error: {}", error.message));
            error.exit.into()
        }
    }
}

async fn execute(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Demo(args) => demo::execute(&args).await,
        Command::Check(args) => check::execute(&args),
        Command::Try(args) => try_login::execute(&args).await,
        Command::Run(args) => run::execute(&args).await,
        Command::Report(args) => report::execute(args).await,
        Command::Compact(args) => compact::execute(&args).await,
        Command::Runs(args) => runs::execute(args).await,
        Command::Postmortem(args) => postmortem::execute(args).await,
        Command::Explain(args) => explain::execute(&args).await,
        Command::Incidents(args) => incidents::execute(args).await,
        Command::Database(args) => database::execute(&args).await,
        Command::Impact(args) => impact::execute(args).await,
        Command::Audit(args) => audit::execute(args).await,
        Command::Runbook(args) => runbook::execute(&args),
        Command::Event(args) => event::execute(args).await,
        Command::Exclude(args) => exclude::execute(args).await,
        Command::Export(args) => export::execute(&args),
        Command::Import(args) => import::execute(args).await,
        Command::Sandbox(args) => sandbox::execute(args).await,
        Command::Simulate(args) => simulate::execute(args).await,
        Command::Schema(args) => schema::execute(&args),
        Command::Completions(args) => completions::execute(&args, &mut Arguments::command()),
    }
}

/// Help and version go to standard output and are no error; everything else is one of usage.
fn shown_by_clap(error: &clap::Error) -> Exit {
    let text = error.render().ansi().to_string();
    let plain = error.render().to_string();
    if error.use_stderr() {
        print::note(plain.trim_end());
        return Exit::Usage;
    }
    print::out(if std::io::IsTerminal::is_terminal(&std::io::stdout()) { &text } else { &plain });
    Exit::Good
}

#[cfg(test)]
mod tests;
