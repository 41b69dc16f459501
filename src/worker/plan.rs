//! What a worker does: flows, limits and the prober that runs them. A reload replaces it whole.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use url::Url;

use super::{Control, Sessions};
use crate::model::{
    Action, Database, DatabaseSchedule, Flow, FlowDeclaration, RunKind, Schedule, ScheduleDeclaration, Template,
    Vantage, VantageName, Variables, WorkerLimits,
};

/// What a worker does.
pub struct Plan<P> {
    /// The vantage that the worker stands at.
    pub vantage: Vantage,
    /// All vantages in their configured order.
    pub vantages: Vec<VantageName>,
    /// The flows.
    pub flows: Vec<Arc<Flow>>,
    /// The databases whose servers are asked.
    pub databases: Vec<Arc<Database>>,
    /// Makes the sessions with them.
    pub sessions: Arc<dyn Sessions>,
    /// What the worker may take and do.
    pub limits: WorkerLimits,
    /// Makes the runs.
    pub prober: Arc<P>,
    /// Tells a broken local network from a broken service.
    pub control: Option<Arc<Control>>,
}

impl<P> fmt::Debug for Plan<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plan").field("vantage", &self.vantage).field("limits", &self.limits).finish_non_exhaustive()
    }
}

impl<P> Plan<P> {
    /// One schedule per flow, and one more per flow that has a wrong-password login.
    #[must_use]
    pub fn schedules(&self) -> Vec<(Arc<Flow>, Schedule)> {
        let mut all = Vec::new();
        for flow in &self.flows {
            let negative = flow.negative.as_ref().map(|negative| (RunKind::WrongPassword, negative.interval));
            for (kind, interval) in std::iter::once((RunKind::Login, flow.interval)).chain(negative) {
                let schedule = Schedule { flow: flow.name.clone(), kind, interval, vantages: self.vantages.clone() };
                all.push((Arc::clone(flow), schedule));
            }
        }
        all
    }

    /// One schedule for each server of each database.
    #[must_use]
    pub fn database_schedules(&self) -> Vec<(Arc<Database>, DatabaseSchedule)> {
        let mut all = Vec::new();
        for database in &self.databases {
            for server in &database.servers {
                let schedule = DatabaseSchedule {
                    database: database.name.clone(),
                    server: server.name.clone(),
                    interval: database.interval,
                    vantages: self.vantages.clone(),
                };
                all.push((Arc::clone(database), schedule));
            }
        }
        all
    }

    /// What the worker declares when the plan takes effect.
    #[must_use]
    pub fn declaration(&self, from: Timestamp) -> ScheduleDeclaration {
        let flows = self
            .schedules()
            .into_iter()
            .map(|(flow, schedule)| FlowDeclaration { schedule, revision: flow.revision.clone() })
            .collect();
        ScheduleDeclaration {
            vantage: self.vantage.name.clone(),
            labels: self.vantage.labels.clone(),
            from,
            flows,
            databases: self.database_schedules().into_iter().map(|(_, schedule)| schedule).collect(),
        }
    }
}

/// What permits and rates are counted by: scheme, host and port of the flow's first request. A flow whose first address
/// is not known before the run is a target of its own.
pub(super) fn target(flow: &Flow) -> String {
    let mut variables = Variables::default();
    for (name, value) in &flow.variables {
        variables.set(name, value);
    }
    flow.steps
        .first()
        .and_then(|step| first_address(&step.action))
        .and_then(|address| address.fill(&variables).ok())
        .and_then(|text| Url::parse(&text).ok())
        .map(|url| url.origin())
        .filter(url::Origin::is_tuple)
        .map_or_else(|| format!("flow {}", flow.name), |origin| origin.ascii_serialization())
}

/// How many slots may come due within any minute, by target: what extra probes must leave room for.
pub(super) fn slots_per_minute(flows: &[Arc<Flow>]) -> HashMap<String, u32> {
    let mut busy: HashMap<String, u32> = HashMap::new();
    for flow in flows {
        let negative = flow.negative.as_ref().map(|negative| negative.interval);
        for interval in std::iter::once(flow.interval).chain(negative) {
            // Jitter may push one more slot into a minute.
            let slots = (60.0 / interval.as_secs_f64()).ceil() as u32;
            let count = busy.entry(target(flow)).or_default();
            *count = count.saturating_add(slots.saturating_add(1));
        }
    }
    busy
}

fn first_address(action: &Action) -> Option<&Template> {
    match action {
        Action::Open(page) | Action::Request { page, .. } => Some(&page.url),
        Action::Submit(_) => None,
        Action::Logout(logout) => logout.actions.first().and_then(first_address),
    }
}
