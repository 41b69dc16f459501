//! `doorstep database`: asks the servers behind the logins now, and says what it means; nothing is recorded. What was
//! recorded is `database_samples`'s.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use jiff::Timestamp;
use serde::Serialize;
use tokio::time::MissedTickBehavior;

use super::configuration::{ConfigurationArgs, databases};
use super::database_samples::{self, SamplesArgs};
use super::run::duration;
use super::{CommandError, Exit, database_text, print, terminal};
use crate::clock::Clock;
use crate::config::Site;
use crate::model::{
    Answer, Database, DatabaseName, Finding, Micros, Sample, Server, Severity, Unknown, VantageName, chain,
};
use crate::replication::{Explanation, Watch};
use crate::secrets;
use crate::sentinel::Session;

/// Between two questions, unless the database's interval is shorter.
const LONGEST_TICK: Duration = Duration::from_secs(1);

const EXAMPLES: &str = "\
Examples:
  doorstep database check           every server, for ten seconds
  doorstep database check shop --for 3s
  doorstep database check --format json
  doorstep database check --quiet   for cron: silent while nothing is wrong

Rules that need five seconds are not judged in three.

Exit codes: 0 nothing critical, 1 a critical finding, 2 usage or configuration, 3 something is unknown (and nothing \
known is critical). Warnings are printed and end with 0.

The role that asks reads only and needs pg_monitor:
  create role doorstep login password '...' in role pg_monitor;";

const BOTH_EXAMPLES: &str = "\
Examples:
  doorstep database check           every server of every database, now
  doorstep database samples --from -10m > samples.csv";

/// Ask the databases behind the logins.
#[derive(Debug, clap::Args)]
#[command(after_help = BOTH_EXAMPLES)]
pub struct DatabaseArgs {
    #[command(subcommand)]
    command: DatabaseCommand,
}

#[derive(Debug, clap::Subcommand)]
enum DatabaseCommand {
    /// Ask every server now: what each says, and what it means for logins.
    Check(CheckArgs),
    /// Export what servers answered, as 'doorstep run' recorded it.
    Samples(SamplesArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
struct CheckArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The database, by name; all when not given.
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// How long to ask, each server once a second: some rules hold only after five seconds.
    #[arg(long = "for", value_name = "TIME", default_value = "10s", value_parser = duration)]
    for_how_long: Duration,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print nothing when the exit code is 0.
    #[arg(long)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// What was learned of a database.
pub(super) struct Checked {
    pub(super) database: Database,
    /// Each server, in its configured order.
    pub(super) servers: Vec<Asked>,
    /// What holds, gravest first.
    pub(super) findings: Vec<Finding>,
    pub(super) explanation: Explanation,
}

/// A server, and how the asking went.
pub(super) struct Asked {
    pub(super) server: Server,
    pub(super) asked: u32,
    pub(super) answered: u32,
    /// The last sample.
    pub(super) last: Sample,
}

impl Checked {
    /// Whether something is not known in the end.
    fn unknown(&self) -> bool {
        self.servers.iter().any(|server| matches!(server.last.answer, Answer::Unknown { .. }))
            || self.findings.iter().any(|finding| finding.severity == Severity::Unknown)
    }

    fn critical(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Critical)
    }
}

/// Asks, and says what it means; or exports what was recorded.
///
/// # Errors
/// A configuration that is not right, a database that it does not name, TLS settings that cannot be used,
/// a store that cannot be read.
pub async fn execute(args: &DatabaseArgs) -> Result<Exit, CommandError> {
    match &args.command {
        DatabaseCommand::Check(args) => now(args).await,
        DatabaseCommand::Samples(args) => database_samples::execute(args).await,
    }
}

/// Asks every server now.
async fn now(args: &CheckArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let databases = databases(&site, args.name.as_deref())?;
    let bar = terminal::progress(args.for_how_long.as_secs(), "seconds of asking");
    let vantage = vantage(&site)?;
    let checks = databases.iter().map(|database| check(database, &vantage, args.for_how_long, &bar));
    let checked: Result<Vec<Checked>, CommandError> = join_all(checks).await.into_iter().collect();
    bar.finish_and_clear();
    let checked = checked?;
    let exit = match () {
        () if checked.iter().any(Checked::critical) => Exit::Bad,
        () if checked.iter().any(Checked::unknown) => Exit::Lost,
        () => Exit::Good,
    };
    if !(args.quiet && exit == Exit::Good) {
        print::out(&match args.format {
            Format::Text => database_text::text(&checked, terminal::columns()),
            Format::Json => json(&checked),
        });
    }
    Ok(exit)
}

/// A question by hand is not recorded, so that it may come from nowhere.
fn vantage(site: &Site) -> Result<VantageName, CommandError> {
    let here = || VantageName::new("here").map_err(|error| CommandError::new(Exit::Lost, error.to_string()));
    site.local_vantage().map_or_else(|_| here(), |vantage| Ok(vantage.name.clone()))
}

/// Asks all servers side by side, again and again.
async fn check(
    database: &Database,
    vantage: &VantageName,
    how_long: Duration,
    bar: &indicatif::ProgressBar,
) -> Result<Checked, CommandError> {
    let mut askers = askers(database)?;
    let mut watch = Watch::new(database);
    let mut asked: Vec<Option<Asked>> = database.servers.iter().map(|_| None).collect();
    let tick = database.interval.min(LONGEST_TICK);
    let mut ticks = tokio::time::interval(tick);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let begun = Instant::now();
    loop {
        ticks.tick().await;
        let round = join_all(askers.iter_mut().map(|asker| asker.ask(database, vantage))).await;
        let mut in_order: Vec<&Sample> = round.iter().collect();
        in_order.sort_by_key(|sample| sample.started);
        for sample in in_order {
            watch.observe(sample);
        }
        for ((known, server), sample) in asked.iter_mut().zip(&database.servers).zip(round) {
            let answered = u32::from(matches!(sample.answer, Answer::Facts(_)));
            let (before, good) = known.as_ref().map_or((0, 0), |known| (known.asked, known.answered));
            *known = Some(Asked { server: server.clone(), asked: before + 1, answered: good + answered, last: sample });
        }
        bar.set_position(begun.elapsed().as_secs());
        if begun.elapsed() + tick > how_long {
            break;
        }
    }
    Ok(Checked {
        database: database.clone(),
        servers: asked.into_iter().flatten().collect(),
        findings: watch.findings(),
        explanation: watch.explanation(),
    })
}

/// Who asks a server, or why nobody can.
struct Asker {
    server: Server,
    session: Result<Session, Answer>,
}

fn askers(database: &Database) -> Result<Vec<Asker>, CommandError> {
    let password = database.password.as_ref().map(secrets::resolve).transpose();
    let asker = |server: &Server| {
        let session = match &password {
            Ok(password) => Ok(Session::new(database, &server.name, password.as_ref())
                .map_err(|error| CommandError::new(Exit::Usage, chain(&error)))?),
            Err(error) => {
                let message = format!("the password of the role '{}' cannot be read: {}", database.user, chain(error));
                Err(Answer::Unknown { why: Unknown::NoSecret, message })
            }
        };
        Ok(Asker { server: server.clone(), session })
    };
    database.servers.iter().map(asker).collect()
}

impl Asker {
    async fn ask(&mut self, database: &Database, vantage: &VantageName) -> Sample {
        let started = Clock::system().now();
        let begun = Instant::now();
        let answer = match &mut self.session {
            Ok(session) => session.ask().await,
            Err(answer) => answer.clone(),
        };
        Sample {
            database: database.name.clone(),
            server: self.server.name.clone(),
            vantage: vantage.clone(),
            slot: started,
            started,
            elapsed: Micros::from(begun.elapsed()),
            answer,
        }
    }
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    database: &'a DatabaseName,
    summary: &'a str,
    since: Option<Timestamp>,
    findings: Vec<PrintedFinding<'a>>,
    servers: Vec<PrintedServer<'a>>,
}

#[derive(Serialize)]
struct PrintedFinding<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    runbook: String,
}

#[derive(Serialize)]
struct PrintedServer<'a> {
    host: &'a str,
    port: u16,
    role: &'a str,
    asked: u32,
    answered: u32,
    last: &'a Sample,
}

fn json(checked: &[Checked]) -> String {
    let printed = checked.iter().map(|one| Printed {
        database: &one.database.name,
        summary: &one.explanation.sentence,
        since: one.explanation.since,
        findings: one.findings.iter().map(|finding| PrintedFinding { finding, runbook: finding.runbook() }).collect(),
        servers: one.servers.iter().map(server).collect(),
    });
    // Names and numbers always have a JSON form.
    serde_json::to_string_pretty(&printed.collect::<Vec<_>>())
        .map_or_else(|error| error.to_string(), |text| format!("{text}\n"))
}

fn server(asked: &Asked) -> PrintedServer<'_> {
    PrintedServer {
        host: &asked.server.host,
        port: asked.server.port,
        role: asked.server.role.as_str(),
        asked: asked.asked,
        answered: asked.answered,
        last: &asked.last,
    }
}
