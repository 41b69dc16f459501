//! `doorstep database samples`: what the servers behind the logins said, as it was recorded.

use jiff::Timestamp;

use super::configuration::ConfigurationArgs;
use super::report::open;
use super::{CommandError, Exit, print, when};
use crate::clock::Clock;
use crate::history::{AskedSeries, AskedSlots};
use crate::model::{Answer, DatabaseName, Sample, ServerName, VantageName, chain};
use crate::report::csv;
use crate::report::format::count;

const EXAMPLES: &str = "\
Examples:
  doorstep database samples > samples.csv       the last hour
  doorstep database samples --from -10m --server primary --format jsonl
  doorstep database samples --from '2026-11-20 14:00' --to '2026-11-20 15:00'

csv holds what was asked and what came of it, jsonl every fact; both in the order of database, server, slot and vantage \
within each day. Slots that were due and left no sample, or that the prober lost itself, are told on standard error.";

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct SamplesArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first slot: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", default_value = "-1h", allow_hyphen_values = true)]
    from: String,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// IANA zone of --from and --to.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    zone: String,
    /// Only these databases.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    database: Vec<DatabaseName>,
    /// Only these servers.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    server: Vec<ServerName>,
    /// Only samples from these vantages (--vantage names this worker's own).
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    at: Vec<VantageName>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One row per sample.
    Csv,
    /// One JSON object per sample, with every fact.
    Jsonl,
}

const COLUMNS: [&str; 12] = [
    "database",
    "server",
    "vantage",
    "slot",
    "started",
    "elapsed_us",
    "outcome",
    "in_recovery",
    "position",
    "sync_waiters",
    "clients",
    "message",
];

/// Bytes that are gathered before they are written.
const CHUNK: usize = 64 << 10;

/// Exports the samples that the filters choose.
pub(super) async fn execute(args: &SamplesArgs) -> Result<Exit, CommandError> {
    let now = Clock::system().now();
    let (from, to) = span(args, now).map_err(|message| CommandError::new(Exit::Usage, message))?;
    let site = args.configuration.site()?;
    let store = open(&site)?;
    let mut text = match args.format {
        Format::Csv => csv::record(&COLUMNS.map(str::to_owned)),
        Format::Jsonl => String::new(),
    };
    let mut failed = None;
    let due_until = to.min(now).max(from);
    let declared = store.declarations(from, due_until).await;
    let declared = declared.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let mut slots = AskedSlots::new(&declared, from, due_until);
    let read = store
        .each_sample(from, to, &mut |sample| {
            if !chosen(args, &sample) {
                return;
            }
            slots.record(&sample);
            match args.format {
                Format::Csv => text.push_str(&csv::record(&cells(&sample))),
                Format::Jsonl => match serde_json::to_string(&sample) {
                    Ok(line) => text.push_str(&format!("{line}\n")),
                    Err(error) => failed = Some(chain(&error)),
                },
            }
            if text.len() >= CHUNK {
                print::out(&text);
                text.clear();
            }
        })
        .await;
    print::out(&text);
    read.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    tell_missing(args, &slots);
    failed.map_or(Ok(Exit::Good), |error| Err(CommandError::new(Exit::Store, error)))
}

/// What was due and is not there, or was lost: rows cannot say it.
fn tell_missing(args: &SamplesArgs, slots: &AskedSlots) {
    for (series, asked) in slots.series() {
        let AskedSeries { database, server, vantage } = series;
        if !named(args, database, server, vantage) || asked.missing() + asked.lost == 0 {
            continue;
        }
        let due = asked.expected.map_or_else(|| "an unknown number of".to_owned(), count);
        print::note(&format!(
            "{database} {server} from {vantage}: of {due} slots due {} left no sample, and {} the prober lost by its own \
             fault: nothing is known of the server there",
            count(asked.missing()),
            count(asked.lost)
        ));
    }
}

fn span(args: &SamplesArgs, now: Timestamp) -> Result<(Timestamp, Timestamp), String> {
    let zone = when::zone(&args.zone)?;
    let (from, to) = (when::instant(&args.from, now, &zone)?, when::instant(&args.to, now, &zone)?);
    if to <= from {
        return Err(format!("--to {to} is not after --from {from}: exchange them"));
    }
    Ok((from, to))
}

fn chosen(args: &SamplesArgs, sample: &Sample) -> bool {
    named(args, &sample.database, &sample.server, &sample.vantage)
}

fn named(args: &SamplesArgs, database: &DatabaseName, server: &ServerName, vantage: &VantageName) -> bool {
    (args.database.is_empty() || args.database.contains(database))
        && (args.server.is_empty() || args.server.contains(server))
        && (args.at.is_empty() || args.at.contains(vantage))
}

fn cells(sample: &Sample) -> [String; 12] {
    let facts = sample.answer.postgres();
    let maria = sample.answer.mariadb();
    let (outcome, message) = match &sample.answer {
        Answer::Facts(_) => ("facts", ""),
        Answer::Unknown { why, message } => (why.as_str(), message.as_str()),
    };
    let waiters = facts.map(|facts| u64::from(facts.connection.sync_waiters)).or(maria.map(|facts| facts.waiters));
    let clients = facts.map(|facts| u64::from(facts.connection.clients)).or(maria.map(|facts| facts.clients));
    [
        sample.database.to_string(),
        sample.server.to_string(),
        sample.vantage.to_string(),
        sample.slot.to_string(),
        sample.started.to_string(),
        sample.elapsed.0.to_string(),
        outcome.to_owned(),
        cell(facts.map(|facts| facts.in_recovery)),
        cell(facts.and_then(|facts| facts.position)),
        cell(waiters),
        cell(clients),
        message.to_owned(),
    ]
}

/// What is not known stays empty.
fn cell(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
