//! One run as it went: steps, hops, and where and why it failed.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::id::{AccountName, FlowName, Revision, RunId, StepName, VantageName};
use super::phase::{Phase, Phases};
use super::spelling::spelled;
use super::units::Micros;
use super::verdict::{LostClass, RunKind, Verdict};

spelled!(
    /// The HTTP version that a hop spoke.
    HttpVersion {
        /// HTTP/1.0.
        Http10 = "1.0",
        /// HTTP/1.1.
        Http11 = "1.1",
        /// HTTP/2.
        Http2 = "2",
    }
);

/// One HTTP exchange, measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hop {
    /// The step it belongs to: an index into [`Run::steps`].
    pub step: u16,
    /// Request method.
    pub method: String,
    /// Request URL with every secret hidden.
    pub url: String,
    /// Answer status; absent when no answer came.
    pub status: Option<u16>,
    /// HTTP version; absent when no connection came about.
    pub version: Option<HttpVersion>,
    /// The address that was connected to.
    pub address: Option<IpAddr>,
    /// The connection of an earlier hop of the same run carried this one, so it has no dns, connect or tls phase.
    pub reused: bool,
    /// When it began, counted from the start of the run.
    pub offset: Micros,
    /// The measured phases.
    pub phases: Phases,
    /// Bytes of the answer's body on the wire.
    pub body_bytes: u64,
}

spelled!(
    /// What a step means for a user; decides what counts as login time.
    StepRole {
        /// On the way in: counts as login time.
        Login = "login",
        /// The proof of who is logged in, the last part of the login time.
        Identity = "identity",
        /// Logging out and its proof: measured, but no part of the login time.
        Logout = "logout",
    }
);

/// One step as it went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// The step's name.
    pub name: StepName,
    /// What the step means for a user.
    pub role: StepRole,
    /// When it began, counted from the start of the run.
    pub offset: Micros,
    /// The sum of all phases of its hops: time spent on the network and in the service, none in the prober.
    pub micros: Micros,
    /// False when the step failed.
    pub done: bool,
    /// What was matched, captured, sent and found, secrets hidden; for people.
    pub evidence: Vec<String>,
}

/// Where and why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The step that failed; absent when the run failed before or after all steps.
    pub step: Option<StepName>,
    /// The phase that failed or was cut off; absent when the exchange itself was fine.
    pub phase: Option<Phase>,
    /// What happened, secrets hidden; a lowercase sentence.
    pub message: String,
}

/// One execution of a flow for one slot.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Identity; equal ids are the same run.
    pub id: RunId,
    /// What was tried.
    pub kind: RunKind,
    /// The flow.
    pub flow: FlowName,
    /// The revision of the flow that was executed.
    pub revision: Revision,
    /// Where from.
    pub vantage: VantageName,
    /// The slot that was served.
    pub slot: Timestamp,
    /// 0 for the scheduled attempt; later numbers are re-probes.
    pub attempt: u16,
    /// When it began, by the wall clock.
    pub started: Timestamp,
    /// How long it took from start to end by the monotonic clock, prober's own work included.
    pub elapsed: Micros,
    /// The longest time during the run for which the worker itself did not get to run.
    pub lag: Micros,
    /// What the run says.
    pub verdict: Verdict,
    /// Where and why it failed; absent when good.
    pub failure: Option<Failure>,
    /// The test account it used.
    pub account: Option<AccountName>,
    /// The steps that were begun.
    pub steps: Vec<StepRecord>,
    /// All hops, in order.
    pub hops: Vec<Hop>,
}

impl Run {
    /// Login time: what a user waited for the network and the service from the first step to the proof of identity.
    /// Logging out and the prober's own work are no part of it. `None` when no step was begun.
    #[must_use]
    pub fn login_time(&self) -> Option<Micros> {
        let mut counted = self.steps.iter().filter(|step| step.role != StepRole::Logout).peekable();
        counted.peek()?;
        Some(counted.map(|step| step.micros).sum())
    }

    /// How late the run began.
    #[must_use]
    pub fn lateness(&self) -> Micros {
        let late = self.started.as_microsecond().saturating_sub(self.slot.as_microsecond());
        Micros(u64::try_from(late).unwrap_or(0))
    }

    /// The same run as another attempt of its slot.
    #[must_use]
    pub fn as_attempt(self, attempt: u16) -> Self {
        Self { id: RunId::new(self.kind, &self.flow, &self.vantage, self.slot, attempt), attempt, ..self }
    }

    /// A run that never began, so that a slot is never silence.
    #[must_use]
    pub fn never_began(
        identity: (RunKind, FlowName, Revision, VantageName, Timestamp),
        noticed: Timestamp,
        class: LostClass,
        message: String,
    ) -> Self {
        let (kind, flow, revision, vantage, slot) = identity;
        Self {
            id: RunId::new(kind, &flow, &vantage, slot, 0),
            kind,
            flow,
            revision,
            vantage,
            slot,
            attempt: 0,
            started: noticed,
            elapsed: Micros(0),
            lag: Micros(0),
            verdict: Verdict::Lost(class),
            failure: Some(Failure { step: None, phase: None, message }),
            account: None,
            steps: Vec::new(),
            hops: Vec::new(),
        }
    }
}
