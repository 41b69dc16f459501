//! Watches a database from one vantage, sample by sample: asks each rule about each answer, remembers what was seen, and
//! says what holds. Needs the last answer of each server and a bounded history; the time is that of the samples.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::episode::Episode;
use super::evidence::{Look, Need, Run, Sighting, Track};
use super::explanation::{self, Explanation, Told};
use super::history::History;
use super::rules::Check;
use super::view::{Peer, View, after};
use super::{connection, mariadb, rules, unknown, words};
use crate::model::{
    Answer, Database, Engine, Facts, Finding, MariaFacts, Nature, PostgresFacts, Rule, Sample, Server, ServerName,
    Unknown, VantageName,
};

/// What one vantage's samples of a database mean, up to the last one it was given.
#[derive(Debug, Clone)]
pub struct Watch {
    database: Database,
    latest: BTreeMap<ServerName, Latest>,
    tracks: BTreeMap<(ServerName, Rule), Tracked>,
    history: History,
    vantage: Option<VantageName>,
    now: Option<Timestamp>,
}

/// The last thing that is known of a server.
#[derive(Debug, Clone)]
struct Latest {
    /// When it was last asked.
    asked: Timestamp,
    /// Whether it said anything then.
    answered: bool,
    /// Its last answer, with when asking for it began.
    facts: Option<(Timestamp, Facts)>,
}

/// The sightings of a rule on a server.
#[derive(Debug, Clone)]
struct Tracked {
    nature: Nature,
    track: Track,
}

impl Watch {
    /// Watches this database, of which nothing is known yet.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self {
            database: database.clone(),
            latest: BTreeMap::new(),
            tracks: BTreeMap::new(),
            history: History::default(),
            vantage: None,
            now: None,
        }
    }

    /// Takes one sample; all must be of one vantage, and those of one server in the order of `started`: a server that is
    /// slow to answer may come after others that were asked later. Returns what ended with it. A sample of
    /// another database, or of a server that is not configured, means nothing.
    pub fn observe(&mut self, sample: &Sample) -> Vec<Episode> {
        let Some(server) = self.database.server(&sample.server).cloned() else { return Vec::new() };
        if sample.database != self.database.name {
            return Vec::new();
        }
        self.now = self.now.max(Some(sample.started));
        self.vantage.get_or_insert_with(|| sample.vantage.clone());
        let looks = match &sample.answer {
            Answer::Facts(facts) => self.answered(&server, sample, facts),
            Answer::Unknown { why, message } => self.unanswered(&server, sample.started, *why, message),
        };
        let gap = self.gap();
        let mut ended = Vec::new();
        for (rule, nature, need, look) in looks {
            let need = need.at_slots_of(self.database.interval);
            let tracked = self
                .tracks
                .entry((server.name.clone(), rule))
                .or_insert_with(|| Tracked { nature, track: Track::default() });
            if let Some(run) = tracked.track.take(need, sample.started, gap, look) {
                ended.extend(self.episode(&server.name, rule, nature, &run));
            }
        }
        ended
    }

    /// What holds now, gravest first; of equal weight, causes before effects. While its server says nothing, what held
    /// there still does, and says that it was not seen since.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut found: Vec<Finding> = self.told().into_iter().map(|told| told.finding).collect();
        found.extend(self.silent());
        sort(&mut found);
        found
    }

    /// What the findings mean together: the one cause that explains why logins fail, or that it is not the database.
    #[must_use]
    pub fn explanation(&self) -> Explanation {
        self.explanation_of(&|_| None)
    }

    /// The same of failures that are known: a finding of which `unfit` gives a reason is not named as their cause.
    pub(super) fn explanation_of(&self, unfit: &dyn Fn(&Finding) -> Option<String>) -> Explanation {
        let mut told = self.told();
        told.extend(self.silent().map(|finding| Told { clause: finding.seen.clone(), finding }));
        let unasked = self.database.servers.iter().filter(|server| !self.latest.contains_key(&server.name));
        let unasked: Vec<_> = unasked.map(|server| server.name.clone()).collect();
        explanation::why(&self.database, told, &unasked, unfit)
    }

    /// What holds still, as episodes without an end.
    #[must_use]
    pub fn open(&self) -> Vec<Episode> {
        let held = self.held();
        held.filter_map(|(server, rule, tracked, run)| self.episode(server, rule, tracked.nature, run)).collect()
    }

    /// Asks every rule about an answer.
    fn answered(&mut self, server: &Server, sample: &Sample, facts: &Facts) -> Vec<(Rule, Nature, Need, Look)> {
        let at = sample.started;
        let answered = after(at, sample.elapsed);
        match facts {
            Facts::PostgreSql(facts) => self.history.take(&server.name, answered, self.gap(), facts),
            Facts::MariaDb(facts) => self.history.take_mariadb(&server.name, answered, facts),
        }
        let (looks, known) = match facts {
            Facts::PostgreSql(facts) => {
                let view = self.view(server, at, facts);
                (look(rules::CHECKS, &view), unknown::missing(&view))
            }
            Facts::MariaDb(facts) => (look(mariadb::CHECKS, &self.view(server, at, facts)), None),
        };
        let facts = Some((at, facts.clone()));
        self.latest.insert(server.name.clone(), Latest { asked: at, answered: true, facts });
        let known = known.map_or(Look::Clear, Look::Holds);
        let known = (Rule::Unknown, Nature::Effect, unknown::ANSWERED, known);
        looks.into_iter().chain([known]).collect()
    }

    /// A server that says nothing: what was seen there stays as it was.
    fn unanswered(
        &mut self,
        server: &Server,
        at: Timestamp,
        why: Unknown,
        message: &str,
    ) -> Vec<(Rule, Nature, Need, Look)> {
        let latest = self.latest.entry(server.name.clone());
        let latest = latest.or_insert(Latest { asked: at, answered: false, facts: None });
        (latest.asked, latest.answered) = (at, false);
        if why == Unknown::NoConnectionLeft {
            let refused = Look::Holds(connection::refused(server, message));
            return vec![(Rule::ConnectionsExhausted, Nature::Effect, Need::every(1, 0), refused)];
        }
        let sighting = Look::Holds(unknown::sighting(server, why, message));
        vec![(Rule::Unknown, Nature::Effect, unknown::need(why), sighting)]
    }

    fn view<'a, F: Kind>(&'a self, server: &'a Server, at: Timestamp, facts: &'a F) -> View<'a, F> {
        let fresh = self.gap();
        let known = |other: &Server| {
            let (asked, facts) = self.latest.get(&other.name)?.facts.as_ref()?;
            Some((*asked, F::of(facts).filter(|_| at.duration_since(*asked) <= fresh)?))
        };
        let others = self.database.servers.iter().filter(|other| other.name != server.name);
        let peer = |server| known(server).map(|(asked, facts)| Peer { server, asked, facts });
        let (peers, before) = (others.filter_map(peer).collect(), known(server).map(|(_, facts)| facts));
        View { database: &self.database, server, at, facts, before, peers, gap: fresh, history: &self.history }
    }

    /// Answers further apart than this are no evidence of what was between them, and older ones are not compared with
    /// others: three intervals, but five seconds at least.
    fn gap(&self) -> SignedDuration {
        let intervals = SignedDuration::try_from(self.database.interval * 3).unwrap_or(SignedDuration::MAX);
        intervals.max(SignedDuration::from_secs(5))
    }

    fn held(&self) -> impl Iterator<Item = (&ServerName, Rule, &Tracked, &Run)> {
        self.tracks.iter().filter_map(|((server, rule), tracked)| {
            tracked.track.run().filter(|run| run.held).map(|run| (server, *rule, tracked, run))
        })
    }

    fn told(&self) -> Vec<Told> {
        let tell = |(server, rule, tracked, run): (&ServerName, Rule, &Tracked, &Run)| {
            let mut finding = self.finding(server, rule, tracked.nature, run.from, &run.now);
            let silent = self.latest.get(server).is_some_and(|latest| !latest.answered) && rule != Rule::Unknown;
            if silent && run.last < self.now.unwrap_or(run.last) {
                finding.seen = format!("{}; not known since {}", finding.seen, words::time(run.last));
            }
            Told { clause: run.now.clause.clone(), finding }
        };
        let mut told: Vec<Told> = self.held().map(tell).collect();
        told.sort_by(|one, other| order(&one.finding, &other.finding));
        told
    }

    /// Servers that were asked once and then no more, while others were.
    fn silent(&self) -> impl Iterator<Item = Finding> {
        let limit = self.gap();
        self.database.servers.iter().filter_map(move |server| {
            let latest = self.latest.get(&server.name)?;
            let age = self.now?.duration_since(latest.asked);
            let message = format!("no sample of it since {}", words::time(latest.asked));
            let sighting = unknown::sighting(server, Unknown::Lost, &message);
            let unheld = !self.held().any(|(held, rule, ..)| *held == server.name && rule == Rule::Unknown);
            (age > limit && unheld)
                .then(|| self.finding(&server.name, Rule::Unknown, Nature::Effect, latest.asked, &sighting))
        })
    }

    fn finding(
        &self,
        server: &ServerName,
        rule: Rule,
        nature: Nature,
        since: Timestamp,
        sighting: &Sighting,
    ) -> Finding {
        Finding {
            rule,
            nature,
            severity: sighting.severity,
            database: self.database.name.clone(),
            engine: self.database.engine,
            server: server.clone(),
            since,
            seen: format!("{}: {}", sighting.clause, sighting.values),
            logins: sighting.logins.clone(),
            fix: sighting.fix.clone(),
        }
    }

    fn episode(&self, server: &ServerName, rule: Rule, nature: Nature, run: &Run) -> Option<Episode> {
        Some(Episode {
            finding: self.finding(server, rule, nature, run.from, &run.gravest),
            from: run.from,
            last: run.last,
            until: run.gone.map(|(since, _)| since),
            vantages: vec![self.vantage.clone()?],
            samples: run.samples,
        })
    }
}

/// Gravest first, then two servers that both take writes, since each minute of that loses data; then causes, then by the
/// rule's place and the server's name.
pub(super) fn order(one: &Finding, other: &Finding) -> std::cmp::Ordering {
    let key = |it: &Finding| {
        (std::cmp::Reverse(it.severity), it.rule != Rule::TwoPrimaries, it.nature == Nature::Effect, it.rule)
    };
    key(one).cmp(&key(other)).then_with(|| one.server.cmp(&other.server))
}

fn sort(findings: &mut [Finding]) {
    findings.sort_by(order);
}

/// The rules that are asked of servers of this kind.
#[must_use]
pub fn rules_of(engine: Engine) -> Vec<Rule> {
    let asked: Vec<Rule> = match engine {
        Engine::PostgreSql => rules::CHECKS.iter().map(|check| check.rule).collect(),
        Engine::MariaDb => mariadb::CHECKS.iter().map(|check| check.rule).collect(),
    };
    asked.into_iter().chain([Rule::Unknown]).collect()
}

fn look<F>(checks: &[Check<F>], view: &View<'_, F>) -> Vec<(Rule, Nature, Need, Look)> {
    checks.iter().map(|check| (check.rule, check.nature, check.need, (check.look)(view))).collect()
}

/// The facts of one kind of server.
trait Kind: Sized {
    fn of(facts: &Facts) -> Option<&Self>;
}

impl Kind for PostgresFacts {
    fn of(facts: &Facts) -> Option<&Self> {
        match facts {
            Facts::PostgreSql(facts) => Some(facts),
            Facts::MariaDb(_) => None,
        }
    }
}

impl Kind for MariaFacts {
    fn of(facts: &Facts) -> Option<&Self> {
        match facts {
            Facts::MariaDb(facts) => Some(facts),
            Facts::PostgreSql(_) => None,
        }
    }
}
