//! The draft of a postmortem: the measured half filled in, the other half as headed blanks. Every figure comes from
//! [`Evidence`], names its formula and links to its picture, rows or table. The same evidence gives the same bytes.
//! Writes no file.

mod blanks;
mod database;
mod impact;
mod picture;
mod rows;
mod states;
mod summary;
mod timeline;
mod times;

use super::evidence::Evidence;

pub(super) use summary::{capital, verb};

/// What the draft is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// What is known.
    pub evidence: &'a Evidence,
    /// The IANA zone of local times.
    pub zone: &'a str,
    /// The confidence of intervals, two-sided.
    pub confidence: f64,
    /// The stamp of the runs that were read for the incident: fewer than those of a report of its week.
    pub data_revision: &'a str,
    /// The hash of the policy.
    pub policy_revision: &'a str,
    /// The program's version.
    pub program: &'a str,
    /// The command that makes it again.
    pub command: &'a str,
    /// The command that checks it.
    pub check: &'a str,
}

/// A file of the draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its name within the folder.
    pub name: &'static str,
    /// Its text.
    pub text: String,
}

/// The text itself.
pub const POSTMORTEM: &str = "postmortem.md";
/// The failing share over time.
const PICTURE: &str = "failing-share.svg";
/// Login times around it; `None` of it where none is known.
const TIMES: &str = "login-times.svg";
/// What the databases said in the same minutes; `None` of it where nothing held.
const STATES: &str = "database-states.svg";
/// One row per minute.
const ROWS: &str = "failing-per-minute.csv";

/// Writes the draft: the text first, then what it links to.
#[must_use]
pub fn draft(inputs: &Inputs<'_>) -> Vec<File> {
    let mut files =
        vec![File { name: POSTMORTEM, text: markdown(inputs) }, File { name: PICTURE, text: picture::svg(inputs) }];
    files.extend(states::picture(inputs).map(|picture| File { name: STATES, text: picture.svg }));
    files.extend(times::svg(inputs).map(|text| File { name: TIMES, text }));
    files.push(File { name: ROWS, text: rows::csv(&inputs.evidence.incident, inputs.confidence) });
    files
}

fn markdown(inputs: &Inputs<'_>) -> String {
    let parts = [
        summary::text(inputs),
        impact::text(inputs),
        timeline::detection(inputs),
        timeline::text(inputs),
        blanks::causes(inputs),
        blanks::rest(inputs),
        again(inputs),
    ];
    parts.concat()
}

/// How to make the same draft again.
fn again(inputs: &Inputs<'_>) -> String {
    format!(
        "## How this was made\n\n{}, from the runs that were read for this incident, revision `{}`, under the policy `{}`:\n\n```sh\n{}\n```\n\n\
         Check what was written into it:\n\n```sh\n{}\n```\n",
        inputs.program, inputs.data_revision, inputs.policy_revision, inputs.command, inputs.check
    )
}
