//! `doorstep postmortem lint`: the check of a written postmortem.

use std::fs;
use std::path::PathBuf;

use crate::incident::IncidentId;
use crate::postmortem::lint::{self, Severity};

use super::super::configuration::ConfigurationArgs;
use super::super::print::out;
use super::super::{CommandError, Exit};
use super::draft::{events, zone};
use super::gather::gather;

const EXAMPLES: &str = "\
Examples:
  doorstep postmortem lint incident-2024-03-05.md
  doorstep postmortem lint incident-2024-03-05.md \\
    --incident 20240305-0900-3fa2c1
  doorstep postmortem lint incident-2024-03-05.md --format json

Without --incident it holds the document against itself; with it, against what was measured and noted too.

Exit codes: 0 no error found (there may be warnings and notes), 1 errors found, 2 usage or a file that cannot be read, \
4 store.";

/// Find what a postmortem says against itself: times, durations, shares, sections, actions.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct LintArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// The postmortem, in Markdown.
    file: PathBuf,
    /// The incident that it is about, to hold it against the data.
    #[arg(long, value_name = "ID")]
    incident: Option<IncidentId>,
    /// More events beside those noted in the store, as for the draft.
    #[arg(long, value_name = "FILE", requires = "incident")]
    events: Option<PathBuf>,
    /// IANA zone of times in --events without one; that of the first objective when not given, as for the draft.
    #[arg(long, value_name = "ZONE", requires = "events")]
    zone: Option<String>,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Checks a postmortem: [`Exit::Bad`] when an error was found.
///
/// # Errors
/// A file that cannot be read; with an incident, whatever keeps it from being found.
pub(super) async fn execute(args: &LintArgs) -> Result<Exit, CommandError> {
    let file = args.file.display().to_string();
    let markdown = markdown(args)?;
    let known = match &args.incident {
        Some(id) => {
            let site = args.configuration.site()?;
            let (_, zone) = zone(args.zone.as_deref(), &site)?;
            let more = args.events.as_deref().map(|file| events(file, &zone)).transpose()?.unwrap_or_default();
            Some(gather(&site, id, more).await?)
        }
        None => None,
    };
    let verdict = lint::lint(&markdown, known.as_ref().map(|known| &known.evidence));
    out(&match args.format {
        Format::Text => lint::text(&file, &verdict),
        Format::Json => lint::json(&file, &verdict),
    });
    Ok(if verdict.count(Severity::Error) > 0 { Exit::Bad } else { Exit::Good })
}

/// The text of the file.
fn markdown(args: &LintArgs) -> Result<String, CommandError> {
    let usage = |message| CommandError::new(Exit::Usage, message);
    let name = args.file.display();
    let bytes = fs::read(&args.file).map_err(|error| usage(format!("cannot read {name}: {error}")))?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        usage(format!("{name}:{line}: the file is not UTF-8 from here on: save it as UTF-8 (Unicode) text"))
    })?;
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        return Err(usage(format!("{name} is empty: write the postmortem first")));
    }
    Ok(text)
}
