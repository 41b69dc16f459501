//! When nothing was learned of a server: it did not answer, the prober did not ask by its own fault, or nobody asked. What
//! is not known is never healthy, and whose silence it was is told apart.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::history::{AskedSeries, AskedSlots};
use crate::model::{Answer, Database, Sample, ServerName, Unknown};

/// A stretch of time in which nothing was learned of a server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// The server.
    pub server: ServerName,
    /// The last answer before it, or the first instant that was looked at.
    pub from: Timestamp,
    /// The first answer after it, or the last instant that was looked at.
    pub to: Timestamp,
    /// Why there was no answer: what most samples say in which the server was asked, else the prober's own fault; `None`
    /// when nobody asked.
    pub why: Option<Unknown>,
    /// Slots at which the server was asked in vain.
    #[serde(default)]
    pub unanswered: u64,
    /// Slots that the prober lost by its own fault.
    #[serde(default)]
    pub lost: u64,
}

/// Whether the prober itself is why nothing was learned: it did not come to ask, or has no password to ask with.
fn is_the_probers(why: Unknown) -> bool {
    matches!(why, Unknown::Lost | Unknown::NoSecret)
}

/// What was asked of a server, and how often it answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The server.
    pub server: ServerName,
    /// Samples of it, from all vantages.
    pub samples: u64,
    /// Those in which it answered.
    pub answered: u64,
    /// Those that passed by the prober's own fault.
    #[serde(default)]
    pub lost: u64,
    /// Slots that were due by what the workers declared; `None` where none declared it.
    #[serde(default)]
    pub due: Option<u64>,
}

impl Asked {
    /// Slots that were due and left no sample; 0 where nobody declared any.
    #[must_use]
    pub fn missing(&self) -> u64 {
        self.due.map_or(0, |due| due.saturating_sub(self.samples))
    }
}

/// Answers of all vantages further apart than this leave a silence: three intervals, and five seconds at least.
pub(super) fn longest_gap(database: &Database) -> SignedDuration {
    let intervals = SignedDuration::try_from(database.interval * 3).unwrap_or(SignedDuration::MAX);
    intervals.max(SignedDuration::from_secs(5))
}

/// How often each server of a database was asked, from all vantages together, by the slots of a span of time.
#[must_use]
pub fn asked(database: &Database, slots: &AskedSlots) -> Vec<Asked> {
    let of = |server: &ServerName| {
        let mut asked = Asked { server: server.clone(), samples: 0, answered: 0, lost: 0, due: None };
        let mine = |series: &AskedSeries| series.database == database.name && series.server == *server;
        for (_, one) in slots.series().iter().filter(|(series, _)| mine(series)) {
            asked.samples += one.recorded;
            asked.answered += one.recorded - one.lost - one.unknown;
            asked.lost += one.lost;
            asked.due = asked.due.map_or(one.expected, |due| Some(due + one.expected.unwrap_or(0)));
        }
        asked
    };
    database.servers.iter().map(|server| of(&server.name)).collect()
}

/// The silences of each server between two instants, by beginning.
pub(super) fn silences(database: &Database, samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> Vec<Silence> {
    let longest = longest_gap(database);
    let mut found = Vec::new();
    for server in &database.servers {
        let mine: Vec<&Sample> = samples.iter().copied().filter(|one| one.server == server.name).collect();
        let answered = mine.iter().filter(|one| matches!(one.answer, Answer::Facts(_))).map(|one| one.started);
        let mut known: Vec<Timestamp> = answered.filter(|at| (from..=to).contains(at)).collect();
        known.sort_unstable();
        let ends: Vec<Timestamp> = std::iter::once(from).chain(known).chain([to]).collect();
        for pair in ends.windows(2).filter(|pair| pair[1].duration_since(pair[0]) > longest) {
            found.push(silence(&server.name, &mine, (pair[0], pair[1])));
        }
    }
    found.sort_by_key(|silence| silence.from);
    found
}

/// Whose silence a stretch was, and why.
fn silence(server: &ServerName, samples: &[&Sample], (from, to): (Timestamp, Timestamp)) -> Silence {
    let mut reasons: BTreeMap<Unknown, u64> = BTreeMap::new();
    for sample in samples.iter().filter(|one| (from..=to).contains(&one.started)) {
        if let Answer::Unknown { why, .. } = &sample.answer {
            *reasons.entry(*why).or_default() += 1;
        }
    }
    let count =
        |its: bool| reasons.iter().filter(|(why, _)| is_the_probers(**why) == its).map(|(_, count)| count).sum();
    // One answer that did not come says more of the server than any number of questions that were not put.
    let why = reasons.iter().max_by_key(|(why, count)| (!is_the_probers(**why), **count)).map(|(why, _)| *why);
    Silence { server: server.clone(), from, to, why, unanswered: count(false), lost: count(true) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::model::{DatabaseName, DatabaseSchedule, Micros, ScheduleDeclaration, VantageName};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn sample(second: i64, why: Unknown) -> Sample {
        Sample {
            database: DatabaseName::new("auth").unwrap(),
            server: ServerName::new("db1").unwrap(),
            vantage: VantageName::new("berlin").unwrap(),
            slot: at(second),
            started: at(second),
            elapsed: Micros(0),
            answer: Answer::Unknown { why, message: String::new() },
        }
    }

    #[test]
    fn slots_that_were_due_and_not_asked_are_counted_beside_those_without_an_answer() {
        let berlin = VantageName::new("berlin").unwrap();
        let schedule = DatabaseSchedule {
            database: DatabaseName::new("auth").unwrap(),
            server: ServerName::new("db1").unwrap(),
            interval: Duration::from_secs(1),
            vantages: vec![berlin.clone()],
        };
        let declared = ScheduleDeclaration {
            vantage: berlin.clone(),
            labels: BTreeMap::new(),
            from: at(-100),
            flows: Vec::new(),
            databases: vec![schedule.clone()],
        };
        let mut slots = AskedSlots::new(&[declared], at(0), at(60));
        // Of sixty slots three leave nothing, two are lost, one is not answered.
        for (place, slot) in schedule.slots(&berlin, at(0), at(60)).enumerate().skip(3) {
            let why = if place < 5 { Unknown::Lost } else { Unknown::NoAnswer };
            slots.record(&Sample { slot, ..sample(0, why) });
        }
        let mut auth = crate::model::Database {
            name: schedule.database.clone(),
            engine: crate::model::Engine::PostgreSql,
            interval: schedule.interval,
            timeout: schedule.interval,
            database: String::new(),
            user: String::new(),
            password: None,
            tls: crate::model::TlsMode::Off,
            authority: None,
            login_role: None,
            flows: Vec::new(),
            servers: Vec::new(),
        };
        let server = |name: &str| crate::model::Server {
            name: ServerName::new(name).unwrap(),
            host: String::new(),
            port: 5432,
            role: crate::model::ServerRole::Primary,
            application_name: name.to_owned(),
            serves_reads: false,
        };
        auth.servers = vec![server("db1"), server("db2")];
        let [one, other] = asked(&auth, &slots).try_into().unwrap();
        assert_eq!((one.due, one.samples, one.lost, one.answered, one.missing()), (Some(60), 57, 2, 0, 3));
        assert_eq!((other.due, other.samples, other.missing()), (None, 0, 0), "nobody declared it: not known, not 0");
    }

    #[test]
    fn the_servers_silence_is_told_from_the_probers() {
        let told = |reasons: &[Unknown]| {
            let all: Vec<Sample> = (0..).zip(reasons).map(|(second, why)| sample(second, *why)).collect();
            let silence = silence(&all[0].server, &all.iter().collect::<Vec<_>>(), (at(0), at(60)));
            (silence.why, silence.unanswered, silence.lost)
        };
        assert_eq!(told(&[Unknown::Lost, Unknown::Lost, Unknown::NoAnswer]), (Some(Unknown::NoAnswer), 1, 2));
        assert_eq!(told(&[Unknown::Lost, Unknown::Lost]), (Some(Unknown::Lost), 0, 2));
        assert_eq!(told(&[Unknown::NoSecret]), (Some(Unknown::NoSecret), 0, 1), "no question left the prober");
        assert_eq!(told(&[Unknown::Starting, Unknown::NoAnswer, Unknown::NoAnswer]), (Some(Unknown::NoAnswer), 3, 0));
        let nobody = silence(&ServerName::new("db1").unwrap(), &[], (at(0), at(60)));
        assert_eq!((nobody.why, nobody.unanswered, nobody.lost), (None, 0, 0));
    }
}
