//! The site: vantages, accounts, the store's place, and what a worker declares about its schedule.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::database::DatabaseSchedule;
use super::id::{AccountName, FlowName, Revision, VantageName};
use super::secret::SecretSource;
use super::verdict::RunKind;

/// A place that probes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vantage {
    /// Unique name.
    pub name: VantageName,
    /// Labels: region, network, provider.
    pub labels: BTreeMap<String, String>,
}

/// A test account at the target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Name in the configuration.
    pub name: AccountName,
    /// What is typed as the user name.
    pub username: String,
    /// Where the password comes from.
    pub password: SecretSource,
}

/// Where runs are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreLocation {
    /// A local folder.
    Folder(PathBuf),
    /// A bucket of an S3-compatible service.
    Bucket {
        /// Bucket name.
        bucket: String,
        /// Key prefix without slashes at its ends; may be empty.
        prefix: String,
        /// Endpoint URL; `None`: the provider's own.
        endpoint: Option<String>,
        /// Region; `None`: from the environment, else `us-east-1`.
        region: Option<String>,
    },
}

impl fmt::Display for StoreLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Bucket { bucket, prefix, .. } if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::Bucket { bucket, prefix, .. } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// Everything that decides when a flow is due at a vantage. The same inputs give the same slots on every machine and
/// after every restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// The flow.
    pub flow: FlowName,
    /// What is tried.
    pub kind: RunKind,
    /// One slot lies in each interval.
    pub interval: Duration,
    /// All vantages in their configured order: their phases are spread evenly over the interval. A vantage that is
    /// not listed gets a phase by hash.
    pub vantages: Vec<VantageName>,
}

/// What a worker declares when it starts and at each reload, so that expected slots, and coverage, follow from the
/// store alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleDeclaration {
    /// The vantage that speaks.
    pub vantage: VantageName,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// From when it holds, until the next declaration of the same vantage.
    pub from: Timestamp,
    /// The flows that are due from then on; none after an orderly stop.
    pub flows: Vec<FlowDeclaration>,
    /// The servers of databases that are asked from then on; none after an orderly stop, and in what was declared before
    /// there were such.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub databases: Vec<DatabaseSchedule>,
}

/// One flow of a declaration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowDeclaration {
    /// When it is due.
    pub schedule: Schedule,
    /// Its revision.
    pub revision: Revision,
}
