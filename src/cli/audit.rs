//! `doorstep audit`: what the servers behind the logins are set to, held against rules that were measured.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::audit::{Audit, Content, Drift, Round, Snapshot, audit_history, drift};
use crate::clock::Clock;
use crate::model::{AuditTerms, Database, DatabaseName, Engine, Server, ServerName, Severity, Unknown, chain};
use crate::secrets;
use crate::sentinel::{Session, take_round};
use crate::store::Store;

use super::configuration::{ConfigurationArgs, databases};
use super::{CommandError, Exit, audit_text, print, when};

/// Snapshots so far back say since when a finding has held.
const MEMORY: SignedDuration = SignedDuration::from_hours(35 * 24);

const EXAMPLES: &str = "\
Examples:
  doorstep audit                    all databases of doorstep.yaml
  doorstep audit shop --format json
  doorstep audit --keep             daily, by cron: report and drift use it
  doorstep audit --against 2026-11-20

The last one says what has changed since the snapshot that was kept then.

Exit codes: 0 nothing critical, 1 something critical, 2 usage or configuration, 3 a server could not be read (and \
nothing critical was found on the others), 4 the store failed.

Only reads. The role needs pg_monitor; pg_hba_file_rules and pg_file_settings need a superuser or a grant, and are \
reported as not checked without. Passwords never leave the server's answer: they are kept and shown nowhere.";

/// Check the configuration of the databases behind the logins, on all servers together.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct AuditArgs {
    /// Only this database.
    name: Option<DatabaseName>,
    #[command(flatten)]
    configuration: ConfigurationArgs,
    /// How to print.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Keep what was read in the store.
    #[arg(long)]
    keep: bool,
    /// Show what has changed since the snapshot that was kept then or last before: RFC 3339, a date, -2h.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    against: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For documents.
    Md,
}

/// What is said of one database.
#[derive(Debug, Serialize)]
pub(super) struct Told {
    pub(super) audit: Audit,
    /// The kept snapshot that [`Told::drift`] begins with; `None` when none is kept.
    pub(super) compared_with: Option<Timestamp>,
    /// What has changed since then.
    pub(super) drift: Vec<Drift>,
}

/// Audits the databases.
///
/// # Errors
/// Arguments or a configuration that are not right, a database that is not there, a store that cannot be used.
pub async fn execute(args: AuditArgs) -> Result<Exit, CommandError> {
    let site = args.configuration.site()?;
    let databases = audited(databases(&site, args.name.as_ref().map(DatabaseName::as_str))?)?;
    let clock = Clock::system();
    let usage = |message: String| CommandError::new(Exit::Usage, message);
    let against = args.against.as_deref();
    let against = against.map(|text| when::instant(text, clock.now(), &jiff::tz::TimeZone::UTC)).transpose();
    let against = against.map_err(usage)?;
    let store = Store::open(&site.store).map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
    let mut all = Vec::new();
    for database in databases {
        let terms = site.audit_terms.get(&database.name).cloned().unwrap_or_default();
        let round = ask(database, &clock).await;
        let told = tell(database, &terms, &store, &round, against).await?;
        if args.keep {
            let kept = store.keep_snapshot(&database.name, round.taken, &round).await;
            kept.map_err(|error| CommandError::new(Exit::Store, chain(&error)))?;
            print::note(&format!("kept what was read of {} at {}", database.name, round.taken));
        }
        all.push(told);
    }
    print::out(&match args.format {
        Format::Text => audit_text::text(&all),
        Format::Md => audit_text::markdown(&all),
        Format::Json => json(&all),
    });
    Ok(exit(&all))
}

/// Those that the audit knows how to read; of the others it is said that they are left out.
fn audited(databases: Vec<&Database>) -> Result<Vec<&Database>, CommandError> {
    let (known, others): (Vec<_>, Vec<_>) =
        databases.into_iter().partition(|database| database.engine == Engine::PostgreSql);
    let names: Vec<&str> = others.iter().map(|database| database.name.as_str()).collect();
    let others = names.join(", ");
    if known.is_empty() {
        let message = format!(
            "nothing to audit: {others} is MariaDB, and the audit reads PostgreSQL only; 'doorstep database check' asks \
             servers of either"
        );
        return Err(CommandError::new(Exit::Usage, message));
    }
    if !others.is_empty() {
        print::note(&format!("not audited, since the audit reads PostgreSQL only: {others} (MariaDB)"));
    }
    Ok(known)
}

/// Asks all servers of a database, with connections of their own. Where this machine cannot ask, no server was read.
async fn ask(database: &Database, clock: &Clock) -> Round {
    match sessions(database).await {
        Ok(mut sessions) => take_round(database, &mut sessions, clock).await,
        Err((why, message)) => {
            let taken = clock.now();
            let unread = |server: &Server| Snapshot {
                server: server.name.clone(),
                taken,
                content: Content::Unread { why, message: message.clone() },
            };
            let snapshots = database.servers.iter().map(unread).collect();
            Round { database: database.name.clone(), taken, snapshots }
        }
    }
}

/// A session for each server, or why there can be none.
async fn sessions(database: &Database) -> Result<Vec<(ServerName, Session)>, (Unknown, String)> {
    let secret = |error: String| {
        let message =
            format!("the password of role '{}' of database {} cannot be read: {error}", database.user, database.name);
        (Unknown::NoSecret, message)
    };
    let password = match database.password.clone() {
        None => None,
        Some(source) => {
            let read = tokio::task::spawn_blocking(move || secrets::resolve(&source)).await;
            let read = read.map_err(|error| secret(error.to_string()))?;
            Some(read.map_err(|error| secret(chain(&error)))?)
        }
    };
    let session = |server: &Server| {
        let session = Session::new(database, &server.name, password.as_ref());
        Ok((server.name.clone(), session.map_err(|error| (Unknown::Tls, chain(&error)))?))
    };
    database.servers.iter().map(session).collect()
}

/// Holds what was read against the rules and against what was kept.
async fn tell(
    database: &Database,
    terms: &AuditTerms,
    store: &Store,
    round: &Round,
    against: Option<Timestamp>,
) -> Result<Told, CommandError> {
    let failed = |error| CommandError::new(Exit::Store, chain(&error));
    let from = round.taken.checked_sub(MEMORY).unwrap_or(Timestamp::MIN);
    let from = if against.is_some() { Timestamp::MIN } else { from };
    let mut rounds: Vec<Round> = store.snapshots(&database.name, from, round.taken).await.map_err(failed)?;
    let first = match against {
        None => rounds.len().checked_sub(1),
        Some(at) => rounds.iter().rposition(|kept| kept.taken <= at),
    };
    if let (Some(at), None) = (against, first) {
        let oldest =
            rounds.first().map_or_else(|| "none is kept".to_owned(), |kept| format!("the oldest is of {}", kept.taken));
        let message =
            format!("no snapshot of {} was kept by {at}: {oldest}; 'doorstep audit --keep' keeps one", database.name);
        return Err(CommandError::new(Exit::Lost, message));
    }
    rounds.push(round.clone());
    let compared = first.and_then(|first| rounds.get(first));
    let (compared_with, read) = (compared.map(|kept| kept.taken), compared.map(last_read));
    // A server that was not read in that round is held against what was read of it before.
    let changes = drift(&rounds).into_iter().filter(|one| read.is_some_and(|read| one.latest > read)).collect();
    let audit = audit_history(database, &rounds, terms, against.and(read));
    let audit = audit.ok_or_else(|| CommandError::new(Exit::Lost, "nothing was read"))?;
    Ok(Told { audit, compared_with, drift: changes })
}

/// When the last server of a round was asked.
fn last_read(round: &Round) -> Timestamp {
    round.snapshots.iter().map(|snapshot| snapshot.taken).fold(round.taken, Timestamp::max)
}

fn json(all: &[Told]) -> String {
    // Every part of an audit has a JSON form.
    serde_json::to_string_pretty(all).map(|text| text + "\n").unwrap_or_default()
}

fn exit(all: &[Told]) -> Exit {
    if all.iter().any(|told| told.audit.count(Severity::Critical) > 0) {
        Exit::Bad
    } else if all.iter().all(|told| told.audit.saw_all_servers()) {
        Exit::Good
    } else {
        Exit::Lost
    }
}
