//! Asks one MariaDB server over one kept connection. Judges nothing.
//!
//! Needs a role with REPLICA MONITOR and PROCESS and nothing else; no database is selected, since such a role may
//! select none.

mod refusal;
mod statement;

use std::pin::Pin;
use std::time::Duration;

use mysql_async::prelude::Queryable as _;
use mysql_async::{Conn, Opts, OptsBuilder, Row, SslOpts, Value};
use tokio::time::{Instant, timeout_at};

use crate::model::{Database, MariaFacts, Secret, Server, TlsMode, Unknown};
use crate::net::{SetupError, authorities};

use super::failure::{Failure, Repeater};
use statement::Record;

/// A connection that is being made is waited for across slots for so long, then made anew. To break each attempt off
/// would count against this machine at the server (`max_connect_errors`), which in the end lets nobody in from it.
const PATIENCE: Duration = Duration::from_secs(60);

/// One server and the connection to it.
pub(super) struct MariaDb {
    opts: Opts,
    user: String,
    timeout: Duration,
    question: String,
    repeater: Repeater,
    kept: Option<Conn>,
    connecting: Option<Connecting>,
}

/// A connection and the version of its server.
type Connected = Result<(Conn, String), mysql_async::Error>;

/// A connection that is being made.
struct Connecting {
    outcome: Pin<Box<dyn Future<Output = Connected> + Send>>,
    since: Instant,
}

/// Why there is no answer.
enum Broken {
    /// The server said so; the connection is whole.
    Told(Failure),
    /// The connection is no more.
    Gone(Failure),
}

impl MariaDb {
    pub(super) fn new(database: &Database, server: &Server, password: Option<&Secret>) -> Result<Self, SetupError> {
        let tls = match database.tls {
            TlsMode::Verify => Some(trust(database)?),
            TlsMode::Off => None,
        };
        let opts = OptsBuilder::default()
            .ip_or_hostname(server.host.clone())
            .tcp_port(server.port)
            .user(Some(database.user.clone()))
            .pass(password.map(Secret::expose))
            .prefer_socket(false)
            .stmt_cache_size(0)
            // Given, so that the library does not ask the server for them.
            .max_allowed_packet(Some(16 << 20))
            .wait_timeout(Some(28_800))
            .setup(statement::preparation(database.timeout).to_vec())
            .ssl_opts(tls);
        Ok(Self {
            opts: opts.into(),
            user: database.user.clone(),
            timeout: database.timeout,
            question: statement::question(database.login_role.as_deref()),
            repeater: Repeater::new(password),
            kept: None,
            connecting: None,
        })
    }

    /// What the server says of itself.
    pub(super) async fn facts(&mut self) -> Result<MariaFacts, Failure> {
        let question = self.question.clone();
        statement::facts(&self.run(&question).await?)
    }

    /// The rows of a statement as text; of several statements those of the first.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, Failure> {
        let texts = |row: Record| row.0.into_iter().map(|(_, value)| value).collect();
        let first = self.run(sql).await?.into_iter().next().unwrap_or_default();
        Ok(first.into_iter().map(texts).collect())
    }

    /// Runs statements on the kept connection, in the time there is; on a new one where that was cut off.
    async fn run(&mut self, sql: &str) -> Result<Vec<Vec<Record>>, Failure> {
        let limit = Instant::now() + self.timeout;
        if let Some(kept) = self.kept.take() {
            match self.exchange(kept, sql, limit).await {
                Ok(answers) => return Ok(answers),
                Err(Broken::Told(failure)) => return Err(failure),
                Err(Broken::Gone(failure)) if failure.why == Unknown::NoAnswer => return Err(failure),
                // A server that was restarted, or that ended a session for its own reasons, is asked again at once.
                Err(Broken::Gone(_)) => {}
            }
        }
        let fresh = self.connect(limit).await?;
        self.exchange(fresh, sql, limit).await.map_err(|(Broken::Told(failure) | Broken::Gone(failure))| failure)
    }

    /// Sends statements and keeps the connection, unless it broke or did not answer in time.
    async fn exchange(&mut self, mut conn: Conn, sql: &str, limit: Instant) -> Result<Vec<Vec<Record>>, Broken> {
        match timeout_at(limit, answers(&mut conn, sql)).await {
            Err(_) => Err(Broken::Gone(refusal::no_answer(self.timeout))),
            Ok(Ok(answers)) => {
                self.kept = Some(conn);
                Ok(answers)
            }
            Ok(Err(error)) => {
                let failure = refusal::explain(&error, &self.user, &self.repeater);
                if error.is_fatal() || failure.why == Unknown::Starting {
                    return Err(Broken::Gone(failure));
                }
                self.kept = Some(conn);
                Err(Broken::Told(failure))
            }
        }
    }

    /// A new connection to a server of a version that is understood.
    async fn connect(&mut self, limit: Instant) -> Result<Conn, Failure> {
        let mut connecting = match self.connecting.take() {
            Some(connecting) if connecting.since.elapsed() < PATIENCE => connecting,
            _ => Connecting { outcome: Box::pin(connected(self.opts.clone())), since: Instant::now() },
        };
        let Ok(outcome) = timeout_at(limit, &mut connecting.outcome).await else {
            self.connecting = Some(connecting);
            return Err(refusal::no_answer(self.timeout));
        };
        let (conn, version) = outcome.map_err(|error| refusal::explain(&error, &self.user, &self.repeater))?;
        statement::supported(&self.repeater.repeat(&version))?;
        Ok(conn)
    }
}

async fn connected(opts: Opts) -> Connected {
    let mut conn = Conn::new(opts).await?;
    let version: Option<String> = conn.query_first("SELECT VERSION()").await?;
    Ok((conn, version.unwrap_or_default()))
}

/// The rows of each statement.
async fn answers(conn: &mut Conn, sql: &str) -> Result<Vec<Vec<Record>>, mysql_async::Error> {
    let mut result = conn.query_iter(sql).await?;
    let mut all = Vec::new();
    while !result.is_empty() {
        all.push(result.collect::<Row>().await?.into_iter().map(record).collect());
    }
    Ok(all)
}

fn record(row: Row) -> Record {
    let names: Vec<String> = row.columns_ref().iter().map(|column| column.name_str().into_owned()).collect();
    let text = |value: Value| match value {
        Value::NULL => None,
        Value::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        other => Some(other.as_sql(true)),
    };
    Record(names.into_iter().zip(row.unwrap().into_iter().map(text)).collect())
}

/// The system's authorities and the configured one; none that the library brings.
fn trust(database: &Database) -> Result<SslOpts, SetupError> {
    let trusted = authorities(database.authority.as_deref())?;
    let roots = trusted.into_iter().map(|certificate| certificate.to_vec().into()).collect();
    Ok(SslOpts::default().with_disable_built_in_roots(true).with_root_certs(roots))
}
