//! `doorstep import runs`: a file of runs into the store, all of it or nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::app::import;
use crate::clock::Clock;
use crate::config::Site;
use crate::interchange::runs::{
    Columns, Layout, LineError, Row, Taken, Unit, Wanted, is_own, observation, place, rows, run, spans_of,
};
use crate::model::{FlowName, RunKind, Schedule, VantageName, chain};

use super::configuration::ConfigurationArgs;
use super::run::duration;
use super::{CommandError, Exit, print};

/// Nobody reads more mistakes than this.
const MOST_TOLD: usize = 20;

/// Import runs from CSV (with a header) or JSON lines. Nothing is written while a line is wrong.
#[derive(Debug, clap::Args)]
pub(super) struct RunsArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The file: .csv, or .jsonl, .ndjson or .json for JSON lines.
    file: PathBuf,
    /// The flow that the runs belong to; an export of 'doorstep runs' names it itself.
    #[arg(long, value_name = "NAME")]
    flow: Option<FlowName>,
    /// The vantage that they were made at (--vantage names this worker's own).
    #[arg(long, value_name = "NAME")]
    at: Option<VantageName>,
    /// From one run to the next; estimated unless given.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    interval: Option<Duration>,
    /// Which column holds what: time=NAME,ok=NAME,duration=NAME,class=NAME,message=NAME. Usual names are found.
    #[arg(long, value_name = "MAP", default_value = "")]
    columns: String,
    /// The unit of the duration column, where its name does not end in it.
    #[arg(long, value_enum)]
    unit: Option<DurationUnit>,
    /// Leave out lines that cannot be read, and say which, instead of importing nothing.
    #[arg(long)]
    skip_bad: bool,
    /// The prober waited for each run to end: add what it omitted meanwhile, as HdrHistogram's record_correct does.
    #[arg(long)]
    closed_loop: bool,
    /// Say what would be imported, and import nothing.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DurationUnit {
    /// Seconds.
    S,
    /// Milliseconds.
    Ms,
    /// Microseconds.
    Us,
}

/// Imports a file.
///
/// # Errors
/// Every line that cannot be read, with its place; arguments that do not fit the file; a store that fails.
pub(super) async fn execute(args: &RunsArgs) -> Result<Exit, CommandError> {
    let usage = |why: String| CommandError::new(Exit::Usage, why);
    let site = args.configuration.site()?;
    let shown = args.file.display();
    let text = std::fs::read_to_string(&args.file).map_err(|why| usage(format!("{shown}: cannot be read: {why}")))?;
    let (rows, mut wrong) = rows(&text, layout(args).map_err(usage)?);
    let taken = if rows.is_empty() {
        print::note(&format!("note: {shown}: there is no run in it"));
        Ok(Taken::default())
    } else if args.columns.is_empty() && rows.first().is_some_and(is_own) {
        own(args, &site, &rows, &mut wrong)
    } else {
        foreign(args, &rows, &mut wrong)
    };
    tell_wrong(args, wrong)?;
    let taken = taken.map_err(|why| usage(format!("{shown}: {why}")))?;
    finish(&site, &taken, args.dry_run).await
}

/// Keeps what was taken, and says what became of it.
pub(super) async fn finish(site: &Site, taken: &Taken, dry_run: bool) -> Result<Exit, CommandError> {
    let failed = |error: crate::store::Error| CommandError::new(Exit::Store, chain(&error));
    for remark in &taken.remarks {
        print::note(&format!("note: {remark}"));
    }
    let slots = taken.runs.iter().map(|run| run.started);
    let span = match (slots.clone().min(), slots.max()) {
        (Some(first), Some(last)) => format!(", from {first} to {last}"),
        _ => String::new(),
    };
    if dry_run {
        let new = import::unknown(site, taken).await.map_err(failed)?.len();
        print::out(&format!("would import {new} runs ({} known already){span}\n", taken.runs.len() - new));
        return Ok(Exit::Good);
    }
    let kept = import::keep(site, &Clock::system(), taken).await.map_err(failed)?;
    print::out(&format!("imported {} runs ({} known already){span}\n", kept.new, kept.known));
    Ok(Exit::Good)
}

fn layout(args: &RunsArgs) -> Result<Layout, String> {
    match args.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default() {
        "csv" => Ok(Layout::Csv),
        "jsonl" | "ndjson" | "json" => Ok(Layout::JsonLines),
        other => Err(format!(
            "{}: the ending '{other}' says neither CSV nor JSON lines: name it .csv or .jsonl",
            args.file.display()
        )),
    }
}

/// All or nothing, unless bad lines may be skipped.
fn tell_wrong(args: &RunsArgs, mut wrong: Vec<LineError>) -> Result<(), CommandError> {
    wrong.sort_by_key(|error| error.line);
    let mut lines: Vec<String> =
        wrong.iter().take(MOST_TOLD).map(|error| format!("{}:{error}", args.file.display())).collect();
    if wrong.len() > MOST_TOLD {
        lines.push(format!("and {} more", wrong.len() - MOST_TOLD));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    if args.skip_bad {
        lines.push(format!("left out {} lines", wrong.len()));
        print::note(&lines.join("\n"));
        return Ok(());
    }
    lines.push("nothing was imported: correct these lines, or leave them out with --skip-bad".to_owned());
    Err(CommandError::new(Exit::Usage, lines.join("\n")))
}

fn own(args: &RunsArgs, site: &Site, rows: &[Row], wrong: &mut Vec<LineError>) -> Result<Taken, String> {
    if args.flow.is_some() || args.at.is_some() || args.interval.is_some() || args.closed_loop {
        return Err(
            "an export of 'doorstep runs' says flow, vantage and slots itself: leave --flow, --at, --interval \
                    and --closed-loop out, or read it as foreign with --columns"
                .to_owned(),
        );
    }
    let runs: Vec<_> = read_all(rows, wrong, run);
    let vantages: Vec<VantageName> = site.vantages.iter().map(|vantage| vantage.name.clone()).collect();
    let schedules: Vec<Schedule> = site
        .flows
        .iter()
        .flat_map(|flow| {
            let negative = flow.negative.as_ref().map(|negative| (RunKind::WrongPassword, negative.interval));
            std::iter::once((RunKind::Login, flow.interval)).chain(negative).map(|(kind, interval)| Schedule {
                flow: flow.name.clone(),
                kind,
                interval,
                vantages: vantages.clone(),
            })
        })
        .collect();
    Ok(spans_of(runs, &schedules))
}

fn foreign(args: &RunsArgs, rows: &[Row], wrong: &mut Vec<LineError>) -> Result<Taken, String> {
    let (Some(flow), Some(vantage)) = (args.flow.clone(), args.at.clone()) else {
        return Err("say which flow and vantage these runs are of: --flow NAME --at NAME".to_owned());
    };
    // JSON objects may leave out what they have no value for.
    let mut there: Vec<&str> = Vec::new();
    for name in rows.iter().flat_map(Row::names) {
        if !there.contains(&name) {
            there.push(name);
        }
    }
    let unit = args.unit.map(|unit| match unit {
        DurationUnit::S => Unit::Seconds,
        DurationUnit::Ms => Unit::Millis,
        DurationUnit::Us => Unit::Micros,
    });
    let columns = Columns::of(&args.columns, unit, &there)?;
    let seen = read_all(rows, wrong, |row| observation(row, &columns));
    if seen.is_empty() && !wrong.is_empty() {
        return Ok(Taken::default());
    }
    place(seen, &Wanted { flow, vantage, interval: args.interval, closed_loop: args.closed_loop })
}

fn read_all<T>(rows: &[Row], wrong: &mut Vec<LineError>, read: impl Fn(&Row) -> Result<T, String>) -> Vec<T> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(one) => all.push(one),
            Err(reason) => wrong.push(LineError { line: row.line, reason }),
        }
    }
    all
}
