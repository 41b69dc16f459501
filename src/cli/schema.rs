//! `doorstep schema`: the JSON Schema by which editors complete and check the configuration.

use crate::config::{flow_schema, population_schema, site_schema};

use super::print::out;
use super::{CommandError, Exit};

const EXAMPLES: &str = "\
Examples:
  doorstep schema > doorstep.schema.json
  doorstep schema --flow > flow.schema.json
  doorstep schema --population > population.schema.json";

/// Print the JSON Schema of doorstep.yaml, of a flow file, or of a population file.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct SchemaArgs {
    /// The schema of a flow file.
    #[arg(long)]
    flow: bool,
    /// The schema of a population file.
    #[arg(long, conflicts_with = "flow")]
    population: bool,
}

/// Prints a schema.
///
/// # Errors
/// None.
pub fn execute(args: &SchemaArgs) -> Result<Exit, CommandError> {
    let schema = match (args.flow, args.population) {
        (true, _) => flow_schema(),
        (_, true) => population_schema(),
        _ => site_schema(),
    };
    out(&format!("{schema:#}\n"));
    Ok(Exit::Good)
}
