//! A diagnosis in sentences, each of which says no more than the evidence below it. Times are told in a zone, with their
//! date where asked for.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::audit::Drift;
use crate::incident::{Incident, Symptom};
use crate::model::{Micros, Nature, Severity, Unknown};
use crate::replication::{Change, Episode, Reading};
use crate::slo::notation::count;

use super::Diagnosis;
use super::database::DatabaseEvidence;
use super::lag_rule::{LAG_BYTES, LAG_TIME, LagRules};
use super::silence::Silence;

/// When no database was configured or sampled.
pub const NO_DATABASE: &str = "no database was watched: nothing can be said of replication";

/// What is said when logins were watched and databases too.
impl Diagnosis {
    /// The one sentence per database that stands in a list: the cause with its place and time, what logins met, and the
    /// last change before them; or that there is none, or that nothing is known.
    #[must_use]
    pub fn brief(&self, incident: &Incident, zone: &str) -> Vec<String> {
        let told = |one: &DatabaseEvidence| {
            let mut text = one.brief(zone);
            if one.names_cause() {
                text.extend(self.signatures.iter().map(|signatures| format!("; {}", signatures.sentence())));
                text.extend(one.last_change(incident).map(|change| format!("; {}", changed(change, zone))));
            }
            text
        };
        self.databases.iter().map(told).collect()
    }
}

impl DatabaseEvidence {
    /// Whether the findings name a cause.
    #[must_use]
    pub fn names_cause(&self) -> bool {
        matches!(self.explanation.reading, Reading::Cause(_))
    }

    /// The explanation, since when it holds, and what the logins met: no cause without its place in the evidence.
    #[must_use]
    pub fn brief(&self, zone: &str) -> String {
        let explanation = &self.explanation;
        let rule = match explanation.reading {
            Reading::Cause(rule) => format!(" ({rule}"),
            Reading::Clean | Reading::Unknown => return format!("{}: {}", self.database, explanation.sentence),
        };
        let place = explanation.evidence.first().map_or_else(String::new, |first| format!(" on {}", first.server));
        let since = explanation.since.map_or_else(String::new, |since| format!(", since {}", instant(since, zone)));
        format!("{}: {}{rule}{place}{since})", self.database, explanation.sentence)
    }

    /// The last change before the first failing login.
    fn last_change(&self, incident: &Incident) -> Option<&Change> {
        self.changes.iter().rfind(|change| change.earliest <= incident.first_failing)
    }

    /// What changed, as neighbours in time of the first failing or slow login.
    #[must_use]
    pub fn neighbours(&self, incident: &Incident, zone: &str) -> Vec<String> {
        let sampled = self.changes.iter().map(|change| neighbour(change, incident, zone));
        sampled.chain(self.drift.iter().map(|drift| drifted(drift, zone))).collect()
    }

    /// What held meanwhile, gravest first, causes before effects.
    #[must_use]
    pub fn held(&self, zone: &str) -> Vec<String> {
        let mut all: Vec<&Episode> = self.episodes.iter().collect();
        let weight =
            |it: &Episode| (std::cmp::Reverse(it.finding.severity), it.finding.nature == Nature::Effect, it.from);
        all.sort_by_key(|episode| weight(episode));
        all.into_iter().map(|one| format!("{}{}", held(one, zone), self.unfit(one))).collect()
    }

    /// Why a grave finding is not named as the cause; nothing where it may be.
    fn unfit(&self, episode: &Episode) -> String {
        let finding = &episode.finding;
        let grave = finding.severity == Severity::Critical;
        let mut also = self.also_seen.iter().filter(|one| (one.rule, &one.server) == (finding.rule, &finding.server));
        also.next().filter(|_| grave).map_or_else(String::new, |one| format!("; also seen, and no cause: {}", one.why))
    }

    /// What could not be known, server by server.
    #[must_use]
    pub fn unknown(&self, zone: &str) -> Vec<String> {
        self.silences.iter().map(|silence| unknown(silence, zone)).collect()
    }

    /// How often each server was asked.
    #[must_use]
    pub fn coverage(&self) -> String {
        let one = |asked: &super::Asked| {
            let (answered, samples) = (count(asked.answered), count(asked.samples));
            let mut text = format!("{} answered {answered} of {samples} times", asked.server);
            if asked.lost > 0 {
                text.push_str(&format!(" ({} passed by the prober's own fault)", asked.lost));
            }
            match (asked.due, asked.missing()) {
                (None, _) | (_, 0) => {}
                (Some(due), missing) => text.push_str(&format!(" ({missing} of {due} slots due left no sample)")),
            }
            text
        };
        self.asked.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    /// The usual rules about lag, replayed.
    #[must_use]
    pub fn lag_rules(&self, zone: &str) -> Vec<String> {
        lag_rules(&self.lag, zone)
    }

    /// Findings of a severity that held meanwhile.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.episodes.iter().filter(|episode| episode.finding.severity == severity).count()
    }
}

/// To the second, in a zone: `2024-03-05 09:00:05 UTC`.
fn instant(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `synchronous_standby_names changed at 2024-03-05 08:59:58 UTC`.
fn changed(change: &Change, zone: &str) -> String {
    format!("{} changed {}", change.setting, when(change, zone))
}

fn neighbour(change: &Change, incident: &Incident, zone: &str) -> String {
    let apart = apart(change.latest, incident.first_failing);
    let side = if change.latest <= incident.first_failing { "before" } else { "after" };
    let kind = match incident.symptom {
        Symptom::Failing => "failing",
        Symptom::Slow => "slow",
    };
    format!("{}, {apart} {side} the first {kind} login: a neighbour in time", change_in_words(change, zone))
}

/// What changed on which server, from what to what, and when.
#[must_use]
pub fn change_in_words(change: &Change, zone: &str) -> String {
    let quoted = |value: &str| if value.is_empty() { "nothing".to_owned() } else { format!("'{value}'") };
    format!(
        "{} on {} changed from {} to {} {}",
        change.setting,
        change.server,
        quoted(&change.before),
        quoted(&change.after),
        when(change, zone)
    )
}

/// The time between two instants: `2.1 s`, `14 min 58 s`.
fn apart(one: Timestamp, other: Timestamp) -> String {
    let micros = one.as_microsecond().abs_diff(other.as_microsecond());
    match micros / 1_000_000 {
        0..100 => format!("{:.1} s", Micros(micros).as_millis_f64() / 1000.0),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// What two snapshots differ in.
fn drifted(drift: &Drift, zone: &str) -> String {
    let value =
        |value: &Option<String>| value.as_ref().map_or_else(|| "nothing".to_owned(), |text| format!("'{text}'"));
    let when = match drift.loaded {
        Some(at) => format!("at {}", instant(at, zone)),
        None => format!("between {} and {}", instant(drift.earliest, zone), instant(drift.latest, zone)),
    };
    format!(
        "by two snapshots, {} on {} changed from {} to {} {when}: a neighbour in time",
        drift.what,
        drift.server,
        value(&drift.before),
        value(&drift.after)
    )
}

/// Samples so near each other tell an instant.
const NEAR: SignedDuration = SignedDuration::from_secs(2);

/// When a change took place: between two samples. The server's own time of loading is no better: each session notices a
/// reload with its next statement.
fn when(change: &Change, zone: &str) -> String {
    if change.latest.duration_since(change.earliest) <= NEAR {
        return format!("at {}", instant(change.latest, zone));
    }
    format!("between {} and {}", instant(change.earliest, zone), instant(change.latest, zone))
}

fn held(episode: &Episode, zone: &str) -> String {
    let finding = &episode.finding;
    let until = match episode.until {
        Some(until) => format!("until {}", instant(until, zone)),
        None => format!("seen last at {}", instant(episode.last, zone)),
    };
    let vantages: Vec<&str> = episode.vantages.iter().map(crate::model::VantageName::as_str).collect();
    format!(
        "{} {} on {}, from {} {until}, {} from {}: {}",
        finding.severity,
        finding.rule,
        finding.server,
        instant(episode.from, zone),
        if episode.samples == 1 { "1 sample".to_owned() } else { format!("{} samples", count(episode.samples)) },
        vantages.join(" and "),
        finding.seen
    )
}

fn unknown(silence: &Silence, zone: &str) -> String {
    let stretch = format!("from {} to {}", instant(silence.from, zone), instant(silence.to, zone));
    match silence.why {
        Some(why) if silence.unanswered == 0 && silence.lost > 0 => format!(
            "the prober did not ask {} {stretch} by its own fault ({}): nothing can be said of it for that time",
            silence.server,
            reason(why)
        ),
        Some(why) => {
            let lost = match silence.lost {
                0 => String::new(),
                lost => format!("; at {lost} more slots the prober did not ask by its own fault"),
            };
            format!(
                "{} could not be asked {stretch} ({}{lost}): nothing can be said of it for that time",
                silence.server,
                reason(why)
            )
        }
        None => format!("nobody asked {} {stretch}: nothing can be said of it for that time", silence.server),
    }
}

/// The reason in words.
fn reason(why: Unknown) -> &'static str {
    match why {
        Unknown::Unreachable => "nothing listens there",
        Unknown::NoAnswer => "no answer",
        Unknown::LoginRefused => "it refused the role or its password",
        Unknown::NoConnectionLeft => "no connection left",
        Unknown::Starting => "it was starting or stopping",
        Unknown::Tls => "no TLS",
        Unknown::NoRights => "the role may not see it",
        Unknown::Version => "a version that is not supported",
        Unknown::Garbled => "an answer that cannot be understood",
        Unknown::NoSecret => "the role's secret could not be read",
        Unknown::Lost => "slots passed unserved",
    }
}

fn lag_rules(lag: &LagRules, zone: &str) -> Vec<String> {
    let fired = |fired: Option<Timestamp>| match fired {
        Some(at) => format!("would have fired at {}", instant(at, zone)),
        None => "would never have fired".to_owned(),
    };
    let mut lines = Vec::new();
    if let Some(bytes) = lag.bytes {
        lines.push(format!(
            "the usual rule 'lag above {} MB', replayed over {} samples, {}: the largest lag was {} bytes",
            LAG_BYTES / 1_048_576,
            count(lag.samples),
            fired(lag.bytes_fired),
            count(bytes)
        ));
    }
    if let Some(time) = lag.time {
        let largest = if time.0 == 0 { "there was no lag".to_owned() } else { format!("the largest was {time}") };
        lines.push(format!(
            "the usual rule 'lag above {} s', replayed, {}: {largest}",
            LAG_TIME.0 / 1_000_000,
            fired(lag.time_fired)
        ));
    }
    lines
}
