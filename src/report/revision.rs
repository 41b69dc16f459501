//! A report that was given out, by its headline figures, and what a later one says otherwise: a closed period is restated
//! as a new revision with its differences, never in silence (F19). Knows no store.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ReportModel;
use super::format::{self, count};
use super::model::{AdjustedReport, Counts, ObjectiveReport, PopulationHead, PublicationHead, SignIns, UserImpact};
use crate::impact::Estimate;
use crate::model::{ObjectiveName, Revision};
use crate::slo::{Attainment, Interval, Period};

/// What was said of a period when it was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishedReport {
    /// 1 for the first report of the period.
    pub number: u32,
    /// When it was published.
    pub made_at: Timestamp,
    /// Who published it.
    pub author: String,
    /// The program and its version.
    pub program: String,
    /// What was reported on.
    pub title: String,
    /// The span.
    pub period: Period,
    /// Equal revisions hold the same runs.
    pub data_revision: String,
    /// The revision of the policy with its exclusions.
    pub policy_revision: Revision,
    /// One per objective, in the order of the configuration.
    pub objectives: Vec<Headline>,
    /// The identities of the incidents, in order of time.
    pub incidents: Vec<String>,
    /// Sign-ins that met a failure, by incident, where there is a number.
    #[serde(default)]
    pub people: BTreeMap<String, Estimate>,
    /// Who the users were taken to be; `None` when nobody described them.
    #[serde(default)]
    pub population: Option<PopulationHead>,
}

/// What was said of one objective.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Headline {
    /// The objective.
    pub name: ObjectiveName,
    /// The share that was promised.
    pub target: f64,
    /// As measured.
    pub raw: Figures,
    /// With exclusions applied (F20); `None` when none touches it.
    pub adjusted: Option<Figures>,
    /// Weighted by users (F10), as measured; `None` when nobody described them, or nothing stands for any.
    #[serde(default)]
    pub users: Option<WeightedFigures>,
    /// People who wanted to sign in, and those who could not; `None` without demand or runs.
    #[serde(default)]
    pub sign_ins: Option<SignIns>,
}

/// The user-weighted availability of one objective.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WeightedFigures {
    /// Over the covered demand.
    pub availability: f64,
    /// Its interval, wide enough for every uncovered user to have failed, or none.
    pub bounds: Interval,
    /// Share of demand that no vantage with data stands for.
    pub uncovered: f64,
}

/// The figures of one objective; each means what it means in the report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Good slots.
    pub good: u64,
    /// Bad slots.
    pub bad: u64,
    /// Slots lost by the prober's own fault.
    pub lost: u64,
    /// Due slots without a run; `None` when no schedule was declared.
    pub missing: Option<u64>,
    /// Slots due; `None` when no schedule was declared.
    pub due: Option<u64>,
    /// Share of good ones; `None` without a verdict.
    pub availability: Option<f64>,
    /// Its interval.
    pub interval: Option<Interval>,
    /// Met, missed, undecided, or no data.
    pub verdict: Attainment,
    /// Share of the error budget that was spent.
    pub spent_share: Option<f64>,
}

/// One thing that a later report says otherwise.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What: `shop: bad`, `incident 20261116-0400-1a2b3c`.
    pub what: String,
    /// What the earlier report said; `None` when the thing is new.
    pub before: Option<String>,
    /// What the later report says; `None` when the thing is gone.
    pub after: Option<String>,
}

impl Difference {
    /// In one line, for people.
    #[must_use]
    pub fn line(&self) -> String {
        let what = &self.what;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("{what}: {before} -> {after}"),
            (Some(before), None) => format!("{what} is gone (was: {before})"),
            (None, Some(after)) => format!("{what} is new: {after}"),
            (None, None) => what.clone(),
        }
    }
}

impl PublishedReport {
    /// The headline figures of a report, with the number 1 until it gets another.
    #[must_use]
    pub fn of(model: &ReportModel, made_at: Timestamp, author: &str, program: &str) -> Self {
        Self {
            number: 1,
            made_at,
            author: author.to_owned(),
            program: program.to_owned(),
            title: model.head.site.clone(),
            period: model.head.period.clone(),
            data_revision: model.head.data_revision.clone(),
            policy_revision: model.head.policy_revision.clone(),
            objectives: model.objectives.iter().map(Headline::of).collect(),
            incidents: model.incidents.iter().map(|row| row.incident.id.to_string()).collect(),
            people: model
                .incidents
                .iter()
                .filter(|row| row.incident.symptom == crate::incident::Symptom::Failing)
                .filter_map(|row| Some((row.incident.id.to_string(), row.people()?)))
                .collect(),
            population: model.head.population.clone(),
        }
    }
}

impl PublicationHead {
    /// What a report says of its own publication; `before` is the revision before it, if there is one.
    #[must_use]
    pub fn of(report: &PublishedReport, before: Option<&PublishedReport>) -> Self {
        let differences = before.map(|before| differences(before, report)).unwrap_or_default();
        Self {
            number: report.number,
            made_at: report.made_at,
            author: report.author.clone(),
            differences: differences.iter().map(Difference::line).collect(),
        }
    }
}

impl Headline {
    fn of(objective: &ObjectiveReport) -> Self {
        let spent_share = objective.budget.map(|budget| budget.spent_share);
        let raw = Figures { spent_share, ..figures(&objective.counts, objective.verdict) };
        Self {
            name: objective.name.clone(),
            target: objective.target,
            raw: Figures { availability: objective.availability, interval: objective.interval, ..raw },
            adjusted: objective.adjusted.as_ref().map(adjusted),
            users: objective.users.as_ref().and_then(|users| {
                let UserImpact { bounds, uncovered, .. } = *users;
                Some(WeightedFigures { availability: users.availability?, bounds, uncovered })
            }),
            sign_ins: objective.standing.sign_ins,
        }
    }
}

fn adjusted(report: &AdjustedReport) -> Figures {
    Figures {
        availability: report.availability,
        interval: report.interval,
        spent_share: report.budget.map(|budget| budget.spent_share),
        ..figures(&report.counts, report.verdict)
    }
}

fn figures(counts: &Counts, verdict: Attainment) -> Figures {
    Figures {
        good: counts.good,
        bad: counts.bad,
        lost: counts.lost,
        missing: counts.due.map(|_| counts.missing),
        due: counts.due,
        availability: None,
        interval: None,
        verdict,
        spent_share: None,
    }
}

/// What `after` says otherwise than `before`: where from, then figure by figure. Empty when both say the same; who
/// published, when, with which program and under which title makes no difference.
#[must_use]
pub fn differences(before: &PublishedReport, after: &PublishedReport) -> Vec<Difference> {
    let mut found = Found::default();
    found.compare("data revision", &before.data_revision, &after.data_revision);
    found.compare("policy revision", &before.policy_revision.to_string(), &after.policy_revision.to_string());
    found.compare("period starts", &before.period.start.to_string(), &after.period.start.to_string());
    found.compare("period ends", &before.period.end.to_string(), &after.period.end.to_string());
    for old in &before.objectives {
        match after.objectives.iter().find(|new| new.name == old.name) {
            Some(new) => found.objective(old, new),
            None => found.removed(format!("objective {}", old.name), summary(&old.raw)),
        }
    }
    for new in &after.objectives {
        if before.objectives.iter().all(|old| old.name != new.name) {
            found.added(format!("objective {}", new.name), summary(&new.raw));
        }
    }
    found.population(before.population.as_ref(), after.population.as_ref());
    for (id, people) in &before.people {
        if let Some(now) = after.people.get(id) {
            found.compare(&format!("incident {id}: people"), &bounded(people), &bounded(now));
        }
    }
    for id in before.incidents.iter().filter(|id| !after.incidents.contains(id)) {
        found.compare("incident", id, "none");
    }
    for id in after.incidents.iter().filter(|id| !before.incidents.contains(id)) {
        found.compare("incident", "none", id);
    }
    found.0
}

/// One set of figures in a line: `99.31 % (99.1 % to 99.5 %), met; 43 of 6,240 bad`.
#[must_use]
pub fn summary(figures: &Figures) -> String {
    let share = format::percent(figures.availability, figures.interval);
    let interval = format::percent_interval(figures.interval);
    let (bad, decided) = (count(figures.bad), count(figures.good + figures.bad));
    let (lost, missing) = (count(figures.lost), whole(figures.missing));
    let verdict = figures.verdict.as_str();
    format!("{share} ({interval}), {verdict}; {bad} of {decided} bad, {lost} lost, {missing} missing")
}

#[derive(Default)]
struct Found(Vec<Difference>);

impl Found {
    fn compare(&mut self, what: &str, before: &str, after: &str) {
        if before != after {
            let (before, after) = (Some(before.to_owned()), Some(after.to_owned()));
            self.0.push(Difference { what: what.to_owned(), before, after });
        }
    }

    /// Who the users were taken to be.
    fn population(&mut self, before: Option<&PopulationHead>, after: Option<&PopulationHead>) {
        let revision = |of: Option<&PopulationHead>| of.map_or("nobody", |one| one.revision.as_str()).to_owned();
        self.compare("users revision", &revision(before), &revision(after));
        let weight = |of: Option<&PopulationHead>, name: &str| {
            of?.weights.iter().find(|weight| weight.segment == name).map(|weight| weight.share)
        };
        let weights = || before.into_iter().chain(after).flat_map(|one| &one.weights);
        let names: BTreeSet<&str> = weights().map(|weight| weight.segment.as_str()).collect();
        for name in names {
            self.share(&format!("weight of {name}"), weight(before, name), weight(after, name));
        }
    }

    /// What was said of users.
    fn users(&mut self, name: &ObjectiveName, before: &Headline, after: &Headline) {
        let (old, new) = (before.users, after.users);
        let share = |of: Option<WeightedFigures>, get: fn(WeightedFigures) -> f64| of.map(get);
        let mut compare = |what: &str, get: fn(WeightedFigures) -> f64| {
            self.share(&format!("{name}, weighted by users: {what}"), share(old, get), share(new, get));
        };
        compare("availability", |one| one.availability);
        compare("at least", |one| one.bounds.low);
        compare("at most", |one| one.bounds.high);
        compare("not covered", |one| one.uncovered);
        let people = |of: &Headline, get: fn(&SignIns) -> Estimate| {
            of.sign_ins.as_ref().map_or_else(|| format::ABSENT.to_owned(), |one| bounded(&get(one)))
        };
        let what = format!("{name}: people who wanted to sign in");
        self.compare(&what, &people(before, |one| one.expected), &people(after, |one| one.expected));
        let what = format!("{name}: people who could not");
        self.compare(&what, &people(before, |one| one.failed), &people(after, |one| one.failed));
    }

    fn removed(&mut self, what: String, before: String) {
        self.0.push(Difference { what, before: Some(before), after: None });
    }

    fn added(&mut self, what: String, after: String) {
        self.0.push(Difference { what, before: None, after: Some(after) });
    }

    fn objective(&mut self, before: &Headline, after: &Headline) {
        let name = &before.name;
        self.share(&format!("{name}: target"), Some(before.target), Some(after.target));
        self.figures(name.as_str(), &before.raw, &after.raw);
        self.users(name, before, after);
        match (&before.adjusted, &after.adjusted) {
            (Some(before), Some(after)) => self.figures(&format!("{name}, with exclusions"), before, after),
            (Some(before), None) => self.removed(format!("{name}, with exclusions"), summary(before)),
            (None, Some(after)) => self.added(format!("{name}, with exclusions"), summary(after)),
            (None, None) => {}
        }
    }

    fn figures(&mut self, of: &str, before: &Figures, after: &Figures) {
        let ends = |figures: &Figures| (figures.interval.map(|ends| ends.low), figures.interval.map(|ends| ends.high));
        let ((low, high), (new_low, new_high)) = (ends(before), ends(after));
        self.compare(&format!("{of}: good"), &count(before.good), &count(after.good));
        self.compare(&format!("{of}: bad"), &count(before.bad), &count(after.bad));
        self.compare(&format!("{of}: lost"), &count(before.lost), &count(after.lost));
        self.compare(&format!("{of}: missing"), &whole(before.missing), &whole(after.missing));
        self.compare(&format!("{of}: due"), &whole(before.due), &whole(after.due));
        self.share(&format!("{of}: availability"), before.availability, after.availability);
        self.share(&format!("{of}: availability at least"), low, new_low);
        self.share(&format!("{of}: availability at most"), high, new_high);
        self.compare(&format!("{of}: verdict"), before.verdict.as_str(), after.verdict.as_str());
        self.share(&format!("{of}: budget spent"), before.spent_share, after.spent_share);
    }

    /// Shares that were written as decimal text and read back may differ in their last binary digit: that is none.
    fn share(&mut self, what: &str, before: Option<f64>, after: Option<f64>) {
        let same = match (before, after) {
            (Some(before), Some(after)) => (before - after).abs() <= 1e-12 * before.abs().max(1.0),
            (before, after) => before.is_none() && after.is_none(),
        };
        if same {
            return;
        }
        let short = |share: Option<f64>| share.map_or_else(|| format::ABSENT.to_owned(), format::target);
        let long = |share: Option<f64>| share.map_or_else(|| format::ABSENT.to_owned(), |share| share.to_string());
        let show = |share| if short(before) == short(after) { long(share) } else { short(share) };
        self.compare(what, &show(before), &show(after));
    }
}

/// People with their bounds: `5,640 (3,849 to 7,307)`.
#[must_use]
pub fn bounded(people: &Estimate) -> String {
    let shown = |value: f64| count(value.round().max(0.0) as u64);
    format!("{} ({} to {})", shown(people.middle), shown(people.low), shown(people.high))
}

fn whole(number: Option<u64>) -> String {
    number.map_or_else(|| "an unknown number".to_owned(), count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::model::SegmentWeight;
    use jiff::tz::TimeZone;

    fn report() -> PublishedReport {
        let raw = Figures {
            good: 990,
            bad: 10,
            lost: 2,
            missing: Some(8),
            due: Some(1010),
            availability: Some(0.99),
            interval: Some(Interval { low: 0.9817, high: 0.9946 }),
            verdict: Attainment::Undecided,
            spent_share: Some(1.0),
        };
        let name = ObjectiveName::new("shop").unwrap();
        PublishedReport {
            number: 1,
            made_at: "2026-11-23T06:15:00Z".parse().unwrap(),
            author: "ada".to_owned(),
            program: "doorstep 0.1.0".to_owned(),
            title: "Example Shop".to_owned(),
            period: Period::week("2026-W47", &TimeZone::UTC).unwrap(),
            data_revision: "d1".to_owned(),
            policy_revision: Revision::from_recorded("p1"),
            objectives: vec![Headline { name, target: 0.99, raw, adjusted: None, users: None, sign_ins: None }],
            incidents: vec!["20261116-0400-1a2b3c".to_owned()],
            people: BTreeMap::new(),
            population: None,
        }
    }

    fn lines(before: &PublishedReport, after: &PublishedReport) -> Vec<String> {
        differences(before, after).iter().map(Difference::line).collect()
    }

    #[test]
    fn who_and_when_is_no_difference_and_nor_is_a_last_binary_digit() {
        let mut later = report();
        later.number = 2;
        later.made_at = "2026-11-24T06:15:00Z".parse().unwrap();
        later.author = "grace".to_owned();
        later.program = "doorstep 9".to_owned();
        later.objectives[0].raw.availability = Some(0.99_f64.next_up());
        assert_eq!(lines(&report(), &later), Vec::<String>::new());
        let text = serde_json::to_string(&report()).unwrap();
        assert_eq!(lines(&report(), &serde_json::from_str(&text).unwrap()), Vec::<String>::new());
    }

    #[test]
    fn each_figure_that_moved_is_told_with_both_values() {
        let mut later = report();
        later.data_revision = "d2".to_owned();
        let raw = &mut later.objectives[0].raw;
        (raw.good, raw.missing, raw.availability, raw.spent_share) = (1_998, Some(0), Some(0.9950249), None);
        raw.verdict = Attainment::Met;
        later.incidents = vec!["20261117-0500-1a2b3c".to_owned()];
        assert_eq!(
            lines(&report(), &later),
            [
                "data revision: d1 -> d2",
                "shop: good: 990 -> 1,998",
                "shop: missing: 8 -> 0",
                "shop: availability: 99 % -> 99.50249 %",
                "shop: verdict: undecided -> met",
                "shop: budget spent: 100 % -> no data",
                "incident: 20261116-0400-1a2b3c -> none",
                "incident: none -> 20261117-0500-1a2b3c",
            ]
        );
    }

    #[test]
    fn people_and_what_they_are_weighted_by_are_restated_too() {
        let population = |europe: f64, revision: &str| PopulationHead {
            revision: Revision::from_recorded(revision),
            weights: [("Europe", europe), ("Asia", 1.0 - europe)]
                .map(|(segment, share)| SegmentWeight { segment: segment.to_owned(), share })
                .to_vec(),
        };
        let people = |low, middle, high| Estimate { low, middle, high };
        let said = |europe, revision: &str, affected: f64| {
            let mut report = report();
            report.population = Some(population(europe, revision));
            let weighted =
                WeightedFigures { availability: 0.9, bounds: Interval { low: 0.8, high: 0.95 }, uncovered: 0.1 };
            report.objectives[0].users = Some(weighted);
            let sign_ins = SignIns { expected: people(9.0, 10.0, 11.0), failed: people(1.0, affected, 9.0) };
            report.objectives[0].sign_ins = Some(sign_ins);
            report.people.insert("20261116-0400-1a2b3c".to_owned(), people(1.0, affected, 9.0));
            report
        };
        let (before, mut after) = (said(0.6, "u1", 5.0), said(0.5, "u2", 6.0));
        after.objectives[0].users.as_mut().unwrap().bounds.low = 0.7;
        assert_eq!(
            lines(&before, &after),
            [
                "shop, weighted by users: at least: 80 % -> 70 %",
                "shop: people who could not: 5 (1 to 9) -> 6 (1 to 9)",
                "users revision: u1 -> u2",
                "weight of Asia: 40 % -> 50 %",
                "weight of Europe: 60 % -> 50 %",
                "incident 20261116-0400-1a2b3c: people: 5 (1 to 9) -> 6 (1 to 9)",
            ]
        );
        // What was published before people were kept is read all the same.
        let mut old = serde_json::to_value(report()).unwrap();
        for gone in ["people", "population"] {
            old.as_object_mut().unwrap().remove(gone);
        }
        assert_eq!(serde_json::from_value::<PublishedReport>(old).unwrap(), report());
    }

    #[test]
    fn a_figure_too_near_for_the_usual_digits_is_told_with_all_of_them() {
        let mut later = report();
        later.objectives[0].raw.availability = Some(0.990_000_000_1);
        assert_eq!(lines(&report(), &later), ["shop: availability: 0.99 -> 0.9900000001"]);
    }

    #[test]
    fn exclusions_and_objectives_come_and_go() {
        let mut later = report();
        later.policy_revision = Revision::from_recorded("p2");
        later.objectives[0].adjusted = Some(Figures { bad: 0, ..report().objectives[0].raw.clone() });
        let figures = "99.0 % (98.2 % to 99.5 %), undecided; 0 of 990 bad, 2 lost, 8 missing";
        let policy = "policy revision: p1 -> p2";
        let told = lines(&report(), &later);
        assert_eq!(told, [policy.to_owned(), format!("shop, with exclusions is new: {figures}")]);
        let back = lines(&later, &report());
        assert_eq!(back[1], format!("shop, with exclusions is gone (was: {figures})"));

        let mut other = report();
        other.objectives[0].name = ObjectiveName::new("admin").unwrap();
        let told = lines(&report(), &other);
        assert!(told[0].starts_with("objective shop is gone (was: 99.0 %"), "{told:?}");
        assert!(told[1].starts_with("objective admin is new: 99.0 %"), "{told:?}");
    }
}
