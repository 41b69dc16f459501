//! `doorstep explain`: a recorded run again, as `doorstep try` would have shown it.

use clap::Args;

use super::configuration::ConfigurationArgs;
use super::try_login::{Format, show};
use super::{CommandError, Exit};
use crate::model::{RunId, chain};
use crate::store::Store;

/// Arguments of `doorstep explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  doorstep explain 2ecca01f-bf41-5a6e-a53d-f3707ce8d483
  doorstep explain 2ecca01f-bf41-5a6e-a53d-f3707ce8d483 --format json

'doorstep runs --verdict bad' finds one to explain.")]
pub struct ExplainArgs {
    /// The run, as reports, logs and `doorstep runs` name it.
    #[arg(value_name = "RUN_ID")]
    run: RunId,
    /// How the run is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    #[command(flatten)]
    configuration: ConfigurationArgs,
}

/// Finds the run in the store, or in this machine's spool, and prints it.
///
/// # Errors
/// When the store cannot be read, or no such run is recorded.
pub async fn execute(args: &ExplainArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let failed = |error: crate::store::Error| CommandError::new(Exit::Store, chain(&error));
    let store = Store::open(&site.store).map_err(failed)?.with_spool(&site.spool);
    let run = store.find(args.run).await.map_err(failed)?.ok_or_else(|| {
        let places = format!("the store {} nor the spool {}", site.store, site.spool.display());
        CommandError::new(Exit::Lost, format!("neither {places} holds a run {}", args.run))
    })?;
    show(&run, args.format);
    Ok(Exit::Good)
}
