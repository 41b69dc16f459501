//! One asking of one server: the run record of a database probe.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::facts::PostgresFacts;
use super::mariadb::MariaFacts;
use crate::model::id::{DatabaseName, ServerName, VantageName};
use crate::model::spelling::spelled;
use crate::model::units::Micros;

/// What a server said, or why nothing is known, for one slot. Equal database, server, vantage and slot mean the same
/// sample.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The database.
    pub database: DatabaseName,
    /// The server that was asked.
    pub server: ServerName,
    /// Where from.
    pub vantage: VantageName,
    /// The slot that was served.
    pub slot: Timestamp,
    /// When asking began, by the vantage's wall clock.
    pub started: Timestamp,
    /// From then to the answer, by the monotonic clock; connecting included where a connection had to be made.
    pub elapsed: Micros,
    /// What was learned.
    pub answer: Answer,
}

/// What was learned of a server.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It answered, with all rights needed.
    Facts(Box<Facts>),
    /// Nothing is known: never healthy.
    Unknown {
        /// The kind of reason.
        why: Unknown,
        /// The reason and the way out, without secrets; a lowercase sentence.
        message: String,
    },
}

impl Answer {
    /// The facts of a PostgreSQL server.
    #[must_use]
    pub fn postgres(&self) -> Option<&PostgresFacts> {
        match self {
            Self::Facts(facts) => match &**facts {
                Facts::PostgreSql(facts) => Some(facts),
                Facts::MariaDb(_) => None,
            },
            Self::Unknown { .. } => None,
        }
    }

    /// The facts of a MariaDB server.
    #[must_use]
    pub fn mariadb(&self) -> Option<&MariaFacts> {
        match self {
            Self::Facts(facts) => match &**facts {
                Facts::MariaDb(facts) => Some(facts),
                Facts::PostgreSql(_) => None,
            },
            Self::Unknown { .. } => None,
        }
    }
}

/// What a server said about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Facts {
    /// PostgreSQL.
    PostgreSql(PostgresFacts),
    /// MariaDB.
    MariaDb(MariaFacts),
}

spelled!(
    /// Why nothing is known of a server.
    Unknown {
        /// The host has no address, or nothing listens there.
        Unreachable = "unreachable",
        /// It accepts connections or statements and does not answer in time.
        NoAnswer = "no_answer",
        /// It refused the role's name or password.
        LoginRefused = "login_refused",
        /// It has no connection left for us (SQLSTATE 53300): a finding of its own.
        NoConnectionLeft = "no_connection_left",
        /// It starts, stops or recovers and takes no sessions now (SQLSTATE 57P03).
        Starting = "starting",
        /// TLS was refused, or its certificate is not valid.
        Tls = "tls",
        /// The role may not see what has to be seen.
        NoRights = "no_rights",
        /// A version of the server that is not supported.
        Version = "version",
        /// It answered what cannot be understood.
        Garbled = "garbled",
        /// The secret of the role cannot be read on this machine.
        NoSecret = "no_secret",
        /// The prober's own fault: the slot passed unserved.
        Lost = "lost",
    }
);
