//! The ground floor: ids, units, secrets, flows, outcomes, objectives, populations; types that cannot be wrong.
//!
//! Nothing here does IO, awaits, or asks for the time, and nothing here knows a file format, a protocol or a report.
//! Everything above speaks in these words, so that a value is validated once and never re-interpreted.

mod flow;
mod id;
mod limits;
mod objective;
mod outcome;
mod policy;
mod population;
mod redact;
mod secret;
mod site;
mod slots;
mod template;
mod units;

pub use flow::{
    Action, Body, Button, Capture, Expectation, Field, Flow, FormChoice, Identity, JsonTemplate, Logout, LogoutProof,
    Negative, PageRequest, Sign, SignMeaning, Source, StatusSet, Step, Submit, TextMatch,
};
pub use id::{AccountName, FlowName, NameError, ObjectiveName, Revision, RunId, StepName, VantageName};
pub use limits::{AddressFamily, ClientIdentity, ExchangeLimits, Network, RunLimits, WorkerLimits};
pub use objective::{Objective, Target, TargetError, Threshold};
pub use outcome::{
    BadClass, Blame, Failure, Hop, HttpVersion, LostClass, Phase, PhaseTime, Phases, Run, RunKind, StepRecord,
    StepRole, Verdict,
};
pub use policy::{LostRuns, Policy, Retries};
pub use population::{Population, PopulationError, Segment};
pub use redact::Redactor;
pub use secret::{Secret, SecretSource};
pub use site::{Account, FlowDeclaration, Schedule, ScheduleDeclaration, StoreLocation, Vantage};
pub use template::{Template, TemplateError, Unbound, Variables};
pub use units::Micros;
