//! Asks the servers of databases at their slots: one task and one kept session for each server, so that a server that
//! hangs delays no other. Knows no protocol.
//!
//! A slot always becomes a sample. While a question is under way no other is put to the same server: the slots that pass
//! meanwhile share its answer when nothing could be learned, since they would have met the same; after facts they are
//! lost, since facts of another moment are no sample of this one. `findings` says meanwhile what the samples mean.

mod findings;
mod series;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::attempt::Shared;
use super::{Plan, Recorder};
use crate::model::{Answer, Database, DatabaseName, DatabaseSchedule, ServerName, Unknown};
use series::Series;

pub(super) use findings::Findings;

/// A kept session with one server.
pub trait Ask: Send {
    /// What the server says of itself now, after at most the database's timeout. Never fails: failure is data. The future
    /// may be dropped when the worker has to stop.
    fn ask(&mut self) -> BoxFuture<'_, Answer>;
}

/// Why there is no session, as a sample says it: the kind, and a lowercase sentence without secrets.
pub type NoSession = (Unknown, String);

/// Makes sessions. The worker's only way to databases, so that the loop is tested without one.
pub trait Sessions: Send + Sync + 'static {
    /// Makes a session with a server; nothing needs to be connected yet. Reads its secret.
    fn open<'a>(
        &'a self,
        database: &'a Database,
        server: &'a ServerName,
    ) -> BoxFuture<'a, Result<Box<dyn Ask>, NoSession>>;
}

/// Asks nobody, for workers without databases.
impl Sessions for () {
    fn open<'a>(&'a self, _: &'a Database, _: &'a ServerName) -> BoxFuture<'a, Result<Box<dyn Ask>, NoSession>> {
        Box::pin(async { Err((Unknown::Lost, "this worker asks no databases".to_owned())) })
    }
}

/// The series under way.
#[derive(Default)]
pub(super) struct Askers {
    running: BTreeMap<(DatabaseName, ServerName), Running>,
}

struct Running {
    database: Arc<Database>,
    schedule: DatabaseSchedule,
    /// Slots from this instant on are not served.
    until: watch::Sender<Timestamp>,
}

impl Askers {
    /// Goes on with the databases of a plan from `from` on. What is not changed keeps its session; what is, or is gone,
    /// ends with the slots before.
    pub(super) fn take_over<P, R: Recorder>(
        &mut self,
        plan: &Plan<P>,
        from: Timestamp,
        shared: &Arc<Shared<R>>,
        tasks: &TaskTracker,
    ) {
        let mut before = std::mem::take(&mut self.running);
        for (database, schedule) in plan.database_schedules() {
            let name = (schedule.database.clone(), schedule.server.clone());
            let kept = before.remove(&name);
            let kept = match kept {
                Some(known) if known.database == database && known.schedule == schedule => Some(known),
                Some(changed) => {
                    changed.end(from);
                    None
                }
                None => None,
            };
            let running = kept.unwrap_or_else(|| {
                let (until, ends) = watch::channel(Timestamp::MAX);
                let series = Series::new(plan, Arc::clone(&database), schedule.clone(), from, ends);
                tasks.spawn(series.run(Arc::clone(shared), tasks.clone()));
                Running { database, schedule, until }
            });
            self.running.insert(name, running);
        }
        before.into_values().for_each(|gone| gone.end(from));
    }

    /// Serves no slot from `at` on.
    pub(super) fn end(&mut self, at: Timestamp) {
        std::mem::take(&mut self.running).into_values().for_each(|running| running.end(at));
    }
}

impl Running {
    fn end(self, at: Timestamp) {
        self.until.send_replace(at);
    }
}
