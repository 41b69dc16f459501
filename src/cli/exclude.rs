//! `doorstep exclude`: corrections of what counts, each with mode, reason, author and time of entry.

use clap::Subcommand;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::config::Site;
use crate::model::{Exclusion, ExclusionEntry, ExclusionMode, FlowName, VantageName, Withdrawal, chain};
use crate::report::csv;
use crate::store::Store;

use super::author::{author, one_line};
use super::configuration::ConfigurationArgs;
use super::event::{ListFormat, json, open_to_write, span};
use super::{CommandError, Exit, exclude_effect, print, report, when};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 500;

const EXAMPLES: &str = "\
Examples:
  doorstep exclude add --from '2026-11-22 01:00' --to '2026-11-22 03:00' \\
    --mode drop-time --reason 'planned move'
  doorstep exclude list
  doorstep exclude withdraw 00112233445566ff --reason 'the move was put off'

Entries are never changed: one that was a mistake is withdrawn by another. Reports show raw figures beside adjusted \
ones, and flag entries made afterwards.";

/// Say which runs count otherwise than measured, and why.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExcludeArgs {
    #[command(subcommand)]
    command: ExcludeCommand,
}

#[derive(Debug, Subcommand)]
enum ExcludeCommand {
    /// Enter an exclusion.
    Add(Box<AddArgs>),
    /// Let an exclusion count no longer; both entries stay.
    Withdraw(WithdrawArgs),
    /// Show what was entered, and what was withdrawn.
    List(ListArgs),
}

const ADD_EXAMPLES: &str = "\
Examples:
  doorstep exclude add --from '2026-11-22 01:00' --to '2026-11-22 03:00' \\
    --zone Europe/Berlin --mode drop-time --reason 'planned move'
  doorstep exclude add --from -3h --to -2h --mode drop-events \\
    --at singapore --reason 'our own uplink' --dry-run
  doorstep exclude add --from -3h --to -2h --mode count-as-good \\
    --flow shop --reason 'the page was right, the flow was not'

An entry is never changed. Reports show raw figures beside adjusted ones, and flag entries made afterwards.";

#[derive(Debug, clap::Args)]
#[command(after_help = ADD_EXAMPLES)]
struct AddArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first instant: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: String,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: String,
    /// What it does to how runs count: choose on purpose.
    #[arg(long, value_parser = modes())]
    mode: ExclusionMode,
    /// Why, in one line.
    #[arg(long)]
    reason: String,
    /// Only these flows.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    flow: Vec<FlowName>,
    /// Only runs from these vantages (--vantage names this worker's own).
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    at: Vec<VantageName>,
    /// Who decided; DOORSTEP_AUTHOR, else the account that runs the command.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// IANA zone of --from and --to; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Say what would change, with the runs that it would hide, and enter nothing.
    #[arg(long)]
    dry_run: bool,
}

const WITHDRAW_EXAMPLES: &str = "\
Examples:
  doorstep exclude withdraw 00112233445566ff --reason 'the move was put off'

'doorstep exclude list' shows the names of the entries.";

#[derive(Debug, clap::Args)]
#[command(after_help = WITHDRAW_EXAMPLES)]
struct WithdrawArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The entry's name, or its first digits.
    #[arg(value_name = "ID")]
    id: String,
    /// Why, in one line.
    #[arg(long)]
    reason: String,
    /// Who decided; DOORSTEP_AUTHOR, else the account that runs the command.
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Say what would be withdrawn, and enter nothing.
    #[arg(long)]
    dry_run: bool,
}

const LIST_EXAMPLES: &str = "\
Examples:
  doorstep exclude list
  doorstep exclude list --from -30d --zone Europe/Berlin --format json";

#[derive(Debug, clap::Args)]
#[command(after_help = LIST_EXAMPLES)]
struct ListArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first instant; the first exclusion when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// The end; the last exclusion when not given.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// IANA zone of --from, --to and of the times shown; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = ListFormat::Text)]
    format: ListFormat,
}

/// Modes as they are typed, with hyphens like all options, and what they do.
const MODES: [(&str, ExclusionMode, &str); 3] = [
    (
        "drop-time",
        ExclusionMode::DropTime,
        "The time is taken out of the period: fewer slots are due, and the budget shrinks with the period",
    ),
    ("drop-events", ExclusionMode::DropEvents, "The runs are taken out of the counts; the period and its budget stay"),
    ("count-as-good", ExclusionMode::CountAsGood, "The runs count as good, whatever they say"),
];

fn modes() -> impl TypedValueParser<Value = ExclusionMode> {
    let find = |text: String| MODES.into_iter().find(|(word, ..)| *word == text);
    PossibleValuesParser::new(MODES.map(|(word, _, help)| PossibleValue::new(word).help(help)))
        .try_map(move |text| find(text).map(|(_, mode, _)| mode).ok_or("an unknown mode"))
}

/// A mode as it is typed.
fn word(mode: ExclusionMode) -> &'static str {
    MODES.into_iter().find(|(_, known, _)| *known == mode).map_or(mode.as_str(), |(word, ..)| word)
}

/// Enters an exclusion, or shows them.
///
/// # Errors
/// Arguments or a configuration that are not right, an exclusion that contradicts another, a store that cannot be read or
/// written.
pub async fn execute(args: ExcludeArgs) -> Result<Exit, CommandError> {
    match args.command {
        ExcludeCommand::Add(args) => add(&args).await,
        ExcludeCommand::Withdraw(args) => withdraw(&args).await,
        ExcludeCommand::List(args) => list(&args).await,
    }
}

fn usage(message: String) -> CommandError {
    CommandError::new(Exit::Usage, message)
}

async fn add(args: &AddArgs) -> Result<Exit, CommandError> {
    let now = Clock::system().now();
    let site = args.configuration.site()?;
    let typed = [args.from.as_str(), args.to.as_str()];
    let zone = when::zone_of(args.zone.as_deref(), &site, typed).map_err(usage)?;
    let author = author(args.author.as_deref())?;
    let from = when::instant(&args.from, now, &zone).map_err(usage)?;
    let to = when::instant(&args.to, now, &zone).map_err(usage)?;
    if to <= from {
        return Err(usage(format!("--to {to} is not after --from {from}: exchange them")));
    }
    let exclusion = Exclusion {
        from,
        to,
        mode: args.mode,
        flows: args.flow.clone(),
        vantages: args.at.clone(),
        reason: one_line("--reason", &args.reason, LONGEST_REASON).map_err(usage)?,
        author: author.name,
        entered: now,
    };
    known(&exclusion, &site).map_err(usage)?;
    let store = if args.dry_run { report::open(&site)? } else { open_to_write(&site)? };
    contradicts(&store, &exclusion).await?;
    if author.origin != "--author" {
        print::note(&format!("author: {} (from {}; --author says otherwise)", exclusion.author, author.origin));
    }
    print::out(&format!("{}\n", line(&exclusion, &zone)));
    if args.dry_run {
        print::out(&exclude_effect::of(&store, &site, &exclusion, now).await?);
        print::note("nothing was entered");
    } else {
        store.exclude(&exclusion).await.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
        print::note(&format!("entered in {}", store.location()));
    }
    if exclusion.is_late() {
        print::note("it begins in the past, so that every report flags it as made afterwards");
    }
    Ok(Exit::Good)
}

/// Flows and vantages that the configuration knows: a typing error would exclude nothing, in silence.
fn known(exclusion: &Exclusion, site: &Site) -> Result<(), String> {
    let flows: Vec<&str> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
    let vantages: Vec<&str> = site.vantages.iter().map(|vantage| vantage.name.as_str()).collect();
    if let Some(flow) = exclusion.flows.iter().find(|flow| !flows.contains(&flow.as_str())) {
        return Err(format!("no flow is called '{flow}': there are {}", flows.join(", ")));
    }
    if let Some(vantage) = exclusion.vantages.iter().find(|vantage| !vantages.contains(&vantage.as_str())) {
        return Err(format!("no vantage is called '{vantage}': there are {}", vantages.join(", ")));
    }
    Ok(())
}

/// Two exclusions of different modes over the same runs would leave it to chance how those count.
async fn contradicts(store: &Store, exclusion: &Exclusion) -> Result<(), CommandError> {
    let there = store.exclusions(exclusion.from, exclusion.to).await;
    let there = there.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    match there.iter().find(|other| other.contradicts(exclusion)) {
        None => Ok(()),
        Some(other) => Err(usage(format!(
            "two exclusions would cover the same runs in different modes, so that nobody could say how they count\n  \
             entered: {}\n  new:     {}\nchoose another span, flow or vantage, or the mode {}",
            line(other, &TimeZone::UTC),
            line(exclusion, &TimeZone::UTC),
            word(other.mode),
        ))),
    }
}

/// An exclusion on one line.
fn line(exclusion: &Exclusion, zone: &TimeZone) -> String {
    let at = |instant: Timestamp| instant.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
    let names = |all: &str, names: Vec<&str>| if names.is_empty() { all.to_owned() } else { names.join(", ") };
    format!(
        "{} to {}  {:<13}  {}, {}: {} ({}, entered {}{})",
        at(exclusion.from),
        at(exclusion.to),
        word(exclusion.mode),
        names("all flows", exclusion.flows.iter().map(FlowName::as_str).collect()),
        names("all vantages", exclusion.vantages.iter().map(VantageName::as_str).collect()),
        exclusion.reason,
        exclusion.author,
        at(exclusion.entered),
        if exclusion.is_late() { ", afterwards" } else { "" },
    )
}

async fn withdraw(args: &WithdrawArgs) -> Result<Exit, CommandError> {
    let failed = |error: crate::store::Error| CommandError::new(Exit::Store, chain(&error));
    let site = args.configuration.site()?;
    let author = author(args.author.as_deref())?;
    let reason = one_line("--reason", &args.reason, LONGEST_REASON).map_err(usage)?;
    let store = report::open(&site)?;
    let all = store.exclusion_entries(Timestamp::MIN, Timestamp::MAX).await.map_err(failed)?;
    let named: Vec<&ExclusionEntry> = all.iter().filter(|entry| entry.id.starts_with(args.id.as_str())).collect();
    let (zone, _) = when::site_zone(&site);
    let entry = match named.as_slice() {
        [entry] if !args.id.is_empty() => *entry,
        [] => {
            let known = "'doorstep exclude list' shows those there are";
            return Err(usage(format!("no exclusion is called '{}': {known}", args.id)));
        }
        several => {
            let lines: String = several.iter().map(|entry| format!("  {}\n", entry_line(entry, &zone))).collect();
            return Err(usage(format!("'{}' is the beginning of several names: write more of it\n{lines}", args.id)));
        }
    };
    if let Some(before) = &entry.withdrawn {
        return Err(usage(format!("the exclusion {} is withdrawn already: {}", entry.id, withdrawn(before, &zone))));
    }
    let withdrawal = Withdrawal {
        exclusion: entry.id.clone(),
        from: entry.exclusion.from,
        reason,
        author: author.name,
        entered: Clock::system().now(),
    };
    if author.origin != "--author" {
        print::note(&format!("author: {} (from {}; --author says otherwise)", withdrawal.author, author.origin));
    }
    let entry = ExclusionEntry { withdrawn: Some(withdrawal.clone()), ..entry.clone() };
    print::out(&format!("{}\n", entry_line(&entry, &zone)));
    if args.dry_run {
        print::note("nothing was entered");
    } else {
        store.withdraw(&withdrawal).await.map_err(failed)?;
        print::note(&format!("entered in {}; the exclusion counts nowhere any more", store.location()));
    }
    Ok(Exit::Good)
}

/// An entry on one line: its name, what it says, and its withdrawal.
fn entry_line(entry: &ExclusionEntry, zone: &TimeZone) -> String {
    let end = entry.withdrawn.as_ref().map_or_else(String::new, |one| format!("; {}", withdrawn(one, zone)));
    format!("{}  {}{end}", entry.id, line(&entry.exclusion, zone))
}

fn withdrawn(withdrawal: &Withdrawal, zone: &TimeZone) -> String {
    let at = withdrawal.entered.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
    format!("withdrawn {at} by {}: {}", withdrawal.author, withdrawal.reason)
}

async fn list(args: &ListArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let typed = args.from.iter().chain(&args.to).map(String::as_str);
    let zone = when::zone_of(args.zone.as_deref(), &site, typed).map_err(usage)?;
    let (from, to) = span(args.from.as_deref(), args.to.as_deref(), &zone)?;
    let store = report::open(&site)?;
    let all = store.exclusion_entries(from, to).await;
    let all = all.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let text = match args.format {
        ListFormat::Text => all.iter().map(|entry| entry_line(entry, &zone) + "\n").collect(),
        ListFormat::Json => json(&all)?,
        ListFormat::Csv => rows(&all),
    };
    print::out(&text);
    if all.is_empty() {
        print::note(&format!("no exclusion is entered in {} for this span", store.location()));
    }
    Ok(Exit::Good)
}

const COLUMNS: [&str; 13] = [
    "from",
    "to",
    "mode",
    "flows",
    "vantages",
    "reason",
    "author",
    "entered",
    "late",
    "id",
    "withdrawn",
    "withdrawn_by",
    "withdrawn_because",
];

fn rows(all: &[ExclusionEntry]) -> String {
    let row = |entry: &ExclusionEntry| {
        let (exclusion, withdrawn) = (&entry.exclusion, entry.withdrawn.as_ref());
        csv::record(&[
            exclusion.from.to_string(),
            exclusion.to.to_string(),
            exclusion.mode.to_string(),
            exclusion.flows.iter().map(FlowName::as_str).collect::<Vec<_>>().join(" "),
            exclusion.vantages.iter().map(VantageName::as_str).collect::<Vec<_>>().join(" "),
            exclusion.reason.clone(),
            exclusion.author.clone(),
            exclusion.entered.to_string(),
            exclusion.is_late().to_string(),
            entry.id.clone(),
            withdrawn.map_or_else(String::new, |one| one.entered.to_string()),
            withdrawn.map_or_else(String::new, |one| one.author.clone()),
            withdrawn.map_or_else(String::new, |one| one.reason.clone()),
        ])
    };
    csv::record(&COLUMNS.map(str::to_owned)) + &all.iter().map(row).collect::<String>()
}
