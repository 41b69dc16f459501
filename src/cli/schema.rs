//! `doorstep schema`: the JSON Schema by which editors complete and check the configuration.

use crate::config::{flow_schema, site_schema};

use super::print::out;
use super::{CommandError, Exit};

/// Print the JSON Schema of doorstep.yaml, or of a flow file.
#[derive(Debug, clap::Args)]
pub struct SchemaArgs {
    /// The schema of a flow file.
    #[arg(long)]
    flow: bool,
}

/// Prints a schema.
///
/// # Errors
/// None.
pub fn execute(args: &SchemaArgs) -> Result<Exit, CommandError> {
    let schema = if args.flow { flow_schema() } else { site_schema() };
    out(&format!("{schema:#}\n"));
    Ok(Exit::Good)
}
