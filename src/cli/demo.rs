//! `doorstep demo`: a whole outage, from login to report, in one minute.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{CommandError, Exit, print};
use crate::app::demo::{self, Done, Event};
use crate::model::{Run, RunKind, VantageName, Verdict, chain};
use crate::report::ReportModel;
use crate::report::format;

/// Arguments of `doorstep demo`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  doorstep demo             one minute; the report is in doorstep-demo/report
  doorstep demo --out /tmp/demo --seconds 30")]
pub struct DemoArgs {
    /// Where everything goes: configuration, store, truth and report. Emptied first when it holds an earlier demo.
    #[arg(long, value_name = "FOLDER", default_value = "doorstep-demo")]
    out: PathBuf,
    /// How long; the outage takes the middle third.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(6..=3600))]
    seconds: u64,
}

/// How many of the last runs of a vantage are shown.
const SHOWN: usize = 40;

/// Runs the demo, reports on it, and says in five lines what it found.
///
/// # Errors
/// When the folder cannot be used, or anything that the demo needs does not start.
pub async fn execute(args: &DemoArgs) -> Result<Exit, CommandError> {
    let duration = Duration::from_secs(args.seconds);
    let (sender, receiver) = mpsc::channel(256);
    let display = tokio::spawn(display(receiver, duration));
    let done = demo::run(&args.out, duration, sender).await;
    let shown = display.await;
    let done = done.map_err(|error| CommandError::new(Exit::Lost, chain(&error)))?;
    shown.map_err(|error| CommandError::new(Exit::Lost, format!("the display failed: {error}")))?;
    let command = format!(
        "{}: doorstep report --config {} --from {} --to {}",
        concat!("doorstep ", env!("CARGO_PKG_VERSION")),
        super::shell::word(&done.config.display().to_string()),
        done.from,
        done.to
    );
    let model = super::report::of_span(&done.site, &command, done.from, done.to).await?;
    let folder = args.out.join("report");
    super::report::write(&folder, &super::report::Format::ALL, &model)?;
    print::out(&summary(&done, &model, &folder));
    Ok(Exit::Good)
}

/// What is known of one vantage.
#[derive(Default)]
struct Tally {
    good: u32,
    bad: u32,
    lost: u32,
    last: Vec<char>,
}

impl Tally {
    fn mark(&mut self, verdict: Verdict) {
        let (count, mark) = match verdict {
            Verdict::Good => (&mut self.good, '·'),
            Verdict::Bad(_) => (&mut self.bad, '✘'),
            Verdict::Lost(_) => (&mut self.lost, '?'),
        };
        *count += 1;
        self.last.push(mark);
        if self.last.len() > SHOWN {
            self.last.remove(0);
        }
    }

    fn words(&self) -> String {
        format!("{:>3} good {:>3} bad {:>3} lost", self.good, self.bad, self.lost)
    }
}

/// Shows runs as they end: live lines on a terminal, a plain line every five seconds elsewhere.
async fn display(mut events: mpsc::Receiver<Event>, duration: Duration) {
    let terminal = std::io::stderr().is_terminal();
    let mut tallies: BTreeMap<VantageName, Tally> = BTreeMap::new();
    let mut bars = Bars::new(duration, terminal);
    let begun = Instant::now();
    let mut plain = interval(Duration::from_secs(5));
    plain.set_missed_tick_behavior(MissedTickBehavior::Delay);
    plain.reset();
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(Event::Started(address)) => {
                    bars.note(&format!("sandbox on http://{address}; three vantages log in every second"));
                    bars.note("from the second third on, 80 % of the logins hang for as long");
                }
                Some(Event::Run(run)) => show_run(&run, &mut tallies, &mut bars),
                None => break,
            },
            _ = plain.tick() => {
                if !terminal {
                    print::note(&plain_line(begun.elapsed(), &tallies));
                }
            }
        }
        bars.tick(begun.elapsed());
    }
    bars.finish();
}

fn show_run(run: &Arc<Run>, tallies: &mut BTreeMap<VantageName, Tally>, bars: &mut Bars) {
    if run.kind != RunKind::Login {
        return;
    }
    let tally = tallies.entry(run.vantage.clone()).or_default();
    tally.mark(run.verdict);
    bars.update(&run.vantage, tally);
}

fn plain_line(elapsed: Duration, tallies: &BTreeMap<VantageName, Tally>) -> String {
    let mut line = format!("{:>3} s", elapsed.as_secs());
    for (vantage, tally) in tallies {
        let _ = write!(line, "  {vantage}: {}", tally.words());
    }
    line
}

/// The live lines.
struct Bars {
    all: Option<MultiProgress>,
    time: ProgressBar,
    lines: BTreeMap<VantageName, ProgressBar>,
}

impl Bars {
    fn new(duration: Duration, terminal: bool) -> Self {
        if !terminal {
            return Self { all: None, time: ProgressBar::hidden(), lines: BTreeMap::new() };
        }
        let all = MultiProgress::new();
        let time = all.add(ProgressBar::new(duration.as_secs()));
        if let Ok(style) = ProgressStyle::with_template("{bar:50} {pos} of {len} s") {
            time.set_style(style);
        }
        Self { all: Some(all), time, lines: BTreeMap::new() }
    }

    fn note(&self, line: &str) {
        match &self.all {
            // A line that the terminal does not take is no reason to stop.
            Some(all) => drop(all.println(line)),
            None => print::note(line),
        }
    }

    fn update(&mut self, vantage: &VantageName, tally: &Tally) {
        let Some(all) = &self.all else { return };
        let line = self.lines.entry(vantage.clone()).or_insert_with(|| {
            let line = all.add(ProgressBar::new_spinner());
            if let Ok(style) = ProgressStyle::with_template("{prefix:12} {msg}") {
                line.set_style(style);
            }
            line.set_prefix(vantage.to_string());
            line
        });
        line.set_message(format!("{}  {}", tally.words(), tally.last.iter().collect::<String>()));
    }

    fn tick(&self, elapsed: Duration) {
        self.time.set_position(elapsed.as_secs());
    }

    fn finish(&self) {
        self.time.finish();
        for line in self.lines.values() {
            line.finish();
        }
    }
}

/// Five lines: what was promised and found, whom it hit, what it cost, what the sandbox says it did, where to look.
fn summary(done: &Done, model: &ReportModel, folder: &Path) -> String {
    let mut text = String::from("\n");
    if let Some(objective) = model.objectives.first() {
        let _ = writeln!(
            text,
            "availability  {} of logins succeeded ({}), promised {}: {}",
            format::percent(objective.availability, objective.interval),
            format::percent_interval(objective.interval),
            format::target(objective.target),
            objective.verdict.as_str()
        );
        let impact = objective.users.as_ref().and_then(|users| users.impact);
        let interval = objective.users.as_ref().and_then(|users| users.interval);
        let uncovered = objective.users.as_ref().map(|users| users.uncovered);
        let _ = writeln!(
            text,
            "users         {} of sign-ins failed; {} of demand is not covered by any vantage",
            format::percent(impact, interval),
            format::percent(uncovered, None)
        );
        if let Some(budget) = &objective.budget {
            let _ = writeln!(
                text,
                "error budget  {} failures where {:.1} are allowed: spent {:.0} times",
                format::count(budget.spent_events),
                budget.allowed_events,
                budget.spent_share
            );
        }
    }
    let (good, all) = done.let_in();
    let _ = writeln!(text, "truth         the sandbox let {good} of {all} logins in; every one is in truth.jsonl");
    let _ = writeln!(text, "report        {}", folder.join("report.html").display());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_runs_are_shown() {
        let mut tally = Tally::default();
        for _ in 0..SHOWN + 5 {
            tally.mark(Verdict::Good);
        }
        tally.mark(Verdict::Bad(crate::model::BadClass::Timeout));
        assert_eq!(tally.words(), " 45 good   1 bad   0 lost");
        assert_eq!((tally.last.len(), tally.last.last()), (SHOWN, Some(&'✘')));
    }
}
