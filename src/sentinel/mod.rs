//! Asks database servers: one kept connection per server, one read-only statement per slot. Judges nothing: what was
//! learned goes on as facts, what was not as unknown, with the reason.
//!
//! In reading order: `failure` (why nothing is known), `transport` (an address to a connection that speaks), `postgres`
//! with its `statement` and the meaning of its `refusal`s, `mariadb` likewise; `snapshot` asks what servers are set to,
//! for the audit.

mod failure;
mod mariadb;
mod postgres;
mod snapshot;
mod transport;

use thiserror::Error;

use crate::model::{Answer, Database, DatabaseName, Engine, Facts, Secret, ServerName, Unknown};
use crate::net::SetupError;

pub use snapshot::{take_round, take_snapshot};

use failure::Failure;
use mariadb::MariaDb;
use postgres::Postgres;

/// Why a server cannot be asked at all.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The database has no server of this name.
    #[error("the database {database} has no server {server}")]
    Server {
        /// The database.
        database: DatabaseName,
        /// The name.
        server: ServerName,
    },
    /// The certificate authorities cannot be used.
    #[error("the database {database}: {source}")]
    Tls {
        /// The database.
        database: DatabaseName,
        /// Why not.
        source: Box<SetupError>,
    },
}

/// The asking of one server: its connection is kept from one question to the next, and made again by itself.
pub struct Session {
    talk: Talk,
}

/// In which language.
enum Talk {
    Postgres(Box<Postgres>),
    MariaDb(Box<MariaDb>),
}

impl Session {
    /// Gets ready; nothing is connected yet. Reads the file of the database's certificate authority.
    ///
    /// # Errors
    /// [`SessionError`] when the server is not one of the database, or its TLS settings cannot be used.
    pub fn new(database: &Database, server: &ServerName, password: Option<&Secret>) -> Result<Self, SessionError> {
        let name = || database.name.clone();
        let Some(one) = database.server(server) else {
            return Err(SessionError::Server { database: name(), server: server.clone() });
        };
        let talk = match database.engine {
            Engine::PostgreSql => Postgres::new(database, one, password).map(|talk| Talk::Postgres(Box::new(talk))),
            Engine::MariaDb => MariaDb::new(database, one, password).map(|talk| Talk::MariaDb(Box::new(talk))),
        };
        talk.map(|talk| Self { talk })
            .map_err(|source| SessionError::Tls { database: name(), source: Box::new(source) })
    }

    /// What the server says of itself now, or why nothing is known: after at most the database's timeout. A connection
    /// that broke since the last question is made again once within that time.
    pub async fn ask(&mut self) -> Answer {
        let facts = match &mut self.talk {
            Talk::Postgres(talk) => talk.facts().await.map(Facts::PostgreSql),
            Talk::MariaDb(talk) => talk.facts().await.map(Facts::MariaDb),
        };
        match facts {
            Ok(facts) => Answer::Facts(Box::new(facts)),
            Err(Failure { why, message }) => Answer::Unknown { why, message },
        }
    }

    /// The rows of a statement as text, NULL as `None`: after at most the database's timeout. The statement is sent as
    /// it is, and must only read.
    ///
    /// # Errors
    /// Why there is no answer, with a lowercase sentence without secrets.
    pub async fn query_text(&mut self, sql: &str) -> Result<Vec<Vec<Option<String>>>, (Unknown, String)> {
        let rows = match &mut self.talk {
            Talk::Postgres(talk) => talk.rows(sql).await,
            Talk::MariaDb(talk) => talk.rows(sql).await,
        };
        rows.map_err(|Failure { why, message }| (why, message))
    }
}
