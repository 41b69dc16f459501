//! What the databases behind the logins said in the period.

use serde::{Deserialize, Serialize};

use crate::diagnosis::{Answered, Asked, DatabaseEvidence};
use crate::incident::IncidentId;
use crate::model::{DatabaseName, FlowName};
use crate::replication::{Change, Episode};

/// One database in the period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatabaseReport {
    /// The database.
    pub database: DatabaseName,
    /// The flows whose logins need it; empty: all.
    #[serde(default)]
    pub flows: Vec<FlowName>,
    /// How often each server was asked, and answered.
    pub asked: Vec<Asked>,
    /// When each server answered; silences too short for a chart of the period are not told.
    #[serde(default)]
    pub answered: Vec<Answered>,
    /// What held at some time of the period, by beginning.
    pub episodes: Vec<Episode>,
    /// What changed, by time.
    pub changes: Vec<Change>,
    /// What it says of each incident of the flows that need it, in order of time.
    pub incidents: Vec<IncidentEvidence>,
}

/// What a database says of an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentEvidence {
    /// The incident.
    pub incident: IncidentId,
    /// How its logins failed, in one line; empty for slow ones.
    pub failures: String,
    /// The evidence.
    pub evidence: DatabaseEvidence,
}
