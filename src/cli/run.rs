//! `doorstep run`: probes on schedule until told to stop.

use std::sync::Arc;
use std::time::Duration;

use super::configuration::ConfigurationArgs;
use super::{CommandError, Exit};
use crate::app::WatchedFiles;
use crate::app::run::StartError;
use crate::app::supervise::{Load, RunError, run_worker};
use crate::clock::Clock;
use crate::model::chain;
use crate::telemetry::{LogFormat, start_logging};

const EXAMPLES: &str = "\
Examples:
  doorstep run                      until SIGTERM or SIGINT
  doorstep run --config /etc/doorstep/doorstep.yaml --vantage berlin
  doorstep run --for 10m --log-format json --log-level debug";

/// What `doorstep run` is told.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// How log lines look: text or json.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// How much is logged: error, warn, info, debug (each good run too) or trace.
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "DOORSTEP_LOG")]
    log_level: String,
    /// Stop after this time, such as 10m; without it: when told by a signal.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    for_how_long: Option<Duration>,
}

/// Runs a worker until it is told to stop.
///
/// # Errors
/// A mistake in the configuration, or what keeps the worker from starting.
pub async fn execute(args: &RunArgs) -> Result<Exit, CommandError> {
    start_logging(args.log_format, &args.log_level)
        .map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?;
    let watched = WatchedFiles::default();
    let site = args.configuration.site_from(&watched)?;
    let vantage = site.local_vantage().map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?.clone();
    let configuration = args.configuration.clone();
    let load: Load = Arc::new(move |files| configuration.load_from(files));
    let summary = run_worker(&site, &vantage, watched, load, Clock::system(), args.for_how_long)
        .await
        .map_err(|error| CommandError::new(exit_of(&error), chain(&error)))?;
    if summary.not_recorded > 0 {
        let reason = format!("{} of {} runs could not be recorded; see the log", summary.not_recorded, summary.due);
        return Err(CommandError::new(Exit::Store, reason));
    }
    Ok(Exit::Good)
}

fn exit_of(error: &RunError) -> Exit {
    match error {
        RunError::Start(StartError::Store(_) | StartError::Budget(_)) => Exit::Store,
        RunError::Start(StartError::Prober(_) | StartError::HistogramLog { .. }) => Exit::Usage,
        RunError::Start(StartError::Listen { .. } | StartError::Control(_)) | RunError::Signals(_) => Exit::Lost,
    }
}

/// A time that is longer than zero.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let span: jiff::SignedDuration = text.parse().map_err(|_| "write a time such as 90s, 10m or 2h".to_owned())?;
    Duration::try_from(span).ok().filter(|time| !time.is_zero()).ok_or_else(|| "a time longer than zero".to_owned())
}
