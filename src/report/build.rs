//! Runs into a [`ReportModel`]: a pure fold in one pass, in any order of runs.
//!
//! Memory grows with the slots of the period (some sixty bytes each), not with hops or pages: histograms and bins take
//! the rest. Every slot counts once: runs with the same identity collapse, and the policy says which attempt of a slot
//! counts. A slot that was due and has no run is missing; it is never counted as good.

mod failures;
mod head;
mod latency;
mod negative;
mod objective;
mod outages;
mod timeline;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::history::{self, Expected, History, Outcome, Series, Span, effective};
use crate::model::{FlowName, Objective, Policy, Population, Revision, Run, RunKind, ScheduleDeclaration, VantageName};
use crate::slo::{Interval, Period, wilson};

use super::model::{
    Counts, FlowLatency, FlowReport, FlowSeries, FlowVantage, ReportModel, SCHEMA_VERSION, VantageLatency,
};
use failures::Messages;
use latency::{LoginTimes, PartTimes};
use timeline::StepCells;

/// What a report is made of, beside the runs.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    /// The site's or service's name.
    pub site: &'a str,
    /// The span of all tables and charts: it must hold every objective's period.
    pub period: &'a Period,
    /// Slots are due until here. For a period that has ended this is its end or later; for a running one, a little
    /// before the present, so that runs under way are not taken for missing.
    pub until: Timestamp,
    /// The objectives, each with the period in its own zone.
    pub objectives: &'a [(Objective, Period)],
    /// What workers declared, the declarations in force at the period's start included; in any order.
    pub declarations: &'a [ScheduleDeclaration],
    /// Who the users are.
    pub population: &'a Population,
    /// The rules.
    pub policy: &'a Policy,
    /// The program and version, and the command that makes the report again.
    pub generated_from: &'a str,
}

/// The fold: [`Builder::add`] every run, then [`Builder::finish`].
pub struct Builder<'a> {
    inputs: Inputs<'a>,
    history: History,
    messages: BTreeMap<(FlowName, RunKind), Messages>,
    parts: BTreeMap<FlowName, PartTimes>,
    cells: BTreeMap<(FlowName, VantageName), StepCells>,
    revisions: BTreeMap<FlowName, BTreeMap<Revision, Timestamp>>,
    runs: u64,
    data_revision: String,
}

impl<'a> Builder<'a> {
    /// An empty report over these inputs.
    #[must_use]
    pub fn new(inputs: Inputs<'a>) -> Self {
        Self {
            inputs,
            history: History::new(inputs.declarations, inputs.period),
            messages: BTreeMap::new(),
            parts: BTreeMap::new(),
            cells: BTreeMap::new(),
            revisions: BTreeMap::new(),
            runs: 0,
            data_revision: String::new(),
        }
    }

    /// Counts one run. A run whose slot lies outside of the period, and one that was counted before, change nothing.
    pub fn add(&mut self, run: &Run) {
        if !self.history.record(run, run.login_time()) {
            return;
        }
        self.runs += 1;
        self.messages.entry((run.flow.clone(), run.kind)).or_default().note(run);
        if run.kind == RunKind::Login {
            let first = self.revisions.entry(run.flow.clone()).or_default();
            let started = first.entry(run.revision.clone()).or_insert(run.started);
            *started = run.started.min(*started);
            self.measure(run);
        }
    }

    /// Steps and phases, of scheduled attempts that say something about the service.
    fn measure(&mut self, run: &Run) {
        if run.attempt > 0 || run.verdict.as_str() == "lost" {
            return;
        }
        self.parts.entry(run.flow.clone()).or_default().add(run);
        let bins = timeline::bins(self.inputs.period, self.interval(&run.flow));
        let cells = self.cells.entry((run.flow.clone(), run.vantage.clone())).or_default();
        cells.add(run, &bins);
    }

    /// The interval of a flow, as last declared.
    fn interval(&self, flow: &FlowName) -> Option<Duration> {
        self.history.interval(flow)
    }

    /// The report, with the revision of the data that it was made from.
    #[must_use]
    pub fn finish(mut self, data_revision: &str) -> ReportModel {
        data_revision.clone_into(&mut self.data_revision);
        let outcomes: BTreeMap<Series, Vec<Outcome>> = self
            .history
            .ledgers()
            .map(|(series, ledger)| (series.clone(), ledger.outcomes(series.kind, self.inputs.policy.retries)))
            .collect();
        let data = Data { builder: &self, outcomes: &outcomes };
        let names: BTreeSet<&FlowName> =
            outcomes.keys().filter(|series| series.kind == RunKind::Login).map(|series| &series.flow).collect();
        ReportModel {
            schema_version: SCHEMA_VERSION,
            head: head::head(&data),
            alarms: negative::alarms(&data),
            objectives: self
                .inputs
                .objectives
                .iter()
                .map(|(objective, period)| objective::report(&data, objective, period))
                .collect(),
            negatives: negative::reports(&data),
            flows: names.into_iter().map(|flow| data.flow(flow)).collect(),
        }
    }
}

/// Everything that was read, while the report is made of it.
struct Data<'a> {
    builder: &'a Builder<'a>,
    outcomes: &'a BTreeMap<Series, Vec<Outcome>>,
}

impl Data<'_> {
    fn inputs(&self) -> &Inputs<'_> {
        &self.builder.inputs
    }

    fn confidence(&self) -> f64 {
        self.builder.inputs.policy.confidence
    }

    /// All series of a flow and kind with their outcomes, by vantage.
    fn series<'s>(&'s self, flow: &'s FlowName, kind: RunKind) -> impl Iterator<Item = (&'s Series, &'s [Outcome])> {
        let wanted = move |series: &&Series| series.flow == *flow && series.kind == kind;
        self.outcomes.iter().map(|(series, outcomes)| (series, outcomes.as_slice())).filter(move |(s, _)| wanted(s))
    }

    fn expected(&self, series: &Series) -> Option<&Expected> {
        self.builder.history.expected(series)
    }

    /// The whole report's span, and until when slots are due.
    fn span(&self) -> Span {
        Span::new(self.inputs().period, self.inputs().until)
    }

    /// Availability by plain verdict, with its interval.
    fn availability(&self, counts: &Counts) -> (Option<f64>, Option<Interval>) {
        let tally = effective(counts, self.inputs().policy.lost_runs);
        (tally.share(), wilson(tally.total(), tally.good, self.confidence()))
    }

    fn flow(&self, flow: &FlowName) -> FlowReport {
        let counted: Vec<(&VantageName, Counts)> = self
            .series(flow, RunKind::Login)
            .map(|(series, outcomes)| {
                (&series.vantage, history::count(outcomes, self.expected(series), self.span(), history::by_verdict))
            })
            .collect();
        let counts = history::sum(counted.iter().map(|(_, counts)| *counts));
        let (availability, availability_interval) = self.availability(&counts);
        let revisions = self.builder.revisions.get(flow);
        let mut revisions: Vec<_> = revisions.into_iter().flatten().map(|(name, first)| (*first, name)).collect();
        revisions.sort();
        FlowReport {
            name: flow.clone(),
            revisions: revisions.into_iter().map(|(_, revision)| revision.clone()).collect(),
            interval: self.builder.interval(flow).map(Into::into),
            counts,
            availability,
            availability_interval,
            vantages: counted.iter().map(|(vantage, counts)| self.vantage(flow, vantage, *counts)).collect(),
            longest_gap: outages::longest_gap(self.series(flow, RunKind::Login).map(|(_, o)| o), self.span()),
            latency: self.latency(flow),
            failures: failures::rows(self, flow, RunKind::Login),
            series: self.charts(flow),
        }
    }

    fn vantage(&self, flow: &FlowName, vantage: &VantageName, counts: Counts) -> FlowVantage {
        let series = Series { flow: flow.clone(), kind: RunKind::Login, vantage: vantage.clone() };
        let outcomes = self.outcomes.get(&series).map_or(&[][..], Vec::as_slice);
        let (availability, interval) = self.availability(&counts);
        let downtime = outages::downtime(outcomes, self.expected(&series), self.span());
        FlowVantage { vantage: vantage.clone(), counts, availability, interval, downtime }
    }

    fn latency(&self, flow: &FlowName) -> FlowLatency {
        let mut login = LoginTimes::default();
        let mut vantages = Vec::new();
        for (series, outcomes) in self.series(flow, RunKind::Login) {
            let here = LoginTimes::of(outcomes);
            login.merge(&here);
            let login = here.distribution(self.confidence());
            vantages.push(VantageLatency { vantage: series.vantage.clone(), login });
        }
        let (steps, phases) =
            self.builder.parts.get(flow).map(|parts| parts.tables(self.confidence())).unwrap_or_default();
        FlowLatency { login: login.distribution(self.confidence()), vantages, steps, phases }
    }

    fn charts(&self, flow: &FlowName) -> FlowSeries {
        let bins = timeline::bins(self.inputs().period, self.builder.interval(flow));
        let thresholds = self.inputs().objectives.iter().filter(|(objective, _)| objective.flow == *flow);
        let threshold = thresholds.filter_map(|(objective, _)| Some(objective.threshold?.at_most)).min();
        let mut rows = Vec::new();
        for (series, outcomes) in self.series(flow, RunKind::Login) {
            rows.push(timeline::login_row(&series.vantage, outcomes, &bins, threshold));
            let cells = self.builder.cells.get(&(flow.clone(), series.vantage.clone()));
            rows.extend(cells.into_iter().flat_map(|cells| cells.rows(&series.vantage)));
        }
        let logins: Vec<&Outcome> = self.series(flow, RunKind::Login).flat_map(|(_, outcomes)| outcomes).collect();
        FlowSeries {
            bins,
            timeline: rows,
            slow_rule: timeline::slow_rule(threshold),
            latency: latency::over_time(&logins, &bins),
            heat_map: latency::heat_map(&logins, &bins),
        }
    }
}
