//! Sums over the parts of the users and the stretches, as figures with formula and inputs.

use crate::incident::Share;
use crate::model::{Micros, Policy, Population};
use crate::slo::{Tally, UserWeighted, wilson};

use super::figure::{Estimate, Figure, Input, NOT_COVERED};
use super::model::{NotCovered, SegmentFigures};
use super::people::{Met, Part, distinct};
use super::retries::{Attempts, sessions_met};
use super::slices::PartSlice;

pub(super) const AFFECTED: &str =
    "intents x failing share, summed over segments and stretches of time (F13); lower and upper ends multiplied (F14)";
pub(super) const LOCKED_OUT: &str = "intents whose last retry falls before the end x failing share^(retries + 1) (F13)";
pub(super) const DELAYED: &str = "affected - locked out (F13)";
pub(super) const FAILED: &str = "sum over attempts j of intents x failing share^(j + 1) (F13); the upper end: the same \
                                 people fail every time, failing share x sum over attempts of intents";
pub(super) const ATTEMPTS: &str = "intents + sum over retries j of intents x failing share^j (F13); the upper end: the \
                                   same people fail every time, intents + failing share x sum over retries of intents";
pub(super) const NO_RETRIES: &str = "nobody said how often people try again: add 'retries' to the population file";
pub(super) const SLOW: &str = "logins were slow, not failing: nobody was turned away by it";
pub(super) const DELAYED_BY_SLOWNESS: &str =
    "people affected: their login succeeded, over the threshold of the incident";

/// One part of the users with what it met in each stretch.
pub(super) struct Row<'a> {
    pub(super) part: Part<'a>,
    pub(super) met: Vec<Met>,
    pub(super) tally: Tally,
    /// By stretch, then by slice.
    pub(super) slices: Vec<Vec<PartSlice>>,
}

impl Row<'_> {
    pub(super) fn sum(&self, of: impl Fn(&Met) -> Option<Estimate>) -> Option<Estimate> {
        let known: Vec<Estimate> = self.met.iter().filter_map(of).collect();
        (!known.is_empty()).then(|| known.into_iter().sum())
    }

    pub(super) fn is_covered(&self) -> bool {
        self.tally.total() > 0
    }
}

/// What the share of the probes that met it is called.
pub(super) fn share_name(slow: bool) -> &'static str {
    if slow { "slow share" } else { "failing share" }
}

/// The sums over parts and stretches, as figures.
pub(super) struct Sums<'a> {
    pub(super) rows: &'a [Row<'a>],
    /// Where demand comes from, or why there is none.
    pub(super) demand: &'a Result<String, String>,
    pub(super) duration: Estimate,
    /// Where its ends come from.
    pub(super) ends: &'static str,
    pub(super) all: Tally,
    pub(super) policy: &'a Policy,
    /// Whether logins were slow instead of failing.
    pub(super) slow: bool,
}

impl Sums<'_> {
    fn covered(&self, of: impl Fn(&Met) -> Option<Estimate>) -> Option<Estimate> {
        let known: Vec<Estimate> =
            self.rows.iter().filter(|row| row.is_covered()).filter_map(|row| row.sum(&of)).collect();
        (!known.is_empty()).then(|| known.into_iter().sum())
    }

    /// What all people of whom nothing is known would add, if it went as badly for them as it can.
    fn unseen(&self, most: impl Fn(&Met) -> f64) -> f64 {
        self.rows.iter().flat_map(|row| &row.met).map(most).sum()
    }

    /// People with at least one failed attempt. Those of whom nothing is known are in the upper end: all of them.
    pub(super) fn affected(&self) -> Figure {
        self.figure("people", "people", AFFECTED, None, Met::affected).adding(self.unseen(Met::most_unseen))
    }

    /// A count of the attempts. Those of people of whom nothing is known are in the upper end: all failed.
    pub(super) fn attempts(
        &self,
        (unit, formula): (&str, &str),
        retries: &[Micros],
        of: impl Fn(&Attempts) -> f64,
    ) -> Figure {
        let covered = self.figure(unit, unit, formula, Some(retries), |met| met.of_attempts(&of));
        covered.adding(self.unseen(|met| met.most_unseen_attempts(&of)))
    }

    /// Failed attempts over affected people: attempts are not people. A ratio of the ends of both would be no bound, since
    /// they go together: of all people it is a mean of those of the parts and stretches, so that the least of these is its
    /// lower end; and nobody fails more often than he tries, which is its upper end.
    pub(super) fn per_person(&self, failed: &Figure, affected: &Figure, retries: usize) -> Figure {
        let (Figure::Estimate { value: failed, inputs, .. }, Some(people)) = (failed, affected.estimate()) else {
            return failed.clone();
        };
        if people.low <= 0.0 {
            return Figure::unknown("it may be that nobody was affected, so that there is no ratio");
        }
        let unseen = self.unseen(Met::most_unseen) > 0.0;
        let each = self.rows.iter().flat_map(|row| &row.met).filter_map(Met::least_per_person);
        let middle = failed.middle / people.middle;
        let low = if unseen { 1.0 } else { each.fold(middle, f64::min) };
        Figure::Estimate {
            value: Estimate { low, middle, high: (1.0 + retries as f64).max(middle) },
            unit: "attempts per person".to_owned(),
            formula:
                "failed attempts / affected people: a log of failed requests overstates people by this (F13); the \
                      lower end: each attempt fails on its own, at the least failing share; the upper end: who fails \
                      once fails at every attempt, 1 + retries"
                    .to_owned(),
            inputs: inputs.clone(),
        }
    }

    fn figure(
        &self,
        what: &str,
        unit: &str,
        formula: &str,
        retries: Option<&[Micros]>,
        of: impl Fn(&Met) -> Option<Estimate>,
    ) -> Figure {
        let value = match (self.demand, self.covered(of)) {
            (Err(why), _) => return Figure::unknown(why.as_str()),
            (_, None) => {
                return Figure::unknown(format!("no probe with a verdict counts here, so that no {what} can be told"));
            }
            (_, Some(value)) => value,
        };
        let mut inputs = self.inputs();
        inputs.extend(retries.map(|retries| Input {
            name: "retries".to_owned(),
            segment: None,
            value: Estimate::exact(retries.len() as f64),
            unit: "per person".to_owned(),
            source: match retries {
                [] => "the population file: nobody tries again".to_owned(),
                offsets => format!(
                    "the population file: after {} from the first attempt",
                    offsets.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
                ),
            },
        }));
        Figure::Estimate { value, unit: unit.to_owned(), formula: formula.to_owned(), inputs }
    }

    fn inputs(&self) -> Vec<Input> {
        let input = |name: &str, value, unit: &str, source: String| Input {
            name: name.to_owned(),
            segment: None,
            value,
            unit: unit.to_owned(),
            source,
        };
        let mut inputs = vec![input("duration", self.duration, "s", self.ends.to_owned())];
        if let (Some(intents), Ok(source)) = (self.covered(|met| met.intents), self.demand) {
            inputs.push(input("intents", intents, "people", source.clone()));
        }
        let unseen: Estimate = self.rows.iter().flat_map(|row| &row.met).filter_map(|met| met.unseen).sum();
        if let (true, Ok(source)) = (unseen.high > 0.0, self.demand) {
            let source = format!("{source}, where no probe with a verdict stands for them");
            inputs.push(input(NOT_COVERED, unseen, "people", source));
        }
        if let Some(interval) = wilson(self.all.total(), self.all.bad, self.policy.confidence) {
            let middle = self.all.bad as f64 / self.all.total() as f64;
            let source = format!(
                "{} of {} probes {}, Wilson {:.0} % (F4); each segment has its own, hours weighted by demand (F10)",
                self.all.bad,
                self.all.total(),
                if self.slow { "were slow" } else { "failed" },
                self.policy.confidence * 100.0
            );
            inputs.push(input(
                share_name(self.slow),
                Estimate { low: interval.low, middle, high: interval.high },
                "share",
                source,
            ));
        }
        inputs
    }

    pub(super) fn intents(&self) -> Figure {
        let formula = "the integral of demand over the duration (F14), where probes cover it";
        self.figure("people", "people", formula, None, |met| met.intents)
    }

    pub(super) fn distinct(&self, population: &Population) -> Figure {
        let activity = &population.habits().activity;
        let Figure::Estimate { inputs, .. } = self.figure("people", "people", AFFECTED, None, Met::affected) else {
            return self.figure("people", "people", AFFECTED, None, Met::affected);
        };
        let hit = |row: &Row<'_>| distinct(&row.part, &row.met, activity);
        let Some(known) = self.rows.iter().map(hit).collect::<Option<Vec<Estimate>>>() else {
            return Figure::unknown("nobody said how many users there are: add 'users' to the population file");
        };
        let classes = match activity.len() {
            0 => "each user as likely as another".to_owned(),
            n => format!("{n} classes of activity"),
        };
        Figure::Estimate {
            value: known.into_iter().sum(),
            unit: "people".to_owned(),
            formula: format!(
                "users x (1 - exp(-affected / users)), {classes} (F13); from the same users failing each time, failing \
                 share x users x (1 - exp(-intents / users)), to others each time, affected but no more than users"
            ),
            inputs,
        }
        .adding(0.0)
    }
}

/// `outages` is how long outages lasted, `None` when nothing is known of any; `named` is what that is called, and where it
/// comes from.
pub(super) fn sessions(outages: Option<Estimate>, named: (&str, &str), session: Option<Micros>) -> Figure {
    let Some(session) = session.map(|session| session.0 as f64 / 1e6).filter(|session| *session > 0.0) else {
        return Figure::unknown("nobody said how long a session lasts: add 'session' to the population file");
    };
    let Some(outages) = outages else {
        return Figure::unknown("no outage is known here, so that there is none that a session could end in");
    };
    let input = |name: &str, value, source: &str| Input {
        name: name.to_owned(),
        segment: None,
        value,
        unit: "s".to_owned(),
        source: source.to_owned(),
    };
    Figure::Estimate {
        value: outages.map(|seconds| sessions_met(seconds, session)),
        unit: "share".to_owned(),
        formula: "duration of outages / session lifetime: existing sessions are untouched until they end (F13)"
            .to_owned(),
        inputs: vec![
            input(named.0, outages, named.1),
            input("session lifetime", Estimate::exact(session), "the population file"),
        ],
    }
}

/// People of whom nothing is known, as a figure.
pub(super) fn not_covered(population: &Population, sums: &Sums<'_>, weighted: &UserWeighted) -> NotCovered {
    let intents = match sums.demand {
        Err(why) => Figure::unknown(why.as_str()),
        Ok(source) => Figure::Estimate {
            value: sums.rows.iter().flat_map(|row| &row.met).filter_map(|met| met.unseen).sum(),
            unit: "people".to_owned(),
            formula: format!(
                "the integral of demand over segments and hours without a probe with a verdict ({source})"
            ),
            inputs: sums.inputs(),
        },
    };
    let described = !population.segments().is_empty();
    NotCovered { share: (described || weighted.uncovered > 0.0).then_some(weighted.uncovered), intents }
}

pub(super) fn segment(row: &Row<'_>, policy: &Policy) -> SegmentFigures {
    let failing = share(row.tally, policy.confidence);
    SegmentFigures {
        name: row.part.name.to_owned(),
        share: row.part.share,
        vantages: row.part.segment.map(|segment| segment.vantages.clone()).unwrap_or_default(),
        n: failing.n,
        bad: failing.failing,
        failing: failing.share,
        interval: failing.interval,
        intents: row.sum(|met| met.intents),
        affected: row.sum(Met::affected).map(|people| {
            let unseen: f64 = row.met.iter().map(Met::most_unseen).sum();
            Estimate { high: people.high + unseen, ..people }
        }),
        not_covered: super::weighted::uncovered(row, policy.lost_runs),
    }
}

/// A failing share with its sample and interval.
pub(super) fn share(tally: Tally, confidence: f64) -> Share {
    Share::new(tally.total(), tally.bad, confidence)
}
