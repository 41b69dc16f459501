//! `doorstep simulate`: runs with a known truth, written into a store by the way that workers' runs take.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::app::{DiskFiles, simulation};
use crate::clock::Clock;
use crate::config::{Files, Site};
use crate::model::{Action, Flow, StepRole, StoreLocation, chain};
use crate::report::format::{count, counted};
use crate::simulate::{Given, Script, SimulatedFlow, SimulatedStep, SimulatedVantage, Simulation, Truth};
use crate::store::Store;

use super::configuration::ConfigurationArgs;
use super::what_if::WhatIfArgs;
use super::{CommandError, Exit, print, terminal, what_if, when};

/// Write runs with a known truth into a store.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  doorstep simulate probes/simulate/week.yaml --store simulated
  doorstep simulate probes/simulate/specimen.yaml --store simulated --seed 2
  doorstep simulate outages.yaml --config doorstep.yaml --store simulated \\
    --from 2026-11-16 --to 2026-11-23
  doorstep simulate probes/simulate/large.yaml --store big --runs 1000000
  doorstep simulate outages.yaml --dry-run
  doorstep simulate --what-if --interval 60s --vantages 3 --objective 99.9%

The first writes a week with four kinds of trouble into the new folder 'simulated'; the truth is in \
simulated/truth.json. A seed gives the same script other draws. With --config, vantages and flows are those of your own \
configuration.

--what-if writes nothing: it says how soon each rule would page for outages of four sizes, and how often for nothing.

What a script may hold (probes/simulate/week.yaml uses most of it; times are RFC 3339, dates, or lengths since 'from' such \
as '3d 9h'):
  seed, from, to      all draws follow from the seed; 'to' may be a length: 7d
  vantages            name, labels, pace (1.5: half again as slow)
  flows               name, interval, timeout, background, lost, accounts,
                      spread, network (dns, connect, tls, receive), steps
    steps             name, role (login, identity, logout), wait, hops
  outages             from, to, name, share, rises, falls, users (any, same),
                      step, class, status, phase; where: at, labels, flows
  slow                from, to, factor, rises, falls, step; where, as above
  prober              from, to, trouble (silent, cut_off or a class of lost
                      runs), share; where, as above
  reprobe             every, until_good, per_hour
  demand              users, per_hour or day (24 hours, with weekend) or week
                      (168 hours), zone, retries, segments (name, share,
                      vantages)")]
pub struct SimulateArgs {
    /// YAML file that says what is simulated
    #[arg(value_name = "SCRIPT", required_unless_present = "what_if")]
    pub script: Option<PathBuf>,
    /// Seed of all draws, instead of the script's
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Where runs are written: a folder or s3://bucket/prefix; needed unless --config says it
    #[arg(long, value_name = "PLACE", required_unless_present_any = ["config", "dry_run", "what_if"])]
    pub store: Option<String>,
    /// A configuration whose store, and whose vantages and flows where the script names none, are used
    #[arg(long, short, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The first instant, instead of the script's: RFC 3339, a date, -7d or now
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub from: Option<String>,
    /// The end, instead of the script's
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub to: Option<String>,
    /// End where about this many runs are written, instead of at the script's end
    #[arg(long, value_name = "NUMBER", conflicts_with = "to")]
    pub runs: Option<u64>,
    /// File for the truth; truth.json in the store's folder when left out
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Write into a store that has runs of this time already
    #[arg(long)]
    pub mix: bool,
    /// Write no runs: only say what would be injected, and write the truth when --truth names a file
    #[arg(long, conflicts_with = "mix")]
    pub dry_run: bool,
    /// What a way of probing could detect, instead of writing runs.
    #[command(flatten)]
    pub what_if: WhatIfArgs,
}

/// Simulates, writes, and says what was injected.
///
/// # Errors
/// Arguments or a script that are not right ([`Exit::Usage`]), a journal or store that fails ([`Exit::Store`]).
pub async fn execute(args: SimulateArgs) -> Result<Exit, CommandError> {
    if args.what_if.what_if {
        return what_if::execute(&args.what_if, args.seed.unwrap_or(1));
    }
    let clock = Clock::system();
    let site = args.config.as_ref().map(|config| configuration(&args, config).site()).transpose()?;
    let script = script(&args, site.as_ref(), clock.now())?;
    if args.dry_run {
        return rehearse(Simulation::new(script), args.truth.as_deref()).await;
    }
    let location = match (&args.store, &site) {
        (Some(text), _) => location(text),
        (None, Some(site)) => site.store.clone(),
        (None, None) => return Err(usage("name a place with --store, or a configuration with --config".to_owned())),
    };
    let truth_file = truth_file(&args, &location)?;
    let simulation = Arc::new(Simulation::new(script));
    let store = Store::open(&location).map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    if !args.mix {
        refuse_to_mix(&store, &simulation).await?;
    }
    let truth = write(&simulation, &store, &clock).await?;
    tell(&truth, &truth_file)?;
    let mut lines = describe(&simulation, &truth);
    lines.push(format!("store: {}", store.location()));
    lines.push(format!("truth: {}", truth_file.display()));
    print::out(&(lines.join("\n") + "\n"));
    Ok(Exit::Good)
}

/// Draws all runs and keeps none.
async fn rehearse(simulation: Simulation, file: Option<&Path>) -> Result<Exit, CommandError> {
    let bar = terminal::progress(simulation.due(), "runs");
    let shown = bar.clone();
    let begun = std::time::Instant::now();
    let drawn = tokio::task::spawn_blocking(move || {
        let mut tally = simulation.tally();
        for vantage in 0..simulation.script.vantages.len() {
            let mut probing = simulation.probing(vantage);
            probing.by_ref().for_each(|runs| shown.inc(runs.len() as u64));
            tally.add(probing.tally());
        }
        (Truth::new(&simulation, &tally), simulation)
    });
    let (truth, simulation) = drawn.await.map_err(|error| CommandError::new(Exit::Lost, error.to_string()))?;
    bar.finish_and_clear();
    print::note(&format!("drawn in {:.2} s, on one processor", begun.elapsed().as_secs_f64()));
    let mut lines = describe(&simulation, &truth);
    if let Some(file) = file {
        tell(&truth, file)?;
        lines.push(format!("truth: {}", file.display()));
    }
    print::out(&(lines.join("\n") + "\n"));
    Ok(Exit::Good)
}

fn tell(truth: &Truth, file: &Path) -> Result<(), CommandError> {
    let failed =
        |why: String| CommandError::new(Exit::Lost, format!("failed to write the truth to {}: {why}", file.display()));
    let text = serde_json::to_string_pretty(truth).map_err(|error| failed(error.to_string()))?;
    std::fs::write(file, text + "\n").map_err(|error| failed(error.to_string()))
}

fn usage(message: String) -> CommandError {
    CommandError::new(Exit::Usage, message)
}

fn configuration(args: &SimulateArgs, config: &Path) -> ConfigurationArgs {
    ConfigurationArgs { config: config.to_owned(), vantage: None, store: args.store.clone(), spool: None, listen: None }
}

fn location(text: &str) -> StoreLocation {
    match text.strip_prefix("s3://") {
        Some(rest) => {
            let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            let prefix = prefix.trim_matches('/').to_owned();
            StoreLocation::Bucket { bucket: bucket.to_owned(), prefix, endpoint: None, region: None }
        }
        None => StoreLocation::Folder(text.into()),
    }
}

fn script(args: &SimulateArgs, site: Option<&Site>, now: Timestamp) -> Result<Script, CommandError> {
    let file = args.script.as_ref().ok_or_else(|| usage("name a script".to_owned()))?;
    let text =
        DiskFiles.read(file).map_err(|why| usage(format!("failed to read the script {}: {why}", file.display())))?;
    let instant = |text: &Option<String>| {
        text.as_ref().map(|text| when::instant(text, now, &TimeZone::UTC)).transpose().map_err(usage)
    };
    let given = Given {
        seed: args.seed,
        from: instant(&args.from)?,
        to: instant(&args.to)?,
        vantages: site.map(vantages).unwrap_or_default(),
        flows: site.map(|site| site.flows.iter().map(flow).collect()).unwrap_or_default(),
    };
    let mut script = Script::parse(&text, &given).map_err(|error| usage(error.in_file(file.display())))?;
    if let Some(runs) = args.runs {
        script.end_after(runs);
    }
    Ok(script)
}

fn vantages(site: &Site) -> Vec<SimulatedVantage> {
    site.vantages.iter().map(|vantage| SimulatedVantage { vantage: vantage.clone(), pace: 1.0 }).collect()
}

/// A flow with usual times: its steps, accounts and revision are those of the configuration.
fn flow(flow: &Flow) -> SimulatedFlow {
    let usual = SimulatedFlow::usual(flow.name.clone(), flow.interval);
    let identity = flow.identity_step();
    let step = |(index, step): (usize, &crate::model::Step)| SimulatedStep {
        name: step.name.clone(),
        role: match step.action {
            Action::Logout(_) => StepRole::Logout,
            _ if identity == Some(index) => StepRole::Identity,
            _ => StepRole::Login,
        },
        wait: usual.steps[index.min(usual.steps.len() - 1)].wait,
        hops: 1,
    };
    SimulatedFlow {
        revision: flow.revision.clone(),
        timeout: flow.limits.timeout,
        accounts: flow.accounts.len().max(1),
        steps: flow.steps.iter().enumerate().map(step).collect(),
        ..usual
    }
}

fn truth_file(args: &SimulateArgs, location: &StoreLocation) -> Result<PathBuf, CommandError> {
    match (&args.truth, location) {
        (Some(file), _) => Ok(file.clone()),
        (None, StoreLocation::Folder(folder)) => Ok(folder.join("truth.json")),
        (None, StoreLocation::Bucket { .. }) => {
            Err(usage("a bucket holds no truth: name a file for it with --truth".to_owned()))
        }
    }
}

/// Simulated runs among real ones would be taken for real.
async fn refuse_to_mix(store: &Store, simulation: &Simulation) -> Result<(), CommandError> {
    let script = &simulation.script;
    let said = store.declarations(script.from, script.to).await;
    let said = said.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let ours = |name| script.vantages.iter().any(|place| place.vantage.name == name);
    match said.into_iter().find(|declared| !declared.flows.is_empty() && ours(declared.vantage.clone())) {
        None => Ok(()),
        Some(declared) => Err(usage(format!(
            "the store at {} has a schedule of vantage {} in this time already: simulated runs would mix with its own; \
             choose an empty place, or say --mix",
            store.location(),
            declared.vantage
        ))),
    }
}

/// Writes with a progress bar; the journals lie in a folder of their own and are gone afterwards.
async fn write(simulation: &Arc<Simulation>, store: &Store, clock: &Clock) -> Result<Truth, CommandError> {
    let spools = std::env::temp_dir().join(format!("doorstep-simulate-{}", std::process::id()));
    let bar = terminal::progress(simulation.due(), "runs");
    let shown = bar.clone();
    let progress = Arc::new(move |runs| shown.inc(runs));
    let written = simulation::write(Arc::clone(simulation), store, &spools, clock, progress).await;
    bar.finish_and_clear();
    // What could not be shipped can be simulated again.
    let removed = std::fs::remove_dir_all(&spools);
    let truth = written.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    removed.map_err(|error| {
        CommandError::new(Exit::Lost, format!("failed to remove the journals in {}: {error}", spools.display()))
    })?;
    Ok(truth)
}

fn describe(simulation: &Simulation, truth: &Truth) -> Vec<String> {
    let script = &simulation.script;
    let (vantages, flows) = (script.vantages.len(), script.flows.len());
    let mut lines = vec![
        format!(
            "{}: {} good, {} bad, {} lost",
            counted(truth.runs, "run", "runs"),
            count(truth.good),
            count(truth.bad),
            count(truth.lost)
        ),
        format!("{} to {}, vantages: {vantages}, flows: {flows}, seed {}", script.from, script.to, script.seed),
    ];
    for outage in truth.outages.iter().filter(|outage| outage.runs > 0) {
        let (failing, runs) = (count(outage.failing), counted(outage.runs, "run", "runs"));
        lines.push(format!("{}: {} to {}, {failing} of {runs} failed", outage.name, outage.from, outage.to));
    }
    lines
}
