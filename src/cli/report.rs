//! `doorstep report`: what a store says about a period, as files or on standard output.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::config::Site;
use crate::model::{Micros, Objective, StoreLocation, chain};
use crate::query::{self, Question};
use crate::report::{ReportModel, csv, html, json, markdown, summary};
use crate::slo::{Attainment, Period, PeriodError};
use crate::store::Store;

use super::author::author;
use super::configuration::ConfigurationArgs;
use super::publish::{self, PublishArgs};
use super::{CommandError, Exit, pdf, print, shell, terminal, when};

const EXAMPLES: &str = "\
Examples:
  doorstep report                   last week, as Markdown
  doorstep report --week 2026-W47 --out report
  doorstep report --from -1h --to now --zone Europe/Berlin --format json
  doorstep report --format html,pdf --out report --fail-on-missed
  doorstep report --last-week --out report --publish
  doorstep report --last-week --published     what was published of it";

/// Make the report of a period: availability with its interval, budget, verdicts, latency, failures, user impact.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ReportArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// An ISO week such as 2026-W47, in the zone of each objective.
    #[arg(long, conflicts_with_all = ["last_week", "from", "to"])]
    week: Option<String>,
    /// The last week that has ended (the default).
    #[arg(long, conflicts_with_all = ["from", "to"])]
    last_week: bool,
    /// The first instant: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", requires = "to", allow_hyphen_values = true)]
    from: Option<String>,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", requires = "from", allow_hyphen_values = true)]
    to: Option<String>,
    /// IANA zone of --from, --to and of times in the report; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// What the report is about; the names of the flows when not given.
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// A folder for the files; without it, the report goes to standard output.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// html, md, json, csv or pdf; several with commas. All but pdf into --out, md to standard output when not given.
    /// A PDF is printed by the Chromium that CHROMIUM names, or that is on the path.
    #[arg(long, value_enum, value_delimiter = ',')]
    format: Vec<Format>,
    /// End with exit code 1 when an objective was missed.
    #[arg(long)]
    fail_on_missed: bool,
    #[command(flatten)]
    publishing: PublishArgs,
}

/// A rendering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Format {
    /// One self-contained page.
    Html,
    /// Markdown.
    Md,
    /// The whole model.
    Json,
    /// One row per number.
    Csv,
    /// The page on A4, printed by Chromium.
    Pdf,
}

impl Format {
    pub(super) const ALL: [Self; 4] = [Self::Html, Self::Md, Self::Json, Self::Csv];

    /// The file's name and its text; for a PDF that of the page to be printed.
    fn render(self, model: &ReportModel) -> (&'static str, String) {
        match self {
            Self::Html => ("report.html", html::render(model)),
            Self::Md => ("report.md", markdown::render(model)),
            Self::Json => ("report.json", json::render(model)),
            Self::Csv => ("report.csv", csv::render(model)),
            Self::Pdf => ("report.pdf", html::render(model)),
        }
    }
}

/// Makes the report: [`Exit::Good`] when one was made, whatever it says, but [`Exit::Bad`] for a missed objective when
/// that was asked for.
///
/// # Errors
/// Arguments or a configuration that are not right, a store that cannot be read, files that cannot be written.
pub async fn execute(args: ReportArgs) -> Result<Exit, CommandError> {
    if args.out.is_none() && args.format.len() > 1 {
        return Err(usage("several formats need a folder: add --out FOLDER".to_owned()));
    }
    if args.out.is_none() && args.format.contains(&Format::Pdf) {
        return Err(usage("a PDF needs a folder: add --out FOLDER".to_owned()));
    }
    let publishing = &args.publishing;
    if publishing.publish && args.out.is_none() && !args.format.is_empty() {
        return Err(usage("--format beside --publish needs a folder: add --out FOLDER".to_owned()));
    }
    let site = args.configuration.site()?;
    let now = Clock::system().now();
    let span = Span::of(&args, &site, now).map_err(usage)?;
    let publisher = publishing.publish.then(|| author(publishing.author.as_deref())).transpose()?;
    if publisher.is_some() {
        publish::closed(&span.period, settled(&site, now))?;
    }
    if span.period.start >= now {
        let Period { label, start, .. } = &span.period;
        return Err(usage(format!("{label} begins at {start}, in the future: nothing of it is known yet")));
    }
    let store = open(&site)?;
    if publishing.published {
        publish::list(&store, &span.period).await?;
        return Ok(Exit::Good);
    }
    let title = args.title.clone().unwrap_or_else(|| title(&site));
    let question = Question {
        site: &title,
        period: &span.period,
        until: settled(&site, now),
        objectives: &span.objectives,
        population: &site.population,
        policy: &site.policy,
        detection: &site.detection,
        databases: &site.databases,
        audit_terms: &site.audit_terms,
        tried: &[],
        generated_from: &span.command,
    };
    let bar = terminal::progress(0, "runs read");
    let shown = bar.clone();
    let mut progress = move |read: u64, due: u64| {
        if read.is_multiple_of(1_000) {
            shown.set_length(due.max(read));
            shown.set_position(read);
        }
    };
    let model = query::report(&store, &question, &mut progress).await;
    bar.finish_and_clear();
    let mut model = model.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    // The report says which revision it is, so that it is registered before it is given out.
    let registered = match &publisher {
        Some(author) => Some(publish::publish(&store, &mut model, author, now).await?),
        None => None,
    };
    if publisher.is_none() || args.out.is_some() {
        deliver(&args, &model)?;
    }
    if let Some(text) = registered {
        print::out(&text);
    }
    let missed = model.objectives.iter().any(|objective| objective.policy_verdict() == Attainment::Missed);
    Ok(if args.fail_on_missed && missed { Exit::Bad } else { Exit::Good })
}

/// The report of a span that has ended and whose runs are all recorded.
///
/// # Errors
/// When the span is none, or the store cannot be read.
pub(super) async fn of_span(
    site: &Site,
    command: &str,
    from: Timestamp,
    to: Timestamp,
) -> Result<ReportModel, CommandError> {
    let zone = site.objectives.first().map_or(TimeZone::UTC, |objective| objective.zone.clone());
    let period = Period::between(from, to, &zone).map_err(|error| usage(error.to_string()))?;
    let each = |objective: &Objective| Period::between(from, to, &objective.zone);
    let objectives = objectives(site, each).map_err(|error| usage(error.to_string()))?;
    let title = title(site);
    let question = Question {
        site: &title,
        period: &period,
        until: to,
        objectives: &objectives,
        population: &site.population,
        policy: &site.policy,
        detection: &site.detection,
        databases: &site.databases,
        audit_terms: &site.audit_terms,
        tried: &[],
        generated_from: command,
    };
    let model = query::report(&open(site)?, &question, &mut |_, _| {}).await;
    model.map_err(|error| CommandError::new(Exit::Store, chain(&error)))
}

fn usage(message: String) -> CommandError {
    CommandError::new(Exit::Usage, message)
}

/// The store that the configuration names, together with what still lies in the spool of this machine.
///
/// # Errors
/// With [`Exit::Store`], when it does not exist or cannot be opened. Reading must not create what it finds absent.
pub(super) fn open(site: &Site) -> Result<Store, CommandError> {
    if let StoreLocation::Folder(path) = &site.store
        && !path.is_dir()
        && !site.spool.is_dir()
    {
        let message = format!(
            "there is no store at {}: run 'doorstep run' first, or name another place with --store",
            path.display()
        );
        return Err(CommandError::new(Exit::Store, message));
    }
    let store = Store::open(&site.store).map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    Ok(store.with_spool(&site.spool))
}

/// Until when every run has ended and was recorded: runs under way must not be taken for missing.
pub(super) fn settled(site: &Site, now: Timestamp) -> Timestamp {
    let longest = site.flows.iter().map(|flow| flow.limits.timeout).max().unwrap_or_default();
    let behind = Micros::from(longest.saturating_add(site.flush).saturating_add(Duration::from_secs(1)));
    let micros = now.as_microsecond().saturating_sub(i64::try_from(behind.0).unwrap_or(i64::MAX));
    Timestamp::from_microsecond(micros).unwrap_or(now)
}

fn title(site: &Site) -> String {
    match site.flows.as_slice() {
        [] => "no flows".to_owned(),
        flows @ ([_] | [_, _] | [_, _, _]) => {
            flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>().join(", ")
        }
        flows => format!("{} flows", flows.len()),
    }
}

/// What the report is about in time.
struct Span {
    period: Period,
    objectives: Vec<(Objective, Period)>,
    /// How to make the same report again.
    command: String,
}

impl Span {
    fn of(args: &ReportArgs, site: &Site, now: Timestamp) -> Result<Self, String> {
        let typed = args.from.iter().chain(&args.to).map(String::as_str);
        let zone = when::zone_of(args.zone.as_deref(), site, typed)?;
        let said = |error: PeriodError| error.to_string();
        if let (Some(from), Some(to)) = (&args.from, &args.to) {
            let (start, end) = (when::instant(from, now, &zone)?, when::instant(to, now, &zone)?);
            let period = Period::between(start, end, &zone).map_err(said)?;
            let each = |objective: &Objective| Period::between(start, end, &objective.zone);
            let command = again(args, &["--from", &start.to_string(), "--to", &end.to_string()]);
            return Ok(Self { objectives: objectives(site, each).map_err(said)?, period, command });
        }
        let week = match &args.week {
            Some(week) => Period::week(week, &zone),
            None => Period::last_week(now, &zone),
        };
        let week = week.map_err(said)?;
        let each = |objective: &Objective| Period::week(&week.label, &objective.zone);
        let command = again(args, &["--week", &week.label]);
        let objectives = objectives(site, each).map_err(said)?;
        // Weeks of other zones begin and end at other instants: the tables span them all.
        let start = objectives.iter().map(|(_, period)| period.start).min().unwrap_or(week.start);
        let end = objectives.iter().map(|(_, period)| period.end).max().unwrap_or(week.end);
        let period = Period { start: start.min(week.start), end: end.max(week.end), ..week };
        Ok(Self { period, objectives, command })
    }
}

/// The program, and the whole command that makes the same report again from the same folder.
fn again(args: &ReportArgs, period: &[&str]) -> String {
    let mut words: Vec<String> = vec!["doorstep".to_owned(), "report".to_owned()];
    words.extend(args.configuration.again());
    words.extend(period.iter().map(|&word| word.to_owned()));
    for (name, value) in [("--zone", &args.zone), ("--title", &args.title)] {
        words.extend(value.iter().flat_map(|value| [name.to_owned(), value.clone()]));
    }
    format!("{}: {}", concat!("doorstep ", env!("CARGO_PKG_VERSION")), shell::command(&words))
}

fn objectives(
    site: &Site,
    period: impl Fn(&Objective) -> Result<Period, PeriodError>,
) -> Result<Vec<(Objective, Period)>, PeriodError> {
    site.objectives.iter().map(|objective| Ok((objective.clone(), period(objective)?))).collect()
}

/// Writes what was asked for, and ends with the summary.
fn deliver(args: &ReportArgs, model: &ReportModel) -> Result<(), CommandError> {
    let mut lines = summary::lines(model);
    let Some(folder) = &args.out else {
        let format = args.format.first().copied().unwrap_or(Format::Md);
        print::out(&format.render(model).1);
        for line in lines {
            print::note(&line);
        }
        return Ok(());
    };
    let formats = if args.format.is_empty() { &Format::ALL[..] } else { &args.format[..] };
    let written = write(folder, formats, model)?;
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    lines.push(names.join(", "));
    print::out(&format!("{}\n", lines.join("\n")));
    Ok(())
}

/// Writes each file whole or not at all: a reader never sees half of one.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(folder: &Path, formats: &[Format], model: &ReportModel) -> Result<Vec<PathBuf>, CommandError> {
    let failed = |path: &Path, error: &std::io::Error| {
        CommandError::new(Exit::Lost, format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut written = Vec::new();
    for format in formats {
        let (name, text) = format.render(model);
        if *format == Format::Pdf {
            let path = folder.join(name);
            let lost = |message| CommandError::new(Exit::Lost, message);
            let named = std::env::var_os("CHROMIUM").filter(|value| !value.is_empty()).map(PathBuf::from);
            let browser = pdf::browser(named, &std::env::var("PATH").unwrap_or_default()).map_err(lost)?;
            pdf::print(&browser, &text, &path).map_err(lost)?;
            written.push(path);
            continue;
        }
        let (path, partial) = (folder.join(name), folder.join(format!(".{name}.partial")));
        fs::write(&partial, text).map_err(|error| failed(&partial, &error))?;
        fs::rename(&partial, &path).map_err(|error| failed(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}
