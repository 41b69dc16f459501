//! `doorstep postmortem draft`: the measured half of a postmortem, and blanks for the rest.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::clock::Clock;
use crate::config::Site;
use crate::incident::IncidentId;
use crate::model::NotedEvent;
use crate::postmortem::draft::{File, Inputs, POSTMORTEM, draft};

use super::super::author::author;
use super::super::configuration::ConfigurationArgs;
use super::super::{CommandError, Exit, event_file, print, shell, when};
use super::gather::gather;

const EXAMPLES: &str = "\
Examples:
  doorstep postmortem draft --incident 20240305-0900-3fa2c1
  doorstep postmortem draft --incident 20240305-0900-3fa2c1 \\
    --events deploys.csv --zone Europe/Berlin --out review

'doorstep incidents' lists incidents. A postmortem that somebody has written in is never overwritten.";

/// Write the measured half of a postmortem: times, impact, detection, timeline, chart, rows; blanks for the rest.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DraftArgs {
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// Which incident.
    #[arg(long, value_name = "ID")]
    incident: IncidentId,
    /// More events beside those noted in the store: CSV with the columns at, kind, text and, optionally, author.
    #[arg(long, value_name = "FILE")]
    events: Option<PathBuf>,
    /// The folder for its files; postmortem-ID when not given.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// IANA zone of local times, and of times in --events without one; that of the first objective when not given.
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
}

/// Writes the draft.
///
/// # Errors
/// Arguments or a configuration that are not right, an incident that is not there, a postmortem that was written in
/// already, a store that cannot be read, files that cannot be written.
pub(super) async fn execute(args: &DraftArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let (zone_name, zone) = zone(args.zone.as_deref(), &site)?;
    let more = args.events.as_deref().map(|file| events(file, &zone)).transpose()?.unwrap_or_default();
    let known = gather(&site, &args.incident, more).await?;
    let policy_revision = site.policy.revision();
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from(format!("postmortem-{}", args.incident)));
    let inputs = Inputs {
        evidence: &known.evidence,
        zone: &zone_name,
        confidence: site.policy.confidence,
        data_revision: known.data_revision.as_str(),
        policy_revision: policy_revision.as_str(),
        program: concat!("doorstep ", env!("CARGO_PKG_VERSION")),
        command: &again(args, &zone_name),
        check: &check(args, &folder, &zone_name),
    };
    let written = write(&folder, &draft(&inputs))?;
    let names: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    print::out(&format!("{}\n", names.join("\n")));
    print::note(
        "lines with TO FILL ask for what no probe can know; 'doorstep postmortem lint' reports them until filled",
    );
    Ok(Exit::Good)
}

/// The zone that was asked for, or that of the first objective, or UTC.
pub(super) fn zone(asked: Option<&str>, site: &Site) -> Result<(String, TimeZone), CommandError> {
    let first = || site.objectives.first().and_then(|objective| objective.zone.iana_name());
    let name = asked.or_else(first).unwrap_or("UTC").to_owned();
    let zone = when::zone(&name).map_err(usage)?;
    Ok((name, zone))
}

fn usage(message: String) -> CommandError {
    CommandError::new(Exit::Usage, message)
}

/// The whole command that makes the same draft again from the same folder.
fn again(args: &DraftArgs, zone: &str) -> String {
    let mut words = ["doorstep", "postmortem", "draft"].map(str::to_owned).to_vec();
    words.extend(made_from(args));
    words.extend(["--zone".to_owned(), zone.to_owned()]);
    words.extend(args.out.iter().flat_map(|folder| ["--out".to_owned(), folder.display().to_string()]));
    shell::command(&words)
}

/// The whole command that checks what was written into the draft, from the same folder.
fn check(args: &DraftArgs, folder: &Path, zone: &str) -> String {
    let mut words = ["doorstep", "postmortem", "lint"].map(str::to_owned).to_vec();
    words.push(folder.join(POSTMORTEM).display().to_string());
    words.extend(made_from(args));
    // Times of a file of events without a zone must mean the same in the check.
    words.extend(args.events.iter().flat_map(|_| ["--zone".to_owned(), zone.to_owned()]));
    shell::command(&words)
}

/// The arguments that say what the draft is made from.
fn made_from(args: &DraftArgs) -> Vec<String> {
    let mut words = args.configuration.again();
    words.extend(["--incident".to_owned(), args.incident.to_string()]);
    words.extend(args.events.iter().flat_map(|file| ["--events".to_owned(), file.display().to_string()]));
    words
}

/// Events of a file. Who wrote them is in the file, or is who runs the command.
pub(super) fn events(file: &Path, zone: &TimeZone) -> Result<Vec<NotedEvent>, CommandError> {
    let name = file.display().to_string();
    let text = fs::read_to_string(file).map_err(|error| usage(format!("cannot read {name}: {error}")))?;
    let rows = event_file::parse(&name, &text, Clock::system().now(), zone).map_err(usage)?;
    let mut events = Vec::new();
    for row in rows {
        let author = match row.author {
            Some(author) => author,
            None => author(None)?.name,
        };
        events.push(NotedEvent { at: row.at, kind: row.kind, text: row.text, author, entered: Timestamp::UNIX_EPOCH });
    }
    Ok(events)
}

/// Writes each file whole or not at all; all but the text may be replaced.
fn write(folder: &Path, files: &[File]) -> Result<Vec<PathBuf>, CommandError> {
    let failed = |path: &Path, error: &std::io::Error| {
        CommandError::new(Exit::Lost, format!("cannot write {}: {error}", path.display()))
    };
    for file in files.iter().filter(|file| file.name == POSTMORTEM) {
        let path = folder.join(file.name);
        if fs::read(&path).is_ok_and(|there| there != file.text.as_bytes()) {
            return Err(usage(format!(
                "{} is there already and is not this draft: somebody may have written in it; write elsewhere with --out, \
                 or remove it first",
                path.display()
            )));
        }
    }
    fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let mut written = Vec::new();
    for file in files {
        let (path, partial) = (folder.join(file.name), folder.join(format!(".{}.partial", file.name)));
        fs::write(&partial, &file.text).map_err(|error| failed(&partial, &error))?;
        fs::rename(&partial, &path).map_err(|error| failed(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}
