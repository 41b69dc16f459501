//! `doorstep try`: logs in once, now, and shows all of it; or many times, and shows the spread.
//!
//! Nothing is recorded. The login is the same code that the worker runs.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use super::configuration::ConfigurationArgs;
use super::{CommandError, Exit, print, terminal};
use crate::clock::Clock;
use crate::config::Site;
use crate::login::{self, Credentials, Order};
use crate::model::{Flow, Micros, Run, RunKind, VantageName, Verdict, chain};
use crate::net::Transport;
use crate::report::format::{count, counted};
use crate::report::{run_json, waterfall};
use crate::secrets;

/// Arguments of `doorstep try`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  doorstep try shop                     each step, request and phase
  doorstep try shop --wrong-password    must be refused; exit 0 when it is
  doorstep try shop --format json       the same, for scripts
  doorstep try shop --repeat 100        a hundred logins, and their spread

Exit codes: 0 good, 1 bad, 2 usage or configuration, 3 lost (the prober's own fault).")]
pub struct TryArgs {
    /// The flow, by name; may be left out when there is only one.
    #[arg(value_name = "FLOW")]
    flow: Option<String>,
    /// Try the flow's wrong password, which must be refused. It counts at the service as a failed login.
    #[arg(long)]
    wrong_password: bool,
    /// How often.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,
    /// How many at once.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    concurrency: u32,
    /// How the result is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    configuration: ConfigurationArgs,
}

/// How a result is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Everything that logins of one flow share.
struct Trial {
    flow: Flow,
    kind: RunKind,
    vantage: VantageName,
    credentials: Option<Credentials>,
    transport: Transport,
    clock: Clock,
}

/// Logs in and prints what happened.
///
/// # Errors
/// When the configuration is wrong, the flow is unknown, or its secret or certificates cannot be read.
pub async fn execute(args: &TryArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let trial = Arc::new(prepare(args, &site)?);
    if args.repeat == 1 {
        let run = trial.login(trial.clock.now()).await;
        show(&run, args.format);
        return Ok(exit(run.verdict));
    }
    let many = many(&trial, args.repeat, args.concurrency).await;
    print::out(&match args.format {
        Format::Text => many.text(),
        Format::Json => many.json(),
    });
    Ok(many.exit())
}

/// Prints one run.
pub(super) fn show(run: &Run, format: Format) {
    print::out(&match format {
        Format::Json => format!("{}\n", run_json::line(run)),
        Format::Text => {
            let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            waterfall::render(run, waterfall::Layout { width: terminal::columns(), color })
        }
    });
}

fn exit(verdict: Verdict) -> Exit {
    match verdict {
        Verdict::Good => Exit::Good,
        Verdict::Bad(_) => Exit::Bad,
        Verdict::Lost(_) => Exit::Lost,
    }
}

fn prepare(args: &TryArgs, site: &Site) -> Result<Trial, CommandError> {
    let flow = choose(site, args.flow.as_deref())?.clone();
    let kind = if args.wrong_password { RunKind::WrongPassword } else { RunKind::Login };
    let accounts = match (&flow.negative, kind) {
        (None, RunKind::WrongPassword) => {
            let message = format!("the flow '{}' has no 'negative:' section, so it names no wrong password", flow.name);
            return Err(CommandError::new(Exit::Usage, message));
        }
        (Some(negative), RunKind::WrongPassword) => &negative.accounts,
        (_, RunKind::Login) => &flow.accounts,
    };
    let credentials = match accounts.first().and_then(|name| site.accounts.iter().find(|account| account.name == *name))
    {
        None => None,
        Some(account) => {
            let password = secrets::resolve(&account.password).map_err(|error| {
                let message = format!("failed to read the password of account '{}': {}", account.name, chain(&error));
                CommandError::new(Exit::Lost, message)
            })?;
            Some(Credentials { account: account.name.clone(), username: account.username.clone(), password })
        }
    };
    let transport = Transport::new(&flow.network, site.limits.private_addresses).map_err(|error| {
        CommandError::new(
            Exit::Usage,
            format!("failed to prepare the network of flow '{}': {}", flow.name, chain(&error)),
        )
    })?;
    let vantage = match site.local_vantage() {
        Ok(vantage) => vantage.name.clone(),
        // A login by hand is not recorded, so that it may come from nowhere.
        Err(_) => VantageName::new("here").map_err(|error| CommandError::new(Exit::Lost, error.to_string()))?,
    };
    Ok(Trial { flow, kind, vantage, credentials, transport, clock: Clock::system() })
}

fn choose<'a>(site: &'a Site, name: Option<&str>) -> Result<&'a Flow, CommandError> {
    let names = || site.flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>().join(", ");
    let usage = |message: String| CommandError::new(Exit::Usage, message);
    match (name, site.flows.as_slice()) {
        (None, [only]) => Ok(only),
        (None, _) => Err(usage(format!("which flow? one of: {}", names()))),
        (Some(name), flows) => flows
            .iter()
            .find(|flow| flow.name.as_str() == name)
            .ok_or_else(|| usage(format!("no flow is called '{name}'; there is: {}", names()))),
    }
}

impl Trial {
    async fn login(&self, slot: Timestamp) -> Run {
        let order = Order {
            flow: &self.flow,
            kind: self.kind,
            vantage: self.vantage.clone(),
            slot,
            attempt: 0,
            credentials: self.credentials.as_ref(),
            transport: &self.transport,
        };
        login::run(&order, &self.clock).await
    }
}

/// What many logins were.
struct Many {
    runs: u32,
    good: u32,
    bad: u32,
    lost: u32,
    hops: usize,
    elapsed: Duration,
    /// Login times of good runs, sorted.
    times: Vec<Micros>,
    /// The first run that was not good.
    first_failure: Option<Box<Run>>,
}

/// Logs in `repeat` times, `concurrency` at once, without a pause.
async fn many(trial: &Arc<Trial>, repeat: u32, concurrency: u32) -> Many {
    let begun = Instant::now();
    let mut many = Many {
        runs: repeat,
        good: 0,
        bad: 0,
        lost: 0,
        hops: 0,
        elapsed: Duration::ZERO,
        times: Vec::new(),
        first_failure: None,
    };
    let next = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let (sender, mut ended) = tokio::sync::mpsc::channel(64);
    for _ in 0..concurrency.min(repeat) {
        let (trial, next, sender) = (Arc::clone(trial), Arc::clone(&next), sender.clone());
        tokio::spawn(async move {
            while next.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < repeat {
                let run = trial.login(trial.clock.now()).await;
                if sender.send(run).await.is_err() {
                    break;
                }
            }
        });
    }
    drop(sender);
    let progress = terminal::progress(u64::from(repeat), "logins");
    while let Some(run) = ended.recv().await {
        progress.inc(1);
        many.count(run);
    }
    progress.finish_and_clear();
    many.elapsed = begun.elapsed();
    many.times.sort_unstable();
    many
}

impl Many {
    fn count(&mut self, run: Run) {
        self.hops += run.hops.len();
        match run.verdict {
            Verdict::Good => self.good += 1,
            Verdict::Bad(_) => self.bad += 1,
            Verdict::Lost(_) => self.lost += 1,
        }
        if run.verdict == Verdict::Good {
            self.times.extend(run.login_time());
        } else if self.first_failure.is_none() {
            self.first_failure = Some(Box::new(run));
        }
    }

    fn exit(&self) -> Exit {
        match (self.bad, self.lost) {
            (0, 0) => Exit::Good,
            (0, _) => Exit::Lost,
            _ => Exit::Bad,
        }
    }

    /// By nearest rank.
    fn percentile(&self, share: f64) -> Option<Micros> {
        let rank = (share * self.times.len() as f64).ceil().max(1.0) as usize;
        self.times.get(rank - 1).copied()
    }

    fn text(&self) -> String {
        let mut text = String::new();
        if let Some(run) = &self.first_failure {
            text.push_str("the first login that was not good:\n\n");
            text.push_str(&waterfall::render(run, waterfall::Layout { width: terminal::columns(), color: false }));
            text.push('\n');
        }
        let seconds = self.elapsed.as_secs_f64();
        text.push_str(&format!(
            "{} in {seconds:.1} s ({:.1} a second): {} good, {} bad, {} lost\n",
            counted(u64::from(self.runs), "login", "logins"),
            f64::from(self.runs) / seconds,
            count(u64::from(self.good)),
            count(u64::from(self.bad)),
            count(u64::from(self.lost))
        ));
        if let (Some(p50), Some(p95), Some(longest)) = (self.percentile(0.5), self.percentile(0.95), self.times.last())
        {
            text.push_str(&format!("login time of the good ones: median {p50}, p95 {p95}, longest {longest}\n"));
        }
        text
    }

    fn json(&self) -> String {
        let micros = |share| self.percentile(share).map(|time| time.0);
        let summary = serde_json::json!({
            "runs": self.runs, "good": self.good, "bad": self.bad, "lost": self.lost, "hops": self.hops,
            "elapsed_us": Micros::from(self.elapsed).0,
            "login_time_us": { "p50": micros(0.5), "p95": micros(0.95), "p99": micros(0.99) },
            "first_failure": self.first_failure.as_deref().map(run_json::value),
        });
        format!("{summary}\n")
    }
}
