//! Runs into a [`ReportModel`]: a pure fold in one pass, in any order of runs.
//!
//! Memory grows with the slots of the period (some forty bytes each), not with hops or pages: histograms and bins take
//! the rest. Every slot counts once: runs with the same identity collapse, and the policy says which attempt of a slot
//! counts. A slot that was due and has no run is missing; it is never counted as good.

mod adjusted;
mod clauses;
mod context;
mod failures;
mod head;
mod incidents;
mod latency;
mod negative;
mod objective;
mod outages;
mod parallel;
mod places;
mod sight;
mod standing;
mod timeline;
mod users;
mod verdict;
mod weekly;
mod windows;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::history::{self, Expected, History, Ledger, Outcome, Parts, Series, Span, effective, login_durations};
use crate::model::{
    Exclusion, FlowName, Objective, Policy, Population, Revision, Run, RunKind, ScheduleDeclaration, VantageName,
};
use crate::slo::{Durations, Interval, Period, wilson};

use super::model::{
    Bins, Counts, FlowLatency, FlowReport, FlowSeries, FlowVantage, NegativeReport, ObjectiveReport, ReportModel,
    SCHEMA_VERSION, SlotRow, VantageLatency,
};
pub use context::{Context, PastPeriod};
pub use windows::worst_windows;

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
    /// Runs that count otherwise than measured: shown adjusted, beside the raw figures.
    pub exclusions: &'a [Exclusion],
    /// The program and version, and the command that makes the report again.
    pub generated_from: &'a str,
    /// What is known beside the runs.
    pub context: &'a Context,
}

/// The fold: [`Builder::add`] every run, or add what was folded before, then [`Builder::finish`].
pub struct Builder<'a> {
    inputs: Inputs<'a>,
    history: History,
    parts: BTreeMap<Series, Parts>,
    runs: u64,
    data_revision: String,
}

impl<'a> Builder<'a> {
    /// An empty report over these inputs.
    #[must_use]
    pub fn new(inputs: Inputs<'a>) -> Self {
        let history = History::new(inputs.declarations, inputs.period);
        Self { inputs, history, parts: BTreeMap::new(), runs: 0, data_revision: String::new() }
    }

    /// Counts one run. A run whose slot lies outside of the period, and one that was counted before, change nothing.
    pub fn add(&mut self, run: &Run) {
        if !self.history.record(run, run.login_time()) {
            return;
        }
        self.runs += 1;
        self.note(run);
    }

    /// Counts what a run says beside its outcome, for an outcome that comes through [`Builder::add_outcomes`].
    pub fn note(&mut self, run: &Run) {
        let bins = self.bins(&run.flow);
        let cell = bins.index_of(run.slot).and_then(|bin| u32::try_from(bin).ok());
        let cell = cell.map_or(run.slot, |bin| bins.start_of(bin));
        self.parts.entry(Series::of(run)).or_default().add(run, cell);
    }

    /// Counts the outcomes of one series, all of the period.
    pub fn add_outcomes(&mut self, series: &Series, runs: &Ledger) {
        self.runs += self.history.append(series, runs);
    }

    /// Adds what runs of one series said beside their outcomes. No cell of theirs may lie in two of
    /// [`Builder::bins`].
    pub fn add_parts(&mut self, series: &Series, parts: &Parts) {
        let bins = self.bins(&series.flow);
        let cell_of = |start| bins.index_of(start).and_then(|bin| Some(bins.start_of(u32::try_from(bin).ok()?)));
        self.parts.entry(series.clone()).or_default().merge(parts, cell_of);
    }

    /// The time axis of a flow's charts.
    #[must_use]
    pub fn bins(&self, flow: &FlowName) -> Bins {
        timeline::bins(self.inputs.period, self.interval(flow))
    }

    /// The time axes of all flows that are declared, and that of a flow that is not.
    pub fn axes(&self) -> impl Iterator<Item = Bins> + '_ {
        let declared = self.history.ledgers().map(|(series, _)| self.bins(&series.flow));
        declared.chain([timeline::bins(self.inputs.period, None)])
    }

    /// The flows that are declared or recorded.
    fn flows(&self) -> BTreeSet<FlowName> {
        self.history.ledgers().map(|(series, _)| series.flow.clone()).collect()
    }

    /// The interval of a flow, as last declared.
    fn interval(&self, flow: &FlowName) -> Option<Duration> {
        self.history.interval(flow)
    }

    /// The report, with the revision of the data that it was made from.
    ///
    /// One flow after the other, each on all cores: the outcomes of all of them at once would be most of the memory.
    #[must_use]
    pub fn finish(mut self, data_revision: &str) -> ReportModel {
        data_revision.clone_into(&mut self.data_revision);
        let flows: Vec<FlowName> = self.flows().into_iter().collect();
        let mut slots = Vec::new();
        let (mut objectives, mut negatives, mut reports) = (BTreeMap::new(), Vec::new(), Vec::new());
        let mut beyond = Vec::new();
        for flow in &flows {
            let answer = Data::of(&self, flow).answer(flow);
            slots.extend(answer.slots);
            objectives.extend(answer.objectives);
            negatives.extend(answer.negative);
            reports.extend(answer.report);
            beyond.push(answer.beyond);
        }
        // An objective of a flow that nobody declared or ran is told all the same.
        for (place, (objective, _)) in self.inputs.objectives.iter().enumerate() {
            if !objectives.contains_key(&place) {
                objectives.extend(Data::of(&self, &objective.flow).answer(&objective.flow).objectives);
            }
        }
        let mut model = ReportModel {
            schema_version: SCHEMA_VERSION,
            head: head::head(&self, slots),
            alarms: negative::alarms(&self.history),
            objectives: objectives.into_values().collect(),
            negatives,
            flows: reports,
            incidents: Vec::new(),
            databases: Vec::new(),
            audits: Vec::new(),
            detection: None,
            places: Vec::new(),
            sight: Vec::new(),
            events: Vec::new(),
            baselines: Vec::new(),
        };
        weekly::assemble(&self.inputs, beyond, &mut model);
        model
    }
}

/// What a report says of one flow.
struct Answer {
    slots: Vec<SlotRow>,
    /// By their place in the configuration.
    objectives: BTreeMap<usize, ObjectiveReport>,
    negative: Option<NegativeReport>,
    /// `None` for a flow without normal logins.
    report: Option<FlowReport>,
    beyond: weekly::Beyond,
}

/// Everything that was read of one flow, while the report is made of it.
struct Data<'a> {
    builder: &'a Builder<'a>,
    outcomes: BTreeMap<Series, Vec<Outcome>>,
}

impl<'a> Data<'a> {
    fn of(builder: &'a Builder<'a>, flow: &FlowName) -> Self {
        let retries = builder.inputs.policy.retries;
        let ledgers: Vec<_> = builder.history.ledgers().filter(|(series, _)| series.flow == *flow).collect();
        let outcomes =
            |(series, ledger): &(&Series, &Ledger)| ((*series).clone(), ledger.outcomes(series.kind, retries));
        Self { builder, outcomes: parallel::each(&ledgers, outcomes).into_iter().collect() }
    }

    fn answer(&self, flow: &FlowName) -> Answer {
        let promised = || {
            let all = self.inputs().objectives.iter().enumerate();
            let objectives = all.filter(|(_, (objective, _))| objective.flow == *flow);
            let mut objectives: BTreeMap<usize, ObjectiveReport> = objectives
                .map(|(place, (objective, period))| (place, objective::report(self, objective, period)))
                .collect();
            let beyond = weekly::of_flow(self, flow, objectives.values_mut());
            (objectives, beyond, head::slots(self), negative::report(self, flow))
        };
        let measured = || self.series(flow, RunKind::Login).next().is_some().then(|| self.flow(flow));
        let (report, (objectives, beyond, slots, negative)) = parallel::both(measured, promised);
        Answer { slots, objectives, beyond, negative, report }
    }

    /// What the normal logins of a flow say beside their outcomes, by vantage.
    fn parts<'s>(&'s self, flow: &'s FlowName) -> impl Iterator<Item = &'s Parts> {
        self.series(flow, RunKind::Login).filter_map(|(series, _)| self.builder.parts.get(series))
    }

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
        let mut first: BTreeMap<&Revision, Timestamp> = BTreeMap::new();
        for (revision, started) in self.parts(flow).flat_map(|parts| &parts.revisions) {
            let known = first.entry(revision).or_insert(*started);
            *known = (*started).min(*known);
        }
        let mut revisions: Vec<_> = first.into_iter().map(|(name, first)| (first, name)).collect();
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
        let mut login = Durations::default();
        let mut vantages = Vec::new();
        for (series, outcomes) in self.series(flow, RunKind::Login) {
            let here = login_durations(outcomes);
            login.merge(&here);
            let login = latency::distribution(&here, self.confidence());
            vantages.push(VantageLatency { vantage: series.vantage.clone(), login });
        }
        let (steps, phases) = latency::tables(self.parts(flow), self.confidence());
        FlowLatency { login: latency::distribution(&login, self.confidence()), vantages, steps, phases }
    }

    fn charts(&self, flow: &FlowName) -> FlowSeries {
        let bins = self.builder.bins(flow);
        let thresholds = self.inputs().objectives.iter().filter(|(objective, _)| objective.flow == *flow);
        let threshold = thresholds.filter_map(|(objective, _)| Some(objective.threshold?.at_most)).min();
        let mut rows = Vec::new();
        for (series, outcomes) in self.series(flow, RunKind::Login) {
            let due = timeline::due(self.expected(series), &bins, self.inputs().until);
            rows.push(timeline::login_row(&series.vantage, outcomes, &bins, &due, threshold));
            let parts = self.builder.parts.get(series);
            rows.extend(parts.into_iter().flat_map(|parts| timeline::step_rows(&series.vantage, parts, &bins, &due)));
        }
        let all = || self.series(flow, RunKind::Login).map(|(_, outcomes)| outcomes);
        let mut logins: Vec<&Outcome> = Vec::with_capacity(all().map(<[_]>::len).sum());
        logins.extend(all().flatten());
        FlowSeries {
            bins,
            timeline: rows,
            slow_rule: timeline::slow_rule(threshold),
            latency: latency::over_time(&logins, &bins),
            heat_map: latency::heat_map(&logins, &bins),
        }
    }
}
