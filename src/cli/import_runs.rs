//! `doorstep import runs`: a file of runs into the store, all of it or nothing.

use std::path::PathBuf;
use std::time::Duration;

use crate::clock::Clock;
use crate::config::Site;
use crate::interchange::counted;
use crate::interchange::runs::{
    Columns, Layout, LineError, Notation, Observation, Row, Taken, Times, Unit, Wanted, is_own, observation, rows, run,
    spans_of,
};
use crate::model::{FlowName, Run, RunKind, Schedule, VantageName};

use super::configuration::ConfigurationArgs;
use super::import_end::{self, Bad, finish};
use super::run::duration;
use super::{CommandError, Exit, print, when};

const EXAMPLES: &str = "\
Examples:
  doorstep import runs probes.csv --flow shop --at berlin
  doorstep import runs probes.csv --flow shop --at berlin --interval 60s \\
    --columns time=ts,ok=up,duration=latency_ms --dry-run
  doorstep import runs probes.tsv --flow shop --at berlin \\
    --zone Europe/Berlin --decimal-comma --unit s
  doorstep import runs probes.json --flow shop --at berlin --from 2026-11-01
  doorstep import runs exported.jsonl --store copy

The last one takes back what 'doorstep runs' exported, whole. The same runs twice \
change nothing: a run is known by when it began.";

/// Import runs from delimited text (with a header) or JSON. Nothing is written while a line is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct RunsArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The file: .csv or .tsv (separated by whatever its header shows), or .jsonl, .ndjson or .json for one JSON object
    /// per line or an array of objects.
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
    /// What stands between two cells, such as ';' or tab; seen from the header unless given.
    #[arg(long, value_name = "SIGN", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Fractions follow a comma: 120,5.
    #[arg(long)]
    decimal_comma: bool,
    /// IANA zone of times that do not say theirs, and of --from and --to.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Only runs that began then or later: RFC 3339, a date, '2026-11-20 14:00' or -30d.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Only runs that began before, written alike.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
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
    let reading = reading(args).map_err(usage)?;
    let text = std::fs::read_to_string(&args.file).map_err(|why| usage(unreadable(args, &why)))?;
    let mut table = rows(&text, layout(args).map_err(usage)?).map_err(|wrong| usage(format!("{shown}:{wrong}")))?;
    for remark in &table.remarks {
        print::note(&format!("note: {shown}: {remark}"));
    }
    let mut bad = Bad { what: "line", wrong: std::mem::take(&mut table.wrong), skip: args.skip_bad };
    let unfit = |why: String| usage(format!("{shown}: {why}"));
    let taken = if args.columns.is_empty() && table.rows.first().is_some_and(is_own) {
        let runs = own(args, &reading, &table.rows, &mut bad).map_err(unfit)?;
        bad.tell(&shown.to_string())?;
        spans_of(runs, &schedules(&site))
    } else {
        let read = if table.rows.is_empty() { None } else { Some(foreign(args, &reading, &table.rows, &mut bad)) };
        let read = read.transpose().map_err(unfit)?;
        bad.tell(&shown.to_string())?;
        match read {
            Some((wanted, seen)) if !seen.is_empty() => import_end::place_beside(&site, seen, &wanted).await?,
            _ => Taken::default(),
        }
    };
    if taken.runs.is_empty() {
        print::note(&format!("note: {shown}: there is no run in it"));
    }
    finish(&site, &taken, args.dry_run).await
}

/// How the file is to be read.
struct Reading {
    notation: Notation,
    times: Times,
}

fn reading(args: &RunsArgs) -> Result<Reading, String> {
    let zone = args.zone.as_deref().map(when::zone).transpose()?;
    let now = Clock::system().now();
    let written_in = zone.clone().unwrap_or(jiff::tz::TimeZone::UTC);
    let instant = |text: &Option<String>| text.as_deref().map(|text| when::instant(text, now, &written_in)).transpose();
    let times = Times { from: instant(&args.from)?, to: instant(&args.to)?, now };
    Ok(Reading { notation: Notation { zone, decimal_comma: args.decimal_comma }, times })
}

fn unreadable(args: &RunsArgs, why: &std::io::Error) -> String {
    let shown = args.file.display();
    match why.kind() {
        std::io::ErrorKind::InvalidData => {
            format!("{shown}: is no UTF-8 text: convert it, such as by 'iconv -f WINDOWS-1252 -t UTF-8'")
        }
        _ => format!("{shown}: cannot be read: {why}"),
    }
}

fn layout(args: &RunsArgs) -> Result<Layout, String> {
    let ending = args.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending.to_lowercase().as_str() {
        "csv" | "tsv" | "tab" => Ok(Layout::Delimited { by: args.delimiter }),
        "jsonl" | "ndjson" | "json" if args.delimiter.is_some() => {
            Err(format!("{}: JSON has no delimiter: leave --delimiter out", args.file.display()))
        }
        "jsonl" | "ndjson" | "json" => Ok(Layout::Json),
        _ => Err(format!(
            "{}: the ending '{ending}' says neither delimited text nor JSON: name it .csv or .jsonl",
            args.file.display()
        )),
    }
}

/// One sign, or the name of one that nobody can type.
fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"tab" | b"\\t" => Ok(b'\t'),
        [b'"' | b'\n' | b'\r'] => Err("this sign stands around cells, or between lines".to_owned()),
        [sign] if sign.is_ascii() => Ok(*sign),
        _ => Err("write one sign, such as ';', or tab".to_owned()),
    }
}

fn own(args: &RunsArgs, reading: &Reading, rows: &[Row], bad: &mut Bad) -> Result<Vec<Run>, String> {
    if args.flow.is_some() || args.at.is_some() || args.interval.is_some() || args.closed_loop {
        return Err(
            "an export of 'doorstep runs' says flow, vantage and slots itself: leave --flow, --at, --interval \
                    and --closed-loop out, or read it as foreign with --columns"
                .to_owned(),
        );
    }
    let mut runs = read_all(rows, bad, run);
    leave_out(&mut runs, reading, |run| run.started);
    Ok(runs)
}

/// When the flows of the configuration are due.
fn schedules(site: &Site) -> Vec<Schedule> {
    let vantages: Vec<VantageName> = site.vantages.iter().map(|vantage| vantage.name.clone()).collect();
    let mut all = Vec::new();
    for flow in &site.flows {
        let negative = flow.negative.as_ref().map(|negative| (RunKind::WrongPassword, negative.interval));
        for (kind, interval) in std::iter::once((RunKind::Login, flow.interval)).chain(negative) {
            all.push(Schedule { flow: flow.name.clone(), kind, interval, vantages: vantages.clone() });
        }
    }
    all
}

fn foreign(
    args: &RunsArgs,
    reading: &Reading,
    rows: &[Row],
    bad: &mut Bad,
) -> Result<(Wanted, Vec<Observation>), String> {
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
    let mut seen = read_all(rows, bad, |row| {
        let seen = observation(row, &columns, &reading.notation)?;
        reading.times.believe(seen.at)?;
        Ok(seen)
    });
    leave_out(&mut seen, reading, |one| one.at);
    Ok((Wanted { flow, vantage, interval: args.interval, closed_loop: args.closed_loop }, seen))
}

/// Leaves out what began outside --from and --to, and says so.
fn leave_out<T>(all: &mut Vec<T>, reading: &Reading, began: impl Fn(&T) -> jiff::Timestamp) {
    let before = all.len();
    all.retain(|one| reading.times.want(began(one)));
    if all.len() < before {
        let told = counted(before - all.len(), "run that began", "runs that began");
        print::note(&format!("note: left out {told} outside --from and --to"));
    }
}

fn read_all<T>(rows: &[Row], bad: &mut Bad, read: impl Fn(&Row) -> Result<T, String>) -> Vec<T> {
    let mut all = Vec::with_capacity(rows.len());
    for row in rows {
        match read(row) {
            Ok(one) => all.push(one),
            Err(reason) => bad.wrong.push(LineError { line: row.line, reason }),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delimiter_is_one_sign() {
        assert_eq!(["tab", "\\t", "\t", ";", ","].map(|text| delimiter(text).unwrap()), *b"\t\t\t;,");
        for wrong in ["", "::", "\"", "\n", "ü"] {
            assert!(delimiter(wrong).is_err(), "{wrong}");
        }
    }
}
