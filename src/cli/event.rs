//! `doorstep event`: what happened beside the measurements, noted in the store by people and deployment tools.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::config::Site;
use crate::model::{EventKind, NotedEvent, chain};
use crate::report::csv;
use crate::store::Store;

use super::author::{author, one_line};
use super::configuration::ConfigurationArgs;
use super::{CommandError, Exit, event_file, print, report, when};

/// The longest text of an event, in characters.
pub(super) const LONGEST_TEXT: usize = 500;

const EXAMPLES: &str = "\
Examples:
  doorstep event add --at now --kind deploy --text 'shop 4.2.1'
  doorstep event import deploys.csv
  doorstep event list --from -7d";

/// Note what happened, beside the measurements: deploys, failovers, notifications, public statements.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct EventArgs {
    #[command(subcommand)]
    command: EventCommand,
}

#[derive(Debug, Subcommand)]
enum EventCommand {
    /// Note one event.
    Add(AddArgs),
    /// Note all events of a CSV file; those that are noted already are left alone.
    Import(ImportArgs),
    /// Show what was noted.
    List(ListArgs),
}

const ADD_EXAMPLES: &str = "\
Examples:
  doorstep event add --at now --kind deploy --text 'identity service 4.2.1'
  doorstep event add --at '2026-11-20 14:05' --zone Europe/Berlin \\
    --kind statement --text 'status page: investigating' --author on-call
  doorstep event add --at -10m --kind failover --text 'to db2' --dry-run";

#[derive(Debug, clap::Args)]
#[command(after_help = ADD_EXAMPLES)]
struct AddArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// When it happened: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: String,
    /// What kind of thing it was.
    #[arg(long, value_parser = parse_kind, value_name = "KIND", help = kinds())]
    kind: EventKind,
    /// What happened, in one line.
    #[arg(long)]
    text: String,
    /// Who says so; DOORSTEP_AUTHOR, else the account that runs the command.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// IANA zone of --at; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Say what would be noted, and note nothing.
    #[arg(long)]
    dry_run: bool,
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  doorstep event import deploys.csv
  doorstep event import deploys.csv --zone Europe/Berlin --author release-bot

The file has a header, such as: at,kind,text,author.";

#[derive(Debug, clap::Args)]
#[command(after_help = IMPORT_EXAMPLES)]
struct ImportArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// CSV with a header: at, kind, text and, optionally, author.
    file: PathBuf,
    /// Who says so where the file does not.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// IANA zone of times without one; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Say what would be noted, and note nothing.
    #[arg(long)]
    dry_run: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  doorstep event list --from -7d
  doorstep event list --zone Europe/Berlin --format csv > events.csv";

#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first instant; the first event when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// The end; the last event when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// IANA zone of --from, --to and of the times shown; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

/// How a list of entries is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ListFormat {
    /// One line per entry, for people.
    Text,
    /// A JSON array.
    Json,
    /// One row per entry; events in the form that `event import` reads.
    Csv,
}

fn kinds() -> String {
    format!("What kind of thing it was: {}", kind_words())
}

/// All kinds, for people.
pub(super) fn kind_words() -> String {
    EventKind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// A kind by its spelling.
///
/// # Errors
/// A sentence with all kinds.
pub(super) fn parse_kind(text: &str) -> Result<EventKind, String> {
    EventKind::from_spelling(text).ok_or_else(|| format!("'{text}' is no kind of event: write one of {}", kind_words()))
}

/// Notes events, or shows them.
///
/// # Errors
/// Arguments or a configuration that are not right, a store that cannot be read or written.
pub async fn execute(args: EventArgs) -> Result<Exit, CommandError> {
    match args.command {
        EventCommand::Add(args) => add(args).await,
        EventCommand::Import(args) => import(args).await,
        EventCommand::List(args) => list(args).await,
    }
}

fn usage(message: String) -> CommandError {
    CommandError::new(Exit::Usage, message)
}

/// Entries may come before the first run: the store is created.
pub(super) fn open_to_write(site: &Site) -> Result<Store, CommandError> {
    Store::open(&site.store).map_err(|error| CommandError::new(Exit::Store, chain(&error)))
}

async fn add(args: AddArgs) -> Result<Exit, CommandError> {
    let now = Clock::system().now();
    let site = args.configuration.site()?;
    let zone = when::zone_of(args.zone.as_deref(), &site, [args.at.as_str()]).map_err(usage)?;
    let author = author(args.author.as_deref())?;
    let event = NotedEvent {
        at: when::instant(&args.at, now, &zone).map_err(usage)?,
        kind: args.kind,
        text: one_line("--text", &args.text, LONGEST_TEXT).map_err(usage)?,
        author: author.name,
        entered: now,
    };
    let store = open_to_write(&site)?;
    if author.origin != "--author" {
        print::note(&format!("author: {} (from {}; --author says otherwise)", event.author, author.origin));
    }
    note_all(&store, &[event], args.dry_run).await
}

async fn import(args: ImportArgs) -> Result<Exit, CommandError> {
    let now = Clock::system().now();
    let site = args.configuration.site()?;
    // Which rows have no zone of their own is not known yet: the zone is said of all.
    let zone = when::zone_of(args.zone.as_deref(), &site, ["rows"]).map_err(usage)?;
    let fallback = || author(args.author.as_deref()).map(|author| author.name);
    let events = read_file(&args.file, now, &zone, fallback)?;
    let store = open_to_write(&site)?;
    note_all(&store, &events, args.dry_run).await
}

/// The events of a CSV file. `author` is asked only when a row names none.
///
/// # Errors
/// When it cannot be read, with all its mistakes.
pub(super) fn read_file(
    file: &Path,
    now: Timestamp,
    zone: &TimeZone,
    author: impl Fn() -> Result<String, CommandError>,
) -> Result<Vec<NotedEvent>, CommandError> {
    let text =
        std::fs::read_to_string(file).map_err(|error| usage(format!("cannot read {}: {error}", file.display())))?;
    let rows = event_file::parse(&file.display().to_string(), &text, now, zone).map_err(usage)?;
    let with_author = |row: event_file::Row| {
        let author = row.author.map_or_else(&author, Ok)?;
        Ok(NotedEvent { at: row.at, kind: row.kind, text: row.text, author, entered: now })
    };
    rows.into_iter().map(with_author).collect()
}

/// Notes what is not noted yet: the time of entry is no difference.
async fn note_all(store: &Store, events: &[NotedEvent], dry_run: bool) -> Result<Exit, CommandError> {
    let failed = |error| CommandError::new(Exit::Store, chain(&error));
    let (mut noted, mut known) = (0, 0);
    for event in events {
        let next = Timestamp::from_microsecond(event.at.as_microsecond() + 1).unwrap_or(Timestamp::MAX);
        let there = store.events(event.at, next).await.map_err(failed)?;
        let same = |other: &NotedEvent| {
            (other.at, other.kind, &other.text, &other.author) == (event.at, event.kind, &event.text, &event.author)
        };
        if there.iter().any(same) {
            known += 1;
            continue;
        }
        if !dry_run {
            store.note_event(event).await.map_err(failed)?;
        }
        noted += 1;
        print::out(&format!("{}\n", line(event, &TimeZone::UTC)));
    }
    let verb = if dry_run { "would be noted" } else { "noted" };
    print::note(&format!("{noted} {verb} in {}, {known} there already", store.location()));
    Ok(Exit::Good)
}

/// An event on one line.
fn line(event: &NotedEvent, zone: &TimeZone) -> String {
    let at = event.at.to_zoned_datetime(zone.clone());
    format!("{}  {:<12}  {}  ({})", at.strftime("%Y-%m-%d %H:%M:%S %:z"), event.kind, event.text, event.author)
}

async fn list(args: ListArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let typed = args.from.iter().chain(&args.to).map(String::as_str);
    let zone = when::zone_of(args.zone.as_deref(), &site, typed).map_err(usage)?;
    let (from, to) = span(args.from.as_deref(), args.to.as_deref(), &zone)?;
    let store = report::open(&site)?;
    let events = store.events(from, to).await.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let text = match args.format {
        ListFormat::Text => events.iter().map(|event| line(event, &zone) + "\n").collect(),
        ListFormat::Json => json(&events)?,
        ListFormat::Csv => {
            let header = csv::record(&["at", "kind", "text", "author", "entered"].map(str::to_owned));
            let row = |event: &NotedEvent| {
                let cells = [event.at.to_string(), event.kind.to_string(), event.text.clone(), event.author.clone()];
                csv::record(&[cells.as_slice(), &[event.entered.to_string()]].concat())
            };
            header + &events.iter().map(row).collect::<String>()
        }
    };
    print::out(&text);
    if events.is_empty() {
        print::note(&format!("no event is noted in {} for this span", store.location()));
    }
    Ok(Exit::Good)
}

/// The span of a list: all time where nothing was said.
pub(super) fn span(
    from: Option<&str>,
    to: Option<&str>,
    zone: &TimeZone,
) -> Result<(Timestamp, Timestamp), CommandError> {
    let now = Clock::system().now();
    let read = |text: Option<&str>, all| text.map_or(Ok(all), |text| when::instant(text, now, zone)).map_err(usage);
    let (from, to) = (read(from, Timestamp::MIN)?, read(to, Timestamp::MAX)?);
    if to <= from {
        return Err(usage(format!("--to {to} is not after --from {from}: exchange them")));
    }
    Ok((from, to))
}

/// Entries as JSON for other programs.
pub(super) fn json<T: serde::Serialize + ?Sized>(entries: &T) -> Result<String, CommandError> {
    serde_json::to_string_pretty(entries)
        .map(|text| text + "\n")
        .map_err(|error| CommandError::new(Exit::Lost, format!("cannot write JSON: {error}")))
}
