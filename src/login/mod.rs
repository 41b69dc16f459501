//! Runs one flow once and returns a [`Run`], never an error: failure is data. Knows no schedule, no store and no
//! report.
//!
//! In reading order: `steps` walks the flow (`logout` and `negative` are its two special ends); `journey` turns an
//! action into a request, with `forms` for forms; `session` sends it like a browser (`cookies`, `redirect`,
//! `headers`); `page` reads the answer; `expect` and `source` hold it against the flow; `classify` makes the verdict;
//! `notes` writes the record, and `secrecy` keeps every secret out of it.

mod charset;
mod classify;
mod cookies;
mod expect;
mod forms;
mod headers;
mod journey;
mod logout;
mod markup_cost;
mod negative;
mod notes;
mod page;
mod redirect;
mod runner;
mod secrecy;
mod session;
mod source;
mod steps;
mod trouble;
mod verdict;
mod wire;

use jiff::Timestamp;

use crate::clock::Clock;
use crate::model::{AccountName, Flow, Run, RunKind, Secret, VantageName, Verdict};
use crate::net;
use runner::Runner;
use wire::Wire;

/// A test account as it is typed in.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Its name in the configuration; goes into the record.
    pub account: AccountName,
    /// What is typed as the user name; no secret.
    pub username: String,
    /// The right password. A wrong-password run never sends it; it is known there so that it cannot be sent by
    /// mistake.
    pub password: Secret,
}

/// One run to be made.
pub struct Order<'a> {
    /// The flow.
    pub flow: &'a Flow,
    /// To log in, or to be refused as [`Flow::negative`] says.
    pub kind: RunKind,
    /// Where from.
    pub vantage: VantageName,
    /// The slot that is served.
    pub slot: Timestamp,
    /// 0 for the scheduled attempt.
    pub attempt: u16,
    /// The test account; `None` for a flow without credentials.
    pub credentials: Option<&'a Credentials>,
    /// The flow's way to the network.
    pub transport: &'a net::Transport,
}

/// An order without its way to the network, which a test replaces.
struct Task<'a> {
    flow: &'a Flow,
    kind: RunKind,
    vantage: VantageName,
    slot: Timestamp,
    attempt: u16,
    credentials: Option<&'a Credentials>,
}

/// Runs a flow once, with fresh connections and no cookies. Takes no longer than the flow's limit, and after a failure
/// at most five seconds more for logging out. [`Run::lag`] is left at 0: who measures the worker's own lag fills it in.
pub async fn run(order: &Order<'_>, clock: &Clock) -> Run {
    let task = Task {
        flow: order.flow,
        kind: order.kind,
        vantage: order.vantage.clone(),
        slot: order.slot,
        attempt: order.attempt,
        credentials: order.credentials,
    };
    drive(&task, order.transport.connections(), clock).await
}

async fn drive<W: Wire>(task: &Task<'_>, wire: W, clock: &Clock) -> Run {
    let started = clock.now();
    let mut runner = Runner::new(task, wire, clock);
    let end = match task.kind {
        RunKind::Login => runner.log_in().await,
        RunKind::WrongPassword => runner.be_refused().await,
    };
    let outcome = match end {
        Ok(()) => (Verdict::Good, None),
        Err(stop) => {
            let (verdict, failure) = runner.failure(&stop);
            (verdict, Some(failure))
        }
    };
    let elapsed = runner.session.elapsed();
    let Runner { session, drafts, .. } = runner;
    notes::seal(task, started, elapsed, (drafts, session.hops), &session.secrets, outcome)
}

#[cfg(test)]
mod tests;
