//! What the database's evidence says about an incident, and by which signature logins failed. Pure. Names no cause
//! without the evidence for it, and says so where there is none.
//!
//! `attempts` lines the logins of an incident up; `signatures` counts how they failed; `course` says whether the share
//! was constant, grew or came in bursts, `grouped` whether it went by account or with the load; `hints` holds that against mechanisms that were measured. `database` reads the
//! samples of the same minutes, with `silence`, `answered` and `lag_rule`; `fit` holds what they name against how and when
//! logins failed; `said` tells it in sentences.

mod answered;
mod attempts;
mod course;
mod database;
mod fit;
mod grouped;
mod hints;
mod lag_rule;
mod said;
mod signatures;
mod silence;
mod words;

pub use answered::{Answered, Answers, Stretch};
pub use course::{Course, Shape};
pub use database::{DatabaseEvidence, Records, evidence, wanted, wanted_snapshots};
pub use fit::AlsoSeen;
pub use grouped::{AccountShare, ByAccount, ByLoad, FixedPart, GroupedLogin, Groups, Load};
pub use hints::Hint;
pub use lag_rule::{LAG_BYTES, LAG_TIME, LagRules};
pub use said::{NO_DATABASE, change_in_words};
pub use signatures::{FlowSignatures, Signature, SignatureCount, Signatures, signatures};
pub use silence::{Asked, Silence, asked};
pub use words::{UNKNOWN_TO_THE_USER, has_timeouts};

use serde::{Deserialize, Serialize};

/// What is known of why an incident's logins failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// How they failed; `None` for an incident of slow logins.
    pub signatures: Option<Signatures>,
    /// What the databases behind the incident's flows say, in their configured order; empty when none was watched.
    pub databases: Vec<DatabaseEvidence>,
}
