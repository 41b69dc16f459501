//! `doorstep export`: what the configuration promises, in other tools' formats.

use clap::Subcommand;

use crate::config::Site;
use crate::interchange::openslo;
use crate::interchange::rules::{self, Settings, Watched, Window};
use crate::model::{Objective, ObjectiveName};
use crate::telemetry::BOUNDS;

use super::configuration::ConfigurationArgs;
use super::{CommandError, Exit, print};

const EXAMPLES: &str = "\
Examples:
  doorstep export openslo > slo.yaml
  doorstep export prometheus > /etc/prometheus/rules/doorstep.yml";

/// Say what is promised in other tools' formats; what cannot be said there is said on standard error and as comments.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ExportArgs {
    #[command(subcommand)]
    command: ExportCommand,
}

#[derive(Debug, Subcommand)]
enum ExportCommand {
    /// The objectives as OpenSLO v1.
    Openslo(OpensloArgs),
    /// Recording and alerting rules over the metrics of 'doorstep run'.
    Prometheus(PrometheusArgs),
}

const OPENSLO_EXAMPLES: &str = "\
Examples:
  doorstep export openslo > slo.yaml
  doorstep export openslo --objective shop-weekly,till-weekly

What OpenSLO has no word for is said on standard error and as comments.";

#[derive(Debug, clap::Args)]
#[command(after_help = OPENSLO_EXAMPLES)]
struct OpensloArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Only these objectives.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    objective: Vec<ObjectiveName>,
}

const PROMETHEUS_EXAMPLES: &str = "\
Examples:
  doorstep export prometheus > /etc/prometheus/rules/doorstep.yml
  doorstep export prometheus --budget-window 30d --min-failures 3
  doorstep export prometheus --objective shop-weekly > shop-weekly.yml

A burn-rate alert that few failures would fire waits for more of them, and one that nothing could fire is left out; both \
are said on standard error and as comments.";

#[derive(Debug, clap::Args)]
#[command(after_help = PROMETHEUS_EXAMPLES)]
struct PrometheusArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Only these objectives.
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    objective: Vec<ObjectiveName>,
    /// The window whose budget the burn-rate alerts guard.
    #[arg(long, value_enum, default_value_t = BudgetWindow::Week)]
    budget_window: BudgetWindow,
    /// No burn-rate alert on fewer failures than this.
    #[arg(long, value_name = "COUNT", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    min_failures: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum BudgetWindow {
    /// A week, as the reports.
    #[value(name = "7d")]
    Week,
    /// Four weeks.
    #[value(name = "28d")]
    FourWeeks,
    /// Thirty days.
    #[value(name = "30d")]
    ThirtyDays,
}

/// Exports to standard output.
///
/// # Errors
/// Arguments or a configuration that are not right.
pub fn execute(args: &ExportArgs) -> Result<Exit, CommandError> {
    let (text, remarks) = match &args.command {
        ExportCommand::Openslo(args) => {
            let site = args.configuration.site()?;
            let (text, lost) = openslo::export(&chosen(&site, &args.objective)?, &site.policy, BOUNDS);
            (text, lost.into_iter().map(|lost| format!("not expressed: {lost}")).collect())
        }
        ExportCommand::Prometheus(args) => {
            let site = args.configuration.site()?;
            prometheus(&site, args)?
        }
    };
    print::out(&text);
    for remark in remarks {
        print::note(&format!("note: {remark}"));
    }
    Ok(Exit::Good)
}

fn prometheus(site: &Site, args: &PrometheusArgs) -> Result<(String, Vec<String>), CommandError> {
    let watched = chosen(site, &args.objective)?.into_iter().filter_map(|objective| {
        let flow = site.flows.iter().find(|flow| flow.name == objective.flow)?;
        Some(Watched { objective, interval: flow.interval, vantages: site.vantages.len().max(1) })
    });
    let databases: Vec<_> = site.databases.iter().map(|database| database.name.clone()).collect();
    let settings = Settings {
        window: match args.budget_window {
            BudgetWindow::Week => Window::Week,
            BudgetWindow::FourWeeks => Window::FourWeeks,
            BudgetWindow::ThirtyDays => Window::ThirtyDays,
        },
        least_failures: args.min_failures,
        lost_runs: site.policy.lost_runs,
        bounds: BOUNDS,
        databases: &databases,
    };
    Ok(rules::rules(&watched.collect::<Vec<_>>(), &settings))
}

/// The named objectives, or all.
fn chosen<'s>(site: &'s Site, names: &[ObjectiveName]) -> Result<Vec<&'s Objective>, CommandError> {
    let known = || site.objectives.iter().map(|objective| objective.name.as_str()).collect::<Vec<_>>().join(", ");
    if site.objectives.is_empty() {
        let message = "there is nothing to export: doorstep.yaml has no objectives";
        return Err(CommandError::new(Exit::Usage, message));
    }
    if let Some(name) = names.iter().find(|name| !site.objectives.iter().any(|objective| objective.name == **name)) {
        return Err(CommandError::new(Exit::Usage, format!("no objective is called '{name}'; there are: {}", known())));
    }
    let wanted = |objective: &&Objective| names.is_empty() || names.contains(&objective.name);
    Ok(site.objectives.iter().filter(wanted).collect())
}
