//! `doorstep import`: other tools' objectives and runs.

use std::path::PathBuf;

use clap::Subcommand;

use crate::interchange::openslo;

use super::{CommandError, Exit, import_prometheus, import_runs, print};

const EXAMPLES: &str = "\
Examples:
  doorstep import openslo slo.yaml > objectives.yaml
  doorstep import runs probes.csv --flow shop --at berlin --dry-run
  doorstep import prometheus --url http://prometheus:9090 \\
    --query 'probe_success{job=\"login\"}' --from -30d --step 15s \\
    --flow shop --at berlin

Each has --help with more.";

/// Take over objectives and runs of other tools; what cannot be expressed is said.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportArgs {
    #[command(subcommand)]
    command: ImportCommand,
}

#[derive(Debug, Subcommand)]
enum ImportCommand {
    /// Objectives of OpenSLO v1 files, as the part of doorstep.yaml that they become, on standard output.
    Openslo(OpensloArgs),
    /// Runs of other probers, or of another store, from delimited text or JSON into the store.
    Runs(import_runs::RunsArgs),
    /// Runs of blackbox_exporter (or its kin) out of a Prometheus into the store.
    Prometheus(import_prometheus::PrometheusArgs),
}

const OPENSLO_EXAMPLES: &str = "\
Examples:
  doorstep import openslo slo.yaml > objectives.yaml
  doorstep import openslo services.yaml slos.yaml

Put what comes out into doorstep.yaml. What Doorstep has no word for is said on \
standard error, and stands as comments above each objective.";

#[derive(Debug, clap::Args)]
#[command(after_help = OPENSLO_EXAMPLES)]
struct OpensloArgs {
    /// YAML files; each may hold several documents.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Imports.
///
/// # Errors
/// A file that cannot be read or holds nothing that is understood; a store that fails.
pub async fn execute(args: ImportArgs) -> Result<Exit, CommandError> {
    match args.command {
        ImportCommand::Openslo(args) => objectives(&args),
        ImportCommand::Runs(args) => import_runs::execute(&args).await,
        ImportCommand::Prometheus(args) => import_prometheus::execute(&args).await,
    }
}

fn objectives(args: &OpensloArgs) -> Result<Exit, CommandError> {
    let usage = |file: &PathBuf, why: String| CommandError::new(Exit::Usage, format!("{}: {why}", file.display()));
    let mut all = openslo::Imported::default();
    for file in &args.files {
        let text = std::fs::read_to_string(file).map_err(|why| usage(file, format!("cannot be read: {why}")))?;
        let read = openslo::import(&text).map_err(|why| usage(file, why.to_string()))?;
        let shown = file.display();
        for remark in &read.remarks {
            print::note(&format!("{shown}: {remark}"));
        }
        for objective in &read.objectives {
            if all.objectives.iter().any(|known| known.name == objective.name) {
                return Err(usage(file, format!("the objective {} is here twice, or in two files", objective.name)));
            }
            for remark in &objective.remarks {
                print::note(&format!("{shown}: {}: {remark}", objective.name));
            }
            all.objectives.push(objective.clone());
        }
        all.remarks.extend(read.remarks);
    }
    if all.objectives.is_empty() {
        let message = "nothing was imported: only an SLO with a target becomes an objective, and there is none";
        return Err(CommandError::new(Exit::Usage, message));
    }
    print::out(&openslo::objectives_yaml(&all));
    Ok(Exit::Good)
}
