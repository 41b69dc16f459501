//! `doorstep incidents`: what broke, from when to when, how badly, and who saw it first.

use std::collections::BTreeSet;

use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::Serialize;

use crate::clock::Clock;
use crate::config::{Site, nearest};
use crate::diagnosis::Diagnosis;
use crate::incident::{Background, Detection, Incident, IncidentId, Rules};
use crate::model::{FlowName, Revision, VantageName, chain};
use crate::query;
use crate::slo::Period;
use crate::store::Store;

use super::configuration::ConfigurationArgs;
use super::report::open;
use super::{CommandError, Exit, incident_csv, incident_text, print, terminal, when};

const EXAMPLES: &str = "\
Examples:
  doorstep incidents                the last seven days
  doorstep incidents --from -30d --format csv
  doorstep incidents --incident 20240305-0900-3fa2c1

The last one shows one in full, minute by minute. An incident has the same name and size whatever span is asked for. The \
span is widened to whole minutes.";

/// List incidents: start and end as intervals, failing share, where, who saw it first and how soon.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct IncidentsArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The first instant: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", default_value = "-7d", allow_hyphen_values = true)]
    from: String,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    to: String,
    /// IANA zone of --from, --to and of times in text; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Only incidents of these flows.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    flow: Vec<FlowName>,
    /// Only incidents in which logins from these vantages failed (--vantage names this worker's own).
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    at: Vec<VantageName>,
    /// One incident, in full.
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to", "flow", "at"])]
    incident: Option<IncidentId>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// Everything, minute by minute, with the background and the charts.
    Json,
    /// One row per incident; with --incident, one row per minute.
    Csv,
    /// A Markdown table.
    Md,
}

/// What `--format json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    from: Timestamp,
    to: Timestamp,
    data_revision: &'a Revision,
    runs: usize,
    incidents: Vec<One<'a>>,
    background: &'a [Background],
}

/// What `--incident ID --format json` prints.
#[derive(Serialize)]
struct One<'a> {
    #[serde(flatten)]
    incident: &'a Incident,
    diagnosis: &'a Diagnosis,
}

/// Lists the incidents: [`Exit::Good`], whether there are any or not.
///
/// # Errors
/// Arguments or a configuration that are not right, a store that cannot be read, an incident that is not there.
pub async fn execute(args: IncidentsArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let period =
        period(&args, &site, Clock::system().now()).map_err(|message| CommandError::new(Exit::Usage, message))?;
    let store = open(&site)?;
    let rules = rules(&site);
    if let Some(id) = &args.incident {
        let (incident, reading) = one(&store, id, &rules).await?;
        let diagnosis = diagnosed(&store, &site, &reading, &incident).await?;
        print::out(&shown(&args, &period, &incident, &diagnosis));
        return Ok(Exit::Good);
    }
    let (bar, mut progress) = terminal_progress();
    let found = query::incidents(&store, &period, &rules, &mut progress).await;
    bar.finish_and_clear();
    let mut found = found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    known_names(&args, &site, &found.reading)?;
    let runs = runs_in(&found.reading, &period);
    if runs == 0 {
        print::note(&incident_text::nothing_recorded(&period));
    }
    found.detection.incidents.retain(|incident| chosen(&args, incident));
    let mut diagnoses = Vec::new();
    for incident in &found.detection.incidents {
        diagnoses.push(diagnosed(&store, &site, &found.reading, incident).await?);
    }
    let Detection { incidents, background } = &found.detection;
    let all = incident_text::Found { incidents, diagnoses: &diagnoses, background };
    let text = match args.format {
        Format::Text => incident_text::list(&all, &period, runs),
        Format::Csv => incident_csv::list(incidents),
        Format::Md => incident_text::markdown(&all, &period),
        Format::Json => json(&Printed {
            from: period.start,
            to: period.end,
            data_revision: &found.reading.data_revision,
            runs,
            incidents: incidents
                .iter()
                .zip(&diagnoses)
                .map(|(incident, diagnosis)| One { incident, diagnosis })
                .collect(),
            background,
        }),
    };
    print::out(&text);
    Ok(Exit::Good)
}

/// The site's rules of detection, with what its objectives promise.
pub(super) fn rules(site: &Site) -> Rules {
    Rules::new(site.detection.clone(), &site.objectives, site.policy.confidence)
}

/// The incident with this name, and what it was found in.
///
/// # Errors
/// With [`Exit::Store`] when the store cannot be read, with [`Exit::Lost`] when it holds no such incident.
pub(super) async fn one(
    store: &Store,
    id: &IncidentId,
    rules: &Rules,
) -> Result<(Incident, query::Reading), CommandError> {
    let (bar, mut progress) = terminal_progress();
    let found = query::incident(store, id, rules, &mut progress).await;
    bar.finish_and_clear();
    let found = found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    found.map(|(incident, found)| (incident, found.reading)).ok_or_else(|| {
        let message = format!(
            "there is no incident {id}: 'doorstep incidents --from TIME' lists those there are; after a change of the \
             rules of detection, one may begin at another probe and have another name"
        );
        CommandError::new(Exit::Lost, message)
    })
}

/// Why its logins failed, as far as anything says.
///
/// # Errors
/// With [`Exit::Store`] when the samples of its databases cannot be read.
pub(super) async fn diagnosed(
    store: &Store,
    site: &Site,
    reading: &query::Reading,
    incident: &Incident,
) -> Result<Diagnosis, CommandError> {
    let confidence = site.policy.confidence;
    let found =
        query::diagnosis(store, &site.databases, &site.population, &reading.history, incident, confidence).await;
    found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))
}

/// A bar over the runs that are read.
pub(super) fn terminal_progress() -> (indicatif::ProgressBar, impl FnMut(u64, u64) + Send) {
    let bar = terminal::progress(0, "runs read");
    let shown = bar.clone();
    let progress = move |read: u64, due: u64| {
        if read.is_multiple_of(1_000) {
            shown.set_length(due.max(read));
            shown.set_position(read);
        }
    };
    (bar, progress)
}

fn period(args: &IncidentsArgs, site: &Site, now: Timestamp) -> Result<Period, String> {
    let zone = when::zone_of(args.zone.as_deref(), site, [args.from.as_str(), args.to.as_str()])?;
    let (from, to) = (when::instant(&args.from, now, &zone)?, when::instant(&args.to, now, &zone)?);
    if from > now {
        return Err(format!("--from {from} lies in the future: nothing can have happened yet (it is {now})"));
    }
    let minute = |at: Timestamp, mode| at.round(TimestampRound::new().smallest(Unit::Minute).mode(mode)).unwrap_or(at);
    let (from, to) = (minute(from, RoundMode::Floor), minute(to, RoundMode::Ceil));
    Period::between(from, to, &zone).map_err(|error| error.to_string())
}

/// A name that neither the configuration nor what was read knows would silently choose nothing.
fn known_names(args: &IncidentsArgs, site: &Site, reading: &query::Reading) -> Result<(), CommandError> {
    let recorded = || reading.history.ledgers().map(|(series, _)| series);
    let mut flows: BTreeSet<&str> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
    flows.extend(recorded().map(|series| series.flow.as_str()));
    let mut vantages: BTreeSet<&str> = site.vantages.iter().map(|vantage| vantage.name.as_str()).collect();
    vantages.extend(recorded().map(|series| series.vantage.as_str()));
    let flow = args.flow.iter().map(|flow| ("--flow", "flow", flow.as_str(), &flows));
    let at = args.at.iter().map(|vantage| ("--at", "vantage", vantage.as_str(), &vantages));
    let Some((option, what, name, known)) = flow.chain(at).find(|(_, _, name, known)| !known.contains(name)) else {
        return Ok(());
    };
    let near =
        nearest(name, known.iter().copied()).map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    let all = known.iter().copied().collect::<Vec<_>>().join(", ");
    let message = format!("{option} {name}: no {what} is called so in this span; there are: {all}{near}");
    Err(CommandError::new(Exit::Usage, message))
}

fn runs_in(reading: &query::Reading, period: &Period) -> usize {
    let ledgers = reading.history.ledgers();
    ledgers.map(|(_, ledger)| ledger.between(period.start, period.end).count()).sum()
}

fn chosen(args: &IncidentsArgs, incident: &Incident) -> bool {
    let failed_at = |vantage: &VantageName| {
        incident.splits.vantages.iter().any(|split| split.name == vantage.as_str() && split.share.failing > 0)
    };
    (args.flow.is_empty() || args.flow.iter().any(|flow| incident.flows.contains(flow)))
        && (args.at.is_empty() || args.at.iter().any(failed_at))
}

/// One incident in full.
fn shown(args: &IncidentsArgs, period: &Period, incident: &Incident, diagnosis: &Diagnosis) -> String {
    match args.format {
        Format::Text => incident_text::full(incident, diagnosis, &period.zone),
        Format::Csv => incident_csv::minutes(incident),
        Format::Md => incident_text::markdown_full(incident, diagnosis, &period.zone),
        Format::Json => json(&One { incident, diagnosis }),
    }
}

fn json(value: &impl Serialize) -> String {
    // Names and numbers always have a JSON form.
    serde_json::to_string_pretty(value).map_or_else(|error| error.to_string(), |text| format!("{text}\n"))
}
