//! Incidents: when did it break, until when, for how large a share of logins, and who saw it first. Pure and
//! replayable: the same history and rules give the same incidents. Knows no store, no objective, no people.

mod model;

pub use model::{
    Bounds, Incident, IncidentId, IncidentIdError, Minute, Peak, Scope, Share, ShareSplit, Splits, Symptom,
};
