//! `doorstep runs`: recorded runs as CSV or JSON lines, filtered, one after the other.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::model::{Blame, FlowName, Phase, RunKind, StepName, VantageName, chain};
use crate::report::{csv, run_json};
use crate::store::{Columns, Row, RunFilter};

use super::configuration::ConfigurationArgs;
use super::report::open;
use super::{CommandError, Exit, print, when};

const EXAMPLES: &str = "\
Examples:
  doorstep runs > runs.csv          the last 24 hours
  doorstep runs --from -1h --verdict bad,lost --format jsonl
  doorstep runs --from '2026-11-20 14:00' --to '2026-11-20 15:00' \\
    --zone Europe/Berlin --flow shop --class timeout

'doorstep import runs' takes both formats back.";

/// Export recorded runs.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct RunsArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first slot: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", default_value = "-24h", allow_hyphen_values = true)]
    from: String,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// IANA zone of --from and --to.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Only these flows.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    flow: Vec<FlowName>,
    /// Only runs from these vantages (--vantage names this worker's own).
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    at: Vec<VantageName>,
    /// Only these verdicts.
    #[arg(long, value_delimiter = ',', value_parser = ["good", "bad", "lost"])]
    verdict: Vec<String>,
    /// Only these failure classes, such as timeout.
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    class: Vec<String>,
    /// Only these kinds.
    #[arg(long, value_delimiter = ',', value_parser = ["login", "wrong_password"])]
    kind: Vec<String>,
    /// How to print: jsonl has every step, hop and phase, csv one row per run.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One row per run.
    Csv,
    /// One JSON object per run, with every step, hop and phase.
    Jsonl,
}

const COLUMNS: [&str; 19] = [
    "id",
    "kind",
    "flow",
    "revision",
    "vantage",
    "slot",
    "attempt",
    "started",
    "lateness_us",
    "elapsed_us",
    "lag_us",
    "login_time_us",
    "verdict",
    "class",
    "blame",
    "step",
    "phase",
    "message",
    "account",
];

/// Bytes that are gathered before they are written.
const CHUNK: usize = 64 << 10;

/// Exports the runs that the filters choose, by vantage and day.
///
/// # Errors
/// Arguments or a configuration that are not right, a store that cannot be read.
pub async fn execute(args: RunsArgs) -> Result<Exit, CommandError> {
    let filter = filter(&args, Clock::system().now()).map_err(|message| CommandError::new(Exit::Usage, message))?;
    let site = args.configuration.site()?;
    let store = open(&site)?;
    let (columns, mut text) = match args.format {
        Format::Csv => (Columns::Summary, csv::record(&COLUMNS.map(str::to_owned))),
        Format::Jsonl => (Columns::Everything, String::new()),
    };
    let read = store
        .read(&filter, columns, &mut |row| {
            if chosen(&args, &row) {
                text.push_str(&match args.format {
                    Format::Csv => csv::record(&cells(&row)),
                    Format::Jsonl => format!("{}\n", run_json::line(&row.run)),
                });
            }
            if text.len() >= CHUNK {
                print::out(&text);
                text.clear();
            }
        })
        .await;
    print::out(&text);
    read.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    Ok(Exit::Good)
}

fn filter(args: &RunsArgs, now: Timestamp) -> Result<RunFilter, String> {
    let zone: TimeZone = when::zone(&args.zone)?;
    let (from, to) = (when::instant(&args.from, now, &zone)?, when::instant(&args.to, now, &zone)?);
    if to <= from {
        return Err(format!("--to {to} is not after --from {from}: exchange them"));
    }
    Ok(RunFilter {
        flows: args.flow.clone(),
        vantages: args.at.clone(),
        kinds: args.kind.iter().filter_map(|kind| RunKind::from_spelling(kind)).collect(),
        ..RunFilter::between(from, to)
    })
}

/// What the store itself does not filter by.
fn chosen(args: &RunsArgs, row: &Row) -> bool {
    let verdict = row.run.verdict;
    let class = verdict.class();
    (args.verdict.is_empty() || args.verdict.iter().any(|wanted| wanted == verdict.as_str()))
        && (args.class.is_empty() || args.class.iter().any(|wanted| Some(wanted.as_str()) == class))
}

fn cells(row: &Row) -> [String; 19] {
    let run = &row.run;
    let failure = run.failure.as_ref();
    let optional = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        run.id.to_string(),
        run.kind.to_string(),
        run.flow.to_string(),
        run.revision.to_string(),
        run.vantage.to_string(),
        run.slot.to_string(),
        run.attempt.to_string(),
        run.started.to_string(),
        run.lateness().0.to_string(),
        run.elapsed.0.to_string(),
        run.lag.0.to_string(),
        row.login_time.map_or_else(String::new, |time| time.0.to_string()),
        run.verdict.as_str().to_owned(),
        optional(run.verdict.class()),
        optional(run.verdict.blame().map(Blame::as_str)),
        optional(failure.and_then(|failure| failure.step.as_ref()).map(StepName::as_str)),
        optional(failure.and_then(|failure| failure.phase).map(Phase::as_str)),
        optional(failure.map(|failure| failure.message.as_str())),
        optional(run.account.as_ref().map(crate::model::AccountName::as_str)),
    ]
}
