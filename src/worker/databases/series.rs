//! One server, slot by slot, for as long as the worker lives: whatever the session does, each slot becomes one sample.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::{Ask, Sessions};
use crate::model::{Answer, Database, DatabaseSchedule, Micros, Sample, Unknown, VantageName};
use crate::worker::agenda::MOST_PASSED;
use crate::worker::attempt::{Begun, CLOCK_STEP, Shared, clock_step};
use crate::worker::dispatch::{LATEST_START, LONGEST_SLEEP, after};
use crate::worker::{Plan, Recorder};

/// A secret that could not be read, or that the server refused, is read again after this: it may have been changed.
const READ_AGAIN: Duration = Duration::from_secs(30);
/// A session may take so much longer than the database's timeout before it counts as stuck.
const TOLERANCE: Duration = Duration::from_secs(1);
/// Making a session reads a secret, which may take a command's ten seconds.
const OPENING: Duration = Duration::from_secs(15);

/// The slots of one server at this vantage.
pub(super) struct Series {
    vantage: VantageName,
    database: Arc<Database>,
    schedule: DatabaseSchedule,
    sessions: Arc<dyn Sessions>,
    /// A worker that did not get to run for longer says nothing of a server.
    most_lag: Duration,
    /// The first instant whose slots have not been served.
    open_from: Timestamp,
    until: watch::Receiver<Timestamp>,
    session: Session,
}

enum Session {
    None,
    Open(Box<dyn Ask>, Instant),
    /// There is none, for this reason, since then.
    Refused(Unknown, String, Instant),
}

impl Series {
    pub(super) fn new<P>(
        plan: &Plan<P>,
        database: Arc<Database>,
        schedule: DatabaseSchedule,
        from: Timestamp,
        until: watch::Receiver<Timestamp>,
    ) -> Self {
        Self {
            vantage: plan.vantage.name.clone(),
            database,
            schedule,
            sessions: Arc::clone(&plan.sessions),
            most_lag: plan.limits.lag,
            open_from: from,
            until,
            session: Session::None,
        }
    }

    /// Serves slots until told to end. Samples are written down by tasks of their own: a slow disk delays no slot.
    pub(super) async fn run<R: Recorder>(mut self, shared: Arc<Shared<R>>, tasks: TaskTracker) {
        while let Some(slot) = self.next_due(&shared).await {
            for sample in self.serve(slot, &shared).await {
                shared.observer.learned(&sample);
                let shared = Arc::clone(&shared);
                tasks.spawn(async move { shared.record_sample(sample).await });
            }
        }
    }

    /// Waits for the next slot; `None` when there is none before the end.
    async fn next_due<R>(&mut self, shared: &Shared<R>) -> Option<Timestamp> {
        loop {
            let until = *self.until.borrow_and_update();
            let slot = self.schedule.slot_from(&self.vantage, self.open_from).filter(|&slot| slot < until);
            let wait = match slot {
                None if until < Timestamp::MAX => return None,
                None => LONGEST_SLEEP,
                Some(slot) => {
                    let wait = Duration::try_from(slot.duration_since(shared.clock.now())).unwrap_or(Duration::ZERO);
                    if wait.is_zero() {
                        return Some(slot);
                    }
                    wait.min(LONGEST_SLEEP)
                }
            };
            tokio::select! {
                biased;
                changed = self.until.changed() => changed.ok()?,
                () = sleep(wait) => {}
            }
        }
    }

    /// Asks at a slot; the samples of this slot and of all that passed meanwhile.
    async fn serve<R>(&mut self, slot: Timestamp, shared: &Shared<R>) -> Vec<Sample> {
        let begun = Begun { wall: shared.clock.now(), monotonic: Instant::now() };
        if let Some(skipped) = self.skip_gap(slot, begun.wall) {
            shared.observer.slots_skipped(skipped);
            tracing::warn!(database = %self.database.name, slots = skipped, "slots of a database passed unserved");
            return Vec::new();
        }
        self.open_from = after(slot);
        let late = begun.wall.duration_since(slot);
        if late > LATEST_START {
            let message = format!("the worker came to this slot {:.1} s late", late.as_secs_f64());
            return vec![self.sample(slot, begun.wall, Micros(0), lost(message))];
        }
        let answer = tokio::select! {
            biased;
            answer = self.ask() => answer,
            () = shared.abort.cancelled() => lost("the worker had to stop before the server answered".to_owned()),
        };
        let ended = Begun { wall: shared.clock.now(), monotonic: Instant::now() };
        let answer = self.judged(answer, begun, ended, shared);
        let elapsed = Micros::from(ended.monotonic.duration_since(begun.monotonic));
        let mut samples = vec![self.sample(slot, begun.wall, elapsed, answer)];
        if clock_step(begun, ended) <= CLOCK_STEP {
            self.share_answer(&mut samples, ended.wall);
        }
        samples
    }

    /// The slots that passed while a question was under way.
    fn share_answer(&mut self, samples: &mut Vec<Sample>, ended: Timestamp) {
        let end = after(ended).min(*self.until.borrow());
        let passed: Vec<Timestamp> = self.schedule.slots(&self.vantage, self.open_from, end).collect();
        let asked = samples[0].clone();
        for slot in passed {
            let waited = Duration::try_from(ended.duration_since(slot)).unwrap_or(Duration::ZERO);
            let answer = match &asked.answer {
                Answer::Unknown { .. } => asked.answer.clone(),
                Answer::Facts(_) => lost(format!(
                    "the question of the slot before took {}, longer than the interval",
                    Micros::from(Duration::from(asked.elapsed))
                )),
            };
            samples.push(self.sample(slot, slot, Micros::from(waited), answer));
            self.open_from = after(slot);
        }
    }

    async fn ask(&mut self) -> Answer {
        let most = self.database.timeout + TOLERANCE;
        let session = match self.session().await {
            Ok(session) => session,
            Err((why, message)) => return Answer::Unknown { why, message },
        };
        let asked = timeout(most, AssertUnwindSafe(session.ask()).catch_unwind()).await;
        match asked {
            Ok(Ok(answer)) => {
                self.forget_refused(&answer);
                answer
            }
            broken => {
                self.session = Session::None;
                // What was thrown may hold anything, so it is not repeated here.
                let what = if broken.is_ok() { "the session panicked" } else { "the session kept no time" };
                lost(format!("a defect of Doorstep: {what}"))
            }
        }
    }

    /// The session, made where there is none.
    async fn session(&mut self) -> Result<&mut Box<dyn Ask>, (Unknown, String)> {
        let stale = match &self.session {
            Session::None => true,
            Session::Open(..) => false,
            Session::Refused(_, _, since) => since.elapsed() >= READ_AGAIN,
        };
        if stale {
            let open = AssertUnwindSafe(self.sessions.open(&self.database, &self.schedule.server)).catch_unwind();
            self.session = match timeout(OPENING, open).await {
                Ok(Ok(Ok(session))) => Session::Open(session, Instant::now()),
                Ok(Ok(Err((why, message)))) => Session::Refused(why, message, Instant::now()),
                Ok(Err(_)) | Err(_) => {
                    Session::Refused(Unknown::Lost, "a defect of Doorstep: no session".to_owned(), Instant::now())
                }
            };
        }
        match &mut self.session {
            Session::Open(session, _) => Ok(session),
            Session::Refused(why, message, _) => Err((*why, message.clone())),
            Session::None => Err((Unknown::Lost, "a defect of Doorstep: no session".to_owned())),
        }
    }

    /// A password that is refused may have been changed: after a while the secret is read again.
    fn forget_refused(&mut self, answer: &Answer) {
        let refused = matches!(answer, Answer::Unknown { why: Unknown::LoginRefused, .. });
        if let Session::Open(_, since) = &self.session
            && refused
            && since.elapsed() >= READ_AGAIN
        {
            self.session = Session::None;
        }
    }

    /// Silence is the server's only if we were fit to listen.
    fn judged<R>(&self, answer: Answer, begun: Begun, ended: Begun, shared: &Shared<R>) -> Answer {
        let Answer::Unknown { why: Unknown::NoAnswer | Unknown::Unreachable, message } = &answer else { return answer };
        let lag = shared.lag.longest_since(begun.monotonic, ended.monotonic);
        let step = clock_step(begun, ended);
        let reason = if lag > self.most_lag {
            format!("the worker did not get to run for {}", Micros::from(lag))
        } else if step > CLOCK_STEP {
            format!("the wall clock jumped by {:.1} s meanwhile", step.as_secs_f64())
        } else {
            return answer;
        };
        lost(format!("{reason}; the asking itself said: {message}"))
    }

    /// Leaves out what passed in a long gap, but for the last slots; how many, `None` where there is no such gap.
    fn skip_gap(&mut self, slot: Timestamp, now: Timestamp) -> Option<u64> {
        if self.schedule.interval_index(now) - self.schedule.interval_index(slot) <= MOST_PASSED {
            return None;
        }
        let span = self.schedule.interval.saturating_mul(u32::try_from(MOST_PASSED).ok()?);
        let resume = now.checked_sub(SignedDuration::try_from(span).ok()?).ok().filter(|&resume| resume > slot)?;
        self.open_from = resume;
        Some(self.schedule.count(&self.vantage, slot, resume))
    }

    fn sample(&self, slot: Timestamp, started: Timestamp, elapsed: Micros, answer: Answer) -> Sample {
        Sample {
            database: self.schedule.database.clone(),
            server: self.schedule.server.clone(),
            vantage: self.vantage.clone(),
            slot,
            started,
            elapsed,
            answer,
        }
    }
}

fn lost(message: String) -> Answer {
    Answer::Unknown { why: Unknown::Lost, message }
}
