//! Which servers hold the data of a login service, and when each is asked.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::id::{DatabaseName, FlowName, ServerName, VantageName};
use crate::model::secret::SecretSource;
use crate::model::spelling::spelled;

spelled!(
    /// What kind of server it is.
    Engine {
        /// PostgreSQL 13 to 17.
        PostgreSql = "postgresql",
        /// MariaDB 10.5.9 and later; not MySQL.
        MariaDb = "mariadb",
    }
);

spelled!(
    /// What a server is meant to be.
    ServerRole {
        /// It takes the writes of logins.
        Primary = "primary",
        /// It follows the primary.
        Standby = "standby",
    }
);

spelled!(
    /// How a connection to a server is protected.
    TlsMode {
        /// Plain text, for loopback.
        Off = "off",
        /// TLS, and the server's certificate must be valid for its host.
        Verify = "verify",
    }
);

/// A primary and its standbys, which hold the data of a login service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Unique name.
    pub name: DatabaseName,
    /// What kind of servers.
    pub engine: Engine,
    /// Each server is asked once in each interval, by each vantage.
    pub interval: Duration,
    /// No answer within this is `unknown`.
    pub timeout: Duration,
    /// The database to connect to.
    pub database: String,
    /// The role that asks; read-only, a member of `pg_monitor`.
    pub user: String,
    /// Its password; `None` where the server asks for none.
    pub password: Option<SecretSource>,
    /// How connections are protected.
    pub tls: TlsMode,
    /// Trusted beside the system's certificate authorities: a PEM file.
    pub authority: Option<PathBuf>,
    /// The role that the login service connects as: its sessions are told apart from everybody else's. `None`: unknown,
    /// and rules that need it say that they were not checked.
    pub login_role: Option<String>,
    /// The flows whose logins need this database; empty: all.
    pub flows: Vec<FlowName>,
    /// All servers, in their configured order.
    pub servers: Vec<Server>,
}

impl Database {
    /// The server with this name.
    #[must_use]
    pub fn server(&self, name: &ServerName) -> Option<&Server> {
        self.servers.iter().find(|server| server.name == *name)
    }

    /// Whether logins of a flow need this database.
    #[must_use]
    pub fn serves(&self, flow: &FlowName) -> bool {
        self.flows.is_empty() || self.flows.contains(flow)
    }
}

/// One server of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// Unique within the database.
    pub name: ServerName,
    /// Host name or address.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// What it is meant to be.
    pub role: ServerRole,
    /// The name under which a standby is known to its primary (`application_name`); the server's own name unless set.
    pub application_name: String,
    /// The login service reads from this standby on purpose: sessions of its role are no mistake there, but replay that
    /// lags is one for logins.
    pub serves_reads: bool,
}

impl fmt::Display for Server {
    /// `standby1 (127.0.0.1:15433)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}:{})", self.name, self.host, self.port)
    }
}

/// Everything that decides when a server is asked from a vantage; the counterpart of a flow's
/// [`Schedule`](crate::model::Schedule), with the same arithmetic of slots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSchedule {
    /// The database.
    pub database: DatabaseName,
    /// The server.
    pub server: ServerName,
    /// One slot lies in each interval.
    pub interval: Duration,
    /// All vantages in their configured order.
    pub vantages: Vec<VantageName>,
}
