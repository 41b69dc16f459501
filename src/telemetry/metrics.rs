//! The worker's own metrics. Every label value comes from the configuration or from a fixed list of words, so the number
//! of series is bounded by the configuration; series of flows that a reload removed are dropped.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::exposition::{Definition, Exposition, Kind, Sample, Value};
use super::histogram::Histogram;
use crate::model::{
    self, Answer, BadClass, Blame, DatabaseName, FlowName, Micros, Rule, Run, RunKind, ServerName, Severity, StepRole,
    Unknown, VantageName, Verdict,
};

/// Declares all families, in the order in which they are told.
macro_rules! families {
    ($($id:ident $kind:ident $name:literal [$($label:literal),*] $help:literal;)+) => {
        $(static $id: Definition = Definition { name: $name, help: $help, kind: Kind::$kind, labels: &[$($label),*] };)+
        static ALL: &[&Definition] = &[$(&$id),+];
    };
}

families! {
    BUILD Gauge "doorstep_build_info" ["version"] "Always 1.";
    DUE Counter "doorstep_slots_due_total" ["flow", "vantage", "kind"] "Slots that came due.";
    SKIPPED Counter "doorstep_slots_skipped_total" ["vantage"] "Slots that passed in a long gap and were not recorded one by one.";
    RUNS Counter "doorstep_runs_total" ["flow", "vantage", "kind", "verdict", "class"] "Runs recorded for slots; extra probes are counted apart, so that an outage weighs no more than its time.";
    LOGINS Counter "doorstep_logins_total" ["flow", "vantage", "verdict"] "Scheduled logins by verdict, each from zero at the start, for rates; doorstep_runs_total has their classes.";
    EXTRA Counter "doorstep_extra_probes_total" ["flow", "vantage", "verdict", "class"] "Extra probes after failed logins.";
    DECLINED Counter "doorstep_extra_probes_declined_total" ["flow", "vantage", "reason"] "Extra probes that were due and not made: no_room beside the slots, hourly_cap, no_budget.";
    NOT_RECORDED Counter "doorstep_runs_not_recorded_total" ["vantage"] "Runs that could not be recorded and are gone.";
    IN_FLIGHT Gauge "doorstep_runs_in_flight" ["vantage"] "Runs under way.";
    LOGIN Histogram "doorstep_login_duration_seconds" ["flow", "vantage", "verdict"] "Time that a user waited for the network and the service, from the first step to the proof of identity; of failed logins: until they failed.";
    PHASE Histogram "doorstep_phase_duration_seconds" ["flow", "step", "phase", "verdict", "class"] "Time of one phase of one HTTP exchange; a phase that was cut off took at least this long.";
    LAG Histogram "doorstep_worker_lag_seconds" ["vantage"] "The longest time during a run for which the worker itself did not get to run.";
    LATENESS Histogram "doorstep_run_lateness_seconds" ["vantage"] "How late runs began after their slot.";
    SPOOL Gauge "doorstep_spool_runs" ["vantage"] "Runs that are recorded and have not reached the store.";
    SPOOL_SAMPLES Gauge "doorstep_spool_samples" ["vantage"] "Samples of databases that are recorded and have not reached the store.";
    SAMPLES_NOT_RECORDED Counter "doorstep_database_samples_not_recorded_total" ["vantage"] "Samples of databases that could not be recorded and are gone.";
    RULE Gauge "doorstep_database_rule" ["database", "server", "vantage", "rule", "severity"] "1 while a rule of the sentinel holds on a server with this severity, else 0.";
    UP Gauge "doorstep_database_up" ["database", "server", "vantage"] "1 when the server answered with facts when it was last asked, 0 when nothing is known of it.";
    SAMPLES Counter "doorstep_database_samples_total" ["database", "server", "vantage", "outcome"] "Samples by outcome: facts, or why nothing is known.";
    ANSWERED Gauge "doorstep_database_last_answer_timestamp_seconds" ["database", "server", "vantage"] "When the server was last asked and answered with facts, in seconds since 1970; time() less this is the age of what is known.";
    ASK Histogram "doorstep_database_ask_duration_seconds" ["database", "server", "vantage"] "Time from asking to facts, connecting included where a connection had to be made.";
    RELOADS Counter "doorstep_config_reloads_total" ["vantage"] "Changed configurations that took over.";
    RELOAD_FAILURES Counter "doorstep_config_reload_failures_total" ["vantage"] "Changed configurations that were refused.";
}

type Series = BTreeMap<Vec<String>, Value>;

/// Counts what one worker does.
#[derive(Debug)]
pub struct Metrics {
    vantage: VantageName,
    families: Mutex<BTreeMap<&'static str, Series>>,
}

impl Metrics {
    /// Metrics of the worker at this vantage, all zero.
    #[must_use]
    pub fn new(vantage: VantageName) -> Self {
        let metrics = Self { vantage, families: Mutex::default() };
        metrics.set(&BUILD, &[env!("CARGO_PKG_VERSION")], 1.0);
        let vantage = metrics.vantage.as_str();
        // Counters that begin with their first event hide that event from a rate.
        for zero in [
            &SKIPPED,
            &NOT_RECORDED,
            &IN_FLIGHT,
            &SPOOL,
            &SPOOL_SAMPLES,
            &SAMPLES_NOT_RECORDED,
            &RELOADS,
            &RELOAD_FAILURES,
        ] {
            metrics.add(zero, &[vantage], 0.0);
        }
        metrics
    }

    /// A slot came due.
    pub fn slot_due(&self, flow: &FlowName, kind: RunKind) {
        self.add(&DUE, &[flow.as_str(), self.vantage.as_str(), kind.as_str()], 1.0);
    }

    /// An extra probe was due and is not made.
    pub fn extra_declined(&self, flow: &FlowName, reason: &str) {
        self.add(&DECLINED, &[flow.as_str(), self.vantage.as_str(), reason], 1.0);
    }

    /// Slots passed in a long gap.
    pub fn slots_skipped(&self, count: u64) {
        self.add(&SKIPPED, &[self.vantage.as_str()], count as f64);
    }

    /// A run began.
    pub fn run_began(&self) {
        self.add(&IN_FLIGHT, &[self.vantage.as_str()], 1.0);
    }

    /// A run that began has ended.
    pub fn run_ended(&self) {
        self.add(&IN_FLIGHT, &[self.vantage.as_str()], -1.0);
    }

    /// A run was recorded.
    pub fn recorded(&self, run: &Run) {
        let (flow, vantage) = (run.flow.as_str(), self.vantage.as_str());
        let (verdict, class) = (run.verdict.as_str(), run.verdict.class().unwrap_or_default());
        self.add(&SPOOL, &[vantage], 1.0);
        // A histogram of scheduled runs alone says what a user meets at a random time.
        if run.attempt > 0 {
            return self.add(&EXTRA, &[flow, vantage, verdict, class], 1.0);
        }
        self.add(&RUNS, &[flow, vantage, run.kind.as_str(), verdict, class], 1.0);
        if run.kind == RunKind::Login {
            self.add(&LOGINS, &[flow, vantage, verdict], 1.0);
        }
        // A run that never began has no elapsed time, and nothing to measure.
        if run.elapsed > Micros(0) {
            self.observe(&LAG, &[vantage], run.lag);
            self.observe(&LATENESS, &[vantage], run.lateness());
        }
        if let (RunKind::Login, Some(time)) = (run.kind, run.login_time()) {
            self.observe(&LOGIN, &[flow, vantage, verdict], time);
        }
        for hop in &run.hops {
            let Some(step) = run.steps.get(usize::from(hop.step)) else { continue };
            // A run fails in one step: the steps before it were as good as in a good run. What we spoilt ourselves is
            // spoilt as a whole.
            let fine = step.done && !matches!(run.verdict, Verdict::Lost(_));
            let (verdict, class) = if fine { ("good", "") } else { (verdict, class) };
            let step = if step.role == StepRole::Logout { "logout" } else { step.name.as_str() };
            for (phase, time) in hop.phases.iter() {
                self.observe(&PHASE, &[flow, step, phase.as_str(), verdict, class], time.micros);
            }
        }
    }

    /// A run could not be recorded.
    pub fn not_recorded(&self) {
        self.add(&NOT_RECORDED, &[self.vantage.as_str()], 1.0);
    }

    /// An earlier process left runs in the spool.
    pub fn waiting(&self, runs: u64) {
        self.add(&SPOOL, &[self.vantage.as_str()], runs as f64);
    }

    /// Runs have reached the store.
    pub fn shipped(&self, runs: u64) {
        self.add(&SPOOL, &[self.vantage.as_str()], -(runs as f64));
    }

    /// A sample was recorded, or not.
    pub fn sample_recorded(&self, recorded: bool) {
        let family = if recorded { &SPOOL_SAMPLES } else { &SAMPLES_NOT_RECORDED };
        self.add(family, &[self.vantage.as_str()], 1.0);
    }

    /// An earlier process left samples in the spool.
    pub fn samples_waiting(&self, samples: u64) {
        self.add(&SPOOL_SAMPLES, &[self.vantage.as_str()], samples as f64);
    }

    /// Samples have reached the store.
    pub fn samples_shipped(&self, samples: u64) {
        self.add(&SPOOL_SAMPLES, &[self.vantage.as_str()], -(samples as f64));
    }

    /// A server was asked.
    pub fn asked(&self, sample: &model::Sample) {
        let labels = [sample.database.as_str(), sample.server.as_str(), self.vantage.as_str()];
        let outcome = match &sample.answer {
            Answer::Facts(_) => "facts",
            Answer::Unknown { why, .. } => why.as_str(),
        };
        let [database, server, vantage] = labels;
        self.add(&SAMPLES, &[database, server, vantage, outcome], 1.0);
        let known = matches!(sample.answer, Answer::Facts(_));
        self.set(&UP, &labels, f64::from(u8::from(known)));
        if known {
            self.set(&ANSWERED, &labels, sample.started.as_microsecond() as f64 / 1e6);
            self.observe(&ASK, &labels, sample.elapsed);
        }
    }

    /// Which rules hold on the servers of a database, with their severities; all others do not.
    pub fn rules(&self, database: &DatabaseName, holding: &BTreeSet<(ServerName, Rule, Severity)>) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let series = families.entry(RULE.name).or_default();
        for (_, value) in series.iter_mut().filter(|(labels, _)| labels[0] == database.as_str()) {
            *value = Value::Number(0.0);
        }
        for (server, rule, severity) in holding {
            let labels = [database.as_str(), server.as_str(), self.vantage.as_str(), rule.as_str(), severity.as_str()];
            series.insert(labels.map(str::to_owned).to_vec(), Value::Number(1.0));
        }
    }

    /// Begins what is told of these servers at zero, and drops the series of servers that are not asked any more. With
    /// each server the rules that can hold there.
    pub fn begin_servers(&self, servers: &BTreeMap<(DatabaseName, ServerName), Vec<(Rule, Severity)>>) {
        let vantage = self.vantage.as_str();
        self.keep("database", |labels| {
            servers.keys().any(|(database, server)| database.as_str() == labels[0] && server.as_str() == labels[1])
        });
        for ((database, server), rules) in servers {
            let (database, server) = (database.as_str(), server.as_str());
            for outcome in std::iter::once("facts").chain(Unknown::ALL.iter().map(|why| why.as_str())) {
                self.add(&SAMPLES, &[database, server, vantage, outcome], 0.0);
            }
            for (rule, severity) in rules {
                self.add(&RULE, &[database, server, vantage, rule.as_str(), severity.as_str()], 0.0);
            }
        }
    }

    /// A changed configuration took over, or was refused.
    pub fn reloaded(&self, taken: bool) {
        let family = if taken { &RELOADS } else { &RELOAD_FAILURES };
        self.add(family, &[self.vantage.as_str()], 1.0);
    }

    /// Begins what is counted of these flows at zero: a counter whose first value is 1 hides that event from every
    /// rate, and the first failure is the one that matters.
    pub fn begin_flows(&self, flows: &BTreeSet<FlowName>) {
        let vantage = self.vantage.as_str();
        for flow in flows.iter().map(FlowName::as_str) {
            for verdict in ["good", "bad", "lost"] {
                self.add(&LOGINS, &[flow, vantage, verdict], 0.0);
            }
            for class in BadClass::ALL.iter().filter(|class| class.blame() == Blame::Security) {
                for kind in RunKind::ALL {
                    self.add(&RUNS, &[flow, vantage, kind.as_str(), "bad", class.as_str()], 0.0);
                }
            }
            self.change(&LOGIN, &[flow, vantage, "good"], |_| {});
        }
    }

    /// Drops the series of all other flows.
    pub fn keep_flows(&self, flows: &BTreeSet<FlowName>) {
        self.keep("flow", |labels| flows.iter().any(|flow| flow.as_str() == labels[0]));
    }

    /// Drops the series, of the families whose first label this is, that are not wanted.
    fn keep(&self, label: &str, wanted: impl Fn(&[String]) -> bool) {
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        for definition in ALL.iter().filter(|definition| definition.labels.first() == Some(&label)) {
            if let Some(series) = families.get_mut(definition.name) {
                series.retain(|labels, _| wanted(labels));
            }
        }
    }

    /// All metrics now.
    #[must_use]
    pub fn exposition(&self) -> Exposition {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let samples = |definition: &&'static Definition| {
            let series = families.get(definition.name)?;
            let sample =
                |(labels, value): (&Vec<String>, &Value)| Sample { labels: labels.clone(), value: value.clone() };
            Some((*definition, series.iter().map(sample).collect()))
        };
        Exposition { families: ALL.iter().filter_map(samples).collect() }
    }

    fn observe(&self, family: &'static Definition, labels: &[&str], time: Micros) {
        let seconds = Duration::from(time).as_secs_f64();
        self.change(family, labels, |value| {
            if let Value::Histogram(histogram) = value {
                histogram.observe(seconds);
            }
        });
    }

    fn add(&self, family: &'static Definition, labels: &[&str], amount: f64) {
        self.change(family, labels, |value| {
            if let Value::Number(number) = value {
                *number += amount;
            }
        });
    }

    fn set(&self, family: &'static Definition, labels: &[&str], amount: f64) {
        self.change(family, labels, |value| *value = Value::Number(amount));
    }

    fn change(&self, family: &'static Definition, labels: &[&str], change: impl FnOnce(&mut Value)) {
        debug_assert_eq!(labels.len(), family.labels.len(), "{}", family.name);
        let mut families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        let labels = labels.iter().map(|&label| label.to_owned()).collect();
        let value = families.entry(family.name).or_default().entry(labels).or_insert_with(|| match family.kind {
            Kind::Histogram => Value::Histogram(Box::<Histogram>::default()),
            Kind::Counter | Kind::Gauge => Value::Number(0.0),
        });
        change(value);
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Hop, LostClass, Phase, Phases, Revision, StepName, StepRecord};
    use crate::telemetry::Format;

    fn run(verdict: Verdict) -> Run {
        let slot: Timestamp = "2026-11-23T10:00:00Z".parse().unwrap();
        let flow = FlowName::new("shop").unwrap();
        let vantage = VantageName::new("berlin").unwrap();
        let identity = (RunKind::Login, flow, Revision::of(b"x"), vantage, slot);
        let mut phases = Phases::default();
        phases.finish(Phase::Connect, Micros(700));
        phases.cut(Phase::Wait, Micros(250_000));
        let step = StepRecord {
            name: StepName::new("open").unwrap(),
            role: StepRole::Login,
            offset: Micros(0),
            micros: phases.total(),
            done: false,
            evidence: Vec::new(),
        };
        let hop = Hop {
            step: 0,
            method: "GET".to_owned(),
            url: "http://shop.test/".to_owned(),
            status: None,
            version: None,
            address: None,
            reused: false,
            offset: Micros(0),
            phases,
            body_bytes: 0,
        };
        let never = Run::never_began(identity, slot, LostClass::Aborted, "x".to_owned());
        Run { verdict, elapsed: Micros(260_000), lag: Micros(1_500), steps: vec![step], hops: vec![hop], ..never }
    }

    #[test]
    fn a_timed_out_run_is_told_with_its_phases() {
        let metrics = Metrics::new(VantageName::new("berlin").unwrap());
        metrics.slot_due(&FlowName::new("shop").unwrap(), RunKind::Login);
        metrics.run_began();
        metrics.recorded(&run(Verdict::Bad(BadClass::Timeout)));
        metrics.run_ended();
        metrics.reloaded(false);
        let text = String::from_utf8(metrics.exposition().encode(Format::Text)).unwrap();
        let shown: Vec<_> = text
            .lines()
            .filter(|line| !line.contains("le=\"") || line.contains("le=\"0.25\"") || line.contains("le=\"0.5\""))
            .filter(|line| !line.starts_with("# HELP"))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        # TYPE doorstep_build_info gauge
        doorstep_build_info{version="0.1.0"} 1
        # TYPE doorstep_slots_due_total counter
        doorstep_slots_due_total{flow="shop",vantage="berlin",kind="login"} 1
        # TYPE doorstep_slots_skipped_total counter
        doorstep_slots_skipped_total{vantage="berlin"} 0
        # TYPE doorstep_runs_total counter
        doorstep_runs_total{flow="shop",vantage="berlin",kind="login",verdict="bad",class="timeout"} 1
        # TYPE doorstep_logins_total counter
        doorstep_logins_total{flow="shop",vantage="berlin",verdict="bad"} 1
        # TYPE doorstep_runs_not_recorded_total counter
        doorstep_runs_not_recorded_total{vantage="berlin"} 0
        # TYPE doorstep_runs_in_flight gauge
        doorstep_runs_in_flight{vantage="berlin"} 0
        # TYPE doorstep_login_duration_seconds histogram
        doorstep_login_duration_seconds_bucket{flow="shop",vantage="berlin",verdict="bad",le="0.25"} 0
        doorstep_login_duration_seconds_bucket{flow="shop",vantage="berlin",verdict="bad",le="0.5"} 1
        doorstep_login_duration_seconds_sum{flow="shop",vantage="berlin",verdict="bad"} 0.2507
        doorstep_login_duration_seconds_count{flow="shop",vantage="berlin",verdict="bad"} 1
        # TYPE doorstep_phase_duration_seconds histogram
        doorstep_phase_duration_seconds_bucket{flow="shop",step="open",phase="connect",verdict="bad",class="timeout",le="0.25"} 1
        doorstep_phase_duration_seconds_bucket{flow="shop",step="open",phase="connect",verdict="bad",class="timeout",le="0.5"} 1
        doorstep_phase_duration_seconds_sum{flow="shop",step="open",phase="connect",verdict="bad",class="timeout"} 0.0007
        doorstep_phase_duration_seconds_count{flow="shop",step="open",phase="connect",verdict="bad",class="timeout"} 1
        doorstep_phase_duration_seconds_bucket{flow="shop",step="open",phase="wait",verdict="bad",class="timeout",le="0.25"} 1
        doorstep_phase_duration_seconds_bucket{flow="shop",step="open",phase="wait",verdict="bad",class="timeout",le="0.5"} 1
        doorstep_phase_duration_seconds_sum{flow="shop",step="open",phase="wait",verdict="bad",class="timeout"} 0.25
        doorstep_phase_duration_seconds_count{flow="shop",step="open",phase="wait",verdict="bad",class="timeout"} 1
        # TYPE doorstep_worker_lag_seconds histogram
        doorstep_worker_lag_seconds_bucket{vantage="berlin",le="0.25"} 1
        doorstep_worker_lag_seconds_bucket{vantage="berlin",le="0.5"} 1
        doorstep_worker_lag_seconds_sum{vantage="berlin"} 0.0015
        doorstep_worker_lag_seconds_count{vantage="berlin"} 1
        # TYPE doorstep_run_lateness_seconds histogram
        doorstep_run_lateness_seconds_bucket{vantage="berlin",le="0.25"} 1
        doorstep_run_lateness_seconds_bucket{vantage="berlin",le="0.5"} 1
        doorstep_run_lateness_seconds_sum{vantage="berlin"} 0
        doorstep_run_lateness_seconds_count{vantage="berlin"} 1
        # TYPE doorstep_spool_runs gauge
        doorstep_spool_runs{vantage="berlin"} 1
        # TYPE doorstep_spool_samples gauge
        doorstep_spool_samples{vantage="berlin"} 0
        # TYPE doorstep_database_samples_not_recorded_total counter
        doorstep_database_samples_not_recorded_total{vantage="berlin"} 0
        # TYPE doorstep_config_reloads_total counter
        doorstep_config_reloads_total{vantage="berlin"} 0
        # TYPE doorstep_config_reload_failures_total counter
        doorstep_config_reload_failures_total{vantage="berlin"} 1
        "#);
        metrics.keep_flows(&BTreeSet::new());
        let text = String::from_utf8(metrics.exposition().encode(Format::Text)).unwrap();
        assert!(!text.contains("shop") && text.contains("doorstep_run_lateness_seconds_count{vantage=\"berlin\"} 1"));
    }
}
