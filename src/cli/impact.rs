//! `doorstep impact`: how many people an incident or a span of time met, each number with its bounds.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::clock::Clock;
use crate::config::Site;
use crate::diagnosis::Signatures;
use crate::impact::{self, Impact, Question};
use crate::incident::{Incident, IncidentId};
use crate::model::{Exclusion, FlowName, Objective, chain};
use crate::query;
use crate::report::format::count;
use crate::report::impact as shown;
use crate::slo::Period;
use crate::store::Store;

use super::configuration::ConfigurationArgs;
use super::incidents::{diagnosed, one, rules, terminal_progress};
use super::report::{open, settled};
use super::{CommandError, Exit, event, print, when};

const EXAMPLES: &str = "\
Examples:
  doorstep impact --incident 20240305-0900-3fa2c1
  doorstep impact --from '2026-11-20 14:00' --to '2026-11-20 15:00' \\
    --zone Europe/Berlin --format md

Who the users are, and when they want to sign in, is said in the population file ('population:' in doorstep.yaml). What \
nobody said is not guessed: such a figure is 'not quantifiable', with the reason.";

/// Say what an outage did to people: sign-ins failed, people affected, locked out, merely delayed.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImpactArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The incident: 'doorstep incidents' lists them.
    #[arg(long, value_name = "ID", conflicts_with_all = ["from", "to"], required_unless_present = "from")]
    incident: Option<IncidentId>,
    /// The first instant: RFC 3339, a date, '2026-11-20 14:00', -2h or now.
    #[arg(long, value_name = "TIME", requires = "to", allow_hyphen_values = true)]
    from: Option<String>,
    /// The end, written alike.
    #[arg(long, value_name = "TIME", requires = "from", allow_hyphen_values = true)]
    to: Option<String>,
    /// IANA zone of --from, --to and of times in text; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// Only these flows; those of the incident, or all, when not given.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    flow: Vec<FlowName>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// Every number with its formula and inputs.
    Json,
    /// Tables.
    Md,
    /// One row per figure.
    Csv,
}

/// Computes and prints an impact: [`Exit::Good`], whatever it is.
///
/// # Errors
/// Arguments or a configuration that are not right, an incident that is not there, a span in the future, a store that
/// cannot be read.
pub async fn execute(args: ImpactArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let usage = |message| CommandError::new(Exit::Usage, message);
    if let Some(flow) = args.flow.iter().find(|flow| !site.flows.iter().any(|known| known.name == **flow)) {
        let known: Vec<&str> = site.flows.iter().map(|flow| flow.name.as_str()).collect();
        return Err(usage(format!("no flow is called '{flow}': there are {}", known.join(", "))));
    }
    let now = Clock::system().now();
    let typed = args.from.iter().chain(&args.to).map(String::as_str);
    let zone = when::zone_of(args.zone.as_deref(), &site, typed).map_err(usage)?;
    let impact = match (&args.incident, &args.from, &args.to) {
        (Some(id), _, _) => {
            let store = open(&site)?;
            let (incident, reading) = one(&store, id, &rules(&site)).await?;
            let mut impact = of_incident(&store, &site, &incident, &args.flow, &zone, settled(&site, now)).await?;
            let diagnosis = diagnosed(&store, &site, &reading, &incident).await?;
            impact.notes.extend(diagnosis.signatures.and_then(|signatures| same_accounts(&signatures)));
            impact
        }
        (None, Some(from), Some(to)) => {
            let from = when::instant(from, now, &zone).map_err(usage)?;
            let to = when::instant(to, now, &zone).map_err(usage)?;
            if to <= from {
                return Err(usage(format!("--to {to} is not after --from {from}: exchange them")));
            }
            if from >= now {
                return Err(usage(format!("--from {from} lies in the future: nothing of this span is known yet")));
            }
            of_span(&open(&site)?, &site, (from, to), &args.flow, &zone, settled(&site, now)).await?
        }
        _ => return Err(usage("name an incident with --incident, or a span with --from and --to".to_owned())),
    };
    if impact.failing.n == 0 {
        print::note("no probe with a verdict lies in this span: nothing is known of it, which is neither good nor bad");
    }
    print::out(&match args.format {
        Format::Text => shown::text(&impact),
        Format::Json => event::json(&impact)?,
        Format::Md => shown::markdown(&impact),
        Format::Csv => shown::csv(&impact),
    });
    Ok(Exit::Good)
}

/// Which end of the bounds the accounts of the probes speak for; nothing where they do not.
fn same_accounts(signatures: &Signatures) -> Option<String> {
    let part = signatures.by_account.as_ref()?.fixed_part()?;
    Some(format!(
        "Accounts of the probes: {} of {} failed every time, in all of their {} logins. That fits the upper end of sign-ins \
         failed, locked out and attempts per person, where the same people fail at every retry.",
        part.always,
        part.of,
        count(part.logins)
    ))
}

/// The impact of an incident, with the whole weeks around it: their windows and budgets.
///
/// # Errors
/// When the store cannot be read.
pub(super) async fn of_incident(
    store: &Store,
    site: &Site,
    incident: &Incident,
    flows: &[FlowName],
    zone: &TimeZone,
    until: Timestamp,
) -> Result<Impact, CommandError> {
    let span = (incident.start.earliest, incident.end.latest);
    let weeks = Weeks::around(site, span, zone)?;
    let (reading, exclusions) = weeks.read(store).await?;
    Ok(impact::of_incident(&weeks.question((&reading, &exclusions), site, flows, until), incident))
}

async fn of_span(
    store: &Store,
    site: &Site,
    (from, to): (Timestamp, Timestamp),
    flows: &[FlowName],
    zone: &TimeZone,
    until: Timestamp,
) -> Result<Impact, CommandError> {
    let weeks = Weeks::around(site, (from, to), zone)?;
    let asked = Period::between(from, to, zone).map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?;
    let (bar, mut progress) = terminal_progress();
    let found = query::incidents(store, &asked, &rules(site), &mut progress).await;
    bar.finish_and_clear();
    let mut found = found.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?.detection.incidents;
    found.retain(|incident| flows.is_empty() || incident.flows.iter().any(|flow| flows.contains(flow)));
    let (reading, exclusions) = weeks.read(store).await?;
    Ok(impact::of_span(&weeks.question((&reading, &exclusions), site, flows, until), from, to, &found))
}

/// The whole weeks around a span, in the zone of the reader and in that of each objective.
struct Weeks {
    period: Period,
    objectives: Vec<(Objective, Period)>,
}

impl Weeks {
    fn around(site: &Site, span: (Timestamp, Timestamp), zone: &TimeZone) -> Result<Self, CommandError> {
        let period = weeks(span, zone)?;
        let mut objectives = Vec::new();
        for objective in &site.objectives {
            // Each week has a budget of its own: an incident over two weeks takes from both.
            let each = each_week(&weeks(span, &objective.zone)?, &objective.zone)?;
            objectives.extend(each.into_iter().map(|week| (objective.clone(), week)));
        }
        let all = || objectives.iter().map(|(_, period)| period).chain([&period]);
        let start = all().map(|period| period.start).min().unwrap_or(period.start);
        let end = all().map(|period| period.end).max().unwrap_or(period.end);
        Ok(Self { period: Period { start, end, ..period }, objectives })
    }

    /// What became of the slots, and the exclusions in force.
    async fn read(&self, store: &Store) -> Result<(query::Reading, Vec<Exclusion>), CommandError> {
        let failed = |error: crate::store::Error| CommandError::new(Exit::Store, chain(&error));
        let (bar, mut progress) = terminal_progress();
        let reading = query::read(store, &self.period, &mut progress).await;
        bar.finish_and_clear();
        let exclusions = store.exclusions(self.period.start, self.period.end).await.map_err(failed)?;
        Ok((reading.map_err(failed)?, exclusions))
    }

    fn question<'a>(
        &'a self,
        (reading, exclusions): (&'a query::Reading, &'a [Exclusion]),
        site: &'a Site,
        flows: &'a [FlowName],
        until: Timestamp,
    ) -> Question<'a> {
        Question {
            history: &reading.history,
            until,
            population: &site.population,
            policy: &site.policy,
            exclusions,
            objectives: &self.objectives,
            flows,
        }
    }
}

/// The ISO weeks that make up a period of whole ones.
fn each_week(period: &Period, zone: &TimeZone) -> Result<Vec<Period>, CommandError> {
    let mut weeks: Vec<Period> = Vec::new();
    let mut start = period.start;
    while start < period.end {
        let week = Period::week_of(zone.to_datetime(start).date(), zone)
            .map_err(|error| CommandError::new(Exit::Usage, error.to_string()))?;
        start = week.end;
        weeks.push(week);
    }
    Ok(weeks)
}

/// The ISO weeks that a span touches.
pub(super) fn weeks((from, to): (Timestamp, Timestamp), zone: &TimeZone) -> Result<Period, CommandError> {
    let out_of_range = |error: &dyn std::fmt::Display| CommandError::new(Exit::Usage, error.to_string());
    let day = |at: Timestamp| zone.to_datetime(at).date();
    let first = Period::week_of(day(from), zone).map_err(|error| out_of_range(&error))?;
    let before_end = to.checked_sub(1.microsecond()).unwrap_or(to);
    let last = Period::week_of(day(before_end.max(from)), zone).map_err(|error| out_of_range(&error))?;
    let label = if first.label == last.label { first.label } else { format!("{} to {}", first.label, last.label) };
    Ok(Period { end: last.end, label, ..first })
}
