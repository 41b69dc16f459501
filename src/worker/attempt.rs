//! One run from its slot to its record: made, judged, recorded. Whatever happens, exactly one run is recorded.

use std::collections::HashMap;
use std::fmt::Display;
use std::panic::AssertUnwindSafe;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::dispatch::Counts;
use super::gate::Pass;
use super::reprobe::{Declined, Pursuits};
use super::{Budget, Control, Due, Observer, Prober, Recorder, lag};
use crate::clock::Clock;
use crate::model::{
    AccountName, BadClass, Blame, Failure, FlowName, LostClass, Micros, Negative, Run, RunKind, Sample, Verdict,
    WorkerLimits,
};

/// Wall and monotonic clock may drift apart by so much during a run before the wall clock counts as having jumped.
pub(super) const CLOCK_STEP: Duration = Duration::from_secs(1);

/// What all runs of a worker share.
pub(super) struct Shared<R> {
    pub(super) clock: Clock,
    pub(super) recorder: Arc<R>,
    pub(super) observer: Arc<dyn Observer>,
    pub(super) lockout: Arc<Mutex<Budget<AccountName>>>,
    /// The extra probes of the last hour.
    pub(super) extras: Arc<Mutex<Budget<FlowName>>>,
    pub(super) pursuits: Mutex<Pursuits>,
    pub(super) lag: lag::Meter,
    /// When the last login of a flow with an account ended, if it was good and no wrong password followed it.
    pub(super) good_logins: Mutex<HashMap<(FlowName, Option<AccountName>), Instant>>,
    /// Told when runs under way have to end at once.
    pub(super) abort: CancellationToken,
    pub(super) events: broadcast::Sender<Arc<Run>>,
    pub(super) counts: Counts,
}

/// Both clocks at one moment.
#[derive(Clone, Copy)]
pub(super) struct Begun {
    pub(super) wall: Timestamp,
    pub(super) monotonic: Instant,
}

impl<R: Recorder> Shared<R> {
    /// Makes the run that is due.
    pub(super) async fn attempt<P: Prober>(
        &self,
        prober: &P,
        due: Due,
        pass: Pass,
        limits: &WorkerLimits,
        control: Option<&Control>,
    ) {
        self.observer.run_began();
        let begun = Begun { wall: self.clock.now(), monotonic: Instant::now() };
        let mut run = match self.may_try(&due, begun).await {
            Ok(()) => self.make(prober, &due, begun).await,
            Err((class, message)) => never_began(due.clone(), begun.wall, class, message),
        };
        self.judge(&mut run, begun, limits, control).await;
        self.remember(&due, &run);
        self.pursuits.lock().unwrap_or_else(PoisonError::into_inner).ended(&due, run.verdict, Instant::now());
        drop(pass);
        self.observer.run_ended();
        self.record(run).await;
    }

    /// Makes an extra probe, when the budget of the hour has room for it. One that is not made is no run.
    pub(super) async fn attempt_extra<P: Prober>(
        &self,
        prober: &P,
        due: Due,
        pass: Pass,
        limits: &WorkerLimits,
        control: Option<&Control>,
    ) {
        let most = limits.reprobe.map_or(0, |rules| rules.most_per_hour);
        match spend(&self.extras, due.flow.name.clone(), most, self.clock.now()).await {
            Ok(true) => {
                self.counts.extra();
                self.attempt(prober, due, pass, limits, control).await;
            }
            Ok(false) => self.decline(&due, Declined::HourlyCap),
            Err(error) => {
                tracing::warn!(flow = %due.flow.name, "no extra probe is made: {error}");
                self.decline(&due, Declined::NoBudget);
            }
        }
    }

    /// An extra probe is not made.
    pub(super) fn decline(&self, due: &Due, why: Declined) {
        self.pursuits.lock().unwrap_or_else(PoisonError::into_inner).declined(due, why, Instant::now());
        self.observer.extra_declined(due, why);
    }

    /// Records a slot that is not served.
    pub(super) async fn miss(&self, due: Due, class: LostClass, message: String) {
        let noticed = self.clock.now();
        self.record(never_began(due, noticed, class, message)).await;
    }

    async fn record(&self, run: Run) {
        let run = Arc::new(run);
        match self.recorder.record(Arc::clone(&run)).await {
            Ok(()) => {
                self.counts.recorded();
                self.observer.recorded(&run);
            }
            Err(error) => {
                self.counts.not_recorded();
                self.observer.not_recorded(&run, &error);
            }
        }
        tell(&run);
        // Nobody has to listen.
        let _ = self.events.send(run);
    }

    /// Writes a sample down.
    pub(super) async fn record_sample(&self, sample: Sample) {
        let sample = Arc::new(sample);
        match self.recorder.record_sample(Arc::clone(&sample)).await {
            Ok(()) => {
                self.counts.sample_recorded();
                self.observer.sample_recorded(&sample);
            }
            Err(error) => {
                self.counts.sample_not_recorded();
                self.observer.sample_not_recorded(&sample, &error);
            }
        }
    }

    async fn make<P: Prober>(&self, prober: &P, due: &Due, begun: Begun) -> Run {
        let run = AssertUnwindSafe(prober.run(due.clone())).catch_unwind();
        tokio::select! {
            biased;
            run = run => match run {
                Ok(run) => run,
                // What was thrown may hold anything, so it is not repeated here.
                Err(_) => ended_by_us(due, begun, LostClass::Internal, "a defect of Doorstep: the run panicked"),
            },
            () = self.abort.cancelled() => {
                ended_by_us(due, begun, LostClass::Aborted, "the worker had to stop before the run had ended")
            }
        }
    }

    /// Whether a wrong password may be tried now. A right one always may.
    async fn may_try(&self, due: &Due, begun: Begun) -> Result<(), (LostClass, String)> {
        let (RunKind::WrongPassword, Some(negative)) = (due.kind, &due.flow.negative) else {
            return Ok(());
        };
        if let Some(reason) = self.not_after_a_good_login(due, begun.monotonic) {
            return Err((LostClass::RefusedByPolicy, reason));
        }
        let Some(account) = &due.account else { return Ok(()) };
        self.take_budget(account, negative, begun.wall).await
    }

    /// Why a wrong password may not be tried now: it follows a good login only, so that the service's count of wrong
    /// attempts stands at zero, and a service that is down is not pressed further.
    fn not_after_a_good_login(&self, due: &Due, now: Instant) -> Option<String> {
        let flow = &due.flow;
        // An account that never logs in rightly in this flow is vouched for by the flow's own accounts.
        let key = due.account.clone().filter(|account| flow.accounts.contains(account));
        let rounds = if key.is_some() { flow.accounts.len() } else { 1 };
        let recent = flow.interval.saturating_mul(u32::try_from(2 * rounds).unwrap_or(u32::MAX)) + flow.limits.timeout;
        let good = self.good_logins.lock().unwrap_or_else(PoisonError::into_inner);
        match good.get(&(flow.name.clone(), key.clone())) {
            Some(&ended) if now.saturating_duration_since(ended) <= recent => None,
            _ => Some(match key {
                Some(account) => format!("no good login of account {account} right before this slot"),
                None => "no good login of this flow right before this slot".to_owned(),
            }),
        }
    }

    async fn take_budget(
        &self,
        account: &AccountName,
        negative: &Negative,
        now: Timestamp,
    ) -> Result<(), (LostClass, String)> {
        let per_hour = negative.per_hour;
        match spend(&self.lockout, account.clone(), per_hour, now).await {
            Ok(true) => Ok(()),
            Ok(false) => {
                let spent = format!("{per_hour} wrong passwords within the last hour for account {account}");
                Err((LostClass::RefusedByPolicy, spent))
            }
            Err(error) => Err((LostClass::Internal, error)),
        }
    }

    fn remember(&self, due: &Due, run: &Run) {
        let mut good = self.good_logins.lock().unwrap_or_else(PoisonError::into_inner);
        // Under its account, and for accounts that only ever present wrong passwords under none.
        for account in [due.account.clone(), None] {
            let key = (due.flow.name.clone(), account);
            match (due.kind, run.verdict) {
                (RunKind::Login, Verdict::Good) => {
                    good.insert(key, Instant::now());
                }
                (RunKind::Login, _) => {
                    good.remove(&key);
                }
                (RunKind::WrongPassword, _) => {
                    if key.1.is_some() {
                        good.remove(&key);
                    }
                }
            }
        }
    }

    /// Whether the worker was fit to measure. What the run found stays in the message. A login that must never have been
    /// let in is proven however slow or late the worker was.
    async fn judge(&self, run: &mut Run, begun: Begun, limits: &WorkerLimits, control: Option<&Control>) {
        let now = Instant::now();
        let lag = self.lag.longest_since(begun.monotonic, now);
        run.lag = Micros::from(lag);
        if run.verdict.blame() == Some(Blame::Security) || matches!(run.verdict, Verdict::Lost(_)) {
            return;
        }
        let step = clock_step(begun, Begun { wall: self.clock.now(), monotonic: now });
        if step > CLOCK_STEP {
            let reason = format!("the wall clock jumped by {:.1} s during the run", step.as_secs_f64());
            overrule(run, LostClass::LocalClock, &reason);
        } else if lag > limits.lag {
            let (lag, limit) = (Micros::from(lag), Micros::from(limits.lag));
            overrule(run, LostClass::Overloaded, &format!("the worker did not get to run for {lag} (limit {limit})"));
        } else if let (Verdict::Bad(BadClass::Dns | BadClass::Connect), Some(control)) = (run.verdict, control)
            && let Err(error) = control.answers().await
        {
            overrule(run, LostClass::LocalNetwork, &format!("the control target failed too: {error}"));
        }
    }
}

/// Takes one attempt out of a budget, on a thread of its own, since it waits for the disk.
async fn spend<N>(budget: &Arc<Mutex<Budget<N>>>, name: N, per_hour: u32, now: Timestamp) -> Result<bool, String>
where
    N: Ord + Clone + Display + FromStr + Send + 'static,
{
    let budget = Arc::clone(budget);
    let taken = tokio::task::spawn_blocking(move || {
        budget.lock().unwrap_or_else(PoisonError::into_inner).take(&name, per_hour, now)
    });
    match taken.await {
        Ok(taken) => taken.map_err(|error| error.to_string()),
        Err(_) => Err("a defect of Doorstep: the budget of the hour panicked".to_owned()),
    }
}

/// By how much the wall clock jumped between two readings, in either direction.
pub(super) fn clock_step(from: Begun, to: Begun) -> Duration {
    let wall = to.wall.as_microsecond() - from.wall.as_microsecond();
    let monotonic = i64::try_from(to.monotonic.duration_since(from.monotonic).as_micros()).unwrap_or(i64::MAX);
    Duration::from_micros(wall.saturating_sub(monotonic).unsigned_abs())
}

fn overrule(run: &mut Run, class: LostClass, reason: &str) {
    let found = run.failure.as_ref().map_or_else(String::new, |failure| format!(": {}", failure.message));
    let message = format!("{reason}; the run itself said {}{found}", run.verdict);
    let (step, phase) = run.failure.take().map_or((None, None), |failure| (failure.step, failure.phase));
    run.failure = Some(Failure { step, phase, message });
    run.verdict = Verdict::Lost(class);
}

fn never_began(due: Due, noticed: Timestamp, class: LostClass, message: String) -> Run {
    let identity = (due.kind, due.flow.name.clone(), due.flow.revision.clone(), due.vantage, due.slot);
    Run { account: due.account, ..Run::never_began(identity, noticed, class, message) }.as_attempt(due.attempt)
}

fn ended_by_us(due: &Due, begun: Begun, class: LostClass, message: &str) -> Run {
    let run = never_began(due.clone(), begun.wall, class, message.to_owned());
    Run { elapsed: Micros::from(begun.monotonic.elapsed()), ..run }
}

/// One line per run.
fn tell(run: &Run) {
    let why = run.failure.as_ref().map_or("", |failure| failure.message.as_str());
    let step = run.failure.as_ref().and_then(|failure| failure.step.as_ref()).map_or("", |step| step.as_str());
    let login_ms = run.login_time().map(Micros::as_millis_f64);
    macro_rules! line {
        ($level:ident) => {
            tracing::$level!(
                id = %run.id, flow = %run.flow, kind = %run.kind, vantage = %run.vantage, slot = %run.slot,
                attempt = run.attempt, verdict = %run.verdict, step, login_ms, late_ms = run.lateness().as_millis_f64(), why, "run"
            )
        };
    }
    match run.verdict {
        Verdict::Good => line!(debug),
        verdict if verdict.blame() == Some(Blame::Security) => line!(error),
        Verdict::Bad(_) | Verdict::Lost(_) => line!(warn),
    }
}
