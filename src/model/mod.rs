//! The ground floor: ids, units, secrets, flows, outcomes, objectives, populations; types that cannot be wrong.
//!
//! Nothing here does IO, awaits, or asks for the time, and nothing here knows a file format, a protocol or a report.
//! Everything above speaks in these words, so that a value is validated once and never re-interpreted.

mod answer;
mod causes;
mod database;
mod demand;
mod detection;
mod event;
mod flow;
mod id;
mod limits;
mod objective;
mod phase;
mod policy;
mod population;
mod random;
mod redact;
mod run;
mod secret;
mod site;
mod slots;
mod spelling;
mod template;
mod units;
mod verdict;

pub use answer::{Capture, Expectation, Identity, Sign, SignMeaning, Source, StatusSet, TextMatch};
pub use causes::chain;
pub use database::{
    Answer, AuditRule, AuditTerms, Connection, Database, DatabaseSchedule, Engine, Facts, Finding, Gtid, Gtids, Link,
    Lsn, MariaFacts, Must, Nature, PostgresFacts, Receiver, Replay, ReplicaLink, Rule, Sample, Server, ServerRole,
    ServiceFacts, SettingExpectation, Severity, Slot, TlsMode, Unknown,
};
pub use demand::{ActivityClass, Demand, HOURS, Habits, LoggedWeek, Rate, SignInLog, TypicalWeek};
pub use detection::DetectionRules;
pub use event::{EventKind, Exclusion, ExclusionEntry, ExclusionMode, NotedEvent, Withdrawal, mode_at};
pub use flow::{
    Action, Body, Button, Field, Flow, FormChoice, JsonTemplate, Logout, LogoutProof, Negative, PageRequest, Step,
    Submit,
};
pub use id::{
    AccountName, DatabaseName, FlowName, NameError, ObjectiveName, Revision, RunId, ServerName, StepName, VantageName,
};
pub use limits::{AddressFamily, ClientIdentity, ExchangeLimits, Network, Reprobe, RunLimits, WorkerLimits};
pub use objective::{Objective, Target, TargetError, Threshold};
pub use phase::{Phase, PhaseTime, Phases};
pub use policy::{BudgetClause, LostRuns, Policy, Retries, Trigger};
pub use population::{Population, PopulationError, Segment};
pub use random::SplitMix;
pub use redact::Redactor;
pub use run::{Failure, Hop, HttpVersion, Run, StepRecord, StepRole};
pub use secret::{Secret, SecretSource};
pub use site::{Account, FlowDeclaration, Schedule, ScheduleDeclaration, StoreLocation, Vantage};
pub use template::{Template, TemplateError, Unbound, Variables};
pub use units::Micros;
pub use verdict::{BadClass, Blame, LostClass, RunKind, Verdict};
