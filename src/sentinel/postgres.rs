//! One PostgreSQL server: a connection that is kept, one statement at a time, never longer than the time it has.

mod refusal;
mod statement;

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config, NoTls, SimpleQueryMessage};

use crate::model::{Database, PostgresFacts, Secret, Server, TlsMode, Unknown};
use crate::net::{Secure, SetupError};

use super::failure::{Failure, Repeater};
use super::transport::{self, Checked};

/// The name of the prepared statement: planned once per connection.
const STATEMENT: &str = "doorstep_facts";
/// Stands before every statement, in the same message and so in the same transaction, in which the server then refuses
/// whatever writes, whatever the role may do. The session's own default would hide the server's, which is a fact.
const READ_ONLY: &str = "set transaction read only";
/// So many attempts to sign in stay unanswered before they become rare.
const PATIENCE: u32 = 3;
/// From then on one in this time: each may leave a process behind in the server until its authentication_timeout, and
/// the prober must not be what uses up the connections.
const PAUSE: Duration = Duration::from_secs(10);

/// Rows as text.
pub(super) type Rows = Vec<Vec<Option<String>>>;

/// One server.
pub(super) struct Postgres {
    host: String,
    port: u16,
    secure: Option<Secure>,
    config: Config,
    user: String,
    login_role: Option<String>,
    timeout: Duration,
    repeater: Repeater,
    kept: Option<Kept>,
    stage: Stage,
    /// Attempts to sign in that stayed unanswered, in a row.
    unanswered: u32,
    /// Before this nothing new is tried.
    pause: Option<Instant>,
}

/// How far a question came, for the words when its time is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Connecting,
    Protecting,
    SigningIn,
    Asking,
}

/// A connection and the task that drives it, which ends with it.
struct Kept {
    client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Postgres {
    pub(super) fn new(database: &Database, server: &Server, password: Option<&Secret>) -> Result<Self, SetupError> {
        let secure = match database.tls {
            TlsMode::Verify => Some(Secure::new(database.authority.as_deref())?),
            TlsMode::Off => None,
        };
        let mut config = Config::new();
        // default_transaction_read_only is a fact that is read, and stays; see READ_ONLY.
        config
            .user(&database.user)
            .dbname(&database.database)
            .application_name("doorstep")
            // The wire is protected before the library sees it.
            .ssl_mode(SslMode::Disable);
        if let Some(password) = password {
            config.password(password.expose());
        }
        Ok(Self {
            host: server.host.clone(),
            port: server.port,
            secure,
            config,
            user: database.user.clone(),
            login_role: database.login_role.clone(),
            timeout: database.timeout,
            repeater: Repeater::new(password),
            kept: None,
            stage: Stage::Connecting,
            unanswered: 0,
            pause: None,
        })
    }

    /// What the server says of itself.
    pub(super) async fn facts(&mut self) -> Result<PostgresFacts, Failure> {
        let rows = self.rows(&format!("execute {STATEMENT}")).await?;
        statement::decode(&rows, &self.user)
    }

    /// The rows of a statement that reads, in the time there is.
    pub(super) async fn rows(&mut self, sql: &str) -> Result<Rows, Failure> {
        if self.kept.is_none() && self.pause.is_some_and(|pause| Instant::now() < pause) {
            return Err(self.pausing());
        }
        if let Ok(answer) = tokio::time::timeout(self.timeout, self.answered(sql)).await {
            (self.unanswered, self.pause) = (0, None);
            return answer;
        }
        // Nobody knows what a connection holds whose answer did not come.
        self.kept = None;
        Err(self.out_of_time())
    }

    /// A connection that was cut off while nobody asked is made again, once.
    async fn answered(&mut self, sql: &str) -> Result<Rows, Failure> {
        loop {
            let fresh = self.kept.is_none();
            let kept = match self.kept.take() {
                Some(kept) => kept,
                None => self.connect().await?,
            };
            self.stage = Stage::Asking;
            let kept = self.kept.insert(kept);
            match kept.client.simple_query(&format!("{READ_ONLY}; {sql}")).await {
                Ok(messages) => return self.texts(&messages),
                Err(error) => {
                    let ended = refusal::ends_connection(&error);
                    if ended {
                        self.kept = None;
                    }
                    if fresh || !ended {
                        return Err(refusal::explain(&error, &self.user, None, &self.repeater));
                    }
                }
            }
        }
    }

    /// Signs in and prepares the statement.
    async fn connect(&mut self) -> Result<Kept, Failure> {
        self.stage = Stage::Connecting;
        let tcp = transport::connect(&self.host, self.port, self.timeout).await?;
        self.stage = Stage::Protecting;
        let wire = match &self.secure {
            Some(secure) => transport::protect(tcp, &self.host, secure).await?,
            None => Box::new(tcp),
        };
        self.stage = Stage::SigningIn;
        let connected = self.config.connect_raw(Checked::new(wire), NoTls).await;
        let (client, connection) =
            connected.map_err(|error| refusal::explain(&error, &self.user, None, &self.repeater))?;
        let version = self.supported(connection.parameter("server_version").unwrap_or_default())?;
        // Why it ended is told by the next statement.
        let driver = tokio::spawn(async move { drop(connection.await) });
        let kept = Kept { client, driver };
        // A statement ends in the server as well. Set by statements, both can be reset to show what others have.
        let prepare = format!(
            "set statement_timeout = {}; set jit = off; prepare {STATEMENT} as {}",
            self.timeout.as_millis(),
            statement::text(version, self.login_role.as_deref())
        );
        match kept.client.simple_query(&prepare).await {
            Ok(_) => Ok(kept),
            Err(error) => Err(refusal::explain(&error, &self.user, Some(version), &self.repeater)),
        }
    }

    /// The major version, when it is one that can be asked.
    fn supported(&self, said: &str) -> Result<u32, Failure> {
        let digits = said.find(|c: char| !c.is_ascii_digit()).unwrap_or(said.len());
        match said[..digits].parse::<u32>() {
            Ok(version) if version >= statement::OLDEST => Ok(version),
            Ok(_) => {
                let message = format!(
                    "the server is PostgreSQL {}, and {} is the oldest that can be asked: upgrade it, or take it out \
                     of databases",
                    self.repeater.repeat(said),
                    statement::OLDEST
                );
                Err(Failure::new(Unknown::Version, message))
            }
            Err(_) => {
                let message = format!("the server says no version that can be read: '{}'", self.repeater.repeat(said));
                Err(Failure::new(Unknown::Garbled, message))
            }
        }
    }

    fn texts(&self, messages: &[SimpleQueryMessage]) -> Result<Rows, Failure> {
        let mut rows = Vec::new();
        for message in messages {
            let SimpleQueryMessage::Row(row) = message else { continue };
            let cells = (0..row.len()).map(|index| Ok(row.try_get(index)?.map(str::to_owned)));
            let cells: Result<Vec<_>, tokio_postgres::Error> = cells.collect();
            rows.push(cells.map_err(|error| refusal::explain(&error, &self.user, None, &self.repeater))?);
        }
        Ok(rows)
    }

    fn out_of_time(&mut self) -> Failure {
        let (place, seconds) = (format!("{}:{}", self.host, self.port), self.timeout.as_secs_f64());
        let silent = |what: &str| format!("{place} accepts connections and does not {what} within {seconds} s");
        let message = match self.stage {
            Stage::Connecting => {
                return Failure::new(Unknown::Unreachable, transport::silent(&place, self.timeout));
            }
            Stage::Protecting | Stage::SigningIn => {
                self.unanswered += 1;
                if self.unanswered >= PATIENCE {
                    self.pause = Some(Instant::now() + PAUSE);
                }
                silent("let us sign in")
            }
            Stage::Asking => silent("answer a read-only statement"),
        };
        Failure::new(Unknown::NoAnswer, format!("{message}: is the server overloaded, frozen or stopped?"))
    }

    fn pausing(&self) -> Failure {
        let message = format!(
            "{}:{} accepted {} connections in a row and let us sign in on none; so as not to use up its connections it \
             is tried once in {} s only",
            self.host,
            self.port,
            self.unanswered,
            PAUSE.as_secs()
        );
        Failure::new(Unknown::NoAnswer, message)
    }
}
