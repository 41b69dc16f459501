//! `doorstep compact`: days whose worker is gone, made into large files, so that reports read them quickly.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::model::{VantageName, chain};
use crate::report::format::counted;
use crate::store::{Compacted, Store};

use super::configuration::ConfigurationArgs;
use super::report::open;
use super::{CommandError, Exit, print, terminal};

const EXAMPLES: &str = "\
Examples:
  doorstep compact                  all days that have ended
  doorstep compact --at berlin --before 2026-11-01

A worker does this by itself for its own vantage, an hour after each UTC day has ended. Do it by hand for a vantage that \
has no worker any more, or before a report over many weeks. It may be stopped at any time, run beside workers, and run \
again: no run is lost or counted twice.";

/// Make the many small segments of days that have ended into few large files.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct CompactArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Only UTC days before this one; the present day is never touched.
    #[arg(long, value_name = "DATE")]
    before: Option<Date>,
    /// Only these vantages (--vantage names this worker's own).
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    at: Vec<VantageName>,
}

/// Compacts day by day. A day that cannot be read does not keep others from it.
///
/// # Errors
/// A configuration that is not right, a store that cannot be used, a day that could not be compacted.
pub async fn execute(args: &CompactArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let store = open(&site)?;
    let now = Clock::system().now();
    let today = TimeZone::UTC.to_datetime(now).date();
    let before = args.before.map_or(today, |before| before.min(today));
    let days = store.uncompacted(&args.at, before).await;
    let days = days.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let bar = terminal::progress(days.len() as u64, "days compacted");
    let (mut total, mut errors) = (Compacted::default(), Vec::new());
    for (vantage, date) in &days {
        match compacted(&store, vantage, *date).await {
            Ok(done) => {
                bar.suspend(|| print::out(&format!("{vantage} {date}: {done}\n")));
                total = total + done;
            }
            Err(error) => errors.push(error),
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    match store.sweep(&args.at, now).await {
        Ok(0) => {}
        Ok(swept) => {
            let files = counted(swept, "file that was", "files that were");
            print::note(&format!("removed {files} never written to the end"));
        }
        Err(error) => errors.push(chain(&error)),
    }
    if !errors.is_empty() {
        return Err(CommandError::new(Exit::Store, errors.join("\n")));
    }
    print::out(&format!("{}: {total}\n", counted(days.len() as u64, "day", "days")));
    Ok(Exit::Good)
}

async fn compacted(store: &Store, vantage: &VantageName, date: Date) -> Result<Compacted, String> {
    store.compact(vantage, date).await.map_err(|error| format!("{vantage} {date}: {}", chain(&error)))
}
