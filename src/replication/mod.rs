//! What the samples of a database mean: pure rules over the facts of a primary and its standbys, replayable from records.
//! Knows no connection, no store and no clock; the time is that of the samples.
//!
//! A sample goes to a [`Watch`], which asks each rule about it (`rules`, `mariadb`), weighs what was seen over time
//! (`evidence`), and says what holds. [`episodes`] does the same over records of all vantages; [`changes`] finds the
//! settings that changed; [`explain`] reads findings together.
//!
//! What commits suffer is told of the primary, since it is seen there, and so are links and slots; what replay, reading
//! and copies suffer is told of the standby, since it is mended there. Thresholds are those that were measured on a real
//! pair with known faults, with these differences. A commit that has waited for less than a round trip is not waiting, or a
//! busy service would always have somebody waiting. Lag is a time that was observed between two answers (`lag`); neither
//! bytes, which say nothing of time and were 0 while every login hung, nor the age of the last replayed transaction,
//! which only says that nobody wrote. A standby that should be synchronous and is merely restarting is seen short in one
//! or two samples, so three are asked for.

mod change;
mod commit;
mod connection;
mod endpoint;
mod episode;
mod evidence;
mod explanation;
mod history;
mod identity;
mod lag;
mod mariadb;
mod names;
mod peer;
mod rules;
mod slot;
mod standby;
mod unknown;
mod view;
mod watch;
mod words;

#[cfg(test)]
mod tests;

pub use change::{Change, changes};
pub use episode::{Chronicle, Episode, episodes};
pub use explanation::{Explanation, Reading, explain, explain_failures, stops_logins};
pub use names::{Method, SyncNames, SyncNamesError};
pub use watch::{Watch, rules_of};
